/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nominal response model (Bock 1972): P_0 proportional to 1, P_k to exp(a_k theta + c_k). The
 * bank's D is not used.
 *
 * log P_k has the derivatives a_k - E, -V, -M with E, V, M the mean, variance and third central
 * moment of the categories' slopes, a_0 being 0. */
#include "irt/kernels.h"
#include "irt/lane_items.h"
#include "irt/model.h"
#include "irt/softmax.h"

static void check(const struct item *item, const char *id, struct faults *faults)
{
    bool all_zero = true;

    for (unsigned k = 0; k + 1 < item->n_cat; k++) {
        if (item->slopes[k] != 0.0) all_zero = false;
    }
    if (all_zero) faults_add(faults, id, "a", "must not all be 0: the item would tell nothing");
}

static double slope_of(const struct item *item, unsigned k)
{
    return k == 0 ? 0.0 : item->slopes[k - 1];
}

/* z [n_cat] as softmax leaves it, P [n_cat], and the logarithm of the sum. */
static double exponents(const struct item *item, double theta, double *z, double *p)
{
    double top = 0.0;

    z[0] = 0.0;
    for (unsigned k = 1; k < item->n_cat; k++) {
        z[k] = item->slopes[k - 1] * theta + item->steps[k - 1];
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
    double mean = 0.0, variance = 0.0, third = 0.0;

    out->n_cat = item->n_cat;
    exponents(item, theta, z, out->p);
    for (unsigned k = 0; k < item->n_cat; k++) mean += out->p[k] * slope_of(item, k);
    for (unsigned k = 0; k < item->n_cat; k++) {
        double r = slope_of(item, k) - mean;

        variance += out->p[k] * r * r;
        third += out->p[k] * r * r * r;
    }
    for (unsigned k = 0; k < item->n_cat; k++) {
        curve_from_log(out, k, slope_of(item, k) - mean, -variance, -third);
    }
}

static double log_prob(const struct item *item, unsigned k, double theta)
{
    double z[LIMIT_CATS], p[LIMIT_CATS];
    double total = exponents(item, theta, z, p);

    return z[k] - total;
}

static void add_loglik(const struct item *item, unsigned k, const double *theta, size_t n,
                       double *loglik)
{
    const struct exponents of = {
        .n_cat = item->n_cat, .slopes = item->slopes, .steps = item->steps};

    kernels_best()->log_share(&of, k, theta, n, loglik);
}

static double info(const struct item *item, double theta)
{
    double z[LIMIT_CATS], p[LIMIT_CATS];
    double mean = 0.0, variance = 0.0;

    exponents(item, theta, z, p);
    for (unsigned k = 0; k < item->n_cat; k++) mean += p[k] * slope_of(item, k);
    for (unsigned k = 0; k < item->n_cat; k++) {
        double r = slope_of(item, k) - mean;

        variance += p[k] * r * r;
    }
    return variance;
}

/* As of the partial credit models, the slopes being the scores: -I'' <= 2 I^2, I <= range^2 / 4. */
static double bend(const struct item *item)
{
    double low = 0.0, high = 0.0;

    for (unsigned k = 0; k + 1 < item->n_cat; k++) {
        low = fmin(low, item->slopes[k]);
        high = fmax(high, item->slopes[k]);
    }
    return 0.5 * (high - low) * (high - low);
}

static const struct param params[] = {{"a", SLOT_SLOPES, false}, {"c", SLOT_STEPS, false}, {0}};

const struct model model_nrm = {
    .name = "NRM",
    .params = params,
    .check = check,
    .prob = prob,
    .curve = curve,
    .log_prob = log_prob,
    .add_loglik = add_loglik,
    .info = info,
    .bend = bend,
    .form = &lane_share,
    .concave = true,
};
