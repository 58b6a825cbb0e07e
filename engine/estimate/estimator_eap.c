/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected a posteriori (Bock and Mislevy 1982): the posterior's mean and standard deviation on a
 * grid of equally spaced nodes. */
#include "estimate/estimator.h"
#include "num/elementary.h"

#include <math.h>

/* Log posterior at the nodes into workspace->weight; its maximum is returned. */
static double log_posterior(const struct estimate_spec *spec, const struct evidence *evidence,
                            const double *loglik, struct estimate_workspace *workspace)
{
    const struct prior *prior = &spec->prior;
    struct info_terms info = {0};
    double top = -(double)INFINITY;

    for (size_t q = 0; q < spec->grid.n_node; q++) {
        double theta = workspace->node[q];

        if (prior->kind->needs_info) info = evidence_info(evidence, theta);
        workspace->weight[q] = loglik[q] + prior->kind->log_density(prior, theta, &info);
        if (workspace->weight[q] > top) top = workspace->weight[q];
    }
    return top;
}

/* The prior's own mean and standard deviation where it lies between two nodes: the answers have
 * nothing to tell apart. */
static struct estimate between_nodes(const struct prior *prior)
{
    struct estimate out = {0};

    prior->kind->moments(prior, &out.theta, &out.se);
    return out;
}

static void solve(const struct estimate_spec *spec, const struct evidence *evidence,
                  struct estimate_workspace *workspace, struct estimate *out)
{
    const struct grid *grid = &spec->grid;
    const double *loglik = evidence->loglik;
    const double *node = workspace->node;
    double *weight = workspace->weight;
    double top, sum = 0.0, mean = 0.0, variance = 0.0;

    grid_nodes(grid, workspace->node);
    if (!loglik || !grid_equal(grid, &evidence->grid)) {
        evidence_loglik(evidence, node, grid->n_node, workspace->loglik);
        loglik = workspace->loglik;
    }
    top = log_posterior(spec, evidence, loglik, workspace);
    if (!(top > -(double)INFINITY)) {
        *out = between_nodes(&spec->prior);
        return;
    }
    for (size_t q = 0; q < grid->n_node; q++) weight[q] = num_exp(weight[q] - top);
    for (size_t q = 0; q < grid->n_node; q++) {
        weight[q] *= grid_weight(grid, q);
        sum += weight[q];
        mean += weight[q] * node[q];
    }
    mean /= sum;
    for (size_t q = 0; q < grid->n_node; q++) {
        variance += weight[q] * (node[q] - mean) * (node[q] - mean);
    }
    *out = (struct estimate){.theta = mean, .se = sqrt(variance / sum)};
}

const struct estimator estimator_eap = {
    .name = "EAP",
    .uses_prior = true,
    .uses_grid = true,
    .solve = solve,
};
