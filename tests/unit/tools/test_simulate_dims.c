/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Simulation of tests whose bank has several dimensions. */
#include "tests/unit/tools/markup.h"
#include "tests/unit/tools/simulate_test.h"
#include "tools/simulation_report.h"

#include "num/elementary.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIMS = 2, ITEMS = 80, PEOPLE = 2000, FEW = 150, LENGTH = 16 };

/* How many standard errors a figure may miss its value by: chance does so once in 1.7 million. */
#define STANDARD_ERRORS 5.0

static const struct prior_dims prior = {
    .n_mean = DIMS, .n_cov = DIMS, .mean = {0.385, -0.25}, .cov = {1.21, 0.4235, 0.4235, 0.81}};

/* A bank of all multidimensional models; picks by the mode, at the end the posterior mean. */
static void prepare(struct trial_run *run, double length)
{
    struct test test = test_of_length(length);
    struct dice dice = dice_new("simulate_dims", 4);

    test.interim.estimator = &estimator_map;
    test.interim.says_method = true;
    test.interim.prior.dims = test.final.prior.dims = prior;
    run_prepare(run, bank_random_dims(&dice, DIMS, ITEMS), &test);
}

static struct trial_run run_with(size_t n, unsigned n_thread)
{
    struct trial_run run;

    prepare(&run, LENGTH);
    run.simulation.n_thread = n_thread;
    cr_assert_eq(examinees_prior(n, 20260721, run.plan, &run.examinees), OK);
    run_go(&run);
    return run;
}

/* Of 40,000 draws a mean has SD sd / 200 and a covariance at most SD 1.21 sqrt(2) / 200. */
Test(simulate_dims, thetas_are_those_of_the_prior)
{
    enum { N = 40000 };
    struct trial_run run;
    double sum[DIMS] = {0}, product[DIMS * DIMS] = {0};

    prepare(&run, LENGTH);
    cr_assert_eq(examinees_prior(N, 11, run.plan, &run.examinees), OK);
    for (size_t i = 0; i < N; i++) {
        const double *theta = run.examinees.theta + i * DIMS;

        for (size_t j = 0; j < DIMS * DIMS; j++) {
            product[j] += (theta[j / DIMS] - prior.mean[j / DIMS]) *
                          (theta[j % DIMS] - prior.mean[j % DIMS]) / N;
        }
        for (size_t m = 0; m < DIMS; m++) sum[m] += theta[m] / N;
    }
    for (size_t m = 0; m < DIMS; m++) {
        cr_expect_lt(fabs(sum[m] - prior.mean[m]), STANDARD_ERRORS * 1.1 / 200.0, "%g", sum[m]);
    }
    for (size_t j = 0; j < DIMS * DIMS; j++) {
        cr_expect_lt(fabs(product[j] - prior.cov[j]), STANDARD_ERRORS * 1.21 * sqrt(2.0) / 200.0,
                     "cov %zu: %g", j, product[j]);
    }
    cr_expect_str_eq(run.examinees.about, "normal, the test's prior in 2 dimensions");
    run_done(&run);
}

/* How many rows came out otherwise. */
static size_t n_different(const struct trial_run *a, const struct trial_run *b)
{
    size_t n = 0;

    for (size_t i = 0; i < (size_t)FEW * DIMS; i++) {
        const struct simulated *x = &a->result.examinee[i], *y = &b->result.examinee[i];

        n += num_bits(x->theta) != num_bits(y->theta) || num_bits(x->se) != num_bits(y->se);
    }
    return n;
}

Test(simulate_dims, does_not_depend_on_threads)
{
    struct trial_run one = run_with(FEW, 1), three = run_with(FEW, 3);

    cr_expect_eq(n_different(&one, &three), 0);
    cr_expect_arr_eq(one.result.items, three.result.items, FEW * LENGTH * sizeof(uint32_t));
    cr_expect_arr_eq(one.result.item_count, three.result.item_count, ITEMS * sizeof(uint64_t));
    cr_expect_eq(one.summary.n_dim, DIMS);
    run_done(&one);
    run_done(&three);
}

/* For examinees from the prior and the posterior mean the errors e of a dimension have mean 0, and
 * mean e^2 is mean SE^2, exactly (up to the grid), whatever was asked. Both are held to five of
 * their standard errors, as the sample has them: with the seed fixed nothing is left to chance; had
 * it been drawn, one of the four figures would fail without cause once in 400,000 seeds. Intervals
 * of a posterior that is not quite normal miss 0.95 by less than 0.01; the share of 2,000 has SD
 * 0.0049. */
static void check_recovery(const struct trial_run *run, size_t m)
{
    double e = 0.0, ee = 0.0, gap = 0.0, gap_square = 0.0;
    const struct summary_theta *dim = &run->summary.dim[m];

    for (size_t i = 0; i < PEOPLE; i++) {
        const struct simulated *row = &run->result.examinee[i * DIMS + m];
        double error = row->theta - run->examinees.theta[i * DIMS + m];
        double beyond = error * error - row->se * row->se;

        e += error / PEOPLE;
        ee += error * error / PEOPLE;
        gap += beyond / PEOPLE;
        gap_square += beyond * beyond / PEOPLE;
    }
    cr_expect_lt(fabs(e), STANDARD_ERRORS * sqrt(ee / PEOPLE), "bias %g", e);
    cr_expect_lt(fabs(gap), STANDARD_ERRORS * sqrt(gap_square / PEOPLE), "e^2 - SE^2: %g", gap);
    cr_expect_lt(fabs(dim->all.coverage - 0.95), 0.01 + STANDARD_ERRORS * 0.0049, "coverage %g",
                 dim->all.coverage);
    expect_close(dim->all.bias, e, 1e-9, "bias of dimension %zu", m);
    expect_close(dim->all.rmse, sqrt(ee), 1e-9, "RMSE of dimension %zu", m);
    /* Posterior means vary less than thetas, by what the errors do. */
    expect_close(dim->sd_ratio, dim->correlation, 0.05, "SD ratio of dimension %zu", m);
    cr_expect_gt(dim->correlation, 0.7, "%g", dim->correlation);
    cr_expect_lt(ee, 0.6 * prior.cov[m * (DIMS + 1)], "a test tells much: %g", ee);
}

Test(simulate_dims, recovers_known_thetas)
{
    struct trial_run run = run_with(PEOPLE, 2);

    for (size_t m = 0; m < DIMS; m++) check_recovery(&run, m);
    cr_expect_eq(run.summary.length_min, LENGTH);
    cr_expect_eq(run.summary.dim[1].all.n, PEOPLE);
    run_done(&run);
}

Test(simulate_dims, reads_theta_vectors)
{
    struct slice csv = slice_str("theta2,who,theta1\n0.5,a,1.5\n-1.25,b,2.385\n");
    struct faults faults = {0};
    struct examinees examinees = {0};

    cr_assert_eq(examinees_read(csv, 3, DIMS, &examinees, &faults), OK);
    cr_assert_eq(examinees.n, 3);
    cr_expect_arr_eq(examinees.theta, ((const double[]){1.5, 0.5, 2.385, -1.25, 1.5, 0.5}),
                     6 * sizeof(double));
    examinees_done(&examinees);
    cr_assert_eq(examinees_read(slice_str("theta1,theta\n1,2\n"), 0, DIMS, &examinees, &faults),
                 BAD_REQUEST);
    cr_assert_eq(faults.n, 1);
    cr_expect_str_eq(faults.list[0].text, "there is no column \"theta2\"");
    faults_done(&faults);
    faults = (struct faults){0};
    cr_assert_eq(
        examinees_read(slice_str("theta1,theta2\n1,2\n1,x\n"), 0, DIMS, &examinees, &faults),
        BAD_REQUEST);
    cr_assert_eq(faults.n, 1);
    cr_expect_str_eq(faults.list[0].field, "theta2");
    cr_expect_str_eq(faults.list[0].text, "row 3: \"x\" is no number from -20 to 20");
    faults_done(&faults);
}

/* Who is asked everything is estimated as from the whole matrix. */
Test(simulate_dims, post_hoc_takes_the_answers_of_the_matrix)
{
    static const char csv[] = "id,q1,q2,q3,q4,q5,q6\na,1,0,NA,1,1,0\nb,0,1,1,0,,1\n";
    struct faults faults = {0};
    struct trial_run run;

    prepare(&run, ITEMS);
    cr_assert_eq(examinees_matrix(slice_str(csv), run.plan, &run.examinees, &faults), OK);
    run_go(&run);
    for (size_t j = 0; j < (size_t)2 * DIMS; j++) {
        cr_expect_eq(run.result.examinee[j].n_answer, 5);
        expect_close(run.result.examinee[j].theta, run.examinees.theta[j], 1e-12, "theta %zu", j);
    }
    cr_expect_neq(num_bits(run.examinees.theta[0]), num_bits(run.examinees.theta[1]));
    run_done(&run);
}

static const double thetas[] = {0.5, -1.0, 1.5, 2.0, 0.5, 0.0};
static const struct simulated results[] = {
    {0.75, 0.25, "length", 4}, {-0.5, 0.2, "length", 4}, {1.25, 0.5, "length", 4},
    {2.5, 0.3, "length", 4},   {NAN, NAN, NULL, 0},      {NAN, NAN, NULL, 0},
};

static struct trial_run by_hand(void)
{
    struct trial_run run;

    prepare(&run, 4);
    run.simulation.n_examinee = COUNT_OF(results) / DIMS;
    run.result.examinee = malloc(sizeof(results));
    run.result.item_count = calloc(ITEMS, sizeof(uint64_t));
    cr_assert(run.result.examinee && run.result.item_count);
    memcpy(run.result.examinee, results, sizeof(results));
    cr_assert_eq(simulation_summarize(&run.simulation, thetas, &run.result, &run.summary), OK);
    return run;
}

Test(simulate_dims, summary_by_hand)
{
    struct trial_run run = by_hand();
    const struct summary_theta *dim = run.summary.dim;
    json_t *json = simulation_summary_json(&run.summary, &run.plan->test);
    json_t *second = json_array_get(json_object_get(json, "dims"), 1);

    cr_expect_eq(run.summary.n_empty, 1);
    expect_close(dim[0].all.theta, 1.0, 1e-15, "theta 1");
    cr_expect_lt(fabs(dim[0].all.bias), 1e-15);
    expect_close(dim[0].all.rmse, 0.25, 1e-15, "RMSE 1");
    expect_close(dim[0].sd_ratio, 0.5, 1e-15, "SD ratio 1");
    expect_close(dim[1].all.bias, 0.5, 1e-15, "bias 2");
    expect_close(dim[1].all.se, 0.25, 1e-15, "mean SE 2");
    expect_close(dim[1].all.coverage, 0.5, 1e-15, "coverage 2");
    expect_close(dim[1].sd_ratio, 1.0, 1e-15, "SD ratio 2");
    expect_close(dim[1].correlation, 1.0, 1e-15, "correlation 2");
    cr_expect_eq(run.summary.length[4], 2);
    cr_expect_null(json_object_get(json, "all"));
    expect_close(json_real_value(json_object_get(json_object_get(second, "all"), "bias")), 0.5,
                 1e-15, "bias 2 as JSON");
    expect_close(json_real_value(json_object_get(second, "sd_ratio")), 1.0, 1e-15, "as JSON");
    json_decref(json);
    run_done(&run);
}

Test(simulate_dims, csv_has_columns_for_each_dimension)
{
    struct trial_run run = by_hand();
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    cr_assert(simulation_csv_examinees(&run.simulation, thetas, &run.result, out));
    fclose(out);
    cr_expect_str_eq(text, "examinee,theta1,theta2,est1,est2,se1,se2,length,stop\n"
                           "1,0.5,-1,0.75,-0.5,0.25,0.2,4,length\n"
                           "2,1.5,2,1.25,2.5,0.5,0.3,4,length\n"
                           "3,0.5,0,,,,,0,\n");
    free(text);
    run_done(&run);
}

Test(simulate_dims, page_has_each_dimension)
{
    static const char *const parts[] = {
        "<td>theta 1</td>",    "<td>theta 2</td>",
        "<th>SD ratio</th>",   "Precision by theta 1</h2>",
        "by theta 2</h2>",     "the test's prior in 2 dimensions",
        "one dimension only.", "DPrule, one of the 1 best",
    };
    struct trial_run run = run_with(FEW, 1);
    const struct simulation_report report = {&run.simulation, &run.examinees, &run.result,
                                             &run.summary,    "pool",         "2026-07-21"};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    cr_assert_eq(simulation_report_write(&report, out), OK);
    fclose(out);
    expect_well_formed(text);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        cr_expect_not_null(strstr(text, parts[i]), "%s", parts[i]);
    }
    cr_expect_eq(count_of(text, "<svg"), 5 * DIMS + 2, "%zu", count_of(text, "<svg"));
    cr_expect_null(strstr(text, "nan"));
    free(text);
    run_done(&run);
}
