/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection to PostgreSQL for one thread, which waits for it: every statement has a deadline, so
 * that a server that has fallen silent is noticed. Values go and come in binary. */
#ifndef STORE_PG_H
#define STORE_PG_H

#include "base/fault.h"
#include "base/slice.h"

#include <libpq-fe.h>
#include <stdatomic.h>

/* The types of parameters, by the numbers that they have in every PostgreSQL. */
enum pg_type {
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_BYTEA_ARRAY = 1001,
    PG_INT4_ARRAY = 1007,
    PG_TEXT_ARRAY = 1009,
    PG_INT8_ARRAY = 1016,
};

enum { PG_PARAMS = 12, PG_STATEMENTS = 32 };

/* A statement is sent by its number, and prepared when a connection first needs it. */
struct pg_statement {
    const char *sql;
    int n_param;
    enum pg_type type[PG_PARAMS];
};

struct pg {
    PGconn *conn;  // NULL: there is none
    uint64_t prepared;
    const struct pg_statement *statements;
    const atomic_bool *quit;  // set: give up waiting; may be NULL
    bool no_table;            // the last statement named a table that is not there
    bool warned;              // the server has said that a commit may not be where it should
};

/* Connect to the first of the hosts in `url` (a URI or key = value, as libpq takes them) that takes
 * writes. IO_ERROR with a text in `fault`, which never has the password. */
MUST_CHECK enum status pg_connect(struct pg *pg, const char *url, struct fault *fault);
void pg_disconnect(struct pg *pg);

/* Run statement `number`. On OK *out is the caller's, to PQclear; it has rows where the statement
 * gives any. After an error, with a text in `fault`, *out is NULL and there is no connection any
 * more. NOT_FOUND where a table is not there. IO_ERROR: what became of it is unknown. */
struct pg_call {
    unsigned number;
    struct slice param[PG_PARAMS];
};
MUST_CHECK enum status pg_run(struct pg *pg, const struct pg_call *call, PGresult **out,
                              struct fault *fault);

/* The same with plain text, of one or several statements without parameters or rows. */
MUST_CHECK enum status pg_execute(struct pg *pg, const char *sql, struct fault *fault);

/* Ask to be told when anybody says NOTIFY on that channel. OK too where the server has no such
 * thing; IO_ERROR: there is no connection any more. */
MUST_CHECK enum status pg_listen(struct pg *pg, const char *channel, struct fault *fault);

/* Between two statements: the socket to poll, -1 where there is none; and whether anybody has said
 * NOTIFY. A connection that turns out to be broken is let go of. */
int pg_socket(const struct pg *pg);
bool pg_was_notified(struct pg *pg);

/* Parameters in binary. An array is begun with the number of its elements. */
void pg_array(struct buf *out, enum pg_type element, size_t n);
void pg_element(struct buf *out, struct slice value);
void pg_element_int4(struct buf *out, uint32_t value);

/* Fields of a row. An integer is 4 or 8 bytes; other sizes, and nothing, are 0. */
struct slice pg_bytes(const PGresult *result, int row, int field);
int64_t pg_int(const PGresult *result, int row, int field);

/* Whether `url` can be read by libpq; it must not have a password, which would stand in process
 * lists and copies of the configuration: that belongs into a passfile. */
MUST_CHECK bool pg_url_is_good(const char *url, struct fault *fault);

#endif
