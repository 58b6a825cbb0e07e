/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/common/sample.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

struct sample {
    size_t n, cap;
    double value[];
};

struct sample *sample_new(size_t cap)
{
    struct sample *sample = calloc(1, sizeof(*sample) + cap * sizeof(double));

    if (!sample) {
        fprintf(stderr, "bench: no memory\n");
        exit(EX_OSERR);
    }
    sample->cap = cap;
    return sample;
}

void sample_free(struct sample *sample)
{
    free(sample);
}

void sample_clear(struct sample *sample)
{
    sample->n = 0;
}

void sample_add(struct sample *sample, double value)
{
    assert(sample->n < sample->cap);
    sample->value[sample->n++] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double sample_quantile(struct sample *sample, double q)
{
    size_t at = (size_t)(q * (double)(sample->n - 1) + 0.5);

    assert(sample->n > 0);
    qsort(sample->value, sample->n, sizeof(double), compare);
    return sample->value[at];
}

int64_t sample_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
