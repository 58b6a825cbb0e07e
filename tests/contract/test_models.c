/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every response model, at every parameter within the limits and every theta. */
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

enum { N_ITEM = 120, N_THETA = 24 };

static const double slopes[] = {1e-4, 0.0385, 0.385, 1.0, 1.702, 2.385, 10.0, 100.0};
static const double places[] = {-100.0, -30.0, -4.385, -1.1, 0.0, 0.17, 2.385, 30.0, 100.0};
static const double lower[] = {0.0, 0.0, 1e-12, 0.137, 0.25, 0.6};
static const double upper[] = {1.0, 1.0, 1.0 - 1e-12, 0.937, 0.75, 0.61};

/* What a law is tried on. */
struct trial {
    const struct item *item;
    const char *model;
    double theta;
    struct curve curve;
    double scale;  // of the derivatives of log P: |(log P)'| is at most that
};

/* Slopes and intercepts of any sign and order, small and large. */
static void fill_nominal(struct dice *dice, struct item_spec *spec)
{
    double reach = dice_of(dice, slopes, COUNT_OF(slopes));

    spec->n_step = spec->n_slope = 1 + (unsigned)dice_below(dice, LIMIT_CATS - 1);
    for (unsigned k = 0; k < spec->n_step; k++) {
        spec->slopes[k] = dice_between(dice, -reach, reach);
        spec->steps[k] = dice_between(dice, -1.0, 1.0) * (dice_chance(dice, 0.3) ? 100.0 : 4.0);
    }
}

/* How much thresholds are to be drawn together, so that the intercepts -a b, which add up where the
 * model's are cumulative, stay within their own limit. */
static double room_of(const struct model *model, double a)
{
    return model_has(model, SLOT_DIRECTION) ? 1.0 / (LIMIT_CATS * fmax(a, 1.0)) : 1.0;
}

static void fill(struct dice *dice, const struct model *model, struct item_spec *spec)
{
    double room;

    spec->model = model;
    spec->value[SLOT_A] = dice_of(dice, slopes, COUNT_OF(slopes));
    spec->value[SLOT_B] = dice_of(dice, places, COUNT_OF(places));
    spec->value[SLOT_C] = dice_of(dice, lower, COUNT_OF(lower));
    spec->value[SLOT_D] = dice_of(dice, upper, COUNT_OF(upper));
    room = room_of(model, spec->value[SLOT_A]);
    spec->value[SLOT_B] *= room;
    if (!model_has(model, SLOT_STEPS)) {
        spec_from_thresholds(spec);
        return;
    }
    if (model_has(model, SLOT_SLOPES)) {
        fill_nominal(dice, spec);
        return;
    }
    spec->n_step = 1 + (unsigned)dice_below(dice, LIMIT_CATS - 1);
    for (unsigned k = 0; k < spec->n_step; k++) {
        double reach = room * (dice_chance(dice, 0.3) ? 100.0 : 4.0);

        spec->steps[k] = dice_between(dice, -reach, reach);
    }
    /* Ascending, for the models that ask for it; a last gap is made tiny now and then. */
    for (unsigned k = 1; k < spec->n_step; k++) {
        for (unsigned j = k; j > 0 && spec->steps[j] < spec->steps[j - 1]; j--) {
            double other = spec->steps[j];

            spec->steps[j] = spec->steps[j - 1];
            spec->steps[j - 1] = other;
        }
    }
    /* (Where a step is added to b, or made of an intercept, that would close so small a gap.) */
    if (spec->n_step > 1 && dice_chance(dice, 0.2) && !model_has(model, SLOT_B) &&
        !model_has(model, SLOT_DIRECTION)) {
        spec->steps[spec->n_step - 1] = nextafter(spec->steps[spec->n_step - 2], 200.0);
    }
    spec_from_thresholds(spec);
}

struct filler {
    struct dice dice;
    const struct model *model;
};

static void make(size_t i, void *context, struct item_spec *spec)
{
    struct filler *filler = context;

    (void)i;
    fill(&filler->dice, filler->model, spec);
}

/* What |(log P)'| is at most. */
static double scale_of(const struct item *item)
{
    double low = 0.0, high = 0.0;

    if (!item->slopes) return item->a * (item->n_cat - 1);
    for (unsigned k = 0; k + 1 < item->n_cat; k++) {
        low = fmin(low, item->slopes[k]);
        high = fmax(high, item->slopes[k]);
    }
    return high - low;
}

static double theta_for(struct dice *dice, const struct item *item)
{
    size_t k = dice_below(dice, item->n_cat - 1);
    double centre = item->steps ? item->steps[k] : item->b, width = 6.0 / item->a;

    if (item->slopes) {
        centre = fmax(-LIMIT_LOCATION, fmin(LIMIT_LOCATION, -item->steps[k] / item->slopes[k]));
        width = 6.0 / scale_of(item);
    }
    if (dice_chance(dice, 0.5)) return centre + dice_between(dice, -1.0, 1.0) * width;
    return dice_chance(dice, 0.7) ? dice_between(dice, -8.0, 8.0)
                                  : dice_between(dice, -LIMIT_THETA, LIMIT_THETA);
}

/* Try `law` on items of every model. */
static void each_trial(const char *name, void (*law)(const struct trial *trial))
{
    for (size_t m = 0; models[m]; m++) {
        struct filler filler = {.dice = dice_new(name, 300 + m), .model = models[m]};
        struct bank *bank = bank_make(N_ITEM, make, &filler);

        for (size_t i = 0; i < N_ITEM; i++) {
            const struct item *item = bank_item(bank, i);

            for (int t = 0; t < N_THETA; t++) {
                struct trial trial = {.item = item, .model = models[m]->name};

                trial.theta = theta_for(&filler.dice, item);
                trial.scale = scale_of(item);
                models[m]->curve(item, trial.theta, &trial.curve);
                law(&trial);
            }
        }
        bank_free(bank);
    }
}

/* Where a law was broken, as an item that can be made again. */
static const char *place(const struct trial *trial)
{
    static char text[256];
    const struct item *item = trial->item;

    snprintf(text, sizeof(text), "%s, %u categories, a %.17g, b %.17g, c %g, d %g, theta %.17g",
             trial->model, item->n_cat, item->a, item->steps ? item->steps[0] : item->b, item->c,
             item->d, trial->theta);
    return text;
}

static void sums_to_one(const struct trial *trial)
{
    double p[LIMIT_CATS], sum = 0.0;

    trial->item->model->prob(trial->item, trial->theta, p);
    for (unsigned k = 0; k < trial->item->n_cat; k++) {
        expect_true(p[k] >= 0.0 && p[k] <= 1.0, "%s: P(%u) is %g", place(trial), k, p[k]);
        expect_close(trial->curve.p[k], p[k], 1e-15, "%s: P(%u) of the curve", place(trial), k);
        sum += p[k];
    }
    expect_close(sum, 1.0, 1e-14, "%s: the sum of P", place(trial));
    expect_true(trial->curve.n_cat == trial->item->n_cat, "%s: n_cat", place(trial));
}

Test(models, probabilities_sum_to_1)
{
    each_trial("probabilities", sums_to_one);
}

/* The sums of P', P'' and P''' are 0, being the derivatives of 1. */
static void derivatives_cancel(const struct trial *trial)
{
    const struct curve *c = &trial->curve;
    double s = trial->scale, sum1 = 0.0, sum2 = 0.0, sum3 = 0.0;

    for (unsigned k = 0; k < c->n_cat; k++) {
        sum1 += c->p[k] * c->r1[k];
        sum2 += c->p[k] * c->r2[k];
        sum3 += c->p[k] * c->r3[k];
    }
    expect_close(sum1 / s, 0.0, 1e-13, "%s: the sum of P'", place(trial));
    expect_close(sum2 / (s * s), 0.0, 1e-13, "%s: the sum of P''", place(trial));
    expect_close(sum3 / (s * s * s), 0.0, 1e-12, "%s: the sum of P'''", place(trial));
}

Test(models, derivatives_of_probabilities_cancel)
{
    each_trial("derivatives", derivatives_cancel);
}

/* The derivative of f by central differences at h and 2 h (Richardson): its error is
 * h^4 f^(5) / 30 and the rounding of f over h. With h = 0.002 / scale both are below 1e-9 of the
 * derivative's own size, |f| counted in. */
static double difference(const double f[4], double h)
{
    return (8.0 * (f[2] - f[1]) - (f[3] - f[0])) / (12.0 * h);
}

static void equals_differences(const struct trial *trial)
{
    const struct item *item = trial->item;
    double s = trial->scale, h = 0.002 / s;
    static const double step[4] = {-2.0, -1.0, 1.0, 2.0};
    struct curve at[4];

    if (h < fabs(trial->theta) * 0x1p-36) return;  // theta + h would be too coarse
    for (int j = 0; j < 4; j++) item->model->curve(item, trial->theta + step[j] * h, &at[j]);
    for (unsigned k = 0; k < item->n_cat; k++) {
        double r1 = trial->curve.r1[k], r2 = trial->curve.r2[k], r3 = trial->curve.r3[k];
        double f[4], g1[4], g2[4];
        double coarse = fabs(trial->theta) * 0x1p-52 / h;  // of the steps themselves
        double rounding = 0x1p-52 * s * 120.0 / 0.002;     // of exponents up to s x 120, over s h

        for (int j = 0; j < 4; j++) {
            f[j] = item->model->log_prob(item, k, trial->theta + step[j] * h);
            g1[j] = at[j].r1[k];
            g2[j] = at[j].r2[k];
        }
        expect_close(r1 / s, difference(f, h) / s, 1e-9 + rounding + coarse, "%s: r1[%u]",
                     place(trial), k);
        expect_close((r2 - r1 * r1) / (s * s), difference(g1, h) / (s * s), 1e-8 + coarse,
                     "%s: r2[%u]", place(trial), k);
        expect_close((r3 - r2 * r1) / (s * s * s), difference(g2, h) / (s * s * s), 1e-8 + coarse,
                     "%s: r3[%u]", place(trial), k);
    }
}

Test(models, derivatives_equal_finite_differences)
{
    each_trial("differences", equals_differences);
}

static void is_the_mean_square_of_the_score(const struct trial *trial)
{
    const struct curve *c = &trial->curve;
    double info = trial->item->model->info(trial->item, trial->theta);
    double square = 0.0, curvature = 0.0, s = trial->scale;

    for (unsigned k = 0; k < c->n_cat; k++) {
        square += c->p[k] * c->r1[k] * c->r1[k];
        curvature += c->p[k] * curve_observed(c, k);
    }
    expect_true(info >= 0.0 && isfinite(info), "%s: information %g", place(trial), info);
    expect_true(fabs(info - square) <= 1e-12 * square + 1e-280, "%s: information %.17g, not %.17g",
                place(trial), info, square);
    expect_bits(curve_info(c), square, "%s: information of the curve", place(trial));
    expect_close(curvature / (s * s), info / (s * s), 1e-12, "%s: mean of the curvature",
                 place(trial));
}

Test(models, information_is_the_mean_square_of_the_score)
{
    each_trial("information", is_the_mean_square_of_the_score);
}

static void derivatives_of_information(const struct trial *trial)
{
    const struct item *item = trial->item;
    double s = trial->scale, h = 0.002 / s, s3 = s * s * s;
    static const double step[4] = {-2.0, -1.0, 1.0, 2.0};
    double coarse = fabs(trial->theta) * 0x1p-52 / h;
    double i[4], d1[4], j[4];

    for (int n = 0; n < 4; n++) {
        struct curve curve;

        item->model->curve(item, trial->theta + step[n] * h, &curve);
        i[n] = curve_info(&curve);
        d1[n] = curve_info_d1(&curve);
        j[n] = curve_j(&curve);
    }
    expect_close(curve_info_d1(&trial->curve) / s3, difference(i, h) / s3, 1e-8 + coarse, "%s: I'",
                 place(trial));
    expect_close(curve_info_d2(&trial->curve) / (s3 * s), difference(d1, h) / (s3 * s),
                 1e-8 + coarse, "%s: I''", place(trial));
    expect_close(curve_j_d1(&trial->curve) / (s3 * s), difference(j, h) / (s3 * s), 1e-8 + coarse,
                 "%s: J'", place(trial));
}

Test(models, derivatives_of_information_equal_finite_differences)
{
    each_trial("information'", derivatives_of_information);
}

/* The logarithm of a P that is within an ulp or so of what it should be. */
static void is_the_logarithm(const struct trial *trial)
{
    const struct item *item = trial->item;

    for (unsigned k = 0; k < item->n_cat; k++) {
        double log_p = item->model->log_prob(item, k, trial->theta);

        expect_true(isfinite(log_p) && log_p <= 1e-15, "%s: log P(%u) is %g", place(trial), k,
                    log_p);
        if (trial->curve.p[k] > 1e-290) {
            expect_close(log_p, log(trial->curve.p[k]), 1e-13, "%s: log P(%u)", place(trial), k);
        } else {
            expect_true(log_p < -660.0, "%s: log P(%u) is %g", place(trial), k, log_p);
        }
    }
}

Test(models, log_prob_is_the_logarithm_and_finite)
{
    each_trial("log_prob", is_the_logarithm);
}

static void is_log_prob_on_a_grid(const struct trial *trial)
{
    enum { N = 7 };
    const struct item *item = trial->item;
    double theta[N], before[N];

    for (int q = 0; q < N; q++) theta[q] = trial->theta + 0.385 * q;
    for (unsigned k = 0; k < item->n_cat; k++) {
        double loglik[N];

        for (int q = 0; q < N; q++) before[q] = loglik[q] = -2.385 * q;
        item->model->add_loglik(item, k, theta, N, loglik);
        for (int q = 0; q < N; q++) {
            expect_bits(loglik[q], before[q] + item->model->log_prob(item, k, theta[q]),
                        "%s: log-likelihood of %u at %g", place(trial), k, theta[q]);
        }
    }
}

Test(models, add_loglik_is_log_prob_to_the_bit)
{
    each_trial("add_loglik", is_log_prob_on_a_grid);
}

static void keeps_its_promise_of_one_mode(const struct trial *trial)
{
    const struct curve *c = &trial->curve;

    if (!trial->item->model->concave) return;
    for (unsigned k = 0; k < c->n_cat; k++) {
        double curvature = c->r2[k] - c->r1[k] * c->r1[k];

        expect_true(curvature <= 1e-13 * trial->scale * trial->scale, "%s: (log P(%u))'' is %g",
                    place(trial), k, curvature);
    }
}

Test(models, concave_ones_are_concave)
{
    each_trial("concave", keeps_its_promise_of_one_mode);
}

Test(models, bank_info_all_is_info_to_the_bit)
{
    enum { N = 601 };
    struct dice dice = dice_new("info_all", 331);
    struct bank *bank = bank_random(&dice, N);
    static double info[N];

    for (int t = 0; t < 200; t++) {
        double theta = dice_between(&dice, -LIMIT_THETA, LIMIT_THETA);

        bank_info_all(bank, theta, info);
        for (size_t i = 0; i < N; i++) {
            const struct item *item = bank_item(bank, i);

            expect_bits(info[i], item->model->info(item, theta), "item %zu at %g", i, theta);
        }
    }
    bank_free(bank);
}

/* With two categories the polytomous models are the 2PL. */
static void expect_2pl(const struct model *model, double a, double b, double theta)
{
    struct item one = {.model = &model_2pl, .n_cat = 2, .a = a, .b = b, .c = 0.0, .d = 1.0};
    double intercept = -a * b;
    bool is_nominal = model_has(model, SLOT_SLOPES);
    struct item other = {.model = model,
                         .n_cat = 2,
                         .a = a,
                         .d = 1.0,
                         .steps = is_nominal ? &intercept : &b,
                         .slopes = is_nominal ? &a : NULL};
    struct curve want, got;

    model_2pl.curve(&one, theta, &want);
    model->curve(&other, theta, &got);
    for (unsigned k = 0; k < 2; k++) {
        double a3 = a * a * a;

        expect_close(got.p[k], want.p[k], 1e-13, "%s: P(%u), a %g", model->name, k, a);
        expect_close(got.r1[k] / a, want.r1[k] / a, 1e-13, "%s: r1, a %g", model->name, a);
        expect_close(got.r2[k] / (a * a), want.r2[k] / (a * a), 1e-13, "%s: r2, a %g", model->name,
                     a);
        expect_close(got.r3[k] / a3, want.r3[k] / a3, 1e-13, "%s: r3, a %g", model->name, a);
        expect_close(model->log_prob(&other, k, theta), model_2pl.log_prob(&one, k, theta), 1e-13,
                     "%s: log P(%u), a %g, b %g, theta %g", model->name, k, a, b, theta);
    }
    expect_close(model->info(&other, theta) / (a * a), model_2pl.info(&one, theta) / (a * a), 1e-13,
                 "%s: information, a %g", model->name, a);
}

Test(models, polytomous_ones_of_two_categories_are_the_2pl)
{
    struct dice dice = dice_new("2pl", 337);

    for (int n = 0; n < 20000; n++) {
        double a = dice_of(&dice, slopes, COUNT_OF(slopes));
        double b = dice_between(&dice, -5.0, 5.0);
        double theta = b + dice_between(&dice, -40.0, 40.0) / a;

        for (size_t m = 0; models[m]; m++) {
            if (model_has(models[m], SLOT_STEPS)) expect_2pl(models[m], a, b, theta);
        }
    }
}

/* The nested ones: each is the next with the parameter at its default. */
Test(models, logistic_ones_are_nested)
{
    struct dice dice = dice_new("nested", 347);

    for (int n = 0; n < 2000; n++) {
        struct item item = {.n_cat = 2,
                            .a = dice_of(&dice, slopes, COUNT_OF(slopes)),
                            .b = dice_between(&dice, -3.0, 3.0),
                            .c = 0.0,
                            .d = 1.0};
        double theta = dice_between(&dice, -8.0, 8.0);

        for (unsigned k = 0; k < 2; k++) {
            double want = model_4pl.log_prob(&item, k, theta);

            expect_bits(model_1pl.log_prob(&item, k, theta), want, "1PL");
            expect_bits(model_2pl.log_prob(&item, k, theta), want, "2PL");
            expect_bits(model_3pl.log_prob(&item, k, theta), want, "3PL");
        }
        expect_bits(model_1pl.info(&item, theta), model_4pl.info(&item, theta), "information");
    }
}

Test(models, are_found_by_their_names)
{
    for (size_t m = 0; models[m]; m++) {
        cr_expect(model_find(slice_str(models[m]->name)) == models[m], "%s", models[m]->name);
        for (size_t j = 0; j < m; j++) cr_expect(models[j] != models[m]);
    }
    cr_expect(!model_find(slice_str("")) && !model_find(slice_str("2pl")));
    cr_expect(!model_find(slice_str("2PL ")) && !model_find(slice_of("2PL", 2)));
}
