/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder of the clients' certificates, a file at a time. */
#ifndef SERVER_KEY_FOLDER_H
#define SERVER_KEY_FOLDER_H

#include "server/keys.h"

struct key_folder;

/* List every file but those whose name begins with a dot. `limits` are those of a key that names
 * none of its own. NOT_FOUND where the folder cannot be read, FORBIDDEN where everybody may write
 * to it; NO_MEMORY. */
MUST_CHECK enum status key_folder_open(const char *path, const struct quota_limits *limits,
                                       struct key_folder **out, struct fault *fault);
/* Tells how many more were left out than were named. NULL is fine. */
void key_folder_close(struct key_folder *folder);

/* By name, so that of two files with the same key it is always the same that comes first. */
bool key_folder_is_at_end(const struct key_folder *folder);

/* Read the next file: its key and its number. False where it is no good certificate: it is left
 * out. Pre: not at the end. */
bool key_folder_next(struct key_folder *folder, struct key *out, size_t *out_file);

/* A file is named in the log as one that is left out; a folder full of something else does not fill
 * it. */
void key_folder_leave_out(struct key_folder *folder, size_t file, const struct fault *fault);

#endif
