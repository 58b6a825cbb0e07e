/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/tools/simulate_test.h"

#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Six examinees by hand: thetas -1, 0.5 and one who was asked nothing. */
static const double thetas[] = {0.5, -1.0, 0.5, -1.0, -1.0, 2.0};
static const struct simulated results[] = {
    {0.75, 0.25, "se", 2}, {-0.5, 0.2, "length", 4},      {0.25, 0.1, "length", 4},
    {-1.25, 0.3, "se", 3}, {-1.0, INFINITY, "length", 4}, {NAN, NAN, NULL, 0},
};
static const uint64_t counts[] = {5, 4, 4, 3, 1, 0};

enum { N_RESULT = COUNT_OF(results), N_ITEM = COUNT_OF(counts) };

static struct trial_run by_hand(void)
{
    struct test test = test_of_length(4);
    struct trial_run run;

    test.n_cut = 1;
    test.cuts[0] = (struct cut){.name = "pass", .theta = -0.75};
    test.has_scale = true;
    test.scale_slope = 10.0;
    test.scale_intercept = 50.0;
    test.scale_min = 40.0;
    test.scale_max = 100.0;
    run_prepare(&run, bank_spread(N_ITEM), &test);
    run.simulation.n_examinee = N_RESULT;
    run.result.examinee = malloc(sizeof(results));
    run.result.item_count = malloc(sizeof(counts));
    memcpy(run.result.examinee, results, sizeof(results));
    memcpy(run.result.item_count, counts, sizeof(counts));
    cr_assert_eq(simulation_summarize(&run.simulation, thetas, &run.result, &run.summary), OK);
    return run;
}

Test(simulation_summary, precision_by_hand)
{
    struct trial_run run = by_hand();
    const struct simulation_summary *s = &run.summary;

    cr_expect_eq(s->n_examinee, 6);
    cr_expect_eq(s->n_empty, 1);
    cr_expect(s->dim[0].by_value);
    cr_assert_eq(s->dim[0].n_group, 2);
    cr_expect_eq(s->dim[0].group[0].n, 3);
    expect_close(s->dim[0].group[0].theta, -1.0, 1e-15, "theta");
    expect_close(s->dim[0].group[0].bias, 0.25 / 3.0, 1e-15, "bias");
    expect_close(s->dim[0].group[0].rmse, sqrt((0.25 + 0.0625) / 3.0), 1e-15, "rmse");
    expect_close(s->dim[0].group[0].se, 0.25, 1e-15, "se");
    expect_close(s->dim[0].group[0].coverage, 0.5, 1e-15, "coverage, the infinite SE left out");
    expect_close(s->dim[0].group[0].length, 11.0 / 3.0, 1e-15, "length");
    expect_close(s->dim[0].group[1].sd, sqrt(0.125), 1e-15, "sd");
    expect_close(s->dim[0].group[1].coverage, 0.5, 1e-15, "coverage");
    expect_close(s->dim[0].all.bias, 0.05, 1e-15, "bias of all");
    run_done(&run);
}

Test(simulation_summary, lengths_items_and_classes_by_hand)
{
    struct trial_run run = by_hand();
    const struct simulation_summary *s = &run.summary;

    cr_expect(s->length_min == 2 && s->length_median == 4 && s->length_max == 4);
    cr_expect(s->length[2] == 1 && s->length[3] == 1 && s->length[4] == 3 && s->length[0] == 0);
    cr_assert_eq(s->n_stop, 2);
    cr_expect_str_eq(s->stop[0].name, "length");
    cr_expect(s->stop[0].n == 3 && s->stop[1].n == 2);
    cr_expect(s->n_unused == 1 && s->n_over == 4);
    expect_close(s->exposure[3], 0.6, 1e-15, "exposure");
    expect_close(s->exposure_max, 1.0, 1e-15, "largest exposure");
    expect_close(s->exposure_mean, 3.4 / 6.0, 1e-15, "mean exposure");
    cr_assert_eq(s->n_class, 2);
    cr_expect(s->confusion[0] == 2 && s->confusion[1] == 1);
    cr_expect(s->confusion[2] == 0 && s->confusion[3] == 2);
    expect_close(s->accuracy, 0.8, 1e-15, "accuracy");
    run_done(&run);
}

/* How many items both examinees were asked. */
static size_t n_common(const struct trial_run *run, size_t i, size_t j)
{
    const uint32_t *a = run->result.items + i * run->plan->max_items;
    const uint32_t *b = run->result.items + j * run->plan->max_items;
    size_t n = 0;

    for (size_t k = 0; k < run->result.examinee[i].n_answer; k++) {
        for (size_t m = 0; m < run->result.examinee[j].n_answer; m++) n += a[k] == b[m];
    }
    return n;
}

/* The mean of that over all pairs, out of the mean length. */
static double overlap_of_pairs(const struct trial_run *run)
{
    size_t n = run->simulation.n_examinee;
    double common = 0.0, length = 0.0;

    for (size_t i = 0; i < n; i++) {
        length += run->result.examinee[i].n_answer;
        for (size_t j = i + 1; j < n; j++) common += (double)n_common(run, i, j);
    }
    return common / ((double)(n * (n - 1)) / 2.0) / (length / (double)n);
}

Test(simulation_summary, overlap_is_that_of_all_pairs)
{
    struct test test = test_of_length(15);
    struct trial_run run;

    test.stop.node[0].n_node = 3;
    test.stop.node[2] =
        (struct stop_node){.join = STOP_RULE, .rule = &stop_se, .arg = {0.42}, .n_node = 1};
    test.stop.n_node = 3;
    run_prepare(&run, bank_spread(40), &test);
    cr_assert_eq(examinees_normal(60, 3, 0.0, 1.5, &run.examinees), OK);
    run_go(&run);
    cr_expect_lt(run.summary.length_min, run.summary.length_max, "lengths differ");
    expect_close(run.summary.overlap, overlap_of_pairs(&run), 1e-13, "overlap");
    cr_expect(isnan(overlap_rate(counts, N_ITEM, 1)));
    run_done(&run);
}

Test(simulation_summary, many_thetas_are_grouped_in_tenths)
{
    struct test test = test_of_length(2);
    struct trial_run run;
    size_t n = 0;

    run_prepare(&run, bank_spread(40), &test);
    cr_assert_eq(examinees_normal(105, 3, 0.0, 1.0, &run.examinees), OK);
    run_go(&run);
    cr_expect_not(run.summary.dim[0].by_value);
    cr_assert_eq(run.summary.dim[0].n_group, SUMMARY_PARTS);
    for (size_t g = 0; g < SUMMARY_PARTS; g++) {
        n += run.summary.dim[0].group[g].n;
        cr_expect(g == 0 ||
                  run.summary.dim[0].group[g].theta > run.summary.dim[0].group[g - 1].theta);
        cr_expect(run.summary.dim[0].group[g].n == 10 || run.summary.dim[0].group[g].n == 11);
    }
    cr_expect_eq(n, 105);
    run_done(&run);
}

static char *csv_of_examinees(const struct trial_run *run)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    cr_assert(simulation_csv_examinees(&run->simulation, thetas, &run->result, out));
    fclose(out);
    return text;
}

Test(simulation_summary, csv_has_a_row_for_each)
{
    struct trial_run run = by_hand();
    char *text = csv_of_examinees(&run), *items = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&items, &n);

    cr_expect_str_eq(text, "examinee,theta,estimate,se,length,stop,score,class\n"
                           "1,0.5,0.75,0.25,2,se,57.5,pass\n"
                           "2,-1,-0.5,0.2,4,length,45,pass\n"
                           "3,0.5,0.25,0.1,4,length,52.5,pass\n"
                           "4,-1,-1.25,0.3,3,se,40,\n"
                           "5,-1,-1,,4,length,40,\n"
                           "6,2,,,0,,,\n");
    cr_assert(simulation_csv_items(run.bank, &run.result, 5, out));
    fclose(out);
    cr_expect_str_eq(items, "item,n,exposure\nq1,5,1\nq2,4,0.8\nq3,4,0.8\nq4,3,0.6\nq5,1,0.2\n"
                            "q6,0,0\n");
    free(text);
    free(items);
    run_done(&run);
}

Test(simulation_summary, json_has_the_same_numbers)
{
    struct trial_run run = by_hand();
    json_t *json = simulation_summary_json(&run.summary, &run.plan->test);
    json_t *classes = json_object_get(json, "classification");

    cr_assert(json);
    expect_close(json_real_value(json_object_get(json_object_get(json, "all"), "bias")), 0.05,
                 1e-15, "bias");
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(json, "stop"), "length")), 3);
    cr_expect_eq(json_array_size(json_object_get(json, "groups")), 2);
    expect_close(json_real_value(json_object_get(classes, "accuracy")), 0.8, 1e-15, "accuracy");
    cr_expect_eq(json_integer_value(
                     json_array_get(json_array_get(json_object_get(classes, "confusion"), 0), 1)),
                 1);
    json_decref(json);
    run_done(&run);
}
