/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/answer_table.h"

#include <stdlib.h>

struct answer_table {
    struct grid grid;
    double *value;     // [n_row][n_node]
    uint32_t first[];  // [n_item] rows
};

static size_t count_rows(const struct bank *bank)
{
    size_t n = 0;

    for (size_t i = 0; i < bank_n_item(bank); i++) n += bank_item(bank, i)->n_cat;
    return n;
}

/* Added to 0, a kernel's value keeps its bits. */
static void fill(struct answer_table *table, const struct bank *bank)
{
    size_t n_node = table->grid.n_node;
    double node[LIMIT_NODES], *row = table->value;
    uint32_t n_row = 0;

    grid_nodes(&table->grid, node);
    for (size_t i = 0; i < bank_n_item(bank); i++) {
        const struct item *item = bank_item(bank, i);

        table->first[i] = n_row;
        n_row += item->n_cat;
        for (unsigned k = 0; k < item->n_cat; k++, row += n_node) {
            item->model->add_loglik(item, k, node, n_node, row);
        }
    }
}

bool answer_table_new(const struct bank *bank, const struct grid *grid, struct answer_table **out)
{
    size_t n_item = bank_n_item(bank), n_value = count_rows(bank) * grid->n_node;
    struct answer_table *table;

    *out = NULL;
    if (bank_n_dim(bank) > 1 || n_value * sizeof(double) > ANSWER_TABLE_MOST_BYTES) return true;
    table = calloc(1, sizeof(*table) + n_item * sizeof(table->first[0]));
    if (!table) return false;
    table->grid = *grid;
    table->value = calloc(n_value, sizeof(*table->value));
    if (!table->value) {
        free(table);
        return false;
    }
    fill(table, bank);
    *out = table;
    return true;
}

void answer_table_free(struct answer_table *table)
{
    if (!table) return;
    free(table->value);
    free(table);
}

const double *answer_table_row(const struct answer_table *table, const struct grid *grid,
                               uint32_t item, unsigned score)
{
    if (!table || !grid_equal(grid, &table->grid)) return NULL;
    return table->value + (table->first[item] + score) * grid->n_node;
}
