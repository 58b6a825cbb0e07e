/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.explain: the session is replayed to the question, and the pick made again in the open. */
#include "server/audits.h"
#include "server/history.h"
#include "server/server.h"
#include "session/explain.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT = 1000, MOST_LIMIT = 20000 };

/* In the loop: find the session and say where its events stand. */
static enum status prepare(struct call *call)
{
    struct session_view view;
    struct live *live;
    struct slice id;
    int64_t seq = 0;
    enum status st;

    read_id(&call->in, "session", REQUIRED, &id);
    read_int(&call->in, "seq", OPTIONAL, 1, LIMIT_ANSWERS, &seq);
    if (call->in.failed) return BAD_REQUEST;
    st = sessions_get(call->server->sessions, call->tenant, id, call->now_us, &live);
    if (st == UNKNOWN_SESSION) return refuse(call, st, "session", "there is no such session");
    if (st) return st;
    session_view(live->session, &view);
    if (seq > view.seq) {
        return refuse(call, STALE_SEQ, "seq", "the session is at question %u", view.seq);
    }
    call->job->plan = session_plan(live->session);
    sessions_history(live, &call->server->extra);
    return OK;
}

static bool asks(const struct event_record *record)
{
    enum event_kind kind = record->event.kind;

    return (kind == EVENT_STARTED || kind == EVENT_ANSWERED) && record->outcome.item != NO_ITEM;
}

static enum status count_question(void *context, const struct stored_event *stored)
{
    uint32_t *n = context;

    *n += asks(stored->record);
    return OK;
}

/* The session on its way to the question. What happened after that question was asked, a revision
 * or a score for an earlier one too, is left out: the pick knew nothing of it. So the list that
 * `asked` points into does not grow any more. */
struct way {
    const struct history *history;
    struct session *session;
    struct workspace *workspace;
    uint32_t seq;
    struct event asked;     // the event that led to the question
    struct kept_out *kept;  // what the session was not to be asked
    struct used_list used;  // where its events tell what is used up
    uint32_t item, at;      // what was asked, and its number
};

static enum status take_used(struct way *way, const struct event_record *record,
                             struct event *event)
{
    enum status st;

    if (!event_record_tells_used(record, &way->used)) {
        event->used = way->history->used;
        return event->n_used > way->history->n_used ? CORRUPT : OK;
    }
    st = event_record_used(record, bank_n_item(session_plan(way->session)->bank), &way->used);
    event->used = way->used.item;
    return st;
}

static enum status on_event(void *context, const struct stored_event *stored)
{
    struct way *way = context;
    const struct event_record *record = stored->record;
    struct event event = record->event;
    struct session_view view;
    enum status st;

    if (way->at == way->seq) return OK;
    event.retired = way->history->retired;
    if (event.n_retired > way->history->n_retired) return CORRUPT;
    st = take_used(way, record, &event);
    if (st) return st;
    if (event.n_kept > 0) {
        if (way->kept) return CORRUPT;
        st = event_record_kept(record, bank_n_item(session_plan(way->session)->bank), &way->kept);
        if (st) return st;
        event.kept = way->kept;
    }
    st = session_replay(way->session, &event, &record->outcome, way->workspace);
    if (st || !asks(record)) return st;
    session_view(way->session, &view);
    way->asked = event;
    way->at = view.seq;
    way->item = record->outcome.item;
    return OK;
}

static void write_items(struct call *call, const struct explanation *why, int64_t offset,
                        int64_t limit)
{
    const struct bank *bank = call->job->plan->bank;
    int64_t n_item = (int64_t)bank_n_item(bank);
    int64_t n = offset < n_item ? n_item - offset : 0;
    struct writer *out = &call->out;

    if (n > limit) n = limit;
    write_text(out, "items");
    write_array(out, (size_t)n);
    for (int64_t i = offset; i < offset + n; i++) {
        const struct explained_item *item = &why->items[i];

        write_array(out, 3);
        write_text(out, bank_id(bank, item->item));
        write_text(out, item_part_names[item->part]);
        write_f64(out, item->value);
    }
}

static void write_why(struct call *call, struct slice session, const struct way *way,
                      const struct explanation *why)
{
    const struct test *test = &call->job->plan->test;
    bool has_group = why->group != SIZE_MAX;
    struct writer *out = &call->out;

    reply_begin(call, 10u + has_group);
    put_str(out, "session", session);
    put_int(out, "seq", way->at);
    put_text(out, "item", bank_id(call->job->plan->bank, way->item));
    write_text(out, "criterion");
    if (why->criterion)
        write_text(out, why->criterion);
    else
        write_nil(out);
    put_ability(out, why->theta, why->se, why->n_dim, &why->ability);
    put_f64(out, "draw", why->u);
    put_int(out, "drawn_from", (int64_t)why->n_best);
    if (has_group) put_text(out, "group", test->targets[why->group].value);
    put_int(out, "n_items", (int64_t)bank_n_item(call->job->plan->bank));
}

static enum status explain(struct call *call, struct way *way, struct slice session)
{
    size_t n_item = bank_n_item(call->job->plan->bank);
    struct explanation why = {.items = calloc(n_item, sizeof(*why.items))};
    int64_t offset = 0, limit = DEFAULT_LIMIT;

    if (!why.items) return NO_MEMORY;
    read_int(&call->in, "offset", OPTIONAL, 0, LIMIT_ITEMS, &offset);
    read_int(&call->in, "limit", OPTIONAL, 1, MOST_LIMIT, &limit);
    if (!call->in.failed) {
        session_explain(way->session, &way->asked, way->workspace, &why);
        write_why(call, session, way, &why);
        write_items(call, &why, offset, limit);
    }
    free(why.items);
    return call->in.failed ? BAD_REQUEST : OK;
}

static enum status work(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    const struct plan *plan = call->job->plan;
    struct history history;
    struct way way = {.history = &history,
                      .session = session_new(plan),
                      .workspace = workspace_new(bank_n_item(plan->bank))};
    struct slice session = {0};
    int64_t seq = 0;
    enum status st;

    (void)env;
    (void)workspace;
    read_id(&call->in, "session", REQUIRED, &session);
    read_int(&call->in, "seq", OPTIONAL, 1, LIMIT_ANSWERS, &seq);
    way.seq = (uint32_t)seq;
    st = history_init(&history, call->extra);
    if (st == OK && (!way.session || !way.workspace)) st = NO_MEMORY;
    if (st == OK) {
        struct event_visitor visitor = {on_event, &way};

        if (seq == 0) {
            st = history_each(&history, call->tools, session,
                              (struct event_visitor){count_question, &way.seq});
        }
        if (st == OK) st = history_each(&history, call->tools, session, visitor);
        if (st == OK && (way.at == 0 || way.at != way.seq)) st = INTERNAL;
        if (st == OK) st = explain(call, &way, session);
        history_done(&history);
    }
    session_free(way.session);
    free(way.kept);
    used_list_done(&way.used);
    workspace_free(way.workspace);
    return st;
}

const struct request request_session_explain = {.op = "session.explain",
                                                .roles = ROLE_AUTHOR,
                                                .max_bytes = LIMIT_REQUEST,

                                                .when_full = true,
                                                .run = prepare,
                                                .work = work,
                                                .audit = audit_session};
