/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A copy of the store as one file: complete and on disk, or not there. It has all that a daemon on
 * another machine needs, the key of the seals too. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/env.h"

/* Where a backup is copied from: an open store, or the folder of one that may be in use. */
struct backup_source {
    struct env *env;  // NULL: the folder
    const char *folder;
};

/* Write the file `path` (which stands in a folder that is there; a file beside it with ".part" is
 * used meanwhile). EXISTS where there is one, IO_ERROR; with a text in `fault`. */
MUST_CHECK enum status backup_write(struct backup_source source, const char *path,
                                    uint64_t *out_bytes, struct fault *fault);

/* Rename `from` to `to` on the same file system, durably, and never over a file. */
MUST_CHECK enum status backup_place(const char *from, const char *to, struct fault *fault);

/* The names in the folder of `path` are on disk. */
MUST_CHECK enum status backup_sync_folder(const char *path, struct fault *fault);

#endif
