/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events of sessions in a shared store. What is in memory is a copy, good for taking a
 * session's next event: if another node has taken it first, that event is refused, and the copy is
 * dropped. A request that takes none rests on a copy, or on there being none, only where that was
 * confirmed after the request came. So a session may go from node to node between any two requests;
 * staying is only faster. */
#include "base/planted.h"
#include "server/keeping.h"
#include "server/log.h"
#include "store/erased.h"

#include <string.h>

static void begin(struct sessions *sessions, int64_t arrived_us)
{
    sessions->rest = (struct rest){.arrived_us = arrived_us};
}

/* Where something is under way for the session the request has to wait; and whatever it asks, it
 * will rest on a fetch or a commit. So there must be room for it. */
static enum status admit(struct sessions *sessions, struct slice tenant, struct slice id)
{
    struct district *district = sessions->config.district;
    struct group *group = district_find(district, tenant, id);

    if (group && group == district_serving(district)) return OK;
    if (!district_has_room(district)) return BUSY;
    return group ? sessions_wait(sessions, group) : OK;
}

/* The request waits for the session's events from number `from` on. */
static enum status want(struct sessions *sessions, struct slice tenant, struct slice id,
                        uint32_t from, bool confirms)
{
    return sessions_wait(sessions,
                         district_want(sessions->config.district, tenant, id, from, confirms));
}

static enum status fetch(struct sessions *sessions, struct slice tenant, struct slice id,
                         int64_t now_us, struct entry **out)
{
    struct group *group = district_find(sessions->config.district, tenant, id);

    (void)now_us;
    *out = NULL;
    /* Most requests append, and that confirms what was read. */
    if (!group || group->checked_us < sessions->rest.arrived_us) {
        return want(sessions, tenant, id, 0, false);
    }
    if (group->confirmed_us < sessions->rest.arrived_us) sessions->rest.missed = group;
    return group->found ? group->found : CORRUPT;
}

/* A look for it has just said so. */
static bool is_erased(struct sessions *sessions, struct slice tenant, struct slice id)
{
    const struct group *group = district_find(sessions->config.district, tenant, id);

    return group && group->found == EXISTS;
}

/* What it was asked in, with the versions of the bank. One that is not here is among the news. */
static enum status load_versions(struct sessions *sessions, const struct start *start,
                                 const struct past *past)
{
    struct slice rest = buf_slice(&past->asked);
    struct past_session session;
    enum status st = OK;

    while (st == OK && past_next(&rest, &session)) {
        struct bank_version *version = bank_entry_version(start->bank->entry, session.version);

        if (version)
            st = registry_load_bank(sessions->config.registry, version);
        else
            st = sessions_wait(sessions,
                               district_await_news(sessions->config.district, start->tenant));
    }
    return st;
}

/* Another session of the examinee may start elsewhere before this one does: so its start takes the
 * number behind those that were looked at, or is refused. */
static enum status look_back(struct sessions *sessions, const struct start *start, int64_t since_ms,
                             const struct past **out)
{
    struct district *district = sessions->config.district;
    struct group *group = district_find(district, start->tenant, start->id);
    struct shared_want wanted = {.tenant = start->tenant,
                                 .session = start->id,
                                 .examinee = start->examinee,
                                 .bank = bank_entry_name(start->bank->entry).name,
                                 .since_ms = since_ms};
    bool is_there = group && group->past && group->past->status != RETRY &&
                    group->checked_us >= sessions->rest.arrived_us &&
                    slice_equal(group->past->examinee, wanted.examinee) &&
                    slice_equal(group->past->bank, wanted.bank);

    if (!is_there) return sessions_wait(sessions, district_want_past(district, &wanted));
    *out = group->past;
    sessions->rest.sitting = group->past->next;
    return group->past->status ? group->past->status : load_versions(sessions, start, group->past);
}

static enum status reserve(struct entry *entry)
{
    (void)entry;
    return OK;
}

/* What the event asks, where there is a limit to that: then it may be refused. */
static void put_use(const struct live *live, struct shared_event *event)
{
    const struct plan *plan = session_plan(live->session);
    uint32_t item = session_news(live->session).item;

    if (plan->test.exposure.max_uses == 0 || item == NO_ITEM) return;
    event->test = test_entry_name(live->test->entry).name;
    event->bank = bank_entry_name(live->bank->entry).name;
    event->item = slice_str(bank_id(plan->bank, item));
    event->most = plan->test.exposure.max_uses;
}

/* A failure sticks to the batch, which is then not committed. */
static uint64_t append(struct sessions *sessions, struct entry *entry,
                       const struct event_record *record, struct batch *batch)
{
    struct buf *bytes = &sessions->bytes;
    struct shared_event event = {
        .tenant = record->tenant, .session = record->session, .n = record->n};

    buf_clear(bytes);
    event_record_write(record, bytes);
    event.record = buf_slice(bytes);
    if (record->event.kind == EVENT_STARTED) {
        event.examinee = record->identity.examinee;
        event.sitting = sessions->rest.sitting;
    }
    put_use(&entry->live, &event);
    sessions->rest.has_appended = true;
    sessions->rest.group =
        bytes->failed ? NULL : district_append(sessions->config.district, &event, entry->seal);
    if (!sessions->rest.group) batch->bytes.failed = true;
    return 0;
}

static enum rests rests(struct sessions *sessions, struct group **out)
{
    struct rest *rest = &sessions->rest;
    struct entry *entry = rest->touched;
    bool is_unchecked = !rest->group && entry && entry->checked_us < rest->arrived_us &&
                        !planted("copies not checked");

    if (is_unchecked) {
        (void)want(sessions, entry->live.tenant, entry->live.id,
                   session_n_event(entry->live.session), true);
    } else if (!rest->group && !entry && rest->missed) {
        district_confirm(sessions->config.district, rest->missed);
        rest->group = rest->missed;
    }
    *out = rest->group;
    if (!rest->group && !is_unchecked) return RESTS_ON_NOTHING;
    return rest->has_appended ? RESTS_ON_COMMIT : RESTS_ON_FETCH;
}

static enum status rebuild(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event,
                           struct fault *fault)
{
    (void)sessions;
    (void)now_us;
    (void)fault;
    *out_n_event = 0;
    return OK;
}

static enum status release(struct sessions *sessions, struct entry *entry, struct batch *batch)
{
    (void)batch;
    if (!district_find(sessions->config.district, entry->live.tenant, entry->live.id)) {
        entry_drop(sessions, entry);
    }
    return OK;
}

/* There is no journal to count them from again. */
static enum status trim(struct sessions *sessions, struct batch *batch)
{
    exposure_erase(sessions->config.exposure, batch, sessions->config.journal->next_lsn);
    return OK;
}

static struct entry *find(const struct sessions *sessions, const struct group *group)
{
    struct slice tenant, id;

    if (!session_key_read(session_key_slice(&group->key), &tenant, &id)) return NULL;
    return entry_find(sessions, tenant, id);
}

static void used(void *context, const struct group *group, struct slice item)
{
    struct sessions *sessions = context;
    const struct entry *entry = find(sessions, group);

    if (!entry) return;
    exposure_learn(sessions->config.exposure, &entry->live, item, sessions->config.batch);
}

static void committed(void *context, const struct group *group, bool taken)
{
    struct sessions *sessions = context;
    struct entry *entry = find(sessions, group);

    if (entry && taken) {
        entry->checked_us = group->checked_us;
        exposure_count(sessions->config.exposure, &entry->live,
                       sessions->config.journal->next_lsn++, sessions->config.batch);
    } else if (entry) {
        entry_drop(sessions, entry);
    }
}

/* One event into memory. Its copy may have it already. */
static enum status take_in(struct sessions *sessions, const struct shared_event *event,
                           struct entry **entry)
{
    struct event_record record;
    struct stored_event stored = {.lsn = event->n, .bytes = event->record, .record = &record};
    enum status st;

    if (erased_stands(event->record)) return EXISTS;
    if (*entry && event->n < session_n_event((*entry)->live.session)) return OK;
    st = event_record_read(event->record, &record);
    if (st) return st;
    if (!slice_equal(record.tenant, event->tenant) || record.n != event->n ||
        !slice_equal(record.session, event->session)) {
        return CORRUPT;
    }
    memcpy(stored.seal, event->seal, SEAL_BYTES);
    if (!*entry && sessions_n_live(sessions) >= 2 * sessions->config.max_live) return BUSY;
    if (!*entry) st = entry_revive(sessions, &record, entry);
    return st ? st : entry_replay(sessions, *entry, &stored);
}

/* One that was damaged is looked at with each request, for it may be mended; it is told once. */
static bool is_known_damaged(const struct sessions *sessions, const struct group *group)
{
    struct slice tenant, id;

    return session_key_read(session_key_slice(&group->key), &tenant, &id) &&
           damage_has(sessions->damage, tenant, id);
}

static enum status fetched(void *context, const struct group *group, struct slice *rest, size_t i)
{
    struct sessions *sessions = context;
    struct entry *entry = find(sessions, group);
    struct slice next = *rest;
    struct line_row row = {0};
    enum status st = OK;

    for (; line_take_row(&next, &row) && row.i == i; *rest = next) {
        if (st == OK) st = row.status;
        if (st == OK) st = take_in(sessions, &row.event, &entry);
    }
    if (st == CORRUPT && district_is_behind(sessions->config.district)) st = RETRY;
    if (st && st != BUSY && st != RETRY && st != EXISTS && !is_known_damaged(sessions, group)) {
        log_line(LOG_ERROR, "a session of the shared store cannot be taken in",
                 "session=%.*s status=%s", (int)row.event.session.n,
                 (const char *)row.event.session.data, status_code(st));
    }
    if (st && entry) entry_drop(sessions, entry);
    if (st) return st;
    if (!entry) return NOT_FOUND;
    if (group->confirmed_us > entry->checked_us) entry->checked_us = group->confirmed_us;
    entry_touch(sessions, entry, group->checked_us);
    damage_forget(&sessions->damage, entry->live.tenant, entry->live.id);
    return OK;
}

struct district_hooks sessions_hooks(struct sessions *sessions)
{
    return (struct district_hooks){
        .used = used, .committed = committed, .fetched = fetched, .context = sessions};
}

const struct keeping keeping_postgres = {.name = "postgres",
                                         .begin = begin,
                                         .admit = admit,
                                         .fetch = fetch,
                                         .is_erased = is_erased,
                                         .look_back = look_back,
                                         .reserve = reserve,
                                         .append = append,
                                         .rests = rests,
                                         .rebuild = rebuild,
                                         .release = release,
                                         .trim = trim};
