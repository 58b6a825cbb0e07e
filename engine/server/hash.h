/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uthash as all tables here use it: a failed growth of a table loses the new entry, which has a
 * `bool lost` for that, and the caller says NO_MEMORY. */
#ifndef SERVER_HASH_H
#define SERVER_HASH_H

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->lost = true)
#include <uthash.h>

/* A table grows when so many entries share a place, and each that is looked at is a wait for
 * memory: 2.5 to find one of 100,000 with uthash's 10, 1.4 with 7, for 16 bytes more an entry. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 7U

#endif
