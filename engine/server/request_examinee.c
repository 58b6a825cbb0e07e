/* SPDX-License-Identifier: GPL-3.0-or-later */
/* examinee.export and examinee.erase: all that is kept of one examinee, page by page. The loop
 * says which sessions in memory are the examinee's and where their events stand; a helper looks
 * through the next part of the archive. A shared store knows which sessions are whose, and has all
 * of them; there the helper erases them too. */
#include "server/audits.h"
#include "server/erase.h"
#include "server/examinee_page.h"
#include "server/server.h"
#include "store/shared_examinee.h"

#include <string.h>

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

static enum status prepare(struct call *call)
{
    struct server *server = call->server;
    struct ask ask;
    size_t n = 0;
    enum status st;

    if (!read_ask(call, &ask)) return BAD_REQUEST;
    st = check_awake(call);
    if (st) return st;
    examinee_tell(call->tenant, call->who, call->now_ms, &server->extra);
    if (!server->district) {
        n = examinee_tell_memory(server->sessions, call->tenant, ask.examinee, &server->extra);
    }
    if (n > EXAMINEE_MEMORY) {
        return refuse(call, RETRY, NULL,
                      "%zu sessions of the examinee are in memory, at most %d may be: when they "
                      "have ended, or sat idle, they leave it",
                      n, EXAMINEE_MEMORY);
    }
    return server->extra.failed ? NO_MEMORY : OK;
}

/* Where the next page begins: the name of the last session that was looked at. */
static void write_after(const struct examinee_page *page, struct writer *out)
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

static void write_session(struct examinee_page *page, struct bank_of *bank,
                          const struct event_record *first, size_t n_event)
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

/* The session's bank, as this node has it. A district's other nodes may have had it first. */
static enum status find_bank(struct examinee_page *page, const struct event_record *first,
                             struct bank_of *bank)
{
    struct wanted_bank wanted = {first, &bank->header};
    enum status st = library_each_bank(page->env, on_bank, &wanted);

    return st == OK && page->shared && bank->header.version == 0 ? (enum status)RETRY : st;
}

static enum status export_session(struct examinee_page *page, struct slice session,
                                  struct slice events)
{
    struct bank_of bank = {.env = page->env, .decoder = &page->items, .out = &page->writer};
    struct event_record record;
    struct slice rest = events, value;
    enum status st = OK;
    uint64_t lsn;

    (void)session;
    while (st == OK && archive_next(&rest, &lsn, &value)) {
        value = examinee_page_record(page, lsn, value);
        st = event_record_read(value, &record);
        if (st == OK && record.n == 0) {
            st = find_bank(page, &record, &bank);
            write_session(page, &bank, &record, count_events(events));
        }
        if (st == OK) write_event(&bank, &record);
    }
    return st;
}

static void write_damaged(const struct examinee_page *page, struct writer *out)
{
    if (page->n_damaged == 0) return;
    write_text(out, "damaged");
    write_array(out, page->n_damaged);
    write_raw(out, buf_slice(&page->damaged));
}

static enum status export_page(struct call *call, struct examinee_page *page)
{
    struct ask ask;
    enum status st;

    if (!read_ask(call, &ask)) return BAD_REQUEST;
    page->take = export_session;
    st = examinee_page_fill(page, ask.examinee, ask.after);
    if (st) return st;
    reply_begin(call, 1u + page->more + (page->n_damaged > 0));
    write_text(&call->out, "sessions");
    write_array(&call->out, page->n_session);
    write_raw(&call->out, buf_slice(&page->out));
    write_damaged(page, &call->out);
    write_after(page, &call->out);
    return OK;
}

static enum status with_page(struct call *call,
                             enum status (*tell)(struct call *call, struct examinee_page *page))
{
    struct examinee_page page = {0};
    enum status st = examinee_page_init(&page, call->tools, call->extra);

    if (st) return st;
    st = tell(call, &page);
    examinee_page_done(&page);
    return st;
}

static enum status work_export(struct call *call, struct env *env,
                               struct estimate_workspace *workspace)
{
    (void)env;
    (void)workspace;
    return with_page(call, export_page);
}

static enum status note_session(struct examinee_page *page, struct slice session,
                                struct slice events)
{
    (void)events;
    examinee_put_name(&page->out, session);
    return OK;
}

/* In the shared store nobody else has to know: it refuses what others do with their copies. */
static enum status erase_shared(struct examinee_page *page, struct slice session,
                                struct slice events)
{
    struct tombstone tombstone = {.erased_ms = page->now_ms, .who = page->who};
    struct shared_event last = {.tenant = page->tenant, .session = session};
    const struct ask *ask = page->context;
    bool done = false;
    enum status st;

    tombstone.reason = ask->reason;
    last.n = (uint32_t)archive_last(events);
    st = shared_erase(page->shared, &last, &tombstone, &done);
    if (st == OK && !done) return RETRY;  // it has just been answered
    examinee_put_name(&page->out, session);
    return st;
}

/* What the helper has found, for the loop: | 1 where there is more | number of damaged sessions 4 |
 * length 4 | their names, as the reply has them | length 1 | the last session that was looked at |
 * of each session of the examinee: length 1 | name |. */
static void put_found(const struct examinee_page *page, struct slice last, struct buf *out)
{
    uint32_t n_damaged = (uint32_t)page->n_damaged, n = (uint32_t)page->damaged.n;
    uint8_t more = page->more;

    buf_append(out, &more, 1);
    buf_append(out, &n_damaged, sizeof(n_damaged));
    buf_append(out, &n, sizeof(n));
    buf_append(out, page->damaged.data, n);
    examinee_put_name(out, last);
    buf_append(out, page->out.data, page->out.n);
}

static enum status find_page(struct call *call, struct examinee_page *page)
{
    struct slice tenant, last = {0};
    struct ask ask;
    enum status st;

    if (!read_ask(call, &ask)) return BAD_REQUEST;
    page->take = page->shared ? erase_shared : note_session;
    page->takes_damaged = true;
    page->context = &ask;
    st = examinee_page_fill(page, ask.examinee, ask.after);
    page->context = NULL;  // `ask` ends before the page does
    if (st) return st;
    if (!session_key_read(session_key_slice(&page->after), &tenant, &last)) return INTERNAL;
    put_found(page, last, call->out.buf);
    return call->out.buf->failed ? NO_MEMORY : OK;
}

static enum status work_erase(struct call *call, struct env *env,
                              struct estimate_workspace *workspace)
{
    (void)env;
    (void)workspace;
    return with_page(call, find_page);
}

/* What put_found has put together. */
struct found {
    bool more;
    uint32_t n_damaged;
    struct slice damaged, last, sessions;
};

static struct found take_found(struct slice bytes)
{
    struct found found = {.more = bytes.data[0]};
    const uint8_t *at = bytes.data + 1;
    uint32_t n;

    memcpy(&found.n_damaged, at, sizeof(found.n_damaged));
    memcpy(&n, at + sizeof(found.n_damaged), sizeof(n));
    found.damaged = slice_of(at + sizeof(found.n_damaged) + sizeof(n), n);
    at = found.damaged.data + n;
    found.sessions = slice_of(at, bytes.n - (size_t)(at - bytes.data));
    found.last = examinee_take_name(&found.sessions);
    return found;
}

static enum status erase_here(struct call *call, struct slice session, struct slice reason)
{
    struct erasure erasure = {
        .server = call->server, .now_ms = call->now_ms, .who = call->who, .reason = reason};

    return erase_session(&erasure, call->tenant, session);
}

/* Out of this node's memory, unless something is under way for it: that finds out by itself. */
static enum status forget_here(struct call *call, struct slice session)
{
    if (!district_find(call->server->district, call->tenant, session)) {
        sessions_forget(call->server->sessions, call->tenant, session);
    }
    return OK;
}

static enum status finish_erase(struct call *call)
{
    struct found found;
    int64_t n = 0;
    struct ask ask;

    if (call->job->status) return OK;  // told already
    if (!read_ask(call, &ask)) return BAD_REQUEST;
    found = take_found(call->job->helped);
    for (; found.sessions.n > 0; n++) {
        struct slice session = examinee_take_name(&found.sessions);
        enum status st = call->server->district ? forget_here(call, session)
                                                : erase_here(call, session, ask.reason);

        if (st) return st;
    }
    reply_begin(call, 1u + found.more + (found.n_damaged > 0));
    put_int(&call->out, "n_sessions", n);
    if (found.n_damaged > 0) {
        write_text(&call->out, "damaged");
        write_array(&call->out, found.n_damaged);
        write_raw(&call->out, found.damaged);
    }
    if (found.more) put_str(&call->out, "after", found.last);
    return OK;
}

const struct request request_examinee_export = {.op = "examinee.export",
                                                .roles = ROLE_ADMIN,
                                                .max_bytes = LIMIT_REQUEST,
                                                .slow = true,
                                                .when_full = true,
                                                .run = prepare,
                                                .work = work_export,
                                                .audit = audit_of_examinee};
const struct request request_examinee_erase = {.op = "examinee.erase",
                                               .roles = ROLE_ADMIN,
                                               .max_bytes = LIMIT_REQUEST,
                                               .slow = true,
                                               .when_full = true,
                                               .run = prepare,
                                               .work = work_erase,
                                               .finish = finish_erase,
                                               .audit = audit_of_examinee};
