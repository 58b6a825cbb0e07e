/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/test_plot.h"
#include "tools/svg_chart.h"

#include <math.h>
#include <stdlib.h>

/* Thetas from -4 to 4 in steps of a twentieth. */
enum { POINTS = 161 };
#define THETA_MIN -4.0
#define THETA_MAX 4.0

/* A standard error beyond this says "nothing is known" and would flatten the rest. */
#define SE_MAX 1.5

enum { GAP = 12 };

static const struct svg_axis theta_axis = {"theta", THETA_MIN, THETA_MAX, false};

static double theta_of(size_t q)
{
    return THETA_MIN + (THETA_MAX - THETA_MIN) * (double)q / (POINTS - 1);
}

/* P of every category and the information, by theta. */
struct item_curves {
    double theta[POINTS], p[LIMIT_CATS][POINTS], info[POINTS];
};

static void take_curves(const struct item *item, struct item_curves *out)
{
    for (size_t q = 0; q < POINTS; q++) {
        double p[LIMIT_CATS];

        out->theta[q] = theta_of(q);
        item->model->prob(item, out->theta[q], p);
        for (unsigned k = 0; k < item->n_cat; k++) out->p[k][q] = p[k];
        out->info[q] = item->model->info(item, out->theta[q]);
    }
}

/* Of two categories the upper one says all. */
static void plot_item(const char *id, const struct item *item, double y, FILE *out)
{
    char title[LIMIT_ID + 40], names[LIMIT_CATS][16];
    unsigned first = item->n_cat == 2 ? 1 : 0;
    struct svg_series series[LIMIT_CATS];
    struct item_curves curves;
    struct svg_chart chart = {.title = title,
                              .x = theta_axis,
                              .y = {.label = "probability", .min = 0.0, .max = 1.0},
                              .series = series,
                              .n_series = item->n_cat - first};

    take_curves(item, &curves);
    for (unsigned k = first; k < item->n_cat; k++) {
        snprintf(names[k], sizeof(names[k]), "%u", k);
        series[k - first] = (struct svg_series){item->n_cat > 2 ? names[k] : NULL, SVG_LINE,
                                                curves.theta, curves.p[k], .n = POINTS};
    }
    snprintf(title, sizeof(title), "%s (%s): probability of %s", id, item->model->name,
             item->n_cat > 2 ? "each score" : "score 1");
    svg_chart_write(&chart, 0, y, out);
    snprintf(title, sizeof(title), "%s (%s): information", id, item->model->name);
    series[0] = (struct svg_series){NULL, SVG_LINE, curves.theta, curves.info, .n = POINTS};
    chart.y = (struct svg_axis){.label = "information", .min = 0.0, .max = NAN};
    chart.n_series = 1;
    svg_chart_write(&chart, SVG_CHART_WIDTH + GAP, y, out);
}

void plot_items(const struct bank *bank, const uint32_t *item, size_t n_item, FILE *out)
{
    double row = SVG_CHART_HEIGHT + GAP;

    svg_picture_begin(2 * SVG_CHART_WIDTH + GAP, row * (double)n_item - GAP,
                      n_item == 1 ? bank_id(bank, item[0]) : "items", out);
    for (size_t i = 0; i < n_item; i++) {
        plot_item(bank_id(bank, item[i]), bank_item(bank, item[i]), row * (double)i, out);
    }
    svg_picture_end(out);
}

/* By theta: of the whole bank, and of the best items at that theta. */
struct bank_curves {
    double theta[POINTS], all_info[POINTS], best_info[POINTS], all_se[POINTS], best_se[POINTS];
    char best_name[32];
};

static int compare_down(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

static enum status take_bank_curves(const struct plan *plan, struct bank_curves *out)
{
    size_t n_item = bank_n_item(plan->bank);
    double *info = calloc(n_item, sizeof(*info));

    if (!info) return NO_MEMORY;
    for (size_t q = 0; q < POINTS; q++) {
        double sum = 0.0;

        out->theta[q] = theta_of(q);
        bank_info_all(plan->bank, out->theta[q], info);
        qsort(info, n_item, sizeof(*info), compare_down);
        for (size_t i = 0; i < n_item; i++) {
            sum += info[i];
            if (i + 1 == plan->max_items) out->best_info[q] = sum;
        }
        out->all_info[q] = sum;
        out->all_se[q] = 1.0 / sqrt(sum);
        out->best_se[q] = 1.0 / sqrt(out->best_info[q]);
    }
    snprintf(out->best_name, sizeof(out->best_name), "best %u items", plan->max_items);
    free(info);
    return OK;
}

static void chart_info(const struct bank_curves *curves, FILE *out)
{
    const struct svg_series series[] = {
        {"whole bank", SVG_LINE, curves->theta, curves->all_info, .n = POINTS},
        {curves->best_name, SVG_LINE, curves->theta, curves->best_info, .n = POINTS}};
    const struct svg_chart chart = {
        "Information", theta_axis, {"information", 0.0, NAN, false}, series, COUNT_OF(series)};

    svg_chart_write(&chart, 0, 0, out);
}

static void chart_se(const struct bank_curves *curves, double x, FILE *out)
{
    const struct svg_series series[] = {
        {"whole bank", SVG_LINE, curves->theta, curves->all_se, .n = POINTS},
        {curves->best_name, SVG_LINE, curves->theta, curves->best_se, .n = POINTS}};
    double top = fmax(curves->best_se[0], curves->best_se[POINTS - 1]);
    const struct svg_chart chart = {
        "Standard error that the bank allows",
        theta_axis,
        {"1 / root of the information", 0.0, top > SE_MAX ? SE_MAX : (double)NAN, false},
        series,
        COUNT_OF(series)};

    svg_chart_write(&chart, x, 0, out);
}

enum status plot_test(const struct plan *plan, FILE *out)
{
    struct bank_curves curves;
    enum status st = take_bank_curves(plan, &curves);

    if (st) return st;
    svg_picture_begin(2 * SVG_CHART_WIDTH + GAP, SVG_CHART_HEIGHT, plan->test.name, out);
    chart_info(&curves, out);
    chart_se(&curves, SVG_CHART_WIDTH + GAP, out);
    svg_picture_end(out);
    return OK;
}

enum status plot_test_se(const struct plan *plan, FILE *out)
{
    struct bank_curves curves;
    enum status st = take_bank_curves(plan, &curves);

    if (!st) chart_se(&curves, 0, out);
    return st;
}
