/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "content/proportions.h"
#include "irt/partition.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(LIMIT_GROUPS <= 64, "closed groups are bits of one word");

struct proportions {
    struct partition *groups;
    double target[LIMIT_GROUPS];
};

void proportions_free(struct proportions *proportions)
{
    if (!proportions) return;
    partition_free(proportions->groups);
    free(proportions);
}

static size_t find_group(struct slice value, const struct target *targets, size_t n_target)
{
    size_t g = 0;

    while (g < n_target && !slice_equal_str(value, targets[g].value)) g++;
    return g;
}

struct proportions *proportions_new(const struct bank *bank, struct slice tag,
                                    const struct target *targets, size_t n_target)
{
    size_t n_item = bank_n_item(bank);
    uint8_t *group_of = calloc(n_item, sizeof(*group_of));
    struct proportions *proportions = calloc(1, sizeof(*proportions));

    assert(n_target >= 1 && n_target <= LIMIT_GROUPS);
    if (!group_of || !proportions) goto failed;
    for (size_t g = 0; g < n_target; g++) proportions->target[g] = targets[g].proportion;
    for (size_t i = 0; i < n_item; i++) {
        group_of[i] = (uint8_t)find_group(bank_tag(bank, i, tag), targets, n_target);
    }
    proportions->groups = partition_new(group_of, n_item, n_target);
    if (!proportions->groups) goto failed;
    free(group_of);
    return proportions;
failed:
    free(group_of);
    proportions_free(proportions);
    return NULL;
}

size_t proportions_n_group(const struct proportions *proportions)
{
    return partition_n_group(proportions->groups);
}

const struct partition *proportions_groups(const struct proportions *proportions)
{
    return proportions->groups;
}

size_t proportions_group_of(const struct proportions *proportions, size_t item)
{
    return partition_group_of(proportions->groups, item);
}

const uint32_t *proportions_items(const struct proportions *proportions, size_t group,
                                  size_t *out_n)
{
    return partition_items(proportions->groups, group, out_n);
}

size_t proportions_next(const struct proportions *proportions, const unsigned *count,
                        unsigned n_asked, uint64_t closed)
{
    size_t n_group = proportions_n_group(proportions), best = n_group;
    double best_gap = 0.0;

    for (size_t g = 0; g < n_group; g++) {
        double gap = proportions->target[g] - (double)count[g] / n_asked;

        if (closed >> g & 1) continue;
        if (count[g] == 0) return g;
        if (best < n_group && gap <= best_gap) continue;
        best = g;
        best_gap = gap;
    }
    return best;
}
