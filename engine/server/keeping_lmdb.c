/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events of sessions in LMDB. They stand in the journal; the numbers of those that the archive
 * does not have yet are kept, so that the archive record can be put together without a scan. That
 * is done after the commit that made them readable, a few sessions at a time; the entry leaves
 * memory a while later, when its archive record is on disk. */
#include "server/history.h"
#include "server/keeping.h"
#include "server/lsns.h"
#include "server/notify.h"
#include "store/erased.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { TRIM_EVENTS = 2048, TRIM_SHARE = 8, PINNED_EVENTS = 1000000, MOST_LOST = 256 };

/* Sessions that one trim looks at: a third of a millisecond. */
enum { LOOK_SESSIONS = 2048 };

/* A rebuild that goes on asks systemd for time. */
enum { NOTIFY_EVENTS = 8192 };

/* Events that a start steps; more are left asleep. */
enum { AWAKE_EVENTS = 20000 };

/* Room for one more event's number, before the event happens. */
static enum status reserve(struct entry *entry)
{
    return lsns_reserve(&entry->lsn, entry->n_lsn, &entry->cap_lsn);
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
static enum status fetch_archived(struct sessions *sessions, struct slice tenant, struct slice id,
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
    bool told;                    // what is wrong
    uint64_t lost[MOST_LOST];     // events that are damaged, and of those
    bool is_archived[MOST_LOST];  // the ones that are in the archive
    size_t n_lost;
};

/* Refuse a session from now on. Its events stay where they are. */
static enum status give_up(struct sessions *sessions, struct slice tenant, struct slice id,
                           uint64_t lsn)
{
    struct entry *entry = entry_find(sessions, tenant, id);
    enum status st = damage_note(&sessions->damage, tenant, id, lsn, entry ? entry->seal : NULL);

    if (sessions->damaged_lsn == 0 || lsn < sessions->damaged_lsn) sessions->damaged_lsn = lsn;
    if (entry && entry->n_lsn > 0 && entry->lsn[0] < sessions->damaged_lsn) {
        sessions->damaged_lsn = entry->lsn[0];
    }
    if (entry) entry_drop(sessions, entry);
    return st;
}

/* The session of an event, in memory; NULL where what came before the event is damaged. */
static enum status find_entry(struct rebuild *rebuild, const struct event_record *record,
                              struct entry **out)
{
    struct sessions *sessions = rebuild->sessions;
    enum status st = OK;

    *out = entry_find(sessions, record->tenant, record->session);
    if (!*out && record->n == 0) {
        st = entry_revive(sessions, record, out);
        if (st) return st;
        st = archive_get(sessions->config.env, record->tenant, record->session, &sessions->archive);
        (*out)->in_archive = st == OK || st == CORRUPT;  // the journal has it from the beginning on
        if (st == NOT_FOUND || st == CORRUPT) st = OK;
    } else if (!*out) {
        st = fetch_archived(sessions, record->tenant, record->session, rebuild->now_us, out);
        if (st == CORRUPT || (st == NOT_FOUND && rebuild->n_lost > 0)) return OK;
    }
    return st == NOT_FOUND ? CORRUPT : st;
}

/* Whether the event comes after the one that its session was at. */
static bool follows(const struct entry *entry, const struct event_record *record)
{
    return record->n == session_n_event(entry->live.session) &&
           memcmp(record->previous, entry->seal, SEAL_BYTES) == 0;
}

/* What the journal has lost the archive may have: the session from there, NULL where it has not. */
static enum status mend(struct rebuild *rebuild, const struct event_record *record,
                        struct entry *entry, struct entry **out)
{
    struct sessions *sessions = rebuild->sessions;
    enum status st;

    *out = NULL;
    if (entry->n_archived > 0) return OK;
    st = archive_get(sessions->config.env, record->tenant, record->session, &sessions->archive);
    if (st == OK && entry->n_lsn > 0 &&
        archive_last(buf_slice(&sessions->archive)) > entry->lsn[entry->n_lsn - 1]) {
        entry_drop(sessions, entry);
        st = fetch_archived(sessions, record->tenant, record->session, rebuild->now_us, out);
    }
    if (st) return st == NOT_FOUND || st == CORRUPT ? OK : st;
    if (*out && record->n >= (*out)->n_archived && !follows(*out, record)) *out = NULL;
    return OK;
}

static enum status rebuild_event(struct rebuild *rebuild, const struct stored_event *stored)
{
    struct sessions *sessions = rebuild->sessions;
    const struct event_record *record = stored->record;
    struct entry *entry;
    enum status st;

    if (damage_has(sessions->damage, record->tenant, record->session)) return OK;
    st = find_entry(rebuild, record, &entry);
    if (st) return st;
    if (!entry) return give_up(sessions, record->tenant, record->session, stored->lsn);
    if (record->n < entry->n_archived) return OK;  // came with the archive
    if (rebuild->n_lost > 0 && !follows(entry, record)) {
        st = mend(rebuild, record, entry, &entry);
        if (st) return st;
        if (!entry) return give_up(sessions, record->tenant, record->session, stored->lsn);
        if (record->n < entry->n_archived) return OK;
    }
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

static enum status on_lost(void *context, uint64_t lsn)
{
    struct rebuild *rebuild = context;

    if (rebuild->n_lost == MOST_LOST) return CORRUPT;
    rebuild->lost[rebuild->n_lost++] = lsn;
    rebuild->last_lsn = lsn;
    return OK;
}

/* A session that came from the journal alone, which has lost its last event: it comes back from the
 * archive when it is asked for. */
static void drop_behind(struct sessions *sessions, struct slice key, uint64_t lsn)
{
    struct slice tenant, id;
    struct entry *entry;

    if (!session_key_read(key, &tenant, &id)) return;
    entry = entry_find(sessions, tenant, id);
    if (!entry || entry->n_archived > 0) return;
    if (entry->n_lsn == 0 || entry->lsn[entry->n_lsn - 1] < lsn) entry_drop(sessions, entry);
}

/* Which of the lost events are in the archive, and so are not lost. */
static enum status look_in_archive(void *context, struct slice key, struct slice value)
{
    struct rebuild *rebuild = context;
    struct slice bytes;
    uint64_t lsn;

    while (archive_next(&value, &lsn, &bytes)) {
        for (size_t i = 0; i < rebuild->n_lost; i++) {
            if (rebuild->lost[i] != lsn) continue;
            rebuild->is_archived[i] = true;
            drop_behind(rebuild->sessions, key, lsn);
        }
    }
    return OK;
}

static enum status pass_damaged(void *context, struct slice key)
{
    (void)context;
    (void)key;
    return OK;
}

/* The session that a damaged event follows on: its bytes hold the seal of the event before. */
static struct entry *entry_by_seal(const struct sessions *sessions, struct slice bytes)
{
    for (struct entry *entry = sessions->table; entry; entry = entry->hh.next) {
        if (memmem(bytes.data, bytes.n, entry->seal, SEAL_BYTES)) return entry;
    }
    return NULL;
}

/* Or, where that place is the damaged one, as the rest of it says: its start, or the event that the
 * session would have next. */
static enum status give_up_by_record(struct sessions *sessions, struct slice bytes, uint64_t lsn)
{
    struct event_record record;
    struct entry *entry;
    enum status st = event_record_read(bytes, &record);

    if (st == OK && !damage_has(sessions->damage, record.tenant, record.session)) {
        entry = entry_find(sessions, record.tenant, record.session);
        if (!entry) st = fetch_archived(sessions, record.tenant, record.session, 0, &entry);
        if (st == NOT_FOUND && record.n == 0) st = OK;
        if (st == OK && entry && record.n != session_n_event(entry->live.session)) st = CORRUPT;
        if (st == OK) st = give_up(sessions, record.tenant, record.session, lsn);
    }
    return st == NOT_FOUND ? CORRUPT : st;
}

/* Refuse the session that a lost event belongs to. CORRUPT where nobody can say which it is. The
 * link in front of the record is left out: it is the seal of any session's event. */
static enum status give_up_owner(struct sessions *sessions, uint64_t lsn)
{
    struct buf *bytes = &sessions->bytes;
    enum status st = journal_get_damaged(sessions->config.journal, lsn, bytes);
    struct slice record;
    struct entry *entry;

    if (st || bytes->n < SEAL_BYTES) return st ? st : CORRUPT;
    record = slice_of(bytes->data + SEAL_BYTES, bytes->n - SEAL_BYTES);
    record = journal_record(sessions->config.env, lsn, record);
    if (sessions->damaged_lsn == 0 || lsn < sessions->damaged_lsn) sessions->damaged_lsn = lsn;
    if (damage_has_seal(sessions->damage, record)) return OK;
    entry = entry_by_seal(sessions, record);
    if (entry) return give_up(sessions, entry->live.tenant, entry->live.id, lsn);
    return give_up_by_record(sessions, record, lsn);
}

/* A session without its last answer would go on from another one than was acknowledged, so whose
 * the damaged events are must be known. */
static enum status settle_lost(struct rebuild *rebuild)
{
    enum status st;

    if (rebuild->n_lost == 0) return OK;
    st = env_each_any(rebuild->sessions->config.env, TABLE_ARCHIVE, slice_of(NULL, 0),
                      (struct visitor){look_in_archive, rebuild}, pass_damaged);
    for (size_t i = 0; i < rebuild->n_lost && st == OK; i++) {
        if (rebuild->is_archived[i]) continue;
        st = give_up_owner(rebuild->sessions, rebuild->lost[i]);
        if (st) {
            fault_set(rebuild->fault, NULL, NULL,
                      "event %llu is damaged, and it cannot be told whose it is: put a backup back",
                      (unsigned long long)rebuild->lost[i]);
            rebuild->told = true;
        }
    }
    return st;
}

static enum status step_all(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event,
                            struct fault *fault)
{
    struct rebuild rebuild = {.sessions = sessions, .now_us = now_us, .fault = fault};
    enum status st;

    st = journal_each_any(sessions->config.env, 1, (struct event_visitor){on_journal, &rebuild},
                          on_lost);
    if (st == OK) st = settle_lost(&rebuild);
    if (st && !rebuild.told) {
        fault_set(fault, NULL, NULL, "the event behind event %llu is damaged or cannot be read",
                  (unsigned long long)rebuild.last_lsn);
    }
    *out_n_event = rebuild.n_event;
    return st;
}

/* One of the events of a session that wakes. */
static enum status on_waking(void *context, const struct stored_event *stored)
{
    return rebuild_event(context, stored);
}

/* A session that is asleep, into memory; it is not taken off the list of those. */
static enum status rouse(struct sessions *sessions, const struct asleep_events *events,
                         int64_t now_us, struct entry **out)
{
    struct rebuild rebuild = {.sessions = sessions, .now_us = now_us};
    enum status st = OK;

    for (uint32_t i = 0; i < events->n_lsn && st == OK; i++) {
        st = journal_visit(sessions->config.journal, events->lsn[i], &sessions->bytes,
                           (struct event_visitor){on_waking, &rebuild});
    }
    *out = entry_find(sessions, events->tenant, events->session);
    if (st == OK && *out) return OK;
    if (*out) entry_drop(sessions, *out);
    return st == OK || st == NOT_FOUND ? CORRUPT : st;
}

/* The same for good: it is in memory, or refused from now on. */
static enum status wake_one(struct sessions *sessions, struct asleep_session *session,
                            int64_t now_us, struct entry **out)
{
    struct asleep_events events = asleep_events(session);
    enum status st = rouse(sessions, &events, now_us, out);

    if (st == CORRUPT && give_up(sessions, events.tenant, events.session, events.lsn[0])) {
        st = NO_MEMORY;
    }
    if (st == OK || st == CORRUPT) asleep_remove(&sessions->asleep, session);
    return st;
}

static void wake(struct sessions *sessions, int64_t now_us, uint64_t n_event)
{
    uint64_t n_done = 0;

    while (n_done < n_event && !sessions_are_awake(sessions)) {
        struct asleep_session *session = asleep_first(&sessions->asleep);
        struct entry *entry;

        n_done += asleep_events(session).n_lsn;
        if (wake_one(sessions, session, now_us, &entry) == NO_MEMORY) return;
    }
}

static enum status fetch(struct sessions *sessions, struct slice tenant, struct slice id,
                         int64_t now_us, struct entry **out)
{
    struct asleep_session *session = asleep_find(&sessions->asleep, tenant, id);

    if (damage_has(sessions->damage, tenant, id)) return CORRUPT;
    if (session) return wake_one(sessions, session, now_us, out);
    return fetch_archived(sessions, tenant, id, now_us, out);
}

struct doze {
    struct sessions *sessions;
    uint64_t n_event;
};

static enum status on_dozing(void *context, const struct stored_event *stored)
{
    struct doze *doze = context;

    if (doze->n_event++ % NOTIFY_EVENTS == 0) notify_patience(NOTIFY_PATIENCE_MS);
    return asleep_note(&doze->sessions->asleep, stored);
}

static uint64_t n_awake(const struct sessions *sessions)
{
    return sessions->config.n_awake ? sessions->config.n_awake : AWAKE_EVENTS;
}

/* Whether that is worth it, and may be: not where a session's next item depends on what all others
 * were asked. */
static bool can_doze(const struct sessions *sessions)
{
    struct journal *journal = sessions->config.journal;
    uint64_t first;

    if (registry_counts_uses(sessions->config.registry)) return false;
    return journal_first(journal, &first) == OK && journal->next_lsn - first > n_awake(sessions);
}

/* A session whose first events are not in the journal must be in the archive. */
static enum status check_begun(struct sessions *sessions)
{
    struct asleep_session *session = asleep_first(&sessions->asleep);
    enum status st = OK;

    for (; session && st == OK; session = asleep_next(session)) {
        struct asleep_events events = asleep_events(session);

        if (events.n_before == 0) continue;
        st = archive_has(sessions->config.env, events.tenant, events.session, &sessions->archive);
    }
    return st;
}

/* Note where all events stand, and step the first of them: a build that comes to other results than
 * the one before it is found before anybody is served. */
static enum status doze_off(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event)
{
    struct doze doze = {.sessions = sessions};
    uint64_t n_done = 0;
    enum status st =
        journal_each(sessions->config.env, 1, (struct event_visitor){on_dozing, &doze});

    if (st == OK) st = asleep_settle(&sessions->asleep);
    if (st == OK) st = check_begun(sessions);
    while (st == OK && n_done < n_awake(sessions) && !sessions_are_awake(sessions)) {
        struct asleep_session *session = asleep_first(&sessions->asleep);
        struct asleep_events events = asleep_events(session);
        struct entry *entry;

        n_done += events.n_lsn;
        st = rouse(sessions, &events, now_us, &entry);
        if (st == OK) asleep_remove(&sessions->asleep, session);
    }
    *out_n_event = doze.n_event;
    return st;
}

/* Where anything is wrong the events are stepped one after the other, which says what it is. */
static enum status rebuild_all(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event,
                               struct fault *fault)
{
    struct entry *entry, *next;

    if (can_doze(sessions) && doze_off(sessions, now_us, out_n_event) == OK) return OK;
    asleep_done(&sessions->asleep);
    HASH_ITER(hh, sessions->table, entry, next)
    {
        entry_drop(sessions, entry);
    }
    return step_all(sessions, now_us, out_n_event, fault);
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

/* Some at a time, so that nobody waits for it; more where more has come together, so that it keeps
 * up at any rate. Pre: a look for the oldest event that must stay has ended. */
static enum status trim_behind(struct sessions *sessions, struct batch *batch)
{
    struct journal *journal = sessions->config.journal;
    struct entry *entry = sessions->oldest.found;
    uint64_t first, n_most, end = sessions->oldest.lsn;
    uint64_t counted = exposure_trim(sessions->config.exposure, batch, journal->next_lsn);
    enum status st = journal_first(journal, &first);

    if (st) return st;
    if (end > counted) end = counted;
    if (sessions->damaged_lsn > 0 && end > sessions->damaged_lsn) end = sessions->damaged_lsn;
    n_most = TRIM_EVENTS + (end > first ? (end - first) / TRIM_SHARE : 0);
    sessions->oldest.has_more = end > first + n_most;
    if (sessions->oldest.has_more) {
        journal_trim(journal, batch, first, first + n_most);
        return OK;
    }
    journal_trim(journal, batch, first, end);
    /* One session in use for ever must not hold all that came after it. */
    if (entry && entry->n_lsn > 0 && journal->next_lsn - entry->lsn[0] > PINNED_EVENTS) {
        return put_archive(sessions, entry, batch);
    }
    return OK;
}

/* Those that are asleep are in no look. */
static enum status trim(struct sessions *sessions, struct batch *batch)
{
    if (!sessions_are_awake(sessions)) return OK;
    if (!sessions->oldest.has_more && !oldest_look(sessions, LOOK_SESSIONS)) return OK;
    return trim_behind(sessions, batch);
}

/* What cannot be read is taken for one. */
static bool is_erased(struct sessions *sessions, struct slice tenant, struct slice id)
{
    struct tombstone tombstone;

    return erased_get(sessions->config.env, tenant, id, &sessions->bytes, &tombstone) != NOT_FOUND;
}

const struct keeping keeping_lmdb = {.name = "lmdb",
                                     .fetch = fetch,
                                     .is_erased = is_erased,
                                     .reserve = reserve,
                                     .append = append,
                                     .rebuild = rebuild_all,
                                     .wake = wake,
                                     .release = release,
                                     .trim = trim};
