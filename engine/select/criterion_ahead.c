/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Criteria that look one answer ahead, weighing each answer k by P_k at the present theta:
 *     MEPV   the posterior variance after the answer (Owen 1975; van der Linden 1998)
 *     MEI    the information at the estimate after the answer (van der Linden and Pashley 2000):
 *            MEI the observed information of the answer, MEI_fisher the expected one */
#include "estimate/mode.h"
#include "select/rough.h"
#include "select/weights.h"

#include <math.h>

/* The variance of the posterior to expect. Of an answer that no weight is left of, which only one
 * that cannot come has, there is none, and it adds nothing. */
static double expected_variance(const struct item *item, double theta, const double *variance)
{
    double p[LIMIT_CATS], sum = 0.0;

    item->model->prob(item, theta, p);
    for (unsigned k = 0; k < item->n_cat; k++) {
        if (isfinite(variance[k])) sum += p[k] * variance[k];
    }
    return sum;
}

/* Posterior variance after answer k, for every k. */
static void variances_after(const struct item *item, const struct weights *weights, double *out)
{
    double s0[LIMIT_CATS] = {0}, s1[LIMIT_CATS] = {0}, s2[LIMIT_CATS] = {0}, p[LIMIT_CATS];

    for (size_t q = 0; q < weights->n; q++) {
        item->model->prob(item, weights->node[q], p);
        for (unsigned k = 0; k < item->n_cat; k++) {
            s0[k] += weights->weight[q] * p[k];
            s1[k] += weights->weight[q] * p[k] * weights->node[q];
        }
    }
    for (size_t q = 0; q < weights->n; q++) {
        item->model->prob(item, weights->node[q], p);
        for (unsigned k = 0; k < item->n_cat; k++) {
            double r = weights->node[q] - s1[k] / s0[k];

            s2[k] += weights->weight[q] * p[k] * r * r;
        }
    }
    for (unsigned k = 0; k < item->n_cat; k++) out[k] = s2[k] / s0[k];
}

/* The same from the table. */
static void sum_mepv(const struct table_pass *pass, size_t first, double *out)
{
    const struct criterion_input *input = pass->input;
    struct item_block block = item_table_block(input->table, first);
    double mean[LIMIT_CATS][LANES], variance[LIMIT_CATS][LANES];

    lanes_best()->means(&block, &pass->nodes, mean);
    lanes_best()->variances(&block, &pass->nodes, (const double(*)[LANES])mean, variance);
    for (size_t i = first; i < first + LANES && i < bank_n_item(input->bank); i++) {
        const struct item *item = bank_item(input->bank, i);
        double own[LIMIT_CATS];

        for (unsigned k = 0; k < item->n_cat; k++) own[k] = variance[k][i - first];
        out[i - first] = expected_variance(item, input->theta, own);
    }
}

static void mepv(const struct criterion_input *input, const struct candidates *candidates,
                 double *out)
{
    struct weights weights;

    weights_make(input, true, &weights);
    weights_apply_rule(input, &weights);
    if (item_table_serves(input->table, ITEM_TABLE_P, weights.node, weights.n)) {
        struct table_pass pass = {.input = input};

        pass.nodes = (struct lane_nodes){weights.n, weights.node, weights.weight};
        table_pass_values(&pass, candidates, sum_mepv, 1.0, out);
        return;
    }
    for (size_t j = 0; j < candidates->n; j++) {
        const struct item *item = bank_item(input->bank, candidates_item(candidates, j));
        double variance[LIMIT_CATS];

        variances_after(item, &weights, variance);
        out[j] = expected_variance(item, input->theta, variance);
    }
}

/* The slope of the log posterior after one more answer. */
struct ahead {
    const struct criterion_input *input;
    const struct item *item;
    unsigned k;
};

static double slope_now(const struct criterion_input *input, double theta)
{
    const struct prior *prior = &input->spec->prior;
    struct info_terms none = {0};

    return evidence_score(input->evidence, theta) + prior->kind->d1(prior, theta, &none);
}

static double slope_ahead(double theta, void *context)
{
    const struct ahead *ahead = context;
    struct curve curve;

    ahead->item->model->curve(ahead->item, theta, &curve);
    return slope_now(ahead->input, theta) + curve.r1[ahead->k];
}

/* The posterior mode after answer k. base [n_node] is the slope without it at the scan's nodes, r1
 * [n_node] what it adds. */
static double mode_after(struct ahead *ahead, const double *base, const double *r1, size_t n_node)
{
    struct function f = {.value = slope_ahead, .context = ahead};
    struct estimate_workspace *workspace = ahead->input->workspace;
    struct estimate out = {0};

    for (size_t i = 0; i < n_node; i++) workspace->slope[i] = base[i] + r1[i];
    mode_of_scan(f, n_node, workspace, &out);
    return out.theta;
}

static double info_after(const struct item *item, unsigned k, double theta, bool observed)
{
    struct curve curve;

    item->model->curve(item, theta, &curve);
    return observed ? curve_observed(&curve, k) : curve_info(&curve);
}

/* The estimates after each answer, by the posterior mode. */
static void modes_after(const struct criterion_input *input, const struct item *item,
                        const double *base, size_t n_node, double *out)
{
    double r1[LIMIT_CATS][LIMIT_SCAN];

    for (size_t i = 0; i < n_node; i++) {
        struct curve curve;

        item->model->curve(item, input->workspace->node[i], &curve);
        for (unsigned k = 0; k < item->n_cat; k++) r1[k][i] = curve.r1[k];
    }
    for (unsigned k = 0; k < item->n_cat; k++) {
        struct ahead ahead = {.input = input, .item = item, .k = k};

        out[k] = mode_after(&ahead, base, r1[k], n_node);
    }
}

/* The answers so far and room for one more. */
struct longer {
    struct evidence evidence;
    uint32_t item[LIMIT_ANSWERS + 1];
    uint8_t score[LIMIT_ANSWERS + 1];
    double base[LIMIT_NODES], loglik[LIMIT_NODES];
};

static void longer_init(struct longer *longer, const struct criterion_input *input)
{
    const struct evidence *now = input->evidence;
    const struct grid *grid = &input->spec->grid;
    double node[LIMIT_NODES];

    longer->evidence = (struct evidence){.bank = input->bank,
                                         .item = longer->item,
                                         .score = longer->score,
                                         .grid = *grid,
                                         .loglik = longer->loglik};
    for (size_t j = 0; j < now->n; j++) {
        longer->item[j] = now->item[j];
        longer->score[j] = now->score[j];
    }
    grid_nodes(grid, node);
    evidence_loglik(now, node, grid->n_node, longer->base);
}

/* The estimate after answer k to an item, by any estimator. */
static double estimate_after(const struct criterion_input *input, struct longer *longer,
                             uint32_t item, unsigned k)
{
    struct estimate out;

    longer->evidence.n = input->evidence->n;
    for (size_t q = 0; q < longer->evidence.grid.n_node; q++) longer->loglik[q] = longer->base[q];
    evidence_add(&longer->evidence, item, k, input->workspace->node);
    input->ahead->solve(input->spec, &longer->evidence, input->workspace, &out);
    return out.theta;
}

static double expected_info(const struct criterion_input *input, const struct item *item,
                            const double *theta, bool observed)
{
    double p[LIMIT_CATS], sum = 0.0;

    item->model->prob(item, input->theta, p);
    for (unsigned k = 0; k < item->n_cat; k++) {
        sum += p[k] * info_after(item, k, theta[k], observed);
    }
    return sum;
}

/* By the mode: the answers so far are scored once, at the nodes of the scan for modes. */
static void mei_by_mode(const struct criterion_input *input, const struct candidates *candidates,
                        bool observed, double *out)
{
    struct estimate_workspace *workspace = input->workspace;
    double base[LIMIT_SCAN], theta[LIMIT_CATS];
    size_t n_node = mode_scan_nodes(input->spec->lower, input->spec->upper, workspace->node);

    for (size_t i = 0; i < n_node; i++) base[i] = slope_now(input, workspace->node[i]);
    for (size_t j = 0; j < candidates->n; j++) {
        const struct item *item = bank_item(input->bank, candidates_item(candidates, j));

        modes_after(input, item, base, n_node, theta);
        out[j] = expected_info(input, item, theta, observed);
    }
}

/* By EAP from the table: the estimate after answer k is the mean under the weights times P_k.
 * Where no weight is left, or an answer is too unlikely for one, it is not finite. */
static bool mei_of_table(const struct criterion_input *input, const struct candidates *candidates,
                         bool observed, double *out)
{
    double mean[LIMIT_CATS][LANES];
    size_t done = SIZE_MAX;
    struct weights weights;
    struct lane_nodes nodes;

    weights_make(input, true, &weights);
    if (!item_table_serves(input->table, ITEM_TABLE_P, weights.node, weights.n)) return false;
    for (size_t q = 0; q < weights.n; q++) weights.weight[q] *= grid_weight(&input->spec->grid, q);
    nodes = (struct lane_nodes){weights.n, weights.node, weights.weight};
    for (size_t j = 0; j < candidates->n; j++) {
        uint32_t i = candidates_item(candidates, j);
        const struct item *item = bank_item(input->bank, i);
        double theta[LIMIT_CATS];

        if (i / LANES != done) {
            struct item_block block = item_table_block(input->table, i);

            lanes_best()->means(&block, &nodes, mean);
            done = i / LANES;
        }
        for (unsigned k = 0; k < item->n_cat; k++) {
            theta[k] = mean[k][i % LANES];
            if (!isfinite(theta[k])) return false;
        }
        out[j] = expected_info(input, item, theta, observed);
    }
    return true;
}

static void mei_values(const struct criterion_input *input, const struct candidates *candidates,
                       bool observed, double *out)
{
    const struct prior_kind *kind = input->spec->prior.kind;
    struct longer longer;

    /* (A Jeffreys prior changes with the candidate, a uniform one has bounds of its own.) */
    if (input->ahead == &estimator_map && !kind->needs_info && !kind->is_bounded) {
        mei_by_mode(input, candidates, observed, out);
        return;
    }
    if (input->ahead == &estimator_eap && !kind->needs_info &&
        mei_of_table(input, candidates, observed, out)) {
        return;
    }
    longer_init(&longer, input);
    for (size_t j = 0; j < candidates->n; j++) {
        uint32_t item = candidates_item(candidates, j);
        const struct item *it = bank_item(input->bank, item);
        double theta[LIMIT_CATS];

        for (unsigned k = 0; k < it->n_cat; k++) {
            theta[k] = estimate_after(input, &longer, item, k);
        }
        out[j] = expected_info(input, it, theta, observed);
    }
}

static void mei_observed(const struct criterion_input *input, const struct candidates *candidates,
                         double *out)
{
    mei_values(input, candidates, true, out);
}

static void mei_fisher(const struct criterion_input *input, const struct candidates *candidates,
                       double *out)
{
    mei_values(input, candidates, false, out);
}

const struct criterion criterion_mepv = {
    .name = "MEPV", .smallest = true, .table = ITEM_TABLE_P, .values = mepv, .bounds = rough_mepv};
const struct criterion criterion_mei_observed = {
    .name = "MEI", .table = ITEM_TABLE_P, .values = mei_observed, .bounds = rough_mei};
const struct criterion criterion_mei_fisher = {
    .name = "MEI_fisher", .table = ITEM_TABLE_P, .values = mei_fisher, .bounds = rough_mei_fisher};
