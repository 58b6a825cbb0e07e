/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evidence: the scored answers that an estimate is made from. */
#ifndef ESTIMATE_EVIDENCE_H
#define ESTIMATE_EVIDENCE_H

#include "estimate/answer_table.h"
#include "estimate/grid.h"
#include "estimate/prior.h"
#include "irt/bank.h"

/* Answers in the order they came. The arrays belong to the caller and have room for what he adds.
 * `loglik` [grid_product()], where it is not NULL, is kept at the log-likelihood of all answers at
 * the grid's nodes, so that the next estimate on that grid costs one answer's work. In several
 * dimensions the nodes are those of the product, the last dimension's next to each other. */
struct evidence {
    const struct bank *bank;
    uint32_t *item;  // [n]
    uint8_t *score;  // [n]
    size_t n;
    struct grid grid;
    double *loglik;
    const struct answer_table *table;  // of the bank on that grid, or NULL
};

/* Forget all answers. */
void evidence_clear(struct evidence *evidence);

/* Add an answer. `node` [grid.n_node] is scratch; it is not used where there is no loglik.
 * Pre: item is in the bank, score is one of its categories. */
void evidence_add(struct evidence *evidence, uint32_t item, unsigned score, double *node);

/* Log-likelihood of all answers at the nodes of `grid`, into loglik [grid_product()]. `node`
 * [grid->n_node] is scratch. */
void evidence_loglik_grid(const struct evidence *evidence, const struct grid *grid, double *node,
                          double *loglik);

/* Log-likelihood of all answers at theta[q], q < n, into loglik. */
void evidence_loglik(const struct evidence *evidence, const double *theta, size_t n,
                     double *loglik);

/* Whether the log-likelihood is concave in theta whatever the answers are. */
bool evidence_is_concave(const struct evidence *evidence);

/* Derivative of the log-likelihood by theta. */
double evidence_score(const struct evidence *evidence, double theta);

/* Test information of the answered items at theta, with derivatives. */
struct info_terms evidence_info(const struct evidence *evidence, double theta);

#endif
