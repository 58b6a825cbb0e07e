/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "content/sets.h"

#include "tests/support/banks.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N_ITEM = 8 };

static void make(size_t i, void *context, struct item_spec *spec)
{
    const char *const *set = context;

    spec->model = &model_1pl;
    spec->value[SLOT_A] = 1.0;
    if (set[i]) spec->set = slice_str(set[i]);
}

/* "P" begins "P1"; the items of a set stand apart in the bank. */
static const char *const names[N_ITEM] = {"P1", NULL, "P", "P1", "Q", NULL, "P", "P1"};

static struct sets *open(struct bank **bank, const char *const *set)
{
    struct sets *sets;

    *bank = bank_make(N_ITEM, make, (void *)(uintptr_t)set);
    sets = sets_new(*bank);
    cr_assert(sets);
    return sets;
}

Test(sets, hold_the_items_that_name_them)
{
    struct bank *bank;
    struct sets *sets = open(&bank, names);
    size_t n_listed = 0;

    cr_assert(sets_n(sets) == 3);
    cr_expect(sets_of(sets, 1) == 3 && sets_of(sets, 5) == 3);
    for (size_t i = 0; i < N_ITEM; i++) {
        for (size_t j = 0; names[i] && j < N_ITEM; j++) {
            bool same = names[j] && strcmp(names[i], names[j]) == 0;

            cr_expect((sets_of(sets, i) == sets_of(sets, j)) == same, "items %zu and %zu", i, j);
        }
    }
    for (size_t s = 0; s < sets_n(sets); s++) {
        size_t n;
        const uint32_t *items = sets_items(sets, s, &n);

        for (size_t j = 0; j < n; j++) {
            cr_expect(sets_of(sets, items[j]) == s);
            cr_expect(j == 0 || items[j] > items[j - 1], "they ascend");
        }
        n_listed += n;
    }
    cr_expect(n_listed == 6);
    sets_free(sets);
    bank_free(bank);
}

Test(sets, may_be_none_at_all)
{
    static const char *const none[N_ITEM] = {NULL};
    struct bank *bank;
    struct sets *sets = open(&bank, none);
    uint32_t given[] = {0};

    cr_expect(sets_n(sets) == 0 && sets_of(sets, 7) == 0);
    cr_expect(sets_next(sets, given, 1, 0) == 0);
    sets_free(sets);
    sets_free(NULL);
    bank_free(bank);
}

Test(sets, may_hold_every_item)
{
    static const char *const all[N_ITEM] = {"P", "Q", "P", "Q", "P", "Q", "P", "Q"};
    struct bank *bank;
    struct sets *sets = open(&bank, all);
    size_t n[2];

    cr_assert(sets_n(sets) == 2);
    for (size_t s = 0; s < 2; s++) {
        const uint32_t *items = sets_items(sets, s, &n[s]);

        for (size_t j = 0; j < n[s]; j++) cr_expect(items[j] == 2 * j + s);
    }
    cr_expect(n[0] == 4 && n[1] == 4);
    sets_free(sets);
    bank_free(bank);
}

Test(sets, go_on_with_that_of_the_last_item)
{
    struct bank *bank;
    struct sets *sets = open(&bank, names);
    uint32_t given[] = {4, 0, 3, 7, 1};

    cr_expect(sets_next(sets, given, 0, 0) == 3);
    cr_expect(sets_next(sets, given, 1, 0) == sets_of(sets, 4));
    cr_expect(sets_next(sets, given, 1, 1) == 3, "one is enough");
    cr_expect(sets_next(sets, given, 3, 0) == sets_of(sets, 0));
    cr_expect(sets_next(sets, given, 3, 3) == sets_of(sets, 0), "two of three");
    cr_expect(sets_next(sets, given, 4, 3) == 3);
    cr_expect(sets_next(sets, given, 4, 4) == sets_of(sets, 0));
    cr_expect(sets_next(sets, given, 5, 0) == 3, "an item of no set");
    sets_free(sets);
    bank_free(bank);
}
