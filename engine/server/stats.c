/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/stats.h"

#include <stddef.h>

/* Values below 8 have a bucket each; above, the power of two and the three bits below it. */
static size_t bucket_of(uint64_t us)
{
    unsigned log2;

    if (us < 8) return us;
    log2 = 63 - (unsigned)__builtin_clzll(us);
    return (size_t)(log2 - 2) * 8 + (us >> (log2 - 3) & 7);
}

static uint64_t bucket_top(size_t bucket)
{
    if (bucket < 8) return bucket;
    return (((uint64_t)(bucket % 8) + 9) << (bucket / 8 - 1)) - 1;
}

void stats_latency(struct stats *stats, int64_t us)
{
    uint64_t value = us > 0 ? (uint64_t)us : 0;

    stats->latency[bucket_of(value)]++;
    if (value > stats->latency_max_us) stats->latency_max_us = value;
}

uint64_t stats_quantile(const struct stats *stats, double q)
{
    uint64_t total = 0, below = 0;

    for (size_t i = 0; i < LATENCY_BUCKETS; i++) total += stats->latency[i];
    for (size_t i = 0; i < LATENCY_BUCKETS && total > 0; i++) {
        below += stats->latency[i];
        if ((double)below < q * (double)total) continue;
        return bucket_top(i) < stats->latency_max_us ? bucket_top(i) : stats->latency_max_us;
    }
    return stats->latency_max_us;
}
