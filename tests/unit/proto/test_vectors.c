/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire vectors, made by another MessagePack library, against our reader and writer. */
#include "proto/reader.h"
#include "proto/writer.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static const char *const ops[] = {
    "hello",           "ping",           "stats",          "bank.begin",
    "bank.add",        "bank.publish",   "bank.abort",     "bank.get",
    "bank.list",       "bank.retire",    "test.put",       "test.get",
    "test.list",       "session.start",  "session.answer", "session.get",
    "session.suspend", "session.resume", "session.finish", "session.void",
    "irt.curve",       "irt.estimate",   "irt.rank",
};

static json_t *load_vectors(void)
{
    json_error_t error;
    json_t *vectors = json_load_file(SOURCE_DIR "/proto/vectors/vectors.json", 0, &error);

    cr_assert(vectors, "line %d: %s", error.line, error.text);
    cr_assert(json_is_array(vectors));
    return vectors;
}

static const char *text_of(const json_t *vector, const char *key)
{
    const char *text = json_string_value(json_object_get(vector, key));

    cr_assert(text, "a vector has no %s", key);
    return text;
}

static void hex_bytes(const char *hex, struct buf *out)
{
    unsigned byte;

    buf_clear(out);
    cr_assert_eq(strlen(hex) % 2, 0);
    for (; *hex; hex += 2) {
        cr_assert_eq(sscanf(hex, "%2x", &byte), 1);
        buf_append(out, &(uint8_t){(uint8_t)byte}, 1);
    }
}

static bool same(const msgpack_object *object, const json_t *json);

static bool same_array(const msgpack_object *object, const json_t *json)
{
    if (object->via.array.size != json_array_size(json)) return false;
    for (uint32_t i = 0; i < object->via.array.size; i++) {
        if (!same(&object->via.array.ptr[i], json_array_get(json, i))) return false;
    }
    return true;
}

static bool same_map(const msgpack_object *object, const json_t *json)
{
    const json_t *value;
    const char *key;

    if (object->via.map.size != json_object_size(json)) return false;
    json_object_foreach((json_t *)json, key, value)
    {
        const msgpack_object *found = map_find(object, key);

        if (!found || !same(found, value)) return false;
    }
    return true;
}

static bool same(const msgpack_object *object, const json_t *json)
{
    int64_t integer;
    double number;
    struct slice text;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return object->type == MSGPACK_OBJECT_MAP && same_map(object, json);
    case JSON_ARRAY:
        return object->type == MSGPACK_OBJECT_ARRAY && same_array(object, json);
    case JSON_STRING:
        return object_str(object, &text) && slice_equal_str(text, json_string_value(json));
    case JSON_INTEGER:
        return object_int(object, -LIMIT_INT, LIMIT_INT, &integer) &&
               integer == json_integer_value(json);
    case JSON_REAL:
        return object->type == MSGPACK_OBJECT_FLOAT64 &&
               object_f64(object, -1e300, 1e300, &number) && number == json_real_value(json);
    case JSON_NULL:
        return object->type == MSGPACK_OBJECT_NIL;
    default:
        return object->type == MSGPACK_OBJECT_BOOLEAN && object->via.boolean == json_is_true(json);
    }
}

Test(vectors, decode_to_their_message_and_encode_to_their_bytes)
{
    json_t *vectors = load_vectors(), *vector;
    struct buf bytes = {0}, again = {0};
    struct writer out = writer_of(&again);
    struct decoder decoder;
    struct fault fault;
    msgpack_object root;
    size_t i;

    cr_assert_eq(decoder_init(&decoder), OK);
    json_array_foreach(vectors, i, vector)
    {
        const char *name = text_of(vector, "name"), *kind = text_of(vector, "kind");

        hex_bytes(text_of(vector, "hex"), &bytes);
        cr_assert_eq(decode(&decoder, buf_slice(&bytes), &root, &fault), OK, "%s %s: %s", name,
                     kind, fault.text);
        cr_expect(same(&root, json_object_get(vector, "message")), "%s %s differs", name, kind);
        buf_clear(&again);
        write_object(&out, &root);
        cr_expect(slice_equal(buf_slice(&again), buf_slice(&bytes)), "%s %s re-encoded differs",
                  name, kind);
    }
    decoder_done(&decoder);
    buf_done(&again);
    buf_done(&bytes);
    json_decref(vectors);
}

/* Whether there is a vector of this kind whose name is the op. */
static bool has_vector(const json_t *vectors, const char *kind, const char *op)
{
    const json_t *vector;
    size_t i;

    json_array_foreach((json_t *)vectors, i, vector)
    {
        if (strcmp(text_of(vector, "kind"), kind) == 0 && strcmp(text_of(vector, "name"), op) == 0)
            return true;
    }
    return false;
}

Test(vectors, hold_every_op)
{
    json_t *vectors = load_vectors();

    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        cr_expect(has_vector(vectors, "request", ops[i]), "no request %s", ops[i]);
        cr_expect(has_vector(vectors, "reply", ops[i]), "no reply %s", ops[i]);
    }
    json_decref(vectors);
}
