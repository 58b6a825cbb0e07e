/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answer tables: log P of every answer to every item of a bank at the nodes of a grid, so that
 * taking an answer in is one addition a node. The sums are those of the models' kernels, bit for
 * bit. Immutable once made. */
#ifndef ESTIMATE_ANSWER_TABLE_H
#define ESTIMATE_ANSWER_TABLE_H

#include "estimate/grid.h"
#include "irt/bank.h"

/* A table larger than that is not made: 8 bytes x nodes x categories of all items. */
enum { ANSWER_TABLE_MOST_BYTES = 16 << 20 };

struct answer_table;

/* *out is the caller's; NULL where there is no use for one: several dimensions, or it would be too
 * large. False without memory. */
MUST_CHECK bool answer_table_new(const struct bank *bank, const struct grid *grid,
                                 struct answer_table **out);
void answer_table_free(struct answer_table *table);  // NULL is fine

/* log P [n_node] of a score, as long as the table lives; NULL where the table is of another grid or
 * NULL. Pre: the bank has the item, and the item that score. */
const double *answer_table_row(const struct answer_table *table, const struct grid *grid,
                               uint32_t item, unsigned score);

#endif
