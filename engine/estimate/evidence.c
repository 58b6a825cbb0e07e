/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log-likelihoods are summed, not likelihoods multiplied: 60 answers underflow a product of floats,
 * 500 contradictory ones a product of doubles. */
#include "estimate/evidence.h"

#include <assert.h>

void evidence_clear(struct evidence *evidence)
{
    evidence->n = 0;
    for (size_t q = 0; evidence->loglik && q < evidence->grid.n_node; q++)
        evidence->loglik[q] = 0.0;
}

void evidence_add(struct evidence *evidence, uint32_t item, unsigned score, double *node)
{
    const struct item *it = bank_item(evidence->bank, item);

    assert(score < it->n_cat);
    evidence->item[evidence->n] = item;
    evidence->score[evidence->n] = (uint8_t)score;
    evidence->n++;
    if (!evidence->loglik) return;
    grid_nodes(&evidence->grid, node);
    it->model->add_loglik(it, score, node, evidence->grid.n_node, evidence->loglik);
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
