/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progressive (Revuelta and Ponsoda 1998) and proportional (Barrada et al. 2008): random at first,
 * by information more and more as the test goes on.
 *     progressive    W I_j + (1 - W) u_j M, M the largest I of all candidates, u_j uniform
 *     proportional   drawn with probability proportional to I_j^H */
#include "num/elementary.h"
#include "select/criterion.h"

static double power(double x, double exponent)
{
    if (exponent == 0.0) return 1.0;
    return x > 0.0 ? num_exp(exponent * num_log(x)) : 0.0;
}

double pace_weight(const struct pace *pace, size_t n, double se)
{
    double done = 0.0, all = 0.0, share;

    if (n == 0) return 0.0;
    if (pace->by == PACE_LENGTH) {
        for (size_t k = 1; k < (size_t)pace->at; k++) all += power((double)k, pace->acceleration);
        for (size_t k = 1; k <= n; k++) done += power((double)k, pace->acceleration);
        return all > 0.0 ? done / all : 1.0;
    }
    share = pace->max_items > 1 ? (double)n / (pace->max_items - 1) : 1.0;
    return power(fmax(pace->at * pace->at / (se * se), share), pace->acceleration);
}

/* The largest value of those that may be asked. */
static double largest(const struct candidates *candidates, const double *value)
{
    double top = 0.0;

    for (size_t j = 0; j < candidates->n; j++) {
        if (!blocked_has(candidates->blocked, candidates_item(candidates, j))) {
            top = fmax(top, value[j]);
        }
    }
    return top;
}

static void progressive(const struct criterion_input *input, const struct candidates *candidates,
                        double *out)
{
    double W = pace_weight(&input->pace, input->evidence->n, input->se), top;

    criterion_mfi.values(input, candidates, out);
    top = largest(candidates, out);
    for (size_t j = 0; j < candidates->n; j++) {
        double u = criterion_uniform(input, candidates_item(candidates, j));

        out[j] = W * out[j] + (1.0 - W) * u * top;
    }
}

/* H = at W by length, W / at^2 by standard error. Information is taken relative to the largest: H
 * may be in the thousands, and I^H beyond the doubles. */
static void proportional(const struct criterion_input *input, const struct candidates *candidates,
                         double *out)
{
    const struct pace *pace = &input->pace;
    double W = pace_weight(pace, input->evidence->n, input->se), sum = 0.0;
    double H = pace->by == PACE_LENGTH ? pace->at * W : W / (pace->at * pace->at);
    double top;

    criterion_mfi.values(input, candidates, out);
    top = largest(candidates, out);
    for (size_t j = 0; j < candidates->n; j++) {
        bool blocked = blocked_has(candidates->blocked, candidates_item(candidates, j));

        out[j] = blocked ? 0.0 : power(top > 0.0 ? out[j] / top : 1.0, H);
        sum += out[j];
    }
    for (size_t j = 0; j < candidates->n && sum > 0.0; j++) out[j] /= sum;
}

const struct criterion criterion_progressive = {
    .name = "progressive", .compares = true, .values = progressive};
const struct criterion criterion_proportional = {
    .name = "proportional", .drawn = true, .compares = true, .values = proportional};
