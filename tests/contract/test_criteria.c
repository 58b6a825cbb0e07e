/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every criterion, and for the pick by it: it is that of the slow, obvious
 * search. */
#include "select/pick.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_ITEM = 230 };

/* Random candidates of a bank: some of the items or all, some of them blocked. */
struct pool {
    struct candidates candidates;
    uint32_t list[N_ITEM];
    uint64_t word[(N_ITEM + 63) / 64];
};

static void pool_draw(struct pool *pool, struct dice *dice)
{
    bool has_list = dice_chance(dice, 0.5);
    double listed = dice_between(dice, 0.0, 1.0), blocked = dice_between(dice, 0.0, 1.05);
    size_t n = 0;

    memset(pool, 0, sizeof(*pool));
    for (uint32_t i = 0; i < N_ITEM; i++) {
        if (dice_chance(dice, listed)) pool->list[n++] = i;
        if (dice_chance(dice, blocked)) {
            blocked_set((struct blocked){pool->word}, i);
        }
    }
    pool->candidates = (struct candidates){
        .list = has_list ? pool->list : NULL, .n = has_list ? n : N_ITEM, .blocked = {pool->word}};
}

static struct criterion_input input_draw(const struct bank *bank, struct dice *dice)
{
    return (struct criterion_input){.bank = bank,
                                    .theta = dice_between(dice, -6.0, 6.0),
                                    .seed = dice_bits(dice),
                                    .draw = dice_below(dice, LIMIT_ANSWERS)};
}

Test(criteria, values_of_a_list_are_those_of_all)
{
    struct dice dice = dice_new("criteria", 503);
    struct bank *bank = bank_random(&dice, N_ITEM);
    double all[N_ITEM], some[N_ITEM], again[N_ITEM];

    for (int trial = 0; trial < 200; trial++) {
        const struct criterion *criterion;
        struct criterion_input input = input_draw(bank, &dice);
        struct pool pool;

        pool_draw(&pool, &dice);
        if (!pool.candidates.list) continue;
        for (size_t c = 0; (criterion = criteria[c]); c++) {
            criterion->values(&input, NULL, N_ITEM, all);
            criterion->values(&input, pool.list, pool.candidates.n, some);
            criterion->values(&input, NULL, N_ITEM, again);
            for (size_t j = 0; j < pool.candidates.n; j++)
                expect_bits(some[j], all[pool.list[j]], "%s, item %u", criterion->name,
                            pool.list[j]);
            cr_assert(memcmp(all, again, sizeof(all)) == 0, "%s draws anew", criterion->name);
        }
    }
    bank_free(bank);
}

static bool is_better(const struct criterion *criterion, double a, double b)
{
    return criterion->smallest ? a < b : a > b;
}

static bool is_in(const struct ranked *list, size_t n, uint32_t item)
{
    for (size_t j = 0; j < n; j++) {
        if (list[j].item == item) return true;
    }
    return false;
}

/* The best of those that are left, again and again. */
static size_t best_slowly(const struct criterion *criterion, const struct criterion_input *input,
                          const struct candidates *candidates, struct ranked *out, size_t n_best)
{
    double value[N_ITEM];
    size_t n = 0;

    criterion->values(input, NULL, N_ITEM, value);
    while (n < n_best) {
        struct ranked best = {.item = UINT32_MAX};

        for (size_t j = 0; j < candidates->n; j++) {
            uint32_t i = candidates->list ? candidates->list[j] : (uint32_t)j;

            if (blocked_has(candidates->blocked, i) || is_in(out, n, i)) continue;
            if (best.item == UINT32_MAX || is_better(criterion, value[i], best.value))
                best = (struct ranked){.item = i, .value = value[i]};
        }
        if (best.item == UINT32_MAX) return n;
        out[n++] = best;
    }
    return n;
}

static void check_pick(const struct criterion *criterion, const struct bank *bank,
                       struct dice *dice)
{
    struct criterion_input input = input_draw(bank, dice);
    size_t n_best = 1 + dice_below(dice, dice_chance(dice, 0.5) ? 5 : LIMIT_RANDOMESQUE);
    struct ranked got[LIMIT_RANDOMESQUE], want[LIMIT_RANDOMESQUE];
    double value[N_ITEM];
    struct pool pool, before;
    size_t n_got, n_want;

    pool_draw(&pool, dice);
    before = pool;
    n_got = pick_best(criterion, &input, &pool.candidates, value, got, n_best);
    n_want = best_slowly(criterion, &input, &pool.candidates, want, n_best);
    cr_assert(n_got == n_want, "%s: %zu, not %zu", criterion->name, n_got, n_want);
    for (size_t j = 0; j < n_got; j++) {
        expect_true(got[j].item == want[j].item, "%s: %u is number %zu, not %u", criterion->name,
                    got[j].item, j, want[j].item);
        expect_bits(got[j].value, want[j].value, "%s: value of number %zu", criterion->name, j);
    }
    cr_assert(memcmp(pool.word, before.word, sizeof(pool.word)) == 0, "the blocked ones change");
}

Test(criteria, the_pick_is_that_of_the_slow_search)
{
    struct dice dice = dice_new("pick", 509);
    struct bank *bank = bank_random(&dice, N_ITEM);

    for (size_t c = 0; criteria[c]; c++) {
        for (int trial = 0; trial < 1500; trial++) check_pick(criteria[c], bank, &dice);
    }
    bank_free(bank);
}

static void make_twins(size_t i, void *context, struct item_spec *spec)
{
    (void)context;
    spec->model = &model_2pl;
    spec->value[SLOT_A] = 1.1;
    spec->value[SLOT_B] = 0.385 * (double)(i / 10 % 5);  // ten equal ones in a row, five times over
}

/* Equal values: the first in the bank comes first. */
Test(criteria, ties_go_to_the_first)
{
    struct dice dice = dice_new("ties", 521);
    struct bank *bank = bank_make(N_ITEM, make_twins, NULL);

    for (int trial = 0; trial < 1500; trial++) check_pick(&criterion_mfi, bank, &dice);
    bank_free(bank);
}

/* The draw among n: every one comes, no other does, and about equally often: chi-square with n - 1
 * degrees of freedom stays below n + 6 sqrt(2 n) + 12 but once in a million. */
Test(criteria, randomesque_draws_all_and_nothing_else)
{
    static struct ranked best[LIMIT_RANDOMESQUE];

    for (size_t n = 1; n <= LIMIT_RANDOMESQUE; n++) {
        size_t count[LIMIT_RANDOMESQUE] = {0};
        size_t n_draw = 400 * n;
        double chi = 0.0;

        for (size_t d = 0; d < n_draw; d++) {
            const struct ranked *drawn = pick_draw(best, n, 541, d);

            cr_assert(drawn >= best && drawn < best + n, "draw %zu of %zu", d, n);
            cr_assert(drawn == pick_draw(best, n, 541, d), "a draw is not the same again");
            count[drawn - best]++;
        }
        for (size_t j = 0; j < n; j++) {
            double off = (double)count[j] - 400.0;

            cr_assert(count[j] > 0, "%zu of %zu is never drawn", j, n);
            chi += off * off / 400.0;
        }
        cr_expect(chi < (double)n + 6.0 * sqrt(2.0 * (double)n) + 12.0, "n = %zu: chi-square %g", n,
                  chi);
    }
}

Test(criteria, are_found_by_their_names)
{
    for (size_t c = 0; criteria[c]; c++)
        cr_expect(criterion_find(slice_str(criteria[c]->name)) == criteria[c]);
    cr_expect(!criterion_find(slice_str("")) && !criterion_find(slice_str("mfi")));
}
