/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every estimate of several dimensions. */
#include "estimate/dims.h"
#include "num/elementary.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_ITEM = 40, MOST = 500 };

static const struct estimator *const both[] = {&estimator_eap, &estimator_map};

/* Answers with room, on the kept grid where that is asked for. */
struct sheet {
    struct evidence evidence;
    uint32_t item[MOST];
    uint8_t score[MOST];
    double node[LIMIT_NODES], loglik[LIMIT_PRODUCT];
    struct estimate_workspace *workspace;
};

static struct sheet *sheet_new(const struct bank *bank)
{
    struct sheet *sheet = calloc(1, sizeof(*sheet));

    cr_assert(sheet);
    sheet->workspace = estimate_workspace_new();
    cr_assert(sheet->workspace);
    sheet->evidence = (struct evidence){.bank = bank, .item = sheet->item, .score = sheet->score};
    return sheet;
}

static void sheet_free(struct sheet *sheet)
{
    estimate_workspace_free(sheet->workspace);
    free(sheet);
}

static void answer(struct sheet *sheet, uint32_t item, unsigned score)
{
    evidence_add(&sheet->evidence, item, score, sheet->node);
}

static void answer_randomly(struct sheet *sheet, struct dice *dice, size_t n)
{
    const struct bank *bank = sheet->evidence.bank;

    for (size_t j = 0; j < n; j++) {
        uint32_t i = (uint32_t)(j % bank_n_item(bank));

        answer(sheet, i, (unsigned)dice_below(dice, bank_item(bank, i)->n_cat));
    }
}

/* Settled for the bank, with a correlated prior. */
static struct estimate_spec spec_of(const struct estimator *estimator, size_t n_dim)
{
    struct estimate_spec spec = estimate_spec_default();
    struct faults faults = {0};

    spec.estimator = estimator;
    spec.says_method = true;
    spec.prior.dims.n_mean = spec.prior.dims.n_cov = n_dim;
    for (size_t i = 0; i < n_dim * n_dim; i++) {
        spec.prior.dims.cov[i] = i % (n_dim + 1) == 0 ? 1.1 : 0.385;
    }
    for (size_t i = 0; i < n_dim; i++) spec.prior.dims.mean[i] = 0.2 * (double)i - 0.3;
    estimate_spec_settle(&spec, n_dim, "", &faults);
    cr_assert(faults.total == 0);
    return spec;
}

static struct estimate_dims solve(struct sheet *sheet, const struct estimate_spec *spec)
{
    struct estimate_dims out;

    spec->estimator->solve_dims(spec, &sheet->evidence, sheet->workspace, &out);
    return out;
}

static void expect_same(const struct estimate_dims *got, const struct estimate_dims *want,
                        size_t n_dim, double tolerance, const char *what)
{
    for (size_t i = 0; i < n_dim; i++) {
        expect_close(got->theta[i], want->theta[i], tolerance, "%s: theta %zu", what, i);
    }
    for (size_t i = 0; i < n_dim * n_dim; i++) {
        expect_close(got->cov[i], want->cov[i], tolerance, "%s: cov %zu", what, i);
    }
}

/* A bank of one dimension goes the same way: theta is its own predictor. The mode's standard error
 * is by the observed information here and by the expected one there, which for the 2PL is one. */
Test(estimate_dims, one_dimension_is_the_scalar_estimate)
{
    struct dice dice = dice_new("one dimension", 811);

    for (int n = 0; n < 40; n++) {
        struct bank *bank = bank_random(&dice, N_ITEM);
        struct sheet *sheet = sheet_new(bank);

        answer_randomly(sheet, &dice, dice_below(&dice, N_ITEM));
        for (size_t e = 0; e < COUNT_OF(both); e++) {
            struct estimate_spec spec = estimate_spec_default();
            struct estimate_dims got;
            struct estimate want;

            spec.estimator = both[e];
            spec.lower = -LIMIT_THETA;
            spec.upper = LIMIT_THETA;
            got = solve(sheet, &spec);
            both[e]->solve(&spec, &sheet->evidence, sheet->workspace, &want);
            expect_close(got.theta[0], want.theta, 1e-9, "%s", both[e]->name);
            if (both[e] == &estimator_eap) expect_close(sqrt(got.cov[0]), want.se, 1e-9, "SE");
        }
        sheet_free(sheet);
        bank_free(bank);
    }
}

/* Items that know only one dimension, with independent priors: each dimension is by itself. */
struct apart {
    struct dice dice;
    unsigned n_dim;
};

static void make_apart(size_t i, void *context, struct item_spec *spec)
{
    struct apart *apart = context;

    spec_random(&apart->dice, i % 2 ? &model_m2pl : &model_mdgrm, spec);
    if (apart->n_dim == 1) return;
    spec->n_dim = apart->n_dim;
    for (unsigned m = 1; m < apart->n_dim; m++) spec->direction[m] = 0.0;
}

Test(estimate_dims, dimensions_without_items_are_the_prior)
{
    for (unsigned n_dim = 2; n_dim <= 3; n_dim++) {
        struct apart wide = {dice_new("apart", 821), n_dim}, narrow = {dice_new("apart", 821), 1};
        struct bank *bank = bank_make(N_ITEM, make_apart, &wide);
        struct bank *scalar_bank = bank_make(N_ITEM, make_apart, &narrow);
        struct sheet *sheet = sheet_new(bank), *scalar = sheet_new(scalar_bank);

        for (uint32_t i = 0; i < N_ITEM; i += 3) {
            unsigned score = (unsigned)dice_below(&wide.dice, bank_item(bank, i)->n_cat);

            answer(sheet, i, score);
            answer(scalar, i, score);
        }
        for (size_t e = 0; e < COUNT_OF(both); e++) {
            struct estimate_spec spec = estimate_spec_default();
            struct estimate_dims got;
            struct estimate want;

            spec.estimator = both[e];
            spec.grid.n_node = 31;
            spec.lower = -LIMIT_THETA;
            spec.upper = LIMIT_THETA;
            got = solve(sheet, &spec);
            both[e]->solve(&spec, &scalar->evidence, scalar->workspace, &want);
            expect_close(got.theta[0], want.theta, 1e-9, "%s: theta 1", both[e]->name);
            if (e == 0) expect_close(sqrt(got.cov[0]), want.se, 1e-9, "SE 1");
            for (size_t m = 1; m < n_dim; m++) {
                expect_close(got.theta[m], 0.0, 1e-9, "%s: theta %zu", both[e]->name, m);
                expect_close(got.cov[m], 0.0, 1e-9, "%s: covariance %zu", both[e]->name, m);
                expect_close(got.cov[m * n_dim + m], 1.0, 1e-6, "%s: variance", both[e]->name);
            }
        }
        sheet_free(sheet);
        sheet_free(scalar);
        bank_free(bank);
        bank_free(scalar_bank);
    }
}

/* The sums are in another order: rounding. */
Test(estimate_dims, order_of_answers_does_not_count)
{
    struct dice dice = dice_new("order", 823);

    for (unsigned n_dim = 2; n_dim <= LIMIT_DIMS; n_dim++) {
        struct bank *bank = bank_random_dims(&dice, n_dim, N_ITEM);
        struct sheet *sheet = sheet_new(bank), *back = sheet_new(bank);

        answer_randomly(sheet, &dice, 30);
        for (size_t j = 30; j-- > 0;) answer(back, sheet->item[j], sheet->score[j]);
        for (size_t e = 0; e < COUNT_OF(both); e++) {
            struct estimate_spec spec = spec_of(both[e], n_dim);
            struct estimate_dims one = solve(sheet, &spec), other = solve(back, &spec);

            expect_same(&other, &one, n_dim, 1e-9, both[e]->name);
        }
        sheet_free(sheet);
        sheet_free(back);
        bank_free(bank);
    }
}

/* To the bit: nothing but the last answer is added, in the same order. */
Test(estimate_dims, kept_likelihood_gives_the_same_bits)
{
    struct dice dice = dice_new("kept", 827);

    for (unsigned n_dim = 2; n_dim <= LIMIT_DIMS; n_dim++) {
        struct estimate_spec spec = spec_of(&estimator_eap, n_dim);
        struct bank *bank = bank_random_dims(&dice, n_dim, N_ITEM);
        struct sheet *kept = sheet_new(bank), *fresh = sheet_new(bank);
        struct estimate_dims one, other;

        kept->evidence.grid = spec.grid;
        kept->evidence.loglik = kept->loglik;
        answer_randomly(kept, &dice, 5);
        evidence_clear(&kept->evidence);
        answer_randomly(kept, &dice, 12);
        for (size_t j = 0; j < 12; j++) answer(fresh, kept->item[j], kept->score[j]);
        one = solve(kept, &spec);
        other = solve(fresh, &spec);
        cr_expect(memcmp(&one, &other, sizeof(one)) == 0, "%u dimensions", n_dim);
        sheet_free(kept);
        sheet_free(fresh);
        bank_free(bank);
    }
}

/* Finite, with a covariance that is one. */
static void expect_sound(const struct estimate_dims *got, size_t n_dim, const char *what)
{
    double root[LIMIT_DIMS * LIMIT_DIMS];

    for (size_t i = 0; i < n_dim; i++) {
        expect_true(isfinite(got->theta[i]) && fabs(got->theta[i]) < 2.0 * LIMIT_THETA,
                    "%s: theta %zu is %g", what, i, got->theta[i]);
        expect_true(got->cov[i * n_dim + i] >= 0.0, "%s: variance %zu", what, i);
    }
    for (size_t i = 0; i < n_dim * n_dim; i++) expect_true(isfinite(got->cov[i]), "%s: cov", what);
    if (strcmp(what, "MAP") == 0) expect_true(matrix_root(got->cov, n_dim, root), "%s: root", what);
}

Test(estimate_dims, finite_on_extreme_patterns)
{
    static const size_t length[] = {0, 1, 3, 40, MOST};
    struct dice dice = dice_new("extreme", 829);

    for (unsigned n_dim = 2; n_dim <= LIMIT_DIMS; n_dim++) {
        struct bank *bank = bank_random_dims(&dice, n_dim, N_ITEM);
        struct sheet *sheet = sheet_new(bank);

        for (size_t p = 0; p < 3 * COUNT_OF(length); p++) {
            evidence_clear(&sheet->evidence);
            for (size_t j = 0; j < length[p / 3]; j++) {
                uint32_t i = (uint32_t)(j % N_ITEM);
                unsigned top = bank_item(bank, i)->n_cat - 1;

                answer(sheet, i, p % 3 == 0 ? 0 : p % 3 == 1 ? top : j % 2 ? top : 0);
            }
            for (size_t e = 0; e < COUNT_OF(both); e++) {
                struct estimate_spec spec = spec_of(both[e], n_dim);
                struct estimate_dims got = solve(sheet, &spec);

                expect_sound(&got, n_dim, both[e]->name);
            }
        }
        sheet_free(sheet);
        bank_free(bank);
    }
}

static double log_posterior(const struct sheet *sheet, const struct estimate_spec *spec,
                            const double *theta, size_t n)
{
    double mean[LIMIT_DIMS], cov[LIMIT_DIMS * LIMIT_DIMS], precision[LIMIT_DIMS * LIMIT_DIMS];
    double sum = 0.0;

    prior_shape(&spec->prior, n, mean, cov);
    cr_assert(matrix_invert(cov, n, precision));
    for (size_t i = 0; i < n * n; i++) {
        sum -= 0.5 * (theta[i / n] - mean[i / n]) * precision[i] * (theta[i % n] - mean[i % n]);
    }
    for (size_t j = 0; j < sheet->evidence.n; j++) {
        const struct item *item = bank_item(sheet->evidence.bank, sheet->item[j]);

        sum += item->model->log_prob(item, sheet->score[j], item_predictor(item, theta));
    }
    return sum;
}

/* No node of a fine grid is higher than the mode found, whatever modes there are. Answers at
 * random, to items that are guessed, make several in one pattern out of some. */
static void make_guessed(size_t i, void *context, struct item_spec *spec)
{
    (void)i;
    spec_random(context, &model_m3pl, spec);
    spec->direction[0] += 2.0;
    spec->value[SLOT_C] = 0.3;
    spec_turn(context, 2, spec);
}

Test(estimate_dims, mode_is_the_highest)
{
    struct dice dice = dice_new("highest", 839);
    struct estimate_spec spec = spec_of(&estimator_map, 2);
    size_t n_mode_apart = 0;

    spec.prior.dims.cov[0] = spec.prior.dims.cov[3] = 9.0;
    for (int n = 0; n < 100; n++) {
        struct bank *bank = bank_make(16, make_guessed, &dice);
        struct sheet *sheet = sheet_new(bank);
        struct estimate_dims got;
        double height, best = -(double)INFINITY, at[2] = {0};

        answer_randomly(sheet, &dice, 5 + dice_below(&dice, 11));
        got = solve(sheet, &spec);
        height = log_posterior(sheet, &spec, got.theta, 2);
        for (int i = 0; i < 81 * 81; i++) {
            double theta[2] = {-8.0 + 0.2 * (i / 81), -8.0 + 0.2 * (i % 81)};
            double now = log_posterior(sheet, &spec, theta, 2);

            if (now <= best) continue;
            best = now;
            at[0] = theta[0];
            at[1] = theta[1];
        }
        expect_true(height >= best, "pattern %d: %g, but %g at (%g, %g)", n, height, best, at[0],
                    at[1]);
        if (fabs(got.theta[0]) + fabs(got.theta[1]) > 1.0) n_mode_apart++;
        sheet_free(sheet);
        bank_free(bank);
    }
    cr_expect(n_mode_apart > 20, "%zu", n_mode_apart);
}

/* The posterior mean and covariance by plain sums over the nodes of three dimensions. */
Test(estimate_dims, mean_is_the_sum_over_the_nodes)
{
    struct dice dice = dice_new("slow", 853);
    struct estimate_spec spec = spec_of(&estimator_eap, 3);
    struct bank *bank = bank_random_dims(&dice, 3, N_ITEM);
    struct sheet *sheet = sheet_new(bank);
    double sum = 0.0, mean[3] = {0}, square[9] = {0}, node[LIMIT_NODES];
    struct estimate_dims got;

    answer_randomly(sheet, &dice, 12);
    got = solve(sheet, &spec);
    grid_nodes(&spec.grid, node);
    cr_assert(spec.grid.n_node == 21);
    for (size_t q = 0; q < 21 * 21 * 21; q++) {
        size_t at[3] = {q / 441, q / 21 % 21, q % 21};
        double theta[3], w;

        for (int m = 0; m < 3; m++) theta[m] = node[at[m]];
        w = exp(log_posterior(sheet, &spec, theta, 3) + 40.0);
        for (int m = 0; m < 3; m++) w *= grid_weight(&spec.grid, at[m]);
        sum += w;
        for (int m = 0; m < 3; m++) mean[m] += w * theta[m];
        for (int i = 0; i < 9; i++) square[i] += w * theta[i / 3] * theta[i % 3];
    }
    for (int m = 0; m < 3; m++) expect_close(got.theta[m], mean[m] / sum, 1e-11, "theta %d", m);
    for (int i = 0; i < 9; i++) {
        expect_close(got.cov[i], square[i] / sum - mean[i / 3] * mean[i % 3] / (sum * sum), 1e-10,
                     "cov %d", i);
    }
    sheet_free(sheet);
    bank_free(bank);
}

/* Field and words of what a spec is refused for, for a bank of n_dim dimensions. */
static void expect_refused(const struct estimate_spec *spec, size_t n_dim, const char *field)
{
    struct estimate_spec copy = *spec;
    struct faults faults = {0};

    copy.says_method = copy.says_grid = true;
    estimate_spec_settle(&copy, n_dim, "final", &faults);
    cr_assert(faults.n == 1, "%s: %zu faults", field, faults.n);
    cr_expect_str_eq(faults.list[0].field, field);
    faults_done(&faults);
}

Test(estimate_dims, every_estimator_settles_or_is_refused)
{
    for (size_t e = 0; estimators[e]; e++) {
        struct estimate_spec spec = estimate_spec_default();

        spec.estimator = estimators[e];
        if (estimators[e]->solve_dims)
            (void)spec_of(estimators[e], 2);
        else
            expect_refused(&spec, 2, "final.method");
    }
}

Test(estimate_dims, every_prior_settles_or_is_refused)
{
    for (size_t p = 0; prior_kinds[p]; p++) {
        struct estimate_spec spec = estimate_spec_default();

        spec.prior.kind = prior_kinds[p];
        if (prior_kinds[p] != &prior_normal) expect_refused(&spec, 2, "final.prior.dist");
    }
}

Test(estimate_dims, sizes_must_be_the_banks)
{
    struct estimate_spec spec = spec_of(&estimator_eap, 2), wide = estimate_spec_default();

    spec.prior.dims.n_mean = 3;
    expect_refused(&spec, 2, "final.prior.mean");
    spec.prior.dims.n_mean = 0;
    spec.grid.n_node = 21;
    expect_refused(&spec, 1, "final.prior.cov");
    expect_refused(&spec, 3, "final.prior.cov");
    wide.grid.n_node = 182;  // 181^2 is within the limit
    expect_refused(&wide, 2, "final.grid.nodes");
}

Test(estimate_dims, what_is_not_said_goes_by_the_dimensions)
{
    static const size_t nodes[] = {0, 61, 61, 21, 13, 8};

    for (size_t n_dim = 1; n_dim <= LIMIT_DIMS; n_dim++) {
        struct estimate_spec spec = estimate_spec_default();
        struct faults faults = {0};

        estimate_spec_settle(&spec, n_dim, "", &faults);
        cr_expect(faults.total == 0 && spec.grid.n_node == nodes[n_dim]);
        cr_expect(spec.estimator == (n_dim <= 3 ? &estimator_eap : &estimator_map));
    }
}
