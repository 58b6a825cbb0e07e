/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Robust estimation (Schuster and Yuan 2011): the score of each item is weighted by its residual
 * r = a (theta - b), so that answers to items far from theta count less.
 *     ROB_huber   w = min(1, H / |r|)                      (Huber 1964; Magis 2014)
 *     ROB_tukey   w = (1 - (r / B)^2)^2 inside |r| <= B    (Mislevy and Bock 1982)
 * theta solves sum w S = 0; SE = sqrt(sum w^2 I) / sum(w I). The sum can have several roots: the
 * one is taken where its integral is highest. Defined for items with two categories; for several, b
 * is the mean of the thresholds. */
#include "estimate/mode.h"

#include <math.h>

struct weighting {
    double (*weight)(double r, double tuning);
    double tuning;
    const struct evidence *evidence;
};

static double huber(double r, double tuning)
{
    return fabs(r) <= tuning ? 1.0 : tuning / fabs(r);
}

static double tukey(double r, double tuning)
{
    double s = r / tuning;

    return fabs(s) <= 1.0 ? (1.0 - s * s) * (1.0 - s * s) : 0.0;
}

static double residual(const struct item *item, double theta)
{
    return item->a * (theta - item_difficulty(item));
}

static double slope(double theta, void *context)
{
    const struct weighting *weighting = context;
    const struct evidence *evidence = weighting->evidence;
    double sum = 0.0;

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        struct curve curve;

        item->model->curve(item, theta, &curve);
        sum += weighting->weight(residual(item, theta), weighting->tuning) *
               curve.r1[evidence->score[j]];
    }
    return sum;
}

static double standard_error(const struct weighting *weighting, double theta)
{
    const struct evidence *evidence = weighting->evidence;
    double above = 0.0, below = 0.0;

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        double weight = weighting->weight(residual(item, theta), weighting->tuning);
        double info = item->model->info(item, theta);

        above += weight * weight * info;
        below += weight * info;
    }
    return below > 0.0 ? sqrt(above) / below : (double)INFINITY;
}

static void solve(const struct estimate_spec *spec, struct weighting *weighting,
                  struct estimate_workspace *workspace, struct estimate *out)
{
    struct function f = {.value = slope, .context = weighting};

    *out = (struct estimate){.theta = fmax(spec->lower, fmin(spec->upper, 0.0)),
                             .se = (double)INFINITY};
    if (weighting->evidence->n == 0) return;
    mode_find(f, spec->lower, spec->upper, false, workspace, out);
    out->se = standard_error(weighting, out->theta);
}

static void solve_huber(const struct estimate_spec *spec, const struct evidence *evidence,
                        struct estimate_workspace *workspace, struct estimate *out)
{
    struct weighting weighting = {.weight = huber, .tuning = 1.0, .evidence = evidence};

    if (spec->tuning > 0.0) weighting.tuning = spec->tuning;
    solve(spec, &weighting, workspace, out);
}

static void solve_tukey(const struct estimate_spec *spec, const struct evidence *evidence,
                        struct estimate_workspace *workspace, struct estimate *out)
{
    struct weighting weighting = {.weight = tukey, .tuning = 4.0, .evidence = evidence};

    if (spec->tuning > 0.0) weighting.tuning = spec->tuning;
    solve(spec, &weighting, workspace, out);
}

const struct estimator estimator_huber = {
    .name = "ROB_huber", .uses_bounds = true, .solve = solve_huber};
const struct estimator estimator_tukey = {
    .name = "ROB_tukey", .uses_bounds = true, .solve = solve_tukey};
