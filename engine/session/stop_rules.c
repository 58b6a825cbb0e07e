/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules that look at counts, time and precision. Those that decide between classes are in
 * stop_classes.c. */
#include "session/stop.h"

#include <math.h>

static bool length_met(const double *arg, const struct stop_state *state)
{
    return state->n_answer >= arg[0];
}

static bool se_met(const double *arg, const struct stop_state *state)
{
    return state->se <= arg[0];
}

static bool se_change_met(const double *arg, const struct stop_state *state)
{
    return fabs(state->last_se - state->se) <= arg[0];  // false where nothing was known before
}

/* Predicted standard error reduction (Choi, Grady and Dodd 2011): what the best item left would
 * take off the standard error, by the posterior variance to expect of it. */
static bool pser_met(const double *arg, const struct stop_state *state)
{
    return state->se - sqrt(state->best_variance) <= arg[0];
}

static bool min_info_met(const double *arg, const struct stop_state *state)
{
    return state->best_info <= arg[0];
}

static bool time_met(const double *arg, const struct stop_state *state)
{
    return (double)state->active_ms >= arg[0];
}

const struct stop_rule stop_length = {
    .name = "length",
    .dims = DIMS_ANY,
    .params = {{"at", 1, LIMIT_ANSWERS, (double)NAN, true}},
    .is_cap = true,
    .met = length_met,
};
const struct stop_rule stop_se = {.name = "se",
                                  .dims = DIMS_ANY,
                                  .params = {{"at", 1e-6, 1e6, (double)NAN, false}},
                                  .met = se_met};
const struct stop_rule stop_se_change = {
    .name = "se_change", .params = {{"at", 0, 1e6, (double)NAN, false}}, .met = se_change_met};
const struct stop_rule stop_pser = {
    .name = "pser",
    .params = {{"at", 0, 1e6, (double)NAN, false}},
    .needs = STOP_NEEDS_VARIANCE,
    .met = pser_met,
};
const struct stop_rule stop_min_info = {
    .name = "min_info",
    .params = {{"at", 0, 1e6, (double)NAN, false}},
    .needs = STOP_NEEDS_INFO,
    .met = min_info_met,
};
const struct stop_rule stop_time = {
    .name = "time",
    .dims = DIMS_ANY,
    .params = {{"at_ms", 1, (double)LIMIT_INT, (double)NAN, true}},
    .met = time_met,
};
