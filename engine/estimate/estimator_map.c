/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maximum a posteriori (Samejima 1969; Birnbaum 1969): the mode of likelihood x prior within
 * bounds. SE = 1 / sqrt(I - (log prior)''). */
#include "estimate/dims.h"
#include "estimate/mode.h"

#include <math.h>

struct posterior {
    const struct prior *prior;
    const struct evidence *evidence;
};

static double slope(double theta, void *context)
{
    const struct posterior *posterior = context;
    const struct prior *prior = posterior->prior;
    struct info_terms info = {0};

    if (prior->kind->needs_info) info = evidence_info(posterior->evidence, theta);
    return evidence_score(posterior->evidence, theta) + prior->kind->d1(prior, theta, &info);
}

/* Without answers a uniform or a Jeffreys posterior is flat, and has a centre but no mode. */
static bool is_flat(const struct posterior *posterior, double lower, double upper)
{
    const struct prior *prior = posterior->prior;
    struct info_terms none = {0};

    return posterior->evidence->n == 0 && prior->kind->d1(prior, lower, &none) == 0.0 &&
           prior->kind->d1(prior, upper, &none) == 0.0;
}

static void solve(const struct estimate_spec *spec, const struct evidence *evidence,
                  struct estimate_workspace *workspace, struct estimate *out)
{
    const struct prior *prior = &spec->prior;
    struct posterior posterior = {.prior = prior, .evidence = evidence};
    struct function f = {.value = slope, .context = &posterior};
    double lower = prior->kind->is_bounded ? fmax(spec->lower, prior->min) : spec->lower;
    double upper = prior->kind->is_bounded ? fmin(spec->upper, prior->max) : spec->upper;
    bool concave = prior->kind->concave && evidence_is_concave(evidence);
    struct info_terms info;

    *out = (struct estimate){.theta = 0.5 * (lower + upper), .se = (double)INFINITY};
    if (is_flat(&posterior, lower, upper)) return;
    mode_find(f, lower, upper, concave, workspace, out);
    info = evidence_info(evidence, out->theta);
    out->se = se_of_info(info.i - prior->kind->d2(prior, out->theta, &info));
}

const struct estimator estimator_map = {
    .name = "MAP",
    .uses_prior = true,
    .uses_bounds = true,
    .needs_slope = true,
    .solve = solve,
    .solve_dims = dims_map_solve,
};
