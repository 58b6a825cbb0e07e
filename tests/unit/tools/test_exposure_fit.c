/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/tools/simulate_test.h"

#include "tests/support/expect.h"
#include "tools/exposure_fit.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 150, LENGTH = 15, PEOPLE = 1500 };

static struct exposure_fit fit_of(const struct trial_run *run, double rate)
{
    struct exposure_fit fit = {.simulation = run->simulation, .rate = rate, .n_round = 25};

    fit.simulation.n_examinee = run->examinees.n;
    fit.simulation.theta = fit.theta = run->examinees.theta;
    return fit;
}

static struct trial_run run_of_length(void)
{
    struct test test = test_of_length(LENGTH);
    struct trial_run run;

    run_prepare(&run, bank_spread(ITEMS), &test);
    cr_assert_eq(examinees_normal(PEOPLE, 20260721, 0.0, 1.0, &run.examinees), OK);
    return run;
}

/* In a simulation that the fit has not seen an item's share has SD 0.0112: that one of some 40 at
 * the rate passes it by 0.05 has chance 2e-4. */
Test(exposure_fit, holds_the_rate_for_others)
{
    struct exposure_fit_round rounds[EXPOSURE_FIT_ROUNDS];
    struct trial_run run = run_of_length();
    struct exposure_fit fit = fit_of(&run, 0.25);
    double k[ITEMS];
    unsigned n_round = 0, n_open = 0;

    cr_assert_eq(exposure_fit(&fit, k, rounds, &n_round), OK);
    cr_expect(n_round > 2 && n_round < 25, "%u rounds", n_round);
    cr_expect_eq(rounds[0].largest, 1.0);
    cr_expect_eq(rounds[0].n_limited, 0);
    cr_expect_lt(rounds[n_round - 1].largest, 0.25 + exposure_fit_slack(0.25, PEOPLE));
    cr_expect_lt(rounds[n_round - 1].overlap, rounds[0].overlap);
    for (size_t i = 0; i < ITEMS; i++) {
        cr_expect(k[i] > 0.0 && k[i] <= 1.0);
        n_open += k[i] >= 1.0;
    }
    cr_expect_geq(n_open, LENGTH);
    cr_expect_eq(ITEMS - n_open, rounds[n_round - 1].n_limited);
    run.simulation.seed = 99;
    run.simulation.admit = k;
    run_go(&run);
    cr_expect_lt(run.summary.exposure_max, 0.30, "%g", run.summary.exposure_max);
    run_done(&run);
}

static void make_with_k(size_t i, void *context, struct item_spec *spec)
{
    spec->model = &model_2pl;
    spec->value[SLOT_A] = 0.8 + 1.2 * (double)(i * 7 % 13) / 12.0;
    spec->value[SLOT_B] = -3.0 + 6.0 * (double)i / (double)(ITEMS - 1);
    spec->exposure = ((const double *)context)[i];
}

/* What is fitted is what the rule does with a bank that has these k. */
Test(exposure_fit, admits_as_the_rule_does)
{
    struct test test = test_of_length(LENGTH);
    struct trial_run fitted = run_of_length(), ruled;
    double k[ITEMS];

    for (size_t i = 0; i < ITEMS; i++) k[i] = i % 3 ? 0.05 + 0.5 * (double)(i % 7) / 7.0 : 1.0;
    test.exposure.rule = &exposure_sympson_hetter;
    run_prepare(&ruled, bank_make(ITEMS, make_with_k, k), &test);
    cr_assert_eq(examinees_normal(PEOPLE, 20260721, 0.0, 1.0, &ruled.examinees), OK);
    fitted.simulation.admit = k;
    run_go(&fitted);
    run_go(&ruled);
    cr_expect_arr_eq(fitted.result.items, ruled.result.items,
                     (size_t)PEOPLE * LENGTH * sizeof(uint32_t));
    cr_expect_lt(ruled.summary.exposure_max, 1.0);
    run_done(&fitted);
    run_done(&ruled);
}

Test(exposure_fit, tells_what_cannot_be_held)
{
    struct exposure_fit_round rounds[EXPOSURE_FIT_ROUNDS];
    struct trial_run run = run_of_length();
    struct exposure_fit fit = fit_of(&run, 0.05);
    double k[ITEMS], least = 1.0;
    unsigned n_round = 0;

    fit.n_round = 4;
    cr_assert_eq(exposure_fit(&fit, k, rounds, &n_round), OK);
    cr_expect_eq(n_round, 4);
    for (unsigned r = 0; r < n_round; r++) {
        if (rounds[r].largest < least) least = rounds[r].largest;
    }
    cr_expect_gt(least, 0.05 + exposure_fit_slack(0.05, PEOPLE));
    run_done(&run);
}

static char *merged(const char *csv, const struct bank *bank, const double *k)
{
    size_t n;
    char *text = NULL;
    FILE *out = open_memstream(&text, &n);

    cr_assert(out && exposure_fit_can_merge(slice_str(csv)));
    cr_assert_eq(exposure_fit_merge(slice_str(csv), bank, k, out), OK);
    fclose(out);
    return text;
}

Test(exposure_fit, writes_the_bank_with_its_k)
{
    struct bank *bank = bank_spread(3);
    const double k[] = {1.0, 0.385, 0.25};
    char *text;

    text = merged("id;content;exposure\nq2;\"a, \"\"b\"\"\";1\nq1;;0.5\n", bank, k);
    cr_expect_str_eq(text, "\"id\",\"content\",exposure\n\"q2\",\"a, \"\"b\"\"\",0.385\n"
                           "\"q1\",\"\",1\n");
    free(text);
    text = merged("ID,a\nq3,1.2\nother,1\n", bank, k);
    cr_expect_str_eq(text, "\"ID\",\"a\",exposure\n\"q3\",\"1.2\",0.25\n\"other\",\"1\",\n");
    free(text);
    cr_expect(!exposure_fit_can_merge(slice_str("a,b\n1,2\n")), "no ids");
    bank_free(bank);
}
