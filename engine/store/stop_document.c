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

static void read_arg(struct document *document, const struct stop_param *param, double *out)
{
    bool must = isnan(param->preset);

    *out = param->preset;
    (void)read_f64(&document->in, param->name, must ? REQUIRED : OPTIONAL, param->min, param->max,
                   out);
    document_settle(document);
    if (param->is_integer && floor(*out) != *out && !isnan(*out)) {
        document_refuse(document, param->name, "must be a whole number");
    }
}

static void read_rule(struct document *document, struct stop_tree *tree)
{
    struct slice name = {0};
    const struct stop_rule *rule;
    struct stop_node *node;
    const char *keys[STOP_PARAMS + 1] = {"rule"};
    size_t n_param = 0;

    document_text(document, "rule", LIMIT_ID, &name);
    rule = stop_rule_find(name);
    if (!rule) {
        document_refuse(document, "rule", "there is no stop rule \"%.*s\"", (int)name.n,
                        (const char *)name.data);
        return;
    }
    for (; rule->params[n_param].name; n_param++) keys[n_param + 1] = rule->params[n_param].name;
    document_allow(document, keys, n_param + 1);
    node = append(document, tree);
    if (!node) return;
    *node = (struct stop_node){.rule = rule, .n_node = 1};
    for (size_t i = 0; i < n_param; i++) read_arg(document, &rule->params[i], &node->arg[i]);
}

/* {"not": rule or join} */
static void read_not(struct document *document, struct stop_tree *tree)
{
    const msgpack_object *inner = NULL;
    size_t first = tree->n_node;
    char path[LIMIT_ID + 1];

    if (!document_map(document, "not", &inner) || !append(document, tree)) return;
    snprintf(path, sizeof(path), "%.50s.not", document->path);
    read_node(inner, path, tree, document->faults);
    tree->node[first] = (struct stop_node){.join = STOP_NOT, .n_node = tree->n_node - first};
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
    static const char *const not_key = "not";
    size_t n_before = faults->total, which;
    struct document document;

    document_begin(&document, object, path, NULL, faults);
    if (faults->total > n_before) return;
    which = which_join(&document);
    if (which > 0) {
        document_allow(&document, &joins[which - 1].key, 1);
        read_join(&document, joins[which - 1].key, joins[which - 1].join, tree);
    } else if (map_find(object, not_key)) {
        document_allow(&document, &not_key, 1);
        read_not(&document, tree);
    } else {
        read_rule(&document, tree);
    }
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
