/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/erased.h"
#include "base/bytes.h"
#include "proto/writer.h"

void erased_link(struct buf *links, uint64_t lsn, const uint8_t seal[SEAL_BYTES])
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, lsn);
    buf_append(links, bytes, sizeof(bytes));
    buf_append(links, seal, SEAL_BYTES);
}

void erased_write(const struct tombstone *tombstone, struct buf *value)
{
    struct writer out = writer_of(value);

    write_map(&out, 4);
    put_int(&out, "erased_ms", tombstone->erased_ms);
    put_str(&out, "who", tombstone->who);
    put_str(&out, "reason", tombstone->reason);
    write_text(&out, "links");
    write_bin(&out, tombstone->links);
}

void erased_put(const struct env *env, struct batch *batch, struct slice tenant,
                struct slice session, const struct tombstone *tombstone)
{
    struct session_key key = session_key_of(tenant, session);
    struct buf value = {0};

    erased_write(tombstone, &value);
    batch_put(env, batch, TABLE_ERASED, session_key_slice(&key), buf_slice(&value), NULL);
    if (value.failed) batch->bytes.failed = true;
    buf_done(&value);
}

/* In MessagePack a short map begins with 0x8n. */
bool erased_stands(struct slice record)
{
    return record.n > 0 && (record.data[0] & 0xf0) == 0x80;
}

enum status erased_read(struct decoder *decoder, struct slice value, struct tombstone *out)
{
    const msgpack_object *links;
    msgpack_object root;
    struct fault fault;
    struct reader in;
    enum status st = decode(decoder, value, &root, &fault);

    if (st) return st == NO_MEMORY ? st : CORRUPT;
    *out = (struct tombstone){0};
    in = reader_of(&root, "", &fault);
    read_int(&in, "erased_ms", REQUIRED, -LIMIT_INT, LIMIT_INT, &out->erased_ms);
    read_str(&in, "who", REQUIRED, LIMIT_RAW, &out->who);
    read_str(&in, "reason", REQUIRED, LIMIT_RAW, &out->reason);
    links = in.failed ? NULL : map_find(&root, "links");
    if (!links || links->type != MSGPACK_OBJECT_BIN || links->via.bin.size % LINK_BYTES != 0) {
        return CORRUPT;
    }
    out->links = slice_of(links->via.bin.ptr, links->via.bin.size);
    return OK;
}

enum status erased_get(struct env *env, struct slice tenant, struct slice session,
                       struct buf *bytes, struct tombstone *out)
{
    struct session_key key = session_key_of(tenant, session);
    struct decoder decoder;
    enum status st = env_get(env, TABLE_ERASED, session_key_slice(&key), bytes);

    if (st) return st;
    st = decoder_init(&decoder);
    if (st) return st;
    st = erased_read(&decoder, buf_slice(bytes), out);
    decoder_done(&decoder);
    return st;
}
