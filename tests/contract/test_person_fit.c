/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lz and lz* against their definitions, with the sums over categories written out (Snijders 2001;
 * Sinharay 2016), for items of all models. */
#include "estimate/person_fit.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/priors.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N_ITEM = 44, N_ANSWER = 30 };

static struct estimate_workspace *workspace;

static void open_workspace(void)
{
    workspace = estimate_workspace_new();
    cr_assert(workspace);
}

static void close_workspace(void)
{
    estimate_workspace_free(workspace);
}

TestSuite(person_fit, .init = open_workspace, .fini = close_workspace);

/* One examinee. */
struct person {
    struct estimate_spec spec;
    struct evidence evidence;
    uint32_t item[N_ANSWER];
    uint8_t score[N_ANSWER];
    struct estimate got;
};

/* The derivative of P_k by differences, good to about 1e-10. */
static double slope_of_p(const struct item *item, unsigned k, double theta)
{
    const double h = 1e-3;
    double at[4][LIMIT_CATS];

    for (int j = 0; j < 4; j++) item->model->prob(item, theta + (j - 1.5) * h, at[j]);
    return (27.0 * (at[2][k] - at[1][k]) - (at[3][k] - at[0][k])) / (24.0 * h);
}

/* Sums over items and categories of products of (x - P), w = log P, r = P' / P. */
struct slow {
    double w, expected_w, variance_w, dp_w, dp_r, score;
};

static void add_slowly(struct slow *slow, const struct item *item, unsigned score, double theta)
{
    double p[LIMIT_CATS], mean = 0.0, square = 0.0;

    item->model->prob(item, theta, p);
    for (unsigned k = 0; k < item->n_cat; k++) {
        double dp = slope_of_p(item, k, theta);

        mean += p[k] * log(p[k]);
        square += p[k] * log(p[k]) * log(p[k]);
        slow->dp_w += dp * log(p[k]);
        slow->dp_r += dp * dp / p[k];
        if (k == score) slow->score += dp / p[k];
    }
    slow->w += log(p[score]);
    slow->expected_w += mean;
    slow->variance_w += square - mean * mean;
}

/* The variance of w - c r, by its own sum: nothing is taken from anything. */
static double variance_left(const struct person *person, double c)
{
    double sum = 0.0;

    for (size_t j = 0; j < person->evidence.n; j++) {
        const struct item *item = bank_item(person->evidence.bank, person->item[j]);
        double p[LIMIT_CATS], mean = 0.0, v[LIMIT_CATS];

        item->model->prob(item, person->got.theta, p);
        for (unsigned k = 0; k < item->n_cat; k++) {
            v[k] = log(p[k]) - c * slope_of_p(item, k, person->got.theta) / p[k];
            mean += p[k] * v[k];
        }
        for (unsigned k = 0; k < item->n_cat; k++) sum += p[k] * (v[k] - mean) * (v[k] - mean);
    }
    return sum;
}

static void person_draw(struct person *person, const struct bank *bank,
                        const struct estimator *estimator, size_t n, struct dice *dice)
{
    double p[LIMIT_CATS], theta = dice_between(dice, -1.5, 1.5);

    *person = (struct person){.spec = estimate_spec_default()};
    person->spec.estimator = estimator;
    person->spec.lower = -8.0;
    person->spec.upper = 8.0;
    if (estimator->uses_prior) person->spec.prior = prior_of(&prior_normal);
    person->evidence =
        (struct evidence){.bank = bank, .item = person->item, .score = person->score};
    for (size_t j = 0; j < n; j++) {
        uint32_t i = (uint32_t)dice_below(dice, N_ITEM);
        double u = dice_between(dice, 0.0, 1.0);
        unsigned k = 0;

        bank_item(bank, i)->model->prob(bank_item(bank, i), theta, p);
        while (k + 1 < bank_item(bank, i)->n_cat && u >= p[k]) u -= p[k++];
        evidence_add(&person->evidence, i, k, NULL);
    }
    estimator->solve(&person->spec, &person->evidence, workspace, &person->got);
}

/* Returns whether there was an lz* to compare. */
static bool check_person(struct person *person)
{
    struct person_fit got = person_fit(&person->spec, &person->evidence, &person->got.theta);
    const char *name = person->spec.estimator->name;
    struct slow slow = {0};
    double c;

    for (size_t j = 0; j < person->evidence.n; j++) {
        add_slowly(&slow, bank_item(person->evidence.bank, person->item[j]), person->score[j],
                   person->got.theta);
    }
    expect_close(got.lz, (slow.w - slow.expected_w) / sqrt(slow.variance_w), 1e-9, "%s: lz", name);
    c = slow.dp_w / slow.dp_r;
    if (!isfinite(got.lz_star)) {
        expect_true(person->got.boundary != BOUNDARY_NONE || !person->spec.estimator->uses_bounds,
                    "%s: no lz* at theta %g", name, person->got.theta);
        return false;
    }
    /* The estimate solves r0 + score = 0, so r0 is what the score is not. */
    expect_close(got.lz_star,
                 (slow.w - slow.expected_w - c * slow.score) / sqrt(variance_left(person, c)), 1e-6,
                 "%s: lz*", name);
    return true;
}

Test(person_fit, is_its_definition)
{
    static const struct estimator *const with_score[] = {&estimator_ml, &estimator_map,
                                                         &estimator_wle};
    struct dice dice = dice_new("person fit", 809);
    struct bank *bank = bank_random(&dice, N_ITEM);
    size_t n = 0;

    for (int trial = 0; trial < 300; trial++) {
        struct person person;

        person_draw(&person, bank, with_score[trial % 3], N_ANSWER, &dice);

        n += check_person(&person);
    }
    cr_expect(n > 250, "%zu of 300", n);
    bank_free(bank);
}

/* EAP solves no equation; at a bound, or where theta was not estimated from the answers, none is
 * solved; one answer in two categories leaves nothing to fit. */
Test(person_fit, has_no_lz_star_where_there_is_none)
{
    struct dice dice = dice_new("no person fit", 811);
    struct bank *bank = bank_random(&dice, N_ITEM);
    struct person person;
    double stepped;

    person_draw(&person, bank, &estimator_eap, N_ANSWER, &dice);
    cr_expect(isnan(person_fit(&person.spec, &person.evidence, &person.got.theta).lz_star));
    person_draw(&person, bank, &estimator_ml, N_ANSWER, &dice);
    cr_expect(isfinite(person_fit(&person.spec, &person.evidence, &person.got.theta).lz_star));
    stepped = person.got.theta + 0.4;
    cr_expect(isnan(person_fit(&person.spec, &person.evidence, &stepped).lz_star));
    person.spec.upper = person.got.theta - 0.1;
    estimator_ml.solve(&person.spec, &person.evidence, workspace, &person.got);
    cr_expect(person.got.boundary == BOUNDARY_UPPER);
    cr_expect(isnan(person_fit(&person.spec, &person.evidence, &person.got.theta).lz_star));
    for (int trial = 0; trial < 100; trial++) {
        person_draw(&person, bank, trial % 2 ? &estimator_map : &estimator_wle, 1, &dice);
        if (bank_item(bank, person.item[0])->n_cat > 2) continue;
        cr_expect(isnan(person_fit(&person.spec, &person.evidence, &person.got.theta).lz_star),
                  "one answer, %s", bank_item(bank, person.item[0])->model->name);
    }
    bank_free(bank);
}
