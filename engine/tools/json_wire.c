/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both walks are recursive; the depth is bounded by the caller on one side and by the decoder's
 * pre-scan on the other. */
#include "tools/json_wire.h"

static bool write_elements(struct writer *out, json_t *array, int depth)
{
    write_array(out, json_array_size(array));
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!json_wire_write(out, json_array_get(array, i), depth)) return false;
    }
    return true;
}

static bool write_pairs(struct writer *out, json_t *object, int depth)
{
    write_map(out, json_object_size(object));
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        write_text(out, json_object_iter_key(at));
        if (!json_wire_write(out, json_object_iter_value(at), depth)) return false;
    }
    return true;
}

bool json_wire_write(struct writer *out, json_t *value, int depth)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return depth > 0 && write_pairs(out, value, depth - 1);
    case JSON_ARRAY:
        return depth > 0 && write_elements(out, value, depth - 1);
    case JSON_STRING:
        write_str(out, slice_of(json_string_value(value), json_string_length(value)));
        return true;
    case JSON_INTEGER:
        write_int(out, json_integer_value(value));
        return true;
    case JSON_REAL:
        write_f64(out, json_real_value(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        write_bool(out, json_is_true(value));
        return true;
    case JSON_NULL:
        break;
    }
    write_nil(out);
    return true;
}

static json_t *read_array_object(const msgpack_object_array *array)
{
    json_t *out = json_array();

    for (uint32_t i = 0; out && i < array->size; i++) {
        if (json_array_append_new(out, json_wire_read(&array->ptr[i])) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *read_map_object(const msgpack_object_map *map)
{
    json_t *out = json_object();

    for (uint32_t i = 0; out && i < map->size; i++) {
        const msgpack_object_str *key = &map->ptr[i].key.via.str;

        if (json_object_setn_new(out, key->ptr, key->size, json_wire_read(&map->ptr[i].val)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

json_t *json_wire_read(const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        return json_boolean(object->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return json_integer(object->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return json_real(object->via.f64);
    case MSGPACK_OBJECT_STR:
        return json_stringn(object->via.str.ptr, object->via.str.size);
    case MSGPACK_OBJECT_ARRAY:
        return read_array_object(&object->via.array);
    case MSGPACK_OBJECT_MAP:
        return read_map_object(&object->via.map);
    default:
        return json_null();
    }
}
