/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every rule for constant patterns. */
#include "estimate/constant.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_ITEM = 20, N_GIVEN = 6 };

/* Some answers to items of a bank. */
struct sheet {
    struct bank *bank;
    struct estimate_workspace *workspace;
    struct evidence evidence;
    uint32_t item[N_GIVEN];
    uint8_t score[N_GIVEN];
};

static void sheet_open(struct sheet *sheet)
{
    struct dice dice = dice_new("constant", 611);

    *sheet =
        (struct sheet){.bank = bank_random(&dice, N_ITEM), .workspace = estimate_workspace_new()};
    cr_assert(sheet->workspace);
    sheet->evidence =
        (struct evidence){.bank = sheet->bank, .item = sheet->item, .score = sheet->score};
}

static void sheet_close(struct sheet *sheet)
{
    estimate_workspace_free(sheet->workspace);
    bank_free(sheet->bank);
}

/* n answers that are all the highest, or all the lowest. */
static void fill(struct sheet *sheet, size_t n, bool up)
{
    evidence_clear(&sheet->evidence);
    for (uint32_t j = 0; j < n; j++) {
        evidence_add(&sheet->evidence, 3 * j, up ? bank_item(sheet->bank, 3 * j)->n_cat - 1 : 0,
                     NULL);
    }
}

static struct estimate next(struct sheet *sheet, const struct estimate_spec *spec, double theta)
{
    struct estimate out;

    memset(&out, 0xff, sizeof(out));  // what is not filled in shows
    estimate_next(spec, &sheet->evidence, theta, sheet->workspace, &out);
    return out;
}

static void expect_same(const struct estimate *got, const struct estimate *want, const char *rule)
{
    expect_bits(got->theta, want->theta, "%s: theta", rule);
    expect_bits(got->se, want->se, "%s: SE", rule);
    expect_true(got->boundary == want->boundary, "%s: boundary", rule);
}

static void check_constant(struct sheet *sheet, const struct estimate_spec *spec, bool up)
{
    const struct constant_rule *rule = spec->constant;
    double theta = up ? 0.385 : -0.385;
    struct estimate got = next(sheet, spec, theta);

    if (rule->estimator) {
        struct estimate want;

        rule->estimator->solve(spec, &sheet->evidence, sheet->workspace, &want);
        expect_same(&got, &want, rule->name);
        return;
    }
    expect_true(isfinite(got.theta) && (up ? got.theta > theta : got.theta < theta),
                "%s steps from %g to %g", rule->name, theta, got.theta);
    expect_true(isinf(got.se) && got.se > 0.0, "%s: SE %g", rule->name, got.se);
    expect_true(got.boundary == BOUNDARY_NONE && got.iterations == 0, "%s", rule->name);
}

Test(constant, rules_count_while_all_answers_are_alike)
{
    struct sheet sheet;

    sheet_open(&sheet);
    for (size_t r = 0; constant_rules[r]; r++) {
        struct estimate_spec spec = estimate_spec_default();

        spec.estimator = &estimator_ml;
        spec.constant = constant_rules[r];
        for (size_t n = 1; n <= N_GIVEN; n++) {
            for (int up = 0; up < 2; up++) {
                fill(&sheet, n, up);
                check_constant(&sheet, &spec, up);
            }
        }
    }
    sheet_close(&sheet);
}

/* All answers alike but the one of number `other`, or none at all. */
static void fill_mixed(struct sheet *sheet, size_t other, bool up)
{
    unsigned top;

    fill(sheet, other < N_GIVEN ? N_GIVEN : 0, up);
    if (other == N_GIVEN) return;
    top = bank_item(sheet->bank, sheet->item[other])->n_cat - 1;
    sheet->score[other] = (uint8_t)(up ? 0 : top);
}

static void check_mixed(struct sheet *sheet, const struct estimate_spec *spec, bool up)
{
    for (size_t other = 0; other <= N_GIVEN; other++) {
        struct estimate got, want;

        fill_mixed(sheet, other, up);
        got = next(sheet, spec, 0.385);
        spec->estimator->solve(spec, &sheet->evidence, sheet->workspace, &want);
        expect_same(&got, &want, spec->constant->name);
    }
}

/* One answer that differs, or none at all, and the spec's own estimator has the word again. */
Test(constant, rules_do_not_count_otherwise)
{
    struct sheet sheet;

    sheet_open(&sheet);
    for (size_t r = 0; constant_rules[r]; r++) {
        for (size_t e = 0; estimators[e]; e++) {
            struct estimate_spec spec = estimate_spec_default();

            spec.estimator = estimators[e];
            spec.constant = constant_rules[r];
            check_mixed(&sheet, &spec, false);
            check_mixed(&sheet, &spec, true);
        }
    }
    sheet_close(&sheet);
}

static void make_four(size_t i, void *context, struct item_spec *spec)
{
    static const double b[] = {0.385, -1.5, 2.5, 0.1};

    (void)context;
    spec->model = i == 3 ? &model_gpcm : &model_2pl;
    spec->value[SLOT_A] = 1.1;
    spec->value[SLOT_B] = b[i];
    spec->n_step = 2;
    spec->steps[0] = 3.5;
    spec->steps[1] = -2.5;
}

/* catR 3.17: the last theta +- 0.4 or 0.7, or halfway to the bank's smallest or largest
 * difficulty. */
Test(constant, steps_have_their_widths)
{
    static const struct {
        const char *name;
        double down, up;
    } want[] = {{"fixed4", -0.15, 0.65}, {"fixed7", -0.45, 0.95}, {"var", -1.125, 1.875}};
    struct bank *bank = bank_make(4, make_four, NULL);

    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const struct constant_rule *rule = constant_rule_find(slice_str(want[i].name));

        cr_assert(rule && rule->step);
        expect_close(rule->step(bank, 0.25, false), want[i].down, 1e-15, "%s down", rule->name);
        expect_close(rule->step(bank, 0.25, true), want[i].up, 1e-15, "%s up", rule->name);
    }
    bank_free(bank);
}

/* However long it goes on, theta stays where a document may have it. */
Test(constant, steps_stay_within_the_limits)
{
    struct sheet sheet;

    sheet_open(&sheet);
    for (size_t r = 0; constant_rules[r]; r++) {
        for (int up = 0; up < 2 && constant_rules[r]->step; up++) {
            double theta = 0.385;

            for (int n = 0; n < 1000; n++) theta = constant_rules[r]->step(sheet.bank, theta, up);
            expect_true(fabs(theta) <= LIMIT_THETA, "%s: %g", constant_rules[r]->name, theta);
        }
    }
    sheet_close(&sheet);
}

Test(constant, are_found_by_their_names)
{
    for (size_t r = 0; constant_rules[r]; r++) {
        cr_expect(constant_rule_find(slice_str(constant_rules[r]->name)) == constant_rules[r]);
        cr_expect(!constant_rules[r]->estimator != !constant_rules[r]->step, "one of the two");
    }
    cr_expect(!constant_rule_find(slice_str("")) && !constant_rule_find(slice_str("none")));
}
