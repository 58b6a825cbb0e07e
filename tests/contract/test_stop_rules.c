/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every stop rule and every tree of them. */
#include "session/stop.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static size_t n_rule(void)
{
    size_t n = 0;

    while (stop_rules[n]) n++;
    return n;
}

Test(stop_rules, are_found_by_their_names)
{
    for (size_t r = 0; stop_rules[r]; r++) {
        cr_expect(stop_rule_find(slice_str(stop_rules[r]->name)) == stop_rules[r]);
        cr_expect(stop_rules[r]->min < stop_rules[r]->max && stop_rules[r]->param);
    }
    cr_expect(!stop_rule_find(slice_str("")) && !stop_rule_find(slice_str("LENGTH")));
}

/* A rule whose state has come stays met while the test goes on: more answers, more time, less
 * SE. */
Test(stop_rules, stay_met_as_the_test_goes_on)
{
    struct dice dice = dice_new("stop", 547);

    for (size_t r = 0; stop_rules[r]; r++) {
        for (int trial = 0; trial < 5000; trial++) {
            struct stop_state early = {.n_answer = (unsigned)dice_below(&dice, 60),
                                       .se = dice_between(&dice, 0.1, 2.0),
                                       .active_ms = (int64_t)dice_below(&dice, 100000)};
            struct stop_state late = {.n_answer = early.n_answer + (unsigned)dice_below(&dice, 9),
                                      .se = early.se * dice_between(&dice, 0.5, 1.0),
                                      .active_ms =
                                          early.active_ms + (int64_t)dice_below(&dice, 9000)};
            double at = stop_rules[r]->is_integer ? (double)(1 + dice_below(&dice, 60))
                                                  : dice_between(&dice, 0.1, 2.0);
            bool was_met = stop_rules[r]->met(at, &early);

            cr_assert(!was_met || stop_rules[r]->met(at, &late), "%s at %g", stop_rules[r]->name,
                      at);
        }
    }
}

Test(stop_rules, do_not_hold_where_nothing_is_known)
{
    struct stop_state state = {.n_answer = 0, .se = (double)INFINITY, .active_ms = 0};

    for (size_t r = 0; stop_rules[r]; r++)
        cr_expect(!stop_rules[r]->met(stop_rules[r]->max, &state), "%s", stop_rules[r]->name);
    state.se = (double)NAN;
    cr_expect(!stop_se.met(stop_se.max, &state));
}

/* A random subtree with at most `room` nodes, at most `depth` deep; returns its nodes. */
static size_t grow(struct dice *dice, struct stop_node *node, size_t room, int depth)
{
    size_t n = 1, wanted = dice_below(dice, 4);

    if (room == 1 || depth == 0 || dice_chance(dice, 0.5)) {
        const struct stop_rule *rule = stop_rules[dice_below(dice, n_rule())];
        double at = dice_between(dice, 0.3, 1.2);

        if (rule == &stop_length) at = (double)(1 + dice_below(dice, 20));
        if (rule == &stop_time) at = (double)(1 + dice_below(dice, 60000));
        *node = stop_at(rule, at);
        return 1;
    }
    for (size_t j = 0; j < wanted && n < room; j++) n += grow(dice, node + n, room - n, depth - 1);
    *node = (struct stop_node){.join = dice_chance(dice, 0.5) ? STOP_ANY : STOP_ALL, .n_node = n};
    return n;
}

/* The tree by its definition, from its children: the first that is met, or the last of all. */
static const struct stop_rule *met_slowly(const struct stop_node *node,
                                          const struct stop_state *state)
{
    const struct stop_rule *first = NULL, *last = NULL;
    size_t n_child = 0, n_met = 0;

    if (node->join == STOP_RULE) return node->rule->met(node->at, state) ? node->rule : NULL;
    for (const struct stop_node *child = node + 1; child < node + node->n_node;
         child += child->n_node) {
        const struct stop_rule *met = met_slowly(child, state);

        n_child++;
        if (!met) continue;
        n_met++;
        first = first ? first : met;
        last = met;
    }
    if (node->join == STOP_ANY) return first;
    return n_met == n_child ? last : NULL;
}

Test(stop_rules, trees_are_their_definition)
{
    struct dice dice = dice_new("trees", 557);
    size_t n_met = 0;

    for (int trial = 0; trial < 20000; trial++) {
        struct stop_tree tree = {0};
        struct stop_state state = {.n_answer = (unsigned)dice_below(&dice, 24),
                                   .se = dice_between(&dice, 0.2, 1.3),
                                   .active_ms = (int64_t)dice_below(&dice, 70000)};
        const struct stop_rule *want;

        if (dice_chance(&dice, 0.95)) {
            tree.n_node = grow(&dice, tree.node, LIMIT_STOP_NODES, 4);
        }
        want = tree.n_node > 0 ? met_slowly(tree.node, &state) : NULL;
        cr_assert(stop_tree_met(&tree, &state) == want, "trial %d", trial);
        n_met += want != NULL;
    }
    cr_expect(n_met > 2000 && n_met < 18000, "%zu met", n_met);
}

/* The least length that stands directly in the outermost `any`. */
static unsigned cap_slowly(const struct stop_tree *tree)
{
    double cap = LIMIT_ANSWERS;

    if (tree->n_node == 0 || tree->node->join != STOP_ANY) return LIMIT_ANSWERS;
    for (size_t i = 1; i < tree->n_node; i += tree->node[i].n_node) {
        if (tree->node[i].rule == &stop_length) cap = fmin(cap, tree->node[i].at);
    }
    return (unsigned)cap;
}

/* Why a test with these answers ends, NULL where it goes on. */
static const char *reason_slowly(const struct test *test, const struct stop_state *state)
{
    const struct stop_rule *rule = NULL;

    if (state->n_answer >= cap_slowly(&test->stop)) return "length";
    if (state->n_answer < test->min_items) return NULL;
    if (test->stop.n_node > 0) rule = met_slowly(test->stop.node, state);
    return rule ? rule->name : NULL;
}

/* A whole session with random answers; `pool` is the only other reason to end. */
static void check_session(const struct test *test, const struct bank *bank, struct dice *dice)
{
    unsigned cap = cap_slowly(&test->stop), n_item = (unsigned)bank_n_item(bank);
    struct stop_state state = {0};
    struct sitting sitting;
    struct session_view view;

    sitting_open(&sitting, test, bank);
    cr_assert(sitting_start(&sitting, dice_bits(dice)) == OK);
    view = sitting_view(&sitting);
    cr_assert(view.max_items == (cap < n_item ? cap : n_item));
    while (view.state == SESSION_ASKING) {
        int64_t spent_ms = (int64_t)dice_below(dice, 9000);
        unsigned n_cat = bank_item(bank, view.item)->n_cat;
        const char *want;

        cr_assert(view.asked <= view.max_items, "question %u of %u", view.asked, view.max_items);
        sitting.now_ms += spent_ms;
        cr_assert(sitting_answer(&sitting, (unsigned)dice_below(dice, n_cat)) == OK);
        view = sitting_view(&sitting);
        state.n_answer++;
        state.se = view.se;
        state.active_ms += spent_ms;
        want = reason_slowly(test, &state);
        if (!want && state.n_answer == n_item) want = "pool";
        cr_assert((want == NULL) == (view.stop == NULL), "after %u answers: %s, not %s",
                  state.n_answer, view.stop ? view.stop : "on", want ? want : "on");
        cr_assert(!want || strcmp(want, view.stop) == 0, "%s, not %s", view.stop, want);
    }
    cr_assert(view.state == SESSION_FINISHED &&
              session_n_answer(sitting.session) <= view.max_items);
    sitting_close(&sitting);
}

Test(stop_rules, every_tree_ends_a_session_in_time)
{
    struct dice dice = dice_new("sessions", 563);
    struct bank *bank = bank_random(&dice, 25);

    for (int trial = 0; trial < 600; trial++) {
        struct test test;

        test_init(&test);
        test.stop = (struct stop_tree){0};
        test.min_items = (unsigned)dice_below(&dice, 12);
        if (dice_chance(&dice, 0.95)) {
            test.stop.n_node = grow(&dice, test.stop.node, LIMIT_STOP_NODES, 4);
        }
        check_session(&test, bank, &dice);
    }
    bank_free(bank);
}
