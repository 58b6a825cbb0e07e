/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/grid_prior.h"

#include <stdlib.h>

bool grid_prior_new(const struct estimate_spec *spec, struct grid_prior **out)
{
    const struct prior *prior = &spec->prior;
    const struct info_terms none = {0};
    size_t n = spec->grid.n_node;
    struct grid_prior *made;

    *out = NULL;
    if (!spec->estimator->uses_grid || prior->kind->needs_info) return true;
    made = calloc(1, sizeof(*made) + 2 * n * sizeof(made->value[0]));
    if (!made) return false;
    made->n = n;
    made->node = made->value;
    made->log_density = made->value + n;
    grid_nodes(&spec->grid, made->value);
    for (size_t q = 0; q < n; q++) {
        made->value[n + q] = prior->kind->log_density(prior, made->node[q], &none);
    }
    *out = made;
    return true;
}

void grid_prior_free(struct grid_prior *grid_prior)
{
    free(grid_prior);
}
