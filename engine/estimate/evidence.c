/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log-likelihoods are summed, not likelihoods multiplied: 60 answers underflow a product of floats,
 * 500 contradictory ones a product of doubles. */
#include "estimate/evidence.h"

#include <assert.h>

void evidence_clear(struct evidence *evidence)
{
    size_t n_node = grid_product(&evidence->grid, bank_n_dim(evidence->bank));

    evidence->n = 0;
    for (size_t q = 0; evidence->loglik && q < n_node; q++) evidence->loglik[q] = 0.0;
}

/* Add log P_k at all nodes of the product, row by row of its last dimension; `t` [grid->n_node] is
 * for the row's predictors. */
static void add_product(const struct item *item, unsigned k, const struct grid *grid, double *t,
                        double *loglik)
{
    size_t n = grid->n_node, n_dim = item->n_dim, n_row = grid_product(grid, n_dim - 1);
    const double *a = item->direction;

    for (size_t row = 0; row < n_row; row++) {
        double base = 0.0;
        size_t rest = row;

        for (size_t m = n_dim - 1; m-- > 0; rest /= n) base += a[m] * grid_node(grid, rest % n);
        for (size_t q = 0; q < n; q++) t[q] = base + a[n_dim - 1] * grid_node(grid, q);
        item->model->add_loglik(item, k, t, n, loglik + row * n);
    }
}

static void add_grid(const struct item *item, unsigned k, const struct grid *grid, double *node,
                     double *loglik)
{
    if (item->direction) {
        add_product(item, k, grid, node, loglik);
    } else {
        grid_nodes(grid, node);
        item->model->add_loglik(item, k, node, grid->n_node, loglik);
    }
}

void evidence_add(struct evidence *evidence, uint32_t item, unsigned score, double *node)
{
    const struct item *it = bank_item(evidence->bank, item);
    const double *known;

    assert(score < it->n_cat);
    evidence->item[evidence->n] = item;
    evidence->score[evidence->n] = (uint8_t)score;
    evidence->n++;
    if (!evidence->loglik) return;
    known = answer_table_row(evidence->table, &evidence->grid, item, score);
    if (!known) add_grid(it, score, &evidence->grid, node, evidence->loglik);
    for (size_t q = 0; known && q < evidence->grid.n_node; q++) evidence->loglik[q] += known[q];
}

void evidence_loglik_grid(const struct evidence *evidence, const struct grid *grid, double *node,
                          double *loglik)
{
    size_t n_node = grid_product(grid, bank_n_dim(evidence->bank));

    for (size_t q = 0; q < n_node; q++) loglik[q] = 0.0;
    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *it = bank_item(evidence->bank, evidence->item[j]);

        add_grid(it, evidence->score[j], grid, node, loglik);
    }
}

void evidence_loglik(const struct evidence *evidence, const double *theta, size_t n, double *loglik)
{
    for (size_t q = 0; q < n; q++) loglik[q] = 0.0;
    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *it = bank_item(evidence->bank, evidence->item[j]);

        it->model->add_loglik(it, evidence->score[j], theta, n, loglik);
    }
}

bool evidence_is_concave(const struct evidence *evidence)
{
    for (size_t j = 0; j < evidence->n; j++) {
        if (!bank_item(evidence->bank, evidence->item[j])->model->concave) return false;
    }
    return true;
}

double evidence_score(const struct evidence *evidence, double theta)
{
    double sum = 0.0;

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        struct curve curve;

        item->model->curve(item, theta, &curve);
        sum += curve.r1[evidence->score[j]];
    }
    return sum;
}

struct info_terms evidence_info(const struct evidence *evidence, double theta)
{
    struct info_terms sum = {0};

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        struct curve curve;

        item->model->curve(item, theta, &curve);
        sum.i += curve_info(&curve);
        sum.d1 += curve_info_d1(&curve);
        sum.d2 += curve_info_d2(&curve);
    }
    return sum;
}
