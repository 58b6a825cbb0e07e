/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The criteria of several dimensions against their definitions, written down plainly. */
#include "irt/dims.h"
#include "select/criterion.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N_ITEM = 24, N_TRIAL = 60, SIZE = LIMIT_DIMS * LIMIT_DIMS };

struct scene {
    struct criterion_input input;
    struct evidence evidence;
    struct estimate_spec spec;
    uint32_t item[N_ITEM];
    uint8_t score[N_ITEM];
    double thetas[LIMIT_DIMS], weights[LIMIT_DIMS];
    uint64_t blocked;
};

static void scene_draw(struct scene *scene, const struct bank *bank, struct dice *dice,
                       struct estimate_workspace *workspace)
{
    size_t n_dim = bank_n_dim(bank), n = n_dim + dice_below(dice, 8);

    *scene = (struct scene){.spec = estimate_spec_default()};
    scene->spec.prior.dims.n_cov = n_dim;
    for (size_t i = 0; i < n_dim * n_dim; i++) {
        scene->spec.prior.dims.cov[i] = i % (n_dim + 1) == 0 ? 1.0 : 0.5;
    }
    for (size_t m = 0; m < n_dim; m++) {
        scene->thetas[m] = dice_between(dice, -2.0, 2.0);
        scene->weights[m] = dice_between(dice, 0.1, 2.0);
    }
    scene->evidence = (struct evidence){.bank = bank, .item = scene->item, .score = scene->score};
    for (uint32_t j = 0; j < n; j++) {
        evidence_add(&scene->evidence, j, 0, NULL);
        scene->blocked |= (uint64_t)1 << j;
    }
    scene->input = (struct criterion_input){.bank = bank,
                                            .thetas = scene->thetas,
                                            .weights = scene->weights,
                                            .evidence = &scene->evidence,
                                            .spec = &scene->spec,
                                            .workspace = workspace};
}

/* m^-1 and det m by Gauss and Jordan, without pivoting: m is positive definite. */
static double invert(const double *m, size_t n, double *inverse)
{
    double left[SIZE], det = 1.0;

    for (size_t i = 0; i < n * n; i++) {
        left[i] = m[i];
        inverse[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
    }
    for (size_t k = 0; k < n; k++) {
        double pivot = left[k * n + k];

        det *= pivot;
        for (size_t j = 0; j < n; j++) {
            left[k * n + j] /= pivot;
            inverse[k * n + j] /= pivot;
        }
        for (size_t i = 0; i < n; i++) {
            double factor = left[i * n + k];

            for (size_t j = 0; j < n && i != k; j++) {
                left[i * n + j] -= factor * left[k * n + j];
                inverse[i * n + j] -= factor * inverse[k * n + j];
            }
        }
    }
    return det;
}

/* M of the definition: by E[score score'], the score being that along each dimension. */
static void information(const struct scene *scene, uint32_t candidate, bool with_prior, double *m)
{
    size_t n = bank_n_dim(scene->input.bank);

    for (size_t i = 0; i < n * n; i++) m[i] = 0.0;
    if (with_prior) invert(scene->spec.prior.dims.cov, n, m);
    for (size_t j = 0; j <= scene->evidence.n; j++) {
        const struct item *item =
            bank_item(scene->input.bank, j < scene->evidence.n ? scene->item[j] : candidate);
        struct curve curve;
        double t = 0.0;

        for (size_t d = 0; d < n; d++) t += item->direction[d] * scene->thetas[d];
        item->model->curve(item, t, &curve);
        for (size_t i = 0; i < n * n; i++) {
            for (unsigned k = 0; k < curve.n_cat; k++) {
                m[i] += curve.p[k] * (curve.r1[k] * item->direction[i / n]) *
                        (curve.r1[k] * item->direction[i % n]);
            }
        }
    }
}

/* Whether `value` is the smallest eigenvalue: m - value I is singular, and positive definite for
 * anything less. */
static void expect_least(const double *m, size_t n, double value, const char *name)
{
    double shifted[SIZE], inverse[SIZE], size = 1.0, before, after;

    for (size_t i = 0; i < n; i++) size *= m[i * n + i];
    for (size_t i = 0; i < n * n; i++) shifted[i] = m[i] - (i % (n + 1) ? 0.0 : value * (1 - 1e-6));
    before = invert(shifted, n, inverse);
    for (size_t i = 0; i < n; i++) {
        expect_true(inverse[i * n + i] > 0.0, "%s: a smaller eigenvalue", name);
    }
    for (size_t i = 0; i < n * n; i++) shifted[i] = m[i] - (i % (n + 1) ? 0.0 : value * (1 + 1e-6));
    after = invert(shifted, n, inverse);
    expect_true(before > 0.0 && after < 0.0, "%s: no change of sign: %g, %g", name, before / size,
                after / size);
}

static void check(const struct scene *scene, const struct criterion *criterion, double value,
                  uint32_t candidate)
{
    const char *name = criterion->name;
    bool with_prior = name[1] == 'P';
    size_t n = bank_n_dim(scene->input.bank);
    double m[SIZE], inverse[SIZE], det, t = 0.0, a = 0.0, w = 0.0;

    information(scene, candidate, with_prior, m);
    det = invert(m, n, inverse);
    for (size_t i = 0; i < n; i++) {
        t += scene->weights[i] * m[i * n + i];
        a -= scene->weights[i] * inverse[i * n + i];
        for (size_t j = 0; j < n; j++) w += scene->weights[i] * m[i * n + j] * scene->weights[j];
    }
    if (name[0] == 'D') expect_close(value / det, 1.0, 1e-9, "%s", name);
    if (name[0] == 'T') expect_close(value / t, 1.0, 1e-12, "%s", name);
    if (name[0] == 'A') expect_close(value / a, 1.0, 1e-8, "%s", name);
    if (name[0] == 'W') expect_close(value / w, 1.0, 1e-12, "%s", name);
    if (name[0] == 'E') expect_least(m, n, value, name);
}

Test(criteria_dims, values_are_those_of_the_definitions)
{
    struct dice dice = dice_new("definitions", 877);
    struct estimate_workspace *workspace = estimate_workspace_new();
    size_t n_criterion = 0;

    cr_assert(workspace);
    for (int trial = 0; trial < N_TRIAL; trial++) {
        struct bank *bank =
            bank_random_dims(&dice, 2 + (unsigned)dice_below(&dice, LIMIT_DIMS - 1), N_ITEM);
        struct scene scene;
        double value[N_ITEM];

        scene_draw(&scene, bank, &dice, workspace);
        for (size_t c = 0; criteria[c]; c++) {
            struct candidates all = {.n = N_ITEM, .blocked = {&scene.blocked}};

            if (criteria[c]->dims != DIMS_SEVERAL) continue;
            criteria[c]->values(&scene.input, &all, value);
            for (uint32_t i = 0; i < N_ITEM; i++) {
                if (!blocked_has(all.blocked, i)) check(&scene, criteria[c], value[i], i);
            }
            n_criterion++;
        }
        bank_free(bank);
    }
    cr_expect(n_criterion == 10 * N_TRIAL);
    estimate_workspace_free(workspace);
}

/* Until the items span all dimensions the rules without the prior tell nothing apart, to the bit;
 * those with it do from the start. */
Test(criteria_dims, singular_information_is_a_tie)
{
    struct dice dice = dice_new("tie", 881);
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct bank *bank = bank_random_dims(&dice, 3, N_ITEM);
    struct scene scene;
    double value[N_ITEM];
    struct candidates all = {.n = N_ITEM, .blocked = {&scene.blocked}};

    cr_assert(workspace);
    scene_draw(&scene, bank, &dice, workspace);
    scene.evidence.n = 1;
    scene.blocked = 1;
    criterion_Drule.values(&scene.input, &all, value);
    for (size_t i = 1; i < N_ITEM; i++) expect_bits(value[i], 0.0, "Drule, item %zu", i);
    criterion_Erule.values(&scene.input, &all, value);
    for (size_t i = 1; i < N_ITEM; i++) expect_bits(value[i], 0.0, "Erule, item %zu", i);
    criterion_Arule.values(&scene.input, &all, value);
    for (size_t i = 1; i < N_ITEM; i++) expect_true(isinf(value[i]), "Arule, item %zu", i);
    criterion_DPrule.values(&scene.input, &all, value);
    for (size_t i = 2; i < N_ITEM; i++) expect_true(value[i] != value[1], "DPrule, item %zu", i);
    bank_free(bank);
    estimate_workspace_free(workspace);
}
