/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uthash as all tables here use it: a failed growth of a table loses the new entry, which has a
 * `bool lost` for that, and the caller says NO_MEMORY. */
#ifndef SERVER_HASH_H
#define SERVER_HASH_H

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->lost = true)
#include <uthash.h>

#endif
