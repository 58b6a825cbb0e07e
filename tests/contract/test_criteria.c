/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every criterion, and for the pick by it: it is that of the slow, obvious
 * search. */
#include "base/rng.h"
#include "select/pick.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/priors.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_ITEM = 230, N_GIVEN = 12 };

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

/* An examinee somewhere in a test, and the memory of what he answered. */
struct scene {
    struct criterion_input input;
    struct evidence evidence;
    struct estimate_spec spec;
    uint32_t item[N_GIVEN];
    uint8_t score[N_GIVEN];
    double thetas[LIMIT_DIMS], weights[LIMIT_DIMS];
};

/* A bank for the criteria of one dimension and one for those of several. */
struct banks {
    struct bank *one, *several;
};

static struct banks banks_open(struct dice *dice)
{
    return (struct banks){bank_random(dice, N_ITEM), bank_random_dims(dice, 3, N_ITEM)};
}

static const struct bank *bank_for(const struct banks *banks, const struct criterion *criterion)
{
    return dims_fit(criterion->dims, 1) ? banks->one : banks->several;
}

static void banks_close(struct banks *banks)
{
    bank_free(banks->one);
    bank_free(banks->several);
}

static struct estimate_workspace *workspace;

static void open_workspace(void)
{
    workspace = estimate_workspace_new();
    cr_assert(workspace);
}

static void close_workspace(void)
{
    estimate_workspace_free(workspace);
}

TestSuite(criteria, .init = open_workspace, .fini = close_workspace);

static const struct estimator *any_estimator(struct dice *dice)
{
    size_t n = 0;

    while (estimators[n]) n++;
    return estimators[dice_below(dice, n)];
}

static void scene_draw(struct scene *scene, const struct bank *bank, struct dice *dice)
{
    size_t n = dice_below(dice, N_GIVEN + 1);
    const struct estimator *ahead = any_estimator(dice);

    *scene = (struct scene){.spec = estimate_spec_default()};
    if (bank_n_dim(bank) == 1) scene->spec.prior = prior_of(prior_draw(dice, ahead));
    scene->evidence = (struct evidence){.bank = bank, .item = scene->item, .score = scene->score};
    for (size_t j = 0; j < n; j++) {
        uint32_t item = (uint32_t)dice_below(dice, bank_n_item(bank));
        unsigned score = (unsigned)dice_below(dice, bank_item(bank, item)->n_cat);

        evidence_add(&scene->evidence, item, score, NULL);
    }
    scene->input = (struct criterion_input){
        .bank = bank,
        .theta = dice_between(dice, -6.0, 6.0),
        .thetas = scene->thetas,
        .weights = dice_chance(dice, 0.5) ? scene->weights : NULL,
        .se = dice_between(dice, 0.1, 2.0),
        .evidence = &scene->evidence,
        .spec = &scene->spec,
        .ahead = ahead,
        .pace = {dice_below(dice, PACE_N), dice_between(dice, 0.5, 2.0), 25.0, 25},
        .seed = dice_bits(dice),
        .draw = dice_below(dice, LIMIT_ANSWERS),
        .workspace = workspace};
    if (scene->input.pace.by == PACE_SE) scene->input.pace.at = dice_between(dice, 0.1, 0.6);
    for (size_t m = 0; m < LIMIT_DIMS; m++) {
        scene->thetas[m] = dice_between(dice, -6.0, 6.0);
        scene->weights[m] = dice_between(dice, 0.0, 2.0);
    }
}

/* Those whose value of an item depends on the others that may be asked. */
static bool is_relative(const struct criterion *criterion)
{
    return criterion == &criterion_progressive || criterion == &criterion_proportional;
}

/* How many trials of `most` a criterion is worth: those that integrate or look ahead are slow. */
static int trials(const struct criterion *criterion, int most)
{
    static const struct criterion *const fast[] = {
        &criterion_mfi,          &criterion_mit,    &criterion_bopt, &criterion_progressive,
        &criterion_proportional, &criterion_random, &criterion_fixed};

    for (size_t i = 0; i < COUNT_OF(fast); i++) {
        if (criterion == fast[i]) return most;
    }
    if (criterion == &criterion_mei_observed || criterion == &criterion_mei_fisher)
        return most / 150 + 1;
    return most / 30 + 1;
}

static void check_list(const struct criterion *criterion, const struct scene *scene,
                       const struct pool *pool)
{
    struct candidates everyone = {.n = N_ITEM, .blocked = pool->candidates.blocked};
    double all[N_ITEM], some[N_ITEM], again[N_ITEM];

    criterion->values(&scene->input, &everyone, all);
    criterion->values(&scene->input, &pool->candidates, some);
    criterion->values(&scene->input, &everyone, again);
    cr_assert(memcmp(all, again, sizeof(all)) == 0, "%s draws anew", criterion->name);
    for (size_t j = 0; j < pool->candidates.n && !is_relative(criterion); j++) {
        expect_bits(some[j], all[pool->list[j]], "%s, item %u", criterion->name, pool->list[j]);
    }
}

Test(criteria, values_of_a_list_are_those_of_all)
{
    struct dice dice = dice_new("criteria", 503);
    struct banks banks = banks_open(&dice);

    for (size_t c = 0; criteria[c]; c++) {
        for (int trial = trials(criteria[c], 200); trial > 0; trial--) {
            struct scene scene;
            struct pool pool;

            scene_draw(&scene, bank_for(&banks, criteria[c]), &dice);
            do pool_draw(&pool, &dice);
            while (!pool.candidates.list);
            check_list(criteria[c], &scene, &pool);
        }
    }
    banks_close(&banks);
}

/* The A rule without the prior, while the items given leave a dimension out. */
static bool is_beyond(const struct criterion *criterion, double value)
{
    return criterion == &criterion_Arule && isinf(value) && value < 0.0;
}

/* Every value of an item that may be asked is a number, wherever the examinee stands. */
Test(criteria, values_are_finite)
{
    struct dice dice = dice_new("finite", 547);
    struct banks banks = banks_open(&dice);
    double value[N_ITEM];

    for (size_t c = 0; criteria[c]; c++) {
        for (int trial = trials(criteria[c], 600); trial > 0; trial--) {
            struct scene scene;
            struct pool pool;

            scene_draw(&scene, bank_for(&banks, criteria[c]), &dice);
            pool_draw(&pool, &dice);
            criteria[c]->values(&scene.input, &pool.candidates, value);
            for (size_t j = 0; j < pool.candidates.n; j++) {
                expect_true(isfinite(value[j]) || is_beyond(criteria[c], value[j]),
                            "%s, %s prior, %zu answers, theta %g: %g", criteria[c]->name,
                            scene.spec.prior.kind->name, scene.evidence.n, scene.input.theta,
                            value[j]);
            }
        }
    }
    banks_close(&banks);
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

/* The value of every item, by the values of all where they do not depend on each other. */
static void values_slowly(const struct criterion *criterion, const struct criterion_input *input,
                          const struct candidates *candidates, double *out)
{
    struct candidates all = {.n = N_ITEM, .blocked = candidates->blocked};
    double value[N_ITEM];

    if (!is_relative(criterion)) {
        criterion->values(input, &all, out);
        return;
    }
    criterion->values(input, candidates, value);
    for (size_t j = 0; j < candidates->n; j++) out[candidates_item(candidates, j)] = value[j];
}

/* The best of those that are left, again and again. */
static size_t best_slowly(const struct criterion *criterion, const struct criterion_input *input,
                          const struct candidates *candidates, struct ranked *out, size_t n_best)
{
    double value[N_ITEM];
    size_t n = 0;

    values_slowly(criterion, input, candidates, value);
    while (n < n_best) {
        struct ranked best = {.item = UINT32_MAX};

        for (size_t j = 0; j < candidates->n; j++) {
            uint32_t i = candidates_item(candidates, j);

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
    struct scene scene;
    size_t n_best = 1 + dice_below(dice, dice_chance(dice, 0.5) ? 5 : LIMIT_RANDOMESQUE);
    struct ranked got[LIMIT_RANDOMESQUE], want[LIMIT_RANDOMESQUE];
    double value[N_ITEM];
    struct pool pool, before;
    size_t n_got, n_want;

    scene_draw(&scene, bank, dice);
    pool_draw(&pool, dice);
    before = pool;
    n_got = pick_best(criterion, &scene.input, &pool.candidates, value, got, n_best);
    n_want = best_slowly(criterion, &scene.input, &pool.candidates, want, n_best);
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
    struct banks banks = banks_open(&dice);

    for (size_t c = 0; criteria[c]; c++) {
        for (int trial = trials(criteria[c], 1500); trial > 0; trial--) {
            check_pick(criteria[c], bank_for(&banks, criteria[c]), &dice);
        }
    }
    banks_close(&banks);
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
            const struct ranked *drawn = pick_draw(best, n, rng_uniform(541, d));

            cr_assert(drawn >= best && drawn < best + n, "draw %zu of %zu", d, n);
            cr_assert(drawn == pick_draw(best, n, rng_uniform(541, d)), "not the same again");
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

static bool may_be_asked(const struct candidates *candidates, uint32_t item)
{
    for (size_t j = 0; j < candidates->n; j++) {
        if (candidates_item(candidates, j) == item) return !blocked_has(candidates->blocked, item);
    }
    return false;
}

static size_t n_left(const struct candidates *candidates)
{
    size_t n = 0;

    for (size_t j = 0; j < candidates->n; j++) {
        n += !blocked_has(candidates->blocked, candidates_item(candidates, j));
    }
    return n;
}

static void check_next(const struct criterion *criterion, const struct scene *scene,
                       const struct candidates *candidates, double u)
{
    struct pick_rule rule = {criterion, 1 + (size_t)(u * 8.0)};
    double value[N_ITEM];
    struct pick_scratch scratch = {.value = value};
    struct ranked best[LIMIT_RANDOMESQUE];
    uint32_t got = pick_next(&rule, &scene->input, candidates, &scratch, u);
    size_t n;

    cr_assert((got == PICK_NONE) == (n_left(candidates) == 0), "%s", criterion->name);
    if (got == PICK_NONE) return;
    expect_true(may_be_asked(candidates, got), "%s, u %g: item %u", criterion->name, u, got);
    if (criterion->drawn) return;
    n = pick_best(criterion, &scene->input, candidates, value, best, rule.n_best);
    expect_true(got == pick_draw(best, n, u)->item, "%s: not one of the best", criterion->name);
}

Test(criteria, the_next_item_is_one_that_may_be_asked)
{
    static const double ends[] = {0.0, 1.0 - 0x1p-53};
    struct dice dice = dice_new("next", 557);
    struct banks banks = banks_open(&dice);

    for (size_t c = 0; criteria[c]; c++) {
        for (int trial = trials(criteria[c], 600); trial > 0; trial--) {
            double u =
                dice_chance(&dice, 0.2) ? dice_of(&dice, ends, 2) : dice_between(&dice, 0.0, 1.0);
            struct scene scene;
            struct pool pool;

            scene_draw(&scene, bank_for(&banks, criteria[c]), &dice);
            pool_draw(&pool, &dice);
            check_next(criteria[c], &scene, &pool.candidates, u);
        }
    }
    banks_close(&banks);
}

/* What is drawn is drawn by probabilities; nobody blocked has one. */
static void check_drawn(const struct criterion *criterion, const struct scene *scene,
                        const struct candidates *candidates)
{
    double value[N_ITEM], sum = 0.0;

    criterion->values(&scene->input, candidates, value);
    for (size_t j = 0; j < candidates->n; j++) {
        bool blocked = blocked_has(candidates->blocked, candidates_item(candidates, j));

        expect_true(value[j] >= 0.0 && value[j] <= 1.0, "%s: %g", criterion->name, value[j]);
        if (blocked)
            expect_true(value[j] == 0.0, "%s: a blocked item has %g", criterion->name, value[j]);
        sum += value[j];
    }
    if (n_left(candidates) > 0) {
        expect_close(sum, 1.0, 1e-12, "%s, pace %s at %g, se %g, %zu answers: the sum",
                     criterion->name, pace_names[scene->input.pace.by], scene->input.pace.at,
                     scene->input.se, scene->evidence.n);
    }
}

Test(criteria, drawn_ones_are_probabilities)
{
    struct dice dice = dice_new("drawn", 563);
    struct bank *bank = bank_random(&dice, N_ITEM);
    size_t n = 0;

    for (size_t c = 0; criteria[c]; c++) {
        for (int trial = 0; criteria[c]->drawn && trial < 1500; trial++) {
            struct scene scene;
            struct pool pool;

            scene_draw(&scene, bank, &dice);
            pool_draw(&pool, &dice);
            if (scene.input.pace.by == PACE_SE)
                scene.input.pace.at = dice_between(&dice, 0.01, 1.0);
            if (dice_chance(&dice, 0.3)) scene.input.theta *= 3.0;
            check_drawn(criteria[c], &scene, &pool.candidates);
            n++;
        }
    }
    cr_expect(n == 1500);
    bank_free(bank);
}

/* Every item is drawn as often as its probability says: chi-square of 2000 draws over six items. */
Test(criteria, proportional_draws_by_its_probabilities)
{
    enum { N = 6, N_DRAW = 2000 };
    struct dice dice = dice_new("proportional", 569);
    struct bank *bank = bank_random(&dice, N);
    uint64_t word = 0;
    struct candidates all = {.n = N, .blocked = {&word}};
    struct pick_rule rule = {&criterion_proportional, 1};
    double value[N], scratch_value[N], chi = 0.0;
    struct pick_scratch scratch = {.value = scratch_value};
    size_t count[N] = {0};
    struct scene scene;

    do scene_draw(&scene, bank, &dice);
    while (scene.evidence.n == 0);
    scene.input.theta = 0.385;
    scene.input.pace = (struct pace){PACE_LENGTH, 1.0, 8.0, 0};
    criterion_proportional.values(&scene.input, &all, value);
    for (uint64_t d = 0; d < N_DRAW; d++) {
        count[pick_next(&rule, &scene.input, &all, &scratch, rng_uniform(571, d))]++;
    }
    for (size_t i = 0; i < N; i++) {
        double due = N_DRAW * value[i];

        chi += ((double)count[i] - due) * ((double)count[i] - due) / fmax(due, 1.0);
    }
    cr_expect(chi < 5.0 + 6.0 * sqrt(10.0) + 12.0, "chi-square %g", chi);
    bank_free(bank);
}

Test(criteria, are_found_by_their_names)
{
    for (size_t c = 0; criteria[c]; c++)
        cr_expect(criterion_find(slice_str(criteria[c]->name)) == criteria[c]);
    cr_expect(!criterion_find(slice_str("")) && !criterion_find(slice_str("mfi")));
}
