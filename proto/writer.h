/* SPDX-License-Identifier: Apache-2.0 */
/* Writing messages into a buffer. A failed allocation sticks to it: ask buf->failed once. */
#ifndef PROTO_WRITER_H
#define PROTO_WRITER_H

#include "base/slice.h"

#include <msgpack.h>

struct writer {
    struct buf *buf;
    msgpack_packer packer;
};

/* Appends to `buf`. */
struct writer writer_of(struct buf *buf);

void write_map(struct writer *out, size_t n_pair);
void write_array(struct writer *out, size_t n);
void write_str(struct writer *out, struct slice text);
void write_text(struct writer *out, const char *text);
void write_int(struct writer *out, int64_t value);
void write_f64(struct writer *out, double value);  // NaN and Inf become nil; always float 64
void write_bool(struct writer *out, bool value);
void write_nil(struct writer *out);
void write_bin(struct writer *out, struct slice bytes);
void write_object(struct writer *out, const msgpack_object *object);  // copies a decoded value
void write_raw(struct writer *out, struct slice encoded);             // an encoded value as it is

/* A key and its value. */
void put_str(struct writer *out, const char *key, struct slice value);
void put_text(struct writer *out, const char *key, const char *value);
void put_int(struct writer *out, const char *key, int64_t value);
void put_f64(struct writer *out, const char *key, double value);
void put_bool(struct writer *out, const char *key, bool value);

#endif
