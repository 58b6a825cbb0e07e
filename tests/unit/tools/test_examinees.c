/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/tools/simulate_test.h"

#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

/* Of 40,000 draws the mean has SD 0.0065 and the SD 0.0046: five of each are left. The seed is
 * fixed. */
Test(examinees, normal_has_its_mean_and_sd)
{
    enum { N = 40000 };
    struct examinees examinees = {0}, again = {0};
    double sum = 0.0, square = 0.0;

    cr_assert_eq(examinees_normal(N, 11, 0.4, 1.3, &examinees), OK);
    cr_assert_eq(examinees_normal(N / 2, 11, 0.4, 1.3, &again), OK);
    for (size_t i = 0; i < N; i++) {
        sum += examinees.theta[i];
        square += (examinees.theta[i] - 0.4) * (examinees.theta[i] - 0.4);
    }
    cr_expect_lt(fabs(sum / N - 0.4), 0.033);
    cr_expect_lt(fabs(sqrt(square / N) - 1.3), 0.023);
    cr_expect_arr_eq(examinees.theta, again.theta, N / 2 * sizeof(double), "n changes nothing");
    cr_expect_str_eq(examinees.about, "normal, mean 0.4, SD 1.3");
    examinees_done(&examinees);
    examinees_done(&again);
}

Test(examinees, grid_takes_its_points_in_turn)
{
    struct examinees examinees = {0};

    cr_assert_eq(examinees_grid(9, -0.3, 0.3, 0.1, &examinees), OK);
    for (size_t i = 0; i < 9; i++) {
        expect_close(examinees.theta[i], -0.3 + 0.1 * (double)(i % 7), 1e-15, "point %zu", i);
    }
    examinees_done(&examinees);
}

Test(examinees, reads_thetas)
{
    struct faults faults = {0};
    struct examinees examinees = {0};
    struct slice csv = slice_str("who,theta\na,0.5\nb,-1.25\n");

    cr_assert_eq(examinees_read(csv, 0, 1, &examinees, &faults), OK);
    cr_assert_eq(examinees.n, 2);
    expect_bits(examinees.theta[1], -1.25, "theta");
    examinees_done(&examinees);
    cr_assert_eq(examinees_read(csv, 5, 1, &examinees, &faults), OK);
    cr_assert_eq(examinees.n, 5);
    expect_bits(examinees.theta[4], 0.5, "theta");
    examinees_done(&examinees);
}

static void expect_fault(enum status st, struct faults *faults, const char *text)
{
    cr_expect_eq(st, BAD_REQUEST);
    cr_assert_eq(faults->n, 1, "%zu faults", faults->n);
    cr_expect_str_eq(faults->list[0].text, text);
    faults_done(faults);
    *faults = (struct faults){0};
}

Test(examinees, refuses_what_is_no_theta)
{
    static const struct {
        const char *csv, *text;
    } row[] = {
        {"theta\n0.5\n21\n", "row 3: \"21\" is no number from -20 to 20"},
        {"theta\nnan\n", "row 2: \"nan\" is no number from -20 to 20"},
        {"theta,a\n,1\n", "row 2: \"\" is no number from -20 to 20"},
        {"a\n0.5\n", "there is no column \"theta\""},
        {"theta\n", "there is no row"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct faults faults = {0};
        struct examinees examinees = {0};
        enum status st = examinees_read(slice_str(row[i].csv), 0, 1, &examinees, &faults);

        expect_fault(st, &faults, row[i].text);
        cr_expect_null(examinees.theta);
    }
}

Test(examinees, reads_a_matrix)
{
    struct test test = test_of_length(3);
    struct faults faults = {0};
    struct trial_run run;

    run_prepare(&run, bank_spread(4), &test);
    cr_assert_eq(examinees_matrix(slice_str("id,q3,q1,q2\nanna,1,0,1\nben,NA,1,\n"), run.plan,
                                  &run.examinees, &faults),
                 OK);
    cr_assert_eq(run.examinees.n, 2);
    cr_expect_arr_eq(run.examinees.responses,
                     ((const uint8_t[]){0, 1, 1, SIMULATE_MISSING, 1, SIMULATE_MISSING,
                                        SIMULATE_MISSING, SIMULATE_MISSING}),
                     8);
    cr_expect_gt(run.examinees.theta[0], -1.0, "two of three");
    run_done(&run);
}

Test(examinees, refuses_a_bad_matrix)
{
    static const struct {
        const char *csv, *text;
    } row[] = {
        {"q1,zz\n1,0\n", "column 2: the bank has no item \"zz\""},
        {"q1,q2\n1,2\n", "row 2: \"2\" is no score from 0 to 1"},
        {"q1,q2\n1,0\n-1,0\n", "row 3: \"-1\" is no score from 0 to 1"},
        {"q1,q2\n1,0.5\n", "row 2: \"0.5\" is no score from 0 to 1"},
        {"q1\n", "there is no row"},
    };
    struct test test = test_of_length(3);
    struct trial_run run;

    run_prepare(&run, bank_spread(4), &test);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct faults faults = {0};
        enum status st = examinees_matrix(slice_str(row[i].csv), run.plan, &run.examinees, &faults);

        expect_fault(st, &faults, row[i].text);
        cr_expect_null(run.examinees.responses);
    }
    run_done(&run);
}
