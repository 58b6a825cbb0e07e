/* SPDX-License-Identifier: GPL-3.0-or-later */
/* examinee.export and examinee.erase: all that is kept of one examinee, page by page. The loop
 * says which sessions in memory are the examinee's and where their events stand; a helper looks
 * through the next part of the archive. */
#include "server/audits.h"
#include "server/erase.h"
#include "server/server.h"

#include <string.h>

enum { LOOKED_AT = 5000, PAGE_SESSIONS = 25, PAGE_BYTES = 1 << 18, MEMORY_SESSIONS = 64 };

static const char *const kind_names[] = {
    [EVENT_STARTED] = "started", [EVENT_ANSWERED] = "answered", [EVENT_SUSPENDED] = "suspended",
    [EVENT_RESUMED] = "resumed", [EVENT_FINISHED] = "finished", [EVENT_VOIDED] = "voided",
    [EVENT_REVISED] = "revised", [EVENT_SCORED] = "scored",
};

/* What both ops say. `after`: the session behind which the page begins. */
struct ask {
    struct slice examinee, after, reason;
};

static bool read_ask(struct call *call, struct ask *out)
{
    *out = (struct ask){0};
    read_id(&call->in, "examinee", REQUIRED, &out->examinee);
    read_id(&call->in, "after", OPTIONAL, &out->after);
    read_str(&call->in, "reason", OPTIONAL, LIMIT_RAW, &out->reason);
    return !call->in.failed;
}

/* For the helper: | tenant length 1 | tenant | of each session in memory: | name length 1 | name |
 * number of events 4 | their numbers in the journal, 8 each |. */
struct finding {
    struct server *server;
    struct slice tenant, examinee;
    size_t n;
    struct buf *out;
};

static void find_live(void *context, const struct live *live, bool is_ahead)
{
    struct finding *finding = context;
    uint8_t n_id = (uint8_t)live->id.n;
    struct session_events events;

    (void)is_ahead;
    if (!slice_equal(live->tenant, finding->tenant)) return;
    if (!slice_equal(live->examinee, finding->examinee)) return;
    if (++finding->n > MEMORY_SESSIONS) return;
    events = sessions_events(finding->server->sessions, live->tenant, live->id);
    buf_append(finding->out, &n_id, 1);
    buf_append(finding->out, live->id.data, live->id.n);
    buf_append(finding->out, &events.n_lsn, sizeof(events.n_lsn));
    if (events.n_lsn > 0) {
        buf_append(finding->out, events.lsn, events.n_lsn * sizeof(*events.lsn));
    }
}

static enum status prepare(struct call *call)
{
    struct server *server = call->server;
    struct finding finding = {.server = server, .tenant = call->tenant, .out = &server->extra};
    uint8_t n_tenant = (uint8_t)call->tenant.n;
    struct ask ask;

    if (!read_ask(call, &ask)) return BAD_REQUEST;
    finding.examinee = ask.examinee;
    buf_append(&server->extra, &n_tenant, 1);
    buf_append(&server->extra, call->tenant.data, call->tenant.n);
    sessions_each(server->sessions, find_live, &finding);
    if (finding.n > MEMORY_SESSIONS) {
        return refuse(call, RETRY, NULL,
                      "%zu sessions of the examinee are in memory, at most %d may be: when they "
                      "have ended, or sat idle, they leave it",
                      finding.n, MEMORY_SESSIONS);
    }
    return server->extra.failed ? NO_MEMORY : OK;
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
    out->id = slice_of(rest->data + 1, rest->data[0]);
    memcpy(&n, out->id.data + out->id.n, sizeof(n));
    out->lsns = slice_of(out->id.data + out->id.n + sizeof(n), n * sizeof(uint64_t));
    *rest =
        slice_of(out->lsns.data + out->lsns.n, rest->n - 1 - out->id.n - sizeof(n) - out->lsns.n);
    return true;
}

/* A page in the making: in a helper. */
struct page {
    struct env *env;
    struct slice tenant, examinee, memory;  // memory: of the sessions that are there
    struct decoder decoder, items;
    struct session_key after;
    struct buf events, bytes, out;
    struct writer writer;
    size_t n_session, n_looked;
    bool (*take)(struct page *page, struct slice session, struct slice events);
    enum status st;
    bool more;
};

static bool is_in_memory(const struct page *page, struct slice session)
{
    struct slice rest = page->memory;
    struct told told;

    while (next_told(&rest, &told)) {
        if (slice_equal(told.id, session)) return true;
    }
    return false;
}

/* Whether the events are of the examinee, by the first one. */
static bool is_examinees(struct page *page, struct slice events)
{
    struct event_record record;
    struct slice value;
    uint64_t lsn;

    if (!archive_next(&events, &lsn, &value)) return false;
    value = journal_record(page->env, lsn, value);
    if (event_record_read(&page->decoder, value, &record)) return false;
    return record.event.kind == EVENT_STARTED &&
           slice_equal(record.identity.examinee, page->examinee);
}

static enum status on_archived(void *context, struct slice key, struct slice value)
{
    struct page *page = context;
    struct slice tenant, session;

    if (!session_key_read(key, &tenant, &session)) return CORRUPT;
    if (!slice_equal(tenant, page->tenant)) return NOT_FOUND;  // past the last
    if (key.n == page->after.n && memcmp(key.data, page->after.bytes, key.n) == 0) return OK;
    if (page->n_looked > 0 && (page->n_looked == LOOKED_AT || page->n_session >= PAGE_SESSIONS ||
                               page->out.n > PAGE_BYTES)) {
        page->more = true;
        return NOT_FOUND;
    }
    page->n_looked++;
    page->after = session_key_of(tenant, session);
    if (is_in_memory(page, session) || !is_examinees(page, value)) return OK;
    return page->take(page, session, value) ? OK : page->st;
}

static enum status gather(struct page *page, const struct told *told)
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
static enum status take_memory(struct page *page)
{
    struct slice rest = page->memory;
    struct told told;

    while (next_told(&rest, &told)) {
        enum status st = gather(page, &told);

        if (st) return st;
        if (!page->take(page, told.id, buf_slice(&page->events))) return page->st;
    }
    return OK;
}

static enum status fill_page(struct page *page, const struct ask *ask)
{
    enum status st = OK;

    page->after = session_key_of(page->tenant, ask->after);
    if (ask->after.n == 0) st = take_memory(page);
    if (st) return st;
    st = env_each(page->env, TABLE_ARCHIVE, session_key_slice(&page->after),
                  (struct visitor){on_archived, page});
    if (st == OK && (page->out.failed || page->events.failed)) st = NO_MEMORY;
    return st;
}

static void page_done(struct page *page)
{
    decoder_done(&page->decoder);
    decoder_done(&page->items);
    buf_done(&page->events);
    buf_done(&page->bytes);
    buf_done(&page->out);
}

static enum status page_init(struct page *page, struct call *call, struct env *env)
{
    const uint8_t *extra = call->extra.data;
    enum status st = decoder_init(&page->decoder);

    if (st) return st;
    st = decoder_init(&page->items);
    if (st) {
        decoder_done(&page->decoder);
        return st;
    }
    page->env = env;
    page->tenant = slice_of(extra + 1, extra[0]);
    page->memory = slice_of(extra + 1 + extra[0], call->extra.n - 1 - extra[0]);
    page->writer = writer_of(&page->out);
    return OK;
}

/* Where the next page begins: the name of the last session that was looked at. */
static void write_after(const struct page *page, struct writer *out)
{
    struct slice tenant, session;

    if (!page->more) return;
    if (session_key_read(session_key_slice(&page->after), &tenant, &session)) {
        put_str(out, "after", session);
    }
}

static void write_response(struct writer *out, const struct response *response)
{
    write_text(out, "response");
    if (response->kind == RESPONSE_SCORE)
        write_int(out, response->score);
    else if (response->raw.n > 0 || response->kind == RESPONSE_RAW)
        write_str(out, response->raw);
    else
        write_nil(out);
    write_text(out, "score");
    if (response->kind == RESPONSE_LATER)
        write_nil(out);
    else
        write_int(out, response->score);
}

/* The id of an item of the bank that the session has, by its number. */
struct bank_of {
    struct env *env;
    struct decoder *decoder;
    struct slice tenant;
    struct bank_header header;
    struct writer *out;
};

static enum status on_item(void *context, uint32_t number, struct slice item)
{
    struct bank_of *bank = context;
    const msgpack_object *id;
    msgpack_object root;
    struct fault fault;
    struct slice text;

    (void)number;
    if (decode(bank->decoder, item, &root, &fault)) return CORRUPT;
    id = map_find(&root, "id");
    if (!id || !object_str(id, &text)) return CORRUPT;
    write_str(bank->out, text);
    return NOT_FOUND;  // enough
}

static void write_item(struct bank_of *bank, uint32_t item)
{
    size_t before = bank->out->buf->n;
    enum status st;

    st = library_each_item(bank->env, bank->header.upload, item, on_item, bank);
    if (st || bank->out->buf->n == before) write_nil(bank->out);
}

static void write_event(struct bank_of *bank, const struct event_record *record)
{
    const struct event *event = &record->event;
    struct writer *out = bank->out;
    bool answered = event->seq > 0, known = (size_t)event->kind < COUNT_OF(kind_names);
    bool asks = record->outcome.item != NO_ITEM;

    write_map(out, 5u + (answered ? 5u : 0u) + asks + (record->outcome.stop != NULL) +
                       (record->reason.n > 0));
    put_int(out, "n", record->n);
    put_text(out, "kind", known ? kind_names[event->kind] : "other");
    put_int(out, "time_ms", event->time_ms);
    put_ability(out, record->outcome.theta, record->outcome.se, record->outcome.n_dim,
                &record->outcome.ability);
    if (answered) {
        put_int(out, "seq", event->seq);
        write_text(out, "item");
        write_item(bank, event->item);
        write_response(out, &event->response);
        put_int(out, "elapsed_ms", event->elapsed_ms);
    }
    if (asks) {
        write_text(out, "asks");
        write_item(bank, record->outcome.item);
    }
    if (record->outcome.stop) put_text(out, "stop", record->outcome.stop);
    if (record->reason.n > 0) put_str(out, "reason", record->reason);
}

/* The header of the bank of a session's first event. */
struct wanted_bank {
    const struct event_record *first;
    struct bank_header *out;
};

static enum status on_bank(void *context, const struct bank_header *header)
{
    struct wanted_bank *wanted = context;

    if (!slice_equal(header->name.tenant, wanted->first->tenant) ||
        !slice_equal(header->name.name, wanted->first->identity.bank) ||
        header->version != wanted->first->identity.bank_version) {
        return OK;
    }
    *wanted->out = *header;
    return NOT_FOUND;
}

/* As it came with the start. */
static void write_prior(struct writer *out, const struct event *event)
{
    static const struct prior_dims none;
    const struct prior_dims *dims = event->prior_dims ? event->prior_dims : &none;

    write_text(out, "prior");
    write_map(out, 2);
    if (dims->n_mean > 0)
        put_vector(out, "mean", dims->mean, dims->n_mean);
    else
        put_f64(out, "mean", event->prior_mean);
    if (dims->n_cov == 0) {
        put_f64(out, "sd", event->prior_sd);
        return;
    }
    write_text(out, "cov");
    write_array(out, dims->n_cov);
    for (size_t j = 0; j < dims->n_cov; j++) {
        write_array(out, dims->n_cov);
        for (size_t m = 0; m < dims->n_cov; m++) write_f64(out, dims->cov[j * dims->n_cov + m]);
    }
}

static void write_session(struct page *page, struct bank_of *bank, const struct event_record *first,
                          size_t n_event)
{
    const struct identity *identity = &first->identity;
    struct writer *out = &page->writer;

    write_map(out, 6u + (identity->group.n > 0) + first->event.has_prior);
    put_str(out, "session", first->session);
    put_str(out, "test", identity->test);
    put_int(out, "test_version", identity->test_version);
    put_str(out, "bank", identity->bank);
    put_int(out, "bank_version", identity->bank_version);
    if (identity->group.n > 0) put_str(out, "group", identity->group);
    if (first->event.has_prior) {
        write_prior(out, &first->event);
    }
    bank->out = out;
    write_text(out, "events");
    write_array(out, n_event);
}

static size_t count_events(struct slice events)
{
    struct slice value;
    uint64_t lsn;
    size_t n = 0;

    while (archive_next(&events, &lsn, &value)) n++;
    return n;
}

static bool export_session(struct page *page, struct slice session, struct slice events)
{
    struct bank_of bank = {.env = page->env, .decoder = &page->items};
    struct event_record record;
    struct slice rest = events, value;
    uint64_t lsn;

    (void)session;
    while (archive_next(&rest, &lsn, &value)) {
        value = journal_record(page->env, lsn, value);
        page->st = event_record_read(&page->decoder, value, &record);
        if (page->st) return false;
        if (record.n == 0) {
            struct wanted_bank wanted = {&record, &bank.header};

            page->st = library_each_bank(page->env, on_bank, &wanted);
            if (page->st) return false;
            write_session(page, &bank, &record, count_events(events));
        }
        bank.out = &page->writer;
        write_event(&bank, &record);
    }
    page->n_session++;
    return true;
}

static enum status export_page(struct call *call, struct page *page)
{
    struct ask ask;
    enum status st;

    if (!read_ask(call, &ask)) return BAD_REQUEST;
    page->examinee = ask.examinee;
    page->take = export_session;
    st = fill_page(page, &ask);
    if (st) return st;
    reply_begin(call, page->more ? 2 : 1);
    write_text(&call->out, "sessions");
    write_array(&call->out, page->n_session);
    write_raw(&call->out, buf_slice(&page->out));
    write_after(page, &call->out);
    return OK;
}

static enum status with_page(struct call *call, struct env *env,
                             enum status (*tell)(struct call *call, struct page *page))
{
    struct page page = {0};
    enum status st = page_init(&page, call, env);

    if (st) return st;
    st = tell(call, &page);
    page_done(&page);
    return st;
}

static enum status work_export(struct call *call, struct env *env,
                               struct estimate_workspace *workspace)
{
    (void)workspace;
    return with_page(call, env, export_page);
}

/* What the helper has found, for the loop: | 1 where there is more | length 1 | the last session
 * that was looked at | of each session of the examinee: length 1 | name |. */
static void put_name(struct buf *out, struct slice name)
{
    uint8_t n = (uint8_t)name.n;

    buf_append(out, &n, 1);
    buf_append(out, name.data, name.n);
}

static bool note_session(struct page *page, struct slice session, struct slice events)
{
    (void)events;
    put_name(&page->out, session);
    page->n_session++;
    return true;
}

static enum status find_page(struct call *call, struct page *page)
{
    struct slice tenant, last = {0};
    uint8_t more;
    struct ask ask;
    enum status st;

    if (!read_ask(call, &ask)) return BAD_REQUEST;
    page->examinee = ask.examinee;
    page->take = note_session;
    st = fill_page(page, &ask);
    if (st) return st;
    if (!session_key_read(session_key_slice(&page->after), &tenant, &last)) return INTERNAL;
    more = page->more;
    buf_append(call->out.buf, &more, 1);
    put_name(call->out.buf, last);
    buf_append(call->out.buf, page->out.data, page->out.n);
    return call->out.buf->failed ? NO_MEMORY : OK;
}

static enum status work_erase(struct call *call, struct env *env,
                              struct estimate_workspace *workspace)
{
    (void)workspace;
    return with_page(call, env, find_page);
}

static struct slice take_name(struct slice *rest)
{
    struct slice name = slice_of(rest->data + 1, rest->data[0]);

    *rest = slice_of(name.data + name.n, rest->n - 1 - name.n);
    return name;
}

static enum status finish_erase(struct call *call)
{
    struct slice found = call->job->helped, last;
    struct erasure erasure = {.server = call->server, .now_ms = call->now_ms, .who = call->who};
    int64_t n = 0;
    bool more;
    struct ask ask;

    if (call->job->status) return OK;  // told already
    if (!read_ask(call, &ask)) return BAD_REQUEST;
    erasure.reason = ask.reason;
    more = found.data[0];
    found = slice_of(found.data + 1, found.n - 1);
    last = take_name(&found);
    for (; found.n > 0; n++) {
        enum status st = erase_session(&erasure, call->tenant, take_name(&found));

        if (st) return st;
    }
    reply_begin(call, more ? 2 : 1);
    put_int(&call->out, "n_sessions", n);
    if (more) put_str(&call->out, "after", last);
    return OK;
}

const struct request request_examinee_export = {.op = "examinee.export",
                                                .local = true,
                                                .roles = ROLE_ADMIN,
                                                .max_bytes = LIMIT_REQUEST,
                                                .slow = true,
                                                .when_full = true,
                                                .run = prepare,
                                                .work = work_export,
                                                .audit = audit_of_examinee};
const struct request request_examinee_erase = {.op = "examinee.erase",
                                               .local = true,
                                               .roles = ROLE_ADMIN,
                                               .max_bytes = LIMIT_REQUEST,
                                               .slow = true,
                                               .when_full = true,
                                               .run = prepare,
                                               .work = work_erase,
                                               .finish = finish_erase,
                                               .audit = audit_of_examinee};
