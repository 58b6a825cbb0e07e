/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several dimensions of theta. An item there is a scalar row (irt/model.h) on its linear predictor
 * t = a.theta, so for r1, I and the observed information of the row at t the item has
 *
 *     the score r1 a, the Fisher information I a a', the observed information oi a a'
 *
 * (Reckase 2009, chapter 4). In one dimension t is theta itself, and a is 1. */
#ifndef IRT_DIMS_H
#define IRT_DIMS_H

#include "irt/item.h"

#include <stdbool.h>
#include <stddef.h>

/* Which banks a row of a table is for: those of one dimension, of several, or all. */
enum dims { DIMS_ONE, DIMS_SEVERAL, DIMS_ANY };

static inline bool dims_fit(enum dims dims, size_t n_dim)
{
    return dims == DIMS_ANY || (dims == DIMS_ONE) == (n_dim == 1);
}

/* t of theta [n_dim]. */
static inline double item_predictor(const struct item *item, const double *theta)
{
    double t = 0.0;

    if (!item->direction) return theta[0];
    for (unsigned m = 0; m < item->n_dim; m++) t += item->direction[m] * theta[m];
    return t;
}

/* Add weight x a to out [n_dim]. */
static inline void item_add_direction(const struct item *item, double weight, double *out)
{
    for (unsigned m = 0; m < item->n_dim; m++) {
        out[m] += item->direction ? weight * item->direction[m] : weight;
    }
}

/* Add weight x a a' to out [n_dim][n_dim]. */
static inline void item_add_outer(const struct item *item, double weight, double *out)
{
    const double *a = item->direction;
    unsigned n = item->n_dim;

    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < n; j++) out[i * n + j] += a ? weight * (a[i] * a[j]) : weight;
    }
}

#endif
