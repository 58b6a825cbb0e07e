/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select/weights.h"
#include "estimate/grid_prior.h"
#include "irt/kernels.h"
#include "num/elementary.h"

/* Log-likelihood at the nodes: kept from answer to answer where it is for this grid. */
static void loglik_of(const struct evidence *evidence, const struct grid *grid, struct weights *out)
{
    if (!evidence->loglik || !grid_equal(grid, &evidence->grid)) {
        evidence_loglik(evidence, out->node, out->n, out->weight);
        return;
    }
    for (size_t q = 0; q < out->n; q++) out->weight[q] = evidence->loglik[q];
}

void weights_make(const struct criterion_input *input, bool with_prior, struct weights *out)
{
    const struct grid *grid = &input->spec->grid;
    const struct prior *prior = &input->spec->prior;
    struct estimate_workspace *workspace = input->workspace;
    const struct grid_prior *known = input->spec->grid_prior;
    struct info_terms info = {0};
    double top = -(double)INFINITY, log_total;

    *out = (struct weights){.n = grid->n_node,
                            .node = workspace->node,
                            .weight = workspace->weight,
                            .step = (grid->max - grid->min) / (double)(grid->n_node - 1)};
    grid_nodes(grid, out->node);
    loglik_of(input->evidence, grid, out);
    with_prior = with_prior && prior_reaches(prior, out->node, out->n);
    log_total = with_prior ? prior->kind->log_total(prior) : 0.0;
    for (size_t q = 0; q < out->n && with_prior; q++) {
        double density;

        if (prior->kind->needs_info) info = evidence_info(input->evidence, out->node[q]);
        density =
            known ? known->log_density[q] : prior->kind->log_density(prior, out->node[q], &info);
        out->weight[q] += density - log_total;
    }
    for (size_t q = 0; q < out->n; q++) top = fmax(top, out->weight[q]);
    kernels_best()->exp_less(top, out->n, out->weight);
    out->scale = num_exp(top);
    if (!(out->scale > 0.0)) out->scale = 1.0;
}

double weights_rule(const struct criterion_input *input, const struct weights *weights, size_t q)
{
    return weights->step * grid_weight(&input->spec->grid, q);
}

void weights_apply_rule(const struct criterion_input *input, struct weights *weights)
{
    for (size_t q = 0; q < weights->n; q++) weights->weight[q] *= weights_rule(input, weights, q);
}

void table_pass_values(const struct table_pass *pass, const struct candidates *candidates,
                       void (*sum)(const struct table_pass *pass, size_t first, double *out),
                       double scale, double *out)
{
    double value[LANES];
    size_t block = SIZE_MAX;

    for (size_t j = 0; j < candidates->n; j++) {
        size_t i = candidates_item(candidates, j);

        if (i / LANES != block) {
            block = i / LANES;
            sum(pass, block * LANES, value);
        }
        out[j] = scale * value[i % LANES];
    }
}
