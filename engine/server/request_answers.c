/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.answers: the answers of a session as they stand, and what theta was after each. */
#include "server/audits.h"
#include "server/history.h"
#include "server/outline.h"
#include "server/request.h"
#include "server/server.h"

#include <stdlib.h>

/* Bytes of an answer in the reply beside its text, at the most. */
enum { ANSWER_BYTES = 256 };

/* In the loop: find the session and say where its events stand. */
static enum status prepare(struct call *call)
{
    struct live *live;
    struct slice id;
    enum status st;

    read_id(&call->in, "session", REQUIRED, &id);
    if (call->in.failed) return BAD_REQUEST;
    st = sessions_get(call->server->sessions, call->tenant, id, call->now_us, &live);
    if (st == UNKNOWN_SESSION) return refuse(call, st, "session", "there is no such session");
    if (st) return st;
    call->job->plan = session_plan(live->session);
    sessions_history(live, &call->server->extra);
    return OK;
}

/* An answer as it stands. */
struct given {
    uint32_t item;
    enum response_kind kind;
    uint8_t score;
    size_t raw_at, n_raw;  // in the texts
    int64_t elapsed_ms;
    unsigned n_revision;
    double theta, se;  // right after it was first given
    struct ability ability;
};

struct reading {
    const struct bank *bank;
    struct outline outline;
    struct given *given;  // [LIMIT_ANSWERS]
    struct buf texts;
};

static enum status take_given(struct reading *reading, const struct event *event)
{
    struct given *given = &reading->given[event->seq - 1];
    const struct response *response = &event->response;

    if (event->item >= bank_n_item(reading->bank)) return CORRUPT;
    given->item = event->item;
    given->kind = response->kind;
    given->score = response->score;
    given->raw_at = reading->texts.n;
    given->n_raw = response->raw.n;
    buf_append(&reading->texts, response->raw.data, response->raw.n);
    if (event->kind == EVENT_ANSWERED || event->elapsed_ms >= 0) {
        given->elapsed_ms = event->elapsed_ms;
    }
    given->n_revision += event->kind == EVENT_REVISED;
    return reading->texts.failed ? NO_MEMORY : OK;
}

static enum status on_event(void *context, const struct stored_event *stored)
{
    struct reading *reading = context;
    const struct event_record *record = stored->record;
    const struct event *event = &record->event;
    enum status st = outline_take(&reading->outline, record);

    if (st) return st;
    if (event->kind == EVENT_SCORED) {
        reading->given[event->seq - 1].score = event->response.score;
        return OK;
    }
    if (event->kind != EVENT_ANSWERED && event->kind != EVENT_REVISED) return OK;
    if (event->kind == EVENT_ANSWERED) {
        reading->given[event->seq - 1].theta = record->outcome.theta;
        reading->given[event->seq - 1].se = record->outcome.se;
        reading->given[event->seq - 1].ability = record->outcome.ability;
    }
    return take_given(reading, event);
}

/* How many answers from number `offset` on one reply has: a long text takes the room of others. */
static size_t page_size(const struct reading *reading, size_t offset, size_t limit)
{
    size_t n = 0, n_byte = 0;

    while (n < limit && offset + n < reading->outline.n_answer) {
        n_byte += ANSWER_BYTES + reading->given[offset + n].n_raw;
        if (n > 0 && n_byte > LIMIT_PAGE) break;
        n++;
    }
    return n;
}

static void write_response(struct writer *out, const struct reading *reading,
                           const struct given *given)
{
    write_text(out, "response");
    if (given->kind == RESPONSE_SCORE)
        write_int(out, given->score);
    else if (given->n_raw > 0 || given->kind == RESPONSE_RAW)
        write_str(out, slice_of(reading->texts.data + given->raw_at, given->n_raw));
    else
        write_nil(out);
}

static void write_given(struct call *call, const struct reading *reading, size_t j)
{
    const struct given *given = &reading->given[j];
    bool waits = reading->outline.is_pending[j];
    bool ignored = given->kind == RESPONSE_OMITTED && call->job->plan->test.omit_ignored;
    struct writer *out = &call->out;

    write_map(out, 7u + (given->elapsed_ms >= 0) + (given->n_revision > 0) + waits);
    put_int(out, "seq", (int64_t)j + 1);
    put_text(out, "item", bank_id(reading->bank, given->item));
    write_response(out, reading, given);
    write_text(out, "score");
    if (waits || ignored)
        write_nil(out);
    else
        write_int(out, given->score);
    put_int(out, "max", bank_item(reading->bank, given->item)->n_cat - 1);
    put_ability(out, given->theta, given->se, reading->outline.n_dim, &given->ability);
    if (given->elapsed_ms >= 0) put_int(out, "elapsed_ms", given->elapsed_ms);
    if (given->n_revision > 0) put_int(out, "revised", given->n_revision);
    if (waits) put_bool(out, "pending", true);
}

static void write_head(struct call *call, struct slice session, const struct outline *outline)
{
    bool has_group = outline->group[0] != 0, has_stop = outline->stop[0] != 0;
    bool has_pending = outline->n_pending > 0;
    struct writer *out = &call->out;

    reply_begin(call, 11u + has_group + has_stop + has_pending);
    put_str(out, "session", session);
    put_text(out, "test", outline->test);
    put_int(out, "test_version", outline->test_version);
    put_text(out, "bank", outline->bank);
    put_int(out, "bank_version", outline->bank_version);
    put_text(out, "examinee", outline->examinee);
    if (has_group) put_text(out, "group", outline->group);
    put_text(out, "state", session_state_name(outline->state));
    put_int(out, "started_ms", outline->started_ms);
    if (has_stop) put_text(out, "stop", outline->stop);
    if (has_pending) put_int(out, "pending", outline->n_pending);
    write_text(out, "ability");
    write_map(out, 2);
    put_ability(out, outline->theta, outline->se, outline->n_dim, &outline->ability);
    put_int(out, "n_answers", outline->n_answer);
}

static enum status reply_answers(struct call *call, struct slice session,
                                 const struct reading *reading)
{
    int64_t offset = 0, limit = LIMIT_ANSWERS;
    size_t n;

    read_int(&call->in, "offset", OPTIONAL, 0, LIMIT_ANSWERS, &offset);
    read_int(&call->in, "limit", OPTIONAL, 1, LIMIT_ANSWERS, &limit);
    if (call->in.failed) return BAD_REQUEST;
    n = page_size(reading, (size_t)offset, (size_t)limit);
    write_head(call, session, &reading->outline);
    write_text(&call->out, "answers");
    write_array(&call->out, n);
    for (size_t j = 0; j < n; j++) write_given(call, reading, (size_t)offset + j);
    return OK;
}

static enum status work(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    struct history history = {0};
    struct slice session = {0};
    enum status st = NO_MEMORY;

    (void)env;
    (void)workspace;
    read_id(&call->in, "session", REQUIRED, &session);
    if (!reading) return NO_MEMORY;
    reading->bank = call->job->plan->bank;
    reading->given = calloc(LIMIT_ANSWERS, sizeof(*reading->given));
    if (reading->given) st = history_init(&history, call->extra);
    if (st == OK) {
        st =
            history_each(&history, call->tools, session, (struct event_visitor){on_event, reading});
        if (st == OK) st = reply_answers(call, session, reading);
        history_done(&history);
    }
    buf_done(&reading->texts);
    free(reading->given);
    free(reading);
    return st;
}

const struct request request_session_answers = {.op = "session.answers",
                                                .roles = ROLES_SEE_ABILITY,
                                                .max_bytes = LIMIT_REQUEST,

                                                .when_full = true,
                                                .run = prepare,
                                                .work = work,
                                                .audit = audit_session};
