/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* msgpack-c's zone gives back every chunk but its first between messages, so whatever fits the
 * first decodes without malloc: 64 KiB hold the 2,700 values of a fair-sized request. */
enum { ZONE_CHUNK = 1 << 16 };

enum status decoder_init(struct decoder *decoder)
{
    return msgpack_zone_init(&decoder->zone, ZONE_CHUNK) ? OK : NO_MEMORY;
}

void decoder_done(struct decoder *decoder)
{
    if (decoder) msgpack_zone_destroy(&decoder->zone);
}

enum status decode(struct decoder *decoder, struct slice bytes, msgpack_object *out_root,
                   struct fault *fault)
{
    struct prescan_error error;
    msgpack_unpack_return got;
    size_t end = 0;

    if (!prescan(bytes, &error)) {
        fault_set(fault, NULL, NULL, "not a MessagePack value within the limits: %s at byte %zu",
                  error.reason, error.offset);
        return BAD_REQUEST;
    }
    msgpack_zone_clear(&decoder->zone);
    got = msgpack_unpack((const char *)bytes.data, bytes.n, &end, &decoder->zone, out_root);
    if (got == MSGPACK_UNPACK_SUCCESS) return OK;

    /* What the pre-scan lets through is well-formed, so only memory can be missing. */
    fault_set(fault, NULL, NULL, "no memory to decode %zu bytes", bytes.n);
    return NO_MEMORY;
}

/* "path.key", or `key` where `path` is empty. What is too long is cut. */
static void field_name(char out[LIMIT_ID + 1], const char *path, struct slice key)
{
    snprintf(out, LIMIT_ID + 1, "%s%s%.*s", path, path[0] && key.n ? "." : "", (int)key.n,
             (const char *)key.data);
}

void read_fail(struct reader *in, const char *key, const char *fmt, ...)
{
    char field[LIMIT_ID + 1], text[FAULT_TEXT];
    va_list args;

    if (in->failed) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    field_name(field, in->path, slice_str(key));
    fault_set(in->fault, NULL, field, "%s", text);
    in->failed = true;
}

struct reader reader_of(const msgpack_object *object, const char *path, struct fault *fault)
{
    struct reader in = {.map = object, .fault = fault, .path = path};

    if (object->type != MSGPACK_OBJECT_MAP) read_fail(&in, "", "must be a map");
    return in;
}

const msgpack_object *map_find(const msgpack_object *map, const char *key)
{
    size_t n_key = strlen(key);

    if (!map || map->type != MSGPACK_OBJECT_MAP) return NULL;
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];

        if (pair->key.type == MSGPACK_OBJECT_STR && pair->key.via.str.size == n_key &&
            memcmp(pair->key.via.str.ptr, key, n_key) == 0)
            return &pair->val;
    }
    return NULL;
}

/* The value to read, or NULL where there is none or the reader has failed. */
static const msgpack_object *take(struct reader *in, const char *key, enum presence presence)
{
    const msgpack_object *object;

    if (in->failed) return NULL;
    object = map_find(in->map, key);
    if (!object && presence == REQUIRED) read_fail(in, key, "missing");
    if (object && object->type == MSGPACK_OBJECT_NIL && presence == OPTIONAL) return NULL;
    return object;
}

bool read_id(struct reader *in, const char *key, enum presence presence, struct slice *out)
{
    const msgpack_object *object = take(in, key, presence);

    if (!object) return false;
    if (!object_id(object, out))
        read_fail(in, key, "must be an id (1 to %d of A-Z a-z 0-9 . _ : -)", LIMIT_ID);
    return !in->failed;
}

bool read_str(struct reader *in, const char *key, enum presence presence, size_t max,
              struct slice *out)
{
    const msgpack_object *object = take(in, key, presence);
    struct slice text;

    if (!object) return false;
    if (!object_str(object, &text) || text.n > max)
        read_fail(in, key, "must be a str of at most %zu bytes", max);
    else
        *out = text;
    return !in->failed;
}

bool read_int(struct reader *in, const char *key, enum presence presence, int64_t min, int64_t max,
              int64_t *out)
{
    const msgpack_object *object = take(in, key, presence);

    if (!object) return false;
    if (!object_int(object, min, max, out))
        read_fail(in, key, "must be an integer between %lld and %lld", (long long)min,
                  (long long)max);
    return !in->failed;
}

bool read_f64(struct reader *in, const char *key, enum presence presence, double min, double max,
              double *out)
{
    const msgpack_object *object = take(in, key, presence);

    if (!object) return false;
    if (object_f64(object, min, max, out)) return true;
    if (isinf(min) && isinf(max))
        read_fail(in, key, "must be a finite number");
    else
        read_fail(in, key, "must be a finite number between %.10g and %.10g", min, max);
    return false;
}

bool read_bool(struct reader *in, const char *key, enum presence presence, bool *out)
{
    const msgpack_object *object = take(in, key, presence);

    if (!object) return false;
    if (object->type == MSGPACK_OBJECT_BOOLEAN)
        *out = object->via.boolean;
    else
        read_fail(in, key, "must be true or false");
    return !in->failed;
}

bool read_map(struct reader *in, const char *key, enum presence presence,
              const msgpack_object **out)
{
    const msgpack_object *object = take(in, key, presence);

    if (!object) return false;
    if (object->type == MSGPACK_OBJECT_MAP)
        *out = object;
    else
        read_fail(in, key, "must be a map");
    return !in->failed;
}

bool read_array(struct reader *in, const char *key, enum presence presence, size_t max,
                const msgpack_object **out)
{
    const msgpack_object *object = take(in, key, presence);

    if (!object) return false;
    if (object->type == MSGPACK_OBJECT_ARRAY && object->via.array.size <= max)
        *out = object;
    else
        read_fail(in, key, "must be an array of at most %zu elements", max);
    return !in->failed;
}

bool read_any(struct reader *in, const char *key, enum presence presence,
              const msgpack_object **out)
{
    const msgpack_object *object = in->failed ? NULL : map_find(in->map, key);

    if (object)
        *out = object;
    else if (presence == REQUIRED)
        read_fail(in, key, "missing");
    return object != NULL;
}

static bool is_among(struct slice key, const char *const *keys, size_t n_key)
{
    for (size_t i = 0; i < n_key; i++) {
        if (slice_equal_str(key, keys[i])) return true;
    }
    return false;
}

void reader_refuse_others(const struct reader *in, const char *item, const char *const *keys,
                          size_t n_key, struct faults *faults)
{
    char field[LIMIT_ID + 1];
    struct slice key;

    if (in->map->type != MSGPACK_OBJECT_MAP) return;
    for (uint32_t i = 0; i < in->map->via.map.size; i++) {
        if (!object_str(&in->map->via.map.ptr[i].key, &key) || is_among(key, keys, n_key)) continue;
        field_name(field, in->path, key);
        faults_add(faults, item, field, "unknown key");
    }
}

bool object_str(const msgpack_object *object, struct slice *out)
{
    if (object->type != MSGPACK_OBJECT_STR) return false;
    *out = slice_of(object->via.str.ptr, object->via.str.size);
    return true;
}

bool object_id(const msgpack_object *object, struct slice *out)
{
    struct slice text;

    if (!object_str(object, &text) || !slice_is_id(text)) return false;
    *out = text;
    return true;
}

bool object_int(const msgpack_object *object, int64_t min, int64_t max, int64_t *out)
{
    int64_t value = object->via.i64;

    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        if (object->via.u64 > INT64_MAX) return false;
        value = (int64_t)object->via.u64;
    } else if (object->type != MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        return false;
    }
    if (value < min || value > max) return false;
    *out = value;
    return true;
}

bool object_f64(const msgpack_object *object, double min, double max, double *out)
{
    int64_t integer;
    double value;

    if (object->type == MSGPACK_OBJECT_FLOAT64 || object->type == MSGPACK_OBJECT_FLOAT32)
        value = object->via.f64;
    else if (object_int(object, -LIMIT_INT, LIMIT_INT, &integer))
        value = (double)integer;
    else
        return false;
    if (!isfinite(value) || value < min || value > max) return false;
    *out = value;
    return true;
}
