/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the loop tells of itself on every tick: a value, for the thread of the metrics. */
#ifndef SERVER_SAMPLE_H
#define SERVER_SAMPLE_H

#include "server/stats.h"

#include <stdbool.h>

struct loop;

struct sample {
    struct stats stats;
    int64_t taken_us;  // on the steady clock
    uint64_t sessions_live, banks, tests, uploads;
    uint64_t waiting;  // requests not begun
    uint64_t helped;   // requests that a helper has
    uint64_t store_used_bytes, store_map_bytes;
    uint64_t disk_free_bytes;
    bool draining, disk_is_low, store_is_up;
};

void sample_take(const struct loop *loop, struct sample *out);

#endif
