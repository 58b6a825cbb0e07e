/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/stop_document.h"
#include "store_test.h"

#include <stdio.h>
#include <string.h>

static void read_stop(const char *text, struct test *test, const char *faults)
{
    struct trial trial;

    test_init(test);
    trial_of_json(&trial, text);
    stop_document_read(&trial.root, test, &trial.faults);
    expect_faults(&trial.faults, faults, text);
    trial_done(&trial);
}

/* The tree as text: any(se<=0.3,all(length>=5,...)). */
static size_t show(const struct stop_tree *tree, size_t i, char *out)
{
    const struct stop_node *node = &tree->node[i];
    size_t end = i + node->n_node;

    cr_assert_lt(i, tree->n_node);
    if (node->join == STOP_RULE) {
        sprintf(out + strlen(out), "%s %.10g", node->rule->name, node->arg[0]);
        cr_expect_eq(node->n_node, 1);
        return end;
    }
    strcat(out, node->join == STOP_ANY ? "any(" : "all(");
    for (size_t child = i + 1; child < end;) {
        child = show(tree, child, out);
        if (child < end) strcat(out, ", ");
    }
    strcat(out, ")");
    return end;
}

static void expect_tree(const char *text, const char *tree, unsigned min_items)
{
    struct test test;
    char shown[1024] = "";

    read_stop(text, &test, "");
    if (test.stop.n_node > 0) cr_expect_eq(show(&test.stop, 0, shown), test.stop.n_node);
    cr_expect_str_eq(shown, tree);
    cr_expect_eq(test.min_items, min_items);
}

Test(stop_document, builds_the_tree)
{
    expect_tree("{}", "any(length 30)", 0);
    expect_tree("{'min_items': 8}", "any(length 30)", 8);
    expect_tree("{'any': [{'rule': 'length', 'at': 12}]}", "any(length 12)", 0);
    expect_tree("{'all': [{'rule': 'se', 'at': 0.3}]}", "all(se 0.3)", 0);
    expect_tree("{'any': [{'rule': 'time', 'at_ms': 600000}, {'rule': 'se', 'at': 0.385}],"
                " 'min_items': 3}",
                "any(time 600000, se 0.385)", 3);
    expect_tree("{'any': [{'rule': 'length', 'at': 20},"
                "         {'all': [{'rule': 'se', 'at': 0.3}, {'rule': 'length', 'at': 5}]},"
                "         {'all': [{'any': [{'rule': 'se', 'at': 0.2}]},"
                "                  {'rule': 'time', 'at_ms': 1}]},"
                "         {'rule': 'length', 'at': 1000}]}",
                "any(length 20, all(se 0.3, length 5), all(any(se 0.2), time 1), length 1000)", 0);
}

/* Where a field is optional, nil is the same as absent. */
Test(stop_document, nil_is_absent)
{
    expect_tree("{'min_items': null, 'any': null}", "any(length 30)", 0);
    expect_tree("{'any': null, 'all': [{'rule': 'se', 'at': 0.5}]}", "all(se 0.5)", 0);
}

Test(stop_document, takes_the_limits)
{
    expect_tree("{'min_items': 1000, 'any': [{'rule': 'length', 'at': 1}]}", "any(length 1)", 1000);
    expect_tree("{'any': [{'rule': 'se', 'at': 1e-6}]}", "any(se 1e-06)", 0);
    expect_tree("{'any': [{'rule': 'time', 'at_ms': 9007199254740991}]}",
                "any(time 9.007199255e+15)", 0);
}

struct row {
    const char *text, *faults;
};

Test(stop_document, tells_every_fault)
{
    static const struct row rows[] = {
        {"{'min_items': -1}", "stop.min_items"},
        {"{'min_items': 1001}", "stop.min_items"},
        {"{'min_items': 2.5}", "stop.min_items"},
        {"{'any': 5}", "stop.any"},
        {"{'any': {}}", "stop.any"},
        {"{'any': []}", "stop.any"},
        {"{'all': []}", "stop.all"},
        {"{'any': [{'rule': 'se', 'at': 1}], 'all': [{'rule': 'se', 'at': 1}]}", "stop.any"},
        {"{'any': [5, 'se', null, []]}", "stop.any.0 stop.any.1 stop.any.2 stop.any.3"},
        {"{'any': [{}]}", "stop.any.0.rule"},
        {"{'any': [{'rule': 5}]}", "stop.any.0.rule stop.any.0.rule"},
        {"{'any': [{'rule': 'length'}]}", "stop.any.0.at"},
        {"{'any': [{'rule': 'length', 'at': null}]}", "stop.any.0.at"},
        {"{'any': [{'rule': 'length', 'at': 0}]}", "stop.any.0.at"},
        {"{'any': [{'rule': 'length', 'at': 1001}]}", "stop.any.0.at"},
        {"{'any': [{'rule': 'length', 'at': 2.5}]}", "stop.any.0.at"},
        {"{'any': [{'rule': 'length', 'at': '5'}]}", "stop.any.0.at"},
        {"{'any': [{'rule': 'se', 'at': 0}]}", "stop.any.0.at"},
        {"{'any': [{'rule': 'time', 'at_ms': 0.5}]}", "stop.any.0.at_ms"},
        {"{'any': [{'rule': 'time', 'at': 5}]}", "stop.any.0.at stop.any.0.at_ms"},
        {"{'any': [{'rule': 'se', 'at': 1, 'at_ms': 1}]}", "stop.any.0.at_ms"},
        {"{'any': [{'rule': 'se', 'at': 1}, {'rule': 'sem', 'at': 1}, {'all': []}]}",
         "stop.any.1.rule stop.any.2.all"},
        {"{'any': [{'any': null}]}", "stop.any.0.rule"},
        {"{'any': [{'all': [{'any': [{'rule': 'se', 'at': -1}]}]}]}", "stop.any.0.all.0.any.0.at"},
        {"{'any': [{'any': [{'rule': 'se', 'at': 1}], 'all': [{'rule': 'se', 'at': 1}]}]}",
         "stop.any.0.any stop.any.0.all"},
        {"{'any': [{'any': [{'rule': 'se', 'at': 1}], 'min_items': 3}]}", "stop.any.0.min_items"},
        {"{'min': 3, 'some': [], 'any': [{'rule': 'length', 'at': 0}]}",
         "stop.min stop.some stop.any.0.at"},
        {"[]", "stop"},
    };
    struct test test;

    for (size_t i = 0; i < COUNT_OF(rows); i++) read_stop(rows[i].text, &test, rows[i].faults);
}

/* {"any": [n rules]} */
static void read_many(size_t n, const char *faults)
{
    char text[4096] = "{'any': [";
    struct test test;

    for (size_t i = 0; i < n; i++) {
        strcat(text, i > 0 ? ", " : "");
        strcat(text, "{'rule': 'se', 'at': 0.3}");
    }
    strcat(text, "]}");
    read_stop(text, &test, faults);
    cr_expect_leq(test.stop.n_node, LIMIT_STOP_NODES);
}

Test(stop_document, counts_rules_and_joins)
{
    read_many(LIMIT_STOP_NODES - 1, "");
    read_many(LIMIT_STOP_NODES, "stop.any.31");
    read_many(LIMIT_STOP_NODES + 1, "stop.any");
}

Test(stop_document, nests_as_deep_as_a_message_may)
{
    struct test test;
    char shown[256] = "";

    read_stop("{'any':[{'all':[{'any':[{'all':[{'any':[{'all':[{'any':"
              "[{'rule':'se','at':0.3}]}]}]}]}]}]}]}",
              &test, "");
    cr_expect_eq(show(&test.stop, 0, shown), 8);
    cr_expect_str_eq(shown, "any(all(any(all(any(all(any(se 0.3)))))))");
}
