/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/item_document.h"
#include "proto/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const common_keys[] = {"id",       "model",    "options", "key",
                                          "tags",     "set",      "enemies", "content",
                                          "rapid_ms", "exposure", "seconds", "scored"};

enum { N_COMMON = COUNT_OF(common_keys), MAX_PARAMS = 8 };

static void allow_keys(struct document *document, const struct model *model)
{
    const char *keys[N_COMMON + MAX_PARAMS];
    size_t n = N_COMMON;

    memcpy(keys, common_keys, sizeof(common_keys));
    for (const struct param *p = model->params; p->name && n < COUNT_OF(keys); p++) {
        keys[n++] = p->name;
    }
    document_allow(document, keys, n);
}

/* A list of at most `max` numbers; returns how many. */
static unsigned read_list(struct document *document, const char *name, size_t max, double *out)
{
    const msgpack_object *array = NULL;

    if (!document_array(document, name, max, &array)) return 0;
    if (array->via.array.size == 0) document_refuse(document, name, "must not be empty");
    for (uint32_t k = 0; k < array->via.array.size; k++) {
        if (object_f64(&array->via.array.ptr[k], -HUGE_VAL, HUGE_VAL, &out[k])) continue;
        document_refuse(document, name, "element %u must be a finite number", k);
    }
    return array->via.array.size;
}

static void read_param(struct document *document, const struct param *p, struct item_spec *out)
{
    const msgpack_object *given = map_find(document->in.map, p->name);

    if (!given || given->type == MSGPACK_OBJECT_NIL) {
        if (!p->optional) document_refuse(document, p->name, "missing");
        if (p->slot < SLOT_STEPS) out->value[p->slot] = param_default(p->slot);
    } else if (p->slot == SLOT_STEPS) {
        out->n_step = read_list(document, p->name, LIMIT_CATS - 1, out->steps);
    } else if (p->slot == SLOT_SLOPES) {
        out->n_slope = read_list(document, p->name, LIMIT_CATS - 1, out->slopes);
    } else if (p->slot == SLOT_DIRECTION) {
        out->n_dim = read_list(document, p->name, LIMIT_DIMS, out->direction);
    } else {
        document_f64(document, p->name, -HUGE_VAL, HUGE_VAL, &out->value[p->slot]);
    }
}

static void read_params(struct document *document, const struct model *model, struct item_spec *out)
{
    const char *slopes = model_param_name(model, SLOT_SLOPES);

    for (const struct param *p = model->params; p->name; p++) read_param(document, p, out);
    if (slopes && out->n_slope != out->n_step) {
        document_refuse(document, slopes, "there are %u, but %s has %u", out->n_slope,
                        model_param_name(model, SLOT_STEPS), out->n_step);
    }
}

static void read_options(struct document *document, struct item_spec *out)
{
    const msgpack_object *array = NULL;

    document_text(document, "key", LIMIT_RAW, &out->key);
    if (!document_array(document, "options", LIMIT_OPTIONS, &array)) return;
    if (array->via.array.size < 2) document_refuse(document, "options", "must be at least 2");
    for (uint32_t i = 0; i < array->via.array.size; i++) {
        struct slice *option = &out->options[i];

        if (object_str(&array->via.array.ptr[i], option) && option->n > 0 &&
            option->n <= LIMIT_RAW) {
            continue;
        }
        document_refuse(document, "options", "option %u must be a str of 1 to %d bytes", i,
                        LIMIT_RAW);
    }
    out->n_option = array->via.array.size;
}

/* When an answer is scored: at once, or later by a person. */
static void read_scored(struct document *document, struct item_spec *out)
{
    struct slice scored = slice_str("now");

    document_text(document, "scored", LIMIT_ID, &scored);
    out->is_later = slice_equal_str(scored, "later");
    if (!out->is_later && !slice_equal_str(scored, "now")) {
        document_refuse(document, "scored", "must be now or later");
    }
}

static void read_tags(struct document *document, struct item_spec *out)
{
    const msgpack_object *map = NULL;

    if (!document_map(document, "tags", &map)) return;
    if (map->via.map.size > LIMIT_TAGS) {
        document_refuse(document, "tags", "must be at most %d", LIMIT_TAGS);
        return;
    }
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];
        struct tag *tag = &out->tags[out->n_tag];

        if (object_str(&pair->key, &tag->name) && tag->name.n <= LIMIT_ID &&
            object_str(&pair->val, &tag->value) && tag->value.n <= LIMIT_ID) {
            out->n_tag++;
            continue;
        }
        document_refuse(document, "tags", "name and value must be str of at most %d bytes",
                        LIMIT_ID);
    }
}

static void read_enemies(struct document *document, struct item_spec *out)
{
    const msgpack_object *array = NULL;

    if (!document_array(document, "enemies", LIMIT_ENEMIES, &array)) return;
    for (uint32_t i = 0; i < array->via.array.size; i++) {
        if (object_id(&array->via.array.ptr[i], &out->enemies[out->n_enemy]))
            out->n_enemy++;
        else
            document_refuse(document, "enemies", "element %u is no item id", i);
    }
}

/* Whether a value that is passed through may go out again: finite numbers, integers of any peer. */
static bool is_plain(const msgpack_object *object)
{
    const msgpack_object_map *map = &object->via.map;
    const msgpack_object_array *array = &object->via.array;
    int64_t integer;

    switch (object->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return object_int(object, -LIMIT_INT, LIMIT_INT, &integer);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return isfinite(object->via.f64);
    case MSGPACK_OBJECT_ARRAY:
        for (uint32_t i = 0; i < array->size; i++) {
            if (!is_plain(&array->ptr[i])) return false;
        }
        return true;
    case MSGPACK_OBJECT_MAP:
        for (uint32_t i = 0; i < map->size; i++) {
            if (!is_plain(&map->ptr[i].val)) return false;
        }
        return true;
    default:
        return true;
    }
}

static void read_content(struct document *document, struct item_spec *out, struct buf *content)
{
    const msgpack_object *object = NULL;
    struct writer writer = writer_of(content);

    buf_clear(content);
    if (!read_any(&document->in, "content", OPTIONAL, &object)) return;
    if (!is_plain(object)) {
        document_refuse(document, "content", "holds NaN, infinity or an integer beyond 2^53 - 1");
        return;
    }
    write_object(&writer, object);
    if (content->n > LIMIT_CONTENT) {
        document_refuse(document, "content", "must be at most %d bytes encoded, is %zu",
                        LIMIT_CONTENT, content->n);
    }
    out->content = buf_slice(content);
}

/* The id, or a name to call the item by in faults. */
static void read_name(struct document *document, size_t number, struct item_spec *out,
                      char name[LIMIT_ID + 1])
{
    bool found = read_id(&document->in, "id", REQUIRED, &out->id);

    if (!found || !slice_to_text(out->id, name, LIMIT_ID + 1)) {
        snprintf(name, LIMIT_ID + 1, "#%zu", number);
    }
    document_settle(document);
}

bool item_document_read(const msgpack_object *object, size_t number, struct item_spec *out,
                        struct buf *content, struct faults *faults)
{
    size_t n_before = faults->total;
    struct document document;
    struct slice model = {0};
    char name[LIMIT_ID + 1];

    memset(out, 0, sizeof(*out));
    snprintf(name, sizeof(name), "#%zu", number);
    document_begin(&document, object, "", name, faults);
    if (faults->total > n_before) return false;
    read_name(&document, number, out, name);
    if (!read_str(&document.in, "model", REQUIRED, LIMIT_ID, &model)) {
        document_settle(&document);
        return false;
    }
    out->model = model_find(model);
    if (!out->model) {
        document_refuse(&document, "model", "there is no model \"%.*s\"", (int)model.n,
                        (const char *)model.data);
        return false;
    }
    allow_keys(&document, out->model);
    read_params(&document, out->model, out);
    read_options(&document, out);
    read_tags(&document, out);
    read_enemies(&document, out);
    (void)read_id(&document.in, "set", OPTIONAL, &out->set);
    document_settle(&document);
    read_content(&document, out, content);
    read_scored(&document, out);
    document_int(&document, "rapid_ms", 1, LIMIT_INT, &out->rapid_ms);
    document_f64(&document, "exposure", 1e-9, 1.0, &out->exposure);
    document_f64(&document, "seconds", LIMIT_SECONDS_MIN, LIMIT_SECONDS_MAX, &out->seconds);
    return faults->total == n_before;
}
