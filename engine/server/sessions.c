/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of live sessions and how one moves. What becomes of the events, and where a session
 * comes from that is not in memory, is the row's in server/keeping.h. */
#include "server/keeping.h"
#include "server/replay.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* How long a session that has ended stays in memory, where asking again costs nothing. */
enum { ENDED_STAY_US = 5 * 1000 * 1000 };

enum status sessions_new(const struct sessions_config *config, struct sessions **out)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    if (!sessions) return NO_MEMORY;
    sessions->config = *config;
    sessions->keeping = config->keeping ? config->keeping : &keeping_lmdb;
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

void entry_drop(struct sessions *sessions, struct entry *entry)
{
    struct entry **list = list_of(sessions, entry);

    if (sessions->rest.touched == entry) sessions->rest.touched = NULL;
    oldest_leave(&sessions->oldest, entry);
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
        entry_drop(sessions, entry);
    }
    asleep_done(&sessions->asleep);
    damage_free(sessions->damage);
    workspace_free(sessions->workspace);
    buf_done(&sessions->archive);
    buf_done(&sessions->bytes);
    free(sessions);
}

static const struct keeping *const keepings[] = {&keeping_lmdb, &keeping_postgres};

const struct keeping *keeping_find(struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(keepings); i++) {
        if (slice_equal_str(name, keepings[i]->name)) return keepings[i];
    }
    return NULL;
}

void sessions_begin(struct sessions *sessions, int64_t arrived_us)
{
    if (sessions->keeping->begin) sessions->keeping->begin(sessions, arrived_us);
}

enum status sessions_wait(struct sessions *sessions, struct group *group)
{
    sessions->rest.group = group;
    return group ? RETRY : NO_MEMORY;
}

struct slice sessions_waited_as(const struct sessions *sessions, struct slice tenant)
{
    const struct district *district = sessions->config.district;
    const struct group *group = district ? district_serving(district) : NULL;
    struct slice whose, id;

    if (!group || !session_key_read(session_key_slice(&group->key), &whose, &id) ||
        !slice_equal(whose, tenant)) {
        return slice_of(NULL, 0);
    }
    return id;
}

enum rests sessions_rests(struct sessions *sessions, struct group **out_group)
{
    if (!sessions->keeping->rests) return RESTS_ON_NOTHING;
    return sessions->keeping->rests(sessions, out_group);
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

struct entry *entry_find(const struct sessions *sessions, struct slice tenant, struct slice id)
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

void entry_touch(struct sessions *sessions, struct entry *entry, int64_t now_us)
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
    uint64_t lsn;
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
    exposure_record(live, &record);
    lsn = sessions->keeping->append(sessions, entry, &record, batch);
    if (lsn > 0) exposure_count(sessions->config.exposure, live, lsn, batch);
    return OK;
}

enum status sessions_start(struct sessions *sessions, const struct start *start,
                           struct event *event, struct batch *batch, int64_t now_us,
                           struct live **out)
{
    int64_t repeat_ms = start->plan->test.exposure.repeat_ms;
    const struct past *past = NULL;
    struct entry *entry;
    enum status st = OK;
    bool changed;

    if (sessions_n_live(sessions) - sessions_n_ended(sessions) >= sessions->config.max_live) {
        return BUSY;
    }
    if (repeat_ms > 0 && sessions->keeping->look_back) {
        st = sessions->keeping->look_back(sessions, start, event->time_ms - repeat_ms, &past);
    }
    if (st) return st;
    entry = entry_new(sessions, start);
    if (!entry) return NO_MEMORY;
    st = sessions->keeping->reserve(entry);
    if (st == OK) st = exposure_begin(sessions->config.exposure, &entry->live, event, batch, past);
    if (st == OK) {
        st = move(sessions, entry, event, slice_of(NULL, 0), batch, &changed);
    }
    if (st) {
        entry_drop(sessions, entry);
        return st;
    }
    entry->live.started_ms = event->time_ms;
    entry_touch(sessions, entry, now_us);
    *out = &entry->live;
    return OK;
}

static struct entry *entry_of(struct live *live)
{
    return (struct entry *)(void *)((char *)live - offsetof(struct entry, live));
}

enum status sessions_step(struct sessions *sessions, struct live *live, struct event *event,
                          struct slice reason, struct batch *batch, bool *out_changed)
{
    enum event_kind kind = event->kind;  // of these a session may have any number:
    bool is_bounded = kind == EVENT_SUSPENDED || kind == EVENT_REVISED || kind == EVENT_SCORED;
    struct entry *entry = entry_of(live);
    enum status st;

    if (sessions->keeping->reserve(entry)) return NO_MEMORY;
    event->is_over_limit = is_bounded && session_n_event(live->session) >= LIMIT_EVENTS;
    st = move(sessions, entry, event, reason, batch, out_changed);
    entry_touch(sessions, entry, entry->used_us);
    return st;
}

enum status entry_revive(struct sessions *sessions, const struct event_record *record,
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

enum status entry_replay(struct sessions *sessions, struct entry *entry,
                         const struct stored_event *stored)
{
    struct replay replay = {
        .live = &entry->live, .workspace = sessions->workspace, .seal = entry->seal};
    enum status st = replay_event(&replay, stored);

    return st ? st : exposure_recount(sessions->config.exposure, &entry->live, stored->lsn);
}

enum status sessions_get(struct sessions *sessions, struct slice tenant, struct slice id,
                         int64_t now_us, struct live **out)
{
    struct entry *entry = entry_find(sessions, tenant, id);
    enum status st = sessions->keeping->admit ? sessions->keeping->admit(sessions, tenant, id) : OK;

    if (st) return st;
    if (entry) {
        entry_touch(sessions, entry, now_us);
    } else {
        if (sessions_n_live(sessions) >= 2 * sessions->config.max_live &&
            !asleep_find(&sessions->asleep, tenant, id)) {
            return BUSY;
        }
        st = sessions->keeping->fetch(sessions, tenant, id, now_us, &entry);
        if (st == CORRUPT && damage_note(&sessions->damage, tenant, id, 0, NULL)) st = NO_MEMORY;
        if (st) return st == NOT_FOUND || st == EXISTS ? UNKNOWN_SESSION : st;
    }
    sessions->rest.touched = entry;
    *out = &entry->live;
    return OK;
}

enum status sessions_note_damaged(struct sessions *sessions, struct slice tenant, struct slice id)
{
    return damage_note(&sessions->damage, tenant, id, 0, NULL);
}

bool sessions_is_erased(struct sessions *sessions, struct slice tenant, struct slice id)
{
    return sessions->keeping->is_erased(sessions, tenant, id);
}

/* Let go of the entries of a list that were last used before `before_us`, oldest first. That is
 * longer ago than a commit, so their events can be read back. */
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
        st = sessions->keeping->release(sessions, entry, batch);
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

enum status sessions_trim(struct sessions *sessions, struct batch *batch)
{
    return sessions->keeping->trim(sessions, batch);
}

bool sessions_trim_goes_on(const struct sessions *sessions)
{
    return sessions->oldest.is_under_way || sessions->oldest.has_more;
}

enum status sessions_rebuild(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event,
                             struct fault *fault)
{
    enum status st = sessions->keeping->rebuild(sessions, now_us, out_n_event, fault);

    exposure_ready(sessions->config.exposure);
    return st;
}

void sessions_wake(struct sessions *sessions, int64_t now_us, uint64_t n_event)
{
    if (sessions->keeping->wake) sessions->keeping->wake(sessions, now_us, n_event);
}

bool sessions_are_awake(const struct sessions *sessions)
{
    return asleep_n(&sessions->asleep) == 0;
}

struct session_events sessions_events(const struct sessions *sessions, struct slice tenant,
                                      struct slice id)
{
    const struct entry *entry = entry_find(sessions, tenant, id);

    if (!entry) return (struct session_events){0};
    return (struct session_events){
        .n_event = session_n_event(entry->live.session), .n_lsn = entry->n_lsn, .lsn = entry->lsn};
}

void sessions_forget(struct sessions *sessions, struct slice tenant, struct slice id)
{
    struct entry *entry = entry_find(sessions, tenant, id);

    if (entry) entry_drop(sessions, entry);
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
    return sessions->n_ended + sessions->asleep.n_ended;
}

size_t sessions_n_live(const struct sessions *sessions)
{
    return HASH_COUNT(sessions->table) + asleep_n(&sessions->asleep);
}
