/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maximum likelihood with fences (Han 2016): two imagined 2PL items stand beside the answers, one
 * at the lower fence answered right and one at the upper fence answered wrong, so that every
 * pattern has a mode inside. SE = 1 / sqrt(I) of the items that were answered. */
#include "estimate/mode.h"
#include "num/elementary.h"

struct fenced {
    const struct fence *fence;
    const struct evidence *evidence;
};

static double slope(double theta, void *context)
{
    const struct fenced *fenced = context;
    const struct fence *fence = fenced->fence;
    double a = fence->slope;
    struct logistic low = num_logistic(a * (theta - fence->min));
    struct logistic high = num_logistic(a * (theta - fence->max));

    return evidence_score(fenced->evidence, theta) + a * low.v - a * high.u;
}

static void solve(const struct estimate_spec *spec, const struct evidence *evidence,
                  struct estimate_workspace *workspace, struct estimate *out)
{
    struct fenced fenced = {.fence = &spec->fence, .evidence = evidence};
    struct function f = {.value = slope, .context = &fenced};

    *out = (struct estimate){0};
    mode_find(f, spec->lower, spec->upper, evidence_is_concave(evidence), workspace, out);
    out->se = se_of_info(evidence_info(evidence, out->theta).i);
}

const struct estimator estimator_mlef = {.name = "MLEF", .uses_bounds = true, .solve = solve};
