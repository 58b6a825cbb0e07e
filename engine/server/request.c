/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table, and the way through it: decode, find the row, check the role, run, reply. */
#include "server/request.h"
#include "base/planted.h"
#include "proto/version.h"
#include "server/keys.h"
#include "server/news.h"
#include "server/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct request *const requests[] = {
    &request_session_answer,
    &request_session_start,
    &request_session_get,
    &request_session_finish,
    &request_session_suspend,
    &request_session_resume,
    &request_session_void,
    &request_session_explain,
    &request_session_revise,
    &request_session_score,
    &request_session_answers,
    &request_session_list,
    &request_hello,
    &request_ping,
    &request_stats,
    &request_bank_begin,
    &request_bank_add,
    &request_bank_publish,
    &request_bank_abort,
    &request_bank_get,
    &request_bank_list,
    &request_bank_retire,
    &request_test_put,
    &request_test_get,
    &request_test_list,
    &request_log_verify,
    &request_audit_list,
    &request_admin_backup,
    &request_admin_drain,
    &request_examinee_export,
    &request_examinee_erase,
    &request_irt_curve,
    &request_irt_estimate,
    &request_irt_rank,
    NULL,  // the end
};

_Static_assert(COUNT_OF(requests) <= STATS_OPS, "each op is counted by its number");

enum { BUSY_MS = 500 };  // until a passing shortage may be over

static const msgpack_object nothing = {.type = MSGPACK_OBJECT_NIL};

static const struct request *request_find(struct slice op)
{
    for (size_t i = 0; requests[i]; i++) {
        if (slice_equal_str(op, requests[i]->op)) return requests[i];
    }
    return NULL;
}

/* v and id, which begin every reply. */
static void write_head(struct call *call, bool ok)
{
    put_int(&call->out, "v", PROTOCOL_VERSION);
    write_text(&call->out, "id");
    if (call->id)
        write_object(&call->out, call->id);
    else
        write_nil(&call->out);
    put_bool(&call->out, "ok", ok);
}

void reply_begin(struct call *call, size_t n_field)
{
    write_map(&call->out, 3 + n_field);
    write_head(call, true);
}

void put_vector(struct writer *out, const char *key, const double *list, size_t n_dim)
{
    write_text(out, key);
    if (n_dim > 1) write_array(out, n_dim);
    for (size_t m = 0; m < n_dim; m++) write_f64(out, list[m]);
}

void put_ability(struct writer *out, double theta, double se, size_t n_dim,
                 const struct ability *ability)
{
    bool several = n_dim > 1;

    put_vector(out, "theta", several ? ability->theta : &theta, several ? n_dim : 1);
    put_vector(out, "se", several ? ability->se : &se, several ? n_dim : 1);
}

enum status refuse_first(struct call *call, const char *otherwise)
{
    const struct fault *first = &call->faults.list[0];

    return refuse(call, BAD_REQUEST, call->faults.n ? first->field : NULL, "%s",
                  call->faults.n ? first->text : otherwise);
}

struct library_name call_name(const struct call *call, struct slice name)
{
    return (struct library_name){.tenant = call->tenant, .name = name};
}

enum status refuse(struct call *call, enum status status, const char *field, const char *fmt, ...)
{
    char text[FAULT_TEXT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fault_set(&call->fault, NULL, field, "%s", text);
    return status;
}

enum status refuse_busy(struct call *call, int64_t retry_after_ms, const char *fmt, ...)
{
    char text[FAULT_TEXT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    call->retry_after_ms = retry_after_ms;
    return refuse(call, BUSY, NULL, "%s", text);
}

enum status check_awake(struct call *call)
{
    if (sessions_are_awake(call->server->sessions)) return OK;
    return refuse_busy(call, BUSY_MS, "the daemon has just started, and still reads its sessions");
}

static void write_fault(struct writer *out, const struct fault *fault)
{
    write_map(out, 1u + (fault->item[0] != 0) + (fault->field[0] != 0));
    if (fault->item[0]) put_text(out, "item", fault->item);
    if (fault->field[0]) put_text(out, "field", fault->field);
    put_text(out, "message", fault->text);
}

/* The reply of a refused request, over whatever was written of a good one. */
static void write_error(struct call *call, enum status status, size_t mark)
{
    const struct fault *fault = &call->fault;
    const struct faults *faults = &call->faults;
    struct writer *out = &call->out;
    const char *code = status_code(status);
    bool has_wait = status == BUSY || (status == RETRY && call->retry_after_ms > 0);

    out->buf->n = mark;
    write_map(out, 4);
    write_head(call, false);
    write_text(out, "error");
    write_map(out, 3u + has_wait + (fault->field[0] != 0) + (fault->item[0] != 0) +
                       (faults->total > 0 ? 2u : 0u));
    put_text(out, "code", code);
    put_text(out, "message", fault->text[0] ? fault->text : code);
    put_bool(out, "retry", status_retry(status));
    if (has_wait) {
        put_int(out, "retry_after_ms", call->retry_after_ms ? call->retry_after_ms : BUSY_MS);
    }
    if (fault->field[0]) put_text(out, "field", fault->field);
    if (fault->item[0]) put_text(out, "item", fault->item);
    if (faults->total == 0) return;
    put_int(out, "n_faults", (int64_t)faults->total);
    write_text(out, "faults");
    write_array(out, faults->n);
    for (size_t i = 0; i < faults->n; i++) write_fault(out, &faults->list[i]);
}

/* Decode the body. What is no map gets an error with id nil. */
static enum status call_decode(struct call *call, struct decoder *decoder, struct slice body)
{
    enum status st;

    call->root = nothing;
    if (body.n > LIMIT_MESSAGE) {
        return refuse(call, TOO_LARGE, NULL, "%zu bytes, at most %d are allowed", body.n,
                      LIMIT_MESSAGE);
    }
    st = decode(decoder, body, &call->root, &call->fault);
    if (st) {
        call->root = nothing;
        return st;
    }
    call->id = map_find(&call->root, "id");
    call->in = reader_of(&call->root, "", &call->fault);
    return call->in.failed ? BAD_REQUEST : OK;
}

static bool id_is_good(const msgpack_object *id)
{
    struct slice text;

    if (!id) return false;
    if (id->type == MSGPACK_OBJECT_POSITIVE_INTEGER) return id->via.u64 <= LIMIT_INT;
    return object_str(id, &text) && text.n <= LIMIT_REQUEST_ID;
}

/* An id that may not be sent back as it came is not: it could be of any size. */
static enum status check_id(struct call *call)
{
    if (id_is_good(call->id)) return OK;
    call->id = NULL;
    return refuse(call, BAD_REQUEST, "id",
                  "must be an unsigned integer or a str of at most %d bytes", LIMIT_REQUEST_ID);
}

/* Whether the peer may ask anything now. */
static enum status admit(struct call *call)
{
    const struct peer *peer = call->peer;
    int64_t wait_ms;

    call->retry_after_ms = peer->retry_after_ms;
    if (peer->refused) return refuse(call, peer->refused, NULL, "%s", peer->why);
    if (!peer->key || peer->again) return OK;
    wait_ms = quota_wait_ms(&peer->key->quota, QUOTA_REQUESTS, 1, peer->now_us);
    if (wait_ms > 0) return refuse_busy(call, wait_ms, "too many requests with this key");
    quota_use(&peer->key->quota, QUOTA_REQUESTS, 1, peer->now_us);
    return OK;
}

/* Find the row and check what concerns every request. */
static enum status call_begin(struct call *call, struct decoder *decoder, struct slice body)
{
    enum status st = call_decode(call, decoder, body);
    struct slice op;
    int64_t version;

    if (st == OK) st = check_id(call);
    if (st == OK) st = admit(call);
    if (st) return st;
    read_int(&call->in, "v", REQUIRED, PROTOCOL_VERSION, PROTOCOL_VERSION, &version);
    read_str(&call->in, "op", REQUIRED, LIMIT_ID, &op);
    if (call->in.failed) return BAD_REQUEST;
    call->request = request_find(op);
    if (!call->request) {
        return refuse(call, UNKNOWN_OP, "op", "there is no op \"%.*s\"", (int)op.n,
                      (const char *)op.data);
    }
    if (!(call->roles & call->request->roles)) {
        return refuse(call, FORBIDDEN, NULL, "the peer's roles do not allow %s", call->request->op);
    }
    if (call->request->whole && !slice_equal_str(call->tenant, OPERATOR)) {
        return refuse(call, FORBIDDEN, NULL, "%s is of all tenants, for keys of tenant %s only",
                      call->request->op, OPERATOR);
    }
    if (body.n > call->request->max_bytes) {
        return refuse(call, TOO_LARGE, NULL, "%zu bytes, %s takes at most %zu", body.n,
                      call->request->op, call->request->max_bytes);
    }
    return OK;
}

static struct call call_of(struct server *server, const struct peer *peer, struct buf *reply)
{
    return (struct call){.server = server,
                         .peer = peer,
                         .tenant = peer->tenant,
                         .who = peer->who,
                         .roles = peer->roles,
                         .now_ms = peer->now_ms,
                         .now_us = peer->now_us,
                         .retry_after_ms = peer->retry_after_ms,
                         .out = writer_of(reply)};
}

/* The client is told little of what it cannot mend; the log has the rest, but for names. */
static void tell_internal(const struct call *call, enum status st)
{
    char text[LOG_VALUE];

    if (strcmp(status_code(st), status_code(INTERNAL)) != 0) return;
    if (call->server && call->job && call->job->status) return;  // its helper has told it
    log_line(LOG_ERROR, "a request failed", "op=%s status=%d error=\"%s\"",
             call->request ? call->request->op : "-", (int)st,
             log_value(slice_str(call->fault.text), text));
}

/* The end of every call: an error reply where there is an error. */
static void end_call(struct call *call, enum status st, size_t mark)
{
    tell_internal(call, st);
    if (st) write_error(call, st, mark);
    faults_done(&call->faults);
}

/* Once for each reply, in the loop. */
static void count_reply(struct server *server, const struct request *request, enum status st)
{
    size_t op = 0;

    while (requests[op] && requests[op] != request) op++;
    stats_reply(&server->stats, requests[op] ? op : STATS_NO_OP, st);
}

/* Whether the request goes into the audit, and how. The subject is taken before the request runs,
 * which may change it. */
struct audited {
    bool is;
    struct audit_subject subject;
};

static struct audited audited_of(const struct call *call, const struct request *request)
{
    struct audited audited = {0};

    if (request->audit) audited.is = request->audit(call, &audited.subject);
    return audited;
}

/* The entry is in the cycle's batch, so the reply waits for it where it was not held. */
void call_done(struct server *server, struct slice tenant, const struct held *held)
{
    struct audit_entry entry;

    server->stats.answers += held->deeds.answered;
    server->stats.sessions_started += held->deeds.started;
    server->stats.sessions_finished += held->deeds.finished;
    if (!held->is_audited) return;
    entry = (struct audit_entry){.time_ms = held->now_ms,
                                 .tenant = tenant,
                                 .who = slice_str(held->who),
                                 .roles = held->roles,
                                 .op = slice_str(held->request->op),
                                 .subject = slice_str(held->subject.text),
                                 .code = slice_str(status_code(held->status))};
    audit_append(&server->audit, &server->batch, &entry);
}

void call_replied(struct server *server, const struct held *held)
{
    count_reply(server, held->request, held->status);
}

/* What the call has come to is counted and audited now, or kept where its event may be refused. */
static void settle(const struct call *call, const struct audited *audited, enum status st,
                   bool is_held)
{
    struct server *server = call->server;
    struct held held = {.request = call->request,
                        .status = st,
                        .deeds = call->deeds,
                        .is_audited = audited->is,
                        .now_ms = call->now_ms,
                        .roles = call->roles,
                        .subject = audited->subject};

    if (!slice_to_text(call->who, held.who, sizeof(held.who))) held.who[0] = '\0';
    if (is_held) {
        server->held = held;
        return;
    }
    call_done(server, call->tenant, &held);
    call_replied(server, &held);
}

bool call_peek(struct decoder *decoder, struct slice body, struct call_head *out)
{
    static const char *const keys[] = {"id", "op"};
    struct slice value[COUNT_OF(keys)], op;
    struct prescan_error error;
    struct fault fault = {0};
    msgpack_object name;

    if (body.n > LIMIT_MESSAGE || !prescan_find(body, keys, COUNT_OF(keys), value, &error) ||
        decode(decoder, value[0], &out->id, &fault) || !id_is_good(&out->id) ||
        decode(decoder, value[1], &name, &fault) || !object_str(&name, &op)) {
        return false;
    }
    out->request = request_find(op);
    return out->request != NULL;
}

void call_busy(struct server *server, const struct call_head *head, const struct peer *peer,
               struct buf *reply)
{
    struct call call = call_of(server, peer, reply);
    size_t mark = reply->n;
    enum status st;

    call.id = &head->id;
    call.request = head->request;
    server->stats.requests++;
    st = refuse_busy(&call, peer->retry_after_ms, "%s", peer->why);
    count_reply(server, call.request, st);
    end_call(&call, st, mark);
}

static enum rests rests_on(struct server *server)
{
    if (!server->district) return RESTS_ON_NOTHING;
    return sessions_rests(server->sessions, &server->waits_for);
}

/* A request that waits has had no effect: nothing of it is told or kept. */
static enum call_end wait_again(struct call *call, size_t mark)
{
    call->out.buf->n = mark;
    faults_done(&call->faults);
    return CALL_WAITS;
}

/* What writes, while nothing new is taken. */
static enum status refuse_writing(struct call *call)
{
    if (call->server->is_removed) {
        return refuse(call, RETRY, NULL, "the store's file has been removed: nothing is written");
    }
    if (!call->server->disk_is_low) return OK;
    return refuse(call, RETRY, NULL, "the disk is nearly full: nothing is written for now");
}

enum call_end call_handle(struct server *server, struct decoder *decoder, struct slice body,
                          const struct peer *peer, struct buf *reply, struct job *job)
{
    struct call call = call_of(server, peer, reply);
    size_t mark = reply->n;
    enum status st = call_begin(&call, decoder, body);
    struct audited audited = {0};
    enum rests rests;

    server->stats.requests += !peer->again;
    call.job = job;
    buf_clear(&server->extra);
    if (st == OK) audited = audited_of(&call, call.request);
    if (st == OK && !call.request->when_full) st = refuse_writing(&call);
    if (st == OK && call.request->work && !call.request->may_ask && !job) {
        st = refuse(&call, BUSY, NULL, "too many requests wait for the helper");
    }
    if (server->district) sessions_begin(server->sessions, peer->arrived_us);
    if (st == OK) st = call.request->run(&call);
    if (st == UNKNOWN_BANK || st == UNKNOWN_TEST) st = news_check(server, peer, st);
    rests = rests_on(server);
    if (rests == RESTS_ON_FETCH) return wait_again(&call, mark);
    if (st == OK && call.request->work && (call.asks || !call.request->may_ask)) {
        job->request = call.request;
        job->n_extra = server->extra.n;
        return CALL_ASKED;
    }
    settle(&call, &audited, st, rests == RESTS_ON_COMMIT);
    end_call(&call, st, mark);
    if (planted("replies before commit")) return CALL_REPLIED;
    return rests == RESTS_ON_COMMIT ? CALL_HELD : CALL_REPLIED;
}

void call_refuse(struct server *server, struct decoder *decoder, struct slice body,
                 const struct peer *peer, enum status status, struct buf *reply)
{
    struct call call = call_of(server, peer, reply);
    size_t mark = reply->n;
    enum status st = call_decode(&call, decoder, body);

    if (st == OK) st = peer->why ? refuse(&call, status, NULL, "%s", peer->why) : status;
    count_reply(server, call.request, st);
    end_call(&call, st, mark);
}

void job_done(struct job *job)
{
    bank_free(job->made);
    plan_free(job->made_plan);
    job->made = NULL;
    job->made_plan = NULL;
}

void call_work(struct decoder *decoder, struct slice body, struct job *job, struct tools *tools,
               struct buf *reply)
{
    struct call call = {
        .request = job->request, .out = writer_of(reply), .job = job, .tools = tools};
    size_t mark = reply->n, n_body = body.n - job->n_extra;
    enum status st = call_decode(&call, decoder, slice_of(body.data, n_body));

    call.extra = slice_of(body.data + n_body, job->n_extra);
    tools->shared.has_read = false;
    if (st == OK) st = job->request->work(&call, tools->env, tools->workspace);
    if (tools->shared.has_read && st != RETRY &&
        shared_confirm(&tools->shared, &tools->shared.fault)) {
        st = RETRY;
    }
    job->status = st;
    end_call(&call, st, mark);
}

enum call_end call_finish(struct server *server, struct decoder *decoder, struct slice body,
                          const struct peer *peer, struct job *job, struct buf *reply)
{
    struct call call = call_of(server, peer, reply);
    size_t mark = reply->n;
    enum status st = call_decode(&call, decoder, body);
    struct audited audited = audited_of(&call, job->request);
    enum rests rests;

    call.request = job->request;
    call.job = job;
    if (server->district) sessions_begin(server->sessions, peer->arrived_us);
    if (st == OK && job->request->finish) st = job->request->finish(&call);
    job_done(job);
    rests = rests_on(server);
    if (rests == RESTS_ON_FETCH) return wait_again(&call, mark);
    settle(&call, &audited, job->status ? job->status : st, rests == RESTS_ON_COMMIT);
    end_call(&call, st, mark);
    if (job->status) reply->n = mark;  // the helper's reply says what was wrong
    return rests == RESTS_ON_COMMIT ? CALL_HELD : CALL_REPLIED;
}
