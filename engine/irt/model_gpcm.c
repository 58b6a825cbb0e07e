/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generalized partial credit model (Muraki 1992): P_k proportional to
 * exp(sum over t = 1 .. k of a (theta - b_t)), the empty sum being 0. Steps need no order. With a
 * = 1 it is the partial credit model (Masters 1982), and with b_t = b + step_t besides the rating
 * scale model (Andrich 1978).
 *
 * log P_k has the derivatives a (k - E), -a^2 V, -a^3 M with E, V, M the mean, variance and third
 * central moment of the score: the family is exponential. */
#include "irt/kernels.h"
#include "irt/lane_items.h"
#include "irt/model.h"
#include "irt/softmax.h"

static void check(const struct item *item, const char *id, struct faults *faults)
{
    if (item->a <= 0.0) faults_add(faults, id, "a", "must be above 0, is %.17g", item->a);
}

/* z [n_cat] as softmax leaves it, P [n_cat], and the logarithm of the sum. */
static double exponents(const struct item *item, double theta, double *z, double *p)
{
    double top = 0.0;

    z[0] = 0.0;
    for (unsigned k = 1; k < item->n_cat; k++) {
        z[k] = z[k - 1] + item->a * (theta - item->steps[k - 1]);
        if (z[k] > top) top = z[k];
    }
    return softmax(item->n_cat, top, z, p);
}

static void prob(const struct item *item, double theta, double *p)
{
    double z[LIMIT_CATS];

    exponents(item, theta, z, p);
}

static void curve(const struct item *item, double theta, struct curve *out)
{
    double z[LIMIT_CATS];
    double a = item->a, mean = 0.0, variance = 0.0, third = 0.0;

    out->n_cat = item->n_cat;
    exponents(item, theta, z, out->p);
    for (unsigned k = 0; k < item->n_cat; k++) mean += out->p[k] * k;
    for (unsigned k = 0; k < item->n_cat; k++) {
        double r = k - mean;

        variance += out->p[k] * r * r;
        third += out->p[k] * r * r * r;
    }
    for (unsigned k = 0; k < item->n_cat; k++) {
        curve_from_log(out, k, a * (k - mean), -a * a * variance, -a * a * a * third);
    }
}

static double log_prob(const struct item *item, unsigned k, double theta)
{
    double z[LIMIT_CATS], p[LIMIT_CATS];
    double log_sum = exponents(item, theta, z, p);

    return z[k] - log_sum;
}

static void add_loglik(const struct item *item, unsigned k, const double *theta, size_t n,
                       double *loglik)
{
    const struct exponents of = {.n_cat = item->n_cat, .a = item->a, .steps = item->steps};

    kernels_best()->log_share(&of, k, theta, n, loglik);
}

static double info(const struct item *item, double theta)
{
    double z[LIMIT_CATS], p[LIMIT_CATS];
    double mean = 0.0, variance = 0.0;

    exponents(item, theta, z, p);
    for (unsigned k = 0; k < item->n_cat; k++) mean += p[k] * k;
    for (unsigned k = 0; k < item->n_cat; k++) variance += p[k] * (k - mean) * (k - mean);
    return item->a * item->a * variance;
}

/* I is the variance a^2 V of an exponential family, and I'' its fourth cumulant M4 - 3 V^2 >=
 * -2 V^2, so -I'' <= 2 I^2; and V <= (range of the score)^2 / 4 (Popoviciu). */
static double bend(const struct item *item)
{
    double range = item->a * (item->n_cat - 1);

    return 0.5 * range * range;
}

/* RSM: step parameters from the item's location and the scale's steps. */
static void prepare_rsm(struct item *item, double *steps, double *direction)
{
    (void)direction;
    for (unsigned k = 0; k + 1 < item->n_cat; k++) steps[k] = item->b + steps[k];
    item->b = 0.0;
}

/* MDGPCM (Yao and Schwarz 2006, as mirt writes it): P_k proportional to exp(k a.theta + d_k), d_0 =
 * 0. The intercepts are cumulative, so step t is at d_(t-1) - d_t. */
static void prepare_multi(struct item *item, double *steps, double *direction)
{
    double unit = item_fold(item, direction), before = 0.0;

    for (unsigned k = 0; k + 1 < item->n_cat; k++) {
        double d = steps[k];

        steps[k] = unit * (before - d);
        before = d;
    }
}

static const struct param params_gpcm[] = {{"a", SLOT_A, false}, {"b", SLOT_STEPS, false}, {0}};
static const struct param params_pcm[] = {{"b", SLOT_STEPS, false}, {0}};
static const struct param params_rsm[] = {{"b", SLOT_B, false}, {"steps", SLOT_STEPS, false}, {0}};
static const struct param params_multi[] = {
    {"a", SLOT_DIRECTION, false}, {"d", SLOT_STEPS, false}, {0}};

#define PARTIAL_CREDIT_ROW(row_name, row_params, row_prepare)                                      \
    {                                                                                              \
        .name = row_name, .params = row_params, .prepare = row_prepare, .check = check,            \
        .prob = prob, .curve = curve, .log_prob = log_prob, .add_loglik = add_loglik,              \
        .info = info, .bend = bend, .form = &lane_share, .concave = true,                          \
    }

const struct model model_gpcm = PARTIAL_CREDIT_ROW("GPCM", params_gpcm, NULL);
const struct model model_pcm = PARTIAL_CREDIT_ROW("PCM", params_pcm, NULL);
const struct model model_rsm = PARTIAL_CREDIT_ROW("RSM", params_rsm, prepare_rsm);
const struct model model_mdgpcm = PARTIAL_CREDIT_ROW("MDGPCM", params_multi, prepare_multi);
