/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/simulation_pictures.h"
#include "tools/svg_chart.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* What intervals of +-1.96 standard errors promise. */
#define NOMINAL_COVERAGE 0.95

enum { LINES = 3 };

#define COLUMN(field) offsetof(struct summary_group, field)

/* What is to be seen: numbers of the groups by their place in struct summary_group, and a level to
 * compare with (NaN: none). */
static const struct theta_picture {
    const char *title, *y_label;
    double y_min, y_max;
    double level;
    const char *level_name;
    size_t n_line;
    struct {
        const char *name;
        size_t column;
    } line[LINES];
} pictures[] = {
    [PICTURE_BIAS] = {.title = "Bias",
                      .y_label = "mean of estimate - theta",
                      .y_min = NAN,
                      .y_max = NAN,
                      .level = 0.0,
                      .n_line = 1,
                      .line = {{NULL, COLUMN(bias)}}},
    [PICTURE_ERRORS] = {.title = "Errors",
                        .y_label = "in units of theta",
                        .y_min = 0.0,
                        .y_max = NAN,
                        .level = NAN,
                        .n_line = 3,
                        .line = {{"RMSE", COLUMN(rmse)},
                                 {"mean SE", COLUMN(se)},
                                 {"SD of the errors", COLUMN(sd)}}},
    [PICTURE_COVERAGE] = {.title = "Coverage of estimate \u00b1 1.96 SE",
                          .y_label = "share that holds theta",
                          .y_min = NAN,
                          .y_max = 1.0,
                          .level = NOMINAL_COVERAGE,
                          .level_name = "0.95",
                          .n_line = 1,
                          .line = {{NULL, COLUMN(coverage)}}},
    [PICTURE_LENGTH] = {.title = "Length by theta",
                        .y_label = "mean number of items",
                        .y_min = 0.0,
                        .y_max = NAN,
                        .level = NAN,
                        .n_line = 1,
                        .line = {{NULL, COLUMN(length)}}},
};

static void take_column(const struct summary_theta *dim, size_t column, double *out)
{
    for (size_t g = 0; g < dim->n_group; g++) {
        const char *group = (const char *)&dim->group[g];

        out[g] = *(const double *)(const void *)(group + column);
    }
}

void picture_by_theta(const struct summary_theta *dim, enum picture picture, FILE *out)
{
    const struct theta_picture *what = &pictures[picture];
    double theta[SUMMARY_VALUES], y[LINES][SUMMARY_VALUES], level[SUMMARY_VALUES];
    size_t n = dim->n_group;
    struct svg_series series[LINES + 1];
    struct svg_chart chart = {.title = what->title,
                              .x = {.label = "true theta", .min = NAN, .max = NAN},
                              .y = {what->y_label, what->y_min, what->y_max, false},
                              .series = series,
                              .n_series = what->n_line + 1};

    take_column(dim, COLUMN(theta), theta);
    for (size_t g = 0; g < n; g++) level[g] = what->level;
    series[0] = (struct svg_series){what->level_name, SVG_RULE, theta, level, .n = n};
    for (size_t s = 0; s < what->n_line; s++) {
        take_column(dim, what->line[s].column, y[s]);
        series[s + 1] =
            (struct svg_series){what->line[s].name, SVG_DOTTED_LINE, theta, y[s], .n = n};
    }
    svg_chart_write(&chart, 0, 0, out);
}

void picture_estimates(const struct simulation *simulation, const double *theta,
                       const struct simulated *result, FILE *out)
{
    double x[PICTURE_DOTS], y[PICTURE_DOTS], ends[2] = {INFINITY, -INFINITY};
    size_t n_dim = bank_n_dim(simulation->plan->bank);
    size_t n_all = simulation->n_examinee, n = n_all < PICTURE_DOTS ? n_all : PICTURE_DOTS;
    const struct svg_series series[] = {{"estimate = theta", SVG_RULE, ends, ends, .n = 2},
                                        {"an examinee", SVG_DOTS, x, y, .n = n}};
    const struct svg_chart chart = {.title = "Estimates",
                                    .x = {.label = "true theta", .min = NAN, .max = NAN},
                                    .y = {.label = "estimate", .min = NAN, .max = NAN},
                                    .series = series,
                                    .n_series = 2};

    for (size_t j = 0; j < n; j++) {
        size_t i = j * n_all / n;

        x[j] = theta[i * n_dim];
        y[j] = result[i * n_dim].theta;
        if (!isfinite(y[j])) continue;
        ends[0] = fmin(ends[0], fmin(x[j], y[j]));
        ends[1] = fmax(ends[1], fmax(x[j], y[j]));
    }
    svg_chart_write(&chart, 0, 0, out);
}

void picture_lengths(const struct simulation_summary *summary, FILE *out)
{
    double x[LIMIT_ANSWERS + 1], y[LIMIT_ANSWERS + 1];
    size_t n = 0;
    const struct svg_chart chart = {
        .title = "Lengths",
        .x = {.label = "number of items", .min = NAN, .max = NAN, .whole = true},
        .y = {.label = "examinees", .min = 0.0, .max = NAN, .whole = true},
        .series = &(struct svg_series){NULL, SVG_BARS, x, y,
                                       .n = summary->length_max - summary->length_min + 1},
        .n_series = 1};

    for (unsigned length = summary->length_min; length <= summary->length_max; length++) {
        x[n] = length;
        y[n++] = (double)summary->length[length];
    }
    svg_chart_write(&chart, 0, 0, out);
}

static int compare_down(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

enum status picture_exposure(const struct simulation_summary *summary, FILE *out)
{
    size_t n = summary->n_item;
    double *rank = calloc(n, sizeof(*rank)), *rate = calloc(n, sizeof(*rate));
    const double ends[] = {1.0, (double)n}, level[] = {SUMMARY_EXPOSURE, SUMMARY_EXPOSURE};
    const struct svg_series series[] = {{"0.2", SVG_RULE, ends, level, .n = 2},
                                        {NULL, SVG_LINE, rank, rate, .n = n}};
    const struct svg_chart chart = {.title = "Exposure rates",
                                    .x = {"items, the most used first", 0.0, NAN, true},
                                    .y = {"share of examinees", 0.0, 1.0, false},
                                    .series = series,
                                    .n_series = 2};
    enum status st = rank && rate ? OK : NO_MEMORY;

    if (!st) {
        for (size_t i = 0; i < n; i++) {
            rank[i] = (double)(i + 1);
            rate[i] = summary->exposure[i];
        }
        qsort(rate, n, sizeof(*rate), compare_down);
        svg_chart_write(&chart, 0, 0, out);
    }
    free(rate);
    free(rank);
    return st;
}
