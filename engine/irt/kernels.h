/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels: the loops over thetas and items that an answer's time goes into, as plain functions of
 * arrays. They are compiled for several widths of vectors from one text; each lane does what the
 * scalar of num/elementary.h does, without fused multiply-add, so all give the same bits
 * (tests/unit/irt/test_kernels.c). */
#ifndef IRT_KERNELS_H
#define IRT_KERNELS_H

#include "base/limits.h"

#include <stddef.h>

/* Columns of the 1PL to 4PL, [n] each. */
struct logistic_columns {
    const double *a, *b, *c, *d;
};

/* Categories whose probabilities are proportional to exp(z_k), z_0 = 0. */
struct exponents {
    unsigned n_cat;
    double a;
    const double *slopes;  // NULL: z_k = z_(k-1) + a (theta - steps[k-1])
    const double *steps;   // else z_k = slopes[k-1] theta + steps[k-1]
};

struct kernels {
    const char *name;
    /* loglik[q] += top + log logistic(sign a (theta[q] - b)), sign 1 or -1. */
    void (*log_logistic)(const double line[4], const double *theta, size_t n, double *loglik);
    /* loglik[q] += log(low v + high u), u and v the logistic of z = a (theta[q] - b) and of -z. */
    void (*log_mix)(const double line[4], const double *theta, size_t n, double *loglik);
    /* loglik[q] += top + log logistic(a (theta[q] - b_low)) + log logistic(-a (theta[q] - b_high)),
     * added up in that order. */
    void (*log_between)(const double line[4], const double *theta, size_t n, double *loglik);
    /* loglik[q] += z_k - log sum exp(z). */
    void (*log_share)(const struct exponents *of, unsigned k, const double *theta, size_t n,
                      double *loglik);
    /* Fisher information of the 1PL to 4PL at one theta. */
    void (*info)(const struct logistic_columns *columns, double theta, size_t n, double *out);
    /* x[q] = exp(x[q] - top). */
    void (*exp_less)(double top, size_t n, double *x);
};

/* Those for the widest vectors of this processor. */
const struct kernels *kernels_best(void);

/* How many widths this processor can run. */
size_t kernels_n(void);

/* All that this processor can run, the plainest first; NULL from their number on. */
const struct kernels *kernels_at(size_t i);

#endif
