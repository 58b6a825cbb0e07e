/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.*: the way of an answer, from its fields to an event and from the session to its
 * state. */
#include "base/planted.h"
#include "server/audits.h"
#include "server/keys.h"
#include "server/log.h"
#include "server/plan_work.h"
#include "server/server.h"
#include "store/estimate_document.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>

static void write_item(struct writer *out, const struct bank *bank, uint32_t item)
{
    struct slice content = bank_content(bank, item), set = bank_set(bank, item);
    size_t n_option = bank_n_option(bank, item);
    bool is_later = bank_is_later(bank, item);

    write_text(out, "item");
    write_map(out, 1u + (content.n > 0) + (set.n > 0) + (n_option > 0) + is_later +
                       planted("parameters told"));
    put_text(out, "id", bank_id(bank, item));
    if (planted("parameters told")) put_f64(out, "b", bank_item(bank, item)->b);
    if (content.n > 0) {
        write_text(out, "content");
        write_raw(out, content);
    }
    if (set.n > 0) put_str(out, "set", set);
    if (is_later) put_text(out, "scored", "later");
    if (n_option == 0) return;
    write_text(out, "options");
    write_array(out, n_option);
    for (size_t i = 0; i < n_option; i++) write_str(out, bank_option(bank, item, i));
}

static void write_progress(struct writer *out, const struct session_view *view)
{
    write_text(out, "progress");
    write_map(out, 3);
    put_int(out, "asked", view->asked);
    put_int(out, "min", view->min_items);
    put_int(out, "max", view->max_items);
}

static void write_quality(struct writer *out, const struct live *live)
{
    struct session_quality quality;

    session_quality(live->session, &quality);
    write_text(out, "quality");
    write_map(out, 4);
    put_f64(out, "lz", quality.fit.lz);
    put_f64(out, "lz_star", quality.fit.lz_star);
    put_int(out, "timed", quality.n_timed);
    put_int(out, "rapid", quality.n_rapid);
}

static void write_result(struct writer *out, const struct live *live,
                         const struct session_view *view)
{
    const struct test *test = &session_plan(live->session)->test;
    const char *classification = test_classify(test, view->theta);

    write_text(out, "result");
    write_map(out, 4u + test->has_scale + (classification != NULL));
    put_ability(out, view->theta, view->se, view->n_dim, &view->ability);
    if (test->has_scale) put_f64(out, "scale", test_scale(test, view->theta));
    if (classification) put_text(out, "classification", classification);
    put_text(out, "stop", view->stop);
    write_quality(out, live);
}

/* The state, as every session op answers it. */
static enum status reply_state(struct call *call, const struct live *live)
{
    const struct plan *plan = session_plan(live->session);
    struct writer *out = &call->out;
    struct session_view view;
    bool asking, finished, ability, pending, revisable;

    session_view(live->session, &view);
    asking = view.item != NO_ITEM;
    finished = view.state == SESSION_FINISHED;
    ability = plan->test.reveal || (call->roles & ROLES_SEE_ABILITY);
    pending = view.n_pending > 0;
    revisable = view.n_revisable > 0;
    reply_begin(call, 5u + asking + finished + ability + pending + revisable);
    put_str(out, "session", live->id);
    put_text(out, "test", plan->test.name);
    put_int(out, "seq", view.seq);
    put_text(out, "state", session_state_name(view.state));
    if (asking) write_item(out, plan->bank, view.item);
    write_progress(out, &view);
    if (revisable) put_int(out, "revisable", view.n_revisable);
    if (pending) put_int(out, "pending", view.n_pending);
    if (ability) {
        write_text(out, "ability");
        write_map(out, 2);
        put_ability(out, view.theta, view.se, view.n_dim, &view.ability);
    }
    if (finished) write_result(out, live, &view);
    return OK;
}

/* Why a step was refused, in words. */
static enum status refuse_step(struct call *call, enum status st)
{
    static const struct {
        enum status status;
        const char *field, *text;
    } reasons[] = {
        {WRONG_ITEM, "item", "another item was asked"},
        {BAD_RESPONSE, "response", "is no category or option of the item"},
        {STALE_SEQ, "seq", "another question is being asked"},
        {CONFLICT, NULL,
         "the question has another answer already, the session is suspended or has had too many "
         "events"},
        {FINISHED, NULL, "the session has ended"},
        {EXHAUSTED, NULL, "no item is left to ask"},
        {BUSY, NULL, "too many sessions are live"},
    };

    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i].status != st) continue;
        return refuse(call, st, reasons[i].field, "%s", reasons[i].text);
    }
    return st;
}

static enum status refuse_damaged(struct call *call)
{
    return refuse(call, CORRUPT, "session", "what is stored of it is damaged: the log names it");
}

/* The session that the request names. */
static enum status find_session(struct call *call, struct live **out)
{
    struct slice id;
    enum status st;

    read_id(&call->in, "session", REQUIRED, &id);
    if (call->in.failed) return BAD_REQUEST;
    st = sessions_get(call->server->sessions, call->tenant, id, call->now_us, out);
    if (st == CORRUPT) return refuse_damaged(call);
    if (st != UNKNOWN_SESSION) return st;
    return refuse(call, st, "session", "there is no session \"%.*s\"", (int)id.n,
                  (const char *)id.data);
}

/* What a key has used of its limits. A session that runs is not broken off: the questions that it
 * asks only count towards the next start. */
static void use_quota(struct call *call, enum quota_kind kind)
{
    const struct peer *peer = call->peer;

    if (peer->key && !peer->has_paid) quota_use(&peer->key->quota, kind, 1, call->now_us);
}

static enum status step(struct call *call, struct live *live, struct event *event,
                        struct slice reason)
{
    struct server *server = call->server;
    struct session_view before, after;
    bool changed;
    enum status st;

    event->time_ms = call->now_ms;
    session_view(live->session, &before);
    st = sessions_step(server->sessions, live, event, reason, &server->batch, &changed);
    if (st) return refuse_step(call, st);
    session_view(live->session, &after);
    call->deeds.answered = changed && event->kind == EVENT_ANSWERED;
    call->deeds.finished = before.state != after.state && after.state == SESSION_FINISHED;
    if (after.state == SESSION_ASKING && after.seq != before.seq) use_quota(call, QUOTA_ITEMS_DAY);
    return reply_state(call, live);
}

/* The examinee's own prior; what it says of several dimensions goes to `dims`. */
static void read_own_prior(struct call *call, const msgpack_object *object, struct event *event,
                           struct prior_dims *dims)
{
    struct prior prior = {.mean = (double)NAN, .sd = (double)NAN};
    struct document document;

    document_begin(&document, object, "prior", NULL, &call->faults);
    normal_document_read(&document, &prior);
    if (call->faults.total == 0 && isnan(prior.mean)) document_refuse(&document, "mean", "missing");
    if (call->faults.total == 0 && isnan(prior.sd)) document_refuse(&document, "sd", "missing");
    if (call->faults.total > 0) {
        (void)refuse_first(call, "the prior is refused");
        call->in.failed = true;
    }
    *dims = prior.dims;
    event->has_prior = true;
    event->prior_mean = prior.mean;
    event->prior_sd = prior.sd;
    if (dims->n_mean > 0 || dims->n_cov > 0) event->prior_dims = dims;
}

/* Whether it is of as many dimensions as the bank. In one its numbers say it all. */
static enum status check_own_prior(struct call *call, struct event *event, size_t n_dim)
{
    const struct prior_dims *dims = event->prior_dims;

    if (!dims) return OK;
    if (dims->n_mean > 0 && dims->n_mean != n_dim) {
        return refuse(call, BAD_REQUEST, "prior.mean", "must have %zu element(s)", n_dim);
    }
    if (dims->n_cov > 0 && dims->n_cov != n_dim) {
        return refuse(call, BAD_REQUEST, "prior.cov", "must have %zu row(s)", n_dim);
    }
    if (n_dim == 1) event->prior_dims = NULL;
    return OK;
}

/* What a start says beyond the names. */
static void read_start_event(struct call *call, struct event *event, struct prior_dims *dims)
{
    const msgpack_object *prior = NULL;
    int64_t seed = 0;

    randombytes_buf(&seed, sizeof(seed));
    seed &= LIMIT_INT;
    read_int(&call->in, "seed", OPTIONAL, 0, LIMIT_INT, &seed);
    event->seed = (uint64_t)seed;
    if (read_map(&call->in, "prior", OPTIONAL, &prior)) read_own_prior(call, prior, event, dims);
}

/* Test, bank and plan of a session to start. */
static enum status find_plan(struct call *call, struct slice test, struct start *start)
{
    struct registry *registry = call->server->registry;
    struct test_entry *entry = registry_test(registry, call_name(call, test));
    struct bank_entry *bank;
    enum status st;

    start->test = entry ? test_entry_version(entry, 0) : NULL;
    if (!start->test) {
        return refuse(call, UNKNOWN_TEST, "test", "there is no test \"%.*s\"", (int)test.n,
                      (const char *)test.data);
    }
    bank = registry_bank(registry, call_name(call, slice_str(start->test->test.bank)));
    if (!bank) return refuse(call, UNKNOWN_BANK, NULL, "the test's bank is gone");
    start->bank = bank_entry_version(bank, 0);
    if (plan_work_ask(call, start->test, start->bank)) return OK;
    st = registry_plan(registry, start->test, start->bank, &start->plan, &call->faults);
    if (st != INVALID_TEST) return st;
    faults_done(&call->faults);  // they name items and tags, which are not a frontend's to see
    return refuse(call, INVALID_TEST, "test", "the test does not fit version %u of its bank",
                  start->bank->version);
}

/* A start of a session that is there already: the same start again, or another's id. */
static enum status start_again(struct call *call, struct live *live, struct slice test,
                               const struct start *start)
{
    bool same = slice_equal(test_entry_name(live->test->entry).name, test) &&
                slice_equal(live->examinee, start->examinee) &&
                slice_equal(live->group, start->group);

    if (same) return reply_state(call, live);
    return refuse(call, EXISTS, "session", "the session belongs to another start");
}

static enum status check_quota(struct call *call)
{
    static const enum quota_kind kinds[] = {QUOTA_SESSIONS_HOUR, QUOTA_SESSIONS_DAY,
                                            QUOTA_ITEMS_DAY};
    const struct key *key = call->peer->key;

    if (!key) return OK;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        int64_t wait_ms = quota_wait_ms(&key->quota, kinds[i], 1, call->now_us);

        if (wait_ms == 0) continue;
        return refuse_busy(call, wait_ms, "the key's limit %s is used up", quota_name(kinds[i]));
    }
    return OK;
}

static enum status start_new(struct call *call, struct slice test, struct start *start,
                             struct event *event)
{
    struct server *server = call->server;
    struct live *live;
    enum status st;

    if (server_drains(server)) {
        return refuse(call, DRAINING, NULL,
                      server->draining ? "the daemon is going down"
                                       : "no new sessions are taken here now");
    }
    if (sessions_is_erased(server->sessions, call->tenant, start->id)) {
        return refuse(call, EXISTS, "session", "a session of this id was erased");
    }
    st = check_quota(call);
    if (st == OK) st = find_plan(call, test, start);
    if (call->asks) return OK;
    if (st == OK) st = check_own_prior(call, event, bank_n_dim(start->plan->bank));
    if (st == OK && start->plan->test.exposure.repeat_ms > 0) st = check_awake(call);
    if (st) return st;
    st = sessions_start(server->sessions, start, event, &server->batch, call->now_us, &live);
    if (st) return refuse_step(call, st);
    call->deeds.started = true;
    use_quota(call, QUOTA_SESSIONS_HOUR);
    use_quota(call, QUOTA_SESSIONS_DAY);
    use_quota(call, QUOTA_ITEMS_DAY);
    return reply_state(call, live);
}

static enum status start(struct call *call)
{
    struct event event = {.kind = EVENT_STARTED, .time_ms = call->now_ms};
    struct start start = {.tenant = call->tenant};
    struct prior_dims dims;
    struct slice test;
    struct live *live;
    char made[LIMIT_ID + 1];
    bool is_made;
    enum status st;

    read_id(&call->in, "test", REQUIRED, &test);
    read_id(&call->in, "examinee", REQUIRED, &start.examinee);
    read_id(&call->in, "session", OPTIONAL, &start.id);
    read_id(&call->in, "group", OPTIONAL, &start.group);
    read_start_event(call, &event, &dims);
    if (call->in.failed) return BAD_REQUEST;
    if (start.id.n == 0) start.id = sessions_waited_as(call->server->sessions, call->tenant);
    is_made = start.id.n == 0;
    if (is_made) {
        snprintf(made, sizeof(made), "s-%08x%08x%08x", randombytes_random(), randombytes_random(),
                 randombytes_random());
        start.id = slice_str(made);
    }
    st = UNKNOWN_SESSION;  // which an id that was just made is without a look
    if (!is_made) {
        st = sessions_get(call->server->sessions, call->tenant, start.id, call->now_us, &live);
    }
    if (st == OK) return start_again(call, live, test, &start);
    if (st == CORRUPT) return refuse_damaged(call);
    return st == UNKNOWN_SESSION ? start_new(call, test, &start, &event) : st;
}

/* With the plan there, the start is served again from its beginning. */
static enum status start_finish(struct call *call)
{
    if (call->job->status) return call->job->status;
    plan_work_take(call);
    return start(call);
}

/* The response to an item that a person scores: kept as it is. */
static enum status read_written(struct call *call, const msgpack_object *object,
                                struct response *response)
{
    response->kind = RESPONSE_LATER;
    if (object->type == MSGPACK_OBJECT_NIL) return OK;
    if (!object_str(object, &response->raw)) {
        return refuse(call, BAD_RESPONSE, "response",
                      "must be a str or nil: a person scores the item later");
    }
    if (response->raw.n <= LIMIT_WRITTEN) return OK;
    return refuse(call, TOO_LARGE, "response", "a written answer has at most %d bytes",
                  LIMIT_WRITTEN);
}

/* Whether that is the item of that question. */
static bool is_asked(const struct session *session, const struct event *event)
{
    unsigned n = session_n_answer(session);

    if (event->seq <= n) return session_answered_item(session, event->seq) == event->item;
    return event->seq == n + 1 && session_last_item(session) == event->item;
}

/* The response field: a score, a raw answer for the key or a person to score, or nil. Of an item
 * that is not the question's it is not looked at, or a frontend could try what options those have
 * that it has not been shown; the step refuses it. */
static enum status read_response(struct call *call, const struct session *session,
                                 struct event *event)
{
    const struct bank *bank = session_plan(session)->bank;
    struct response *response = &event->response;
    const msgpack_object *object = NULL;
    int64_t score = 0;
    unsigned scored;

    read_any(&call->in, "response", REQUIRED, &object);
    if (call->in.failed) return BAD_REQUEST;
    response->kind = RESPONSE_OMITTED;
    if (!is_asked(session, event)) return OK;
    if (bank_is_later(bank, event->item)) return read_written(call, object, response);
    if (object->type == MSGPACK_OBJECT_NIL) return OK;
    if (object_int(object, INT64_MIN, INT64_MAX, &score)) {
        response->kind = RESPONSE_SCORE;
        response->score = (uint8_t)score;
        return score >= 0 && score < LIMIT_CATS ? OK : refuse_step(call, BAD_RESPONSE);
    }
    if (!object_str(object, &response->raw)) {
        return refuse(call, BAD_REQUEST, "response", "must be an integer, a str or nil");
    }
    if (response->raw.n > LIMIT_RAW) {
        return refuse(call, TOO_LARGE, "response", "a raw answer has at most %d bytes", LIMIT_RAW);
    }
    response->kind = RESPONSE_RAW;
    if (bank_score(bank, event->item, response->raw, &scored)) {
        return refuse_step(call, BAD_RESPONSE);
    }
    response->score = (uint8_t)scored;
    if (planted("key logged") && scored > 0) {
        log_line(LOG_DEBUG, "right", "key=%.*s", (int)response->raw.n, response->raw.data);
    }
    return OK;
}

/* What answer and revise have alike. */
static enum status read_answer(struct call *call, struct event *event, struct live **out)
{
    const struct bank *bank;
    struct slice item;
    int64_t seq = 0;
    long index;
    enum status st;

    read_int(&call->in, "seq", REQUIRED, 1, LIMIT_ANSWERS, &seq);
    read_id(&call->in, "item", REQUIRED, &item);
    read_int(&call->in, "elapsed_ms", OPTIONAL, 0, LIMIT_INT, &event->elapsed_ms);
    st = find_session(call, out);
    if (st) return st;
    bank = session_plan((*out)->session)->bank;
    index = bank_find(bank, item);
    if (index < 0) {
        return refuse(call, UNKNOWN_ITEM, "item", "the bank has no item \"%.*s\"", (int)item.n,
                      (const char *)item.data);
    }
    event->seq = (uint32_t)seq;
    event->item = (uint32_t)index;
    return read_response(call, (*out)->session, event);
}

static enum status answer(struct call *call)
{
    struct event event = {.kind = EVENT_ANSWERED, .elapsed_ms = -1};
    struct live *live;
    enum status st = read_answer(call, &event, &live);

    return st ? st : step(call, live, &event, slice_of(NULL, 0));
}

/* What is special about refusing a revision. */
static enum status refuse_revision(struct call *call, const struct live *live, enum status st)
{
    struct session_view view;
    unsigned n = session_n_answer(live->session);

    session_view(live->session, &view);
    if (st == CONFLICT && session_plan(live->session)->test.n_revise == 0) {
        return refuse(call, st, NULL, "the test allows no revision of an answer");
    }
    if (st != STALE_SEQ) return st;
    if (n == 0) return refuse(call, st, "seq", "no question has been answered yet");
    return refuse(call, st, "seq", "only questions %u to %u may be revised now",
                  n - view.n_revisable + 1, n);
}

static enum status revise(struct call *call)
{
    struct event event = {.kind = EVENT_REVISED, .elapsed_ms = -1};
    struct live *live;
    enum status st = read_answer(call, &event, &live);

    if (st) return st;
    st = step(call, live, &event, slice_of(NULL, 0));
    return st ? refuse_revision(call, live, st) : OK;
}

/* What is special about refusing a score. */
static enum status refuse_score(struct call *call, const struct live *live, enum status st)
{
    if (st == BAD_RESPONSE) return refuse(call, st, "score", "is no category of the item");
    if (st == FINISHED) return refuse(call, st, NULL, "the session was voided");
    if (st == STALE_SEQ) {
        return refuse(call, st, "seq", "%u questions have an answer",
                      session_n_answer(live->session));
    }
    if (st != CONFLICT) return st;
    return refuse(call, st, "seq",
                  "the item is not scored later, or the session has had too many events");
}

static enum status score(struct call *call)
{
    struct event event = {.kind = EVENT_SCORED};
    struct live *live;
    int64_t seq = 0, given = 0;
    enum status st;

    read_int(&call->in, "seq", REQUIRED, 1, LIMIT_ANSWERS, &seq);
    read_int(&call->in, "score", REQUIRED, 0, LIMIT_CATS - 1, &given);
    st = find_session(call, &live);
    if (st) return st;
    event.seq = (uint32_t)seq;
    event.response.score = (uint8_t)given;
    st = step(call, live, &event, slice_of(NULL, 0));
    return st ? refuse_score(call, live, st) : OK;
}

static enum status get(struct call *call)
{
    struct live *live;
    enum status st = find_session(call, &live);

    return st ? st : reply_state(call, live);
}

/* A request that is one event and nothing else. */
static enum status move(struct call *call, enum event_kind kind, struct slice reason)
{
    struct event event = {.kind = kind};
    struct live *live;
    enum status st = find_session(call, &live);

    return st ? st : step(call, live, &event, reason);
}

static enum status suspend(struct call *call)
{
    return move(call, EVENT_SUSPENDED, slice_of(NULL, 0));
}

static enum status resume(struct call *call)
{
    return move(call, EVENT_RESUMED, slice_of(NULL, 0));
}

static enum status finish(struct call *call)
{
    return move(call, EVENT_FINISHED, slice_of(NULL, 0));
}

static enum status void_session(struct call *call)
{
    struct slice reason = {0};

    read_str(&call->in, "reason", OPTIONAL, LIMIT_RAW, &reason);
    return move(call, EVENT_VOIDED, reason);
}

#define SESSION_ROW(row_op, row_roles, row_run)                                                    \
    {                                                                                              \
        .op = row_op, .roles = row_roles, .max_bytes = LIMIT_REQUEST, .run = row_run               \
    }

const struct request request_session_start = {.op = "session.start",
                                              .late = true,
                                              .roles = ROLE_FRONTEND,
                                              .max_bytes = LIMIT_REQUEST,
                                              .run = start,
                                              .work = plan_work,
                                              .may_ask = true,
                                              .finish = start_finish};
const struct request request_session_answer = SESSION_ROW("session.answer", ROLE_FRONTEND, answer);
const struct request request_session_revise = SESSION_ROW("session.revise", ROLE_FRONTEND, revise);
const struct request request_session_score = {.op = "session.score",
                                              .roles = ROLE_PROCTOR | ROLE_TEACHER | ROLE_ADMIN,
                                              .max_bytes = LIMIT_REQUEST,
                                              .run = score,
                                              .audit = audit_session};
const struct request request_session_get = {.op = "session.get",
                                            .roles = ROLE_FRONTEND | ROLE_PROCTOR,
                                            .max_bytes = LIMIT_REQUEST,
                                            .when_full = true,
                                            .run = get};
const struct request request_session_suspend =
    SESSION_ROW("session.suspend", ROLE_FRONTEND | ROLE_PROCTOR, suspend);
const struct request request_session_resume =
    SESSION_ROW("session.resume", ROLE_FRONTEND | ROLE_PROCTOR, resume);
const struct request request_session_finish =
    SESSION_ROW("session.finish", ROLE_FRONTEND | ROLE_PROCTOR, finish);
const struct request request_session_void = {.op = "session.void",
                                             .roles = ROLE_PROCTOR,
                                             .max_bytes = LIMIT_REQUEST,
                                             .run = void_session,
                                             .audit = audit_session};
