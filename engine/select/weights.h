/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The likelihood and the posterior on the grid: what the weighted criteria integrate with. */
#ifndef SELECT_WEIGHTS_H
#define SELECT_WEIGHTS_H

#include "select/criterion.h"

struct weights {
    size_t n;
    double *node;  // [n]; the workspace's
    double
        *weight;   // [n] likelihood, times the prior's density where asked for, scaled to at most 1
    double scale;  // what the scaling took away; 1 where it is too small for a double
    double step;   // between nodes
};

/* Fill in the weights of the answers so far. `with_prior` multiplies by the prior's density, unless
 * that is 0 at every node. */
void weights_make(const struct criterion_input *input, bool with_prior, struct weights *out);

/* step x rule: what turns a sum over the nodes into the integral. */
double weights_rule(const struct criterion_input *input, const struct weights *weights, size_t q);

#endif
