/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/stop.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <math.h>

static bool met_at(const struct stop_rule *rule, double at, const struct stop_state *state)
{
    struct stop_node node = stop_at(rule, at);

    return rule->met(node.arg, state);
}

Test(stop, rules_are_met_at_their_threshold)
{
    struct stop_state state = {.n_answer = 17, .se = 0.385, .active_ms = 2385};

    cr_expect(met_at(&stop_length, 17, &state) && !met_at(&stop_length, 18, &state));
    cr_expect(met_at(&stop_se, 0.385, &state) && !met_at(&stop_se, 0.3849, &state));
    cr_expect(met_at(&stop_time, 2385, &state) && !met_at(&stop_time, 2386, &state));
}

Test(stop, the_change_is_that_of_the_last_answer)
{
    struct stop_state state = {.se = 0.5, .last_se = 0.75};

    cr_expect(met_at(&stop_se_change, 0.25, &state) && !met_at(&stop_se_change, 0.2499, &state));
    state.last_se = 0.25;
    cr_expect(met_at(&stop_se_change, 0.25, &state), "upwards too");
    cr_expect(!met_at(&stop_se_change, 0.2499, &state));
    state.last_se = (double)NAN;
    cr_expect(!met_at(&stop_se_change, 1e6, &state), "there was none before");
}

Test(stop, the_best_item_left_may_not_be_worth_it)
{
    struct stop_state state = {.se = 0.5, .best_variance = 0.140625, .best_info = 0.385};

    cr_expect(met_at(&stop_pser, 0.125, &state) && !met_at(&stop_pser, 0.1249, &state));
    cr_expect(met_at(&stop_min_info, 0.385, &state) && !met_at(&stop_min_info, 0.3849, &state));
}

Test(stop, every_cut_must_lie_outside_the_interval)
{
    const struct cut cuts[] = {{"basic", -0.75}, {"proficient", 1.25}};
    struct stop_state state = {.theta = 0.5, .se = 0.5, .cuts = cuts, .n_cut = 2};

    cr_expect(met_at(&stop_classify, 1.4999, &state), "the cuts are 1.25 and 0.75 away");
    cr_expect(!met_at(&stop_classify, 1.5, &state), "the upper one is at the interval's end");
    state.theta = 2.5;
    cr_expect(met_at(&stop_classify, 2.4999, &state) && !met_at(&stop_classify, 2.5, &state));
    state.n_cut = 1;
    cr_expect(met_at(&stop_classify, 6.4999, &state) && !met_at(&stop_classify, 6.5, &state));
    state.se = (double)INFINITY;
    cr_expect(!met_at(&stop_classify, 0.0, &state), "nothing is known yet");
}

static void make_rasch(size_t i, void *context, struct item_spec *spec)
{
    (void)i;
    (void)context;
    spec->model = &model_1pl;
    spec->value[SLOT_A] = 1.0;
    spec->value[SLOT_B] = 0.385;
}

/* Rasch items whose difficulty is the cut: the log of the likelihood ratio is
 * delta (right - wrong). At delta = 0.385 four more of the right ones pass log(0.9 / 0.2) = 1.504,
 * and six more of the wrong ones log(0.1 / 0.8) = -2.079. */
Test(stop, ratio_tests_count_right_and_wrong)
{
    enum { N = 30 };
    struct bank *bank = bank_make(N, make_rasch, NULL);
    const struct cut cut = {"pass", 0.385};
    uint32_t item[N];
    uint8_t score[N];
    struct evidence evidence = {.bank = bank, .item = item, .score = score};
    struct stop_state state = {.theta = 0.385, .evidence = &evidence, .cuts = &cut, .n_cut = 1};
    double arg[STOP_PARAMS] = {0.2, 0.1, 0.385};

    for (uint32_t j = 0; j < 4; j++) {
        cr_expect(!stop_sprt.met(arg, &state) && !stop_glr.met(arg, &state), "%u right", j);
        evidence_add(&evidence, j, 1, NULL);
    }
    cr_expect(stop_sprt.met(arg, &state) && stop_glr.met(arg, &state), "four right");
    evidence_clear(&evidence);
    for (uint32_t j = 0; j < 6; j++) {
        cr_expect(!stop_sprt.met(arg, &state) && !stop_glr.met(arg, &state), "%u wrong", j);
        evidence_add(&evidence, j, 0, NULL);
    }
    cr_expect(stop_sprt.met(arg, &state) && stop_glr.met(arg, &state), "six wrong");
    evidence_clear(&evidence);
    for (uint32_t j = 0; j < 3; j++) evidence_add(&evidence, j, 1, NULL);
    state.theta = 2.385;
    cr_expect(!stop_sprt.met(arg, &state), "theta has no part in it");
    cr_expect(stop_glr.met(arg, &state), "theta is above the indifference region");
    evidence_clear(&evidence);
    for (uint32_t j = 0; j < 3; j++) evidence_add(&evidence, j, 0, NULL);
    state.theta = -2.385;
    cr_expect(!stop_sprt.met(arg, &state), "nor below");
    cr_expect(stop_glr.met(arg, &state), "theta is below the indifference region");
    bank_free(bank);
}

Test(stop, defaults_are_the_documented_ones)
{
    static const struct stop_rule *const ratio[] = {&stop_sprt, &stop_glr};

    expect_close(stop_classify.params[0].preset, 1.959963984540054, 1e-15, "z");
    for (int i = 0; i < 2; i++) {
        const struct stop_param *params = ratio[i]->params;

        cr_expect_str_eq(params[0].name, "alpha");
        cr_expect_str_eq(params[1].name, "beta");
        cr_expect_str_eq(params[2].name, "delta");
        expect_bits(params[0].preset, 0.05, "alpha");
        expect_bits(params[1].preset, 0.05, "beta");
        expect_bits(params[2].preset, 0.2, "delta");
        cr_expect(!params[3].name && ratio[i]->needs == STOP_NEEDS_CUTS);
    }
    cr_expect(isnan(stop_se.params[0].preset) && isnan(stop_length.params[0].preset));
    cr_expect(stop_length.is_cap && !stop_time.is_cap && !stop_se.is_cap);
}

/* any(all(se, length), time) */
static const struct stop_tree tree = {
    .node = {{.join = STOP_ANY, .n_node = 5},
             {.join = STOP_ALL, .n_node = 3},
             {.join = STOP_RULE, .rule = &stop_se, .arg = {0.4}, .n_node = 1},
             {.join = STOP_RULE, .rule = &stop_length, .arg = {10}, .n_node = 1},
             {.join = STOP_RULE, .rule = &stop_time, .arg = {60000}, .n_node = 1}},
    .n_node = 5,
};

static const char *met(unsigned n_answer, double se, int64_t active_ms)
{
    struct stop_state state = {.n_answer = n_answer, .se = se, .active_ms = active_ms};

    return stop_tree_met(&tree, &state);
}

Test(stop, trees_join_by_any_and_all)
{
    cr_expect(met(9, 0.3, 1) == NULL);
    cr_expect(met(10, 0.5, 1) == NULL);
    cr_expect(met(10, 0.3, 1) == stop_length.name, "of an `all` it is the last");
    cr_expect(met(3, 0.9, 60000) == stop_time.name);
    cr_expect(met(10, 0.3, 60000) == stop_length.name, "of an `any` it is the first");
}

/* A `not` turns a rule, or a list, and says its own name. */
Test(stop, trees_turn_round_by_not)
{
    struct stop_tree not_long = {
        .node = {{.join = STOP_NOT, .n_node = 2},
                 {.join = STOP_RULE, .rule = &stop_length, .arg = {10}, .n_node = 1}},
        .n_node = 2,
    };
    /* all(length, not(any(se, time))) */
    struct stop_tree both = {
        .node = {{.join = STOP_ALL, .n_node = 6},
                 {.join = STOP_RULE, .rule = &stop_length, .arg = {10}, .n_node = 1},
                 {.join = STOP_NOT, .n_node = 4},
                 {.join = STOP_ANY, .n_node = 3},
                 {.join = STOP_RULE, .rule = &stop_se, .arg = {0.4}, .n_node = 1},
                 {.join = STOP_RULE, .rule = &stop_time, .arg = {60000}, .n_node = 1}},
        .n_node = 6,
    };
    struct stop_state state = {.n_answer = 9, .se = 0.5, .active_ms = 1};

    cr_expect_str_eq(stop_tree_met(&not_long, &state), "not");
    cr_expect(!stop_tree_met(&both, &state));
    state.n_answer = 10;
    cr_expect(!stop_tree_met(&not_long, &state));
    cr_expect_str_eq(stop_tree_met(&both, &state), "not");
    state.se = 0.3;
    cr_expect(!stop_tree_met(&both, &state));
    state.se = 0.5;
    state.active_ms = 60000;
    cr_expect(!stop_tree_met(&both, &state));
}

Test(stop, a_length_inside_a_not_is_no_cap)
{
    struct stop_tree turned = {
        .node = {{.join = STOP_ANY, .n_node = 3},
                 {.join = STOP_NOT, .n_node = 2},
                 {.join = STOP_RULE, .rule = &stop_length, .arg = {7}, .n_node = 1}},
        .n_node = 3,
    };

    cr_expect(stop_tree_cap(&turned, 77) == 77);
}

Test(stop, tells_what_its_rules_need)
{
    struct test test = {0};

    stop_any(&test, (struct stop_node[]){stop_at(&stop_se, 0.3), stop_at(&stop_length, 9)}, 2);
    cr_expect(stop_tree_needs(&test.stop) == 0);
    stop_any(&test, (struct stop_node[]){stop_at(&stop_pser, 0.1), stop_at(&stop_glr, 0.1)}, 2);
    cr_expect(stop_tree_needs(&test.stop) == (STOP_NEEDS_VARIANCE | STOP_NEEDS_CUTS));
    stop_any(&test, (struct stop_node[]){stop_at(&stop_min_info, 0.1)}, 1);
    cr_expect(stop_tree_needs(&test.stop) == STOP_NEEDS_INFO);
}

Test(stop, an_empty_tree_never_stops)
{
    struct stop_state state = {.n_answer = 999, .se = 0.0, .active_ms = INT64_MAX};
    struct stop_tree empty = {0}, hollow = {.node = {{.join = STOP_ALL, .n_node = 1}}, .n_node = 1};

    cr_expect(!stop_tree_met(&empty, &state));
    cr_expect(!stop_tree_met(&hollow, &state));
}

Test(stop, only_a_length_directly_in_the_outermost_any_is_a_cap)
{
    struct test test = {0};

    cr_expect(stop_tree_cap(&tree, 77) == 77, "inside an `all` it is none");
    cr_expect(stop_tree_cap(&test.stop, 77) == 77);
    stop_any(&test,
             (struct stop_node[]){stop_at(&stop_se, 0.3), stop_at(&stop_length, 30),
                                  stop_at(&stop_length, 20), stop_at(&stop_time, 5)},
             4);
    cr_expect(stop_tree_cap(&test.stop, 77) == 20);
    cr_expect(stop_tree_cap(&test.stop, 19) == 19);
    test.stop.node[0].join = STOP_ALL;
    cr_expect(stop_tree_cap(&test.stop, 77) == 77);
}
