/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A prior's log density at the nodes of a grid: what is the same for every answer to a test.
 * Immutable. */
#ifndef ESTIMATE_GRID_PRIOR_H
#define ESTIMATE_GRID_PRIOR_H

#include "estimate/estimator.h"

struct grid_prior {
    size_t n;
    const double *node, *log_density;  // [n]
    double value[];
};

/* False without memory. *out is NULL where `spec` has no use for one: its estimator has no grid, or
 * its prior changes with the answers. */
bool grid_prior_new(const struct estimate_spec *spec, struct grid_prior **out);
void grid_prior_free(struct grid_prior *grid_prior);  // NULL is fine

#endif
