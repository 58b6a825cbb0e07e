/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages: decode once, then take typed fields out of maps with one sticky error.
 *
 *     struct reader in = reader_of(&root, "", &fault);
 *     read_id(&in, "session", REQUIRED, &session);
 *     read_int(&in, "seq", REQUIRED, 1, LIMIT_ANSWERS, &seq);
 *     if (in.failed) return BAD_REQUEST;   // `fault` names the field
 */
#ifndef PROTO_READER_H
#define PROTO_READER_H

#include "base/fault.h"
#include "base/slice.h"
#include "proto/prescan.h"

#include <msgpack.h>

/* A decoded value is msgpack-c's object; its strings point into the bytes it was decoded from. */

/* Memory of decoded messages, kept between messages. */
struct decoder {
    msgpack_zone zone;
};

MUST_CHECK enum status decoder_init(struct decoder *decoder);
void decoder_done(struct decoder *decoder);

/* Pre-scan and decode one value. *out_root lives until the next decode and as long as `bytes`.
 * On BAD_REQUEST or NO_MEMORY `fault` says why and at which byte. */
MUST_CHECK enum status decode(struct decoder *decoder, struct slice bytes, msgpack_object *out_root,
                              struct fault *fault);

enum presence { REQUIRED, OPTIONAL };

/* Reads the fields of one map. After the first failure every call is a no-op and leaves its output
 * alone. An OPTIONAL field that is absent or nil leaves its output alone too and returns false; the
 * return value is true only where the field was there and good. */
struct reader {
    const msgpack_object *map;
    struct fault *fault;
    const char *path;  // prefix of field names in faults, "" at the top
    bool failed;
};

/* If `object` is no map the reader starts out failed. `path` is not copied. */
struct reader reader_of(const msgpack_object *object, const char *path, struct fault *fault);

bool read_id(struct reader *in, const char *key, enum presence presence, struct slice *out);
bool read_str(struct reader *in, const char *key, enum presence presence, size_t max,
              struct slice *out);
bool read_int(struct reader *in, const char *key, enum presence presence, int64_t min, int64_t max,
              int64_t *out);
/* Integers are accepted; NaN and Inf are not. */
bool read_f64(struct reader *in, const char *key, enum presence presence, double min, double max,
              double *out);
bool read_bool(struct reader *in, const char *key, enum presence presence, bool *out);
bool read_map(struct reader *in, const char *key, enum presence presence,
              const msgpack_object **out);
/* An array of at most `max` elements. */
bool read_array(struct reader *in, const char *key, enum presence presence, size_t max,
                const msgpack_object **out);
/* Any value at all, nil too where it is present. */
bool read_any(struct reader *in, const char *key, enum presence presence,
              const msgpack_object **out);

/* Make the reader fail: `key` is refused because of `fmt`. */
void read_fail(struct reader *in, const char *key, const char *fmt, ...) PRINTF(3, 4);

/* Add a fault to `faults` for every key of the map that is not among keys[n_key]. */
void reader_refuse_others(const struct reader *in, const char *item, const char *const *keys,
                          size_t n_key, struct faults *faults);

/* The value of `key` in `map`, NULL if it is no map or has no such key. */
const msgpack_object *map_find(const msgpack_object *map, const char *key);

/* Single values, for elements of arrays. False where the object is of another type or out of
 * range. */
bool object_id(const msgpack_object *object, struct slice *out);
bool object_str(const msgpack_object *object, struct slice *out);
bool object_int(const msgpack_object *object, int64_t min, int64_t max, int64_t *out);
bool object_f64(const msgpack_object *object, double min, double max, double *out);

#endif
