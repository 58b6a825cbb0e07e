/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weighted likelihood (Warm 1989; Samejima 1998 for several categories): theta solves
 * S(theta) + J(theta) / (2 I(theta)) = 0 within bounds, J = sum over items and categories of
 * P' P'' / P. SE = 1 / sqrt(I). Of several roots the one where the weighted likelihood, the
 * integral of the left side, is highest. */
#include "estimate/mode.h"

#include <math.h>

static double slope(double theta, void *context)
{
    const struct evidence *evidence = context;
    double score = 0.0, j_sum = 0.0, info = 0.0;

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        struct curve curve;

        item->model->curve(item, theta, &curve);
        score += curve.r1[evidence->score[j]];
        j_sum += curve_j(&curve);
        info += curve_info(&curve);
    }
    return info > 0.0 ? score + j_sum / (2.0 * info) : score;
}

static void solve(const struct estimate_spec *spec, const struct evidence *evidence,
                  struct estimate_workspace *workspace, struct estimate *out)
{
    struct function f = {.value = slope, .context = (void *)(uintptr_t)evidence};

    *out = (struct estimate){.theta = fmax(spec->lower, fmin(spec->upper, 0.0)),
                             .se = (double)INFINITY};
    if (evidence->n == 0) return;
    mode_find(f, spec->lower, spec->upper, false, workspace, out);
    out->se = se_of_info(evidence_info(evidence, out->theta).i);
}

const struct estimator estimator_wle = {.name = "WLE", .uses_bounds = true, .solve = solve};
