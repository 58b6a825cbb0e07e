/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_pq.h"
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct fake fake;

struct pg_conn {
    bool has_answer;
};

struct pg_result {
    ExecStatusType status;
    const char *code;
    struct fake_rows rows;
};

static int64_t now_ms;

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    (void)fds;
    (void)n;
    now_ms += timeout_ms;
    return fake.fails == FAKE_BLOCKED || fake.fails == FAKE_SILENT ? 0 : 1;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    (void)clock;
    *out = (struct timespec){.tv_sec = now_ms / 1000, .tv_nsec = now_ms % 1000 * 1000000};
    return 0;
}

void fake_start(void)
{
    memset(&fake, 0, sizeof(fake));
}

void fake_stop(void)
{
    for (size_t i = 0; i < PG_STATEMENTS; i++) buf_done(&fake.statement[i]);
    for (size_t i = 0; i < PG_PARAMS; i++) buf_done(&fake.param[i]);
    cr_expect_eq(fake.n_connect, fake.n_finish);
    cr_expect_eq(fake.n_result, fake.n_clear);
}

static bool fails(enum fake_call call)
{
    return fake.fails == call && fake.after-- <= 0;
}

struct fake_field fake_int4(uint32_t value)
{
    static uint8_t bytes[256][4];
    static size_t n;
    uint8_t *at = bytes[n++ % 256];

    bytes_put_u32(at, value);
    return (struct fake_field){at, 4};
}

struct fake_field fake_int8(uint64_t value)
{
    static uint8_t bytes[256][8];
    static size_t n;
    uint8_t *at = bytes[n++ % 256];

    bytes_put_u64(at, value);
    return (struct fake_field){at, 8};
}

struct fake_field fake_text(const char *text)
{
    return (struct fake_field){text, strlen(text)};
}

struct fake_field fake_bytes(const void *data, size_t n)
{
    return (struct fake_field){data, n};
}

PGconn *PQconnectdbParams(const char *const *keys, const char *const *values, int expand)
{
    size_t n = 0;

    cr_expect_eq(expand, 1);
    for (; keys[n] && n < 15; n++) {
        fake.keys[n] = keys[n];
        fake.values[n] = values[n];
    }
    fake.keys[n] = NULL;
    if (fails(FAKE_NO_MEMORY)) return NULL;
    fake.n_connect++;
    return calloc(1, sizeof(PGconn));
}

ConnStatusType PQstatus(const PGconn *conn)
{
    (void)conn;
    return fails(FAKE_CONNECT) ? CONNECTION_BAD : CONNECTION_OK;
}

int PQsetnonblocking(PGconn *conn, int on)
{
    (void)conn;
    (void)on;
    return fails(FAKE_NONBLOCKING) ? -1 : 0;
}

PQnoticeReceiver PQsetNoticeReceiver(PGconn *conn, PQnoticeReceiver receiver, void *context)
{
    (void)conn;
    fake.on_notice = receiver;
    fake.notice_context = context;
    return NULL;
}

char *PQerrorMessage(const PGconn *conn)
{
    static char text[] = "it is\ndown\n";

    (void)conn;
    return text;
}

void PQfinish(PGconn *conn)
{
    fake.n_finish++;
    free(conn);
}

int PQsocket(const PGconn *conn)
{
    (void)conn;
    return fails(FAKE_CLOSED) ? -1 : 0;
}

int PQflush(PGconn *conn)
{
    static int pending;

    (void)conn;
    if (fake.fails == FAKE_BLOCKED && fake.after <= 0) return 1;
    if (fake.fails == FAKE_BLOCKED) fake.after--;
    pending = !pending;
    return fails(FAKE_FLUSH) ? -1 : pending;
}

int PQconsumeInput(PGconn *conn)
{
    (void)conn;
    return !fails(FAKE_CONSUME);
}

int PQisBusy(PGconn *conn)
{
    static int busy;

    (void)conn;
    if (fake.fails == FAKE_SILENT || fake.fails == FAKE_CLOSED) return 1;
    busy = !busy;
    return busy;
}

static PGresult *result_new(ExecStatusType status, const char *code)
{
    PGresult *result = calloc(1, sizeof(*result));

    cr_assert_not_null(result);
    fake.n_result++;
    result->status = status;
    result->code = code;
    result->rows = fake.rows;
    return result;
}

PGresult *PQgetResult(PGconn *conn)
{
    if (!conn->has_answer) return NULL;
    conn->has_answer = false;
    if (fails(FAKE_REFUSED)) return result_new(PGRES_FATAL_ERROR, "22P02");
    if (fails(FAKE_NO_TABLE)) return result_new(PGRES_FATAL_ERROR, "42P01");
    if (fails(FAKE_WARNED)) {
        PGresult *notice = result_new(PGRES_NONFATAL_ERROR, "01000");

        fake.on_notice(fake.notice_context, notice);
        PQclear(notice);
    }
    return result_new(PGRES_TUPLES_OK, NULL);
}

ExecStatusType PQresultStatus(const PGresult *result)
{
    return result->status;
}

char *PQresultErrorField(const PGresult *result, int field)
{
    static char code[8];

    cr_expect_eq(field, PG_DIAG_SQLSTATE);
    snprintf(code, sizeof(code), "%s", result->code ? result->code : "");
    return result->code ? code : NULL;
}

char *PQresultErrorMessage(const PGresult *result)
{
    static char text[] = "ERROR:  it will not\n";

    (void)result;
    return text;
}

void PQclear(PGresult *result)
{
    if (result) fake.n_clear++;
    free(result);
}

int PQsendPrepare(PGconn *conn, const char *name, const char *sql, int n, const Oid *types)
{
    struct buf *statement = &fake.statement[atoi(name + 1)];

    (void)n;
    (void)types;
    fake.n_prepare++;
    buf_clear(statement);
    buf_append(statement, sql, strlen(sql) + 1);
    conn->has_answer = true;
    return !fails(FAKE_PREPARE);
}

int PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values,
                        const int *lengths, const int *formats, int format)
{
    (void)name;
    fake.n_run++;
    cr_expect_eq(format, 1);
    for (int i = 0; i < n; i++) {
        cr_expect_eq(formats[i], 1);
        buf_clear(&fake.param[i]);
        buf_append(&fake.param[i], values[i], (size_t)lengths[i]);
    }
    conn->has_answer = true;
    return !fails(FAKE_QUERY);
}

int PQsendQuery(PGconn *conn, const char *sql)
{
    fake.n_query++;
    snprintf(fake.sql, sizeof(fake.sql), "%s", sql);
    conn->has_answer = true;
    return !fails(FAKE_QUERY);
}

static const struct fake_field *field_of(const PGresult *result, int row, int field)
{
    cr_assert(row < result->rows.n_row && field < result->rows.n_field, "row %d, field %d", row,
              field);
    return &result->rows.field[row * result->rows.n_field + field];
}

int PQntuples(const PGresult *result)
{
    return result->rows.n_row;
}

char *PQgetvalue(const PGresult *result, int row, int field)
{
    const struct fake_field *at = field_of(result, row, field);
    static char bytes[64][512];
    static size_t n;
    char *copy = bytes[n++ % 64];

    cr_assert_leq(at->n, sizeof(bytes[0]));
    if (at->n > 0) memcpy(copy, at->data, at->n);
    return copy;
}

int PQgetlength(const PGresult *result, int row, int field)
{
    return (int)field_of(result, row, field)->n;
}

int PQgetisnull(const PGresult *result, int row, int field)
{
    return field_of(result, row, field)->data == NULL;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *conn)
{
    (void)conn;
    return fake.fails == FAKE_SILENT ? PQTRANS_ACTIVE : PQTRANS_IDLE;
}

PGnotify *PQnotifies(PGconn *conn)
{
    (void)conn;
    if (fake.n_notification == 0) return NULL;
    fake.n_notification--;
    return calloc(1, sizeof(PGnotify));
}
