/* SPDX-License-Identifier: GPL-3.0-or-later */
/* {"any": [...]} and {"all": [...]} nest; the leaves are rules. The tree is written in the order it
 * is read: a node, then its descendants. */
#include "store/stop_document.h"

#include <math.h>
#include <stdio.h>

static void read_node(const msgpack_object *object, const char *path, struct stop_tree *tree,
                      struct faults *faults);

static const struct {
    const char *key;
    enum stop_join join;
} joins[] = {{"any", STOP_ANY}, {"all", STOP_ALL}};

/* A new node at the end of the tree, or NULL where it is full. */
static struct stop_node *append(struct document *document, struct stop_tree *tree)
{
    if (tree->n_node == LIMIT_STOP_NODES) {
        document_refuse(document, "", "more than %d rules and joins", LIMIT_STOP_NODES);
        return NULL;
    }
    return &tree->node[tree->n_node++];
}

static void read_rule(struct document *document, struct stop_tree *tree)
{
    struct slice name = {0};
    const struct stop_rule *rule;
    struct stop_node *node;
    const char *keys[2] = {"rule", NULL};
    double at = 0.0;

    document_text(document, "rule", LIMIT_ID, &name);
    rule = stop_rule_find(name);
    if (!rule) {
        document_refuse(document, "rule", "there is no stop rule \"%.*s\"", (int)name.n,
                        (const char *)name.data);
        return;
    }
    keys[1] = rule->param;
    document_allow(document, keys, COUNT_OF(keys));
    if (!read_f64(&document->in, rule->param, REQUIRED, rule->min, rule->max, &at)) {
        document_settle(document);
        return;
    }
    if (rule->is_integer && floor(at) != at) {
        document_refuse(document, rule->param, "must be a whole number");
    }
    node = append(document, tree);
    if (node) *node = (struct stop_node){.rule = rule, .at = at, .n_node = 1};
}

static void read_join(struct document *document, const char *key, enum stop_join join,
                      struct stop_tree *tree)
{
    const msgpack_object *array = NULL;
    size_t first = tree->n_node;

    if (!document_array(document, key, LIMIT_STOP_NODES, &array)) return;
    if (!append(document, tree)) return;
    if (array->via.array.size == 0) document_refuse(document, key, "must not be empty");
    for (uint32_t i = 0; i < array->via.array.size; i++) {
        char path[LIMIT_ID + 1];

        snprintf(path, sizeof(path), "%.40s.%s.%u", document->path, key, i);
        read_node(&array->via.array.ptr[i], path, tree, document->faults);
    }
    tree->node[first] = (struct stop_node){.join = join, .n_node = tree->n_node - first};
}

static bool has(const struct document *document, const char *key)
{
    const msgpack_object *object = map_find(document->in.map, key);

    return object && object->type != MSGPACK_OBJECT_NIL;
}

/* Which of the joins the part has: 0 for none, its index + 1 otherwise; both are a fault. */
static size_t which_join(struct document *document)
{
    bool any = has(document, "any"), all = has(document, "all");

    if (any && all) document_refuse(document, "any", "stands beside all: nest one in the other");
    return any ? 1 : all ? 2 : 0;
}

static void read_node(const msgpack_object *object, const char *path, struct stop_tree *tree,
                      struct faults *faults)
{
    size_t n_before = faults->total, which;
    struct document document;

    document_begin(&document, object, path, NULL, faults);
    if (faults->total > n_before) return;
    which = which_join(&document);
    if (which == 0) {
        read_rule(&document, tree);
        return;
    }
    document_allow(&document, &joins[which - 1].key, 1);
    read_join(&document, joins[which - 1].key, joins[which - 1].join, tree);
}

void stop_document_read(const msgpack_object *object, struct test *out, struct faults *faults)
{
    static const char *const keys[] = {"min_items", "any", "all"};
    struct document document;
    int64_t min_items = 0;
    size_t which;

    document_begin(&document, object, "stop", NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    document_int(&document, "min_items", 0, LIMIT_ANSWERS, &min_items);
    out->min_items = (unsigned)min_items;
    which = which_join(&document);
    if (which > 0) {
        out->stop.n_node = 0;
        read_join(&document, joins[which - 1].key, joins[which - 1].join, &out->stop);
    }
}
