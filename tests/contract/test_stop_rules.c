/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every stop rule and every tree of them. */
#include "select/criterion.h"
#include "session/stop.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_ITEM = 25 };

static struct bank *bank_one(void)
{
    struct dice dice = dice_new("bank", 541);

    return bank_random(&dice, N_ITEM);
}

static size_t n_rule(void)
{
    size_t n = 0;

    while (stop_rules[n]) n++;
    return n;
}

Test(stop_rules, are_found_by_their_names)
{
    for (size_t r = 0; stop_rules[r]; r++) {
        const struct stop_param *params = stop_rules[r]->params;

        cr_expect(stop_rule_find(slice_str(stop_rules[r]->name)) == stop_rules[r]);
        cr_expect(params[0].name, "%s has no parameter", stop_rules[r]->name);
        for (size_t i = 0; params[i].name; i++) {
            bool is_between =
                params[i].preset >= params[i].min && params[i].preset <= params[i].max;

            cr_expect(params[i].min < params[i].max, "%s", stop_rules[r]->name);
            cr_expect(isnan(params[i].preset) || is_between, "%s", stop_rules[r]->name);
        }
    }
    cr_expect(!stop_rule_find(slice_str("")) && !stop_rule_find(slice_str("LENGTH")));
}

static const struct cut cuts[] = {{"basic", -0.385}, {"proficient", 0.937}};

/* A threshold that both outcomes come about with. */
static double at_draw(struct dice *dice, const struct stop_rule *rule)
{
    if (rule == &stop_length) return (double)(1 + dice_below(dice, 60));
    if (rule == &stop_time) return (double)(1 + dice_below(dice, 100000));
    if (rule == &stop_sprt || rule == &stop_glr) return dice_between(dice, 0.001, 0.3);
    if (rule == &stop_se_change || rule == &stop_pser) return dice_between(dice, 0.0, 0.2);
    return dice_between(dice, 0.1, 2.0);
}

/* A rule whose state has come stays met while the test goes on: more answers, more time, less SE,
 * less information left. The change of the SE and the likelihood's ratio may go either way. */
Test(stop_rules, stay_met_as_the_test_goes_on)
{
    static const struct stop_rule *const lasting[] = {&stop_length, &stop_se, &stop_time,
                                                      &stop_min_info, &stop_classify};
    struct dice dice = dice_new("stop", 547);

    for (size_t r = 0; r < COUNT_OF(lasting); r++) {
        size_t n_met = 0;

        for (int trial = 0; trial < 5000; trial++) {
            struct stop_state early = {.n_answer = (unsigned)dice_below(&dice, 60),
                                       .theta = dice_between(&dice, -3.0, 3.0),
                                       .se = dice_between(&dice, 0.1, 2.0),
                                       .best_info = dice_between(&dice, 0.1, 2.0),
                                       .cuts = cuts,
                                       .n_cut = 1 + dice_below(&dice, 2),
                                       .active_ms = (int64_t)dice_below(&dice, 100000)};
            struct stop_state late = early;
            struct stop_node node = stop_at(lasting[r], at_draw(&dice, lasting[r]));

            late.n_answer += (unsigned)dice_below(&dice, 9);
            late.se *= dice_between(&dice, 0.5, 1.0);
            late.best_info *= dice_between(&dice, 0.5, 1.0);
            late.active_ms += (int64_t)dice_below(&dice, 9000);
            if (!lasting[r]->met(node.arg, &early)) continue;
            n_met++;
            cr_assert(lasting[r]->met(node.arg, &late), "%s at %g", lasting[r]->name, node.arg[0]);
        }
        cr_expect(n_met > 200 && n_met < 4800, "%s: %zu met", lasting[r]->name, n_met);
    }
}

Test(stop_rules, do_not_hold_where_nothing_is_known)
{
    struct bank *bank = bank_one();
    struct evidence evidence = {.bank = bank};
    struct stop_state state = {.n_answer = 0,
                               .se = (double)INFINITY,
                               .last_se = (double)NAN,
                               .active_ms = 0,
                               .evidence = &evidence,
                               .cuts = cuts,
                               .n_cut = 2,
                               .best_info = (double)INFINITY,
                               .best_variance = 0.385};

    for (size_t r = 0; stop_rules[r]; r++) {
        const struct stop_rule *rule = stop_rules[r];
        bool is_ratio = rule == &stop_sprt || rule == &stop_glr;  // the most is no test at all
        struct stop_node node = stop_at(rule, is_ratio ? 0.05 : rule->params[0].max);

        cr_expect(!rule->met(node.arg, &state), "%s", rule->name);
    }
    state.se = (double)NAN;
    cr_expect(!stop_se.met(&stop_se.params[0].max, &state));
    cr_expect(!stop_pser.met(&stop_pser.params[0].max, &state));
    bank_free(bank);
}

/* A random subtree with at most `room` nodes, at most `depth` deep; returns its nodes. */
static size_t grow(struct dice *dice, struct stop_node *node, size_t room, int depth)
{
    size_t n = 1, wanted = dice_below(dice, 4);
    bool is_not = dice_chance(dice, 0.2);

    if (room == 1 || depth == 0 || dice_chance(dice, 0.5)) {
        const struct stop_rule *rule = stop_rules[dice_below(dice, n_rule())];

        *node = stop_at(rule, at_draw(dice, rule));
        if (rule == &stop_length) node->arg[0] = (double)(1 + dice_below(dice, 20));
        return 1;
    }
    if (is_not) wanted = 1;
    for (size_t j = 0; j < wanted && n < room; j++) n += grow(dice, node + n, room - n, depth - 1);
    *node = (struct stop_node){.join = dice_chance(dice, 0.5) ? STOP_ANY : STOP_ALL, .n_node = n};
    if (is_not) node->join = STOP_NOT;
    return n;
}

/* The tree by its definition, from its children: the first that is met, or the last of all. */
static const char *met_slowly(const struct stop_node *node, const struct stop_state *state)
{
    const char *first = NULL, *last = NULL;
    size_t n_child = 0, n_met = 0;

    if (node->join == STOP_RULE) return node->rule->met(node->arg, state) ? node->rule->name : NULL;
    for (const struct stop_node *child = node + 1; child < node + node->n_node;
         child += child->n_node) {
        const char *met = met_slowly(child, state);

        n_child++;
        if (!met) continue;
        n_met++;
        first = first ? first : met;
        last = met;
    }
    if (node->join == STOP_NOT) return n_met > 0 ? NULL : "not";
    if (node->join == STOP_ANY) return first;
    return n_met == n_child ? last : NULL;
}

Test(stop_rules, trees_are_their_definition)
{
    struct dice dice = dice_new("trees", 557);
    struct bank *bank = bank_one();
    uint32_t item[] = {7, 3, 11};
    uint8_t score[] = {1, 0, 1};
    struct evidence evidence = {.bank = bank, .item = item, .score = score, .n = 3};
    size_t n_met = 0;

    for (int trial = 0; trial < 20000; trial++) {
        struct stop_tree tree = {0};
        struct stop_state state = {.n_answer = (unsigned)dice_below(&dice, 24),
                                   .theta = dice_between(&dice, -2.0, 2.0),
                                   .se = dice_between(&dice, 0.2, 1.3),
                                   .last_se = dice_between(&dice, 0.2, 1.3),
                                   .best_info = dice_between(&dice, 0.1, 2.0),
                                   .best_variance = dice_between(&dice, 0.04, 1.0),
                                   .evidence = &evidence,
                                   .cuts = cuts,
                                   .n_cut = 2,
                                   .active_ms = (int64_t)dice_below(&dice, 100000)};
        const char *want, *got;

        if (dice_chance(&dice, 0.95)) {
            tree.n_node = grow(&dice, tree.node, LIMIT_STOP_NODES, 4);
        }
        want = tree.n_node > 0 ? met_slowly(tree.node, &state) : NULL;
        got = stop_tree_met(&tree, &state);
        cr_assert((got == NULL) == (want == NULL), "trial %d", trial);
        cr_assert(!got || strcmp(got, want) == 0, "trial %d: %s, not %s", trial, got, want);
        n_met += want != NULL;
    }
    cr_expect(n_met > 2000 && n_met < 18000, "%zu met", n_met);
    bank_free(bank);
}

/* The least length that stands directly in the outermost `any`. */
static unsigned cap_slowly(const struct stop_tree *tree)
{
    double cap = LIMIT_ANSWERS;

    if (tree->n_node == 0 || tree->node->join != STOP_ANY) return LIMIT_ANSWERS;
    for (size_t i = 1; i < tree->n_node; i += tree->node[i].n_node) {
        if (tree->node[i].rule == &stop_length) cap = fmin(cap, tree->node[i].arg[0]);
    }
    return (unsigned)cap;
}

/* Why a test with these answers ends, NULL where it goes on. */
static const char *reason_slowly(const struct test *test, const struct stop_state *state)
{
    if (state->n_answer >= cap_slowly(&test->stop)) return "length";
    if (state->n_answer < test->min_items) return NULL;
    return test->stop.n_node > 0 ? met_slowly(test->stop.node, state) : NULL;
}

/* The answers of a session, kept beside it. */
struct record {
    struct evidence evidence;
    uint32_t item[N_ITEM];
    uint8_t score[N_ITEM];
    struct estimate_workspace *workspace;
};

static bool is_given(const struct record *record, uint32_t item)
{
    for (size_t j = 0; j < record->evidence.n; j++) {
        if (record->item[j] == item) return true;
    }
    return false;
}

/* What the rules look at, from the record and from what the session shows. */
static void look(struct stop_state *state, const struct record *record, const struct test *test,
                 const struct session_view *view)
{
    struct criterion_input input = {.bank = record->evidence.bank,
                                    .theta = view->theta,
                                    .evidence = &record->evidence,
                                    .spec = &test->interim,
                                    .workspace = record->workspace};
    struct candidates all = {.n = N_ITEM};
    double variance[N_ITEM];

    criterion_mepv.values(&input, &all, variance);
    state->n_answer = (unsigned)record->evidence.n;
    state->last_se = state->se;
    state->theta = view->theta;
    state->se = view->se;
    state->evidence = &record->evidence;
    state->cuts = test->cuts;
    state->n_cut = test->n_cut;
    state->best_info = 0.0;
    state->best_variance = state->n_answer < N_ITEM ? (double)INFINITY : view->se * view->se;
    for (uint32_t i = 0; i < N_ITEM; i++) {
        const struct item *item = bank_item(record->evidence.bank, i);

        if (is_given(record, i)) continue;
        state->best_info = fmax(state->best_info, item->model->info(item, view->theta));
        state->best_variance = fmin(state->best_variance, variance[i]);
    }
}

/* A whole session with random answers; `pool` is the only other reason to end. */
static void check_session(const struct test *test, const struct bank *bank, struct dice *dice)
{
    unsigned cap = cap_slowly(&test->stop), n_item = (unsigned)bank_n_item(bank);
    struct stop_state state = {0};
    struct record record = {.workspace = estimate_workspace_new()};
    struct sitting sitting;
    struct session_view view;

    record.evidence = (struct evidence){.bank = bank, .item = record.item, .score = record.score};

    sitting_open(&sitting, test, bank);
    cr_assert(sitting_start(&sitting, dice_bits(dice)) == OK);
    view = sitting_view(&sitting);
    state.se = view.se;
    cr_assert(view.max_items == (cap < n_item ? cap : n_item));
    while (view.state == SESSION_ASKING) {
        int64_t spent_ms = (int64_t)dice_below(dice, 9000);
        unsigned score = (unsigned)dice_below(dice, bank_item(bank, view.item)->n_cat);
        const char *want;

        cr_assert(view.asked <= view.max_items, "question %u of %u", view.asked, view.max_items);
        sitting.now_ms += spent_ms;
        evidence_add(&record.evidence, view.item, score, NULL);
        cr_assert(sitting_answer(&sitting, score) == OK);
        view = sitting_view(&sitting);
        look(&state, &record, test, &view);
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
    estimate_workspace_free(record.workspace);
}

Test(stop_rules, every_tree_ends_a_session_in_time)
{
    struct dice dice = dice_new("sessions", 563);
    struct bank *bank = bank_random(&dice, N_ITEM);

    for (int trial = 0; trial < 600; trial++) {
        struct test test;

        test_init(&test);
        test.stop = (struct stop_tree){0};
        test.n_cut = COUNT_OF(cuts);
        memcpy(test.cuts, cuts, sizeof(cuts));
        test.min_items = (unsigned)dice_below(&dice, 12);
        if (dice_chance(&dice, 0.95)) {
            test.stop.n_node = grow(&dice, test.stop.node, LIMIT_STOP_NODES, 4);
        }
        check_session(&test, bank, &dice);
    }
    bank_free(bank);
}
