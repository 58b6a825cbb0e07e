/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums over the nodes for the items of one block of an item table, side by side. Each lane adds up
 * in the order of a plain loop over the nodes, so the bits are its own. */
#ifndef IRT_LANES_H
#define IRT_LANES_H

#include "irt/item_table.h"

/* Nodes with their weights. */
struct lane_nodes {
    size_t n;
    const double *node, *weight;  // [n]
};

/* Nodes from .. to - 1, with a weight for each of the sums that are taken at once. */
enum { LANE_SUMS = 3 };

struct lane_span {
    size_t from, to;
    size_t n_sum;                     // 1 to LANE_SUMS
    const double *weight[LANE_SUMS];  // [n_node] each
};

struct lanes {
    /* Of weight[q] P_k(q), for every k: the mean node, and the variance around it.
     * out [n_value]. */
    void (*means)(const struct item_block *block, const struct lane_nodes *nodes,
                  double (*out)[LANES]);
    void (*variances)(const struct item_block *block, const struct lane_nodes *nodes,
                      const double (*mean)[LANES], double (*out)[LANES]);
    /* Sum over k >= 1 of the variance of P_k under weight / total. */
    void (*spread)(const struct item_block *block, const struct lane_nodes *nodes, double total,
                   double *out);
    /* Sum of weight times the first value. */
    void (*integral)(const struct item_block *block, const struct lane_nodes *nodes, double *out);
    /* Sum of weight times sum over k of p_k (log_p_k - value_k). */
    void (*divergence)(const struct item_block *block, const struct lane_nodes *nodes,
                       const double (*p)[LANES], const double (*log_p)[LANES], double *out);
    /* For bounds, in an order of their own: out[s] = sum of weight[s] times value k; and with the
     * first weight that sum and the one of the squares. */
    void (*sums)(const struct item_block *block, unsigned k, const struct lane_span *span,
                 double (*out)[LANES]);
    void (*squares)(const struct item_block *block, unsigned k, const struct lane_span *span,
                    double (*out)[LANES]);
};

/* Those for the widest vectors of this processor, and all that it can run (as kernels.h has
 * them). */
const struct lanes *lanes_best(void);
const struct lanes *lanes_at(size_t i);

#endif
