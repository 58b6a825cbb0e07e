/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests: one row for each op of the protocol, in one table. */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "base/fault.h"
#include "irt/bank.h"
#include "proto/reader.h"
#include "proto/writer.h"
#include "server/config.h"
#include "server/held.h"
#include "store/library.h"
#include "store/shared.h"

struct ability;
struct server;
struct peer;
struct key;
struct bank_version;
struct plan;
struct estimate_workspace;
struct verify;

/* Who may see what a test has found out about its examinee while it runs. */
enum { ROLES_SEE_ABILITY = ROLE_PROCTOR | ROLE_TEACHER | ROLE_AUTHOR | ROLE_ADMIN };

/* One request on its way. What runs in a helper has no server. */
struct call {
    const struct request *request;
    struct server *server;
    const struct peer *peer;   // NULL in a helper
    struct slice tenant, who;  // of the peer
    unsigned roles;            // of the peer
    int64_t now_ms, now_us;
    msgpack_object root;
    const msgpack_object *id;  // NULL where there is none to send back
    struct reader in;          // the fields
    struct fault fault;
    struct faults faults;    // of a document
    int64_t retry_after_ms;  // with BUSY; 0: a while
    struct writer out;       // the reply
    struct job *job;         // where part of the work is a helper's
    bool asks;               // set by `run` of a row that may ask: there is work
    struct deeds deeds;      // set by `run`, to be counted
    struct slice extra;      // in a helper: what `run` put into server->extra,
    struct tools *tools;     // and what the helper has
};

/* What a helper has at hand. */
enum { TOOLS_PLANNED = 16, TOOLS_RUNS = 4 };

/* A tenant's verification, which its requests go on with. */
struct verify_run {
    struct verify *verify;  // NULL: free
    int64_t number;
    char tenant[LIMIT_ID + 1];
    int64_t used_us;
};

struct plan_key {
    const struct test *test;
    const struct bank *bank;
};

struct tools {
    struct env *env;
    struct shared shared;  // a connection of its own; without a url where events are in `env`
    struct estimate_workspace *workspace;
    struct verify_run runs[TOOLS_RUNS];
    /* Of what plans were made of late, the newest at n_planned - 1: who asked for the same
     * meanwhile finds it with the loop. */
    struct plan_key planned[TOOLS_PLANNED];
    size_t n_planned;
};

/* Work for a helper: a value. The only thing shared is the bank, which never changes. */
struct job {
    uint64_t ticket;
    size_t n_extra;  // bytes of server->extra, which go behind the body
    const struct request *request;
    const struct plan *plan;    // of the session that the request is about
    const struct bank *bank;    // resolved by the loop, NULL where the request has its own items
    struct bank_header upload;  // to compile (bank.publish); its name is empty
    bool shares;                // its items are to come along, to be published to a district
    struct bank *made;          // what came of it; job_done frees what nobody takes
    const struct test *test;    // to make a plan of for `bank`; NULL: none
    struct plan *made_plan;     // what came of it, likewise
    enum status status;         // of the work
    struct slice helped;        // what it wrote, for `finish`
};

/* Free all verifications. */
void tools_end_runs(struct tools *tools);

/* Free what its work made. Who takes that sets the job's pointer to NULL. */
void job_done(struct job *job);

struct request {
    const char *op;
    unsigned roles;    // any of which allows it; ROLE_ALL: everybody's
    size_t max_bytes;  // of the body
    bool slow;         // its work may take long: a helper of its own does it
    int work_s;        // after which its helper is taken for stuck; 0: PULSE_WORK_S
    bool late;         // where there is not room for all it stands back: it begins something
    bool at_once;      // waits in no queue: it takes no time and changes nothing
    bool whole;        // it concerns all tenants: only for peers of OPERATOR
    bool when_full;    // also done where the disk is nearly full: it keeps nothing new, or frees
    /* In the loop. Writes the reply (reply_begin, then fields) and returns OK, or sets call->fault
     * and returns why not. */
    enum status (*run)(struct call *call);
    /* Where it is not NULL, `run` only prepares call->job, and a helper does the work: it writes
     * the reply, or what `finish` needs to write it, which the loop runs when the work is done or
     * has failed. */
    enum status (*work)(struct call *call, struct env *env, struct estimate_workspace *workspace);
    bool may_ask;  // there is work only where `run` has set call->asks; else it has replied
    enum status (*finish)(struct call *call);
    /* Where it is not NULL: whether this request goes into the audit, which its reply then waits
     * for, and its subject ("" beforehand). server/audits.h has them. Every row that frontends and
     * metrics may not use has one, or a reason. */
    bool (*audit)(const struct call *call, struct audit_subject *out_subject);
};

/* All requests, NULL at the end. */
extern const struct request *const requests[];

extern const struct request request_hello, request_ping, request_stats, request_admin_drain;
extern const struct request request_bank_begin, request_bank_add, request_bank_publish,
    request_bank_abort, request_bank_get, request_bank_list, request_bank_retire;
extern const struct request request_test_put, request_test_get, request_test_list;
extern const struct request request_session_start, request_session_answer, request_session_get,
    request_session_suspend, request_session_resume, request_session_finish, request_session_void,
    request_session_explain, request_session_revise, request_session_score, request_session_answers,
    request_session_list;
extern const struct request request_log_verify, request_audit_list, request_admin_backup,
    request_examinee_export, request_examinee_erase;
extern const struct request request_irt_curve, request_irt_estimate, request_irt_rank;

/* Begin a good reply with `n_field` fields to come. */
void reply_begin(struct call *call, size_t n_field);

/* Refuse: sets call->fault and returns `status`. `field` may be NULL. */
enum status refuse(struct call *call, enum status status, const char *field, const char *fmt, ...)
    PRINTF(4, 5);

/* The same with BUSY, and when to come again. */
enum status refuse_busy(struct call *call, int64_t retry_after_ms, const char *fmt, ...)
    PRINTF(3, 4);

/* Refuse with BUSY while sessions are asleep: for what looks at all of them. */
MUST_CHECK enum status check_awake(struct call *call);

/* Refuse for the first of call->faults, `otherwise` where there was no memory to keep it. */
enum status refuse_first(struct call *call, const char *otherwise);

/* theta and se, or those of `ability` where there are several dimensions. */
void put_ability(struct writer *out, double theta, double se, size_t n_dim,
                 const struct ability *ability);

/* A number for one dimension, a list for several. */
void put_vector(struct writer *out, const char *key, const double *list, size_t n_dim);

/* A name of the peer's tenant. */
struct library_name call_name(const struct call *call, struct slice name);

/* The version of a bank that the request names by `bank` and, where it says so, `version`. */
enum status call_bank_version(struct call *call, struct bank_version **out);

/* How a request went. */
enum call_end {
    CALL_REPLIED,
    CALL_ASKED,  // a helper
    CALL_WAITS,  // there is no reply: the request is to be served again when its group is ready
    CALL_HELD,   // the reply is to go out when the commit of its group is
};

/* Who asks, and when. `who` is the name of the key that the peer holds, `local` without one: what a
 * record of who did something has to say, with the tenant. */
struct peer {
    struct slice tenant, who;
    unsigned roles;
    int64_t now_ms, now_us, arrived_us;
    bool again;       // the request was served before, and had to wait
    bool has_paid;    // the key's limits were charged for it then
    struct key *key;  // NULL where there are none: on ipc and loopback
    /* Other than OK: every request is refused with this, because of `why`. */
    enum status refused;
    const char *why;
    int64_t retry_after_ms;  // with BUSY or RETRY
};

/* The tenant of those who look after the daemon: peers without keys, and keys that name it. What
 * concerns all tenants is theirs alone, so that none learns of another or spends what is its. */
#define OPERATOR "local"

/* Handle one body in the loop; the reply is appended to `reply`. CALL_ASKED: there is none yet,
 * *job is to be sent to a helper with the body. `job` is NULL where helpers take no more work: what
 * needs one is then refused before it has begun. server->waits_for is the group of one that waits
 * or is held. */
enum call_end call_handle(struct server *server, struct decoder *decoder, struct slice body,
                          const struct peer *peer, struct buf *reply, struct job *job);

/* What can be told of a body before it is decoded. */
struct call_head {
    const struct request *request;
    msgpack_object id;  // points into the body
};

/* False where the body is no good request: call_handle says why. */
bool call_peek(struct decoder *decoder, struct slice body, struct call_head *out);

/* The reply that refuses a request which has been looked at no further. */
void call_busy(struct server *server, const struct call_head *head, const struct peer *peer,
               struct buf *reply);

/* The reply that refuses a good request with `status`, because of peer->why where that is said. */
void call_refuse(struct server *server, struct decoder *decoder, struct slice body,
                 const struct peer *peer, enum status status, struct buf *reply);

/* What was held is done: it is counted and audited. Its reply has gone out: that is counted. */
void call_done(struct server *server, struct slice tenant, const struct held *held);
void call_replied(struct server *server, const struct held *held);

/* In a helper: do job->request's work on the body. The reply, or an error reply, is appended. */
void call_work(struct decoder *decoder, struct slice body, struct job *job, struct tools *tools,
               struct buf *reply);

/* In the loop, after the work of a helper: appends the reply where the request has a `finish` and
 * the work went well; else the helper has written it. What the work made and `finish` did not
 * take is freed. CALL_ASKED is never said. */
enum call_end call_finish(struct server *server, struct decoder *decoder, struct slice body,
                          const struct peer *peer, struct job *job, struct buf *reply);

#endif
