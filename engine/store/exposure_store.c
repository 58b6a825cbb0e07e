/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/exposure_store.h"
#include "base/bytes.h"
#include "num/elementary.h"

#include <string.h>

enum { N_PART = 4, KEY = N_PART * (LIMIT_ID + 1) + 8, F64 = 8 };

struct key {
    uint8_t bytes[KEY];
    size_t n;
};

static struct slice key_slice(const struct key *key)
{
    return slice_of(key->bytes, key->n);
}

static void key_text(struct key *key, struct slice text)
{
    memcpy(key->bytes + key->n, text.data, text.n);
    key->n += text.n;
}

static void key_name(struct key *key, struct slice name)
{
    key_text(key, name);
    key->bytes[key->n++] = 0;
}

static struct key tally_key(const struct tally_name *name)
{
    struct key key = {.n = 0};

    key_name(&key, name->tenant);
    key_name(&key, name->test);
    key_name(&key, name->bank);
    return key;
}

/* The text up to the next NUL of *in, which goes on behind that. */
static bool take_name(struct slice *in, struct slice *out)
{
    const uint8_t *end = in->n > 0 ? memchr(in->data, 0, in->n) : NULL;

    if (!end) return false;
    *out = slice_of(in->data, (size_t)(end - in->data));
    *in = slice_of(end + 1, in->n - out->n - 1);
    return true;
}

/* The names of a key; what is behind them goes to *out_rest. */
static bool tally_key_read(struct slice key, struct tally_name *out, struct slice *out_rest)
{
    *out_rest = key;
    return take_name(out_rest, &out->tenant) && take_name(out_rest, &out->test) &&
           take_name(out_rest, &out->bank);
}

static void append_f64(struct buf *out, double value)
{
    uint8_t bytes[F64];

    bytes_put_u64(bytes, num_bits(value));
    buf_append(out, bytes, sizeof(bytes));
}

static void append_u64(struct buf *out, uint64_t value)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, value);
    buf_append(out, bytes, sizeof(bytes));
}

static void put(const struct env *env, struct batch *batch, enum table table, const struct key *key,
                struct buf *value)
{
    batch_put(env, batch, table, key_slice(key), buf_slice(value), NULL);
    if (value->failed) batch->bytes.failed = true;
    buf_done(value);
}

/* | lsn 8 | n_cut 8 | max_rate, fading, acceleration, cut.. , sessions.., weight.. 8 each | */
void tally_put(const struct env *env, struct batch *batch, const struct tally_name *name,
               uint64_t lsn, const struct eligibility_counts *counts)
{
    const struct eligibility_rule *rule = &counts->rule;
    struct key key = tally_key(name);
    struct buf value = {0};

    append_u64(&value, lsn);
    append_u64(&value, rule->n_cut);
    append_f64(&value, rule->max_rate);
    append_f64(&value, rule->fading);
    append_f64(&value, rule->acceleration);
    for (size_t k = 0; k < rule->n_cut; k++) append_f64(&value, rule->cut[k]);
    for (size_t s = 0; s < counts->n_slot; s++) append_f64(&value, counts->sessions[s]);
    for (size_t s = 0; s < counts->n_slot; s++) append_f64(&value, counts->weight[s]);
    put(env, batch, TABLE_EXPOSURE, &key, &value);
}

void tally_put_item(const struct env *env, struct batch *batch, const struct tally_name *name,
                    const struct tally_item *item, const struct eligibility_counts *counts,
                    size_t place)
{
    struct key key = tally_key(name);
    struct buf value = {0};
    uint8_t bytes[4];

    key_text(&key, item->id);
    bytes_put_u32(bytes, item->uses);
    buf_append(&value, bytes, sizeof(bytes));
    for (size_t s = 0; s < counts->n_slot; s++) {
        append_f64(&value, counts->asked[place * counts->n_slot + s]);
        append_f64(&value, counts->kept[place * counts->n_slot + s]);
    }
    put(env, batch, TABLE_EXPOSURE, &key, &value);
}

static double f64_at(struct slice bytes, size_t i)
{
    return num_of_bits(bytes_get_u64(bytes.data + i * F64));
}

static bool head_read(struct slice value, uint64_t *out_lsn, struct eligibility_counts *out)
{
    struct eligibility_rule *rule = &out->rule;
    size_t at = 5;

    *out = (struct eligibility_counts){0};
    if (value.n < at * F64) return false;
    *out_lsn = bytes_get_u64(value.data);
    rule->n_cut = bytes_get_u64(value.data + F64);
    if (rule->n_cut > LIMIT_CUTS) return false;
    out->n_slot = eligibility_slots(rule);
    if (value.n != (at + rule->n_cut + 2 * out->n_slot) * F64) return false;
    rule->max_rate = f64_at(value, 2);
    rule->fading = f64_at(value, 3);
    rule->acceleration = f64_at(value, 4);
    for (size_t k = 0; k < rule->n_cut; k++) rule->cut[k] = f64_at(value, at++);
    for (size_t s = 0; s < out->n_slot; s++) out->sessions[s] = f64_at(value, at++);
    for (size_t s = 0; s < out->n_slot; s++) out->weight[s] = f64_at(value, at++);
    return true;
}

static enum status visit_tally(void *context, struct slice key, struct slice value)
{
    const struct tally_visitor *visitor = context;
    struct tally_item item;
    struct tally_name name;
    struct eligibility_counts counts;
    uint64_t lsn;

    if (!tally_key_read(key, &name, &item.id)) return CORRUPT;
    if (item.id.n == 0) {
        if (!head_read(value, &lsn, &counts)) return CORRUPT;
        return visitor->head(visitor->context, &name, lsn, &counts);
    }
    if (value.n < 4) return CORRUPT;
    item.uses = bytes_get_u32(value.data);
    item.values = slice_of(value.data + 4, value.n - 4);
    return visitor->item(visitor->context, &item);
}

enum status tally_each(struct env *env, struct tally_visitor visitor)
{
    return env_each(env, TABLE_EXPOSURE, slice_of(NULL, 0),
                    (struct visitor){visit_tally, &visitor});
}

enum status tally_item_values(const struct tally_item *item, struct eligibility_counts *counts,
                              size_t place)
{
    size_t at = place * counts->n_slot;

    if (item->values.n != 2 * counts->n_slot * F64) return CORRUPT;
    for (size_t s = 0; s < counts->n_slot; s++) {
        counts->asked[at + s] = f64_at(item->values, 2 * s);
        counts->kept[at + s] = f64_at(item->values, 2 * s + 1);
    }
    return OK;
}

void used_put(const struct env *env, struct batch *batch, const struct tally_name *name,
              uint32_t most, uint32_t number, struct slice item)
{
    struct key key = tally_key(name);

    bytes_put_u32(key.bytes + key.n, most);
    bytes_put_u32(key.bytes + key.n + 4, number);
    key.n += 8;
    batch_put(env, batch, TABLE_USED, key_slice(&key), item, NULL);
}

struct used_visit {
    enum status (*visit)(void *context, const struct tally_name *name, uint32_t most,
                         struct slice item);
    void *context;
};

static enum status visit_used(void *context, struct slice key, struct slice value)
{
    const struct used_visit *visit = context;
    struct tally_name name;
    struct slice rest;

    if (!tally_key_read(key, &name, &rest) || rest.n != 8) return CORRUPT;
    return visit->visit(visit->context, &name, bytes_get_u32(rest.data), value);
}

enum status used_each(struct env *env,
                      enum status (*visit)(void *context, const struct tally_name *name,
                                           uint32_t most, struct slice item),
                      void *context)
{
    struct used_visit used = {visit, context};

    return env_each(env, TABLE_USED, slice_of(NULL, 0), (struct visitor){visit_used, &used});
}

static struct key seen_prefix(const struct seen_key *seen)
{
    struct key key = {.n = 0};

    key_name(&key, seen->tenant);
    key_name(&key, seen->bank);
    key_name(&key, seen->examinee);
    return key;
}

void seen_put(const struct env *env, struct batch *batch, const struct seen_key *seen,
              struct slice items)
{
    struct key key = seen_prefix(seen);

    key_text(&key, seen->session);
    batch_put(env, batch, TABLE_SEEN, key_slice(&key), items, NULL);
}

void seen_remove(struct batch *batch, const struct seen_key *seen)
{
    struct key key = seen_prefix(seen);

    key_text(&key, seen->session);
    batch_remove(batch, TABLE_SEEN, key_slice(&key));
}

struct seen_visit {
    struct key prefix;
    struct decoder decoder;
    void (*visit)(void *context, int64_t time_ms, struct slice item);
    void *context;
};

static enum status visit_seen(void *context, struct slice key, struct slice value)
{
    struct seen_visit *visit = context;
    struct slice prefix = key_slice(&visit->prefix), item;
    msgpack_object root;
    struct fault fault;
    int64_t time_ms;
    enum status st;

    if (key.n < prefix.n || memcmp(key.data, prefix.data, prefix.n) != 0) return NOT_FOUND;
    st = decode(&visit->decoder, value, &root, &fault);
    if (st) return st == NO_MEMORY ? st : CORRUPT;
    if (root.type != MSGPACK_OBJECT_ARRAY || root.via.array.size == 0 ||
        !object_int(&root.via.array.ptr[0], -LIMIT_INT, LIMIT_INT, &time_ms)) {
        return CORRUPT;
    }
    for (uint32_t i = 1; i < root.via.array.size; i++) {
        if (!object_id(&root.via.array.ptr[i], &item)) return CORRUPT;
        visit->visit(visit->context, time_ms, item);
    }
    return OK;
}

enum status seen_each(struct env *env, const struct seen_key *key,
                      void (*visit)(void *context, int64_t time_ms, struct slice item),
                      void *context)
{
    struct seen_visit seen = {.prefix = seen_prefix(key), .visit = visit, .context = context};
    enum status st = decoder_init(&seen.decoder);

    if (st) return st;
    st = env_each(env, TABLE_SEEN, key_slice(&seen.prefix), (struct visitor){visit_seen, &seen});
    decoder_done(&seen.decoder);
    return st;
}
