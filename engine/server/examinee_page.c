/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/examinee_page.h"
#include "server/log.h"
#include "server/request.h"
#include "store/shared_examinee.h"

#include <string.h>

enum { LOOKED_AT = 5000 };

void examinee_put_name(struct buf *out, struct slice name)
{
    uint8_t n = (uint8_t)name.n;

    buf_append(out, &n, 1);
    buf_append(out, name.data, name.n);
}

struct slice examinee_take_name(struct slice *rest)
{
    struct slice name = slice_of(rest->data + 1, rest->data[0]);

    *rest = slice_of(name.data + name.n, rest->n - 1 - name.n);
    return name;
}

void examinee_tell(struct slice tenant, struct slice who, int64_t now_ms, struct buf *out)
{
    examinee_put_name(out, tenant);
    examinee_put_name(out, who);
    buf_append(out, &now_ms, sizeof(now_ms));
}

struct finding {
    const struct sessions *sessions;
    struct slice tenant, examinee;
    size_t n;
    struct buf *out;
};

static void find_live(void *context, const struct live *live, bool is_ahead)
{
    struct finding *finding = context;
    struct session_events events;

    (void)is_ahead;
    if (!slice_equal(live->tenant, finding->tenant)) return;
    if (!slice_equal(live->examinee, finding->examinee)) return;
    if (++finding->n > EXAMINEE_MEMORY) return;
    events = sessions_events(finding->sessions, live->tenant, live->id);
    examinee_put_name(finding->out, live->id);
    buf_append(finding->out, &events.n_lsn, sizeof(events.n_lsn));
    if (events.n_lsn > 0) {
        buf_append(finding->out, events.lsn, events.n_lsn * sizeof(*events.lsn));
    }
}

size_t examinee_tell_memory(const struct sessions *sessions, struct slice tenant,
                            struct slice examinee, struct buf *out)
{
    struct finding finding = {
        .sessions = sessions, .tenant = tenant, .examinee = examinee, .out = out};

    sessions_each(sessions, find_live, &finding);
    return finding.n;
}

/* One session in memory, as the loop has told of it. */
struct told {
    struct slice id;
    struct slice lsns;  // u64 in this machine's order
};

static bool next_told(struct slice *rest, struct told *out)
{
    uint32_t n;

    if (rest->n == 0) return false;
    out->id = examinee_take_name(rest);
    memcpy(&n, rest->data, sizeof(n));
    out->lsns = slice_of(rest->data + sizeof(n), n * sizeof(uint64_t));
    *rest = slice_of(out->lsns.data + out->lsns.n, rest->n - sizeof(n) - out->lsns.n);
    return true;
}

static bool is_in_memory(const struct examinee_page *page, struct slice session)
{
    struct slice rest = page->memory;
    struct told told;

    while (next_told(&rest, &told)) {
        if (slice_equal(told.id, session)) return true;
    }
    return false;
}

struct slice examinee_page_record(const struct examinee_page *page, uint64_t lsn,
                                  struct slice value)
{
    return page->shared ? value : journal_record(page->env, lsn, value);
}

/* One damaged session must not hide the others. */
static void note_damaged(struct examinee_page *page, struct slice session)
{
    struct writer out = writer_of(&page->damaged);

    write_str(&out, session);
    page->n_damaged++;
    log_line(LOG_ERROR, "a session is damaged on disk and is left out",
             "tenant=%.*s session=%.*s hint=\"theta verify; put a backup back\"",
             (int)page->tenant.n, (const char *)page->tenant.data, (int)session.n,
             (const char *)session.data);
}

/* Whether the events are of the examinee, by the first one. CORRUPT where that cannot be read. */
static enum status check_examinee(struct examinee_page *page, struct slice events, bool *out)
{
    struct event_record record;
    struct slice value;
    uint64_t lsn;
    enum status st = CORRUPT;

    if (archive_next(&events, &lsn, &value)) {
        st = event_record_read(examinee_page_record(page, lsn, value), &record);
    }
    *out = st == OK && record.event.kind == EVENT_STARTED &&
           slice_equal(record.identity.examinee, page->examinee);
    return st;
}

/* Take a session if it is the examinee's, or note that it is damaged. What was written of that is
 * dropped. */
static enum status take(struct examinee_page *page, struct slice session, struct slice events)
{
    size_t mark = page->out.n;
    bool is_theirs = false;
    enum status st = check_examinee(page, events, &is_theirs);

    if (st == OK && is_theirs) st = page->take(page, session, events);
    if (st == OK) page->n_session += is_theirs;
    if (st != CORRUPT) return st;
    page->out.n = mark;
    note_damaged(page, session);
    return OK;
}

/* The next session of the archive; without `value` it is damaged. */
static enum status look_at(struct examinee_page *page, struct slice key, const struct slice *value)
{
    struct slice tenant, session;

    if (!session_key_read(key, &tenant, &session)) return CORRUPT;
    if (!slice_equal(tenant, page->tenant)) return NOT_FOUND;  // past the last
    if (key.n == page->after.n && memcmp(key.data, page->after.bytes, key.n) == 0) return OK;
    if (page->n_looked > 0 &&
        (page->n_looked == LOOKED_AT || page->n_session + page->n_damaged >= PAGE_SESSIONS ||
         page->out.n > PAGE_BYTES)) {
        page->more = true;
        return NOT_FOUND;
    }
    page->n_looked++;
    page->after = session_key_of(tenant, session);
    if (is_in_memory(page, session)) return OK;
    if (value) return take(page, session, *value);
    note_damaged(page, session);
    return OK;
}

static enum status on_archived(void *context, struct slice key, struct slice value)
{
    return look_at(context, key, &value);
}

static enum status on_damaged(void *context, struct slice key)
{
    return look_at(context, key, NULL);
}

static enum status gather(struct examinee_page *page, const struct told *told)
{
    struct journal journal = {.env = page->env};
    enum status st = archive_get(page->env, page->tenant, told->id, &page->events);
    uint64_t archived = archive_last(buf_slice(&page->events));

    if (st == NOT_FOUND) st = OK;
    for (size_t i = 0; i < told->lsns.n && st == OK; i += sizeof(uint64_t)) {
        uint64_t lsn;

        memcpy(&lsn, told->lsns.data + i, sizeof(lsn));
        if (lsn <= archived) continue;
        st = journal_get(&journal, lsn, &page->bytes);
        if (st == OK) archive_append(&page->events, lsn, buf_slice(&page->bytes));
    }
    return st == NOT_FOUND ? RETRY : st;
}

/* Sessions in memory come with the first page. */
static enum status take_memory(struct examinee_page *page)
{
    struct slice rest = page->memory;
    struct told told;

    while (next_told(&rest, &told)) {
        enum status st = gather(page, &told);

        if (st == OK) st = take(page, told.id, buf_slice(&page->events));
        if (st == CORRUPT) note_damaged(page, told.id);
        if (st && st != CORRUPT) return st;
    }
    return OK;
}

/* A session of the shared store. */
struct found {
    struct slice session;  // in the names
    size_t at, n;          // its events, in page->events
    bool is_damaged, is_erased;
};

struct fetching {
    struct examinee_page *page;
    struct buf names;
    struct found found[PAGE_SESSIONS];
    size_t n;
};

static void on_sitting(void *context, struct slice session, uint32_t number)
{
    struct fetching *fetching = context;

    (void)number;
    fetching->found[fetching->n++].session.n = session.n;
    buf_append(&fetching->names, session.data, session.n);
}

static void on_event(void *context, size_t i, const struct shared_event *event, enum status status)
{
    struct fetching *fetching = context;
    struct found *found = &fetching->found[i];
    struct buf *events = &fetching->page->events;

    if (status) found->is_damaged = true;
    if (erased_stands(event->record)) found->is_erased = true;
    if (found->n == 0) found->at = events->n;
    archive_append(events, event->n, event->record);
    found->n = events->n - found->at;
}

static enum status fetch(struct fetching *fetching)
{
    struct examinee_page *page = fetching->page;
    struct shared_want wants[PAGE_SESSIONS];
    struct shared_news news;
    const uint8_t *name = fetching->names.data;

    if (fetching->names.failed) return NO_MEMORY;
    for (size_t i = 0; i < fetching->n; i++) {
        fetching->found[i].session.data = name;
        name += fetching->found[i].session.n;
        wants[i] =
            (struct shared_want){.tenant = page->tenant, .session = fetching->found[i].session};
    }
    return shared_fetch(page->shared, wants, fetching->n,
                        (struct shared_visitor){on_event, fetching}, &news);
}

static enum status take_found(struct examinee_page *page, const struct found *found)
{
    struct slice events = slice_of(page->events.data + found->at, found->n);

    page->after = session_key_of(page->tenant, found->session);
    if (found->is_erased) return shared_forget(page->shared, page->tenant, found->session);
    if (!found->is_damaged) return take(page, found->session, events);
    if (page->takes_damaged) {
        page->n_session++;
        return page->take(page, found->session, events);
    }
    note_damaged(page, found->session);
    return OK;
}

static enum status fill_shared(struct examinee_page *page, struct slice after)
{
    struct fetching fetching = {.page = page};
    struct shared_sittings sittings = {.tenant = page->tenant,
                                       .examinee = page->examinee,
                                       .after = after,
                                       .n_session = PAGE_SESSIONS,
                                       .visit = on_sitting,
                                       .context = &fetching};
    enum status st = shared_sittings(page->shared, &sittings);

    if (st == OK && fetching.n > 0) st = fetch(&fetching);
    if (st == OK && page->events.failed) st = NO_MEMORY;
    page->more = fetching.n == PAGE_SESSIONS;
    for (size_t i = 0; i < fetching.n && st == OK; i++) {
        if (page->out.n > PAGE_BYTES) {
            page->more = true;
            break;
        }
        st = take_found(page, &fetching.found[i]);
    }
    buf_done(&fetching.names);
    return st == IO_ERROR ? RETRY : st;
}

static enum status fill_here(struct examinee_page *page, struct slice after)
{
    enum status st = after.n == 0 ? take_memory(page) : (enum status)OK;

    if (st) return st;
    return env_each_any(page->env, TABLE_ARCHIVE, session_key_slice(&page->after),
                        (struct visitor){on_archived, page}, on_damaged);
}

enum status examinee_page_fill(struct examinee_page *page, struct slice examinee,
                               struct slice after)
{
    enum status st;

    page->examinee = examinee;
    page->after = session_key_of(page->tenant, after);
    st = page->shared ? fill_shared(page, after) : fill_here(page, after);
    if (st == OK && (page->out.failed || page->events.failed || page->damaged.failed)) {
        st = NO_MEMORY;
    }
    return st;
}

void examinee_page_done(struct examinee_page *page)
{
    decoder_done(&page->items);
    buf_done(&page->events);
    buf_done(&page->bytes);
    buf_done(&page->out);
    buf_done(&page->damaged);
}

enum status examinee_page_init(struct examinee_page *page, struct tools *tools, struct slice told)
{
    enum status st = decoder_init(&page->items);

    if (st) return st;
    page->env = tools->env;
    page->shared = tools->shared.url[0] ? &tools->shared : NULL;
    page->tenant = examinee_take_name(&told);
    page->who = examinee_take_name(&told);
    memcpy(&page->now_ms, told.data, sizeof(page->now_ms));
    page->memory = slice_of(told.data + sizeof(page->now_ms), told.n - sizeof(page->now_ms));
    page->writer = writer_of(&page->out);
    return OK;
}
