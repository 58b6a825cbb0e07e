/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "content/proportions.h"

#include "tests/support/banks.h"

#include <criterion/criterion.h>

enum { N_ITEM = 20, N_TARGET = 3 };

static const struct target targets[N_TARGET] = {{"south", 0.5}, {"north", 0.3}, {"east", 0.2}};

/* Places in turn: north, east, south, west, none. */
static void make(size_t i, void *context, struct item_spec *spec)
{
    static const char *const place[] = {"north", "east", "south", "west"};

    (void)context;
    spec->model = &model_1pl;
    spec->value[SLOT_A] = 1.0;
    if (i % 5 == 4) return;
    spec->n_tag = 2;
    spec->tags[0] = (struct tag){slice_str("strand"), slice_str("south")};
    spec->tags[1] = (struct tag){slice_str("place"), slice_str(place[i % 5])};
}

static struct proportions *open(struct bank **bank)
{
    struct proportions *proportions;

    *bank = bank_make(N_ITEM, make, NULL);
    proportions = proportions_new(*bank, slice_str("place"), targets, N_TARGET);
    cr_assert(proportions);
    return proportions;
}

static void close(struct proportions *proportions, struct bank *bank)
{
    proportions_free(proportions);
    bank_free(bank);
}

Test(proportions, groups_are_the_values_of_the_tag)
{
    static const size_t want[5] = {1, 2, 0, N_TARGET, N_TARGET};  // of items 0 .. 4, and so on
    struct bank *bank;
    struct proportions *proportions = open(&bank);

    cr_expect(proportions_n_group(proportions) == N_TARGET);
    for (size_t i = 0; i < N_ITEM; i++)
        cr_expect(proportions_group_of(proportions, i) == want[i % 5], "item %zu", i);
    for (size_t g = 0; g < N_TARGET; g++) {
        size_t n;
        const uint32_t *items = proportions_items(proportions, g, &n);

        cr_assert(n == 4, "group %zu has %zu", g, n);
        for (size_t j = 0; j < n; j++) {
            cr_expect(proportions_group_of(proportions, items[j]) == g);
            cr_expect(j == 0 || items[j] > items[j - 1], "items of a group ascend");
        }
    }
    close(proportions, bank);
    proportions_free(NULL);
}

static void expect_next(const unsigned *count, unsigned n_asked, uint64_t closed, size_t want)
{
    struct bank *bank;
    struct proportions *proportions = open(&bank);
    size_t got = proportions_next(proportions, count, n_asked, closed);

    cr_expect(got == want, "%u, %u, %u of %u, closed %x: group %zu, not %zu", count[0], count[1],
              count[2], n_asked, (unsigned)closed, got, want);
    close(proportions, bank);
}

Test(proportions, a_group_without_an_item_comes_first)
{
    expect_next((unsigned[]){0, 0, 0}, 1, 0, 0);
    expect_next((unsigned[]){1, 0, 0}, 1, 0, 1);
    expect_next((unsigned[]){9, 9, 0}, 18, 0, 2);
    expect_next((unsigned[]){0, 9, 9}, 18, 0, 0);
}

Test(proportions, then_the_one_furthest_below_its_target)
{
    expect_next((unsigned[]){1, 1, 1}, 3, 0, 0);  // 0.5 - 1/3, 0.3 - 1/3, 0.2 - 1/3
    expect_next((unsigned[]){4, 1, 1}, 6, 0, 1);  // -0.17, 0.13, 0.03
    expect_next((unsigned[]){5, 3, 1}, 9, 0, 2);  // -0.06, -0.03, 0.09
    expect_next((unsigned[]){2, 1, 1}, 5, 0, 0);  // one of five is of no group: 0.1, 0.1, 0
}

Test(proportions, the_first_on_ties)
{
    expect_next((unsigned[]){5, 3, 2}, 10, 0, 0);  // all at their targets
    expect_next((unsigned[]){4, 2, 2}, 8, 1, 1);   // 0.05 for the second, -0.05 for the third
}

Test(proportions, closed_groups_are_passed_over)
{
    expect_next((unsigned[]){0, 0, 0}, 1, 1, 1);
    expect_next((unsigned[]){0, 0, 0}, 1, 3, 2);
    expect_next((unsigned[]){0, 0, 0}, 1, 7, N_TARGET);
    expect_next((unsigned[]){1, 1, 1}, 3, 1, 1);
    expect_next((unsigned[]){9, 2, 1}, 12, 4, 1);
    expect_next((unsigned[]){9, 9, 1}, 19, 7, N_TARGET);
}

/* As many groups as there may be. */
Test(proportions, the_last_group_of_64_counts)
{
    struct target many[LIMIT_GROUPS] = {{"", 0.0}};
    unsigned count[LIMIT_GROUPS];
    struct bank *bank = bank_make(N_ITEM, make, NULL);
    struct proportions *proportions;

    for (size_t g = 0; g < LIMIT_GROUPS; g++) {
        many[g] = targets[g % N_TARGET];
        count[g] = 1;
    }
    count[LIMIT_GROUPS - 1] = 0;
    proportions = proportions_new(bank, slice_str("place"), many, LIMIT_GROUPS);
    cr_assert(proportions);
    cr_expect(proportions_next(proportions, count, 63, 0) == LIMIT_GROUPS - 1);
    cr_expect(proportions_next(proportions, count, 63, (uint64_t)1 << 63) == 0);
    cr_expect(proportions_next(proportions, count, 63, UINT64_MAX) == LIMIT_GROUPS);
    close(proportions, bank);
}
