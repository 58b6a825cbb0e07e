/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What bounds a commit: an LMDB environment of default flags that records are appended to and
 * nothing else. Everything here ends the program on an error. */
#ifndef BENCH_MICRO_BARE_H
#define BENCH_MICRO_BARE_H

#include <stddef.h>

struct bare;

/* Where the records stand: in the unnamed table; in a named one; or in the unnamed one beside a
 * dozen named ones, under keys that sort behind the names. */
enum bare_kind { BARE_UNNAMED, BARE_NAMED, BARE_BESIDE, N_BARE };

struct bare *bare_open(const char *folder, enum bare_kind kind);
void bare_close(struct bare *bare);
/* Append n records of n_byte bytes, which is durable when it returns. */
void bare_commit(struct bare *bare, size_t n, size_t n_byte);

#endif
