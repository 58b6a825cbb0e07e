/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events of sessions in LMDB. They stand in the journal; the numbers of those that the archive
 * does not have yet are kept, so that the archive record can be put together without a scan. That
 * is done after the commit that made them readable, a few sessions at a time; the entry leaves
 * memory a while later, when its archive record is on disk. */
#include "server/history.h"
#include "server/keeping.h"
#include "server/notify.h"

#include <stddef.h>
#include <stdlib.h>

enum { TRIM_BATCH = 20000, FIRST_LSNS = 8, PINNED_EVENTS = 1000000 };

/* A rebuild that goes on asks systemd for time. */
enum { NOTIFY_EVENTS = 8192 };

/* Room for one more event's number, before the event happens. */
static enum status reserve(struct entry *entry)
{
    uint32_t cap = entry->cap_lsn ? entry->cap_lsn * 2 : FIRST_LSNS;
    uint64_t *grown;

    if (entry->n_lsn < entry->cap_lsn) return OK;
    grown = realloc(entry->lsn, cap * sizeof(*grown));
    if (!grown) return NO_MEMORY;
    entry->lsn = grown;
    entry->cap_lsn = cap;
    return OK;
}

static uint64_t append(struct sessions *sessions, struct entry *entry,
                       const struct event_record *record, struct batch *batch)
{
    uint64_t lsn = journal_append(sessions->config.journal, batch, record, entry->seal);

    entry->lsn[entry->n_lsn++] = lsn;
    return lsn;
}

void sessions_history(const struct live *live, struct buf *out)
{
    const struct entry *entry =
        (const struct entry *)(const void *)((const char *)live - offsetof(struct entry, live));
    struct event now = {0};
    struct history_head head = {.n_tenant = (uint32_t)live->tenant.n,
                                .n_retired = bank_entry_n_retired(live->bank->entry),
                                .n_lsn = entry->n_lsn};

    if (live->exposed.tally) tally_used(live->exposed.tally, &now);
    head.n_used = now.n_used;
    buf_append(out, &head, sizeof(head));
    buf_append(out, live->tenant.data, live->tenant.n);
    buf_append(out, live->bank->retired, head.n_retired * sizeof(*live->bank->retired));
    buf_append(out, now.used, head.n_used * sizeof(*now.used));
    buf_append(out, entry->lsn, entry->n_lsn * sizeof(*entry->lsn));
}

struct archive_visit {
    struct sessions *sessions;
    struct entry *entry;
};

static enum status on_archived(void *context, const struct stored_event *stored)
{
    struct archive_visit *visit = context;
    enum status st = OK;

    if (!visit->entry) st = entry_revive(visit->sessions, stored->record, &visit->entry);
    if (st == OK) st = entry_replay(visit->sessions, visit->entry, stored);
    if (st == OK) visit->entry->n_archived++;
    return st;
}

/* A session from the archive into memory. NOT_FOUND where it is not there. */
static enum status fetch(struct sessions *sessions, struct slice tenant, struct slice id,
                         int64_t now_us, struct entry **out)
{
    struct archive_visit visit = {.sessions = sessions};
    enum status st = archive_get(sessions->config.env, tenant, id, &sessions->archive);

    if (st) return st;
    st = archive_each(sessions->config.env, buf_slice(&sessions->archive),
                      (struct event_visitor){on_archived, &visit});
    if (st == OK && !visit.entry) st = CORRUPT;
    if (st) {
        if (visit.entry) entry_drop(sessions, visit.entry);
        return st;
    }
    visit.entry->in_archive = true;
    entry_touch(sessions, visit.entry, now_us);
    *out = visit.entry;
    return OK;
}

struct rebuild {
    struct sessions *sessions;
    int64_t now_us;
    uint64_t n_event, last_lsn;
    struct fault *fault;
    bool told;  // what is wrong
};

static enum status rebuild_event(struct rebuild *rebuild, const struct stored_event *stored)
{
    struct sessions *sessions = rebuild->sessions;
    const struct event_record *record = stored->record;
    struct entry *entry = entry_find(sessions, record->tenant, record->session);
    enum status st = OK;

    if (!entry && record->n == 0) {
        st = entry_revive(sessions, record, &entry);
        if (st) return st;
        st = archive_get(sessions->config.env, record->tenant, record->session, &sessions->archive);
        entry->in_archive = st == OK;
        if (st == NOT_FOUND) st = OK;
    } else if (!entry) {
        st = fetch(sessions, record->tenant, record->session, rebuild->now_us, &entry);
    }
    if (st) return st == NOT_FOUND ? CORRUPT : st;
    if (record->n < entry->n_archived) return OK;  // came with the archive
    st = reserve(entry);
    if (st == OK) st = entry_replay(sessions, entry, stored);
    if (st) return st;
    entry->lsn[entry->n_lsn++] = stored->lsn;
    entry_touch(sessions, entry, rebuild->now_us);
    return OK;
}

static enum status on_journal(void *context, const struct stored_event *stored)
{
    struct rebuild *rebuild = context;
    enum status st;

    if (rebuild->n_event % NOTIFY_EVENTS == 0) notify_patience(NOTIFY_PATIENCE_MS);
    st = rebuild_event(rebuild, stored);
    rebuild->n_event++;
    rebuild->last_lsn = stored->lsn;
    rebuild->told = st != OK;
    if (st) {
        fault_set(rebuild->fault, NULL, NULL,
                  "event %llu (number %u of its session) does not replay",
                  (unsigned long long)stored->lsn, stored->record->n);
    }
    return st;
}

static enum status rebuild_all(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event,
                               struct fault *fault)
{
    struct rebuild rebuild = {.sessions = sessions, .now_us = now_us, .fault = fault};
    enum status st;

    st = journal_each(sessions->config.env, 1, (struct event_visitor){on_journal, &rebuild});
    if (st && !rebuild.told) {
        fault_set(fault, NULL, NULL, "the event behind event %llu is damaged or cannot be read",
                  (unsigned long long)rebuild.last_lsn);
    }
    *out_n_event = rebuild.n_event;
    return st;
}

/* Write a session's whole history to the archive: what is there already, then its events from the
 * journal. */
static enum status put_archive(struct sessions *sessions, struct entry *entry, struct batch *batch)
{
    struct buf *out = &sessions->archive;
    enum status st = OK;

    buf_clear(out);
    if (entry->n_archived > 0) {
        st = archive_get(sessions->config.env, entry->live.tenant, entry->live.id, out);
    }
    for (uint32_t i = 0; i < entry->n_lsn && st == OK; i++) {
        st = journal_get(sessions->config.journal, entry->lsn[i], &sessions->bytes);
        if (st == OK) archive_append(out, entry->lsn[i], buf_slice(&sessions->bytes));
    }
    if (st) return st;
    if (out->failed) return NO_MEMORY;
    archive_put(sessions->config.env, batch, entry->live.tenant, entry->live.id, buf_slice(out));
    exposure_archive(sessions->config.exposure, &entry->live, batch);
    entry->in_archive = true;
    entry->n_archived += entry->n_lsn;
    entry->n_lsn = 0;
    return OK;
}

/* What has all its events in the archive was put there by an earlier batch: it is on disk too. */
static enum status release(struct sessions *sessions, struct entry *entry, struct batch *batch)
{
    if (entry->n_lsn > 0) return put_archive(sessions, entry, batch);
    entry_drop(sessions, entry);
    return OK;
}

/* The entry whose first unarchived event is the oldest, NULL where all events are archived. */
static struct entry *oldest(const struct sessions *sessions)
{
    struct entry *found = NULL;

    for (struct entry *entry = sessions->table; entry; entry = entry->hh.next) {
        if (entry->n_lsn > 0 && (!found || entry->lsn[0] < found->lsn[0])) found = entry;
    }
    return found;
}

static enum status trim(struct sessions *sessions, struct batch *batch)
{
    struct journal *journal = sessions->config.journal;
    struct entry *entry = oldest(sessions);
    uint64_t first, end = entry ? entry->lsn[0] : journal->next_lsn;
    uint64_t counted = exposure_trim(sessions->config.exposure, batch, journal->next_lsn);
    enum status st = journal_first(journal, &first);

    if (st) return st;
    if (end > counted) end = counted;
    if (end > first + TRIM_BATCH) end = first + TRIM_BATCH;
    journal_trim(journal, batch, first, end);
    /* One session in use for ever must not hold all that came after it. */
    if (entry && journal->next_lsn - entry->lsn[0] > PINNED_EVENTS) {
        return put_archive(sessions, entry, batch);
    }
    return OK;
}

const struct keeping keeping_lmdb = {.name = "lmdb",
                                     .fetch = fetch,
                                     .reserve = reserve,
                                     .append = append,
                                     .rebuild = rebuild_all,
                                     .release = release,
                                     .trim = trim};
