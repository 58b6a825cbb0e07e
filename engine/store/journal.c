/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/journal.h"
#include "base/bytes.h"

#include <string.h>

enum { LSN_BYTES = 8, ARCHIVE_HEAD = 12, ARCHIVE_KEY = 2 * LIMIT_ID + 1 };

static struct slice lsn_key(uint64_t lsn, uint8_t bytes[LSN_BYTES])
{
    bytes_put_u64(bytes, lsn);
    return slice_of(bytes, LSN_BYTES);
}

enum status journal_init(struct journal *journal, struct env *env)
{
    struct buf last = {0};
    enum status st = env_last_key(env, TABLE_JOURNAL, &last);

    *journal = (struct journal){.env = env, .next_lsn = 1};
    if (st == OK && last.n == LSN_BYTES)
        journal->next_lsn = bytes_get_u64(last.data) + 1;
    else if (st == OK)
        st = CORRUPT;
    buf_done(&last);
    return st == NOT_FOUND ? OK : st;
}

void journal_done(struct journal *journal)
{
    buf_done(&journal->scratch);
}

uint64_t journal_append(struct journal *journal, struct batch *batch,
                        const struct event_record *record, uint8_t out_seal[SEAL_BYTES])
{
    uint64_t lsn = journal->next_lsn++;
    uint8_t key[LSN_BYTES];

    buf_clear(&journal->scratch);
    event_record_write(record, &journal->scratch);
    if (journal->scratch.failed) batch->bytes.failed = true;
    batch_put(journal->env, batch, TABLE_JOURNAL, lsn_key(lsn, key), buf_slice(&journal->scratch),
              out_seal);
    return lsn;
}

/* A walk over stored events, decoding each. */
struct walk {
    struct env *env;
    struct decoder decoder;
    struct event_visitor visitor;
};

static enum status walk_event(struct walk *walk, struct slice key, struct slice value)
{
    struct event_record record;
    struct stored_event event = {.bytes = value, .record = &record};
    enum status st = event_record_read(&walk->decoder, value, &record);

    if (st) return st;
    event.lsn = bytes_get_u64(key.data);
    env_seal(walk->env, TABLE_JOURNAL, key, value, event.seal);
    return walk->visitor.visit(walk->visitor.context, &event);
}

static enum status visit_journal(void *context, struct slice key, struct slice value)
{
    return key.n == LSN_BYTES ? walk_event(context, key, value) : CORRUPT;
}

enum status journal_each(struct journal *journal, struct event_visitor visitor)
{
    struct walk walk = {.env = journal->env, .visitor = visitor};
    enum status st = decoder_init(&walk.decoder);

    if (st) return st;
    st = env_each(journal->env, TABLE_JOURNAL, slice_of(NULL, 0),
                  (struct visitor){visit_journal, &walk});
    decoder_done(&walk.decoder);
    return st;
}

enum status journal_get(struct journal *journal, uint64_t lsn, struct buf *out)
{
    uint8_t key[LSN_BYTES];

    return env_get(journal->env, TABLE_JOURNAL, lsn_key(lsn, key), out);
}

void journal_trim(struct journal *journal, struct batch *batch, uint64_t first, uint64_t end)
{
    for (uint64_t lsn = first; lsn < end && lsn + 1 < journal->next_lsn; lsn++) {
        uint8_t key[LSN_BYTES];

        batch_remove(batch, TABLE_JOURNAL, lsn_key(lsn, key));
    }
}

static enum status first_key(void *context, struct slice key, struct slice value)
{
    uint64_t *out = context;

    (void)value;
    if (key.n != LSN_BYTES) return CORRUPT;
    *out = bytes_get_u64(key.data);
    return NOT_FOUND;
}

enum status journal_first(struct journal *journal, uint64_t *out_lsn)
{
    *out_lsn = journal->next_lsn;
    return env_each(journal->env, TABLE_JOURNAL, slice_of(NULL, 0),
                    (struct visitor){first_key, out_lsn});
}

void archive_append(struct buf *archive, uint64_t lsn, struct slice bytes)
{
    uint8_t head[ARCHIVE_HEAD];

    bytes_put_u64(head, lsn);
    bytes_put_u32(head + LSN_BYTES, (uint32_t)bytes.n);
    buf_append(archive, head, sizeof(head));
    buf_append(archive, bytes.data, bytes.n);
}

static struct slice archive_key(struct slice tenant, struct slice session,
                                uint8_t bytes[ARCHIVE_KEY])
{
    memcpy(bytes, tenant.data, tenant.n);
    bytes[tenant.n] = 0;
    memcpy(bytes + tenant.n + 1, session.data, session.n);
    return slice_of(bytes, tenant.n + 1 + session.n);
}

void archive_put(const struct env *env, struct batch *batch, struct slice tenant,
                 struct slice session, struct slice archive)
{
    uint8_t key[ARCHIVE_KEY];

    batch_put(env, batch, TABLE_ARCHIVE, archive_key(tenant, session, key), archive, NULL);
}

enum status archive_get(struct env *env, struct slice tenant, struct slice session, struct buf *out)
{
    uint8_t key[ARCHIVE_KEY];

    return env_get(env, TABLE_ARCHIVE, archive_key(tenant, session, key), out);
}

enum status archive_each(struct env *env, struct slice archive, struct event_visitor visitor)
{
    struct walk walk = {.env = env, .visitor = visitor};
    enum status st = decoder_init(&walk.decoder);

    if (st) return st;
    while (archive.n > 0 && st == OK) {
        struct slice key = slice_of(archive.data, LSN_BYTES);
        size_t n = archive.n < ARCHIVE_HEAD ? 0 : bytes_get_u32(archive.data + LSN_BYTES);

        if (archive.n < ARCHIVE_HEAD + n) {
            st = CORRUPT;
            break;
        }
        st = walk_event(&walk, key, slice_of(archive.data + ARCHIVE_HEAD, n));
        archive.data += ARCHIVE_HEAD + n;
        archive.n -= ARCHIVE_HEAD + n;
    }
    decoder_done(&walk.decoder);
    return st;
}
