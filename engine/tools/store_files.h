/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stores as files: copied, put back, made smaller. Errors come with a text in `fault`. */
#ifndef TOOLS_STORE_FILES_H
#define TOOLS_STORE_FILES_H

#include "base/fault.h"

#include <limits.h>
#include <stdint.h>

/* Write a copy of the store in `folder`, which a daemon may have open, to `file`. EXISTS,
 * IO_ERROR. */
MUST_CHECK enum status store_backup(const char *folder, const char *file, uint64_t *out_bytes,
                                    struct fault *fault);

/* Put a backup back, in two steps between which it is to be verified: it is copied into a folder
 * of its own below `folder`, whose path goes to out_part, and taken from there. EXISTS where
 * there is a store already. */
MUST_CHECK enum status store_restore_begin(const char *file, const char *folder,
                                           char out_part[PATH_MAX], struct fault *fault);
MUST_CHECK enum status store_restore_end(const char *folder, const char *part, struct fault *fault);
/* Between the two: CORRUPT where the mark in `folder` knows of events that the part lacks, with a
 * text that says how many. To put it there all the same the mark is forgotten. */
MUST_CHECK enum status store_restore_look(const char *folder, const char *part,
                                          struct fault *fault);
MUST_CHECK enum status store_forget_mark(const char *folder, struct fault *fault);
/* Clear the part away, whatever is there. */
void store_restore_clear(const char *part);

/* Write the store in `folder`, which nobody may have open, anew without its unused pages: what was
 * erased is then not in its file. Sizes before and after. BUSY, NOT_FOUND, IO_ERROR. */
MUST_CHECK enum status store_compact(const char *folder, uint64_t *out_before, uint64_t *out_after,
                                     struct fault *fault);

#endif
