/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a whole session looks like is in tests/trace, what every event does in tests/contract; here
 * is what is left of the header. */
#include "session/session.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/priors.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_ITEM = 12 };

static struct bank *bank_any(void)
{
    struct dice dice = dice_new("session", 901);

    return bank_random(&dice, N_ITEM);
}

/* What theta and SE are worth before the first answer. */
static void expect_start(struct test *test, const struct bank *bank, bool has_prior, double want_se)
{
    struct sitting sitting;
    struct session_view view;
    struct event event;

    sitting_open(&sitting, test, bank);
    event = sitting_event(&sitting, EVENT_STARTED);
    event.has_prior = has_prior;
    event.prior_mean = 1.1;
    event.prior_sd = 0.7;
    cr_assert(sitting_take(&sitting, &event) == OK);
    view = sitting_view(&sitting);
    expect_bits(view.theta, 0.385, "%s: the start theta", test->interim.estimator->name);
    expect_close(view.se, want_se, 0.0, "%s: SE at the start", test->interim.estimator->name);
    expect_bits(sitting.effects.outcome.theta, view.theta, "the outcome's theta");
    cr_expect(sitting.effects.changed && sitting.effects.outcome.item == view.item);
    cr_expect(sitting.effects.outcome.stop == NULL && view.stop == NULL);
    cr_expect(view.seq == 1 && view.asked == 1 && session_n_answer(sitting.session) == 0);
    sitting_close(&sitting);
}

Test(session, starts_with_the_priors_error_or_none)
{
    struct bank *bank = bank_any();
    struct test test;

    test_init(&test);
    test.start_theta = 0.385;
    test.interim.prior.sd = 1.7;
    expect_start(&test, bank, false, 1.7);
    expect_start(&test, bank, true, 0.7);
    test.interim.estimator = &estimator_map;
    expect_start(&test, bank, true, 0.7);
    test.interim.prior.kind = &prior_uniform;
    expect_start(&test, bank, false, (double)NAN);
    expect_start(&test, bank, true, 0.7);
    test.interim.prior.kind = &prior_normal;
    test.interim.estimator = &estimator_ml;
    expect_start(&test, bank, true, (double)NAN);
    test.interim.estimator = &estimator_wle;
    expect_start(&test, bank, false, (double)NAN);
    bank_free(bank);
}

Test(session, view_before_the_start_is_empty)
{
    struct bank *bank = bank_any();
    struct sitting sitting;
    struct session_view view;
    struct test test;

    test_init(&test);
    test.min_items = 5;
    sitting_open(&sitting, &test, bank);
    view = sitting_view(&sitting);
    cr_expect(view.state == SESSION_NEW && view.seq == 0 && view.asked == 0);
    cr_expect(view.item == NO_ITEM && view.min_items == 5 && view.max_items == N_ITEM);
    cr_expect(session_n_event(sitting.session) == 0);
    cr_expect(session_plan(sitting.session) == sitting.plan);
    cr_expect(workspace_estimate(sitting.workspace) != NULL);
    sitting_close(&sitting);
    bank_free(bank);
}

static void make_timed(size_t i, void *context, struct item_spec *spec)
{
    (void)context;
    spec->model = &model_1pl;
    spec->value[SLOT_A] = 1.0;
    spec->rapid_ms = i == 0 ? 0 : 2385;
}

/* An answer before its item's time is a guess; where item or answer have no time it is neither. */
Test(session, tells_guesses_by_their_time)
{
    static const int64_t elapsed_ms[] = {7, -1, 0, 1, 2384, 2385, 2386};
    struct bank *bank = bank_make(COUNT_OF(elapsed_ms), make_timed, NULL);
    struct session_quality quality;
    struct sitting sitting;
    struct test test;

    test_init(&test);
    test.n_start = COUNT_OF(elapsed_ms);
    for (size_t i = 0; i < COUNT_OF(elapsed_ms); i++)
        snprintf(test.start_items[i], sizeof(test.start_items[i]), "q%zu", i + 1);
    sitting_open(&sitting, &test, bank);
    cr_assert(sitting_start(&sitting, 11) == OK);
    for (size_t i = 0; i < COUNT_OF(elapsed_ms); i++) {
        struct event event = sitting_answer_event(&sitting, 1);

        event.elapsed_ms = elapsed_ms[i];
        cr_assert(sitting_take(&sitting, &event) == OK);
    }
    session_quality(sitting.session, &quality);
    cr_expect(quality.n_timed == 5 && quality.n_rapid == 3, "%u timed, %u rapid", quality.n_timed,
              quality.n_rapid);
    sitting_close(&sitting);
    bank_free(bank);
}

/* The estimate after each answer is the estimator's own. */
static void expect_estimates(const struct test *test, const struct bank *bank, bool has_prior)
{
    static const struct ability no_ability;
    struct estimate_spec spec = test->interim;
    uint32_t item[N_ITEM];
    uint8_t score[N_ITEM];
    struct evidence evidence = {.bank = bank, .item = item, .score = score};
    struct sitting sitting;
    struct event event;

    sitting_open(&sitting, test, bank);
    event = sitting_event(&sitting, EVENT_STARTED);
    event.has_prior = has_prior;
    event.prior_mean = 1.1;
    event.prior_sd = 0.7;
    cr_assert(sitting_take(&sitting, &event) == OK);
    if (has_prior) {
        spec.prior.mean = 1.1;
        spec.prior.sd = 0.7;
    }
    while (sitting_view(&sitting).state == SESSION_ASKING) {
        struct session_view view = sitting_view(&sitting);
        unsigned k = view.seq % bank_item(bank, view.item)->n_cat;
        struct estimate want;

        cr_assert(sitting_answer(&sitting, k) == OK);
        evidence_add(&evidence, view.item, k, NULL);
        if (sitting_view(&sitting).state == SESSION_FINISHED)
            spec.estimator = test->final.estimator;
        spec.estimator->solve(&spec, &evidence, workspace_estimate(sitting.workspace), &want);
        expect_bits(sitting_view(&sitting).theta, want.theta, "%s: theta after %u",
                    spec.estimator->name, view.seq);
        expect_bits(sitting_view(&sitting).se, want.se, "%s: SE after %u", spec.estimator->name,
                    view.seq);
        view = sitting_view(&sitting);
        cr_expect(memcmp(&view.ability, &no_ability, sizeof(no_ability)) == 0, "one dimension");
    }
    sitting_close(&sitting);
}

Test(session, estimates_as_its_test_says)
{
    struct bank *bank = bank_any();
    struct test test;

    for (size_t e = 0; estimators[e]; e++) {
        for (size_t f = 0; estimators[f]; f++) {
            test_init(&test);
            test.interim.estimator = estimators[e];
            test.final = test.interim;
            test.final.estimator = estimators[f];
            expect_estimates(&test, bank, false);
            expect_estimates(&test, bank, true);
        }
    }
    bank_free(bank);
}

/* The examinee's own prior is normal and stands in place of the test's, whatever that is. */
Test(session, takes_the_examinees_prior_for_any_other)
{
    struct bank *bank = bank_any();
    struct test test;
    double theta[4];

    for (size_t p = 0; prior_kinds[p]; p++) {
        struct sitting sitting;
        struct event event;

        cr_assert(p < COUNT_OF(theta));
        test_init(&test);
        test.interim.prior = prior_of(prior_kinds[p]);
        test.final = test.interim;
        sitting_open(&sitting, &test, bank);
        event = sitting_event(&sitting, EVENT_STARTED);
        event.has_prior = true;
        event.prior_mean = 1.1;
        event.prior_sd = 0.7;
        cr_assert(sitting_take(&sitting, &event) == OK);
        cr_assert(sitting_answer(&sitting, 1) == OK && sitting_answer(&sitting, 0) == OK);
        theta[p] = sitting_view(&sitting).theta;
        expect_bits(theta[p], theta[0], "%s", prior_kinds[p]->name);
        sitting_close(&sitting);
    }
    bank_free(bank);
}

Test(session, refuses_to_start_with_no_item_left)
{
    struct bank *bank = bank_any();
    uint32_t retired[N_ITEM];
    struct sitting sitting;
    struct test test;

    for (uint32_t i = 0; i < N_ITEM; i++) retired[i] = N_ITEM - 1 - i;
    test_init(&test);
    sitting_open(&sitting, &test, bank);
    sitting.retired = retired;
    sitting.n_retired = N_ITEM;
    cr_expect(sitting_start(&sitting, 7) == EXHAUSTED);
    sitting_close(&sitting);
    sitting_open(&sitting, &test, bank);
    sitting.retired = retired;
    sitting.n_retired = N_ITEM - 1;
    cr_assert(sitting_start(&sitting, 7) == OK);
    cr_expect(sitting_view(&sitting).item == 0, "the one that is left");
    sitting_close(&sitting);
    bank_free(bank);
}

/* What was asked may be read back, and was never asked twice. */
Test(session, tells_what_it_asked)
{
    struct bank *bank = bank_any();
    struct sitting sitting;
    struct test test;
    uint32_t asked[N_ITEM];

    test_init(&test);
    sitting_open(&sitting, &test, bank);
    cr_assert(sitting_start(&sitting, 7) == OK);
    for (unsigned n = 0; n < N_ITEM; n++) {
        asked[n] = sitting_view(&sitting).item;
        for (unsigned j = 0; j < n; j++) cr_expect(asked[j] != asked[n]);
        cr_assert(sitting_answer(&sitting, 1) == OK);
        cr_expect(session_n_answer(sitting.session) == n + 1);
        cr_expect(session_n_event(sitting.session) == n + 2);
    }
    for (unsigned n = 0; n < N_ITEM; n++)
        cr_expect(session_answered_item(sitting.session, n + 1) == asked[n]);
    cr_expect_str_eq(sitting_view(&sitting).stop, "pool");
    sitting_close(&sitting);
    bank_free(bank);
}

/* Other seeds draw other items; the same seed draws the same. */
Test(session, randomesque_goes_by_the_seed)
{
    struct bank *bank = bank_any();
    struct test test;
    bool seen[N_ITEM] = {false};
    unsigned n_seen = 0;

    test_init(&test);
    test.first_pick.n_best = test.pick.n_best = 4;
    for (uint64_t seed = 0; seed < 200; seed++) {
        uint32_t first[2];

        for (int i = 0; i < 2; i++) {
            struct sitting sitting;

            sitting_open(&sitting, &test, bank);
            cr_assert(sitting_start(&sitting, seed) == OK);
            first[i] = sitting_view(&sitting).item;
            sitting_close(&sitting);
        }
        cr_assert(first[0] == first[1], "seed %u", (unsigned)seed);
        if (!seen[first[0]]) n_seen++;
        seen[first[0]] = true;
    }
    cr_expect(n_seen == 4, "%u items drawn", n_seen);
    bank_free(bank);
}

/* How many of the items that might have been asked are better than the one that was. */
static size_t rank_of(const struct sitting *sitting, uint32_t before)
{
    struct session_view view = sitting_view(sitting);
    double info[N_ITEM];
    size_t rank = 0;

    bank_info_all(sitting->plan->bank, view.theta, info);
    for (uint32_t i = 0; i < N_ITEM; i++) rank += i != before && info[i] > info[view.item];
    return rank;
}

/* The draws of two questions have nothing to do with each other: all pairs of ranks come. */
Test(session, randomesque_draws_anew_for_every_question)
{
    struct bank *bank = bank_any();
    struct test test;
    bool seen[3][3] = {{false}};

    test_init(&test);
    test.first_pick.n_best = test.pick.n_best = 3;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sitting sitting;
        uint32_t first;
        size_t rank;

        sitting_open(&sitting, &test, bank);
        cr_assert(sitting_start(&sitting, seed) == OK);
        first = sitting_view(&sitting).item;
        rank = rank_of(&sitting, NO_ITEM);
        cr_assert(sitting_answer(&sitting, 0) == OK);
        cr_assert(rank < 3 && rank_of(&sitting, first) < 3);
        seen[rank][rank_of(&sitting, first)] = true;
        sitting_close(&sitting);
    }
    for (size_t pair = 0; pair < 9; pair++)
        cr_expect(seen[pair / 3][pair % 3], "%zu, then %zu", pair / 3, pair % 3);
    bank_free(bank);
}
