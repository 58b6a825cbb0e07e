/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maximum likelihood within bounds (Lord 1980): the score is 0, or theta stands at a bound. */
#include "estimate/mode.h"

#include <math.h>

static double slope(double theta, void *context)
{
    return evidence_score(context, theta);
}

static void solve(const struct estimate_spec *spec, const struct evidence *evidence,
                  struct estimate_workspace *workspace, struct estimate *out)
{
    struct function f = {.value = slope, .context = (void *)(uintptr_t)evidence};

    *out = (struct estimate){.theta = fmax(spec->lower, fmin(spec->upper, 0.0)),
                             .se = (double)INFINITY};
    if (evidence->n == 0) return;
    mode_find(f, spec->lower, spec->upper, evidence_is_concave(evidence), workspace, out);
    out->se = se_of_info(evidence_info(evidence, out->theta).i);
}

const struct estimator estimator_ml = {.name = "ML", .uses_bounds = true, .solve = solve};
