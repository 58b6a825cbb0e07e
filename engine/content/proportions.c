/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "content/proportions.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(LIMIT_GROUPS <= 64, "closed groups are bits of one word");

struct proportions {
    size_t n_group;
    double target[LIMIT_GROUPS];
    uint8_t *group_of;               // [n_item]
    uint32_t *items;                 // [n_item], by group
    size_t start[LIMIT_GROUPS + 2];  // of each group in items; the last is the items of none
};

void proportions_free(struct proportions *proportions)
{
    if (!proportions) return;
    free(proportions->group_of);
    free(proportions->items);
    free(proportions);
}

static size_t find_group(struct slice value, const struct target *targets, size_t n_target)
{
    size_t g = 0;

    while (g < n_target && !slice_equal_str(value, targets[g].value)) g++;
    return g;
}

/* A counting sort by group; items of a group stay in the bank's order. */
static void sort_items(struct proportions *proportions, size_t n_item)
{
    size_t fill[LIMIT_GROUPS + 1] = {0};

    for (size_t i = 0; i < n_item; i++) fill[proportions->group_of[i]]++;
    for (size_t g = 0; g <= proportions->n_group; g++) {
        proportions->start[g + 1] = proportions->start[g] + fill[g];
        fill[g] = proportions->start[g];
    }
    for (size_t i = 0; i < n_item; i++) {
        proportions->items[fill[proportions->group_of[i]]++] = (uint32_t)i;
    }
}

struct proportions *proportions_new(const struct bank *bank, struct slice tag,
                                    const struct target *targets, size_t n_target)
{
    size_t n_item = bank_n_item(bank);
    struct proportions *proportions = calloc(1, sizeof(*proportions));

    assert(n_target >= 1 && n_target <= LIMIT_GROUPS);
    if (!proportions) return NULL;
    proportions->group_of = calloc(n_item, sizeof(*proportions->group_of));
    proportions->items = calloc(n_item, sizeof(*proportions->items));
    if (!proportions->group_of || !proportions->items) {
        proportions_free(proportions);
        return NULL;
    }
    proportions->n_group = n_target;
    for (size_t g = 0; g < n_target; g++) proportions->target[g] = targets[g].proportion;
    for (size_t i = 0; i < n_item; i++) {
        struct slice value = bank_tag(bank, i, tag);

        proportions->group_of[i] = (uint8_t)find_group(value, targets, n_target);
    }
    sort_items(proportions, n_item);
    return proportions;
}

size_t proportions_n_group(const struct proportions *proportions)
{
    return proportions->n_group;
}

size_t proportions_group_of(const struct proportions *proportions, size_t item)
{
    return proportions->group_of[item];
}

const uint32_t *proportions_items(const struct proportions *proportions, size_t group,
                                  size_t *out_n)
{
    assert(group < proportions->n_group);
    *out_n = proportions->start[group + 1] - proportions->start[group];
    return proportions->items + proportions->start[group];
}

size_t proportions_next(const struct proportions *proportions, const unsigned *count,
                        unsigned n_asked, uint64_t closed)
{
    size_t best = proportions->n_group;
    double best_gap = 0.0;

    for (size_t g = 0; g < proportions->n_group; g++) {
        double gap = proportions->target[g] - (double)count[g] / n_asked;

        if (closed >> g & 1) continue;
        if (count[g] == 0) return g;
        if (best < proportions->n_group && gap <= best_gap) continue;
        best = g;
        best_gap = gap;
    }
    return best;
}
