/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libpq's calls as store/pg.c makes them, over no server: the test says what comes back and which
 * of them fails. Time stands still but for waits, which take as long as they may. */
#ifndef UNIT_STORE_FAKE_PQ_H
#define UNIT_STORE_FAKE_PQ_H

#include "store/pg.h"

/* The calls that can go wrong, and two ways in which the server itself can. */
enum fake_call {
    FAKE_NONE,
    FAKE_NO_MEMORY,  // PQconnectdbParams gives nothing
    FAKE_CONNECT,    // there is no server
    FAKE_NONBLOCKING,
    FAKE_PREPARE,  // cannot be sent
    FAKE_QUERY,
    FAKE_FLUSH,     // fails
    FAKE_BLOCKED,   // never comes to an end
    FAKE_CONSUME,   // the connection breaks
    FAKE_SILENT,    // there is no answer
    FAKE_REFUSED,   // an error for an answer
    FAKE_NO_TABLE,  // that one in particular
    FAKE_WARNED,    // a good answer with a warning
    FAKE_CLOSED,    // no socket
    N_FAKE
};

/* A field of a row; NULL data is SQL's NULL. */
struct fake_field {
    const void *data;
    size_t n;
};

struct fake_rows {
    const struct fake_field *field;  // [n_row][n_field]
    int n_row, n_field;
};

struct fake {
    enum fake_call fails;
    int after;              // so many calls of that kind go well before
    struct fake_rows rows;  // what statements give
    int n_connect, n_finish, n_result, n_clear, n_prepare, n_run, n_query;
    int n_notification;  // that are to be told of
    const char *keys[16], *values[16];
    char sql[4096];                                     // of the last query
    struct buf statement[PG_STATEMENTS];                // as they were prepared
    struct buf param[PG_PARAMS];                        // of the last statement that ran
    void (*on_notice)(void *arg, const PGresult *res);  // its receiver
    void *notice_context;
};

extern struct fake fake;

void fake_start(void);  // all is well
void fake_stop(void);   // no result and no connection may be left

/* A field with an integer of 4 or 8 bytes, a text, NULL; the bytes live in static memory. */
struct fake_field fake_int4(uint32_t value);
struct fake_field fake_int8(uint64_t value);
struct fake_field fake_text(const char *text);
struct fake_field fake_bytes(const void *data, size_t n);

#endif
