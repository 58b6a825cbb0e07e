/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/erase.h"
#include "base/bytes.h"
#include "server/log.h"
#include "store/exposure_store.h"

#include <string.h>

enum { OLD_MOST = 64 };  // sessions erased at a time

static const int64_t day_ms = 24LL * 3600 * 1000;

/* A session on its way out. */
struct removal {
    const struct erasure *erasure;
    struct buf links, bytes;
};

/* What its examinee has seen in it. */
static void forget_seen(struct removal *removal, const struct event_record *first)
{
    struct seen_key key = {.tenant = first->tenant,
                           .bank = first->identity.bank,
                           .examinee = first->identity.examinee,
                           .session = first->session};

    if (first->event.kind == EVENT_STARTED) seen_remove(&removal->erasure->server->batch, &key);
}

static void remove_event(struct removal *removal, uint64_t lsn, struct slice value)
{
    struct server *server = removal->erasure->server;
    uint8_t seal[SEAL_BYTES], key[8];

    bytes_put_u64(key, lsn);
    env_seal(server->env, TABLE_JOURNAL, slice_of(key, sizeof(key)), value, seal);
    erased_link(&removal->links, lsn, seal);
    batch_remove(&server->batch, TABLE_JOURNAL, slice_of(key, sizeof(key)));
}

/* The links of sessions of that name that were erased before. */
static enum status keep_links(struct removal *removal, struct slice tenant, struct slice session)
{
    struct tombstone before;
    enum status st =
        erased_get(removal->erasure->server->env, tenant, session, &removal->bytes, &before);

    if (st == OK) buf_append(&removal->links, before.links.data, before.links.n);
    return st == NOT_FOUND ? OK : st;
}

/* All its events must be readable before the first is removed: what is not yet on disk, or damaged,
 * must not leave half a session. */
static enum status check_events(struct removal *removal, const struct session_events *events,
                                struct slice archive)
{
    uint64_t lsn, archived = archive_last(archive);
    struct slice value;
    uint32_t n = 0;

    for (uint32_t i = 0; i < events->n_lsn; i++) {
        enum status st;

        if (events->lsn[i] <= archived) continue;
        st = journal_get(&removal->erasure->server->journal, events->lsn[i], &removal->bytes);
        if (st) return st == NOT_FOUND ? RETRY : st;
        n++;
    }
    while (archive_next(&archive, &lsn, &value)) n++;
    return events->n_event > 0 && events->n_event != n ? RETRY : OK;
}

static enum status find_first(void *context, const struct stored_event *event)
{
    if (event->record->n == 0) forget_seen(context, event->record);
    return OK;
}

static enum status remove_events(struct removal *removal, struct slice tenant, struct slice session)
{
    struct server *server = removal->erasure->server;
    struct session_events events = sessions_events(server->sessions, tenant, session);
    struct buf archive = {0};
    enum status st = archive_get(server->env, tenant, session, &archive);
    uint64_t lsn, archived = archive_last(buf_slice(&archive));
    struct slice rest, value;

    if (st == OK || st == NOT_FOUND) st = check_events(removal, &events, buf_slice(&archive));
    for (uint32_t i = 0; i < events.n_lsn && st == OK; i++) {
        if (events.lsn[i] <= archived) continue;
        st = journal_get(&server->journal, events.lsn[i], &removal->bytes);
        if (st == OK) archive_append(&archive, events.lsn[i], buf_slice(&removal->bytes));
    }
    if (st == OK && archive.failed) st = NO_MEMORY;
    rest = buf_slice(&archive);
    if (st == OK) {
        st = archive_each(server->env, rest, (struct event_visitor){find_first, removal});
    }
    while (st == OK && archive_next(&rest, &lsn, &value)) remove_event(removal, lsn, value);
    buf_done(&archive);
    return st;
}

static void bury(struct removal *removal, struct slice tenant, struct slice session)
{
    const struct erasure *erasure = removal->erasure;
    struct server *server = erasure->server;
    struct session_key key = session_key_of(tenant, session);
    struct tombstone tombstone = {.erased_ms = erasure->now_ms,
                                  .who = erasure->who,
                                  .reason = erasure->reason,
                                  .links = buf_slice(&removal->links)};

    if (removal->links.failed) server->batch.bytes.failed = true;
    exposure_erase(server->exposure, &server->batch, server->journal.next_lsn);
    batch_remove(&server->batch, TABLE_ARCHIVE, session_key_slice(&key));
    erased_put(server->env, &server->batch, tenant, session, &tombstone);
    journal_anchor(&server->journal, &server->batch);  // numbers go on though its last event goes
    sessions_forget(server->sessions, tenant, session);
    server->has_erased = true;
}

enum status erase_session(const struct erasure *erasure, struct slice tenant, struct slice session)
{
    struct removal removal = {.erasure = erasure};
    size_t n_kept;
    enum status st = keep_links(&removal, tenant, session);

    n_kept = removal.links.n;
    if (st == OK) st = remove_events(&removal, tenant, session);
    if (st == OK && removal.links.n > n_kept) bury(&removal, tenant, session);
    buf_done(&removal.links);
    buf_done(&removal.bytes);
    return st;
}

/* A look at some of the archive. */
struct look {
    struct server *server;
    int64_t before_ms;
    size_t n_left;
    struct session_key old[OLD_MOST];
    size_t n_old;
    bool whole;  // the end of the archive was seen
};

/* When the session's last event was; INT64_MAX where that cannot be read. */
static int64_t last_time_ms(const struct look *look, struct slice archive)
{
    struct event_record record;
    struct slice value = {0};
    uint64_t lsn = 0;

    while (archive_next(&archive, &lsn, &value)) continue;
    value = journal_record(look->server->env, lsn, value);
    if (event_record_read(value, &record)) return INT64_MAX;
    return record.event.time_ms;
}

/* The next session of the archive. NOT_FOUND where this look has seen enough. */
static enum status come_to(struct look *look, struct slice key)
{
    struct buf *from = &look->server->retain_from;

    if (look->n_left > 0 && look->n_old < OLD_MOST) {
        look->n_left--;
        return OK;
    }
    buf_clear(from);
    buf_append(from, key.data, key.n);
    look->whole = false;
    return NOT_FOUND;
}

static enum status on_archived(void *context, struct slice key, struct slice value)
{
    struct look *look = context;
    enum status st = come_to(look, key);

    if (st) return st;
    if (last_time_ms(look, value) >= look->before_ms) return OK;
    if (key.n > sizeof(look->old->bytes)) return CORRUPT;
    memcpy(look->old[look->n_old].bytes, key.data, key.n);
    look->old[look->n_old++].n = key.n;
    return OK;
}

/* How old it is nobody can say; the others are not kept longer because of it. */
static enum status on_damaged(void *context, struct slice key)
{
    struct look *look = context;
    struct slice tenant, session;
    enum status st = come_to(look, key);

    if (st) return st;
    if (!session_key_read(key, &tenant, &session)) return OK;
    return sessions_note_damaged(look->server->sessions, tenant, session);
}

static enum status erase_found(const struct look *look, int64_t now_ms)
{
    struct erasure erasure = {.server = look->server,
                              .now_ms = now_ms,
                              .who = slice_str("thetad"),
                              .reason = slice_str("retain_days")};

    for (size_t i = 0; i < look->n_old; i++) {
        struct slice tenant, session;
        enum status st;

        if (!session_key_read(session_key_slice(&look->old[i]), &tenant, &session)) return CORRUPT;
        if (sessions_events(look->server->sessions, tenant, session).n_lsn > 0) continue;
        st = erase_session(&erasure, tenant, session);
        if (st == CORRUPT) st = sessions_note_damaged(look->server->sessions, tenant, session);
        if (st && st != RETRY) return st;
    }
    if (look->n_old > 0) {
        log_line(LOG_INFO, "sessions erased by retain_days", "sessions=%zu", look->n_old);
    }
    return OK;
}

enum status erase_old(struct server *server, int64_t now_ms, size_t n_most)
{
    struct look look = {.server = server,
                        .before_ms = now_ms - server->config.retain_days * day_ms,
                        .n_left = n_most,
                        .whole = true};
    enum status st;

    if (server->config.retain_days == 0 || !sessions_are_awake(server->sessions)) return OK;
    st = env_each_any(server->env, TABLE_ARCHIVE, buf_slice(&server->retain_from),
                      (struct visitor){on_archived, &look}, on_damaged);
    if (look.whole) buf_clear(&server->retain_from);
    if (st == OK) st = erase_found(&look, now_ms);
    return st;
}
