/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counters and the latency histogram of the loop. */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include <stdint.h>

/* Eight buckets for each power of two: a quantile is at most an eighth too high. */
enum { LATENCY_BUCKETS = 64 * 8 };

struct stats {
    uint64_t requests, errors, answers, sessions_started, sessions_finished, commits, dropped;
    uint64_t busy;                      // of the errors
    uint64_t latency[LATENCY_BUCKETS];  // of replies, in microseconds
    uint64_t latency_max_us;
};

void stats_latency(struct stats *stats, int64_t us);

/* The latency in us that a share `q` (0 to 1) of the replies did not exceed; 0 before the first. */
uint64_t stats_quantile(const struct stats *stats, double q);

#endif
