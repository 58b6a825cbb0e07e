/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Criteria that weigh every theta by the likelihood, or by the posterior, of the answers so far:
 *     MLWI, MPWI   integral of the weight times I_j (Veerkamp and Berger 1997; van der Linden 1998)
 *     KL, KLP      integral of the weight times K_j, K_j(t) = sum over k of
 *                  P_k(theta) log(P_k(theta) / P_k(t)) (Chang and Ying 1996)
 *     GDI, GDIP    the variance of P_j under the weights (Kaplan, de la Torre and Barrada 2015);
 *                  for several categories the sum over k >= 1 of those of P_k, which for two is the
 *                  same */
#include "num/elementary.h"
#include "select/rough.h"
#include "select/weights.h"

/* What one node adds to a criterion's integral, and the same for a block of a table. */
struct integrand {
    double (*at)(const struct item *item, double theta, const double *log_p);
    enum item_table_kind table;
    void (*sum)(const struct table_pass *pass, size_t i, double *out);
};

static double info_at(const struct item *item, double theta, const double *log_p)
{
    (void)log_p;
    return item->model->info(item, theta);
}

/* log_p [n_cat] is log P_k at the present theta. */
static double divergence_at(const struct item *item, double theta, const double *log_p)
{
    double p[LIMIT_CATS], sum = 0.0;

    for (unsigned k = 0; k < item->n_cat; k++) p[k] = num_exp(log_p[k]);
    for (unsigned k = 0; k < item->n_cat; k++) {
        sum += p[k] * (log_p[k] - item->model->log_prob(item, k, theta));
    }
    return sum;
}

static void sum_info(const struct table_pass *pass, size_t i, double *out)
{
    struct item_block block = item_table_block(pass->input->table, i);

    lanes_best()->integral(&block, &pass->nodes, out);
}

/* log P_k and P_k of a block's items at the present theta; 0 where an item has no such k. */
static void sum_divergence(const struct table_pass *pass, size_t first, double *out)
{
    const struct bank *bank = pass->input->bank;
    struct item_block block = item_table_block(pass->input->table, first);
    double log_p[LIMIT_CATS][LANES] = {0}, p[LIMIT_CATS][LANES] = {0};

    for (size_t i = first; i < first + LANES && i < bank_n_item(bank); i++) {
        const struct item *item = bank_item(bank, i);

        for (unsigned k = 0; k < item->n_cat; k++) {
            log_p[k][i - first] = item->model->log_prob(item, k, pass->input->theta);
            p[k][i - first] = num_exp(log_p[k][i - first]);
        }
    }
    lanes_best()->divergence(&block, &pass->nodes, (const double(*)[LANES])p,
                             (const double(*)[LANES])log_p, out);
}

static const struct integrand info_integrand = {info_at, ITEM_TABLE_INFO, sum_info};
static const struct integrand divergence_integrand = {divergence_at, ITEM_TABLE_LOG_P,
                                                      sum_divergence};

static void integrate(const struct criterion_input *input, const struct candidates *candidates,
                      bool with_prior, const struct integrand *integrand, double *out)
{
    struct weights weights;

    weights_make(input, with_prior, &weights);
    if (item_table_serves(input->table, integrand->table, weights.node, weights.n)) {
        struct table_pass pass = {.input = input};

        weights_apply_rule(input, &weights);
        pass.nodes = (struct lane_nodes){weights.n, weights.node, weights.weight};
        table_pass_values(&pass, candidates, integrand->sum, weights.scale, out);
        return;
    }
    for (size_t j = 0; j < candidates->n; j++) {
        const struct item *item = bank_item(input->bank, candidates_item(candidates, j));
        double log_p[LIMIT_CATS], sum = 0.0;

        for (unsigned k = 0; k < item->n_cat; k++) {
            log_p[k] = item->model->log_prob(item, k, input->theta);
        }
        for (size_t q = 0; q < weights.n; q++) {
            sum += weights_rule(input, &weights, q) * weights.weight[q] *
                   integrand->at(item, weights.node[q], log_p);
        }
        out[j] = sum * weights.scale;
    }
}

static void mlwi(const struct criterion_input *input, const struct candidates *candidates,
                 double *out)
{
    integrate(input, candidates, false, &info_integrand, out);
}

static void mpwi(const struct criterion_input *input, const struct candidates *candidates,
                 double *out)
{
    integrate(input, candidates, true, &info_integrand, out);
}

static void kl(const struct criterion_input *input, const struct candidates *candidates,
               double *out)
{
    integrate(input, candidates, false, &divergence_integrand, out);
}

static void klp(const struct criterion_input *input, const struct candidates *candidates,
                double *out)
{
    integrate(input, candidates, true, &divergence_integrand, out);
}

/* The variances are taken around the mean, which a difference of squares would lose. */
static double discrimination(const struct item *item, const struct weights *weights, double total)
{
    double p[LIMIT_CATS], mean[LIMIT_CATS] = {0}, sum = 0.0;

    for (size_t q = 0; q < weights->n; q++) {
        item->model->prob(item, weights->node[q], p);
        for (unsigned k = 1; k < item->n_cat; k++) mean[k] += weights->weight[q] * p[k] / total;
    }
    for (size_t q = 0; q < weights->n; q++) {
        item->model->prob(item, weights->node[q], p);
        for (unsigned k = 1; k < item->n_cat; k++) {
            sum += weights->weight[q] * (p[k] - mean[k]) * (p[k] - mean[k]) / total;
        }
    }
    return sum;
}

static void sum_spread(const struct table_pass *pass, size_t i, double *out)
{
    struct item_block block = item_table_block(pass->input->table, i);

    lanes_best()->spread(&block, &pass->nodes, pass->total, out);
}

static void discriminate(const struct criterion_input *input, const struct candidates *candidates,
                         bool with_prior, double *out)
{
    struct weights weights;
    double total = 0.0;

    weights_make(input, with_prior, &weights);
    for (size_t q = 0; q < weights.n; q++) total += weights.weight[q];
    if (item_table_serves(input->table, ITEM_TABLE_P, weights.node, weights.n)) {
        struct table_pass pass = {.input = input, .total = total};

        pass.nodes = (struct lane_nodes){weights.n, weights.node, weights.weight};
        table_pass_values(&pass, candidates, sum_spread, 1.0, out);
        return;
    }
    for (size_t j = 0; j < candidates->n; j++) {
        const struct item *item = bank_item(input->bank, candidates_item(candidates, j));

        out[j] = discrimination(item, &weights, total);
    }
}

static void gdi(const struct criterion_input *input, const struct candidates *candidates,
                double *out)
{
    discriminate(input, candidates, false, out);
}

static void gdip(const struct criterion_input *input, const struct candidates *candidates,
                 double *out)
{
    discriminate(input, candidates, true, out);
}

const struct criterion criterion_mlwi = {
    .name = "MLWI", .table = ITEM_TABLE_INFO, .values = mlwi, .bounds = rough_mlwi};
const struct criterion criterion_mpwi = {
    .name = "MPWI", .table = ITEM_TABLE_INFO, .values = mpwi, .bounds = rough_mpwi};
const struct criterion criterion_kl = {
    .name = "KL", .table = ITEM_TABLE_LOG_P, .values = kl, .bounds = rough_kl};
const struct criterion criterion_klp = {
    .name = "KLP", .table = ITEM_TABLE_LOG_P, .values = klp, .bounds = rough_klp};
const struct criterion criterion_gdi = {
    .name = "GDI", .table = ITEM_TABLE_P, .values = gdi, .bounds = rough_gdi};
const struct criterion criterion_gdip = {
    .name = "GDIP", .table = ITEM_TABLE_P, .values = gdip, .bounds = rough_gdip};
