/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values that can be had by hand; what holds in general is in tests/contract, what others computed
 * in tests/golden. */
#include "irt/model.h"

#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

/* log P = theta^2 at theta = 1.5: P'/P = 3, P''/P = 2 + 9, P'''/P = 6 x 3 + 27. */
Test(model, curve_from_log_is_the_chain_rule)
{
    struct curve curve = {.n_cat = 1};

    curve_from_log(&curve, 0, 3.0, 2.0, 0.0);
    expect_bits(curve.r1[0], 3.0, "r1");
    expect_bits(curve.r2[0], 11.0, "r2");
    expect_bits(curve.r3[0], 45.0, "r3");
}

/* Two categories with P = 1/4 and 3/4, P' = 1 and -1, P'' = 2 and -2, P''' = 3 and -3. */
Test(model, sums_of_a_curve_are_their_definitions)
{
    struct curve curve = {.n_cat = 2,
                          .p = {0.25, 0.75},
                          .r1 = {4.0, -4.0 / 3.0},
                          .r2 = {8.0, -8.0 / 3.0},
                          .r3 = {12.0, -4.0}};
    double info = 4.0 + 4.0 / 3.0, j = 8.0 + 8.0 / 3.0;
    /* I' = sum of 2 P' P''/P - P'^3/P^2, J' = sum of P''^2/P + P' P'''/P - P'^2 P''/P^2. */
    double d1 = 2.0 * j - 16.0 + 16.0 / 9.0;
    double j1 = 16.0 + 16.0 / 3.0 + 12.0 + 4.0 - 32.0 + 32.0 / 9.0;
    /* I'' = sum of 2 P''^2/P + 2 P' P'''/P - 5 P'^2 P''/P^2 + 2 P'^4/P^3. */
    double d2 = 2.0 * (16.0 + 16.0 / 3.0) + 2.0 * (12.0 + 4.0) - 5.0 * (32.0 - 32.0 / 9.0) +
                2.0 * (64.0 + 64.0 / 27.0);

    expect_close(curve_info(&curve), info, 1e-14, "I");
    expect_close(curve_j(&curve), j, 1e-14, "J");
    expect_close(curve_info_d1(&curve), d1, 1e-14, "I'");
    expect_close(curve_info_d2(&curve), d2, 1e-14, "I''");
    expect_close(curve_j_d1(&curve), j1, 1e-14, "J'");
    expect_close(curve_observed(&curve, 0), 16.0 - 8.0, 1e-14, "observed, 0");
    expect_close(curve_observed(&curve, 1), 16.0 / 9.0 + 8.0 / 3.0, 1e-14, "observed, 1");
}

Test(model, logistic_at_its_difficulty)
{
    struct item item = {.model = &model_4pl, .n_cat = 2, .a = 2.0, .b = 0.385, .c = 0.2, .d = 0.9};
    double p[2];

    model_4pl.prob(&item, 0.385, p);
    expect_close(p[1], 0.55, 1e-15, "P(1) halfway between c and d");
    expect_close(p[0], 0.45, 1e-15, "P(0)");
    /* P' = a (d - c) / 4 = 0.35. */
    expect_close(model_4pl.info(&item, 0.385), 0.35 * 0.35 / (0.55 * 0.45), 1e-15, "information");
    expect_close(model_4pl.log_prob(&item, 1, 0.385), log(0.55), 1e-15, "log P(1)");
}

Test(model, graded_at_a_threshold)
{
    static const double steps[] = {-1.0, 1.0};
    struct item item = {.model = &model_grm, .n_cat = 3, .a = 2.0, .d = 1.0, .steps = steps};
    double p[3], upper = 1.0 / (1.0 + exp(4.0));

    model_grm.prob(&item, -1.0, p);
    expect_close(p[0], 0.5, 1e-15, "P(0)");
    expect_close(p[1], 0.5 - upper, 1e-15, "P(1)");
    expect_close(p[2], upper, 1e-15, "P(2)");
}

Test(model, partial_credit_at_a_step)
{
    static const double steps[] = {0.5, -0.5};
    struct item item = {.model = &model_gpcm, .n_cat = 3, .a = 1.0, .d = 1.0, .steps = steps};
    double p[3], top = exp(1.0);

    model_gpcm.prob(&item, 0.5, p);  // exponents 0, 0, 1
    expect_close(p[0], 1.0 / (2.0 + top), 1e-15, "P(0)");
    expect_close(p[1], 1.0 / (2.0 + top), 1e-15, "P(1)");
    expect_close(p[2], top / (2.0 + top), 1e-15, "P(2)");
}

/* Far out, where one minus the other would be 0 or wrong in every digit. */
Test(model, tails_keep_their_digits)
{
    struct item item = {.model = &model_2pl, .n_cat = 2, .a = 1.1, .b = 0.0, .c = 0.0, .d = 1.0};
    double p[2];

    model_2pl.prob(&item, 50.0, p);
    expect_true(fabs(p[0] / exp(-55.0) - 1.0) < 1e-15 * 60.0, "P(0) is %g", p[0]);
    expect_close(model_2pl.log_prob(&item, 0, 800.0), -880.0, 1e-15, "log P(0)");
    expect_true(model_2pl.info(&item, 50.0) > 0.0, "information");
}

Test(model, grm_neighbours_keep_their_digits)
{
    double steps[] = {0.385, 0.385 + 1e-13};
    struct item item = {.model = &model_grm, .n_cat = 3, .a = 2.0, .d = 1.0, .steps = steps};
    double width = steps[1] - steps[0], p[3];

    model_grm.prob(&item, 0.385, p);
    expect_true(fabs(p[1] / (0.25 * 2.0 * width) - 1.0) < 1e-12, "P(1) is %g", p[1]);
}
