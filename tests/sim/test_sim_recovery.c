/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known abilities are found again, with the error that theory gives. */
#include "crowd.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/priors.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

enum { N_ITEM = 120, N_SESSION = 5000, N_PERSON = 1500, LENGTH = 12 };

/* One adaptive session of an examinee from the prior; its standardised error. */
static double sit(struct sitting *sitting, double theta, struct dice *dice)
{
    struct session_view view;

    session_free(sitting->session);
    sitting->session = session_new(sitting->plan);
    cr_assert(sitting->session && sitting_start(sitting, dice_bits(dice)) == OK);
    for (view = sitting_view(sitting); view.state == SESSION_ASKING; view = sitting_view(sitting)) {
        unsigned score = score_draw(dice, bank_item(sitting->plan->bank, view.item), theta);

        cr_assert(sitting_answer(sitting, score) == OK);
    }
    return (view.theta - theta) / view.se;
}

/* For examinees from the prior the posterior mean and variance are right whatever the length, the
 * items and the way they were picked: given the answers z = (EAP - theta) / SD has mean 0 and
 * variance 1 exactly (up to the grid). z^2 varies by about 2, as a normal posterior's does; its
 * standard error is taken from the sample. */
static void check_bayes(const struct bank *bank, const struct criterion *criterion,
                        struct dice *dice)
{
    struct tally z = {0}, square = {0};
    struct sitting sitting;
    struct test test;

    test_init(&test);
    test.pick = (struct pick_rule){.criterion = criterion, .n_best = 3};
    stop_any(&test, (struct stop_node[]){stop_at(&stop_length, LENGTH)}, 1);
    sitting_open(&sitting, &test, bank);
    for (int i = 0; i < N_SESSION; i++) {
        double error = sit(&sitting, normal_draw(dice), dice);

        tally_add(&z, error);
        tally_add(&square, error * error);
    }
    sitting_close(&sitting);
    printf("recovery, %s: mean %.4f, mean square %.4f\n", criterion->name, tally_mean(&z),
           tally_mean(&square));
    expect_true(fabs(tally_mean(&z)) < STANDARD_ERRORS / sqrt(N_SESSION), "%s: mean %g",
                criterion->name, tally_mean(&z));
    expect_true(fabs(tally_mean(&square) - 1.0) <
                    STANDARD_ERRORS * sqrt(tally_variance(&square) / N_SESSION),
                "%s: mean square %g", criterion->name, tally_mean(&square));
}

Test(sim_recovery, the_posterior_is_right_about_itself)
{
    struct dice dice = dice_new("recovery", 821);
    struct bank *bank = bank_random(&dice, N_ITEM);

    check_bayes(bank, &criterion_mfi, &dice);
    check_bayes(bank, &criterion_progressive, &dice);
    bank_free(bank);
}

/* All items, one ability: the estimate is near N(theta, 1 / I), of which 95 % is within 1.96 SE.
 * What N_ITEM items leave of the asymptotics is below these (bias is of the order 1 / n for ML, of
 * n^-3/2 for WLE; Warm 1989). */
#define BIAS_LEFT     0.02
#define RATIO_LEFT    0.05
#define COVERAGE_LEFT 0.01

static void check_likelihood(const struct bank *bank, const struct estimator *estimator,
                             double theta, struct dice *dice)
{
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct estimate_spec spec = estimate_spec_default();
    uint32_t item[N_ITEM];
    uint8_t score[N_ITEM];
    struct tally estimate = {0}, z = {0}, covered = {0};
    double n = N_PERSON;

    cr_assert(workspace);
    spec.estimator = estimator;
    for (int i = 0; i < N_PERSON; i++) {
        struct evidence evidence = {.bank = bank, .item = item, .score = score};
        struct estimate got;

        for (uint32_t j = 0; j < N_ITEM; j++) {
            evidence_add(&evidence, j, score_draw(dice, bank_item(bank, j), theta), NULL);
        }
        estimator->solve(&spec, &evidence, workspace, &got);
        tally_add(&estimate, got.theta);
        tally_add(&z, (got.theta - theta) / got.se);
        tally_add(&covered, fabs(got.theta - theta) < 1.96 * got.se);
    }
    printf("recovery, %s at %g: bias %.4f, SD / SE %.3f, coverage %.3f\n", estimator->name, theta,
           tally_mean(&estimate) - theta, sqrt(tally_variance(&z)), tally_mean(&covered));
    expect_true(fabs(tally_mean(&estimate) - theta) <
                    BIAS_LEFT + STANDARD_ERRORS * sqrt(tally_variance(&estimate) / n),
                "%s at %g: bias", estimator->name, theta);
    expect_true(fabs(sqrt(tally_variance(&z)) - 1.0) < RATIO_LEFT + STANDARD_ERRORS / sqrt(2.0 * n),
                "%s at %g: SD over SE", estimator->name, theta);
    expect_true(fabs(tally_mean(&covered) - 0.95) <
                    COVERAGE_LEFT + STANDARD_ERRORS * sqrt(0.95 * 0.05 / n),
                "%s at %g: coverage", estimator->name, theta);
    estimate_workspace_free(workspace);
}

static void make_mixed(size_t i, void *context, struct item_spec *spec)
{
    static const struct model *const mixed[] = {&model_2pl, &model_grm, &model_gpcm};

    spec_random(context, mixed[i % 3], spec);
}

Test(sim_recovery, likelihood_estimates_have_their_standard_errors)
{
    struct dice dice = dice_new("likelihood", 823);
    struct bank *bank = bank_make(N_ITEM, make_mixed, &dice);

    check_likelihood(bank, &estimator_ml, -1.385, &dice);
    check_likelihood(bank, &estimator_wle, 0.385, &dice);
    check_likelihood(bank, &estimator_wle, 1.7, &dice);
    bank_free(bank);
}
