/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stop rules, and the tree that joins them. One row each, in one table. */
#ifndef SESSION_STOP_H
#define SESSION_STOP_H

#include "base/slice.h"
#include "estimate/evidence.h"

struct cut {
    char name[LIMIT_ID + 1];
    double theta;
};

/* What a rule may look at: the test after an answer. */
struct stop_state {
    unsigned n_answer;
    double theta;       // of a bank of one dimension
    double se;          // of several dimensions the largest
    double last_se;     // before the answer; NaN where nothing was known
    int64_t active_ms;  // spent on questions, suspensions left out
    const struct evidence *evidence;
    const struct cut *cuts;  // [n_cut]
    size_t n_cut;
    double best_info;      // largest information at theta that an item left has (STOP_NEEDS_INFO)
    double best_variance;  // smallest posterior variance to expect of one (STOP_NEEDS_VARIANCE)
};

/* What a rule looks at that costs something, or that the test must have. Bits. */
enum stop_needs {
    STOP_NEEDS_INFO = 1 << 0,
    STOP_NEEDS_VARIANCE = 1 << 1,
    STOP_NEEDS_CUTS = 1 << 2,
};

enum { STOP_PARAMS = 3 };

struct stop_param {
    const char *name;  // in test documents; NULL ends the list
    double min, max;
    double preset;  // where the document does not say; NaN: it must
    bool is_integer;
};

struct stop_rule {
    const char *name;
    struct stop_param params[STOP_PARAMS + 1];
    enum dims dims;  // of the banks it is for
    unsigned needs;
    bool is_cap;  // directly in the outermost `any` it ends the test whatever min_items says
    bool (*met)(const double *arg, const struct stop_state *state);
};

/* All rules, NULL at the end. */
extern const struct stop_rule *const stop_rules[];
extern const struct stop_rule stop_length, stop_se, stop_se_change, stop_pser, stop_min_info,
    stop_classify, stop_sprt, stop_glr, stop_time;

const struct stop_rule *stop_rule_find(struct slice name);

enum stop_join { STOP_RULE, STOP_ANY, STOP_ALL, STOP_NOT };

/* A node and its descendants stand in a row, the node first. */
struct stop_node {
    enum stop_join join;
    const struct stop_rule *rule;  // of a STOP_RULE
    double arg[STOP_PARAMS];
    size_t n_node;  // of this subtree, itself included
};

struct stop_tree {
    struct stop_node node[LIMIT_STOP_NODES];
    size_t n_node;  // 0: never stops
};

/* The name of what says stop, NULL where the tree says go on: the rule's; of an `all` its last
 * one's; of a `not` "not". */
const char *stop_tree_met(const struct stop_tree *tree, const struct stop_state *state);

/* The least threshold of the caps, `none` where there are none. */
unsigned stop_tree_cap(const struct stop_tree *tree, unsigned none);

/* What its rules need, enum stop_needs. */
unsigned stop_tree_needs(const struct stop_tree *tree);

#endif
