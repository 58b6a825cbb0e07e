/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models that are special cases of each other give the same numbers. */
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N_STEP = 4, N_TRIAL = 2000 };

/* Two items that should be one, with the constant D of their banks. */
struct pair {
    struct bank *one, *other;
};

static struct pair pair_open(const struct item_spec *one, const struct item_spec *other, double D)
{
    return (struct pair){bank_of_specs(one, 1, D), bank_of_specs(other, 1, D)};
}

static void pair_close(struct pair *pair)
{
    bank_free(pair->one);
    bank_free(pair->other);
}

/* tolerance 0: to the bit. */
static void expect_kin(const struct pair *pair, double theta, double tolerance)
{
    const struct item *one = bank_item(pair->one, 0), *other = bank_item(pair->other, 0);
    const char *name = other->model->name;
    struct curve want, got;

    one->model->curve(one, theta, &want);
    other->model->curve(other, theta, &got);
    cr_assert(one->n_cat == other->n_cat);
    for (unsigned k = 0; k < one->n_cat; k++) {
        expect_close(got.p[k], want.p[k], tolerance, "%s: P(%u)", name, k);
        expect_close(got.r1[k], want.r1[k], tolerance, "%s: r1(%u)", name, k);
        expect_close(got.r2[k], want.r2[k], tolerance, "%s: r2(%u)", name, k);
        expect_close(got.r3[k], want.r3[k], tolerance, "%s: r3(%u)", name, k);
        expect_close(other->model->log_prob(other, k, theta), one->model->log_prob(one, k, theta),
                     tolerance, "%s: log P(%u)", name, k);
    }
    expect_close(other->model->info(other, theta), one->model->info(one, theta), tolerance,
                 "%s: information", name);
}

static struct item_spec spec_draw(struct dice *dice, const struct model *model)
{
    struct item_spec spec = {.id = slice_str("q17"), .model = model, .n_step = N_STEP};

    spec.value[SLOT_A] = dice_between(dice, 0.4, 2.5);
    for (unsigned k = 0; k < N_STEP; k++)
        spec.steps[k] = 1.3 * k - 2.0 + dice_between(dice, 0.0, 1);
    return spec;
}

/* PCM is GPCM with a = 1, to the bit; D multiplies both. */
Test(model_kin, gpcm_with_slope_1_is_pcm)
{
    struct dice dice = dice_new("pcm", 617);

    for (int n = 0; n < N_TRIAL; n++) {
        struct item_spec one = spec_draw(&dice, &model_gpcm), other = one;
        struct pair pair;

        one.value[SLOT_A] = 1.0;
        other.model = &model_pcm;  // whose a does not count
        pair = pair_open(&one, &other, n % 2 ? 1.702 : 1.0);
        expect_kin(&pair, dice_between(&dice, -6.0, 6.0), 0.0);
        pair_close(&pair);
    }
}

/* RSM is PCM with the sums of location and steps, to the bit. */
Test(model_kin, rsm_is_pcm_with_the_sums)
{
    struct dice dice = dice_new("rsm", 619);

    for (int n = 0; n < N_TRIAL; n++) {
        struct item_spec one = spec_draw(&dice, &model_pcm), other = one;
        struct pair pair;

        other.model = &model_rsm;
        other.value[SLOT_B] = dice_between(&dice, -3.0, 3.0);
        for (unsigned k = 0; k < N_STEP; k++) one.steps[k] = other.value[SLOT_B] + other.steps[k];
        pair = pair_open(&one, &other, n % 2 ? 1.702 : 1.0);
        expect_kin(&pair, dice_between(&dice, -6.0, 6.0), 0.0);
        pair_close(&pair);
    }
}

/* MGRM is GRM with the differences of location and steps, to the bit. */
Test(model_kin, mgrm_is_grm_with_the_differences)
{
    struct dice dice = dice_new("mgrm", 631);

    for (int n = 0; n < N_TRIAL; n++) {
        struct item_spec one = spec_draw(&dice, &model_grm), other = one;
        struct pair pair;

        other.model = &model_mgrm;
        other.value[SLOT_B] = dice_between(&dice, -3.0, 3.0);
        for (unsigned k = 0; k < N_STEP; k++) {
            other.steps[k] = -one.steps[k];
            one.steps[k] = other.value[SLOT_B] - other.steps[k];
        }
        pair = pair_open(&one, &other, n % 2 ? 1.702 : 1.0);
        expect_kin(&pair, dice_between(&dice, -6.0, 6.0), 0.0);
        pair_close(&pair);
    }
}

/* NRM with slopes a k and intercepts that sum up -a b is GPCM. The exponents, at most 80 in size,
 * are rounded otherwise: 4 x 80 x 2^-53 at most, times the third power of the slope in r3. */
Test(model_kin, nrm_with_even_slopes_is_gpcm)
{
    struct dice dice = dice_new("nrm", 641);

    for (int n = 0; n < N_TRIAL; n++) {
        struct item_spec one = spec_draw(&dice, &model_gpcm), other = one;
        double a = one.value[SLOT_A], sum = 0.0;
        struct pair pair;

        other.model = &model_nrm;
        other.n_slope = N_STEP;
        for (unsigned k = 0; k < N_STEP; k++) {
            sum -= a * one.steps[k];
            other.slopes[k] = a * (k + 1);
            other.steps[k] = sum;
        }
        pair = pair_open(&one, &other, 1.0);
        expect_kin(&pair, dice_between(&dice, -6.0, 6.0), 1e-12);
        pair_close(&pair);
    }
}

/* In one dimension the multidimensional models are the others with b = -d / a, whatever D is. The
 * quotient is rounded: a relative 2^-53 of b, times slopes to the third power. */
Test(model_kin, multidimensional_ones_with_one_slope_are_the_scalar_ones)
{
    static const struct model *const kin[][2] = {{&model_2pl, &model_m2pl},
                                                 {&model_3pl, &model_m3pl},
                                                 {&model_grm, &model_mdgrm},
                                                 {&model_gpcm, &model_mdgpcm}};
    struct dice dice = dice_new("one slope", 653);

    for (int n = 0; n < N_TRIAL; n++) {
        const struct model *const *models_of = kin[n % 4];
        struct item_spec one = spec_draw(&dice, models_of[0]), other;
        struct pair pair;

        one.value[SLOT_B] = dice_between(&dice, -3.0, 3.0);
        one.value[SLOT_C] = 0.137;
        if (!model_has(models_of[0], SLOT_STEPS)) one.n_step = 0;
        other = one;
        other.model = models_of[1];
        spec_from_thresholds(&other);
        pair = pair_open(&one, &other, n % 3 ? 1.702 : 1.0);
        expect_kin(&pair, dice_between(&dice, -6.0, 6.0), 1e-12);
        cr_assert(bank_n_dim(pair.other) == 1);
        pair_close(&pair);
    }
}

/* With two categories the graded and the partial credit model are the M2PL, in any number of
 * dimensions: their scalar rows are those of the 2PL. */
Test(model_kin, multidimensional_ones_of_two_categories_are_the_m2pl)
{
    struct dice dice = dice_new("two categories", 659);

    for (int n = 0; n < N_TRIAL; n++) {
        struct item_spec one = {.id = slice_str("q17")}, other;
        struct pair pair;

        spec_random(&dice, &model_m2pl, &one);
        spec_turn(&dice, 1 + (unsigned)n % LIMIT_DIMS, &one);
        other = one;
        other.model = n % 2 ? &model_mdgrm : &model_mdgpcm;
        other.n_step = 1;
        other.steps[0] = one.value[SLOT_B];
        pair = pair_open(&one, &other, n % 3 ? 1.702 : 1.0);
        expect_kin(&pair, dice_between(&dice, -6.0, 6.0), 1e-12);
        pair_close(&pair);
    }
}

/* NRM does not use D: the same item in a bank of any D. */
Test(model_kin, nrm_does_not_use_D)
{
    struct dice dice = dice_new("D", 643);

    for (int n = 0; n < N_TRIAL; n++) {
        struct item_spec spec = {.id = slice_str("q17")};
        struct pair pair;

        spec_random(&dice, &model_nrm, &spec);
        pair = (struct pair){bank_of_specs(&spec, 1, 1.0), bank_of_specs(&spec, 1, 1.702)};
        expect_kin(&pair, dice_between(&dice, -6.0, 6.0), 0.0);
        pair_close(&pair);
    }
}

/* The order of the categories is a matter of names: with the slopes the other way round P_k is that
 * of theta the other way round. */
Test(model_kin, nrm_is_symmetric)
{
    struct dice dice = dice_new("symmetric", 647);

    for (int n = 0; n < N_TRIAL; n++) {
        struct item_spec one = {.id = slice_str("q17")}, other;
        double theta = dice_between(&dice, -6.0, 6.0), p[LIMIT_CATS], mirrored[LIMIT_CATS];
        struct pair pair;

        spec_random(&dice, &model_nrm, &one);
        other = one;
        for (unsigned k = 0; k < one.n_slope; k++) other.slopes[k] = -one.slopes[k];
        pair = pair_open(&one, &other, 1.0);
        model_nrm.prob(bank_item(pair.one, 0), theta, p);
        model_nrm.prob(bank_item(pair.other, 0), -theta, mirrored);
        for (unsigned k = 0; k <= one.n_step; k++) expect_bits(mirrored[k], p[k], "P(%u)", k);
        pair_close(&pair);
    }
}
