/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/stop.h"

#include <math.h>

const struct stop_rule *const stop_rules[] = {
    &stop_length,   &stop_se,   &stop_se_change, &stop_pser, &stop_min_info,
    &stop_classify, &stop_sprt, &stop_glr,       &stop_time, NULL,
};

const struct stop_rule *stop_rule_find(struct slice name)
{
    for (size_t i = 0; stop_rules[i]; i++) {
        if (slice_equal_str(name, stop_rules[i]->name)) return stop_rules[i];
    }
    return NULL;
}

static const char *node_met(const struct stop_node *node, const struct stop_state *state)
{
    const char *last = NULL;

    if (node->join == STOP_RULE) return node->rule->met(node->arg, state) ? node->rule->name : NULL;
    for (size_t i = 1; i < node->n_node; i += node[i].n_node) {
        last = node_met(&node[i], state);
        if (last && node->join == STOP_ANY) return last;
        if (!last && node->join == STOP_ALL) return NULL;
    }
    if (node->join == STOP_NOT) return last ? NULL : "not";
    return last;
}

const char *stop_tree_met(const struct stop_tree *tree, const struct stop_state *state)
{
    return tree->n_node > 0 ? node_met(tree->node, state) : NULL;
}

unsigned stop_tree_cap(const struct stop_tree *tree, unsigned none)
{
    const struct stop_node *root = tree->node;
    unsigned cap = none;

    if (tree->n_node == 0 || root->join != STOP_ANY) return none;
    for (size_t i = 1; i < root->n_node; i += root[i].n_node) {
        bool is_cap = root[i].join == STOP_RULE && root[i].rule->is_cap;

        if (is_cap && root[i].arg[0] < cap) cap = (unsigned)root[i].arg[0];
    }
    return cap;
}

unsigned stop_tree_needs(const struct stop_tree *tree)
{
    unsigned needs = 0;

    for (size_t i = 0; i < tree->n_node; i++) {
        if (tree->node[i].join == STOP_RULE) needs |= tree->node[i].rule->needs;
    }
    return needs;
}
