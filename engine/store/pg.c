/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/pg.h"
#include "base/bytes.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STATEMENT_MS = 5000,  // a server that says nothing for so long is taken for lost
    SLICE_MS = 100,       // how soon a wait sees that it is to end
    NAME_BYTES = 16,
    HOSTS_MOST = 8,
};

/* Where the administrator has not said otherwise. */
static const char *const defaults[][2] = {
    {"connect_timeout", "3"},       {"keepalives_idle", "5"},
    {"keepalives_interval", "2"},   {"keepalives_count", "3"},
    {"tcp_user_timeout", "5000"},   {"target_session_attrs", "read-write"},
    {"application_name", "thetad"},
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* libpq ends its messages with a newline, and has several lines where there are several hosts. */
static void tell(struct fault *fault, const char *text)
{
    char line[FAULT_TEXT];
    size_t n = 0;

    for (; *text && n + 1 < sizeof(line); text++) line[n++] = *text == '\n' ? ' ' : *text;
    while (n > 0 && line[n - 1] == ' ') n--;
    line[n] = '\0';
    fault_set(fault, NULL, NULL, "PostgreSQL: %s", line);
}

/* A warning after a commit says that the commit did not wait for the standby. */
static void on_notice(void *context, const PGresult *result)
{
    struct pg *pg = context;
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (code && strncmp(code, "01", 2) == 0) pg->warned = true;
}

bool pg_url_is_good(const char *url, struct fault *fault)
{
    char *error = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &error);
    bool good = options != NULL;

    if (!good) tell(fault, error ? error : "no memory");
    for (PQconninfoOption *o = options; good && o->keyword; o++) {
        if (strcmp(o->keyword, "password") != 0 || !o->val) continue;
        fault_set(fault, NULL, NULL, "must not have a password: say passfile=FILE instead");
        good = false;
    }
    PQfreemem(error);
    PQconninfoFree(options);
    return good;
}

/* systemd gives a service its secrets as files in a folder. */
static bool find_passfile(char *out, size_t size)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    FILE *file;

    if (!folder) return false;
    snprintf(out, size, "%s/pgpass", folder);
    file = fopen(out, "re");
    if (!file) return false;
    fclose(file);
    return true;
}

/* Keywords before `dbname` are defaults, what the url says is taken over them. */
static PGconn *begin(const char *url)
{
    const char *keys[COUNT_OF(defaults) + 3], *values[COUNT_OF(defaults) + 3];
    char passfile[4096];
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(defaults); i++) {
        keys[n] = defaults[i][0];
        values[n++] = defaults[i][1];
    }
    if (find_passfile(passfile, sizeof(passfile))) {
        keys[n] = "passfile";
        values[n++] = passfile;
    }
    keys[n] = "dbname";
    values[n++] = url;
    keys[n] = values[n] = NULL;
    return PQconnectdbParams(keys, values, 1);
}

enum status pg_connect(struct pg *pg, const char *url, struct fault *fault)
{
    pg_disconnect(pg);
    pg->conn = begin(url);
    if (pg->conn && PQstatus(pg->conn) == CONNECTION_OK && PQsetnonblocking(pg->conn, 1) == 0) {
        PQsetNoticeReceiver(pg->conn, on_notice, pg);
        return OK;
    }
    tell(fault, pg->conn ? PQerrorMessage(pg->conn) : "no memory");
    pg_disconnect(pg);
    return IO_ERROR;
}

void pg_disconnect(struct pg *pg)
{
    if (pg->conn) PQfinish(pg->conn);
    pg->conn = NULL;
    pg->prepared = 0;
    pg->warned = false;
}

/* Wait for the socket. False past the deadline, or where the wait is to end. */
static bool wait_socket(const struct pg *pg, short events, int64_t deadline_ms)
{
    struct pollfd fd = {.fd = PQsocket(pg->conn), .events = events};

    while (fd.fd >= 0 && !(pg->quit && *pg->quit) && now_ms() < deadline_ms) {
        int n = poll(&fd, 1, SLICE_MS);

        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return false;
    }
    return false;
}

static bool flush(const struct pg *pg, int64_t deadline_ms)
{
    int left = PQflush(pg->conn);

    while (left == 1) {
        if (!wait_socket(pg, POLLIN | POLLOUT, deadline_ms)) return false;
        if (!PQconsumeInput(pg->conn)) return false;
        left = PQflush(pg->conn);
    }
    return left == 0;
}

/* The next result, NULL at the end. False where the deadline has passed. */
static bool next_result(const struct pg *pg, int64_t deadline_ms, PGresult **out)
{
    while (PQisBusy(pg->conn)) {
        if (!wait_socket(pg, POLLIN, deadline_ms)) return false;
        if (!PQconsumeInput(pg->conn)) return false;
    }
    *out = PQgetResult(pg->conn);
    return true;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool is_no_table(const PGresult *result)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return code && strcmp(code, "42P01") == 0;
}

/* Take all results of what was sent; the last one that is good goes to *out. */
static bool take_results(struct pg *pg, int64_t deadline_ms, PGresult **out, struct fault *fault)
{
    PGresult *result = NULL;
    bool good = true;

    do {
        if (!next_result(pg, deadline_ms, &result)) {
            tell(fault, *PQerrorMessage(pg->conn) ? PQerrorMessage(pg->conn) : "no answer");
            return false;
        }
        if (result && is_good(result)) {
            PQclear(*out);
            *out = result;
        } else if (result) {
            if (good) tell(fault, PQresultErrorMessage(result));
            if (is_no_table(result)) pg->no_table = true;
            good = false;
            PQclear(result);
        }
    } while (result);
    if (good && pg->warned) {
        tell(fault, "the server has warned of a commit that did not wait for its standby");
        good = false;
    }
    return good;
}

/* The end of every statement: what failed leaves no connection, since nobody knows its state. */
static enum status finish(struct pg *pg, bool good, PGresult **out)
{
    if (good) return OK;
    PQclear(*out);
    *out = NULL;
    pg_disconnect(pg);
    return pg->no_table ? NOT_FOUND : IO_ERROR;
}

/* Whether a statement that was begun is on its way as a whole. */
static bool is_sent(const struct pg *pg, int begun, int64_t deadline_ms, struct fault *fault)
{
    bool good = begun == 1 && flush(pg, deadline_ms);

    if (!good) tell(fault, *PQerrorMessage(pg->conn) ? PQerrorMessage(pg->conn) : "cannot be sent");
    return good;
}

static bool prepare(struct pg *pg, unsigned number, const char *name, int64_t deadline_ms,
                    struct fault *fault)
{
    const struct pg_statement *statement = &pg->statements[number];
    Oid types[PG_PARAMS];
    PGresult *result = NULL;
    bool good;

    if (pg->prepared & (uint64_t)1 << number) return true;
    for (int i = 0; i < statement->n_param; i++) types[i] = (Oid)statement->type[i];
    good = is_sent(pg, PQsendPrepare(pg->conn, name, statement->sql, statement->n_param, types),
                   deadline_ms, fault) &&
           take_results(pg, deadline_ms, &result, fault);
    PQclear(result);
    if (good) pg->prepared |= (uint64_t)1 << number;
    return good;
}

static int send_call(struct pg *pg, const struct pg_call *call, const char *name)
{
    const char *values[PG_PARAMS];
    int lengths[PG_PARAMS], formats[PG_PARAMS];
    int n = pg->statements[call->number].n_param;

    for (int i = 0; i < n; i++) {
        values[i] = call->param[i].n > 0 ? (const char *)call->param[i].data : "";
        lengths[i] = (int)call->param[i].n;
        formats[i] = 1;
    }
    return PQsendQueryPrepared(pg->conn, name, n, values, lengths, formats, 1);
}

enum status pg_run(struct pg *pg, const struct pg_call *call, PGresult **out, struct fault *fault)
{
    int64_t deadline_ms = now_ms() + STATEMENT_MS;
    char name[NAME_BYTES];
    bool good;

    *out = NULL;
    pg->no_table = false;
    if (!pg->conn) {
        tell(fault, "there is no connection");
        return IO_ERROR;
    }
    snprintf(name, sizeof(name), "s%u", call->number);
    good = prepare(pg, call->number, name, deadline_ms, fault) &&
           is_sent(pg, send_call(pg, call, name), deadline_ms, fault) &&
           take_results(pg, deadline_ms, out, fault);
    return finish(pg, good, out);
}

enum status pg_execute(struct pg *pg, const char *sql, struct fault *fault)
{
    int64_t deadline_ms = now_ms() + STATEMENT_MS;
    PGresult *result = NULL;
    enum status st;
    bool good;

    pg->no_table = false;
    if (!pg->conn) {
        tell(fault, "there is no connection");
        return IO_ERROR;
    }
    good = is_sent(pg, PQsendQuery(pg->conn, sql), deadline_ms, fault) &&
           take_results(pg, deadline_ms, &result, fault);
    st = finish(pg, good, &result);
    PQclear(result);
    return st;
}

enum status pg_listen(struct pg *pg, const char *channel, struct fault *fault)
{
    int64_t deadline_ms = now_ms() + STATEMENT_MS;
    PGresult *result = NULL;
    char sql[64];

    snprintf(sql, sizeof(sql), "LISTEN %s", channel);
    /* A refusal leaves a connection that is as good as before. */
    if (pg->conn && is_sent(pg, PQsendQuery(pg->conn, sql), deadline_ms, fault)) {
        (void)take_results(pg, deadline_ms, &result, fault);
    }
    PQclear(result);
    if (pg->conn && PQstatus(pg->conn) == CONNECTION_OK &&
        PQtransactionStatus(pg->conn) == PQTRANS_IDLE) {
        return OK;
    }
    pg_disconnect(pg);
    return IO_ERROR;
}

int pg_socket(const struct pg *pg)
{
    return pg->conn ? PQsocket(pg->conn) : -1;
}

bool pg_was_notified(struct pg *pg)
{
    bool was = false;
    PGnotify *notification;

    if (!pg->conn) return false;
    if (!PQconsumeInput(pg->conn)) {
        pg_disconnect(pg);
        return false;
    }
    while ((notification = PQnotifies(pg->conn))) {
        PQfreemem(notification);
        was = true;
    }
    return was;
}

static void put_u32(struct buf *out, uint32_t value)
{
    uint8_t bytes[4];

    bytes_put_u32(bytes, value);
    buf_append(out, bytes, sizeof(bytes));
}

/* | dimensions 4 | has null 4 | type 4 | elements 4 | first index 4 | elements | */
void pg_array(struct buf *out, enum pg_type element, size_t n)
{
    put_u32(out, n > 0);
    put_u32(out, 0);
    put_u32(out, (uint32_t)element);
    if (n == 0) return;
    put_u32(out, (uint32_t)n);
    put_u32(out, 1);
}

void pg_element(struct buf *out, struct slice value)
{
    put_u32(out, (uint32_t)value.n);
    buf_append(out, value.data, value.n);
}

void pg_element_int4(struct buf *out, uint32_t value)
{
    put_u32(out, sizeof(value));
    put_u32(out, value);
}

struct slice pg_bytes(const PGresult *result, int row, int field)
{
    return slice_of(PQgetvalue(result, row, field), (size_t)PQgetlength(result, row, field));
}

int64_t pg_int(const PGresult *result, int row, int field)
{
    struct slice bytes = pg_bytes(result, row, field);

    if (bytes.n == 4) return (int32_t)bytes_get_u32(bytes.data);
    return bytes.n == 8 ? (int64_t)bytes_get_u64(bytes.data) : 0;
}
