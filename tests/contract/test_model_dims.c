/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every multidimensional model in 1 to 5 dimensions, from the definitions of
 * PROTOCOL.md: P is computed here by its formula, and differentiated along each dimension. */
#include "irt/dims.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N_ITEM = 60, N_THETA = 20 };

static const struct model *const multi[] = {&model_m2pl, &model_m3pl, &model_mdgrm, &model_mdgpcm};

/* An item twice: as it was specified, and as the bank has it. */
struct trial {
    struct item_spec spec;
    double D;
    const struct item *item;
    double theta[LIMIT_DIMS];
};

static double logistic(double z)
{
    return 1.0 / (1.0 + exp(-z));
}

static double graded_above(const struct trial *trial, unsigned k, double linear)
{
    if (k == 0) return 1.0;
    if (k > trial->spec.n_step) return 0.0;
    return logistic(linear + trial->D * trial->spec.steps[k - 1]);
}

/* P_k by the definition; the sum of a theta is D a.theta. */
static double by_definition(const struct trial *trial, unsigned k, const double *theta)
{
    const struct item_spec *spec = &trial->spec;
    double linear = 0.0, c = spec->model == &model_m3pl ? spec->value[SLOT_C] : 0.0, sum = 1.0, p;

    for (unsigned m = 0; m < spec->n_dim; m++) linear += trial->D * spec->direction[m] * theta[m];
    if (spec->model == &model_mdgrm) {
        return graded_above(trial, k, linear) - graded_above(trial, k + 1, linear);
    }
    if (spec->model == &model_mdgpcm) {
        for (unsigned j = 1; j <= spec->n_step; j++) {
            sum += exp(j * linear + trial->D * spec->steps[j - 1]);
        }
        return (k == 0 ? 1.0 : exp(k * linear + trial->D * spec->steps[k - 1])) / sum;
    }
    p = c + (1.0 - c) * logistic(linear + trial->D * spec->value[SLOT_B]);
    return k == 1 ? p : 1.0 - p;
}

static void each_trial(const char *name, void (*law)(const struct trial *trial))
{
    struct dice dice = dice_new(name, 401);

    for (int n = 0; n < 4 * N_ITEM; n++) {
        unsigned n_dim = 1 + (unsigned)n % LIMIT_DIMS;
        struct trial trial = {.spec.id = slice_str("q17"), .D = n % 3 ? 1.0 : 1.702};
        struct bank *bank;

        spec_random(&dice, multi[n % 4], &trial.spec);
        if (n_dim > 1) spec_turn(&dice, n_dim, &trial.spec);
        bank = bank_of_specs(&trial.spec, 1, trial.D);
        cr_assert(bank_n_dim(bank) == n_dim);
        trial.item = bank_item(bank, 0);
        for (int t = 0; t < N_THETA; t++) {
            for (unsigned m = 0; m < n_dim; m++) trial.theta[m] = dice_between(&dice, -3.0, 3.0);
            law(&trial);
        }
        bank_free(bank);
    }
}

/* The definitions lose digits to 1 - P and to differences of boundaries: 1e-13 of 1. */
static void equals_its_definition(const struct trial *trial)
{
    const struct item *item = trial->item;
    double p[LIMIT_CATS], sum = 0.0;

    item->model->prob(item, item_predictor(item, trial->theta), p);
    for (unsigned k = 0; k < item->n_cat; k++) {
        expect_close(p[k], by_definition(trial, k, trial->theta), 1e-13, "%s: P(%u)",
                     item->model->name, k);
        sum += p[k];
    }
    expect_close(sum, 1.0, 1e-14, "%s: the sum of P", item->model->name);
}

Test(model_dims, probabilities_are_those_of_the_definition)
{
    each_trial("definition", equals_its_definition);
}

/* The score of category k along each dimension against central differences of log P, whose error
 * with h = 1e-5 is below 1e-8 where P is not tiny. */
static void score_equals_differences(const struct trial *trial)
{
    const struct item *item = trial->item;
    const double h = 1e-5;
    struct curve curve;

    item->model->curve(item, item_predictor(item, trial->theta), &curve);
    for (unsigned k = 0; k < item->n_cat; k++) {
        double score[LIMIT_DIMS] = {0};

        if (curve.p[k] < 1e-3) continue;
        item_add_direction(item, curve.r1[k], score);
        for (unsigned m = 0; m < item->n_dim; m++) {
            double high[LIMIT_DIMS], low[LIMIT_DIMS];

            for (unsigned j = 0; j < item->n_dim; j++) high[j] = low[j] = trial->theta[j];
            high[m] += h;
            low[m] -= h;
            expect_close(score[m],
                         (log(by_definition(trial, k, high)) - log(by_definition(trial, k, low))) /
                             (2.0 * h),
                         1e-7, "%s: score of %u along %u", item->model->name, k, m);
        }
    }
}

Test(model_dims, score_equals_finite_differences_along_each_dimension)
{
    each_trial("score", score_equals_differences);
}

/* The information matrix is E[score score'], and minus the mean of the second derivatives. */
static void information_is_the_mean_square(const struct trial *trial)
{
    const struct item *item = trial->item;
    double t = item_predictor(item, trial->theta), info[LIMIT_DIMS * LIMIT_DIMS] = {0};
    double square[LIMIT_DIMS * LIMIT_DIMS] = {0}, observed[LIMIT_DIMS * LIMIT_DIMS] = {0};
    unsigned n = item->n_dim;
    struct curve curve;

    item->model->curve(item, t, &curve);
    item_add_outer(item, item->model->info(item, t), info);
    for (unsigned k = 0; k < item->n_cat; k++) {
        double score[LIMIT_DIMS] = {0};

        item_add_direction(item, curve.r1[k], score);
        item_add_outer(item, curve.p[k] * curve_observed(&curve, k), observed);
        for (unsigned i = 0; i < n * n; i++) square[i] += curve.p[k] * score[i / n] * score[i % n];
    }
    for (unsigned i = 0; i < n * n; i++) {
        expect_close(info[i], square[i], 1e-12, "%s: E[score score']", item->model->name);
        expect_close(info[i], observed[i], 1e-12, "%s: mean curvature", item->model->name);
    }
}

Test(model_dims, information_is_the_mean_square_of_the_score)
{
    each_trial("information", information_is_the_mean_square);
}
