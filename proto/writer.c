/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/writer.h"

#include <math.h>

/* msgpack-c may stop at an error, but the buffer remembers it for us: see buf->failed. */
static int append(void *data, const char *bytes, size_t n)
{
    buf_append(data, bytes, n);
    return 0;
}

struct writer writer_of(struct buf *buf)
{
    struct writer out = {.buf = buf};

    msgpack_packer_init(&out.packer, buf, append);
    return out;
}

void write_map(struct writer *out, size_t n_pair)
{
    msgpack_pack_map(&out->packer, n_pair);
}

void write_array(struct writer *out, size_t n)
{
    msgpack_pack_array(&out->packer, n);
}

void write_str(struct writer *out, struct slice text)
{
    msgpack_pack_str(&out->packer, text.n);
    msgpack_pack_str_body(&out->packer, text.data, text.n);
}

void write_text(struct writer *out, const char *text)
{
    write_str(out, slice_str(text));
}

void write_int(struct writer *out, int64_t value)
{
    msgpack_pack_int64(&out->packer, value);
}

void write_f64(struct writer *out, double value)
{
    if (isfinite(value))
        msgpack_pack_double(&out->packer, value);
    else
        msgpack_pack_nil(&out->packer);
}

void write_bool(struct writer *out, bool value)
{
    if (value)
        msgpack_pack_true(&out->packer);
    else
        msgpack_pack_false(&out->packer);
}

void write_nil(struct writer *out)
{
    msgpack_pack_nil(&out->packer);
}

void write_bin(struct writer *out, struct slice bytes)
{
    msgpack_pack_bin(&out->packer, bytes.n);
    msgpack_pack_bin_body(&out->packer, bytes.data, bytes.n);
}

void write_object(struct writer *out, const msgpack_object *object)
{
    msgpack_pack_object(&out->packer, *object);
}

void write_raw(struct writer *out, struct slice encoded)
{
    buf_append(out->buf, encoded.data, encoded.n);
}

void put_str(struct writer *out, const char *key, struct slice value)
{
    write_text(out, key);
    write_str(out, value);
}

void put_text(struct writer *out, const char *key, const char *value)
{
    put_str(out, key, slice_str(value));
}

void put_int(struct writer *out, const char *key, int64_t value)
{
    write_text(out, key);
    write_int(out, value);
}

void put_f64(struct writer *out, const char *key, double value)
{
    write_text(out, key);
    write_f64(out, value);
}

void put_bool(struct writer *out, const char *key, bool value)
{
    write_text(out, key);
    write_bool(out, value);
}
