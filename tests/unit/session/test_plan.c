/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/plan.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { N_ITEM = 12 };

static void make(size_t i, void *context, struct item_spec *spec)
{
    (void)context;
    spec->model = &model_1pl;
    spec->value[SLOT_A] = 1.0;
    spec->n_tag = 1;
    spec->tags[0] = (struct tag){slice_str("strand"), slice_str(i % 2 ? "odd" : "even")};
}

Test(plan, defaults_are_the_documented_ones)
{
    struct test test;
    struct stop_state state = {.n_answer = 30, .se = 9.0};

    test_init(&test);
    cr_expect(!test.reveal && test.start_theta == 0.0 && test.n_start == 0);
    cr_expect(test.interim.estimator == &estimator_eap && test.final.estimator == &estimator_eap);
    cr_expect(!test.first_pick.criterion, "the first item is picked as the others");
    cr_expect(!test.pick.criterion && test.pick.n_best == 1);
    cr_expect(test.n_target == 0 && !test.omit_ignored && test.min_items == 0);
    cr_expect(stop_tree_met(&test.stop, &state) == stop_length.name);
    state.n_answer = 29;
    cr_expect(!stop_tree_met(&test.stop, &state));
    cr_expect(!test.has_scale && test.n_cut == 0);
}

/* A standard error to aim at cannot be guessed. */
Test(plan, needs_the_standard_error_that_a_pace_goes_by)
{
    struct bank *bank = bank_make(N_ITEM, make, NULL);
    struct faults faults = {0};
    struct plan *plan = NULL;
    struct test test;

    test_init(&test);
    test.pace.by = PACE_SE;
    cr_expect(plan_new(&test, bank, &plan, &faults) == INVALID_TEST);
    cr_assert(faults.total == 1 && !plan);
    cr_expect_str_eq(faults.list[0].field, "select.pace.at");
    faults_done(&faults);
    bank_free(bank);
}

Test(plan, fills_in_what_the_test_leaves_to_it)
{
    struct bank *bank = bank_make(N_ITEM, make, NULL);
    struct faults faults = {0};
    struct plan *plan = NULL;
    struct test test;

    test_init(&test);
    test.pick = (struct pick_rule){&criterion_mepv, 3};
    cr_assert(plan_new(&test, bank, &plan, &faults) == OK);
    cr_expect(plan->test.first_pick.criterion == &criterion_mepv);
    cr_expect(plan->test.first_pick.n_best == 3);
    expect_bits(plan->test.pace.at, N_ITEM, "the pace is by the test's length");
    cr_expect(plan->test.pace.by == PACE_LENGTH && plan->test.pace.max_items == N_ITEM);
    plan_free(plan);
    test.first_pick.criterion = &criterion_random;
    test.pace = (struct pace){.by = PACE_SE, .at = 0.385, .acceleration = 2.385};
    cr_assert(plan_new(&test, bank, &plan, &faults) == OK);
    cr_expect(plan->test.first_pick.criterion == &criterion_random);
    cr_expect(plan->test.first_pick.n_best == 3, "randomesque is the test's");
    expect_bits(plan->test.pace.at, 0.385, "the standard error aimed at");
    plan_free(plan);
    bank_free(bank);
}

static unsigned max_items_of(const struct test *test, const struct bank *bank)
{
    struct faults faults = {0};
    struct plan *plan = NULL;
    unsigned max;

    cr_assert(plan_new(test, bank, &plan, &faults) == OK && faults.total == 0);
    max = plan->max_items;
    plan_free(plan);
    return max;
}

Test(plan, asks_no_more_than_caps_and_bank_allow)
{
    struct bank *bank = bank_make(N_ITEM, make, NULL);
    struct test test;

    test_init(&test);
    cr_expect(max_items_of(&test, bank) == N_ITEM);
    stop_any(&test, (struct stop_node[]){stop_at(&stop_length, 7)}, 1);
    cr_expect(max_items_of(&test, bank) == 7);
    test.min_items = 9;
    cr_expect(max_items_of(&test, bank) == 7, "the cap is stronger than the minimum");
    test.stop = (struct stop_tree){0};
    cr_expect(max_items_of(&test, bank) == N_ITEM);
    bank_free(bank);
}

Test(plan, is_capped_without_a_rule_too)
{
    struct bank *bank = bank_make(LIMIT_ANSWERS + 7, make, NULL);
    struct test test;

    test_init(&test);
    test.stop = (struct stop_tree){0};
    cr_expect(max_items_of(&test, bank) == LIMIT_ANSWERS);
    bank_free(bank);
}

Test(plan, finds_its_start_items)
{
    struct bank *bank = bank_make(N_ITEM, make, NULL);
    struct faults faults = {0};
    struct plan *plan = NULL;
    struct test test;

    test_init(&test);
    test.n_start = 2;
    strcpy(test.start_items[0], "q7");
    strcpy(test.start_items[1], "q3");
    cr_assert(plan_new(&test, bank, &plan, &faults) == OK);
    cr_expect(plan->start_items[0] == 6 && plan->start_items[1] == 2);
    cr_expect(plan->bank == bank && !plan->proportions);
    plan_free(plan);
    plan_free(NULL);
    bank_free(bank);
}

/* q1 and q2 are enemies; q1, q2, q3 are of set P, q4, q5, q6 of set R. */
static void make_company(size_t i, void *context, struct item_spec *spec)
{
    make(i, context, spec);
    if (i == 0) spec->enemies[spec->n_enemy++] = slice_str("q2");
    if (i < 6) spec->set = slice_str(i < 3 ? "P" : "R");
}

static void check_start(const struct bank *bank, const char *const *ids, const char *text)
{
    struct faults faults = {0};
    struct plan *plan = NULL;
    struct test test;

    test_init(&test);
    test.sets_together = true;
    for (; ids[test.n_start]; test.n_start++) {
        strcpy(test.start_items[test.n_start], ids[test.n_start]);
    }
    cr_expect(plan_new(&test, bank, &plan, &faults) == (text ? INVALID_TEST : OK), "%s", text);
    cr_expect(faults.total == (text != NULL));
    for (size_t i = 0; i < faults.n; i++) {
        cr_expect_str_eq(faults.list[i].field, "start.items");
        cr_expect_str_eq(faults.list[i].text, text);
    }
    plan_free(plan);
    faults_done(&faults);
}

Test(plan, refuses_start_items_that_break_the_blueprint)
{
    struct bank *bank = bank_make(N_ITEM, make_company, NULL);

    check_start(bank, (const char *[]){"q7", "q1", "q3", "q4", "q6", NULL}, NULL);
    check_start(bank, (const char *[]){"q4", "q7", "q8", "q2", NULL}, NULL);
    check_start(bank, (const char *[]){"q2", "q1", NULL}, "\"q2\" and \"q1\" are enemies");
    check_start(bank, (const char *[]){"q1", "q7", "q3", NULL},
                "\"q3\" is of the set of \"q1\" but does not follow it");
    check_start(bank, (const char *[]){"q4", "q5", "q1", "q6", NULL},
                "\"q6\" is of the set of \"q4\" but does not follow it");
    bank_free(bank);
}

Test(plan, tells_every_fault_by_its_field)
{
    struct bank *bank = bank_make(N_ITEM, make, NULL);
    struct faults faults = {0};
    struct plan *plan = (void *)bank;  // any address: it must stay
    struct test test;

    test_init(&test);
    test.n_start = 3;
    strcpy(test.start_items[0], "q7");
    strcpy(test.start_items[1], "q77");
    strcpy(test.start_items[2], "Q3");
    strcpy(test.content_tag, "strand");
    test.n_target = 3;
    test.targets[0] = (struct target){"even", 0.3};
    test.targets[1] = (struct target){"prime", 0.3};
    test.targets[2] = (struct target){"odd", 0.4};
    cr_expect(plan_new(&test, bank, &plan, &faults) == INVALID_TEST);
    cr_expect(plan == (void *)bank);
    cr_assert(faults.n == 3, "%zu faults", faults.n);
    cr_expect_str_eq(faults.list[0].field, "blueprint.proportions.targets.1.value");
    cr_expect_str_eq(faults.list[0].text, "no item of the bank has strand \"prime\"");
    cr_expect_str_eq(faults.list[1].field, "start.items");
    cr_expect_str_eq(faults.list[1].text, "the bank has no item \"q77\"");
    cr_expect_str_eq(faults.list[2].text, "the bank has no item \"Q3\"");
    cr_expect_str_eq(faults.list[0].item, "");
    faults_done(&faults);
    bank_free(bank);
}

Test(plan, scales_inside_its_bounds)
{
    struct test test = {.has_scale = true,
                        .scale_slope = 10.5,
                        .scale_intercept = 200.0,
                        .scale_min = 170.0,
                        .scale_max = 230.0};

    expect_close(test_scale(&test, 0.385), 204.0425, 1e-15, "inside");
    expect_bits(test_scale(&test, -4.0), 170.0, "below");
    expect_bits(test_scale(&test, 4.0), 230.0, "above");
    test.scale_slope = -10.5;
    expect_close(test_scale(&test, 0.385), 195.9575, 1e-15, "downwards");
    expect_bits(test_scale(&test, 4.0), 170.0, "downwards, below");
}

Test(plan, classifies_by_the_highest_cut_at_or_below)
{
    struct test test = {.n_cut = 3,
                        .cuts = {{"basic", -0.8}, {"proficient", 0.385}, {"advanced", 2.385}}};

    cr_expect(test_classify(&test, -0.81) == NULL);
    cr_expect_str_eq(test_classify(&test, -0.8), "basic");
    cr_expect_str_eq(test_classify(&test, 0.38499), "basic");
    cr_expect_str_eq(test_classify(&test, 0.385), "proficient");
    cr_expect_str_eq(test_classify(&test, 9.0), "advanced");
    test.n_cut = 0;
    cr_expect(test_classify(&test, 9.0) == NULL);
}
