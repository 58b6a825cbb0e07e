/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "content/sets.h"

#include <assert.h>
#include <stdlib.h>

struct sets {
    size_t n_item, n_set;
    uint32_t *set_of;  // [n_item]
    uint32_t *items;   // by set
    uint32_t *start;   // [n_set + 1] of each set in items
};

void sets_free(struct sets *sets)
{
    if (!sets) return;
    free(sets->set_of);
    free(sets->items);
    free(sets->start);
    free(sets);
}

struct member {
    struct slice set;
    uint32_t item;
};

static int by_set(const void *x, const void *y)
{
    const struct member *a = x, *b = y;
    int order = slice_compare(a->set, b->set);

    if (order != 0) return order;
    return a->item < b->item ? -1 : a->item > b->item;
}

/* The items that have a set; returns how many. */
static size_t find_members(const struct bank *bank, struct member *members)
{
    size_t n = 0;

    for (size_t i = 0; i < bank_n_item(bank); i++) {
        if (bank_set(bank, i).n == 0) continue;
        members[n++] = (struct member){bank_set(bank, i), (uint32_t)i};
    }
    return n;
}

static void number_sets(struct sets *sets, const struct member *members, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        bool is_new = j == 0 || !slice_equal(members[j].set, members[j - 1].set);

        if (is_new) sets->start[sets->n_set++] = (uint32_t)j;
        sets->items[j] = members[j].item;
    }
    sets->start[sets->n_set] = (uint32_t)n;
    for (size_t i = 0; i < sets->n_item; i++) sets->set_of[i] = (uint32_t)sets->n_set;
    for (size_t s = 0; s < sets->n_set; s++) {
        for (size_t j = sets->start[s]; j < sets->start[s + 1]; j++) {
            sets->set_of[sets->items[j]] = (uint32_t)s;
        }
    }
}

struct sets *sets_new(const struct bank *bank)
{
    size_t n_item = bank_n_item(bank);
    struct member *members = calloc(n_item + 1, sizeof(*members));
    struct sets *sets = calloc(1, sizeof(*sets));
    size_t n;

    if (!members || !sets) goto failed;
    sets->n_item = n_item;
    sets->set_of = calloc(n_item + 1, sizeof(*sets->set_of));
    sets->items = calloc(n_item + 1, sizeof(*sets->items));
    sets->start = calloc(n_item + 1, sizeof(*sets->start));
    if (!sets->set_of || !sets->items || !sets->start) goto failed;
    n = find_members(bank, members);
    qsort(members, n, sizeof(*members), by_set);
    number_sets(sets, members, n);
    free(members);
    return sets;
failed:
    free(members);
    sets_free(sets);
    return NULL;
}

size_t sets_n(const struct sets *sets)
{
    return sets->n_set;
}

size_t sets_of(const struct sets *sets, size_t item)
{
    assert(item < sets->n_item);
    return sets->set_of[item];
}

const uint32_t *sets_items(const struct sets *sets, size_t set, size_t *out_n)
{
    assert(set < sets->n_set);
    *out_n = sets->start[set + 1] - sets->start[set];
    return sets->items + sets->start[set];
}

size_t sets_next(const struct sets *sets, const uint32_t *given, unsigned n, unsigned max)
{
    size_t set = n > 0 ? sets_of(sets, given[n - 1]) : sets->n_set;
    unsigned run = 0;

    if (set == sets->n_set) return set;
    while (run < n && sets_of(sets, given[n - 1 - run]) == set) run++;
    return max > 0 && run >= max ? sets->n_set : set;
}
