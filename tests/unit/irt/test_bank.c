/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "irt/bank.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOT_A_NUMBER ((double)NAN)
#define ENDLESS      ((double)INFINITY)

static struct item_spec good_4pl(void)
{
    return spec_logistic("q17", &model_4pl, (double[]){1.1, 0.385, 0.137, 0.937});
}

static struct item_spec good_grm(void)
{
    return spec_steps("q17", &model_grm, 1.1, (double[]){-1.1, 0.385, 2.385}, 3);
}

/* A bank of one item must be refused for this field, and its text must hold these words. */
static void expect_refused(const struct item_spec *spec, double D, const char *field,
                           const char *words)
{
    struct faults faults = {0};
    struct bank *bank = bank_new(1, D);

    cr_assert(bank);
    bank_add(bank, spec, &faults);
    expect_true(bank_seal(bank, &faults) == INVALID_BANK, "%s: not refused", words);
    expect_true(faults.n == 1 && faults.total == 1, "%s: %zu faults", words, faults.total);
    if (faults.n > 0) {
        const struct fault *fault = &faults.list[0];

        cr_expect_str_eq(fault->item, "q17");
        cr_expect_str_eq(fault->field, field, "%s: %s", words, fault->field);
        expect_true(strstr(fault->text, words) != NULL, "\"%s\" does not say %s", fault->text,
                    words);
    }
    faults_done(&faults);
    bank_free(bank);
}

Test(bank, refuses_numbers_by_item_and_field)
{
    static const struct {
        enum param_slot slot;
        double value, D;
        const char *field, *words;
    } bad[] = {
        {SLOT_A, 0.0, 1.0, "a", "must be above 0, is 0"},
        {SLOT_A, -1.1, 1.0, "a", "must be above 0, is -1.1"},
        {SLOT_A, 100.5, 1.0, "a", "at most 100, is 100.5"},
        {SLOT_A, 60.0, 1.702, "a", "at most 100, is 102.1"},
        {SLOT_A, ENDLESS, 1.0, "a", "must be finite"},
        {SLOT_A, NOT_A_NUMBER, 1.0, "a", "must be finite"},
        {SLOT_B, 100.5, 1.0, "b", "within 100 of 0, is 100.5"},
        {SLOT_B, -100.5, 1.0, "b", "within 100 of 0, is -100.5"},
        {SLOT_B, NOT_A_NUMBER, 1.0, "b", "must be finite"},
        {SLOT_B, -ENDLESS, 1.0, "b", "must be finite"},
        {SLOT_C, -0.01, 1.0, "c", "must be at least 0 and below 1, is -0.01"},
        {SLOT_C, 0.937, 1.0, "c", "must be below d"},
        {SLOT_C, 0.94, 1.0, "c", "must be below d"},
        {SLOT_C, NOT_A_NUMBER, 1.0, "c", "must be finite"},
        {SLOT_D, 1.001, 1.0, "d", "must be at least 0.001 and at most 1, is 1.000"},
        {SLOT_D, 0.137, 1.0, "c", "must be below d"},
        {SLOT_D, NOT_A_NUMBER, 1.0, "d", "must be finite"},
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct item_spec spec = good_4pl();

        spec.value[bad[i].slot] = bad[i].value;
        expect_refused(&spec, bad[i].D, bad[i].field, bad[i].words);
    }
}

Test(bank, refuses_steps_by_their_number)
{
    static const struct {
        double steps[3];
        const char *words;
    } bad[] = {
        {{-1.1, 0.385, 0.385}, "thresholds must ascend, but number 2 is 0.385"},
        {{0.385, -1.1, 2.385}, "thresholds must ascend, but number 1 is 0.385"},
        {{-1.1, 0.385, 100.5}, "number 3 must be finite and within 100 of 0, is 100.5"},
        {{-100.5, 0.385, 2.385}, "number 1 must be finite and within 100 of 0, is -100.5"},
        {{-1.1, 0.385, ENDLESS}, "number 3 must be finite"},
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct item_spec spec = spec_steps("q17", &model_grm, 1.1, bad[i].steps, 3);

        expect_refused(&spec, 1.0, "b", bad[i].words);
        spec.model = &model_gpcm;
        if (i > 1) expect_refused(&spec, 1.0, "b", bad[i].words);
    }
    for (int m = 0; m < 2; m++) {
        struct item_spec spec = good_grm();

        spec.model = m ? &model_grm : &model_gpcm;
        spec.value[SLOT_A] = -1.1;
        expect_refused(&spec, 1.0, "a", "must be above 0");
    }
}

/* The category between them would have the probability 0, and its logarithm is no number. */
Test(bank, refuses_thresholds_without_a_gap)
{
    struct item_spec spec = spec_steps("q17", &model_grm, 1e-3, (double[]){0.0, 2.5e-322, 1.5}, 3);

    expect_refused(&spec, 1.0, "b", "thresholds must ascend, but number 1 is 0 and number 2 is 2.");
    spec.steps[1] = 1e-300;
    bank_free(bank_of_specs(&spec, 1, 1.0));
}

/* What b is added to is checked as it comes out. */
Test(bank, refuses_what_b_and_steps_come_to)
{
    struct item_spec spec = spec_steps("q17", &model_mgrm, 1.1, (double[]){1.1, -0.385}, 2);

    spec.value[SLOT_B] = 0.385;
    bank_free(bank_of_specs(&spec, 1, 1.0));
    spec.steps[1] = 1.1;
    expect_refused(&spec, 1.0, "steps", "thresholds must ascend, but number 1 is");
    spec.model = &model_rsm;
    spec.value[SLOT_B] = 99.5;
    spec.steps[0] = 1.0;
    spec.steps[1] = -0.385;
    expect_refused(&spec, 1.0, "steps", "number 1 must be finite and within 100 of 0, is 100.5");
}

Test(bank, refuses_slopes_that_are_all_0_or_too_large)
{
    struct item_spec spec = {.id = slice_str("q17"),
                             .model = &model_nrm,
                             .n_step = 2,
                             .steps = {0.385, -1.1},
                             .n_slope = 2,
                             .slopes = {0.0, -2.385}};
    struct bank *bank = bank_of_specs(&spec, 1, 1.702);

    cr_expect(bank_item(bank, 0)->slopes[1] == -2.385, "D has no part in it");
    cr_expect(bank_item(bank, 0)->n_cat == 3 && bank_item(bank, 0)->steps[0] == 0.385);
    bank_free(bank);
    spec.slopes[1] = 0.0;
    expect_refused(&spec, 1.0, "a", "must not all be 0");
    spec.slopes[1] = -100.5;
    expect_refused(&spec, 1.0, "a", "number 2 must be finite and within 100 of 0, is -100.5");
    spec.slopes[1] = 2.385;
    spec.steps[0] = 100.5;
    expect_refused(&spec, 1.0, "c", "number 1 must be finite and within 100 of 0, is 100.5");
}

/* The sums stand in the item, and D multiplies their slope. */
Test(bank, prepares_rating_scales)
{
    struct item_spec specs[] = {spec_steps("q1", &model_mgrm, 1.1, (double[]){1.5, -0.25}, 2),
                                spec_steps("q2", &model_rsm, 9.0, (double[]){1.5, -0.25}, 2)};
    struct bank *bank;

    specs[0].value[SLOT_B] = specs[1].value[SLOT_B] = 0.5;
    bank = bank_of_specs(specs, 2, 2.0);
    cr_expect(bank_item(bank, 0)->steps[0] == -1.0 && bank_item(bank, 0)->steps[1] == 0.75);
    cr_expect(bank_item(bank, 0)->a == 2.2 && bank_item(bank, 0)->b == 0.0);
    cr_expect(bank_item(bank, 1)->steps[0] == 2.0 && bank_item(bank, 1)->steps[1] == 0.25);
    cr_expect(bank_item(bank, 1)->a == 2.0, "it has no slope but D");
    bank_free(bank);
}

Test(bank, takes_partial_credit_steps_in_any_order)
{
    struct item_spec spec = spec_steps("q17", &model_gpcm, 1.1, (double[]){2.385, -1.1, -1.1}, 3);
    struct bank *bank = bank_of_specs(&spec, 1, 1.0);

    cr_expect(bank_item(bank, 0)->n_cat == 4);
    bank_free(bank);
}

Test(bank, takes_parameters_at_their_limits)
{
    static const double corners[][4] = {
        {100.0, -100.0, 0.0, 1.0}, {1e-9, 100.0, 0.999, 1.0}, {100.0, 100.0, 0.0, 1e-3}};

    for (size_t i = 0; i < COUNT_OF(corners); i++) {
        struct item_spec spec = spec_logistic("q17", &model_4pl, corners[i]);

        bank_free(bank_of_specs(&spec, 1, 1.0));
    }
}

Test(bank, refuses_scoring_that_cannot_be)
{
    struct item_spec spec = good_4pl();

    spec.n_option = 3;
    spec.options[0] = slice_str("Wien");
    spec.options[1] = slice_str("Graz");
    spec.options[2] = slice_str("Linz");
    spec.key = slice_str("Rom");
    expect_refused(&spec, 1.0, "key", "none of the options");
    spec.key = slice_of(NULL, 0);
    expect_refused(&spec, 1.0, "options", "one for each category (2)");
    spec.key = slice_str("Wien");
    spec.options[2] = slice_str("Wien");
    expect_refused(&spec, 1.0, "options", "option 2 is the same as option 0");
    spec = good_grm();
    spec.key = slice_str("7");
    expect_refused(&spec, 1.0, "key", "only an item with two categories");
}

Test(bank, refuses_what_concerns_several_items)
{
    struct item_spec specs[4] = {good_4pl(), good_4pl(), good_4pl(), good_4pl()};
    static const char *const ids[4] = {"q17", "q3", "q17", "q5"};
    struct faults faults = {0};
    struct bank *bank = bank_new(4, 1.0);

    cr_assert(bank);
    specs[1].n_enemy = 2;
    specs[1].enemies[0] = slice_str("q18");
    specs[1].enemies[1] = slice_str("q5");
    specs[3].n_enemy = 1;
    specs[3].enemies[0] = slice_str("q5");
    for (size_t i = 0; i < 4; i++) {
        specs[i].id = slice_str(ids[i]);
        bank_add(bank, &specs[i], &faults);
    }
    cr_assert(faults.total == 0);
    cr_assert(bank_seal(bank, &faults) == INVALID_BANK);
    cr_assert(faults.n == 3, "%zu faults", faults.n);
    cr_expect_str_eq(faults.list[0].item, "q17");
    cr_expect_str_eq(faults.list[0].field, "id");
    cr_expect_str_eq(faults.list[0].text, "stands twice, as item 1 and item 3 of the bank");
    cr_expect_str_eq(faults.list[1].item, "q3");
    cr_expect_str_eq(faults.list[1].field, "enemies");
    cr_expect_str_eq(faults.list[1].text, "there is no item \"q18\"");
    cr_expect_str_eq(faults.list[2].item, "q5");
    cr_expect_str_eq(faults.list[2].text, "names the item itself");
    faults_done(&faults);
    bank_free(bank);
}

Test(bank, refuses_to_be_empty)
{
    struct faults faults = {0};
    struct bank *bank = bank_new(0, 1.0);

    cr_assert(bank);
    cr_expect(bank_seal(bank, &faults) == INVALID_BANK);
    cr_assert(faults.n == 1);
    cr_expect_str_eq(faults.list[0].field, "items");
    faults_done(&faults);
    bank_free(bank);
    bank_free(NULL);
}

/* Every fault of every item is told, not the first only. */
Test(bank, tells_all_that_is_wrong)
{
    struct item_spec one = good_4pl(), other = good_grm();
    struct faults faults = {0};
    struct bank *bank = bank_new(2, 1.0);

    cr_assert(bank);
    one.value[SLOT_A] = -1.0;
    one.value[SLOT_B] = 101.0;
    one.value[SLOT_D] = 1.5;
    other.id = slice_str("q18");
    other.steps[1] = -2.385;
    bank_add(bank, &one, &faults);
    bank_add(bank, &other, &faults);
    cr_expect(faults.n == 4, "%zu faults", faults.n);
    cr_expect_str_eq(faults.list[3].item, "q18");
    faults_done(&faults);
    bank_free(bank);
}

Test(bank, multiplies_slopes_by_D)
{
    struct item_spec specs[2] = {good_4pl(), good_grm()};
    struct bank *bank;

    specs[1].id = slice_str("q18");
    bank = bank_of_specs(specs, 2, 1.702);
    expect_bits(bank_item(bank, 0)->a, 1.1 * 1.702, "4PL");
    expect_bits(bank_item(bank, 1)->a, 1.1 * 1.702, "GRM");
    expect_bits(bank_item(bank, 0)->b, 0.385, "b stays");
    expect_bits(bank_item(bank, 1)->steps[2], 2.385, "steps stay");
    bank_free(bank);
}

/* A parameter that the model does not have is not looked at, whatever stands there. */
Test(bank, ignores_parameters_that_the_model_has_not)
{
    static const struct {
        const struct model *model;
        double c, d;
    } want[] = {{&model_1pl, 0.0, 1.0},
                {&model_2pl, 0.0, 1.0},
                {&model_3pl, 0.137, 1.0},
                {&model_4pl, 0.137, 0.937}};

    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct item_spec spec = good_4pl();
        struct bank *bank;

        spec.model = want[i].model;
        if (i < 2) spec.value[SLOT_C] = NOT_A_NUMBER;
        if (i < 3) spec.value[SLOT_D] = -7.0;
        bank = bank_of_specs(&spec, 1, 1.0);
        expect_bits(bank_item(bank, 0)->c, want[i].c, "%s: c", want[i].model->name);
        expect_bits(bank_item(bank, 0)->d, want[i].d, "%s: d", want[i].model->name);
        cr_expect(bank_item(bank, 0)->n_cat == 2 && !bank_item(bank, 0)->steps);
        bank_free(bank);
    }
}

static void make_numbered(size_t i, void *context, struct item_spec *spec)
{
    (void)i;
    (void)context;
    *spec = (struct item_spec){.id = spec->id, .model = &model_1pl, .value = {1.0, 0.385}};
}

Test(bank, finds_every_item_and_no_other)
{
    enum { N = 1500 };
    static const char *const absent[] = {"", "q", "q0", "q1501", "q15000", "Q1", "q01", "q1 ", "r"};
    struct bank *bank = bank_make(N, make_numbered, NULL);

    cr_expect(bank_n_item(bank) == N);
    for (size_t i = 0; i < N; i++) {
        char id[16];

        snprintf(id, sizeof(id), "q%zu", i + 1);
        cr_expect_str_eq(bank_id(bank, i), id);
        expect_true(bank_find(bank, slice_str(id)) == (long)i, "%s", id);
    }
    for (size_t j = 0; j < COUNT_OF(absent); j++)
        expect_true(bank_find(bank, slice_str(absent[j])) == -1, "\"%s\"", absent[j]);
    cr_expect(bank_find(bank, slice_of("q1\0", 3)) == -1);
    bank_free(bank);
}

/* All that the psychometrics never look at, copied: the caller's texts may go. */
Test(bank, keeps_copies_of_texts)
{
    char text[] = "q17 strand fractions set7 {content} Wien Graz";
    struct item_spec spec = good_4pl();
    struct bank *bank;

    spec.id = slice_of(text, 3);
    spec.n_tag = 2;
    spec.tags[0] = (struct tag){slice_of(text + 4, 6), slice_of(text + 11, 9)};
    spec.tags[1] = (struct tag){slice_of(text + 11, 9), slice_of(text + 4, 6)};
    spec.set = slice_of(text + 21, 4);
    spec.content = slice_of(text + 26, 9);
    spec.n_option = 2;
    spec.options[0] = slice_of(text + 36, 4);
    spec.options[1] = slice_of(text + 41, 4);
    spec.key = spec.options[1];
    bank = bank_of_specs(&spec, 1, 1.0);
    memset(text, 'x', sizeof(text));

    cr_expect_str_eq(bank_id(bank, 0), "q17");
    cr_expect(slice_equal_str(bank_tag(bank, 0, slice_str("strand")), "fractions"));
    cr_expect(slice_equal_str(bank_tag(bank, 0, slice_str("fractions")), "strand"));
    cr_expect(bank_tag(bank, 0, slice_str("stran")).n == 0);
    cr_expect(slice_equal_str(bank_set(bank, 0), "set7"));
    cr_expect(slice_equal_str(bank_content(bank, 0), "{content}"));
    cr_expect(bank_n_option(bank, 0) == 2);
    cr_expect(slice_equal_str(bank_option(bank, 0, 0), "Wien"));
    cr_expect(slice_equal_str(bank_option(bank, 0, 1), "Graz"));
    bank_free(bank);
}

Test(bank, has_empty_texts_where_there_are_none)
{
    struct item_spec spec = good_4pl();
    struct bank *bank = bank_of_specs(&spec, 1, 1.0);

    cr_expect(bank_set(bank, 0).n == 0 && bank_content(bank, 0).n == 0);
    cr_expect(bank_n_option(bank, 0) == 0 && bank_tag(bank, 0, slice_str("strand")).n == 0);
    bank_free(bank);
}

static void expect_score(const struct bank *bank, const char *raw, enum status want_status,
                         unsigned want)
{
    unsigned score = 77;
    enum status st = bank_score(bank, 0, slice_str(raw), &score);

    expect_true(st == want_status, "\"%s\": status %d", raw, st);
    expect_true(score == (st == OK ? want : 77), "\"%s\": score %u", raw, score);
}

Test(bank, scores_by_the_key)
{
    struct item_spec spec = good_4pl();
    struct bank *bank;

    spec.key = slice_str("7");
    bank = bank_of_specs(&spec, 1, 1.0);
    expect_score(bank, "7", OK, 1);
    expect_score(bank, "8", OK, 0);
    expect_score(bank, "", OK, 0);
    expect_score(bank, "7 ", OK, 0);
    bank_free(bank);
}

Test(bank, scores_by_the_key_among_options)
{
    struct item_spec spec = good_4pl();
    struct bank *bank;

    spec.n_option = 3;
    spec.options[0] = slice_str("Graz");
    spec.options[1] = slice_str("Wien");
    spec.options[2] = slice_str("Linz");
    spec.key = slice_str("Wien");
    bank = bank_of_specs(&spec, 1, 1.0);
    expect_score(bank, "Wien", OK, 1);
    expect_score(bank, "Graz", OK, 0);
    expect_score(bank, "Linz", OK, 0);
    expect_score(bank, "wien", BAD_RESPONSE, 0);
    expect_score(bank, "", BAD_RESPONSE, 0);
    bank_free(bank);
}

Test(bank, scores_by_the_position_of_the_option)
{
    struct item_spec spec = good_grm();
    struct bank *bank;

    spec.n_option = 4;
    spec.options[0] = slice_str("never");
    spec.options[1] = slice_str("seldom");
    spec.options[2] = slice_str("often");
    spec.options[3] = slice_str("always");
    bank = bank_of_specs(&spec, 1, 1.0);
    expect_score(bank, "never", OK, 0);
    expect_score(bank, "often", OK, 2);
    expect_score(bank, "always", OK, 3);
    expect_score(bank, "Always", BAD_RESPONSE, 0);
    bank_free(bank);
}

Test(bank, cannot_score_without_key_and_options)
{
    struct item_spec spec = good_4pl();
    struct bank *bank = bank_of_specs(&spec, 1, 1.0);

    expect_score(bank, "7", BAD_RESPONSE, 0);
    bank_free(bank);
}

static struct item_spec good_m2pl(void)
{
    struct item_spec spec = {
        .id = slice_str("q17"), .model = &model_m2pl, .n_dim = 2, .direction = {1.1, -0.385}};

    spec.value[SLOT_B] = -2.385;
    return spec;
}

Test(bank, refuses_bad_slopes_and_intercepts_of_several_dimensions)
{
    static const struct {
        double a1, a2, d, D;
        const char *field, *words;
    } bad[] = {
        {0.0, 0.0, 0.385, 1.0, "a", "must not all be 0"},
        {0.385, NOT_A_NUMBER, 0.385, 1.0, "a", "number 2 must be finite and within 100 of 0"},
        {-60.0, 1.1, 0.385, 1.702, "a", "number 1 must be finite and within 100 of 0, is -102.1"},
        {1.1, 1.1, 100.5, 1.0, "d", "within 100 of 0, is 100.5"},
        {1.1, 1.1, ENDLESS, 1.0, "d", "must be finite"},
        {1.1, 1.1, 80.0, 1.702, "d", "as a difficulty must be finite and within 100 of 0"},
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct item_spec spec = good_m2pl();

        spec.direction[0] = bad[i].a1;
        spec.direction[1] = bad[i].a2;
        spec.value[SLOT_B] = bad[i].d;
        expect_refused(&spec, bad[i].D, bad[i].field, bad[i].words);
    }
}

Test(bank, refuses_one_slope_as_any_other)
{
    struct item_spec spec = good_m2pl();

    spec.n_dim = 1;
    spec.direction[0] = -1.1;
    expect_refused(&spec, 1.0, "a", "must be above 0, is -1.1");
    spec.direction[0] = 0.0;
    expect_refused(&spec, 1.0, "a", "must be above 0, is 0");
    spec.direction[0] = 1e-3;
    expect_refused(&spec, 1.0, "d", "as a difficulty must be finite and within 100 of 0, is 2385");
}

Test(bank, refuses_intercepts_that_do_not_descend)
{
    struct item_spec spec = good_m2pl();

    spec.model = &model_mdgrm;
    spec.n_step = 3;
    spec.steps[0] = 1.385;
    spec.steps[1] = -0.385;
    spec.steps[2] = 0.5;
    expect_refused(&spec, 1.0, "d", "intercepts must descend, but number 3 is not below number 2");
    spec.steps[2] = -100.5;
    expect_refused(&spec, 1.0, "d", "number 3 must be finite and within 100 of 0, is -100.5");
}

Test(bank, refuses_items_of_other_dimensions)
{
    struct item_spec specs[3] = {good_m2pl(), good_m2pl(), good_4pl()};
    struct faults faults = {0};
    struct bank *bank = bank_new(3, 1.0);

    specs[1].id = slice_str("q18");
    specs[2].id = slice_str("q19");
    specs[1].n_dim = 3;
    for (size_t i = 0; i < 3; i++) bank_add(bank, &specs[i], &faults);
    cr_assert(bank_seal(bank, &faults) == INVALID_BANK);
    cr_assert(faults.n == 2);
    cr_expect_str_eq(faults.list[0].item, "q18");
    cr_expect_str_eq(faults.list[0].text, "the item has 3 dimension(s), but item \"q17\" has 2");
    cr_expect_str_eq(faults.list[1].item, "q19");
    cr_expect_str_eq(faults.list[1].field, "a");
    faults_done(&faults);
    bank_free(bank);
}

Test(bank, keeps_the_direction_times_D)
{
    struct item_spec spec = good_m2pl();
    struct bank *bank = bank_of_specs(&spec, 1, 1.702);
    const struct item *item = bank_item(bank, 0);

    cr_assert(bank_n_dim(bank) == 2 && item->n_dim == 2);
    expect_bits(item->direction[0], 1.1 * 1.702, "first slope");
    expect_bits(item->direction[1], -0.385 * 1.702, "second slope");
    expect_bits(item->b, 2.385 * 1.702, "place on the predictor");
    expect_bits(item->a, 1.0, "slope on the predictor");
    bank_free(bank);
}

static void make_some_timed(size_t i, void *context, struct item_spec *spec)
{
    const double *seconds = context;

    spec->model = &model_1pl;
    spec->value[SLOT_A] = 1.0;
    spec->seconds = seconds[i];
}

/* An item without a time counts with the mean of those that have one. */
Test(bank, knows_how_long_an_answer_takes)
{
    double some[] = {0.0, 20.0, 0.0, 50.0}, none[] = {0.0, 0.0, 0.0, 0.0};
    struct bank *timed = bank_make(4, make_some_timed, some);
    struct bank *untimed = bank_make(4, make_some_timed, none);

    for (size_t i = 0; i < 4; i++) {
        expect_bits(bank_seconds(timed, i), some[i] > 0.0 ? some[i] : 35.0, "item %zu", i);
        expect_bits(bank_seconds(untimed, i), 1.0, "item %zu, no times", i);
    }
    bank_free(untimed);
    bank_free(timed);
}
