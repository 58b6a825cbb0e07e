/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times taken, and their quantiles. */
#ifndef BENCH_COMMON_SAMPLE_H
#define BENCH_COMMON_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct sample;

/* Room for `cap` values. Ends the program without memory. */
struct sample *sample_new(size_t cap);
void sample_free(struct sample *sample);
void sample_clear(struct sample *sample);
void sample_add(struct sample *sample, double value);
/* The value that a share q of the sample does not exceed. Sorts. Pre: it is not empty. */
double sample_quantile(struct sample *sample, double q);

/* Nanoseconds that only go forward. */
int64_t sample_clock_ns(void);

#endif
