/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stop rules, and the tree that joins them. One row each, in one table. */
#ifndef SESSION_STOP_H
#define SESSION_STOP_H

#include "base/limits.h"
#include "base/slice.h"

#include <stdint.h>

/* What a rule may look at: the test after an answer. */
struct stop_state {
    unsigned n_answer;
    double se;
    int64_t active_ms;  // spent on questions, suspensions left out
};

struct stop_rule {
    const char *name;
    const char *param;  // name of its threshold in test documents
    double min, max;    // of the threshold
    bool is_integer;    // the threshold
    bool is_cap;        // directly in the outermost `any` it ends the test whatever min_items says
    bool (*met)(double at, const struct stop_state *state);
};

/* All rules, NULL at the end. */
extern const struct stop_rule *const stop_rules[];
extern const struct stop_rule stop_length, stop_se, stop_time;

const struct stop_rule *stop_rule_find(struct slice name);

enum stop_join { STOP_RULE, STOP_ANY, STOP_ALL };

/* A node and its descendants stand in a row, the node first. */
struct stop_node {
    enum stop_join join;
    const struct stop_rule *rule;  // of a STOP_RULE
    double at;
    size_t n_node;  // of this subtree, itself included
};

struct stop_tree {
    struct stop_node node[LIMIT_STOP_NODES];
    size_t n_node;  // 0: never stops
};

/* The rule by which the tree says stop, NULL where it says go on. Of an `all` that is its last. */
const struct stop_rule *stop_tree_met(const struct stop_tree *tree, const struct stop_state *state);

/* The least threshold of the caps, `none` where there are none. */
unsigned stop_tree_cap(const struct stop_tree *tree, unsigned none);

#endif
