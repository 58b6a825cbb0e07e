/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/priors.h"

#include <math.h>

static const struct prior_points six = {
    .n = 6,
    .theta = {-2.385, -1.1, 0.137, 0.385, 1.7, 3.1},
    .weight = {0.385, 1.7, 2.385, 0.7, 1.1, 0.137},
};

struct prior prior_of(const struct prior_kind *kind)
{
    return (struct prior){
        .kind = kind, .mean = 0.385, .sd = 1.1, .min = -2.385, .max = 3.1, .points = &six};
}

const struct prior_kind *prior_draw(struct dice *dice, const struct estimator *estimator)
{
    size_t n = 0, i;

    while (prior_kinds[n]) n++;
    do {
        i = dice_below(dice, n);
    } while (!estimator_takes(estimator, prior_kinds[i]));
    return prior_kinds[i];
}

struct prior prior_normal_table(const struct grid *grid, double mean, double sd,
                                struct prior_points *points)
{
    points->n = grid->n_node;
    grid_nodes(grid, points->theta);
    for (size_t q = 0; q < grid->n_node; q++) {
        double r = (points->theta[q] - mean) / sd;

        points->weight[q] = exp(-0.5 * r * r) / (sd * sqrt(2.0 * acos(-1.0)));
    }
    return (struct prior){
        .kind = &prior_table, .min = grid->min, .max = grid->max, .points = points};
}
