/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/tools/simulate_test.h"

#include "num/elementary.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { PEOPLE = 300, ITEMS = 40, LENGTH = 12 };

static struct trial_run run_with(uint64_t seed, unsigned n_thread)
{
    struct test test = test_of_length(LENGTH);
    struct trial_run run;

    test.pick.n_best = 3;
    run_prepare(&run, bank_spread(ITEMS), &test);
    run.simulation.seed = seed;
    run.simulation.n_thread = n_thread;
    cr_assert_eq(examinees_normal(PEOPLE, seed, 0.1, 1.1, &run.examinees), OK);
    run_go(&run);
    return run;
}

/* How many examinees came out otherwise. */
static size_t n_different(const struct trial_run *a, const struct trial_run *b)
{
    size_t n = 0;

    for (size_t i = 0; i < PEOPLE; i++) {
        const struct simulated *x = &a->result.examinee[i], *y = &b->result.examinee[i];

        n += num_bits(x->theta) != num_bits(y->theta) || num_bits(x->se) != num_bits(y->se) ||
             x->n_answer != y->n_answer ||
             memcmp(a->result.items + i * LENGTH, b->result.items + i * LENGTH,
                    LENGTH * sizeof(uint32_t)) != 0;
    }
    return n;
}

Test(simulate, does_not_depend_on_threads)
{
    struct trial_run one = run_with(17, 1), again = run_with(17, 1);
    struct trial_run two = run_with(17, 2), five = run_with(17, 5), other = run_with(18, 1);

    cr_expect_eq(n_different(&one, &again), 0);
    cr_expect_eq(n_different(&one, &two), 0);
    cr_expect_eq(n_different(&one, &five), 0);
    cr_expect_gt(n_different(&one, &other), PEOPLE / 2, "another seed makes another simulation");
    cr_expect_arr_eq(one.result.item_count, two.result.item_count, ITEMS * sizeof(uint64_t));
    run_done(&one);
    run_done(&again);
    run_done(&two);
    run_done(&five);
    run_done(&other);
}

Test(simulate, counts_every_item_asked)
{
    struct trial_run run = run_with(19, 2);
    uint64_t total = 0, count[ITEMS] = {0};

    for (size_t i = 0; i < PEOPLE; i++) {
        uint32_t n = run.result.examinee[i].n_answer;

        cr_expect_eq(n, LENGTH);
        cr_expect_str_eq(run.result.examinee[i].stop, "length");
        for (uint32_t j = 0; j < n; j++) count[run.result.items[i * LENGTH + j]]++;
        total += n;
    }
    for (size_t i = 0; i < ITEMS; i++) total -= run.result.item_count[i];
    cr_expect_eq(total, 0);
    cr_expect_arr_eq(count, run.result.item_count, sizeof(count));
    run_done(&run);
}

/* N(0, 1), matching prior. With the seed fixed nothing is left to chance; had it been drawn, the
 * coverage of 5,000 posterior intervals has SD 0.0031 about 0.95 and leaves 0.93 to 0.97 with
 * chance 1e-10, the mean error has SD 0.003 and passes 0.02 with chance 3e-11. Given theta the EAP
 * leans towards 0: E(estimate) = theta (1 - se^2), nearly, so that at thetas of +-1.75, the means
 * of the outer deciles, the bias is near -+1.75 se^2. */
Test(simulate, recovers_known_thetas)
{
    struct test test = test_of_length(30);
    struct trial_run run;
    const struct summary_group *low, *high;

    run_prepare(&run, bank_spread(200), &test);
    run.simulation.n_thread = 2;
    run.simulation.keep_items = false;
    cr_assert_eq(examinees_normal(5000, 20260721, 0.0, 1.0, &run.examinees), OK);
    run_go(&run);
    cr_expect_null(run.result.items);
    cr_expect_lt(fabs(run.summary.dim[0].all.bias), 0.02, "%g", run.summary.dim[0].all.bias);
    cr_expect(run.summary.dim[0].all.coverage > 0.93 && run.summary.dim[0].all.coverage < 0.97,
              "%g", run.summary.dim[0].all.coverage);
    cr_expect_lt(fabs(run.summary.dim[0].all.rmse / run.summary.dim[0].all.se - 1.0), 0.05);
    cr_expect_gt(run.summary.dim[0].correlation, 0.95);
    low = &run.summary.dim[0].group[0];
    high = &run.summary.dim[0].group[run.summary.dim[0].n_group - 1];
    cr_expect_lt(fabs(low->bias + low->theta * low->se * low->se), 0.06, "%g", low->bias);
    cr_expect_lt(fabs(high->bias + high->theta * high->se * high->se), 0.06, "%g", high->bias);
    cr_expect(low->bias > 0.02 && high->bias < -0.02, "%g %g", low->bias, high->bias);
    run_done(&run);
}

/* The estimate of an examinee's test, made anew from the answers that the matrix has. */
static double estimate_again(const struct trial_run *run, size_t i,
                             struct estimate_workspace *workspace)
{
    uint32_t item[ITEMS];
    uint8_t score[ITEMS];
    struct evidence evidence = {.bank = run->bank, .item = item, .score = score};
    struct estimate estimate;

    for (uint32_t j = 0; j < run->result.examinee[i].n_answer; j++) {
        uint32_t asked = run->result.items[i * run->plan->max_items + j];
        uint8_t given = run->examinees.responses[i * ITEMS + asked];

        cr_assert_neq(given, SIMULATE_MISSING, "an item without a response was asked");
        evidence_add(&evidence, asked, given, NULL);
    }
    run->plan->test.final.estimator->solve(&run->plan->test.final, &evidence, workspace, &estimate);
    return estimate.theta;
}

static void fill_matrix(struct examinees *examinees)
{
    struct dice dice = dice_new("post_hoc", 5);

    *examinees = (struct examinees){
        .n = PEOPLE, .theta = calloc(PEOPLE, sizeof(double)), .responses = calloc(PEOPLE, ITEMS)};
    cr_assert(examinees->theta && examinees->responses);
    for (size_t j = 0; j < (size_t)PEOPLE * ITEMS; j++) {
        bool missing = dice_chance(&dice, 0.25) || j / ITEMS == 7;

        examinees->responses[j] = missing ? SIMULATE_MISSING : (uint8_t)dice_below(&dice, 2);
    }
}

Test(simulate, post_hoc_takes_the_answers_of_the_matrix)
{
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct test test = test_of_length(LENGTH);
    struct trial_run run;

    run_prepare(&run, bank_spread(ITEMS), &test);
    fill_matrix(&run.examinees);
    run_go(&run);
    for (size_t i = 0; i < PEOPLE; i++) {
        if (i == 7) continue;
        expect_close(run.result.examinee[i].theta, estimate_again(&run, i, workspace), 1e-12,
                     "examinee %zu", i);
    }
    cr_expect_null(run.result.examinee[7].stop, "examinee 7 has no answers");
    cr_expect(isnan(run.result.examinee[7].theta));
    cr_expect_eq(run.result.examinee[7].n_answer, 0);
    cr_expect_eq(run.summary.n_empty, 1);
    cr_expect_eq(run.summary.dim[0].all.n, PEOPLE - 1);
    estimate_workspace_free(workspace);
    run_done(&run);
}

Test(simulate, does_not_ask_retired_items)
{
    const uint32_t retired[] = {19, 20, 3};
    struct test test = test_of_length(LENGTH);
    struct trial_run run;

    run_prepare(&run, bank_spread(ITEMS), &test);
    run.simulation.retired = retired;
    run.simulation.n_retired = COUNT_OF(retired);
    cr_assert_eq(examinees_grid(50, -1.5, 1.5, 0.75, &run.examinees), OK);
    run_go(&run);
    cr_expect_eq(run.result.item_count[19] + run.result.item_count[20] + run.result.item_count[3],
                 0);
    cr_expect_gt(run.result.item_count[21], 0);
    run_done(&run);
}

static void note_progress(size_t n_done, void *context)
{
    size_t *last = context;

    cr_expect_geq(n_done, *last);
    *last = n_done;
}

Test(simulate, tells_how_far_it_is)
{
    struct test test = test_of_length(3);
    struct trial_run run;
    size_t last = 0;

    run_prepare(&run, bank_spread(ITEMS), &test);
    run.simulation.progress = note_progress;
    run.simulation.context = &last;
    run.simulation.n_thread = 3;
    cr_assert_eq(examinees_grid(1000, -1.0, 1.0, 1.0, &run.examinees), OK);
    run_go(&run);
    cr_expect_eq(last, 1000);
    run_done(&run);
}
