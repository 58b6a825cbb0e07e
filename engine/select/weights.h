/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The likelihood and the posterior on the grid: what the weighted criteria integrate with. */
#ifndef SELECT_WEIGHTS_H
#define SELECT_WEIGHTS_H

#include "irt/lanes.h"
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

/* Multiply the weights by weights_rule. */
void weights_apply_rule(const struct criterion_input *input, struct weights *weights);

/* Values from an item table (input->table), a block at a time. */
struct table_pass {
    const struct criterion_input *input;
    struct lane_nodes nodes;
    double total;  // of the weights, where a criterion needs it
};

/* out[j] = scale times what `sum` gives for candidate j: it is called with the first item of each
 * block that holds a candidate, and fills out [LANES]. */
void table_pass_values(const struct table_pass *pass, const struct candidates *candidates,
                       void (*sum)(const struct table_pass *pass, size_t first, double *out),
                       double scale, double *out);

#endif
