/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/stats.h"

#include <assert.h>

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

static uint64_t sum_before(const struct latency *latency, size_t end)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < end; i++) sum += latency->count[i];
    return sum;
}

void latency_add(struct latency *latency, int64_t us)
{
    uint64_t value = us > 0 ? (uint64_t)us : 0;

    latency->count[bucket_of(value)]++;
    latency->sum_us += value;
    if (value > latency->max_us) latency->max_us = value;
}

uint64_t latency_quantile(const struct latency *latency, double q)
{
    uint64_t total = latency_n(latency), below = 0;

    for (size_t i = 0; i < LATENCY_BUCKETS && total > 0; i++) {
        below += latency->count[i];
        if ((double)below < q * (double)total) continue;
        return bucket_top(i) < latency->max_us ? bucket_top(i) : latency->max_us;
    }
    return latency->max_us;
}

uint64_t latency_below(const struct latency *latency, unsigned log2)
{
    assert(log2 >= 3 && log2 < 64);
    return sum_before(latency, bucket_of((uint64_t)1 << log2));
}

uint64_t latency_n(const struct latency *latency)
{
    return sum_before(latency, LATENCY_BUCKETS);
}

void stats_reply(struct stats *stats, size_t op, enum status status)
{
    size_t code = (size_t)status < STATS_CODES ? (size_t)status : INTERNAL;

    assert(op < STATS_OPS);
    stats->replies[op][code]++;
    if (status) stats->errors++;
    if (status == BUSY) stats->busy++;
}

void stats_latency(struct stats *stats, int64_t us)
{
    latency_add(&stats->request, us);
}
