/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "irt/partition.h"

#include <assert.h>
#include <stdlib.h>

struct partition {
    size_t n_group;
    uint8_t *group_of;               // [n_item]
    uint32_t *items;                 // [n_item], by group; those of none last
    size_t start[LIMIT_GROUPS + 2];  // of each group in items
};

void partition_free(struct partition *partition)
{
    if (!partition) return;
    free(partition->group_of);
    free(partition->items);
    free(partition);
}

/* A counting sort by group; items of a group stay in the bank's order. */
static void sort_items(struct partition *partition, size_t n_item)
{
    size_t fill[LIMIT_GROUPS + 1] = {0};

    for (size_t i = 0; i < n_item; i++) fill[partition->group_of[i]]++;
    for (size_t g = 0; g <= partition->n_group; g++) {
        partition->start[g + 1] = partition->start[g] + fill[g];
        fill[g] = partition->start[g];
    }
    for (size_t i = 0; i < n_item; i++) {
        partition->items[fill[partition->group_of[i]]++] = (uint32_t)i;
    }
}

struct partition *partition_new(const uint8_t *group_of, size_t n_item, size_t n_group)
{
    struct partition *partition = calloc(1, sizeof(*partition));

    assert(n_group >= 1 && n_group <= LIMIT_GROUPS);
    if (!partition) return NULL;
    partition->n_group = n_group;
    partition->group_of = calloc(n_item + 1, sizeof(*partition->group_of));
    partition->items = calloc(n_item + 1, sizeof(*partition->items));
    if (!partition->group_of || !partition->items) {
        partition_free(partition);
        return NULL;
    }
    for (size_t i = 0; i < n_item; i++) {
        assert(group_of[i] <= n_group);
        partition->group_of[i] = group_of[i];
    }
    sort_items(partition, n_item);
    return partition;
}

size_t partition_n_group(const struct partition *partition)
{
    return partition->n_group;
}

size_t partition_group_of(const struct partition *partition, size_t item)
{
    return partition->group_of[item];
}

const uint32_t *partition_items(const struct partition *partition, size_t group, size_t *out_n)
{
    assert(group < partition->n_group);
    *out_n = partition->start[group + 1] - partition->start[group];
    return partition->items + partition->start[group];
}
