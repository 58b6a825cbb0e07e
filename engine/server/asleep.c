/* SPDX-License-Identifier: GPL-3.0-or-later */
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

struct asleep_session *asleep_find(const struct asleep *asleep, struct slice tenant,
                                   struct slice session)
{
    struct session_key key;
    struct asleep_session *found;

    if (!asleep->table) return NULL;
    key = session_key_of(tenant, session);
    HASH_FIND(hh, asleep->table, key.bytes, key.n, found);
    return found;
}

static struct asleep_session *add(struct asleep *asleep, const struct event_record *record)
{
    struct session_key key = session_key_of(record->tenant, record->session);
    struct asleep_session *session = calloc(1, sizeof(*session) + key.n);

    if (!session) return NULL;
    memcpy(session->key, key.bytes, key.n);
    session->n_key = (uint16_t)key.n;
    session->n_tenant = (uint16_t)record->tenant.n;
    session->n_next = record->n;
    memcpy(session->seal, record->previous, SEAL_BYTES);
    HASH_ADD_KEYPTR(hh, asleep->table, session->key, session->n_key, session);
    if (!session->lost) return session;
    free(session);
    return NULL;
}

enum status asleep_note(struct asleep *asleep, const struct stored_event *stored)
{
    const struct event_record *record = stored->record;
    struct asleep_session *session = asleep_find(asleep, record->tenant, record->session);

    if (!session) session = add(asleep, record);
    if (!session || lsns_reserve(&session->lsn, session->n_lsn, &session->cap_lsn) != OK) {
        return NO_MEMORY;
    }
    if (record->n != session->n_next || memcmp(record->previous, session->seal, SEAL_BYTES) != 0) {
        return CORRUPT;
    }
    session->lsn[session->n_lsn++] = stored->lsn;
    session->n_next++;
    memcpy(session->seal, stored->seal, SEAL_BYTES);
    asleep->n_ended -= session->ended;
    session->ended = record->outcome.stop || record->event.kind == EVENT_VOIDED;
    asleep->n_ended += session->ended;
    return OK;
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
    while (asleep->table) asleep_remove(asleep, asleep->table);
}
