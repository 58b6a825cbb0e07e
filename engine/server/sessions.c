/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session is one block: the table's entry, then its names. Its events stand in the journal; the
 * numbers of those that the archive does not have yet are kept, so that the archive record can be
 * put together without a scan. That is done after the commit that made them readable, a few
 * sessions at a time; the entry leaves memory a while later, when its archive record is on disk. */
#include "server/sessions.h"
#include "server/history.h"
#include "server/replay.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A failed growth of the table loses the new entry, and the caller says NO_MEMORY. */
#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->lost = true)
#include <uthash.h>
#include <utlist.h>

enum { TRIM_BATCH = 20000, FIRST_LSNS = 8, PINNED_EVENTS = 1000000 };

/* How long a session that has ended stays in memory, where asking again costs nothing. */
enum { ENDED_STAY_US = 5 * 1000 * 1000 };

struct entry {
    struct live live;
    int64_t used_us;
    uint8_t seal[SEAL_BYTES];  // of the last event
    uint32_t n_archived;       // events that the archive has
    uint32_t n_lsn, cap_lsn;
    uint64_t *lsn;  // of the events behind those
    bool lost;
    bool in_archive;  // in some state, which may be an older one
    bool ended;       // which of the two lists it stands in
    struct entry *prev, *next;
    UT_hash_handle hh;
    size_t n_key;
    char key[];  // tenant 0 id | examinee | group
};

struct sessions {
    struct sessions_config config;
    struct entry *table;
    struct entry *running, *ended;  // least recently used first
    size_t n_ended;
    struct workspace *workspace;
    size_t workspace_items;
    struct buf archive, bytes;  // scratch
};

enum status sessions_new(const struct sessions_config *config, struct sessions **out)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    if (!sessions) return NO_MEMORY;
    sessions->config = *config;
    *out = sessions;
    return OK;
}

static void entry_free(struct sessions *sessions, struct entry *entry)
{
    if (!entry) return;
    exposure_leave(sessions->config.exposure, &entry->live);
    session_free(entry->live.session);
    free(entry->lsn);
    free(entry);
}

/* Which list an entry belongs to. */
static struct entry **list_of(struct sessions *sessions, const struct entry *entry)
{
    return entry->ended ? &sessions->ended : &sessions->running;
}

static void drop(struct sessions *sessions, struct entry *entry)
{
    struct entry **list = list_of(sessions, entry);

    sessions->n_ended -= entry->ended;
    DL_DELETE(*list, entry);
    HASH_DEL(sessions->table, entry);
    entry_free(sessions, entry);
}

void sessions_free(struct sessions *sessions)
{
    struct entry *entry, *next;

    if (!sessions) return;
    HASH_ITER(hh, sessions->table, entry, next)
    {
        drop(sessions, entry);
    }
    workspace_free(sessions->workspace);
    buf_done(&sessions->archive);
    buf_done(&sessions->bytes);
    free(sessions);
}

/* Make the workspace large enough for a bank. */
static bool reserve_workspace(struct sessions *sessions, size_t n_item)
{
    struct workspace *workspace;

    if (sessions->workspace && n_item <= sessions->workspace_items) return true;
    workspace = workspace_new(n_item);
    if (!workspace) return false;
    workspace_free(sessions->workspace);
    sessions->workspace = workspace;
    sessions->workspace_items = n_item;
    return true;
}

static size_t make_key(struct slice tenant, struct slice id, char *out)
{
    memcpy(out, tenant.data, tenant.n);
    out[tenant.n] = '\0';
    memcpy(out + tenant.n + 1, id.data, id.n);
    return tenant.n + 1 + id.n;
}

static struct entry *find(const struct sessions *sessions, struct slice tenant, struct slice id)
{
    char key[2 * LIMIT_ID + 1];
    size_t n = make_key(tenant, id, key);
    struct entry *entry;

    HASH_FIND(hh, sessions->table, key, n, entry);
    return entry;
}

static struct slice copy_behind(char **at, struct slice text)
{
    struct slice copy = slice_of(*at, text.n);

    if (text.n > 0) memcpy(*at, text.data, text.n);
    *at += text.n;
    return copy;
}

/* A new entry in the table, its session not yet started. */
static struct entry *entry_new(struct sessions *sessions, const struct start *start)
{
    size_t n_key = start->tenant.n + 1 + start->id.n;
    struct entry *entry = calloc(1, sizeof(*entry) + n_key + start->examinee.n + start->group.n);
    char *at;

    if (!entry) return NULL;
    entry->live.session = session_new(start->plan);
    entry->live.test = start->test;
    entry->live.bank = start->bank;
    entry->n_key = make_key(start->tenant, start->id, entry->key);
    entry->live.tenant = slice_of(entry->key, start->tenant.n);
    entry->live.id = slice_of(entry->key + start->tenant.n + 1, start->id.n);
    at = entry->key + n_key;
    entry->live.examinee = copy_behind(&at, start->examinee);
    entry->live.group = copy_behind(&at, start->group);
    if (!entry->live.session || !reserve_workspace(sessions, bank_n_item(start->plan->bank)) ||
        exposure_enter(sessions->config.exposure, &entry->live)) {
        entry_free(sessions, entry);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, sessions->table, entry->key, entry->n_key, entry);
    if (entry->lost) {
        entry_free(sessions, entry);
        return NULL;
    }
    DL_APPEND(sessions->running, entry);
    return entry;
}

static bool has_ended(const struct entry *entry)
{
    struct session_view view;

    session_view(entry->live.session, &view);
    return view.state == SESSION_FINISHED || view.state == SESSION_VOIDED;
}

/* The entry was just used: to the end of its list. */
static void touch(struct sessions *sessions, struct entry *entry, int64_t now_us)
{
    struct entry **list = list_of(sessions, entry);

    DL_DELETE(*list, entry);
    sessions->n_ended -= entry->ended;
    entry->used_us = now_us;
    entry->ended = has_ended(entry);
    sessions->n_ended += entry->ended;
    list = list_of(sessions, entry);
    DL_APPEND(*list, entry);
}

/* Room for one more event's number, before the event happens. */
static bool reserve_lsn(struct entry *entry)
{
    uint32_t cap = entry->cap_lsn ? entry->cap_lsn * 2 : FIRST_LSNS;
    uint64_t *grown;

    if (entry->n_lsn < entry->cap_lsn) return true;
    grown = realloc(entry->lsn, cap * sizeof(*grown));
    if (!grown) return false;
    entry->lsn = grown;
    entry->cap_lsn = cap;
    return true;
}

/* The items withdrawn by now come in with the event; a replay knows how many there were. */
static void set_retired(const struct live *live, struct event *event)
{
    event->retired = live->bank->retired;
    event->n_retired = bank_entry_n_retired(live->bank->entry);
}

static struct identity identity_of(const struct live *live)
{
    return (struct identity){.test = test_entry_name(live->test->entry).name,
                             .test_version = live->test->version,
                             .bank = bank_entry_name(live->bank->entry).name,
                             .bank_version = live->bank->version,
                             .examinee = live->examinee,
                             .group = live->group};
}

/* Step and record. Pre: there is room for the event's number. */
static enum status move(struct sessions *sessions, struct entry *entry, struct event *event,
                        struct slice reason, struct batch *batch, bool *out_changed)
{
    struct live *live = &entry->live;
    struct event_record record = {.tenant = live->tenant,
                                  .session = live->id,
                                  .n = session_n_event(live->session),
                                  .identity = identity_of(live),
                                  .reason = reason};
    struct effects effects;
    enum status st;

    set_retired(live, event);
    st = exposure_prepare(live, event);
    if (st) return st;
    st = session_step(live->session, event, sessions->workspace, &effects);
    if (st) return st;
    *out_changed = effects.changed;
    if (!effects.changed) return OK;
    memcpy(record.previous, entry->seal, SEAL_BYTES);
    record.event = *event;
    record.outcome = effects.outcome;
    entry->lsn[entry->n_lsn] =
        journal_append(sessions->config.journal, batch, &record, entry->seal);
    exposure_count(sessions->config.exposure, live, entry->lsn[entry->n_lsn++], batch);
    return OK;
}

enum status sessions_start(struct sessions *sessions, const struct start *start,
                           struct event *event, struct batch *batch, int64_t now_us,
                           struct live **out)
{
    struct entry *entry;
    enum status st = NO_MEMORY;
    bool changed;

    if (sessions_n_live(sessions) - sessions->n_ended >= sessions->config.max_live) return BUSY;
    entry = entry_new(sessions, start);
    if (!entry) return NO_MEMORY;
    if (reserve_lsn(entry)) {
        st = exposure_begin(sessions->config.exposure, &entry->live, event, batch);
    }
    if (st == OK) {
        st = move(sessions, entry, event, slice_of(NULL, 0), batch, &changed);
    }
    if (st) {
        drop(sessions, entry);
        return st;
    }
    entry->live.started_ms = event->time_ms;
    touch(sessions, entry, now_us);
    *out = &entry->live;
    return OK;
}

static struct entry *entry_of(struct live *live)
{
    return (struct entry *)(void *)((char *)live - offsetof(struct entry, live));
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

enum status sessions_step(struct sessions *sessions, struct live *live, struct event *event,
                          struct slice reason, struct batch *batch, bool *out_changed)
{
    enum event_kind kind = event->kind;  // of these a session may have any number:
    bool is_bounded = kind == EVENT_SUSPENDED || kind == EVENT_REVISED || kind == EVENT_SCORED;
    struct entry *entry = entry_of(live);
    enum status st;

    if (!reserve_lsn(entry)) return NO_MEMORY;
    if (is_bounded && session_n_event(live->session) >= LIMIT_EVENTS) return CONFLICT;
    st = move(sessions, entry, event, reason, batch, out_changed);
    touch(sessions, entry, entry->used_us);
    return st;
}

/* A session as its first record tells of it. */
static enum status revive(struct sessions *sessions, const struct event_record *record,
                          struct entry **out)
{
    const struct identity *identity = &record->identity;
    struct start start = {.tenant = record->tenant,
                          .id = record->session,
                          .examinee = identity->examinee,
                          .group = identity->group};
    struct replay_origin origin;
    enum status st = replay_origin(sessions->config.registry, record, &origin);

    if (st) return st;
    start.test = origin.test;
    start.bank = origin.bank;
    start.plan = origin.plan;
    *out = entry_new(sessions, &start);
    if (!*out) return NO_MEMORY;
    (*out)->live.started_ms = record->event.time_ms;
    return OK;
}

static enum status replay(struct sessions *sessions, struct entry *entry,
                          const struct stored_event *stored)
{
    struct replay replay = {
        .live = &entry->live, .workspace = sessions->workspace, .seal = entry->seal};
    enum status st = replay_event(&replay, stored);

    return st ? st : exposure_recount(sessions->config.exposure, &entry->live, stored->lsn);
}

struct archive_visit {
    struct sessions *sessions;
    struct entry *entry;
};

static enum status on_archived(void *context, const struct stored_event *stored)
{
    struct archive_visit *visit = context;
    enum status st = OK;

    if (!visit->entry) st = revive(visit->sessions, stored->record, &visit->entry);
    if (st == OK) st = replay(visit->sessions, visit->entry, stored);
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
        if (visit.entry) drop(sessions, visit.entry);
        return st;
    }
    visit.entry->in_archive = true;
    touch(sessions, visit.entry, now_us);
    *out = visit.entry;
    return OK;
}

enum status sessions_get(struct sessions *sessions, struct slice tenant, struct slice id,
                         int64_t now_us, struct live **out)
{
    struct entry *entry = find(sessions, tenant, id);

    if (entry) {
        touch(sessions, entry, now_us);
    } else {
        enum status st;

        if (sessions_n_live(sessions) >= 2 * sessions->config.max_live) return BUSY;
        st = fetch(sessions, tenant, id, now_us, &entry);

        if (st) return st == NOT_FOUND ? UNKNOWN_SESSION : st;
    }
    *out = &entry->live;
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
    struct entry *entry = find(sessions, record->tenant, record->session);
    enum status st = OK;

    if (!entry && record->n == 0) {
        st = revive(sessions, record, &entry);
        if (st) return st;
        st = archive_get(sessions->config.env, record->tenant, record->session, &sessions->archive);
        entry->in_archive = st == OK;
        if (st == NOT_FOUND) st = OK;
    } else if (!entry) {
        st = fetch(sessions, record->tenant, record->session, rebuild->now_us, &entry);
    }
    if (st) return st == NOT_FOUND ? CORRUPT : st;
    if (record->n < entry->n_archived) return OK;  // came with the archive
    st = reserve_lsn(entry) ? replay(sessions, entry, stored) : NO_MEMORY;
    if (st) return st;
    entry->lsn[entry->n_lsn++] = stored->lsn;
    touch(sessions, entry, rebuild->now_us);
    return OK;
}

static enum status on_journal(void *context, const struct stored_event *stored)
{
    struct rebuild *rebuild = context;
    enum status st = rebuild_event(rebuild, stored);

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

enum status sessions_rebuild(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event,
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
    exposure_ready(sessions->config.exposure);
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

/* Archive or drop the entries of a list that were last used before `before_us`, oldest first. That
 * is longer ago than a commit, so their events can be read back; and what has all its events in the
 * archive was put there by an earlier batch, which is on disk too. */
static enum status tidy_list(struct sessions *sessions, struct entry *list, int64_t before_us,
                             struct batch *batch, size_t *n_most)
{
    struct entry *entry, *next;
    enum status first = OK;

    DL_FOREACH_SAFE(list, entry, next)
    {
        enum status st;

        if (*n_most == 0 || entry->used_us > before_us) break;
        --*n_most;
        if (entry->n_lsn == 0) {
            drop(sessions, entry);
            continue;
        }
        st = put_archive(sessions, entry, batch);
        if (st && first == OK) first = st;  // the others are not kept waiting
    }
    return first;
}

enum status sessions_tidy(struct sessions *sessions, struct batch *batch, int64_t now_us,
                          size_t n_most)
{
    enum status st = tidy_list(sessions, sessions->ended, now_us - ENDED_STAY_US, batch, &n_most);

    if (st) return st;
    return tidy_list(sessions, sessions->running, now_us - sessions->config.idle_us, batch,
                     &n_most);
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

enum status sessions_trim(struct sessions *sessions, struct batch *batch)
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

struct session_events sessions_events(const struct sessions *sessions, struct slice tenant,
                                      struct slice id)
{
    const struct entry *entry = find(sessions, tenant, id);

    if (!entry) return (struct session_events){0};
    return (struct session_events){
        .n_event = session_n_event(entry->live.session), .n_lsn = entry->n_lsn, .lsn = entry->lsn};
}

void sessions_forget(struct sessions *sessions, struct slice tenant, struct slice id)
{
    struct entry *entry = find(sessions, tenant, id);

    if (entry) drop(sessions, entry);
}

void sessions_each(const struct sessions *sessions,
                   void (*visit)(void *context, const struct live *live, bool is_ahead),
                   void *context)
{
    for (const struct entry *entry = sessions->table; entry; entry = entry->hh.next) {
        visit(context, &entry->live, entry->in_archive && entry->n_lsn > 0);
    }
}

size_t sessions_n_ended(const struct sessions *sessions)
{
    return sessions->n_ended;
}

size_t sessions_n_live(const struct sessions *sessions)
{
    return HASH_COUNT(sessions->table);
}
