/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select/pick.h"

#include "base/rng.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

/* A criterion of given values, whose best is the largest or the smallest. */
static const double given[] = {0.7, 2.385, 0.1, 2.385, 1.1, 0.1};

static void values(const struct criterion_input *input, const struct candidates *candidates,
                   double *out)
{
    (void)input;
    for (size_t j = 0; j < candidates->n; j++) out[j] = given[candidates_item(candidates, j)];
}

static const struct criterion largest = {.name = "largest", .values = values};
static const struct criterion smallest = {.name = "smallest", .smallest = true, .values = values};

static void expect_picks(const struct criterion *criterion, const struct candidates *candidates,
                         size_t n_best, const uint32_t *want, size_t n_want)
{
    struct criterion_input input = {0};
    struct ranked out[8];
    double value[8];
    size_t n = pick_best(criterion, &input, candidates, value, out, n_best);

    cr_assert(n == n_want, "%s: %zu, not %zu", criterion->name, n, n_want);
    for (size_t j = 0; j < n; j++) {
        cr_expect(out[j].item == want[j], "%s: number %zu is %u, not %u", criterion->name, j,
                  out[j].item, want[j]);
        expect_bits(out[j].value, given[want[j]], "value of number %zu", j);
    }
}

Test(pick, ranks_the_largest_first)
{
    uint64_t word = 0;
    struct candidates all = {.n = 6, .blocked = {&word}};

    expect_picks(&largest, &all, 3, (uint32_t[]){1, 3, 4}, 3);
    expect_picks(&largest, &all, 1, (uint32_t[]){1}, 1);
    expect_picks(&largest, &all, 8, (uint32_t[]){1, 3, 4, 0, 2, 5}, 6);
}

Test(pick, ranks_the_smallest_first_where_it_is_the_best)
{
    uint64_t word = 0;
    struct candidates all = {.n = 6, .blocked = {&word}};

    expect_picks(&smallest, &all, 4, (uint32_t[]){2, 5, 0, 4}, 4);
}

static void not_all_numbers(const struct criterion_input *input,
                            const struct candidates *candidates, double *out)
{
    static const double some[] = {(double)NAN, 0.7, (double)NAN, 2.385};

    (void)input;
    for (size_t j = 0; j < candidates->n; j++) out[j] = some[candidates_item(candidates, j)];
}

Test(pick, what_is_no_number_comes_last)
{
    static const uint32_t best[2][4] = {{3, 1, 0, 2}, {1, 3, 0, 2}};
    uint64_t word = 0;
    struct candidates all = {.n = 4, .blocked = {&word}};
    struct criterion_input input = {0};
    struct ranked out[4];
    double value[4];

    for (int least = 0; least < 2; least++) {
        struct criterion criterion = {.smallest = least, .values = not_all_numbers};

        for (size_t n_best = 1; n_best <= 4; n_best++) {
            cr_assert(pick_best(&criterion, &input, &all, value, out, n_best) == n_best);
            for (size_t j = 0; j < n_best; j++) {
                cr_expect(out[j].item == best[least][j], "%zu of %zu is %u", j, n_best,
                          out[j].item);
            }
        }
    }
}

Test(pick, passes_over_blocked_ones)
{
    uint64_t word = 0;
    struct blocked blocked = {&word};
    struct candidates all = {.n = 6, .blocked = blocked};

    blocked_set(blocked, 1);
    blocked_set(blocked, 4);
    expect_picks(&largest, &all, 3, (uint32_t[]){3, 0, 2}, 3);
    blocked_clear(blocked, 4);
    expect_picks(&largest, &all, 2, (uint32_t[]){3, 4}, 2);
    for (size_t i = 0; i < 6; i++) blocked_set(blocked, i);
    expect_picks(&largest, &all, 3, NULL, 0);
}

Test(pick, keeps_to_the_list)
{
    static const uint32_t list[] = {0, 2, 3, 5};
    uint64_t word = 0;
    struct blocked blocked = {&word};
    struct candidates some = {.list = list, .n = 4, .blocked = blocked};

    expect_picks(&largest, &some, 3, (uint32_t[]){3, 0, 2}, 3);
    blocked_set(blocked, 3);
    expect_picks(&largest, &some, 3, (uint32_t[]){0, 2, 5}, 3);
    some.n = 0;
    expect_picks(&largest, &some, 3, NULL, 0);
}

Test(pick, blocked_bits_are_apart)
{
    uint64_t word[3] = {0};
    struct blocked blocked = {word};

    for (size_t i = 0; i < 192; i++) {
        blocked_set(blocked, i);
        for (size_t j = 0; j < 192; j++) cr_assert(blocked_has(blocked, j) == (i == j));
        blocked_clear(blocked, i);
    }
}

Test(pick, draw_of_one_is_that_one)
{
    struct ranked best[3] = {{7, 2.385}, {5, 1.1}, {3, 0.7}};

    for (uint64_t draw = 0; draw < 500; draw++) {
        double u = rng_uniform(77, draw);

        cr_assert(pick_draw(best, 1, u) == &best[0]);
        cr_assert(pick_draw(best, 3, u) == &best[(int)(3.0 * u)]);
    }
    cr_assert(pick_draw(best, 3, 1.0) == &best[2], "never beyond the last");
}

Test(criterion, mfi_is_the_information)
{
    struct dice dice = dice_new("mfi", 801);
    struct bank *bank = bank_random(&dice, 30);
    struct criterion_input input = {.bank = bank, .theta = 0.385};
    struct candidates all = {.n = 30};
    double value[30];

    criterion_mfi.values(&input, &all, value);
    for (size_t i = 0; i < 30; i++) {
        expect_bits(value[i], bank_item(bank, i)->model->info(bank_item(bank, i), 0.385),
                    "item %zu", i);
    }
    bank_free(bank);
}

/* Each item has a number of its own for each question and each seed. */
Test(criterion, random_numbers_do_not_come_twice)
{
    enum { N = 300 };
    struct dice dice = dice_new("random", 809);
    struct bank *bank = bank_random(&dice, N);
    double one[N], other[N];
    struct criterion_input input = {.bank = bank, .seed = 77, .draw = 5};
    struct candidates all = {.n = N};

    criterion_random.values(&input, &all, one);
    for (size_t i = 0; i < N; i++) {
        cr_assert(one[i] >= 0.0 && one[i] < 1.0);
        for (size_t j = 0; j < i; j++) cr_assert(one[i] != one[j], "items %zu and %zu", i, j);
    }
    input.draw = 6;
    criterion_random.values(&input, &all, other);
    for (size_t i = 0; i < N; i++) cr_assert(one[i] != other[i], "the next question");
    input.draw = 5;
    input.seed = 78;
    criterion_random.values(&input, &all, other);
    for (size_t i = 0; i < N; i++) cr_assert(one[i] != other[i], "another seed");
    input.theta = 2.385;
    criterion_random.values(&input, &all, one);
    for (size_t i = 0; i < N; i++) cr_assert(one[i] == other[i], "theta has no part in it");
    bank_free(bank);
}

/* Items that nobody, or everybody, can answer: an answer that no theta of the grid gives. */
Test(criterion, mepv_of_an_answer_that_cannot_come)
{
    struct item_spec specs[] = {spec_logistic("q1", &model_2pl, (double[]){90.0, 90.0, 0.0, 1.0}),
                                spec_logistic("q2", &model_2pl, (double[]){90.0, -90.0, 0.0, 1.0}),
                                spec_logistic("q3", &model_2pl, (double[]){1.0, 0.0, 0.0, 1.0})};
    struct bank *bank = bank_of_specs(specs, COUNT_OF(specs), 1.0);
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct estimate_spec spec = estimate_spec_default();
    struct evidence none = {.bank = bank};
    struct criterion_input input = {
        .bank = bank, .evidence = &none, .spec = &spec, .workspace = workspace};
    uint64_t word = 0;
    struct candidates all = {.n = COUNT_OF(specs), .blocked = {&word}};
    double node[LIMIT_NODES], value[COUNT_OF(specs)], bound[COUNT_OF(specs)];
    struct pick_scratch scratch = {.value = value, .bound = bound};
    struct item_table *table;

    grid_nodes(&spec.grid, node);
    cr_assert(item_table_new(bank, ITEM_TABLE_P, node, spec.grid.n_node, &table));
    for (int pass = 0; pass < 2; pass++, input.table = table) {
        criterion_mepv.values(&input, &all, value);
        expect_close(value[0], 1.0, 1e-3, "the prior's variance");
        expect_close(value[1], 1.0, 1e-3, "the prior's variance");
        cr_expect(value[2] < 0.9);
        cr_assert(pick_top(&criterion_mepv, &input, &all, &scratch, 1) == 1);
        cr_expect(scratch.best[0].item == 2);
    }
    item_table_free(table);
    estimate_workspace_free(workspace);
    bank_free(bank);
}
