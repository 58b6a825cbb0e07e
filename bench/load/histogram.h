/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histogram: how often times came, in buckets that grow with the time (Gil Tene's HdrHistogram,
 * 2012): any number of them in a fixed size, and every quantile within 1 / 128 of itself. */
#ifndef BENCH_LOAD_HISTOGRAM_H
#define BENCH_LOAD_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 7,        // 128 buckets for each doubling
    HISTOGRAM_DOUBLINGS = 36,  // the last bucket holds all from 2^42 ns (73 minutes) on
    HISTOGRAM_BUCKETS = (HISTOGRAM_DOUBLINGS + 1) << HISTOGRAM_BITS,
};

/* Start from {0}. */
struct histogram {
    uint64_t n;
    int64_t max_ns;
    uint64_t count[HISTOGRAM_BUCKETS];
};

/* Add a time; one below 0 counts as 0. */
void histogram_add(struct histogram *histogram, int64_t ns);

/* The time that a share q of them does not exceed: the greatest of its bucket, and never more than
 * the greatest of all. 0 where there are none. */
int64_t histogram_quantile(const struct histogram *histogram, double q);

#endif
