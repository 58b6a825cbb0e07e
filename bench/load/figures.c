/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/figures.h"
#include "bench/common/sample.h"

#include <math.h>
#include <stdio.h>

static const char *const names[N_FIGURE] = {
    [FIGURE_RATE] = "answers_s", [FIGURE_P50] = "p50_us",
    [FIGURE_P90] = "p90_us",     [FIGURE_P99] = "p99_us",
    [FIGURE_P999] = "p999_us",   [FIGURE_MAX] = "max_us",
    [FIGURE_CPU] = "cpu_us",     [FIGURE_COMMIT] = "answers_a_commit",
    [FIGURE_OTHERS] = "others"};

void figures_times(const struct histogram *times, struct figures *out)
{
    out->value[FIGURE_P50] = (double)histogram_quantile(times, 0.5) / 1e3;
    out->value[FIGURE_P90] = (double)histogram_quantile(times, 0.9) / 1e3;
    out->value[FIGURE_P99] = (double)histogram_quantile(times, 0.99) / 1e3;
    out->value[FIGURE_P999] = (double)histogram_quantile(times, 0.999) / 1e3;
    out->value[FIGURE_MAX] = (double)times->max_ns / 1e3;
}

void figures_median(const struct figures *runs, size_t n, struct figures *out)
{
    struct sample *sample = sample_new(n);

    for (int f = 0; f < N_FIGURE; f++) {
        sample_clear(sample);
        for (size_t i = 0; i < n; i++) sample_add(sample, runs[i].value[f]);
        out->value[f] = sample_quantile(sample, 0.5);
    }
    sample_free(sample);
}

void figures_print_head(const char *first)
{
    printf("\n%-34s %9s %6s %8s %8s %8s %8s %8s %7s %6s %7s\n", first, "per s", "/ echo", "p50 us",
           "p90", "p99", "p99.9", "max", "CPU us", "/ echo", "commit");
}

static void print_ratio(double value, double limit)
{
    if (isfinite(value / limit))
        printf(" %6.2f", value / limit);
    else
        printf(" %6s", "");
}

void figures_print(const char *label, const struct figures *figures, const struct figures *limit)
{
    const double *value = figures->value;

    printf("%-34s %9.0f", label, value[FIGURE_RATE]);
    print_ratio(value[FIGURE_RATE], limit ? limit->value[FIGURE_RATE] : NAN);
    for (int f = FIGURE_P50; f <= FIGURE_MAX; f++) printf(" %8.0f", value[f]);
    if (isfinite(value[FIGURE_CPU]))
        printf(" %7.1f", value[FIGURE_CPU]);
    else
        printf(" %7s", "");
    print_ratio(value[FIGURE_CPU], limit ? limit->value[FIGURE_CPU] : NAN);
    if (isfinite(value[FIGURE_COMMIT])) printf(" %7.1f", value[FIGURE_COMMIT]);
    putchar('\n');
}

json_t *figures_json(const char *label, const struct figures *figures)
{
    json_t *out = json_pack("{s:s}", "what", label);

    for (int f = 0; f < N_FIGURE; f++) {
        if (!isfinite(figures->value[f])) continue;
        json_object_set_new(out, names[f], json_real(figures->value[f]));
    }
    return out;
}
