/* SPDX-License-Identifier: GPL-3.0-or-later */
/* With w_k = log P_k, the statistic is W = sum over items of (w_x - sum P_k w_k), of variance
 * sum of Var(w). The estimate solves r0 + sum over items of r_x = 0, r_k = P_k' / P_k (whose mean
 * is 0). Snijders: with c = sum Cov(w, r) / sum Var(r) and v = w - c r,
 *     lz* = (W + c r0) / sqrt(sum Var(v)). */
#include "estimate/person_fit.h"
#include "num/elementary.h"

/* How much of Var(w) must be left beside the score for lz*, and how near 0 the estimating equation
 * must be, in standard deviations of the score: rounding leaves 1e-13, a bound or a step far more.
 * (With one answer in two categories w is a line of r, and nothing is left.) */
#define LEFT   1e-9
#define SOLVED 1e-6

/* Sums over the answered items. */
struct sums {
    double w;  // W
    double var_w, cov;
    double var_r;  // the test information
    double j;      // of the weighted likelihood's r0
    double r;      // the score
};

static void add_item(struct sums *sums, const struct item *item, unsigned score, double theta)
{
    struct curve curve;
    double w[LIMIT_CATS], mean = 0.0;

    item->model->curve(item, theta, &curve);
    for (unsigned k = 0; k < item->n_cat; k++) {
        w[k] = item->model->log_prob(item, k, theta);
        mean += curve.p[k] * w[k];
    }
    for (unsigned k = 0; k < item->n_cat; k++) {
        sums->var_w += curve.p[k] * (w[k] - mean) * (w[k] - mean);
        sums->cov += curve.p[k] * (w[k] - mean) * curve.r1[k];
    }
    sums->var_r += curve_info(&curve);
    sums->w += w[score] - mean;
    sums->r += curve.r1[score];
    sums->j += curve_j(&curve);
}

/* r0 of the estimator's equation; NaN where it has none. Sinharay (2016) has the same for several
 * categories: his sums over categories are our covariances, as the mean of r is 0. */
static double score_constant(const struct estimate_spec *spec, const struct evidence *evidence,
                             const struct sums *sums, double theta)
{
    const struct prior *prior = &spec->prior;
    struct info_terms info = {0};

    if (spec->estimator == &estimator_ml) return 0.0;
    if (spec->estimator == &estimator_wle) return sums->j / (2.0 * sums->var_r);
    if (spec->estimator != &estimator_map) return (double)NAN;
    if (prior->kind->needs_info) info = evidence_info(evidence, theta);
    return prior->kind->d1(prior, theta, &info);
}

struct person_fit person_fit(const struct estimate_spec *spec, const struct evidence *evidence,
                             const double *theta)
{
    bool is_one = bank_n_dim(evidence->bank) == 1;
    struct person_fit fit = {.lz = (double)NAN, .lz_star = (double)NAN};
    struct sums sums = {0};
    double c, r0, variance;

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);

        add_item(&sums, item, evidence->score[j], item_predictor(item, theta));
    }
    if (!(sums.var_w > 0.0)) return fit;
    fit.lz = sums.w / sqrt(sums.var_w);
    if (!is_one || !(sums.var_r > 0.0)) return fit;
    c = sums.cov / sums.var_r;
    r0 = score_constant(spec, evidence, &sums, theta[0]);
    variance = sums.var_w - c * sums.cov;
    if (!(fabs(r0 + sums.r) <= SOLVED * sqrt(sums.var_r))) return fit;
    if (variance > LEFT * sums.var_w) fit.lz_star = (sums.w + c * r0) / sqrt(variance);
    return fit;
}
