/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "irt/item_table.h"

#include <math.h>
#include <stdlib.h>

struct item_table {
    enum item_table_kind kind;
    size_t n_node;
    bool is_positive;
    double *theta, *value;
    struct item_block block[];
};

static unsigned n_value_of(const struct item *item, enum item_table_kind kind)
{
    return kind == ITEM_TABLE_INFO ? 1 : item->n_cat;
}

static unsigned n_value_of_block(const struct bank *bank, enum item_table_kind kind, size_t block)
{
    unsigned n = 1;

    for (size_t i = block * LANES; i < (block + 1) * LANES && i < bank_n_item(bank); i++) {
        unsigned n_value = n_value_of(bank_item(bank, i), kind);

        if (n_value > n) n = n_value;
    }
    return n;
}

/* The values of an item at one theta. */
static void fill(const struct item *item, enum item_table_kind kind, double theta, double *out)
{
    if (kind == ITEM_TABLE_P) item->model->prob(item, theta, out);
    if (kind == ITEM_TABLE_INFO) out[0] = item->model->info(item, theta);
    for (unsigned k = 0; kind == ITEM_TABLE_LOG_P && k < item->n_cat; k++) {
        out[k] = item->model->log_prob(item, k, theta);
    }
}

static void fill_item(struct item_table *table, const struct bank *bank, size_t i, double *value)
{
    const struct item *item = bank_item(bank, i);
    struct item_block *block = &table->block[i / LANES];
    unsigned n = n_value_of(item, table->kind);

    for (size_t q = 0; q < table->n_node; q++) {
        double at[LIMIT_CATS];

        fill(item, table->kind, table->theta[q], at);
        for (unsigned k = 0; k < n; k++) {
            value[(k * table->n_node + q) * LANES + i % LANES] = at[k];
            block->largest = fmax(block->largest, fabs(at[k]));
            if (!(at[k] >= ITEM_TABLE_LEAST)) table->is_positive = false;
        }
    }
}

bool item_table_serves(const struct item_table *table, enum item_table_kind kind,
                       const double *theta, size_t n_node)
{
    if (!table || table->kind != kind || table->n_node != n_node) return false;
    for (size_t q = 0; q < n_node; q++) {
        if (table->theta[q] != theta[q]) return false;
    }
    return true;
}

static size_t count_values(const struct bank *bank, enum item_table_kind kind, size_t n_node)
{
    size_t n_block = (bank_n_item(bank) + LANES - 1) / LANES, n = 0;

    for (size_t b = 0; b < n_block; b++) n += n_value_of_block(bank, kind, b) * n_node * LANES;
    return n;
}

bool item_table_new(const struct bank *bank, enum item_table_kind kind, const double *theta,
                    size_t n_node, struct item_table **out)
{
    size_t n_block = (bank_n_item(bank) + LANES - 1) / LANES, n_value;
    struct item_table *table;
    double *value;

    *out = NULL;
    n_value = kind == ITEM_TABLE_NONE ? 0 : count_values(bank, kind, n_node);
    if (n_value == 0 || n_value * sizeof(*value) > ITEM_TABLE_MOST_BYTES) return true;
    table = calloc(1, sizeof(*table) + n_block * sizeof(table->block[0]));
    value = calloc(n_value + n_node, sizeof(*value));
    if (!table || !value) {
        free(table);
        free(value);
        return false;
    }
    *table = (struct item_table){.kind = kind,
                                 .n_node = n_node,
                                 .is_positive = true,
                                 .theta = value + n_value,
                                 .value = value};
    for (size_t q = 0; q < n_node; q++) table->theta[q] = theta[q];
    for (size_t b = 0; b < n_block; b++) {
        table->block[b] = (struct item_block){
            .n_value = n_value_of_block(bank, kind, b), .n_node = n_node, .value = value};
        for (size_t i = b * LANES; i < (b + 1) * LANES && i < bank_n_item(bank); i++) {
            fill_item(table, bank, i, value);
        }
        value += table->block[b].n_value * n_node * LANES;
    }
    *out = table;
    return true;
}

void item_table_free(struct item_table *table)
{
    if (!table) return;
    free(table->value);
    free(table);
}

bool item_table_is_positive(const struct item_table *table)
{
    return table->is_positive;
}

struct item_block item_table_block(const struct item_table *table, size_t item)
{
    return table->block[item / LANES];
}
