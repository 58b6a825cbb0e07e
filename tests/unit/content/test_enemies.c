/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "content/enemies.h"

#include "tests/support/banks.h"

#include <criterion/criterion.h>

enum { N_ITEM = 6 };

/* q1 names q3 and q6, q3 names q1 too; q2 and q4 have none; q6 names q5. */
static void make(size_t i, void *context, struct item_spec *spec)
{
    (void)context;
    spec->model = &model_1pl;
    spec->value[SLOT_A] = 1.0;
    if (i == 0) {
        spec->enemies[spec->n_enemy++] = slice_str("q3");
        spec->enemies[spec->n_enemy++] = slice_str("q6");
    }
    if (i == 2) spec->enemies[spec->n_enemy++] = slice_str("q1");
    if (i == 5) spec->enemies[spec->n_enemy++] = slice_str("q5");
}

Test(enemies, are_so_both_ways)
{
    static const bool want[N_ITEM][N_ITEM] = {
        [0] = {[2] = true, [5] = true},
        [2] = {[0] = true},
        [4] = {[5] = true},
        [5] = {[0] = true, [4] = true},
    };
    struct bank *bank = bank_make(N_ITEM, make, NULL);
    struct enemies *enemies = enemies_new(bank);

    cr_assert(enemies);
    for (size_t i = 0; i < N_ITEM; i++) {
        bool found[N_ITEM] = {false};
        size_t n;
        const uint32_t *list = enemies_of(enemies, i, &n);

        for (size_t j = 0; j < n; j++) {
            cr_assert(list[j] < N_ITEM);
            found[list[j]] = true;
        }
        for (size_t j = 0; j < N_ITEM; j++) {
            cr_expect(found[j] == want[i][j], "q%zu and q%zu", i + 1, j + 1);
            cr_expect(enemies_are(enemies, i, j) == want[i][j], "q%zu and q%zu", i + 1, j + 1);
        }
    }
    enemies_free(enemies);
    enemies_free(NULL);
    bank_free(bank);
}
