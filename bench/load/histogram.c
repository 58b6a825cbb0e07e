/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A value below 128 has a bucket of its own. Above, the bucket is told by the position of the
 * highest bit and the seven bits below it. */
#include "bench/load/histogram.h"

#include <math.h>

enum { FIRST = 1 << HISTOGRAM_BITS };

static unsigned bucket_of(uint64_t value)
{
    unsigned shift, bucket;

    if (value < FIRST) return (unsigned)value;
    shift = 63U - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
    bucket = ((shift + 1) << HISTOGRAM_BITS) + (unsigned)(value >> shift) - FIRST;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The greatest value of a bucket. */
static int64_t top_of(unsigned bucket)
{
    unsigned shift = bucket >> HISTOGRAM_BITS;
    uint64_t low = bucket & (FIRST - 1);

    if (shift == 0) return bucket;
    return (int64_t)(((low + FIRST + 1) << (shift - 1)) - 1);
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
    int64_t value = ns > 0 ? ns : 0;

    histogram->n++;
    histogram->count[bucket_of((uint64_t)value)]++;
    if (value > histogram->max_ns) histogram->max_ns = value;
}

int64_t histogram_quantile(const struct histogram *histogram, double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)histogram->n), seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += histogram->count[i];
        if (seen >= rank && seen > 0) {
            return top_of(i) < histogram->max_ns ? top_of(i) : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}
