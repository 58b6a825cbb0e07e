/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/audit.h"
#include "base/bytes.h"
#include "proto/writer.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 8, HEAD_BYTES = NUMBER_BYTES + SEAL_BYTES };

enum status audit_read_head(struct env *env, struct audit_head *out)
{
    struct buf found = {0};
    enum status st = env_get(env, TABLE_META, slice_str("audit"), &found);

    *out = (struct audit_head){0};
    if (st == OK && found.n == HEAD_BYTES) {
        out->number = bytes_get_u64(found.data);
        memcpy(out->seal, found.data + NUMBER_BYTES, SEAL_BYTES);
    } else if (st == OK) {
        st = CORRUPT;
    }
    buf_done(&found);
    return st == NOT_FOUND ? OK : st;
}

enum status audit_init(struct audit *audit, struct env *env)
{
    *audit = (struct audit){.env = env};
    return audit_read_head(env, &audit->head);
}

static void write_entry(struct buf *value, const struct audit_entry *entry)
{
    struct writer out = writer_of(value);

    write_map(&out, 7);
    put_int(&out, "time_ms", entry->time_ms);
    put_str(&out, "tenant", entry->tenant);
    put_str(&out, "who", entry->who);
    put_int(&out, "roles", entry->roles);
    put_str(&out, "op", entry->op);
    put_str(&out, "subject", entry->subject);
    put_str(&out, "code", entry->code);
}

void audit_append(struct audit *audit, struct batch *batch, const struct audit_entry *entry)
{
    struct audit_head *head = &audit->head;
    uint8_t bytes[HEAD_BYTES];
    struct buf value = {0};

    bytes_put_u64(bytes, ++head->number);
    buf_append(&value, head->seal, SEAL_BYTES);
    write_entry(&value, entry);
    batch_put(audit->env, batch, TABLE_AUDIT, slice_of(bytes, NUMBER_BYTES), buf_slice(&value),
              head->seal);
    memcpy(bytes + NUMBER_BYTES, head->seal, SEAL_BYTES);
    batch_put(audit->env, batch, TABLE_META, slice_str("audit"), slice_of(bytes, sizeof(bytes)),
              NULL);
    if (value.failed) batch->bytes.failed = true;
    buf_done(&value);
}

enum status audit_read(struct decoder *decoder, struct slice key, struct slice value,
                       uint64_t *out_number, const uint8_t **out_link, struct audit_entry *out)
{
    msgpack_object root;
    struct fault fault;
    struct reader in;
    int64_t roles = 0;
    enum status st;

    if (key.n != NUMBER_BYTES || value.n < SEAL_BYTES) return CORRUPT;
    *out_number = bytes_get_u64(key.data);
    *out_link = value.data;
    st = decode(decoder, slice_of(value.data + SEAL_BYTES, value.n - SEAL_BYTES), &root, &fault);
    if (st) return st == NO_MEMORY ? st : CORRUPT;
    *out = (struct audit_entry){0};
    in = reader_of(&root, "", &fault);
    read_int(&in, "time_ms", REQUIRED, -LIMIT_INT, LIMIT_INT, &out->time_ms);
    read_str(&in, "tenant", REQUIRED, LIMIT_RAW, &out->tenant);
    read_str(&in, "who", REQUIRED, LIMIT_RAW, &out->who);
    read_int(&in, "roles", REQUIRED, 0, UINT32_MAX, &roles);
    read_str(&in, "op", REQUIRED, LIMIT_RAW, &out->op);
    read_str(&in, "subject", REQUIRED, LIMIT_RAW, &out->subject);
    read_str(&in, "code", REQUIRED, LIMIT_RAW, &out->code);
    out->roles = (unsigned)roles;
    return in.failed ? CORRUPT : OK;
}

enum status audit_each(struct env *env, uint64_t from, struct visitor visitor)
{
    uint8_t key[NUMBER_BYTES];

    bytes_put_u64(key, from);
    return env_each(env, TABLE_AUDIT, slice_of(key, sizeof(key)), visitor);
}

void audit_examinee(const struct env *env, struct slice tenant, struct slice examinee,
                    char out[AUDIT_EXAMINEE])
{
    uint8_t seal[SEAL_BYTES];
    char hex[2 * SEAL_BYTES + 1];

    env_seal(env, TABLE_AUDIT, tenant, examinee, seal);
    sodium_bin2hex(hex, sizeof(hex), seal, SEAL_BYTES);
    snprintf(out, AUDIT_EXAMINEE, "examinee-%s", hex);
}
