/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Room at the end of a file, written before it is needed. */
#ifndef STORE_AHEAD_H
#define STORE_AHEAD_H

#include <stdint.h>

/* The store's file as far as is known: it ends at `end` or behind it. */
struct ahead {
    uint64_t end;
};

/* See to it that there is room behind the `used` bytes of the file; where there is not much left
 * more is written, as much again as is used and a mebibyte at most. A failure is no harm: whoever
 * needs the room then makes the file longer, and is told if it cannot. */
void ahead_keep(struct ahead *ahead, int fd, uint64_t used);

#endif
