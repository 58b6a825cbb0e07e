/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 1PL to 4PL: P(1) = c + (d - c) / (1 + exp(-a (theta - b))) (Birnbaum 1968; Barton and Lord 1981).
 *
 * With u and v the logistic of z = a (theta - b) and of -z,
 *     P(1) = c v + d u,   P(0) = (1 - c) v + (1 - d) u,   P' = a (d - c) u v,
 * all sums of positive terms. Far out u or v underflows; there the ratios u / P(1) and v / P(0)
 * tend to 1 / d (where c = 0) and 1 / (1 - c) (where d = 1), which are then used as they stand. */
#include "irt/kernels.h"
#include "irt/lane_items.h"
#include "irt/logistic_kernel.h"
#include "irt/model.h"

static void check_common(const struct item *item, const char *id, struct faults *faults)
{
    if (item->a <= 0.0) faults_add(faults, id, "a", "must be above 0, is %.17g", item->a);
    if (item->c < 0.0 || item->c >= 1.0) {
        faults_add(faults, id, "c", "must be at least 0 and below 1, is %.17g", item->c);
    }
    if (item->d < LIMIT_ASYMPTOTE_MIN || item->d > 1.0) {
        faults_add(faults, id, "d", "must be at least %g and at most 1, is %.17g",
                   LIMIT_ASYMPTOTE_MIN, item->d);
    }
    if (item->c >= item->d) {
        faults_add(faults, id, "c", "must be below d, but c = %.17g and d = %.17g", item->c,
                   item->d);
    }
}

static void prob(const struct item *item, double theta, double *p)
{
    struct logistic l = num_logistic(item->a * (theta - item->b));

    p[0] = (1.0 - item->c) * l.v + (1.0 - item->d) * l.u;
    p[1] = item->c * l.v + item->d * l.u;
}

static void curve(const struct item *item, double theta, struct curve *out)
{
    double a = item->a, c = item->c, d = item->d;
    struct logistic l = num_logistic(a * (theta - item->b));
    double p0 = (1.0 - c) * l.v + (1.0 - d) * l.u;
    double p1 = c * l.v + d * l.u;
    double u_p1 = c > 0.0 ? l.u / p1 : 1.0 / d;
    double v_p0 = d < 1.0 ? l.v / p0 : 1.0 / (1.0 - c);
    double second = a * (l.v - l.u);                 // P'' / P'
    double third = a * a * (1.0 - 6.0 * l.u * l.v);  // P''' / P'

    out->n_cat = 2;
    out->p[0] = p0;
    out->p[1] = p1;
    out->r1[0] = -a * (d - c) * l.u * v_p0;
    out->r1[1] = a * (d - c) * l.v * u_p1;
    for (int k = 0; k < 2; k++) {
        out->r2[k] = out->r1[k] * second;
        out->r3[k] = out->r1[k] * third;
    }
}

static double log_prob(const struct item *item, unsigned k, double theta)
{
    double z = item->a * (theta - item->b);
    struct logistic l;

    if (k == 1 && item->c <= 0.0) return num_log(item->d) + num_log_logistic(z);
    if (k == 0 && item->d >= 1.0) return num_log(1.0 - item->c) + num_log_logistic(-z);
    l = num_logistic(z);
    return num_log(k == 1 ? item->c * l.v + item->d * l.u
                          : (1.0 - item->c) * l.v + (1.0 - item->d) * l.u);
}

static void add_loglik(const struct item *item, unsigned k, const double *theta, size_t n,
                       double *loglik)
{
    const struct kernels *kernels = kernels_best();
    double c = item->c, d = item->d;
    double line[4] = {item->a, item->b};

    if (k == 1 && c <= 0.0) {
        line[2] = num_log(d);
        line[3] = 1.0;
        kernels->log_logistic(line, theta, n, loglik);
    } else if (k == 0 && d >= 1.0) {
        line[2] = num_log(1.0 - c);
        line[3] = -1.0;
        kernels->log_logistic(line, theta, n, loglik);
    } else {
        line[2] = k == 1 ? c : 1.0 - c;
        line[3] = k == 1 ? d : 1.0 - d;
        kernels->log_mix(line, theta, n, loglik);
    }
}

static double info(const struct item *item, double theta)
{
    return logistic_info(item->a, item->b, item->c, item->d, theta);
}

/* With x = P'/P of either category, |x| <= a, and t = |v - u|, uv = (1 - t^2) / 4,
 *     I'' = a^2 (4 - 20 uv) E[x^2] - 5 a (v - u) E[x^3] + 2 E[x^4],
 * so -I'' <= a^2 I (1 - 5 t^2 + 5 t), which is largest at t = 1/2. */
static double bend(const struct item *item)
{
    return 2.25 * item->a * item->a;
}

/* Multidimensional compensatory (Reckase 1985): z = a.theta + d. */
static void prepare_multi(struct item *item, double *steps, double *direction)
{
    (void)steps;
    item->b *= -item_fold(item, direction);
}

static const struct param params_1pl[] = {{"b", SLOT_B, false}, {"a", SLOT_A, true}, {0}};
static const struct param params_2pl[] = {{"a", SLOT_A, false}, {"b", SLOT_B, false}, {0}};
static const struct param params_3pl[] = {
    {"a", SLOT_A, false}, {"b", SLOT_B, false}, {"c", SLOT_C, false}, {0}};
static const struct param params_4pl[] = {
    {"a", SLOT_A, false}, {"b", SLOT_B, false}, {"c", SLOT_C, false}, {"d", SLOT_D, false}, {0}};
static const struct param params_m2pl[] = {{"a", SLOT_DIRECTION, false}, {"d", SLOT_B, false}, {0}};
static const struct param params_m3pl[] = {
    {"a", SLOT_DIRECTION, false}, {"d", SLOT_B, false}, {"c", SLOT_C, false}, {0}};

#define LOGISTIC_ROW(row_name, row_params, row_prepare, is_concave)                                \
    {                                                                                              \
        .name = row_name, .params = row_params, .prepare = row_prepare, .check = check_common,     \
        .prob = prob, .curve = curve, .log_prob = log_prob, .add_loglik = add_loglik,              \
        .info = info, .bend = bend, .form = &lane_logistic, .concave = is_concave,                 \
    }

const struct model model_1pl = LOGISTIC_ROW("1PL", params_1pl, NULL, true);
const struct model model_2pl = LOGISTIC_ROW("2PL", params_2pl, NULL, true);
const struct model model_3pl = LOGISTIC_ROW("3PL", params_3pl, NULL, false);
const struct model model_4pl = LOGISTIC_ROW("4PL", params_4pl, NULL, false);
const struct model model_m2pl = LOGISTIC_ROW("M2PL", params_m2pl, prepare_multi, true);
const struct model model_m3pl = LOGISTIC_ROW("M3PL", params_m3pl, prepare_multi, false);
