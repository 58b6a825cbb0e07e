/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Criteria of several dimensions (Segall 1996; Mulder and van der Linden 2009; names and weights as
 * mirtCAT has them). M is the Fisher information of the items given and the candidate at theta, for
 * the rules with P plus the inverse of the prior's covariance; w are the weights, 1 by default:
 *
 *     D   det M                     T   sum w_m M_mm        W   w' M w
 *     A   - sum w_m (M^-1)_mm       E   the smallest eigenvalue of M
 *
 * A rule without P sees a singular M until the items' directions span all dimensions: D and E are
 * then exactly 0 and A minus infinity for every item, and the first in the bank is picked. */
#include "estimate/dims.h"
#include "select/criterion.h"

#include <math.h>

/* What a rule makes of M [n][n]. */
typedef double rule_value(const struct criterion_input *input, const double *m, size_t n);

static double weight(const struct criterion_input *input, size_t m)
{
    return input->weights ? input->weights[m] : 1.0;
}

static double determinant(const struct criterion_input *input, const double *m, size_t n)
{
    (void)input;
    return matrix_determinant(m, n);
}

static double trace(const struct criterion_input *input, const double *m, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++) sum += weight(input, i) * m[i * n + i];
    return sum;
}

static double inverse_trace(const struct criterion_input *input, const double *m, size_t n)
{
    double inverse[LIMIT_DIMS * LIMIT_DIMS];

    return matrix_invert(m, n, inverse) ? -trace(input, inverse, n) : -(double)INFINITY;
}

static double eigenvalue(const struct criterion_input *input, const double *m, size_t n)
{
    return eigen_least(input->workspace->eigen, m, n);
}

static double weighted(const struct criterion_input *input, const double *m, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n * n; i++) {
        sum += weight(input, i / n) * m[i] * weight(input, i % n);
    }
    return sum;
}

/* The information of the answers so far. */
static void start(const struct criterion_input *input, bool with_prior, size_t n, double *m)
{
    double mean[LIMIT_DIMS], cov[LIMIT_DIMS * LIMIT_DIMS];

    for (size_t i = 0; i < n * n; i++) m[i] = 0.0;
    if (with_prior) {
        prior_shape(&input->spec->prior, n, mean, cov);
        (void)matrix_invert(cov, n, m);
    }
    dims_add_info(input->evidence, input->thetas, m);
}

static void each(const struct criterion_input *input, const struct candidates *candidates,
                 bool with_prior, rule_value *value, double *out)
{
    size_t n = bank_n_dim(input->bank);
    double before[LIMIT_DIMS * LIMIT_DIMS];

    start(input, with_prior, n, before);
    for (size_t j = 0; j < candidates->n; j++) {
        uint32_t i = candidates_item(candidates, j);
        const struct item *item = bank_item(input->bank, i);
        double m[LIMIT_DIMS * LIMIT_DIMS];

        out[j] = 0.0;
        if (blocked_has(candidates->blocked, i)) continue;
        for (size_t k = 0; k < n * n; k++) m[k] = before[k];
        item_add_outer(item, item->model->info(item, item_predictor(item, input->thetas)), m);
        out[j] = value(input, m, n);
    }
}

/* The two rows of a rule: without the prior and with it. */
#define RULE(letter, value)                                                                        \
    static void values_##letter(const struct criterion_input *input,                               \
                                const struct candidates *candidates, double *out)                  \
    {                                                                                              \
        each(input, candidates, false, value, out);                                                \
    }                                                                                              \
    static void values_##letter##P(const struct criterion_input *input,                            \
                                   const struct candidates *candidates, double *out)               \
    {                                                                                              \
        each(input, candidates, true, value, out);                                                 \
    }                                                                                              \
    const struct criterion criterion_##letter##rule = {                                            \
        .name = #letter "rule", .dims = DIMS_SEVERAL, .values = values_##letter};                  \
    const struct criterion criterion_##letter##Prule = {                                           \
        .name = #letter "Prule", .dims = DIMS_SEVERAL, .values = values_##letter##P}

RULE(D, determinant);
RULE(T, trace);
RULE(A, inverse_trace);
RULE(E, eigenvalue);
RULE(W, weighted);
