/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Item tables: what a criterion integrates over, worked out beforehand for all items of a bank at
 * the nodes of a grid. Items stand in blocks of LANES, side by side, so that a block is summed over
 * the nodes as one vector, each item in the order of a plain loop. Immutable once made. */
#ifndef IRT_ITEM_TABLE_H
#define IRT_ITEM_TABLE_H

#include "irt/bank.h"
#include "irt/wide.h"

/* A table larger than that is not made: 8 bytes x nodes x categories (1 of information) x items. */
enum { ITEM_TABLE_MOST_BYTES = 64 << 20 };

enum item_table_kind {
    ITEM_TABLE_NONE,
    ITEM_TABLE_P,      // P_k
    ITEM_TABLE_LOG_P,  // log P_k
    ITEM_TABLE_INFO,   // Fisher information
};

/* LANES items: the largest number of values that one has at a node, and these. What an item does
 * not have is 0. */
struct item_block {
    unsigned n_value;
    size_t n_node;
    double largest;       // of them, without the sign
    const double *value;  // [n_value][n_node][LANES]
};

struct item_table;

/* Of `bank` at theta [n_node]. False without memory. *out is NULL where there is no use for one:
 * `kind` is ITEM_TABLE_NONE, or it would be too large. */
bool item_table_new(const struct bank *bank, enum item_table_kind kind, const double *theta,
                    size_t n_node, struct item_table **out);
void item_table_free(struct item_table *table);  // NULL is fine

/* Whether `table` is of that kind and of these nodes; false where it is NULL. */
bool item_table_serves(const struct item_table *table, enum item_table_kind kind,
                       const double *theta, size_t n_node);

/* Whether every probability is at least ITEM_TABLE_LEAST: then sums with weights that are not all
 * tiny are above 0. */
#define ITEM_TABLE_LEAST 1e-200
bool item_table_is_positive(const struct item_table *table);

/* The block that item `item` stands in; its lane is item % LANES. */
struct item_block item_table_block(const struct item_table *table, size_t item);

#endif
