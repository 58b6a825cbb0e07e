/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/stop.h"

static bool length_met(double at, const struct stop_state *state)
{
    return state->n_answer >= at;
}

static bool se_met(double at, const struct stop_state *state)
{
    return state->se <= at;
}

static bool time_met(double at, const struct stop_state *state)
{
    return (double)state->active_ms >= at;
}

const struct stop_rule stop_length = {.name = "length",
                                      .param = "at",
                                      .min = 1,
                                      .max = LIMIT_ANSWERS,
                                      .is_integer = true,
                                      .is_cap = true,
                                      .met = length_met};
const struct stop_rule stop_se = {
    .name = "se", .param = "at", .min = 1e-6, .max = 1e6, .met = se_met};
const struct stop_rule stop_time = {.name = "time",
                                    .param = "at_ms",
                                    .min = 1,
                                    .max = (double)LIMIT_INT,
                                    .is_integer = true,
                                    .met = time_met};

const struct stop_rule *const stop_rules[] = {&stop_length, &stop_se, &stop_time, NULL};

const struct stop_rule *stop_rule_find(struct slice name)
{
    for (size_t i = 0; stop_rules[i]; i++) {
        if (slice_equal_str(name, stop_rules[i]->name)) return stop_rules[i];
    }
    return NULL;
}

static const struct stop_rule *node_met(const struct stop_node *node,
                                        const struct stop_state *state)
{
    const struct stop_rule *last = NULL;

    if (node->join == STOP_RULE) return node->rule->met(node->at, state) ? node->rule : NULL;
    for (size_t i = 1; i < node->n_node; i += node[i].n_node) {
        last = node_met(&node[i], state);
        if (last && node->join == STOP_ANY) return last;
        if (!last && node->join == STOP_ALL) return NULL;
    }
    return last;
}

const struct stop_rule *stop_tree_met(const struct stop_tree *tree, const struct stop_state *state)
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

        if (is_cap && root[i].at < cap) cap = (unsigned)root[i].at;
    }
    return cap;
}
