/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory has no order of ids, so the first few behind `after` are found by looking at all. What
 * memory has of a session is newer than what the archive has of it; a session whose newer state is
 * not asked for comes along hidden, so that the archive's older state of it is not shown. A session
 * that cannot be read is named and passed over: one damaged record must not hide the others. */
#include "server/listing.h"
#include "server/log.h"
#include "server/outline.h"
#include "store/erased.h"
#include "store/shared.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT = 100, SCAN_MOST = 2000, SHARED_MOST = 200 };

static void read_state(struct reader *in, struct listing_query *out)
{
    struct slice name;

    if (!read_str(in, "state", OPTIONAL, LIMIT_ID, &name)) return;
    for (int i = SESSION_ASKING; i < SESSION_N_STATE; i++) {
        if (slice_equal_str(name, session_state_name((enum session_state)i))) {
            out->state = (enum session_state)i;
        }
    }
    if (out->state == SESSION_NEW) read_fail(in, "state", "is no state of a session");
}

void listing_read_query(struct reader *in, struct listing_query *out)
{
    int64_t limit = DEFAULT_LIMIT;

    *out = (struct listing_query){.state = SESSION_NEW};
    read_id(in, "test", OPTIONAL, &out->test);
    read_id(in, "examinee", OPTIONAL, &out->examinee);
    read_id(in, "after", OPTIONAL, &out->after);
    read_state(in, out);
    read_int(in, "limit", OPTIONAL, 1, LISTING_MOST, &limit);
    out->limit = (size_t)limit;
}

static bool is_asked_for(const struct listing_query *query, const struct listed *row)
{
    if (query->test.n > 0 && !slice_equal_str(query->test, row->test)) return false;
    if (query->examinee.n > 0 && !slice_equal_str(query->examinee, row->examinee)) return false;
    return query->state == SESSION_NEW || query->state == row->state;
}

/* Names in memory were checked when they came: they are ids, which fit. */
static void copy_id(struct slice id, char out[LIMIT_ID + 1])
{
    (void)!slice_to_text(id, out, LIMIT_ID + 1);
}

static void describe(const struct live *live, struct listed *out)
{
    struct session_view view;

    session_view(live->session, &view);
    *out = (struct listed){.started_ms = live->started_ms,
                           .n_asked = view.asked,
                           .n_pending = view.n_pending,
                           .state = view.state};
    copy_id(live->id, out->session);
    copy_id(test_entry_name(live->test->entry).name, out->test);
    copy_id(live->examinee, out->examinee);
    copy_id(live->group, out->group);
}

/* | head | tenant | rows |, in this machine's byte order. */
struct gathered_head {
    uint32_t n_tenant, n_row;
    bool is_cut;  // there were more
};

struct gathering {
    const struct listing_query *query;
    struct slice tenant;
    const struct live *live[LISTING_MOST];  // [n], by id
    bool is_hidden[LISTING_MOST];
    size_t n;
    bool is_cut;
};

/* Put a session in its place by id; the last one falls out where there are too many. */
static void insert(struct gathering *gathering, const struct live *live, bool is_hidden)
{
    size_t limit = gathering->query->limit, at = gathering->n;

    while (at > 0 && slice_compare(live->id, gathering->live[at - 1]->id) < 0) at--;
    if (gathering->n == limit) gathering->is_cut = true;
    if (at == limit) return;
    if (gathering->n < limit) gathering->n++;
    for (size_t i = gathering->n - 1; i > at; i--) {
        gathering->live[i] = gathering->live[i - 1];
        gathering->is_hidden[i] = gathering->is_hidden[i - 1];
    }
    gathering->live[at] = live;
    gathering->is_hidden[at] = is_hidden;
}

static void on_live(void *context, const struct live *live, bool is_ahead)
{
    struct gathering *gathering = context;
    struct listed row;
    bool is_hidden;

    if (!slice_equal(live->tenant, gathering->tenant)) return;
    if (slice_compare(live->id, gathering->query->after) <= 0) return;
    describe(live, &row);
    is_hidden = !is_asked_for(gathering->query, &row);
    if (is_hidden && !is_ahead) return;
    insert(gathering, live, is_hidden);
}

void listing_gather(const struct sessions *sessions, struct slice tenant,
                    const struct listing_query *query, struct buf *out)
{
    struct gathering gathering = {.query = query, .tenant = tenant};
    struct gathered_head head = {.n_tenant = (uint32_t)tenant.n};

    if (sessions) sessions_each(sessions, on_live, &gathering);
    head.n_row = (uint32_t)gathering.n;
    head.is_cut = gathering.is_cut;
    buf_append(out, &head, sizeof(head));
    buf_append(out, tenant.data, tenant.n);
    for (size_t i = 0; i < gathering.n; i++) {
        struct listed row;

        describe(gathering.live[i], &row);
        row.is_hidden = gathering.is_hidden[i];
        buf_append(out, &row, sizeof(row));
    }
}

/* A page in the making. */
struct paging {
    struct env *env;
    const struct listing_query *query;
    struct page *page;
    struct outline *outline;
    struct listed *live;  // [n_live], by id
    size_t n_live, at_live, n_scanned;
    bool is_cut;
    char last[LIMIT_ID + 1];  // what was looked at last
    bool is_full;             // the page ends at `last`
};

/* False where the page is full. */
static bool look_at(struct paging *paging, const struct listed *row)
{
    struct page *page = paging->page;

    if (page->n == paging->query->limit) {
        paging->is_full = true;
        return false;
    }
    memcpy(paging->last, row->session, sizeof(paging->last));
    if (!row->is_hidden && is_asked_for(paging->query, row)) page->rows[page->n++] = *row;
    return true;
}

/* A session that cannot be read. False where the page is full. */
static bool look_at_damaged(struct paging *paging, struct slice id)
{
    struct page *page = paging->page;

    if (page->n_damaged == LISTING_DAMAGED) {
        paging->is_full = true;
        return false;
    }
    copy_id(id, paging->last);
    memcpy(page->damaged[page->n_damaged++], paging->last, sizeof(paging->last));
    log_line(LOG_ERROR, "a session is damaged on disk and is left out",
             "session=%s hint=\"theta verify; put a backup back\"", paging->last);
    return true;
}

/* The sessions of memory before `id`. False where the page is full. */
static bool look_at_live(struct paging *paging, struct slice id)
{
    while (paging->at_live < paging->n_live) {
        const struct listed *row = &paging->live[paging->at_live];

        if (id.data && slice_compare(slice_str(row->session), id) >= 0) break;
        if (!look_at(paging, row)) return false;
        paging->at_live++;
    }
    return true;
}

static enum status on_event(void *context, const struct stored_event *stored)
{
    return outline_take(context, stored->record);
}

static enum status list_outline(const struct outline *outline, struct slice id, struct listed *out)
{
    *out = (struct listed){.started_ms = outline->started_ms,
                           .n_asked = outline->n_asked,
                           .n_pending = outline->n_pending,
                           .state = outline->state};
    memcpy(out->test, outline->test, sizeof(out->test));
    memcpy(out->examinee, outline->examinee, sizeof(out->examinee));
    memcpy(out->group, outline->group, sizeof(out->group));
    return slice_to_text(id, out->session, sizeof(out->session)) ? OK : CORRUPT;
}

static enum status read_archived(struct paging *paging, struct slice id, struct slice archive,
                                 struct listed *out)
{
    struct outline *outline = paging->outline;
    enum status st;

    memset(outline, 0, sizeof(*outline));
    st = archive_each(paging->env, archive, (struct event_visitor){on_event, outline});
    return st ? st : list_outline(outline, id, out);
}

/* Whether the session came along from memory. */
static bool is_of_memory(const struct paging *paging, struct slice id)
{
    size_t at = paging->at_live;

    return at < paging->n_live && slice_equal_str(id, paging->live[at].session);
}

/* Whether the session's archived state belongs into the page; NOT_FOUND where the page ends, EXISTS
 * where memory has a newer state of it. */
static enum status come_to(struct paging *paging, struct slice id)
{
    if (!look_at_live(paging, id)) return NOT_FOUND;
    if (is_of_memory(paging, id)) return EXISTS;
    if (paging->is_cut && paging->at_live == paging->n_live) return NOT_FOUND;
    if (paging->n_scanned++ < SCAN_MOST) return OK;
    paging->is_full = true;
    return NOT_FOUND;
}

static enum status on_damaged(void *context, struct slice id)
{
    enum status st = come_to(context, id);

    if (st) return st == EXISTS ? OK : st;
    return look_at_damaged(context, id) ? OK : NOT_FOUND;
}

static enum status on_archived(void *context, struct slice id, struct slice archive)
{
    struct paging *paging = context;
    struct listed row;
    enum status st = come_to(paging, id);

    if (st) return st == EXISTS ? OK : st;
    st = read_archived(paging, id, archive, &row);
    if (st == CORRUPT) return look_at_damaged(paging, id) ? OK : NOT_FOUND;
    if (st) return st;
    return look_at(paging, &row) ? OK : NOT_FOUND;
}

static enum status make_page(struct paging *paging, struct slice tenant)
{
    enum status st = archive_scan(paging->env, tenant, paging->query->after,
                                  (struct visitor){on_archived, paging}, on_damaged);

    if (st) return st;
    if (!paging->is_full && look_at_live(paging, slice_of(NULL, 0))) {
        paging->is_full = paging->is_cut;
    }
    if (paging->is_full) memcpy(paging->page->next, paging->last, sizeof(paging->last));
    return OK;
}

enum status listing_page(struct env *env, const struct listing_query *query, struct slice gathered,
                         struct page *out)
{
    struct gathered_head head;
    struct paging paging = {.env = env, .query = query, .page = out};
    const uint8_t *at = gathered.data;
    struct slice tenant;
    enum status st = NO_MEMORY;

    memcpy(&head, at, sizeof(head));
    tenant = slice_of(at + sizeof(head), head.n_tenant);
    paging.n_live = head.n_row;
    paging.is_cut = head.is_cut;
    paging.live = calloc(head.n_row + 1u, sizeof(*paging.live));
    paging.outline = calloc(1, sizeof(*paging.outline));
    out->n = 0;
    out->next[0] = '\0';
    if (paging.live && paging.outline) {
        memcpy(paging.live, tenant.data + tenant.n, head.n_row * sizeof(*paging.live));
        st = make_page(&paging, tenant);
    }
    free(paging.live);
    free(paging.outline);
    return st;
}

/* Sessions of the shared store, one event after the other. */
struct shared_paging {
    struct paging paging;
    char session[LIMIT_ID + 1];  // of the outline, "" before the first
    size_t n_session;            // in this scan
    bool is_damaged, is_erased;  // that session
    enum status st;
};

/* The session whose events have come is complete. */
static void end_session(struct shared_paging *shared)
{
    struct slice id = slice_str(shared->session);
    struct listed row;

    if (id.n == 0 || shared->st || shared->paging.is_full) return;
    if (shared->is_erased)
        copy_id(id, shared->paging.last);
    else if (shared->is_damaged || list_outline(shared->paging.outline, id, &row))
        (void)look_at_damaged(&shared->paging, id);
    else
        (void)look_at(&shared->paging, &row);
}

static void begin_session(struct shared_paging *shared, struct slice id)
{
    memset(shared->paging.outline, 0, sizeof(*shared->paging.outline));
    shared->is_damaged = shared->is_erased = false;
    copy_id(id, shared->session);
    shared->n_session++;
}

static void on_shared(void *context, size_t i, const struct shared_event *event, enum status status)
{
    struct shared_paging *shared = context;
    struct event_record record;
    enum status st = status;

    (void)i;
    if (event->n == 0) {
        end_session(shared);
        begin_session(shared, event->session);
    }
    if (erased_stands(event->record)) {
        shared->is_erased = true;
        return;
    }
    if (st == OK) st = event_record_read(event->record, &record);
    if (st == OK) st = outline_take(shared->paging.outline, &record);
    if (st == CORRUPT)
        shared->is_damaged = true;
    else if (st && shared->st == OK)
        shared->st = st;
}

/* Scan until the page is full, or so many sessions have been looked at that it ends early. */
static enum status scan_shared(struct shared_paging *paging, struct shared *store,
                               struct slice tenant)
{
    struct shared_range range = {
        .tenant = tenant, .after = paging->paging.query->after, .n_session = SHARED_MOST};
    size_t n_looked = 0;
    enum status st;

    do {
        paging->n_session = 0;
        paging->session[0] = '\0';
        st = shared_scan(store, &range, (struct shared_visitor){on_shared, paging});
        if (st) return st == IO_ERROR ? RETRY : st;
        end_session(paging);
        range.after = slice_str(paging->paging.last);
        n_looked += paging->n_session;
        if (paging->st || paging->paging.is_full) return paging->st;
    } while (paging->n_session == SHARED_MOST && n_looked < SCAN_MOST);
    paging->paging.is_full = paging->n_session == SHARED_MOST;
    return OK;
}

enum status listing_shared(struct shared *shared, const struct listing_query *query,
                           struct slice gathered, struct page *out)
{
    struct shared_paging paging = {.paging = {.query = query, .page = out}};
    struct gathered_head head;
    enum status st;

    memcpy(&head, gathered.data, sizeof(head));
    out->n = 0;
    out->next[0] = '\0';
    paging.paging.outline = calloc(1, sizeof(*paging.paging.outline));
    st = paging.paging.outline
             ? scan_shared(&paging, shared, slice_of(gathered.data + sizeof(head), head.n_tenant))
             : NO_MEMORY;
    if (paging.paging.is_full) memcpy(out->next, paging.paging.last, sizeof(out->next));
    free(paging.paging.outline);
    return st;
}
