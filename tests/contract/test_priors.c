/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every kind of prior. */
#include "estimate/estimator.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

static const struct prior prior = {.mean = 0.385, .sd = 1.7, .min = -2.385, .max = 3.1};

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
        for (int n = 0; n < 200; n++)
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
        bool same =
            kind->log_density(&prior, 0.7, &none) == kind->log_density(&prior, 0.7, &some) &&
            kind->d1(&prior, 0.7, &none) == kind->d1(&prior, 0.7, &some) &&
            kind->d2(&prior, 0.7, &none) == kind->d2(&prior, 0.7, &some);

        cr_expect(same == !kind->needs_info, "%s", kind->name);
        cr_expect(isfinite(kind->log_density(&prior, 0.7, &none)), "%s", kind->name);
        cr_expect(isfinite(kind->d1(&prior, 0.7, &none)), "%s", kind->name);
        cr_expect(isfinite(kind->d2(&prior, 0.7, &none)), "%s", kind->name);
    }
}

Test(priors, bounded_ones_end_at_their_bounds)
{
    struct info_terms info = {.i = 1.0};

    for (size_t p = 0; prior_kinds[p]; p++) {
        const struct prior_kind *kind = prior_kinds[p];

        cr_expect(isfinite(kind->log_density(&prior, prior.min, &info)), "%s", kind->name);
        cr_expect(isfinite(kind->log_density(&prior, prior.max, &info)), "%s", kind->name);
        cr_expect((kind->log_density(&prior, prior.max + 1e-6, &info) < -1e308) ==
                  kind->is_bounded);
        cr_expect((kind->log_density(&prior, prior.min - 1e-6, &info) < -1e308) ==
                  kind->is_bounded);
    }
}

Test(priors, are_found_by_their_names)
{
    for (size_t p = 0; prior_kinds[p]; p++)
        cr_expect(prior_find(slice_str(prior_kinds[p]->name)) == prior_kinds[p]);
    cr_expect(!prior_find(slice_str("")) && !prior_find(slice_str("Normal")));
}
