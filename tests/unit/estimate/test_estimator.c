/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands in the header and is not seen in laws or reference values. */
#include "estimate/estimator.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

/* One item, one answer, everything in closed form. */
struct one {
    struct bank *bank;
    uint32_t item[1];
    uint8_t score[1];
    struct evidence evidence;
    struct estimate_workspace *workspace;
};

static void one_open(struct one *one, unsigned score)
{
    struct item_spec spec = spec_logistic("q1", &model_2pl, (double[]){1.1, 0.385, 0.0, 1.0});

    one->bank = bank_of_specs(&spec, 1, 1.0);
    one->evidence = (struct evidence){.bank = one->bank, .item = one->item, .score = one->score};
    one->workspace = estimate_workspace_new();
    cr_assert(one->workspace);
    evidence_add(&one->evidence, 0, score, NULL);
}

static void one_close(struct one *one)
{
    estimate_workspace_free(one->workspace);
    bank_free(one->bank);
}

static struct estimate solve(struct one *one, const struct estimate_spec *spec)
{
    struct estimate out;

    spec->estimator->solve(spec, &one->evidence, one->workspace, &out);
    return out;
}

Test(estimator, default_is_the_documented_one)
{
    struct estimate_spec spec = estimate_spec_default();

    cr_expect(spec.estimator == &estimator_eap && spec.prior.kind == &prior_normal);
    cr_expect(spec.prior.mean == 0.0 && spec.prior.sd == 1.0);
    cr_expect(spec.grid.min == -6.0 && spec.grid.max == 6.0 && spec.grid.n_node == 61);
    cr_expect(spec.grid.rule == GRID_TRAPEZOID && spec.lower == -4.0 && spec.upper == 4.0);
}

/* The mode solves a (1 - P(theta)) = theta for a right answer under N(0, 1). */
Test(estimator, map_solves_its_equation)
{
    struct estimate_spec spec = estimate_spec_default();
    struct one one;
    struct estimate got;
    double p;

    one_open(&one, 1);
    spec.estimator = &estimator_map;
    got = solve(&one, &spec);
    p = 1.0 / (1.0 + exp(-1.1 * (got.theta - 0.385)));
    expect_close(1.1 * (1.0 - p), got.theta, 1e-14, "the equation");
    expect_close(got.se, 1.0 / sqrt(1.21 * p * (1.0 - p) + 1.0), 1e-14, "SE");
    cr_expect(got.boundary == BOUNDARY_NONE && got.iterations > 0);
    one_close(&one);
}

/* Warm's estimate of one 2PL item: a (u - P) + a (1 - 2 P) / 2 = 0: P = 3/4 for a right answer. */
Test(estimator, wle_solves_its_equation)
{
    struct estimate_spec spec = estimate_spec_default();
    struct one one;
    struct estimate got;

    spec.estimator = &estimator_wle;
    for (unsigned score = 0; score < 2; score++) {
        double p = score ? 0.75 : 0.25;

        one_open(&one, score);
        got = solve(&one, &spec);
        expect_close(got.theta, 0.385 + log(p / (1.0 - p)) / 1.1, 1e-13, "score %u", score);
        expect_close(got.se, 1.0 / (1.1 * sqrt(0.1875)), 1e-13, "SE, score %u", score);
        one_close(&one);
    }
}

Test(estimator, ml_of_one_answer_stands_at_a_bound)
{
    struct estimate_spec spec = estimate_spec_default();
    struct one one;
    struct estimate got;

    spec.estimator = &estimator_ml;
    spec.lower = -2.385;
    spec.upper = 3.1;
    one_open(&one, 1);
    got = solve(&one, &spec);
    cr_expect(got.theta == 3.1 && got.boundary == BOUNDARY_UPPER && got.iterations == 0);
    one_close(&one);
    one_open(&one, 0);
    got = solve(&one, &spec);
    cr_expect(got.theta == -2.385 && got.boundary == BOUNDARY_LOWER);
    one_close(&one);
}

Test(estimator, without_answers_is_nearest_to_0_inside_the_bounds)
{
    static const struct {
        double lower, upper, want;
    } cases[] = {{-4.0, 4.0, 0.0}, {0.385, 4.0, 0.385}, {-4.0, -1.1, -1.1}};
    struct estimate_spec spec = estimate_spec_default();
    struct one one;

    one_open(&one, 1);
    evidence_clear(&one.evidence);
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        struct estimate got;

        spec.estimator = i % 2 ? &estimator_ml : &estimator_wle;
        spec.lower = cases[i / 2].lower;
        spec.upper = cases[i / 2].upper;
        got = solve(&one, &spec);
        expect_bits(got.theta, cases[i / 2].want, "%s, case %zu", spec.estimator->name, i / 2);
        cr_expect(isinf(got.se) && got.boundary == BOUNDARY_NONE);
    }
    one_close(&one);
}

/* A posterior on two nodes, by hand. */
Test(estimator, eap_is_the_posterior_mean)
{
    struct estimate_spec spec = estimate_spec_default();
    struct one one;
    struct estimate got;
    double p_low = 1.0 / (1.0 + exp(-1.1 * (-1.0 - 0.385)));
    double p_high = 1.0 / (1.0 + exp(-1.1 * (1.0 - 0.385)));
    double mean = (p_high - p_low) / (p_high + p_low);

    spec.grid = (struct grid){.min = -1.0, .max = 1.0, .n_node = 2, .rule = GRID_TRAPEZOID};
    one_open(&one, 1);
    got = solve(&one, &spec);
    expect_close(got.theta, mean, 1e-15, "theta");
    expect_close(got.se, sqrt(1.0 - mean * mean), 1e-15, "SE");
    cr_expect(got.iterations == 0 && got.boundary == BOUNDARY_NONE);
    one_close(&one);
}

Test(estimator, eap_with_a_prior_between_two_nodes_is_finite)
{
    struct estimate_spec spec = estimate_spec_default();
    struct one one;
    struct estimate got;

    spec.prior.kind = &prior_uniform;
    spec.prior.min = 0.05;
    spec.prior.max = 0.15;
    one_open(&one, 1);
    got = solve(&one, &spec);
    expect_close(got.theta, 0.1, 1e-15, "theta");
    expect_close(got.se, 0.1 / sqrt(12.0), 1e-15, "SE");
    one_close(&one);
}

/* The same with a table: its own mean and standard deviation (a triangle's). */
Test(estimator, eap_with_a_table_between_two_nodes_is_finite)
{
    static const struct prior_points points = {
        .n = 3, .theta = {0.02, 0.08, 0.17}, .weight = {0.0, 2.385, 0.0}};
    struct estimate_spec spec = estimate_spec_default();
    double a = 0.02, c = 0.08, b = 0.17;
    struct one one;
    struct estimate got;

    spec.prior = (struct prior){.kind = &prior_table, .min = a, .max = b, .points = &points};
    one_open(&one, 1);
    got = solve(&one, &spec);
    expect_close(got.theta, (a + b + c) / 3.0, 1e-15, "theta");
    expect_close(got.se, sqrt((a * a + b * b + c * c - a * b - a * c - b * c) / 18.0), 1e-15, "SE");
    one_close(&one);
}

Test(estimator, test_information_is_the_sum_over_items)
{
    struct dice dice = dice_new("information", 727);
    struct bank *bank = bank_random(&dice, 12);
    uint32_t item[12];
    uint8_t score[12];
    struct evidence evidence = {.bank = bank, .item = item, .score = score};
    double sum = 0.0;

    for (uint32_t i = 0; i < 12; i++) {
        evidence_add(&evidence, i, 0, NULL);
        sum += bank_item(bank, i)->model->info(bank_item(bank, i), 0.385);
    }
    expect_close(evidence_info(&evidence, 0.385).i, sum, 1e-14, "information");
    bank_free(bank);
}
