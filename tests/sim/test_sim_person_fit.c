/* SPDX-License-Identifier: GPL-3.0-or-later */
/* People who answer by the model have an lz* near N(0, 1), at the theta that was estimated from
 * their answers, for items of two and of several categories; lz has a smaller variance there. */
#include "crowd.h"

#include "estimate/person_fit.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

enum { N_ITEM = 80, N_PERSON = 2000 };

/* At its highest the log-likelihood is 1/2 above that at the true theta in the mean (half a chi
 * square of one degree), so the mean of lz* is 1 / (2 SD of the log-likelihood), which goes to 0 as
 * items are added. These are what 80 items leave beside that. */
#define MEAN_LEFT     0.05
#define VARIANCE_LEFT 0.08

/* The mean that is to be expected. */
static double half_of_deviance(const struct bank *bank, double theta)
{
    double variance = 0.0;

    for (size_t i = 0; i < N_ITEM; i++) {
        const struct item *item = bank_item(bank, i);
        double p[LIMIT_CATS], mean = 0.0;

        item->model->prob(item, theta, p);
        for (unsigned k = 0; k < item->n_cat; k++) mean += p[k] * log(p[k]);
        for (unsigned k = 0; k < item->n_cat; k++) {
            variance += p[k] * (log(p[k]) - mean) * (log(p[k]) - mean);
        }
    }
    return 0.5 / sqrt(variance);
}

struct crowd {
    struct dice *dice;
    const struct model *model;
};

static void make_of(size_t i, void *context, struct item_spec *spec)
{
    const struct crowd *crowd = context;

    (void)i;
    spec_random(crowd->dice, crowd->model, spec);
}

static struct person_fit fit_draw(const struct bank *bank, const struct estimator *estimator,
                                  double theta, struct dice *dice,
                                  struct estimate_workspace *workspace)
{
    struct estimate_spec spec = estimate_spec_default();
    uint32_t item[N_ITEM];
    uint8_t score[N_ITEM];
    struct evidence evidence = {.bank = bank, .item = item, .score = score};
    struct estimate got;

    spec.estimator = estimator;
    for (uint32_t j = 0; j < N_ITEM; j++) {
        evidence_add(&evidence, j, score_draw(dice, bank_item(bank, j), theta), NULL);
    }
    estimator->solve(&spec, &evidence, workspace, &got);
    return person_fit(&spec, &evidence, &got.theta);
}

/* The variance of a sample variance of something near normal is 2 / n. */
static void check(const struct model *model, const struct estimator *estimator, double theta)
{
    struct dice dice = dice_new(model->name, 827);
    struct crowd crowd = {&dice, model};
    struct bank *bank = bank_make(N_ITEM, make_of, &crowd);
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct tally lz = {0}, star = {0};
    double n = N_PERSON, mean = half_of_deviance(bank, theta);

    cr_assert(workspace);
    for (int i = 0; i < N_PERSON; i++) {
        struct person_fit fit = fit_draw(bank, estimator, theta, &dice, workspace);

        cr_assert(isfinite(fit.lz_star));
        tally_add(&lz, fit.lz);
        tally_add(&star, fit.lz_star);
    }
    printf("person fit, %s, %s at %g: lz* mean %.4f (%.4f), variance %.4f; lz variance %.4f\n",
           model->name, estimator->name, theta, tally_mean(&star), mean, tally_variance(&star),
           tally_variance(&lz));
    expect_true(fabs(tally_mean(&star) - mean) < MEAN_LEFT + STANDARD_ERRORS / sqrt(n),
                "%s: mean %g", model->name, tally_mean(&star));
    expect_true(fabs(tally_variance(&star) - 1.0) < VARIANCE_LEFT + STANDARD_ERRORS * sqrt(2.0 / n),
                "%s: variance %g", model->name, tally_variance(&star));
    expect_true(tally_variance(&lz) < tally_variance(&star), "%s: lz varies less", model->name);
    estimate_workspace_free(workspace);
    bank_free(bank);
}

Test(sim_person_fit, lz_star_is_near_normal_with_two_categories)
{
    check(&model_2pl, &estimator_wle, 0.385);
    check(&model_3pl, &estimator_ml, 0.385);
}

Test(sim_person_fit, lz_star_is_near_normal_with_several_categories)
{
    check(&model_gpcm, &estimator_wle, 0.385);
    check(&model_grm, &estimator_map, 0.385);
}
