/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/stop.h"

#include "tests/support/sitting.h"

#include <criterion/criterion.h>

Test(stop, rules_are_met_at_their_threshold)
{
    struct stop_state state = {.n_answer = 17, .se = 0.385, .active_ms = 2385};

    cr_expect(stop_length.met(17, &state) && !stop_length.met(18, &state));
    cr_expect(stop_se.met(0.385, &state) && !stop_se.met(0.3849, &state));
    cr_expect(stop_time.met(2385, &state) && !stop_time.met(2386, &state));
}

/* any(all(se, length), time) */
static const struct stop_tree tree = {
    .node = {{.join = STOP_ANY, .n_node = 5},
             {.join = STOP_ALL, .n_node = 3},
             {.join = STOP_RULE, .rule = &stop_se, .at = 0.4, .n_node = 1},
             {.join = STOP_RULE, .rule = &stop_length, .at = 10, .n_node = 1},
             {.join = STOP_RULE, .rule = &stop_time, .at = 60000, .n_node = 1}},
    .n_node = 5,
};

static const struct stop_rule *met(unsigned n_answer, double se, int64_t active_ms)
{
    struct stop_state state = {.n_answer = n_answer, .se = se, .active_ms = active_ms};

    return stop_tree_met(&tree, &state);
}

Test(stop, trees_join_by_any_and_all)
{
    cr_expect(met(9, 0.3, 1) == NULL);
    cr_expect(met(10, 0.5, 1) == NULL);
    cr_expect(met(10, 0.3, 1) == &stop_length, "of an `all` it is the last");
    cr_expect(met(3, 0.9, 60000) == &stop_time);
    cr_expect(met(10, 0.3, 60000) == &stop_length, "of an `any` it is the first");
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
