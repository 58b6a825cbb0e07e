/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/format.h"
#include "base/bytes.h"

/* Format 2: events from the next one on name the seal of the event before them. Those that are
 * there stay as they are, so that a large store is migrated at once. */
static enum status begin_links(struct env *env, struct batch *batch)
{
    struct buf last = {0};
    enum status st = env_last_key(env, TABLE_JOURNAL, &last);
    uint8_t bytes[8];

    if (st == OK && last.n != sizeof(bytes)) st = CORRUPT;
    bytes_put_u64(bytes, st == OK ? bytes_get_u64(last.data) + 1 : 1);
    buf_done(&last);
    if (st && st != NOT_FOUND) return st;
    batch_put(env, batch, TABLE_META, slice_str("linked"), slice_of(bytes, sizeof(bytes)), NULL);
    return OK;
}

/* What makes a store of the format that is the index one of the next; all steps that are needed are
 * one transaction. Format 0 is a new store. */
static enum status (*const migrations[STORE_FORMAT])(struct env *, struct batch *) = {
    [1] = begin_links,
};

static enum status migrate(struct env *env, unsigned from, struct fault *fault)
{
    const uint8_t format = STORE_FORMAT;
    struct batch batch = {0};
    enum status st = OK;

    for (unsigned i = from; i < STORE_FORMAT && st == OK; i++) {
        if (migrations[i]) st = migrations[i](env, &batch);
    }
    if (st == OK) {
        batch_put(env, &batch, TABLE_META, slice_str("format"), slice_of(&format, 1), NULL);
        st = env_commit(env, &batch, fault);
    }
    batch_done(&batch);
    return st;
}

static enum status check_format(struct env *env, bool read_only, struct fault *fault)
{
    struct buf found = {0};
    enum status st = env_get(env, TABLE_META, slice_str("format"), &found);
    unsigned format = st == OK && found.n == 1 ? found.data[0] : 0;

    buf_done(&found);
    if (st == OK && format == STORE_FORMAT) return OK;
    if (st && st != NOT_FOUND) {
        fault_set(fault, NULL, "data_dir",
                  "the store's format record is damaged or cannot be read");
        return st;
    }
    if (format > STORE_FORMAT || (st == OK && format == 0)) {
        fault_set(fault, NULL, "format",
                  "the store has format %u, this program knows up to %d: it takes a newer one",
                  format, STORE_FORMAT);
        return CORRUPT;
    }
    if (read_only) {
        fault_set(fault, NULL, "format",
                  "the store has format %u and this program reads %d: start its daemon on it once",
                  format, STORE_FORMAT);
        return CORRUPT;
    }
    fault_set(fault, NULL, "data_dir", "the store cannot be brought to format %d", STORE_FORMAT);
    return migrate(env, format, fault);
}

static enum status load_linked(struct env *env, uint64_t *out_linked, struct fault *fault)
{
    struct buf found = {0};
    enum status st = env_get(env, TABLE_META, slice_str("linked"), &found);

    if (st == OK && found.n == 8)
        *out_linked = bytes_get_u64(found.data);
    else if (st == OK || st == NOT_FOUND)
        st = CORRUPT;
    if (st) fault_set(fault, NULL, "data_dir", "the store's record of links is damaged");
    buf_done(&found);
    return st;
}

enum status format_check(struct env *env, bool read_only, uint64_t *out_linked, struct fault *fault)
{
    enum status st = check_format(env, read_only, fault);

    return st ? st : load_linked(env, out_linked, fault);
}
