/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/journal.h"
#include "base/bytes.h"

#include <assert.h>
#include <string.h>

enum { LSN_BYTES = 8, ARCHIVE_HEAD = 12, HEAD_BYTES = LSN_BYTES + SEAL_BYTES };

static struct slice lsn_key(uint64_t lsn, uint8_t bytes[LSN_BYTES])
{
    bytes_put_u64(bytes, lsn);
    return slice_of(bytes, LSN_BYTES);
}

enum status journal_read_head(struct env *env, struct journal_head *out)
{
    struct buf found = {0};
    enum status st = env_get(env, TABLE_META, slice_str("head"), &found);

    *out = (struct journal_head){0};
    if (st == OK && found.n == HEAD_BYTES) {
        out->lsn = bytes_get_u64(found.data);
        memcpy(out->seal, found.data + LSN_BYTES, SEAL_BYTES);
    } else if (st == OK) {
        st = CORRUPT;
    }
    buf_done(&found);
    return st == NOT_FOUND ? OK : st;
}

/* The seal of an event in the journal, of a damaged one as it stands there. NOT_FOUND. */
static enum status seal_of(struct journal *journal, uint64_t lsn, uint8_t out_seal[SEAL_BYTES])
{
    enum status st = journal_get_damaged(journal, lsn, &journal->scratch);

    if (st) return st;
    if (journal->scratch.n < SEAL_BYTES) return CORRUPT;
    memcpy(out_seal, journal->scratch.data, SEAL_BYTES);
    return OK;
}

struct journal_head journal_newest(const struct journal *journal)
{
    struct journal_head newest = {.lsn = journal->next_lsn - 1};

    memcpy(newest.seal, journal->head, SEAL_BYTES);
    return newest;
}

enum status journal_agrees(struct journal *journal, const struct journal_head *head)
{
    uint8_t seal[SEAL_BYTES];
    enum status st = head->lsn > 0 ? seal_of(journal, head->lsn, seal) : NOT_FOUND;

    if (st) return st == NOT_FOUND ? OK : st;
    if (memcmp(seal, head->seal, SEAL_BYTES) == 0) return OK;
    st = journal_get(journal, head->lsn, &journal->scratch);
    return st == OK ? CORRUPT : st == CORRUPT ? OK : st;  // sound, and yet another one
}

/* The event of the written head is not in the journal where it was erased; numbers go on from it
 * all the same. */
static enum status init_head(struct journal *journal)
{
    struct journal_head head;
    enum status st = journal_read_head(journal->env, &head);

    if (st) return st;
    journal->anchored = head.lsn;
    if (head.lsn >= journal->next_lsn) {
        journal->next_lsn = head.lsn + 1;
        memcpy(journal->head, head.seal, SEAL_BYTES);
        return OK;
    }
    return journal_agrees(journal, &head);
}

enum status journal_init(struct journal *journal, struct env *env)
{
    struct buf last = {0};
    enum status st = env_last_key(env, TABLE_JOURNAL, &last);

    *journal = (struct journal){.env = env, .next_lsn = 1};
    if (st == OK && last.n == LSN_BYTES) {
        journal->next_lsn = bytes_get_u64(last.data) + 1;
        st = seal_of(journal, journal->next_lsn - 1, journal->head);
    } else if (st == OK) {
        st = CORRUPT;
    }
    buf_done(&last);
    return st == OK || st == NOT_FOUND ? init_head(journal) : st;
}

void journal_anchor(struct journal *journal, struct batch *batch)
{
    uint8_t head[HEAD_BYTES];

    if (journal->anchored + 1 >= journal->next_lsn) return;
    journal->anchored = journal->next_lsn - 1;
    bytes_put_u64(head, journal->anchored);
    memcpy(head + LSN_BYTES, journal->head, SEAL_BYTES);
    batch_put(journal->env, batch, TABLE_META, slice_str("head"), slice_of(head, sizeof(head)),
              NULL);
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
    buf_append(&journal->scratch, journal->head, SEAL_BYTES);
    event_record_write(record, &journal->scratch);
    if (journal->scratch.failed) batch->bytes.failed = true;
    batch_put(journal->env, batch, TABLE_JOURNAL, lsn_key(lsn, key), buf_slice(&journal->scratch),
              journal->head);
    if (out_seal) memcpy(out_seal, journal->head, SEAL_BYTES);
    return lsn;
}

struct slice journal_record(const struct env *env, uint64_t lsn, struct slice value)
{
    if (lsn < env_linked(env)) return value;
    if (value.n < SEAL_BYTES) return slice_of(NULL, 0);
    return slice_of(value.data + SEAL_BYTES, value.n - SEAL_BYTES);
}

/* A walk over stored events, decoding each. */
struct walk {
    struct env *env;
    struct event_visitor visitor;
    enum status (*damaged)(void *context, uint64_t lsn);
    struct stored_event event;  // the last, of lsn 0 before the first
};

/* Pre: walk->event has lsn and seal. */
static enum status walk_event(struct walk *walk, struct slice value)
{
    struct stored_event *event = &walk->event;
    struct event_record record;
    enum status st;

    event->bytes = value;
    event->link = event->lsn < env_linked(walk->env) ? NULL : value.data;
    event->record = &record;
    st = event_record_read(journal_record(walk->env, event->lsn, value), &record);
    return st ? st : walk->visitor.visit(walk->visitor.context, event);
}

static enum status visit_journal(void *context, struct slice key, struct slice value)
{
    struct walk *walk = context;
    uint64_t before = walk->event.lsn;
    uint8_t link[SEAL_BYTES];

    if (key.n != LSN_BYTES) return CORRUPT;
    walk->event.lsn = bytes_get_u64(key.data);
    memcpy(link, walk->event.seal, SEAL_BYTES);
    memcpy(walk->event.seal, value.data - SEAL_BYTES, SEAL_BYTES);
    if (before > 0 && walk->event.lsn == before + 1 && walk->event.lsn >= env_linked(walk->env) &&
        (value.n < SEAL_BYTES || memcmp(link, value.data, SEAL_BYTES) != 0)) {
        return CORRUPT;
    }
    return walk_event(walk, value);
}

/* The next one's link cannot be compared with anything. */
static enum status visit_damaged(void *context, struct slice key)
{
    struct walk *walk = context;

    if (key.n != LSN_BYTES || !walk->damaged) return CORRUPT;
    walk->event.lsn = 0;
    return walk->damaged(walk->visitor.context, bytes_get_u64(key.data));
}

enum status journal_each_any(struct env *env, uint64_t from, struct event_visitor visitor,
                             enum status (*damaged)(void *context, uint64_t lsn))
{
    struct walk walk = {.env = env, .visitor = visitor, .damaged = damaged};
    uint8_t key[LSN_BYTES];

    return env_each_any(env, TABLE_JOURNAL, lsn_key(from, key),
                        (struct visitor){visit_journal, &walk}, visit_damaged);
}

enum status journal_each(struct env *env, uint64_t from, struct event_visitor visitor)
{
    return journal_each_any(env, from, visitor, NULL);
}

enum status journal_get(struct journal *journal, uint64_t lsn, struct buf *out)
{
    uint8_t key[LSN_BYTES];

    return env_get(journal->env, TABLE_JOURNAL, lsn_key(lsn, key), out);
}

enum status journal_visit(struct journal *journal, uint64_t lsn, struct buf *room,
                          struct event_visitor visitor)
{
    struct walk walk = {.env = journal->env, .visitor = visitor, .event.lsn = lsn};
    uint8_t key[LSN_BYTES];
    enum status st = env_get_sealed(journal->env, TABLE_JOURNAL, lsn_key(lsn, key), room);

    if (st) return st;
    memcpy(walk.event.seal, room->data, SEAL_BYTES);
    return walk_event(&walk, slice_of(room->data + SEAL_BYTES, room->n - SEAL_BYTES));
}

enum status journal_get_damaged(struct journal *journal, uint64_t lsn, struct buf *out)
{
    uint8_t key[LSN_BYTES];

    return env_get_damaged(journal->env, TABLE_JOURNAL, lsn_key(lsn, key), out);
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

struct session_key session_key_of(struct slice tenant, struct slice session)
{
    struct session_key key = {.n = tenant.n + 1 + session.n};

    assert(key.n <= sizeof(key.bytes));
    memcpy(key.bytes, tenant.data, tenant.n);
    if (session.n > 0) memcpy(key.bytes + tenant.n + 1, session.data, session.n);
    return key;
}

struct slice session_key_slice(const struct session_key *key)
{
    return slice_of(key->bytes, key->n);
}

bool session_key_read(struct slice key, struct slice *out_tenant, struct slice *out_session)
{
    const uint8_t *end = memchr(key.data, 0, key.n);

    if (!end) return false;
    *out_tenant = slice_of(key.data, (size_t)(end - key.data));
    *out_session = slice_of(end + 1, key.n - out_tenant->n - 1);
    return true;
}

bool archive_next(struct slice *rest, uint64_t *out_lsn, struct slice *out_value)
{
    size_t n = rest->n < ARCHIVE_HEAD ? 0 : bytes_get_u32(rest->data + LSN_BYTES);

    if (rest->n < ARCHIVE_HEAD + n) return false;
    *out_lsn = bytes_get_u64(rest->data);
    *out_value = slice_of(rest->data + ARCHIVE_HEAD, n);
    *rest = slice_of(rest->data + ARCHIVE_HEAD + n, rest->n - ARCHIVE_HEAD - n);
    return true;
}

uint64_t archive_last(struct slice archive)
{
    struct slice value;
    uint64_t lsn = 0;

    while (archive_next(&archive, &lsn, &value)) continue;
    return lsn;
}

void archive_put(const struct env *env, struct batch *batch, struct slice tenant,
                 struct slice session, struct slice archive)
{
    struct session_key key = session_key_of(tenant, session);

    batch_put(env, batch, TABLE_ARCHIVE, session_key_slice(&key), archive, NULL);
}

enum status archive_get(struct env *env, struct slice tenant, struct slice session, struct buf *out)
{
    struct session_key key = session_key_of(tenant, session);

    return env_get(env, TABLE_ARCHIVE, session_key_slice(&key), out);
}

enum status archive_has(struct env *env, struct slice tenant, struct slice session,
                        struct buf *room)
{
    struct session_key key = session_key_of(tenant, session);

    return env_get_damaged(env, TABLE_ARCHIVE, session_key_slice(&key), room);
}

struct scan {
    struct slice tenant, after;
    struct visitor visitor;
    enum status (*damaged)(void *context, struct slice id);
};

/* Whether the key is of the tenant and behind `after`: OK, with the session's id; NOT_FOUND past
 * the last one of the tenant. EXISTS: it is `after` itself. */
static enum status scan_key(const struct scan *scan, struct slice key, struct slice *out_id)
{
    size_t head = scan->tenant.n + 1;

    if (key.n < head || key.data[head - 1] != 0) return NOT_FOUND;
    if (!slice_equal(slice_of(key.data, head - 1), scan->tenant)) return NOT_FOUND;
    *out_id = slice_of(key.data + head, key.n - head);
    return slice_equal(*out_id, scan->after) ? EXISTS : OK;
}

static enum status visit_archived(void *context, struct slice key, struct slice value)
{
    const struct scan *scan = context;
    struct slice id;
    enum status st = scan_key(scan, key, &id);

    if (st) return st == EXISTS ? OK : st;
    return scan->visitor.visit(scan->visitor.context, id, value);
}

static enum status visit_damaged_record(void *context, struct slice key)
{
    const struct scan *scan = context;
    struct slice id;
    enum status st = scan_key(scan, key, &id);

    if (st) return st == EXISTS ? OK : st;
    return scan->damaged(scan->visitor.context, id);
}

enum status archive_scan(struct env *env, struct slice tenant, struct slice after,
                         struct visitor visitor,
                         enum status (*damaged)(void *context, struct slice id))
{
    struct scan scan = {.tenant = tenant, .after = after, .visitor = visitor, .damaged = damaged};
    struct session_key key = session_key_of(tenant, after);

    return env_each_any(env, TABLE_ARCHIVE, session_key_slice(&key),
                        (struct visitor){visit_archived, &scan}, visit_damaged_record);
}

enum status archive_each(struct env *env, struct slice archive, struct event_visitor visitor)
{
    struct walk walk = {.env = env, .visitor = visitor};
    uint8_t key[LSN_BYTES];
    struct slice value;
    enum status st = OK;

    while (st == OK && archive_next(&archive, &walk.event.lsn, &value)) {
        env_seal(env, TABLE_JOURNAL, lsn_key(walk.event.lsn, key), value, walk.event.seal);
        st = walk_event(&walk, value);
    }
    return st == OK && archive.n > 0 ? CORRUPT : st;
}
