/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every estimator with every prior, whatever the answers. */
#include "estimate/estimator.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/priors.h"

#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_ITEM = 500, N_KIND = 32 };

/* Every row of both tables; those that do not use the prior come once. */
struct kind {
    const struct estimator *estimator;
    const struct prior_kind *prior;
};

static size_t kinds(struct kind *out)
{
    size_t n = 0;

    for (size_t e = 0; estimators[e]; e++) {
        for (size_t p = 0; prior_kinds[p]; p++) {
            if (p > 0 && !estimators[e]->uses_prior) continue;
            if (!estimator_takes(estimators[e], prior_kinds[p])) continue;
            cr_assert(n < N_KIND);
            out[n++] = (struct kind){estimators[e], prior_kinds[p]};
        }
    }
    return n;
}

static struct estimate_spec spec_of(const struct kind *kind)
{
    struct estimate_spec spec = estimate_spec_default();

    spec.estimator = kind->estimator;
    spec.prior = prior_of(kind->prior);
    return spec;
}

/* Answers with room of their own, and the workspace. */
struct sheet {
    struct evidence evidence;
    uint32_t item[N_ITEM];
    uint8_t score[N_ITEM];
    double loglik[LIMIT_NODES], node[LIMIT_NODES];
    struct estimate_workspace *workspace;
};

static struct sheet *sheet_new(const struct bank *bank)
{
    struct sheet *sheet = calloc(1, sizeof(*sheet));

    cr_assert(sheet);
    sheet->evidence.bank = bank;
    sheet->evidence.item = sheet->item;
    sheet->evidence.score = sheet->score;
    sheet->workspace = estimate_workspace_new();
    cr_assert(sheet->workspace);
    return sheet;
}

static void sheet_free(struct sheet *sheet)
{
    estimate_workspace_free(sheet->workspace);
    free(sheet);
}

static void answer(struct sheet *sheet, size_t item, unsigned score)
{
    evidence_add(&sheet->evidence, (uint32_t)item, score, sheet->node);
}

/* What must not come up on the way to an estimate. A processor that can trap stops the test at the
 * spot; one that cannot is asked afterwards. (The logarithm of a density of 0 is -infinity, which
 * num_exp selects away after it has calculated with it: there an invalid operation means
 * nothing.) */
static int never(const struct estimate_spec *spec)
{
    bool has_zero = spec->estimator->uses_grid && spec->prior.kind->is_bounded;

    return FE_DIVBYZERO | FE_OVERFLOW | (has_zero ? 0 : FE_INVALID);
}

static struct estimate solve(struct sheet *sheet, const struct estimate_spec *spec)
{
    struct estimate out;

    memset(&out, 0xff, sizeof(out));  // what is not filled in shows
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(never(spec));
    spec->estimator->solve(spec, &sheet->evidence, sheet->workspace, &out);
    fedisableexcept(FE_ALL_EXCEPT);
    expect_true(!fetestexcept(never(spec)), "%s, %s: exceptions %x", spec->estimator->name,
                spec->prior.kind->name, (unsigned)fetestexcept(never(spec)));
    return out;
}

/* Where theta may be. */
static void range(const struct estimate_spec *spec, double *lo, double *hi)
{
    const struct estimator *estimator = spec->estimator;
    bool is_bounded = estimator->uses_prior && spec->prior.kind->is_bounded;

    *lo = estimator->uses_grid ? spec->grid.min : spec->lower;
    *hi = estimator->uses_grid ? spec->grid.max : spec->upper;
    if (!is_bounded) return;
    *lo = fmax(*lo, spec->prior.min);
    *hi = fmin(*hi, spec->prior.max);
}

static void expect_sound(const struct estimate *got, const struct estimate_spec *spec,
                         const char *what)
{
    const char *name = spec->estimator->name, *prior = spec->prior.kind->name;
    double lo, hi;

    range(spec, &lo, &hi);
    expect_true(isfinite(got->theta), "%s, %s, %s: theta is %g", name, prior, what, got->theta);
    expect_true(got->theta >= lo - 1e-12 && got->theta <= hi + 1e-12,
                "%s, %s, %s: theta %.17g is outside [%g, %g]", name, prior, what, got->theta, lo,
                hi);
    expect_true(got->se >= 0.0, "%s, %s, %s: SE is %g", name, prior, what, got->se);
    expect_true(got->iterations >= 0 && got->iterations < 100000, "%s, %s, %s: %d iterations", name,
                prior, what, got->iterations);
    if (got->boundary == BOUNDARY_LOWER) {
        expect_true(got->theta == lo, "%s, %s, %s: %g is not the lower bound", name, prior, what,
                    got->theta);
    } else if (got->boundary == BOUNDARY_UPPER) {
        expect_true(got->theta == hi, "%s, %s, %s: %g is not the upper bound", name, prior, what,
                    got->theta);
    } else {
        expect_true(got->boundary == BOUNDARY_NONE, "%s, %s, %s: boundary %d", name, prior, what,
                    got->boundary);
    }
}

/* Score of the j-th of n answers, item i having n_cat categories. */
struct pattern {
    const char *name;
    unsigned (*score)(size_t j, size_t n, unsigned n_cat);
};

static unsigned all_right(size_t j, size_t n, unsigned n_cat)
{
    (void)j;
    (void)n;
    return n_cat - 1;
}

static unsigned all_wrong(size_t j, size_t n, unsigned n_cat)
{
    (void)j;
    (void)n;
    (void)n_cat;
    return 0;
}

static unsigned alternating(size_t j, size_t n, unsigned n_cat)
{
    (void)n;
    return j % 2 ? n_cat - 1 : 0;
}

/* Items ascend in difficulty, so this is the pattern that fits best, */
static unsigned guttman(size_t j, size_t n, unsigned n_cat)
{
    return j < n / 2 ? n_cat - 1 : 0;
}

/* and this the one that fits worst. */
static unsigned reversed(size_t j, size_t n, unsigned n_cat)
{
    return j < n / 2 ? 0 : n_cat - 1;
}

static unsigned middling(size_t j, size_t n, unsigned n_cat)
{
    (void)n;
    return (unsigned)j % n_cat;
}

static const struct pattern patterns[] = {
    {"all right", all_right}, {"all wrong", all_wrong}, {"alternating", alternating},
    {"Guttman", guttman},     {"reversed", reversed},   {"middling", middling},
};

/* Difficulties ascend from -reach to reach; slopes come in turn. */
struct shape {
    const struct model *model;  // NULL: all in turn
    double slope[3], reach;
};

static void make(size_t i, void *context, struct item_spec *spec)
{
    const struct shape *shape = context;
    double place = -shape->reach + 2.0 * shape->reach * (double)i / (N_ITEM - 1);
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    spec->model = shape->model ? shape->model : models[i % n_model];
    spec->value[SLOT_A] = shape->slope[i % 3];
    /* An intercept is -a b, and those of several categories add up; it has its own limit. */
    if (model_has(spec->model, SLOT_DIRECTION)) {
        spec->value[SLOT_A] = fmin(spec->value[SLOT_A], LIMIT_LOCATION / (4.0 * shape->reach));
    }
    spec->value[SLOT_B] = place;
    spec->value[SLOT_C] = 0.137;
    spec->value[SLOT_D] = 0.937;
    spec->n_step = 3;
    /* Towards the middle, so that none is beyond the limits. */
    for (unsigned k = 0; k < 3; k++) {
        spec->steps[k] = place + (place > 0.0 ? -0.385 * (2 - k) : 0.385 * k);
    }
    spec_from_thresholds(spec);
}

static void check_shape(const struct shape *shape, const char *name, size_t longest)
{
    const size_t length[] = {1, 2, 11, longest};
    struct kind kind[N_KIND];
    size_t n_kind = kinds(kind);
    struct bank *bank = bank_make(N_ITEM, make, (void *)(uintptr_t)shape);
    struct sheet *sheet = sheet_new(bank);

    for (size_t p = 0; p < COUNT_OF(patterns) * COUNT_OF(length); p++) {
        const struct pattern *pattern = &patterns[p / COUNT_OF(length)];
        size_t n = length[p % COUNT_OF(length)];
        char what[96];

        evidence_clear(&sheet->evidence);
        for (size_t j = 0; j < n; j++) {
            size_t i = j * (N_ITEM / n);

            answer(sheet, i, pattern->score(j, n, bank_item(bank, i)->n_cat));
        }
        snprintf(what, sizeof(what), "%s, %s, %zu answers", name, pattern->name, n);
        for (size_t e = 0; e < n_kind; e++) {
            struct estimate_spec spec = spec_of(&kind[e]);
            struct estimate got;

            if (n == N_ITEM && p / COUNT_OF(length) % 4 != e % 4) continue;  // a quarter is enough
            got = solve(sheet, &spec);
            expect_sound(&got, &spec, what);
        }
    }
    sheet_free(sheet);
    bank_free(bank);
}

Test(estimators, are_finite_whatever_the_slopes)
{
    check_shape(&(struct shape){NULL, {1e-4, 1e-4, 1e-4}, 3.0}, "flat items", 40);
    check_shape(&(struct shape){NULL, {10.0, 10.0, 10.0}, 3.0}, "steep items", 40);
    check_shape(&(struct shape){NULL, {1e-4, 1.1, 10.0}, 30.0}, "all sorts of items", N_ITEM);
}

Test(estimators, are_finite_however_far_the_items)
{
    check_shape(&(struct shape){NULL, {2.385, 0.4, 10.0}, 30.0}, "wide items", 40);
    check_shape(&(struct shape){NULL, {100.0, 100.0, 100.0}, 100.0}, "the limits", N_ITEM);
}

Test(estimators, are_finite_for_every_model_alone)
{
    for (size_t m = 0; models[m]; m++)
        check_shape(&(struct shape){models[m], {0.385, 1.1, 2.385}, 4.0}, models[m]->name, 40);
}

/* With no answers: the centre of the prior, or the theta nearest 0 with an infinite SE. */
static void check_no_answers(struct sheet *sheet, const struct kind *kind)
{
    struct estimate_spec spec = spec_of(kind);
    const char *name = kind->estimator->name, *prior = kind->prior->name;
    double lo, hi, want, sd;
    struct estimate got;

    spec.grid = (struct grid){.min = -4.0, .max = 8.0, .n_node = 481};
    spec.lower = 0.385;
    if (kind->prior == &prior_uniform) spec.lower = -5.0;
    got = solve(sheet, &spec);
    expect_sound(&got, &spec, "no answers");
    range(&spec, &lo, &hi);
    want = fmax(lo, fmin(hi, 0.0));
    if (kind->estimator->uses_prior) {
        want = kind->prior == &prior_normal ? spec.prior.mean : 0.5 * (lo + hi);
        if (kind->prior == &prior_table) kind->prior->moments(&spec.prior, &want, &sd);
    }
    expect_close(got.theta, want, 0.02, "%s, %s: theta without answers", name, prior);
    expect_true(kind->estimator->uses_prior || isinf(got.se), "%s: SE without answers", name);
}

Test(estimators, without_answers_give_the_centre)
{
    struct dice dice = dice_new("centre", 401);
    struct bank *bank = bank_random(&dice, 3);
    struct sheet *sheet = sheet_new(bank);
    struct kind kind[N_KIND];
    size_t n_kind = kinds(kind);

    for (size_t e = 0; e < n_kind; e++) check_no_answers(sheet, &kind[e]);
    sheet_free(sheet);
    bank_free(bank);
}

static void shuffle(struct dice *dice, uint32_t *order, size_t n)
{
    for (size_t j = n - 1; j > 0; j--) {
        size_t other = dice_below(dice, j + 1);
        uint32_t kept = order[j];

        order[j] = order[other];
        order[other] = kept;
    }
}

static void fill_sheet(struct sheet *sheet, const uint32_t *order, const uint8_t *score, size_t n)
{
    evidence_clear(&sheet->evidence);
    for (size_t j = 0; j < n; j++) answer(sheet, order[j], score[order[j]]);
}

Test(estimators, do_not_look_at_the_order_of_answers)
{
    enum { N = 40 };
    struct dice dice = dice_new("order", 409);
    struct bank *bank = bank_random(&dice, N);
    struct sheet *sheet = sheet_new(bank);
    struct kind kind[N_KIND];
    size_t n_kind = kinds(kind);

    for (int trial = 0; trial < 8; trial++) {
        uint32_t order[N];
        uint8_t score[N];
        struct estimate first[N_KIND];

        for (uint32_t i = 0; i < N; i++) {
            order[i] = i;
            score[i] = (uint8_t)dice_below(&dice, bank_item(bank, i)->n_cat);
        }
        fill_sheet(sheet, order, score, N);
        for (size_t e = 0; e < n_kind; e++) {
            struct estimate_spec spec = spec_of(&kind[e]);

            first[e] = solve(sheet, &spec);
        }
        shuffle(&dice, order, N);
        fill_sheet(sheet, order, score, N);
        for (size_t e = 0; e < n_kind; e++) {
            struct estimate_spec spec = spec_of(&kind[e]);
            struct estimate got = solve(sheet, &spec);

            expect_close(got.theta, first[e].theta, 1e-12, "%s, %s: theta", kind[e].estimator->name,
                         kind[e].prior->name);
            expect_close(got.se, first[e].se, 1e-12, "%s, %s: SE", kind[e].estimator->name,
                         kind[e].prior->name);
        }
    }
    sheet_free(sheet);
    bank_free(bank);
}

/* A kept log-likelihood saves work and changes no bit. */
Test(estimators, give_the_same_bits_from_a_kept_likelihood)
{
    enum { N = 40 };
    struct dice dice = dice_new("kept", 419);
    struct bank *bank = bank_random(&dice, N);
    struct sheet *kept = sheet_new(bank), *fresh = sheet_new(bank);
    struct kind kind[N_KIND];
    size_t n_kind = kinds(kind);

    kept->evidence.grid = estimate_spec_default().grid;
    kept->evidence.loglik = kept->loglik;
    for (size_t i = 0; i < N; i++) {
        unsigned score = (unsigned)dice_below(&dice, bank_item(bank, i)->n_cat);

        answer(kept, i, score);
        answer(fresh, i, score);
        for (size_t e = i % 3; e < n_kind; e += 3) {
            struct estimate_spec spec = spec_of(&kind[e]);
            struct estimate one = solve(kept, &spec), other = solve(fresh, &spec);

            expect_bits(one.theta, other.theta, "%s, %s, %zu answers: theta",
                        kind[e].estimator->name, kind[e].prior->name, i + 1);
            expect_bits(one.se, other.se, "%s, %s, %zu answers: SE", kind[e].estimator->name,
                        kind[e].prior->name, i + 1);
        }
    }
    sheet_free(fresh);
    sheet_free(kept);
    bank_free(bank);
}

/* One more right answer never makes a likelihood's mode or mean lower: 1PL and 2PL. */
Test(estimators, rise_with_every_right_answer)
{
    enum { N = 30 };
    struct shape shape = {&model_2pl, {0.385, 1.1, 2.385}, 3.0};
    struct bank *bank = bank_make(N_ITEM, make, &shape);
    struct sheet *sheet = sheet_new(bank);
    struct kind kind[N_KIND];
    size_t n_kind = kinds(kind);

    for (size_t e = 0; e < n_kind; e++) {
        struct estimate_spec spec = spec_of(&kind[e]);
        double before = -(double)INFINITY;

        for (size_t right = 0; right <= N; right++) {
            struct estimate got;

            evidence_clear(&sheet->evidence);
            for (size_t j = 0; j < N; j++) answer(sheet, j * 7 % N * 16, j < right);
            got = solve(sheet, &spec);
            expect_true(got.theta >= before, "%s, %s: %zu right give %.17g, one less %.17g",
                        kind[e].estimator->name, kind[e].prior->name, right, got.theta, before);
            before = got.theta;
        }
    }
    sheet_free(sheet);
    bank_free(bank);
}

Test(estimators, are_found_by_their_names)
{
    for (size_t e = 0; estimators[e]; e++) {
        cr_expect(estimator_find(slice_str(estimators[e]->name)) == estimators[e]);
        cr_expect(estimators[e]->solve != NULL);
    }
    cr_expect(!estimator_find(slice_str("")) && !estimator_find(slice_str("eap")));
    cr_expect_str_eq(boundary_names[BOUNDARY_NONE], "none");
    cr_expect_str_eq(boundary_names[BOUNDARY_LOWER], "lower");
    cr_expect_str_eq(boundary_names[BOUNDARY_UPPER], "upper");
}
