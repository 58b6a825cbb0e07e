/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every kind of prior. */
#include "estimate/estimator.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/priors.h"

#include <criterion/criterion.h>
#include <math.h>

/* Central differences at h and 2 h; h^4 and the rounding over h are both below 1e-9 for functions
 * as tame as these. */
#define STEP 1e-3

static double difference(const double f[4])
{
    return (8.0 * (f[2] - f[1]) - (f[3] - f[0])) / (12.0 * STEP);
}

static void check_derivatives(const struct prior_kind *kind, const struct evidence *evidence,
                              double theta)
{
    const struct prior prior = prior_of(kind);
    static const double step[4] = {-2.0, -1.0, 1.0, 2.0};
    struct info_terms info = evidence_info(evidence, theta);
    double f[4], d1[4];

    for (int j = 0; j < 4; j++) {
        struct info_terms at = evidence_info(evidence, theta + step[j] * STEP);

        f[j] = kind->log_density(&prior, theta + step[j] * STEP, &at);
        d1[j] = kind->d1(&prior, theta + step[j] * STEP, &at);
    }
    expect_close(kind->d1(&prior, theta, &info), difference(f), 1e-8, "%s, theta %g: first",
                 kind->name, theta);
    expect_close(kind->d2(&prior, theta, &info), difference(d1), 1e-8, "%s, theta %g: second",
                 kind->name, theta);
    expect_true(!kind->concave || kind->d2(&prior, theta, &info) <= 0.0, "%s is not concave",
                kind->name);
}

Test(priors, derivatives_equal_finite_differences)
{
    struct dice dice = dice_new("priors", 431);
    struct bank *bank = bank_random(&dice, 12);
    uint32_t item[12];
    uint8_t score[12];
    struct evidence evidence = {.bank = bank, .item = item, .score = score};

    for (uint32_t i = 0; i < 12; i++) evidence_add(&evidence, i, 0, NULL);
    for (size_t p = 0; prior_kinds[p]; p++) {
        for (int n = 0; prior_kinds[p]->d1 && n < 200; n++)
            check_derivatives(prior_kinds[p], &evidence, dice_between(&dice, -2.3, 3.0));
    }
    bank_free(bank);
}

/* A kind that says it needs no information gets none and gives the same. */
Test(priors, those_that_need_no_information_do_not_look_at_it)
{
    struct info_terms none = {0}, some = {.i = 2.385, .d1 = 0.7, .d2 = -1.1};

    for (size_t p = 0; prior_kinds[p]; p++) {
        const struct prior_kind *kind = prior_kinds[p];
        const struct prior prior = prior_of(kind);
        bool same = kind->log_density(&prior, 0.7, &none) == kind->log_density(&prior, 0.7, &some);

        cr_expect(same == !kind->needs_info, "%s", kind->name);
        cr_expect(isfinite(kind->log_density(&prior, 0.7, &none)), "%s", kind->name);
        cr_expect(!kind->d1 == !kind->d2, "%s", kind->name);
        if (!kind->d1) continue;
        same = kind->d1(&prior, 0.7, &none) == kind->d1(&prior, 0.7, &some) &&
               kind->d2(&prior, 0.7, &none) == kind->d2(&prior, 0.7, &some);
        cr_expect(same == !kind->needs_info, "%s", kind->name);
        cr_expect(isfinite(kind->d1(&prior, 0.7, &none)), "%s", kind->name);
        cr_expect(isfinite(kind->d2(&prior, 0.7, &none)), "%s", kind->name);
    }
}

Test(priors, bounded_ones_end_at_their_bounds)
{
    struct info_terms info = {.i = 1.0};

    for (size_t p = 0; prior_kinds[p]; p++) {
        const struct prior_kind *kind = prior_kinds[p];
        const struct prior prior = prior_of(kind);

        cr_expect(!kind->moments == !kind->is_bounded, "%s", kind->name);
        cr_expect(isfinite(kind->log_density(&prior, prior.min, &info)), "%s", kind->name);
        cr_expect(isfinite(kind->log_density(&prior, prior.max, &info)), "%s", kind->name);
        cr_expect((kind->log_density(&prior, prior.max + 1e-6, &info) < -1e308) ==
                  kind->is_bounded);
        cr_expect((kind->log_density(&prior, prior.min - 1e-6, &info) < -1e308) ==
                  kind->is_bounded);
    }
}

/* Midpoints of cells of which the table's points are ends; the sum's error is below width^2. */
enum { N_CELL = 54850 };
#define WIDTH 1e-4

/* Total, mean and standard deviation are those of the density. */
Test(priors, bounded_ones_know_their_moments)
{
    struct info_terms none = {0};

    for (size_t p = 0; prior_kinds[p]; p++) {
        const struct prior_kind *kind = prior_kinds[p];
        const struct prior prior = prior_of(kind);
        double sum[3] = {0}, mean, sd;

        if (!kind->is_bounded) continue;
        for (int i = 0; i < N_CELL; i++) {
            double theta = prior.min + (i + 0.5) * WIDTH;
            double density = exp(kind->log_density(&prior, theta, &none)) * WIDTH;

            sum[0] += density;
            sum[1] += density * theta;
            sum[2] += density * theta * theta;
        }
        kind->moments(&prior, &mean, &sd);
        expect_close(exp(kind->log_total(&prior)), sum[0], WIDTH * WIDTH, "%s: total", kind->name);
        expect_close(mean, sum[1] / sum[0], WIDTH * WIDTH, "%s: mean", kind->name);
        expect_close(sd * sd + mean * mean, sum[2] / sum[0], WIDTH * WIDTH, "%s: SD", kind->name);
    }
}

/* A table is a line between its points, at which it is exact, and has a factor of its own. */
Test(priors, a_table_is_linear_between_its_points)
{
    static const struct prior_points points = {
        .n = 4, .theta = {-1.1, 0.385, 0.7, 2.385}, .weight = {0.7, 0.0, 0.0, 1e-3}};
    static const struct {
        double theta, weight;
    } rows[] = {
        {-1.1 - 2e-9, 0.0}, {-1.1 - 5e-10, 0.7},
        {-1.1, 0.7},        {-0.3575, 0.35},
        {0.385, 0.0},       {0.5, 0.0},
        {0.7, 0.0},         {1.5425, 5e-4},
        {2.385, 1e-3},      {2.385 + 5e-10, 1e-3},
        {2.386, 0.0},       {7.0, 0.0},
    };
    struct prior prior = {.kind = &prior_table, .min = -1.1, .max = 2.385, .points = &points};
    struct info_terms none = {0};
    double off[2] = {0.4, 0.6}, on[2] = {0.4, 0.8};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        double got = exp(prior_table.log_density(&prior, rows[i].theta, &none));

        expect_true(fabs(got - rows[i].weight) <= 1e-15, "theta %g: %.17g", rows[i].theta, got);
    }
    cr_expect(!prior_reaches(&prior, off, 2));
    cr_expect(prior_reaches(&prior, on, 2));
}

/* Answers of one examinee, by two priors that are to be the same. */
static void check_normal_table(const struct bank *bank, struct dice *dice,
                               struct estimate_workspace *workspace)
{
    struct estimate_spec normal = estimate_spec_default(), table = normal;
    uint32_t item[30];
    uint8_t score[30];
    struct evidence evidence = {.bank = bank, .item = item, .score = score};
    struct prior_points points;
    struct estimate want, got;

    normal.grid.rule = table.grid.rule = (enum grid_rule)dice_below(dice, GRID_N_RULE);
    table.prior = prior_normal_table(&table.grid, 0.0, 1.0, &points);
    for (uint32_t i = 0; i < 30; i++) {
        evidence_add(&evidence, i, (unsigned)dice_below(dice, bank_item(bank, i)->n_cat), NULL);
        estimator_eap.solve(&normal, &evidence, workspace, &want);
        estimator_eap.solve(&table, &evidence, workspace, &got);
        expect_close(got.theta, want.theta, 1e-14, "%u answers: theta", i + 1);
        expect_close(got.se, want.se, 1e-14, "%u answers: SE", i + 1);
    }
}

Test(priors, a_table_of_the_normal_density_is_the_normal_prior)
{
    struct dice dice = dice_new("normal table", 433);
    struct bank *bank = bank_random(&dice, 30);
    struct estimate_workspace *workspace = estimate_workspace_new();

    cr_assert(workspace);
    for (int trial = 0; trial < 50; trial++) check_normal_table(bank, &dice, workspace);
    estimate_workspace_free(workspace);
    bank_free(bank);
}

Test(priors, are_found_by_their_names)
{
    for (size_t p = 0; prior_kinds[p]; p++)
        cr_expect(prior_find(slice_str(prior_kinds[p]->name)) == prior_kinds[p]);
    cr_expect(!prior_find(slice_str("")) && !prior_find(slice_str("Normal")));
}
