/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules that end a test when the examinee's class is known, with one cut or several: each cut
 * must be decided.
 *
 *   classify   the interval theta +- z se holds no cut (Kingsbury and Weiss 1983)
 *   sprt       Wald's (1947) sequential probability ratio test of cut + delta against cut - delta
 *              (Reckase 1983): log of the likelihood ratio outside
 *              [log(beta / (1 - alpha)), log((1 - beta) / alpha)]
 *   glr        the same with the likelihood's suprema on both sides of the indifference region, by
 *              the present theta where that lies outside it (Thompson 2009) */
#include "num/elementary.h"
#include "session/stop.h"

/* The default of z: the 97.5 % point of the normal distribution. */
#define Z_95 1.959963984540054

static bool classify_met(const double *arg, const struct stop_state *state)
{
    for (size_t i = 0; i < state->n_cut; i++) {
        if (!(fabs(state->theta - state->cuts[i].theta) > arg[0] * state->se)) return false;
    }
    return true;
}

/* Whether log L(high) - log L(low) is outside Wald's bounds. */
static bool is_decided(const double *arg, const struct stop_state *state, double low, double high)
{
    double theta[2] = {low, high}, loglik[2];
    double alpha = arg[0], beta = arg[1], ratio;

    evidence_loglik(state->evidence, theta, 2, loglik);
    ratio = loglik[1] - loglik[0];
    return ratio >= num_log((1.0 - beta) / alpha) || ratio <= num_log(beta / (1.0 - alpha));
}

static bool sprt_met(const double *arg, const struct stop_state *state)
{
    double delta = arg[2];

    for (size_t i = 0; i < state->n_cut; i++) {
        double cut = state->cuts[i].theta;

        if (!is_decided(arg, state, cut - delta, cut + delta)) return false;
    }
    return true;
}

static bool glr_met(const double *arg, const struct stop_state *state)
{
    double delta = arg[2];

    for (size_t i = 0; i < state->n_cut; i++) {
        double low = fmin(state->cuts[i].theta - delta, state->theta);
        double high = fmax(state->cuts[i].theta + delta, state->theta);

        if (!is_decided(arg, state, low, high)) return false;
    }
    return true;
}

#define RATIO_PARAMS                                                                               \
    {                                                                                              \
        {"alpha", 1e-9, 0.5, 0.05, false}, {"beta", 1e-9, 0.5, 0.05, false},                       \
        {                                                                                          \
            "delta", 1e-6, LIMIT_THETA, 0.2, false                                                 \
        }                                                                                          \
    }

const struct stop_rule stop_classify = {
    .name = "classify",
    .params = {{"z", 0, 100, Z_95, false}},
    .needs = STOP_NEEDS_CUTS,
    .met = classify_met,
};
const struct stop_rule stop_sprt = {
    .name = "sprt", .params = RATIO_PARAMS, .needs = STOP_NEEDS_CUTS, .met = sprt_met};
const struct stop_rule stop_glr = {
    .name = "glr", .params = RATIO_PARAMS, .needs = STOP_NEEDS_CUTS, .met = glr_met};
