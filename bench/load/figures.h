/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run of students came to, as rows of a table. */
#ifndef BENCH_LOAD_FIGURES_H
#define BENCH_LOAD_FIGURES_H

#include "bench/load/drive.h"

#include <jansson.h>

enum figure {
    FIGURE_RATE,  // answers a second
    FIGURE_P50,
    FIGURE_P90,
    FIGURE_P99,
    FIGURE_P999,
    FIGURE_MAX,     // of their times, us
    FIGURE_CPU,     // of the server for each answer, us
    FIGURE_COMMIT,  // answers a commit; NaN where nothing is written
    FIGURE_OTHERS,  // the share of the machine that other processes used
    N_FIGURE
};

struct figures {
    double value[N_FIGURE];
};

/* The quantiles of times, in the places of `out`. */
void figures_times(const struct histogram *times, struct figures *out);

/* Each figure's median over n runs [n]. */
void figures_median(const struct figures *runs, size_t n, struct figures *out);

/* A line of the table, which begins with figures_print_head; with ratios of rate and processor time
 * to `limit`, unless that is NULL. */
void figures_print_head(const char *first);
void figures_print(const char *label, const struct figures *figures, const struct figures *limit);

/* {label, answers_s, p50_us, ...}, which the caller owns. */
json_t *figures_json(const char *label, const struct figures *figures);

#endif
