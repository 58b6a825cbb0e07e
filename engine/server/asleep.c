/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of a hundred thousand sessions the next event's is in no cache. One event at a time, finding it
 * took as long as all else that a start does with the event. Found one right after the other, with
 * nothing between, their waits for memory overlap: so events are noted first, and brought to their
 * sessions some at a time. */
#include "server/asleep.h"
#include "server/hash.h"
#include "server/lsns.h"

#include <stdlib.h>
#include <string.h>

struct asleep_session {
    uint64_t *lsn;
    uint32_t n_lsn, cap_lsn;
    uint32_t n_next;           // the number of the event that would come next
    uint8_t seal[SEAL_BYTES];  // of the last event
    bool ended, lost;
    UT_hash_handle hh;
    uint16_t n_tenant, n_key;
    uint8_t key[];  // tenant 0 session
};

static struct asleep_session *find(const struct asleep *asleep, const struct session_key *key,
                                   unsigned hash)
{
    struct asleep_session *found;

    HASH_FIND_BYHASHVALUE(hh, asleep->table, key->bytes, key->n, hash, found);
    return found;
}

static unsigned hash_of(const struct session_key *key)
{
    unsigned hash;

    HASH_VALUE(key->bytes, key->n, hash);
    return hash;
}

struct asleep_session *asleep_find(const struct asleep *asleep, struct slice tenant,
                                   struct slice session)
{
    struct session_key key;

    if (!asleep->table) return NULL;
    key = session_key_of(tenant, session);
    return find(asleep, &key, hash_of(&key));
}

static struct asleep_session *add(struct asleep *asleep, const struct asleep_event *event)
{
    const struct session_key *key = &event->key;
    struct asleep_session *session = calloc(1, sizeof(*session) + key->n);

    if (!session) return NULL;
    memcpy(session->key, key->bytes, key->n);
    session->n_key = (uint16_t)key->n;
    session->n_tenant = event->n_tenant;
    session->n_next = event->n;
    memcpy(session->seal, event->previous, SEAL_BYTES);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, asleep->table, session->key, key->n, event->hash, session);
    if (!session->lost) return session;
    free(session);
    return NULL;
}

/* Bring an event to its session. */
static enum status settle(struct asleep *asleep, const struct asleep_event *event,
                          struct asleep_session *session)
{
    if (lsns_reserve(&session->lsn, session->n_lsn, &session->cap_lsn) != OK) return NO_MEMORY;
    if (event->n != session->n_next || memcmp(event->previous, session->seal, SEAL_BYTES) != 0) {
        return CORRUPT;
    }
    session->lsn[session->n_lsn++] = event->lsn;
    session->n_next++;
    memcpy(session->seal, event->seal, SEAL_BYTES);
    asleep->n_ended -= session->ended;
    session->ended = event->is_end;
    asleep->n_ended += session->ended;
    return OK;
}

enum status asleep_settle(struct asleep *asleep)
{
    struct asleep_session *session[ASLEEP_NOTED];
    size_t n = asleep->n_noted;
    enum status st = OK;

    asleep->n_noted = 0;
    for (size_t i = 0; i < n; i++) {
        session[i] = find(asleep, &asleep->noted[i].key, asleep->noted[i].hash);
    }
    for (size_t i = 0; i < n && st == OK; i++) {
        const struct asleep_event *event = &asleep->noted[i];

        /* One just before it may have been its session's first. */
        if (!session[i]) session[i] = find(asleep, &event->key, event->hash);
        if (!session[i]) session[i] = add(asleep, event);
        st = session[i] ? settle(asleep, event, session[i]) : NO_MEMORY;
    }
    return st;
}

enum status asleep_note(struct asleep *asleep, const struct stored_event *stored)
{
    const struct event_record *record = stored->record;
    struct asleep_event *event = &asleep->noted[asleep->n_noted++];

    event->key = session_key_of(record->tenant, record->session);
    event->hash = hash_of(&event->key);
    event->n_tenant = (uint16_t)record->tenant.n;
    event->n = record->n;
    event->lsn = stored->lsn;
    memcpy(event->previous, record->previous, SEAL_BYTES);
    memcpy(event->seal, stored->seal, SEAL_BYTES);
    event->is_end = record->outcome.stop || record->event.kind == EVENT_VOIDED;
    return asleep->n_noted == ASLEEP_NOTED ? asleep_settle(asleep) : OK;
}

struct asleep_session *asleep_first(const struct asleep *asleep)
{
    return asleep->table;
}

struct asleep_session *asleep_next(const struct asleep_session *session)
{
    return session->hh.next;
}

struct asleep_events asleep_events(const struct asleep_session *session)
{
    const uint8_t *id = session->key + session->n_tenant + 1;

    return (struct asleep_events){.tenant = slice_of(session->key, session->n_tenant),
                                  .session = slice_of(id, session->n_key - session->n_tenant - 1u),
                                  .lsn = session->lsn,
                                  .n_lsn = session->n_lsn,
                                  .n_before = session->n_next - session->n_lsn};
}

void asleep_remove(struct asleep *asleep, struct asleep_session *session)
{
    asleep->n_ended -= session->ended;
    HASH_DEL(asleep->table, session);
    free(session->lsn);
    free(session);
}

size_t asleep_n(const struct asleep *asleep)
{
    return HASH_COUNT(asleep->table);
}

void asleep_done(struct asleep *asleep)
{
    asleep->n_noted = 0;
    while (asleep->table) asleep_remove(asleep, asleep->table);
}
