/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Graded response model (Samejima 1969): P(X >= k) = F_k = 1 / (1 + exp(-a (theta - b_k))), and its
 * rating scale form, the modified graded response model (Muraki 1990): b_k = b - c_k.
 *
 * P_k = F_k - F_(k+1) is formed without subtraction:
 *     P_k = F_k (1 - F_(k+1)) (1 - exp(-a (b_(k+1) - b_k))),
 * whose logarithm has the derivatives a (1 - F_k - F_(k+1)), -a^2 (w_k + w_(k+1)), ... with
 * w = F (1 - F). F_0 = 1 and F_m = 0 at the ends. */
#include "irt/kernels.h"
#include "irt/lane_items.h"
#include "irt/model.h"
#include "num/elementary.h"

/* F_k and 1 - F_k, k = 0 .. n_cat. */
static struct logistic boundary(const struct item *item, unsigned k, double theta)
{
    if (k == 0) return (struct logistic){.u = 1.0, .v = 0.0};
    if (k == item->n_cat) return (struct logistic){.u = 0.0, .v = 1.0};
    return num_logistic(item->a * (theta - item->steps[k - 1]));
}

/* 1 - exp(-a (b_(k+1) - b_k)): what the two boundaries of an inner category share. */
static double gap(const struct item *item, unsigned k)
{
    if (k == 0 || k + 1 == item->n_cat) return 1.0;
    return num_one_minus_exp(item->a * (item->steps[k] - item->steps[k - 1]));
}

/* Whether threshold k + 1 is above threshold k, and by so much that the category between them has a
 * probability. */
static bool ascends(const struct item *item, unsigned k)
{
    if (item->steps[k - 1] >= item->steps[k]) return false;
    return item->a <= 0.0 || gap(item, k) > 0.0;
}

static void check(const struct item *item, const char *id, struct faults *faults)
{
    if (item->a <= 0.0) faults_add(faults, id, "a", "must be above 0, is %.17g", item->a);
    for (unsigned k = 1; k + 1 < item->n_cat; k++) {
        if (ascends(item, k)) continue;
        faults_add(faults, id, model_param_name(item->model, SLOT_STEPS),
                   "thresholds must ascend, but number %u is %.17g and number %u is %.17g", k,
                   item->steps[k - 1], k + 1, item->steps[k]);
    }
}

static void prob(const struct item *item, double theta, double *p)
{
    struct logistic low = boundary(item, 0, theta);

    for (unsigned k = 0; k < item->n_cat; k++) {
        struct logistic high = boundary(item, k + 1, theta);

        p[k] = low.u * high.v * gap(item, k);
        low = high;
    }
}

static void curve(const struct item *item, double theta, struct curve *out)
{
    double a = item->a;
    struct logistic low = boundary(item, 0, theta);

    out->n_cat = item->n_cat;
    for (unsigned k = 0; k < item->n_cat; k++) {
        struct logistic high = boundary(item, k + 1, theta);
        double w_low = low.u * low.v, w_high = high.u * high.v;
        double g1 = a * (low.v - high.u);
        double g2 = -a * a * (w_low + w_high);
        double g3 = -a * a * a * (w_low * (low.v - low.u) + w_high * (high.v - high.u));

        out->p[k] = low.u * high.v * gap(item, k);
        curve_from_log(out, k, g1, g2, g3);
        low = high;
    }
}

static double log_prob(const struct item *item, unsigned k, double theta)
{
    double a = item->a;
    double sum = num_log(gap(item, k));

    if (k > 0) sum += num_log_logistic(a * (theta - item->steps[k - 1]));
    if (k + 1 < item->n_cat) sum += num_log_logistic(-(a * (theta - item->steps[k])));
    return sum;
}

static void add_loglik(const struct item *item, unsigned k, const double *theta, size_t n,
                       double *loglik)
{
    const struct kernels *kernels = kernels_best();
    double a = item->a, shared = num_log(gap(item, k));

    if (k == 0) {
        const double line[4] = {a, item->steps[0], shared, -1.0};

        kernels->log_logistic(line, theta, n, loglik);
    } else if (k + 1 == item->n_cat) {
        const double line[4] = {a, item->steps[k - 1], shared, 1.0};

        kernels->log_logistic(line, theta, n, loglik);
    } else {
        const double line[4] = {a, item->steps[k - 1], item->steps[k], shared};

        kernels->log_between(line, theta, n, loglik);
    }
}

static double info(const struct item *item, double theta)
{
    struct logistic low = boundary(item, 0, theta);
    double sum = 0.0;

    for (unsigned k = 0; k < item->n_cat; k++) {
        struct logistic high = boundary(item, k + 1, theta);
        double g1 = item->a * (low.v - high.u);

        sum += low.u * high.v * gap(item, k) * g1 * g1;
        low = high;
    }
    return sum;
}

/* With x = F_k, y = F_(k+1), s = 1 - x - y, d = x - y the derivatives of log P_k are g1 = a s,
 * g2 = -a^2 (1 - s^2 - d^2) / 2 and g3 = -a^3 s (1 - s^2 - 3 d^2) / 2, and I = E[g1^2] has
 *     I'' = E[g1^4 + 5 g1^2 g2 + 2 g2^2 + 2 g1 g3],
 * so -I'' <= E[5/2 a^4 s^2 + a^4 s^2] = 7/2 a^2 I. */
static double bend(const struct item *item)
{
    return 3.5 * item->a * item->a;
}

/* MGRM: thresholds from the item's location and the scale's steps. */
static void prepare_mgrm(struct item *item, double *steps, double *direction)
{
    (void)direction;
    for (unsigned k = 0; k + 1 < item->n_cat; k++) steps[k] = item->b - steps[k];
    item->b = 0.0;
}

/* MDGRM (Muraki and Carlson 1995): P(X >= k) = 1 / (1 + exp(-(a.theta + d_k))). */
static void prepare_multi(struct item *item, double *steps, double *direction)
{
    double unit = item_fold(item, direction);

    for (unsigned k = 0; k + 1 < item->n_cat; k++) steps[k] *= -unit;
}

static void check_multi(const struct item *item, const char *id, struct faults *faults)
{
    if (item->a <= 0.0) faults_add(faults, id, "a", "must be above 0, is %.17g", item->a);
    for (unsigned k = 1; k + 1 < item->n_cat; k++) {
        if (ascends(item, k)) continue;
        faults_add(faults, id, "d", "intercepts must descend, but number %u is not below number %u",
                   k + 1, k);
    }
}

static const struct param params[] = {{"a", SLOT_A, false}, {"b", SLOT_STEPS, false}, {0}};
static const struct param params_mgrm[] = {
    {"a", SLOT_A, false}, {"b", SLOT_B, false}, {"steps", SLOT_STEPS, false}, {0}};

static const struct param params_multi[] = {
    {"a", SLOT_DIRECTION, false}, {"d", SLOT_STEPS, false}, {0}};

#define GRADED_ROW(row_name, row_params, row_prepare, row_check)                                   \
    {                                                                                              \
        .name = row_name, .params = row_params, .prepare = row_prepare, .check = row_check,        \
        .prob = prob, .curve = curve, .log_prob = log_prob, .add_loglik = add_loglik,              \
        .info = info, .bend = bend, .form = &lane_graded, .concave = true,                         \
    }

const struct model model_grm = GRADED_ROW("GRM", params, NULL, check);
const struct model model_mgrm = GRADED_ROW("MGRM", params_mgrm, prepare_mgrm, check);
const struct model model_mdgrm = GRADED_ROW("MDGRM", params_multi, prepare_multi, check_multi);
