/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counters and latency histograms of the loop. */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Eight buckets for each power of two: a quantile is at most an eighth too high. */
enum { LATENCY_BUCKETS = 64 * 8 };

struct latency {
    uint64_t count[LATENCY_BUCKETS];
    uint64_t sum_us, max_us;
};

/* An op is its number in the table of requests; the last stands for what names no op of it. A code
 * is its number in base/status.h, that of what leaves as `internal` INTERNAL's. */
enum { STATS_OPS = 64, STATS_NO_OP = STATS_OPS - 1, STATS_CODES = 32 };

struct stats {
    uint64_t requests, errors, answers, sessions_started, sessions_finished, commits, dropped;
    uint64_t busy;  // of the errors
    uint64_t replies[STATS_OPS][STATS_CODES];
    struct latency request;  // from the arrival to the reply's sending
    struct latency commit;
};

void stats_reply(struct stats *stats, size_t op, enum status status);
void stats_latency(struct stats *stats, int64_t us);  // of a reply

void latency_add(struct latency *latency, int64_t us);

/* What a share `q` (0 to 1) of the values did not exceed, in us; 0 before the first. */
uint64_t latency_quantile(const struct latency *latency, double q);

/* How many values there were below 2^log2 us, log2 from 3 to 63. */
uint64_t latency_below(const struct latency *latency, unsigned log2);

/* How many there were in all. */
uint64_t latency_n(const struct latency *latency);

#endif
