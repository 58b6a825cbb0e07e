/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.verify: the store is checked in slices, one with each request. admin.backup: a copy of the
 * store in the folder that the configuration names, and in no other. */
#include "server/audits.h"
#include "server/clock.h"
#include "server/news.h"
#include "server/server.h"
#include "server/verify.h"
#include "store/backup.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Memory for a verification grows with the store, so there are few at a time. */
enum { RUN_LEFT_S = 60, RUN_RETRY_MS = 10000 };

enum { BACKUP_S = 3600 };  // LMDB tells nothing of how far a copy is

enum { EVENTS_A_CALL = 20000, FOLDER_MODE = 0700, PATH_BYTES = CONFIG_TEXT + LIMIT_ID + 2 };

/* A head that was noted before, where the request has one. */
static bool read_head(struct call *call, struct journal_head *out)
{
    const msgpack_object *head = NULL;
    struct slice seal = {0};
    struct reader in;
    int64_t event = 0;
    size_t n = 0;

    if (!read_map(&call->in, "head", OPTIONAL, &head)) return false;
    in = reader_of(head, "head", &call->fault);
    read_int(&in, "event", REQUIRED, 1, LIMIT_INT, &event);
    read_str(&in, "seal", REQUIRED, 2 * SEAL_BYTES, &seal);
    if (!in.failed && (sodium_hex2bin(out->seal, SEAL_BYTES, (const char *)seal.data, seal.n, NULL,
                                      &n, NULL) != 0 ||
                       n != SEAL_BYTES)) {
        read_fail(&in, "seal", "must be %d hexadecimal digits", 2 * SEAL_BYTES);
    }
    if (in.failed) call->in.failed = true;
    out->lsn = (uint64_t)event;
    return !in.failed;
}

/* A verification takes what there was when it came, and in a district what others have published
 * until then. */
static enum status prepare_verify(struct call *call)
{
    struct server *server = call->server;
    const msgpack_object *given = map_find(&call->root, "head");
    struct journal_head head;
    int64_t run;

    read_int(&call->in, "run", OPTIONAL, 1, LIMIT_INT, &run);
    (void)read_head(call, &head);
    if (call->in.failed) return BAD_REQUEST;
    if (server->district && given && given->type != MSGPACK_OBJECT_NIL) {
        return refuse(call, BAD_REQUEST, "head", "a district's store has none");
    }
    buf_append(&server->extra, call->tenant.data, call->tenant.n);
    return news_check(server, call->peer, OK);
}

static void end_run(struct verify_run *run)
{
    verify_free(run->verify);
    *run = (struct verify_run){0};
}

void tools_end_runs(struct tools *tools)
{
    for (size_t i = 0; i < TOOLS_RUNS; i++) end_run(&tools->runs[i]);
}

static struct verify_run *find_run(struct tools *tools, struct slice tenant)
{
    for (size_t i = 0; i < TOOLS_RUNS; i++) {
        struct verify_run *run = &tools->runs[i];

        if (run->verify && slice_equal_str(tenant, run->tenant)) return run;
    }
    return NULL;
}

/* A place for a tenant's verification: that of its last one, a free one, one that is done, or one
 * that nobody has gone on with for a while. */
static struct verify_run *need_run(struct tools *tools, struct slice tenant, int64_t now_us)
{
    struct verify_run *run = find_run(tools, tenant);

    for (size_t i = 0; i < TOOLS_RUNS && !run; i++) {
        if (!tools->runs[i].verify) run = &tools->runs[i];
    }
    for (size_t i = 0; i < TOOLS_RUNS && !run; i++) {
        if (verify_done(tools->runs[i].verify)) run = &tools->runs[i];
    }
    for (size_t i = 0; i < TOOLS_RUNS && !run; i++) {
        if (now_us - tools->runs[i].used_us > RUN_LEFT_S * 1000000LL) run = &tools->runs[i];
    }
    return run;
}

static enum status begin_verify(struct call *call, struct verify_run **out)
{
    struct tools *tools = call->tools;
    struct verify_run *run = need_run(tools, call->extra, clock_us());
    struct journal_head head;
    bool has_head = read_head(call, &head);
    enum status st;

    if (!run) {
        return refuse_busy(call, RUN_RETRY_MS, "%d other tenants' verifications are under way",
                           TOOLS_RUNS);
    }
    end_run(run);
    if (!slice_to_text(call->extra, run->tenant, sizeof(run->tenant))) return INTERNAL;
    run->number = 1 + randombytes_random();  // one of another daemon must not pass for it
    if (tools->shared.url[0])
        st = verify_new_shared(tools->env, &tools->shared, &run->verify);
    else
        st = verify_new(tools->env, has_head ? &head : NULL, &run->verify);
    *out = run;
    return st;
}

static enum status work_verify(struct call *call, struct env *env,
                               struct estimate_workspace *workspace)
{
    struct verify_run *run = find_run(call->tools, call->extra);
    int64_t number = 0;
    enum status st = OK;

    (void)env;
    (void)workspace;
    read_int(&call->in, "run", OPTIONAL, 1, LIMIT_INT, &number);
    if (number == 0)
        st = begin_verify(call, &run);
    else if (!run || number != run->number)
        return refuse(call, CONFLICT, "run", "it is over, or another has begun: begin again");
    if (st == OK) st = verify_step(run->verify, EVENTS_A_CALL);
    if (st) return st;
    run->used_us = clock_us();
    reply_begin(call, 1 + VERIFY_FIELDS);
    put_int(&call->out, "run", run->number);
    verify_write(run->verify, &call->extra, &call->out);
    return OK;
}

/* Its beginning; what goes on with it is one act with that. */
static bool audit_verify(const struct call *call, struct audit_subject *out)
{
    const msgpack_object *run = map_find(&call->root, "run");

    (void)out;
    return !run || run->type == MSGPACK_OBJECT_NIL;
}

const struct request request_log_verify = {.op = "log.verify",
                                           .roles = ROLE_ADMIN,
                                           .max_bytes = LIMIT_REQUEST,
                                           .slow = true,
                                           .when_full = true,
                                           .run = prepare_verify,
                                           .work = work_verify,
                                           .audit = audit_verify};

/* In the helper: the path, which the loop has put together, with its NUL. */
static enum status prepare_backup(struct call *call)
{
    const char *folder = call->server->config.backup_dir;
    char made[LIMIT_ID + 1], path[PATH_BYTES];
    time_t now_s = (time_t)(call->now_ms / 1000);
    struct slice name = {0};
    struct tm utc;
    size_t n;

    read_id(&call->in, "name", OPTIONAL, &name);
    if (call->in.failed) return BAD_REQUEST;
    if (name.n > 0 && name.data[0] == '.') {
        return refuse(call, BAD_REQUEST, "name", "must not begin with a dot");
    }
    if (!folder[0]) {
        return refuse(call, BAD_REQUEST, NULL, "the configuration names no folder for backups");
    }
    if (name.n == 0) {
        strftime(made, sizeof(made), "thetad-%Y%m%d-%H%M%S.mdb", gmtime_r(&now_s, &utc));
        name = slice_str(made);
    }
    if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) {
        return refuse(call, IO_ERROR, NULL, "the folder for backups cannot be made");
    }
    n = (size_t)snprintf(path, sizeof(path), "%s/%.*s", folder, (int)name.n,
                         (const char *)name.data);
    buf_append(&call->server->extra, path, n + 1);
    return OK;
}

static enum status work_backup(struct call *call, struct env *env,
                               struct estimate_workspace *workspace)
{
    const char *path = (const char *)call->extra.data, *name = strrchr(path, '/') + 1;
    struct backup_source source = {.env = env};
    struct fault fault = {0};
    uint64_t n_byte = 0;
    enum status st = backup_write(source, path, &n_byte, &fault);

    (void)workspace;
    if (st == EXISTS) {
        return refuse(call, st, "name", "there is a file %s already", name);
    }
    if (st) {
        log_line(LOG_ERROR, "no backup", "error=\"%s\"", fault.text);
        return refuse(call, st, NULL, "the backup cannot be written: the log says why");
    }
    log_line(LOG_INFO, "backup written", "file=%s bytes=%llu", path, (unsigned long long)n_byte);
    reply_begin(call, 2);
    put_text(&call->out, "name", name);
    put_int(&call->out, "bytes", (int64_t)n_byte);
    return OK;
}

const struct request request_admin_backup = {.op = "admin.backup",
                                             .whole = true,
                                             .roles = ROLE_ADMIN,
                                             .max_bytes = LIMIT_REQUEST,
                                             .slow = true,
                                             .work_s = BACKUP_S,
                                             .run = prepare_backup,
                                             .work = work_backup,
                                             .audit = audit_op};
