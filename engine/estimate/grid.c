/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/grid.h"

const char *const grid_rule_names[GRID_N_RULE] = {"trapezoid", "sum"};

void grid_nodes(const struct grid *grid, double *theta)
{
    double step = (grid->max - grid->min) / (double)(grid->n_node - 1);

    for (int q = 0; q < (int)grid->n_node; q++) theta[q] = grid->min + q * step;
}

double grid_node(const struct grid *grid, size_t q)
{
    double step = (grid->max - grid->min) / (double)(grid->n_node - 1);

    return grid->min + (double)q * step;
}

size_t grid_product(const struct grid *grid, size_t n_dim)
{
    size_t n = 1;

    for (size_t m = 0; m < n_dim; m++) n *= grid->n_node;
    return n;
}

double grid_weight(const struct grid *grid, size_t q)
{
    bool is_end = q == 0 || q + 1 == grid->n_node;

    return grid->rule == GRID_TRAPEZOID && is_end ? 0.5 : 1.0;
}

void grid_weigh(const struct grid *grid, double *value)
{
    value[0] *= grid_weight(grid, 0);  // all but the ends have weight 1
    value[grid->n_node - 1] *= grid_weight(grid, grid->n_node - 1);
}

bool grid_equal(const struct grid *a, const struct grid *b)
{
    return a->min == b->min && a->max == b->max && a->n_node == b->n_node && a->rule == b->rule;
}
