/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equally spaced quadrature nodes. */
#ifndef ESTIMATE_GRID_H
#define ESTIMATE_GRID_H

#include "base/slice.h"

/* Weights of the nodes: catR halves both ends (trapezoid), mirt does not (sum). */
enum grid_rule { GRID_TRAPEZOID, GRID_SUM, GRID_N_RULE };

extern const char *const grid_rule_names[GRID_N_RULE];

struct grid {
    double min, max;
    size_t n_node;  // 2 to LIMIT_NODES
    enum grid_rule rule;
};

/* theta [n_node]. */
void grid_nodes(const struct grid *grid, double *theta);
/* Node q by itself. */
double grid_node(const struct grid *grid, size_t q);
/* How many nodes a product of the grid with itself has in n_dim dimensions. */
size_t grid_product(const struct grid *grid, size_t n_dim);
/* The weight of node q, up to a constant. */
double grid_weight(const struct grid *grid, size_t q);
/* Multiply value [n_node] by the weights of the nodes. */
void grid_weigh(const struct grid *grid, double *value);
bool grid_equal(const struct grid *a, const struct grid *b);

#endif
