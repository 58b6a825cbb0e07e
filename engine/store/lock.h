/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One process at a time: LMDB lets several in, and two daemons would ask the same student different
 * questions. */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "base/fault.h"

#include <stdbool.h>

/* Hold `folder` until *out_fd is closed, which the caller does in any case, -1 being none. Where it
 * cannot be written to, and only reading is wanted, nobody holds it. BUSY, IO_ERROR with a text in
 * `fault`. */
MUST_CHECK enum status lock_folder(const char *folder, bool read_only, int *out_fd,
                                   struct fault *fault);

/* Hold the store's file itself, by a descriptor of it, until that is closed: whoever clears away
 * lock files after a crash, or has the file under two names, lets nobody else write to it. BUSY. */
MUST_CHECK enum status lock_file(const char *folder, int fd, struct fault *fault);

#endif
