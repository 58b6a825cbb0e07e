/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that is made up: its clocks, its disk and its memory do what the program says. It
 * stands in for the C library's clock_gettime, pwrite, writev and fdatasync, and for malloc, calloc
 * and realloc of the engine (linked with --wrap). */
#ifndef FATE_MACHINE_H
#define FATE_MACHINE_H

#include "base/slice.h"

/* The clocks, in microseconds. Both stand still until they are set. */
void machine_set_clock(int64_t forward_us, int64_t wall_us);

/* Watch this file, the data file of a store: its content becomes `image`, and all of it is on disk.
 * Forgets any failure to come. */
void machine_set_disk(const char *path, struct slice image);

/* From the n-th write or sync on the disk fails; 0: not at all. */
void machine_fail_disk(uint64_t n);

/* What is in the file now: a process that was killed leaves that. */
void machine_read(const char *path, struct buf *out);

/* What a power cut leaves: what was synced, and of the rest chunks of 512 bytes as `seed` decides.
 */
void machine_power_cut(uint64_t seed, struct buf *out);

/* The n-th allocation of the engine fails, once; 0: none. */
void machine_fail_memory(uint64_t n);

#endif
