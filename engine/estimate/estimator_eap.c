/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected a posteriori (Bock and Mislevy 1982): the posterior's mean and standard deviation on a
 * grid of equally spaced nodes. */
#include "estimate/dims.h"
#include "estimate/grid_prior.h"
#include "irt/kernels.h"

#include <math.h>

/* Log density of the prior at the nodes: known beforehand, or worked out into workspace->slope. */
static const double *log_density(const struct estimate_spec *spec, const struct evidence *evidence,
                                 const double *node, struct estimate_workspace *workspace)
{
    const struct prior *prior = &spec->prior;
    struct info_terms info = {0};

    if (spec->grid_prior) return spec->grid_prior->log_density;
    for (size_t q = 0; q < spec->grid.n_node; q++) {
        if (prior->kind->needs_info) info = evidence_info(evidence, node[q]);
        workspace->slope[q] = prior->kind->log_density(prior, node[q], &info);
    }
    return workspace->slope;
}

_Static_assert(LIMIT_SCAN >= LIMIT_NODES, "there is room for the prior's density");

/* The largest of them, in four strands that need not wait for each other. */
static double largest(const double *x, size_t n)
{
    double top[4] = {-(double)INFINITY, -(double)INFINITY, -(double)INFINITY, -(double)INFINITY};

    size_t q = 0;

    for (; q + 4 <= n; q += 4) {
        for (size_t s = 0; s < 4; s++) top[s] = x[q + s] > top[s] ? x[q + s] : top[s];
    }
    for (; q < n; q++) top[0] = x[q] > top[0] ? x[q] : top[0];
    return fmax(fmax(top[0], top[1]), fmax(top[2], top[3]));
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
    const double *loglik = evidence->loglik, *node = workspace->node, *density;
    double *weight = workspace->weight;
    double top, sum = 0.0, mean = 0.0, variance = 0.0;

    if (spec->grid_prior)
        node = spec->grid_prior->node;
    else
        grid_nodes(grid, workspace->node);
    if (!loglik || !grid_equal(grid, &evidence->grid)) {
        evidence_loglik(evidence, node, grid->n_node, workspace->loglik);
        loglik = workspace->loglik;
    }
    density = log_density(spec, evidence, node, workspace);
    for (size_t q = 0; q < grid->n_node; q++) weight[q] = loglik[q] + density[q];
    top = largest(weight, grid->n_node);
    if (!(top > -(double)INFINITY)) {
        *out = between_nodes(&spec->prior);
        return;
    }
    kernels_best()->exp_less(top, grid->n_node, weight);
    grid_weigh(grid, weight);
    for (size_t q = 0; q < grid->n_node; q++) {
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
    .solve_dims = dims_eap_solve,
};
