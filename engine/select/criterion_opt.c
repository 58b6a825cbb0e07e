/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bOpt: the item whose difficulty is nearest theta (Urry 1970). thOpt: the item whose information
 * peaks nearest theta (Magis 2013). For several categories the difficulty is the mean of the
 * thresholds. */
#include "estimate/mode.h"
#include "num/elementary.h"
#include "select/criterion.h"

/* Where the peak of an item with several categories is looked for, around its thresholds. */
#define PEAK_REACH 6.0

/* d log I / dP of the 4PL, falling from c to d: I = a^2 ((P - c)(d - P))^2 / ((d - c)^2 P (1 - P)).
 * (1 - P is written as (1 - d) + (d - P), so that neither end is lost to rounding.) */
static double log_info_slope(double s, void *context)
{
    const struct item *item = context;
    double width = item->d - item->c;
    double above = width * s, below = width * (1.0 - s);  // P - c and d - P

    return 2.0 / above - 2.0 / below - 1.0 / (item->c + above) + 1.0 / (1.0 - item->d + below);
}

/* The theta where the information of a 1PL to 4PL item is largest; s is the logistic there. */
static double logistic_peak(const struct item *item, struct estimate_workspace *workspace)
{
    struct function f = {.value = log_info_slope, .context = (void *)(uintptr_t)item};
    int iterations = 0;
    double s;

    if (item->c <= 0.0 && item->d >= 1.0) return item->b;
    s = root_in_bracket(workspace->finder, f, 0x1p-40, 1.0 - 0x1p-40, &iterations);
    return item->b + num_log(s / (1.0 - s)) / item->a;
}

static double info_slope(double theta, void *context)
{
    const struct item *item = context;
    struct curve curve;

    item->model->curve(item, theta, &curve);
    return curve_info_d1(&curve);
}

static double polytomous_peak(const struct item *item, struct estimate_workspace *workspace)
{
    struct function f = {.value = info_slope, .context = (void *)(uintptr_t)item};
    struct estimate out = {0};
    double low = item->steps[0], high = item->steps[0];

    for (unsigned k = 1; k + 1 < item->n_cat; k++) {
        low = fmin(low, item->steps[k]);
        high = fmax(high, item->steps[k]);
    }
    low = fmax(low - PEAK_REACH, -LIMIT_THETA);
    high = fmin(high + PEAK_REACH, LIMIT_THETA);
    mode_find(f, low, fmax(high, low + 1.0), false, workspace, &out);
    return out.theta;
}

static double peak(const struct item *item, struct estimate_workspace *workspace)
{
    return item->steps ? polytomous_peak(item, workspace) : logistic_peak(item, workspace);
}

static double difficulty(const struct item *item, struct estimate_workspace *workspace)
{
    (void)workspace;
    return item_difficulty(item);
}

/* The distances, from centres that are known where they are this criterion's. */
static void distances(const struct criterion *criterion, const struct criterion_input *input,
                      const struct candidates *candidates, double *out)
{
    const struct centres *centres = input->centres;

    if (centres && centres->criterion != criterion) centres = NULL;
    for (size_t j = 0; j < candidates->n; j++) {
        uint32_t i = candidates_item(candidates, j);
        double centre = centres ? centres->centre[i]
                                : criterion->centre(bank_item(input->bank, i), input->workspace);

        out[j] = fabs(centre - input->theta);
    }
}

static void bopt_values(const struct criterion_input *input, const struct candidates *candidates,
                        double *out)
{
    distances(&criterion_bopt, input, candidates, out);
}

static void thopt_values(const struct criterion_input *input, const struct candidates *candidates,
                         double *out)
{
    distances(&criterion_thopt, input, candidates, out);
}

const struct criterion criterion_bopt = {
    .name = "bOpt", .smallest = true, .centre = difficulty, .values = bopt_values};
const struct criterion criterion_thopt = {
    .name = "thOpt", .smallest = true, .centre = peak, .values = thopt_values};
