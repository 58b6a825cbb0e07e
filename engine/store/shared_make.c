/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of a shared store: made, and brought up to date. */
#include "store/shared_run.h"
#include "store/shared_schema.h"
#include "store/shared_settings.h"

#include <sodium.h>
#include <stdio.h>

static enum status make_key(struct shared *shared, struct fault *fault)
{
    uint8_t key[SHARED_KEY];
    char hex[2 * SHARED_KEY + 1], sql[128];

    randombytes_buf(key, sizeof(key));
    sodium_bin2hex(hex, sizeof(hex), key, sizeof(key));
    snprintf(sql, sizeof(sql), "UPDATE district SET key = '\\x%s'", hex);
    return pg_execute(&shared->pg, sql, fault);
}

/* From one version of the tables to the present one, as a whole or not at all. */
static enum status migrate(struct shared *shared, int64_t from, struct fault *fault)
{
    char sql[64];
    enum status st = pg_execute(&shared->pg, "BEGIN", fault);

    for (int64_t version = from; st == OK && version < SHARED_FORMAT; version++) {
        st = pg_execute(&shared->pg, shared_schema[version], fault);
    }
    if (st == OK && from > 0 && from < SHARED_SITTINGS) st = shared_seat_all(shared, fault);
    if (st == OK && from == 0) st = make_key(shared, fault);
    snprintf(sql, sizeof(sql), "UPDATE district SET format = %d", SHARED_FORMAT);
    if (st == OK) st = pg_execute(&shared->pg, sql, fault);
    return st ? st : pg_execute(&shared->pg, "COMMIT", fault);
}

/* Connect without a look at the tables. */
static enum status connect_any(struct shared *shared, const char *url, struct fault *fault)
{
    if (sodium_init() < 0) return INTERNAL;
    shared_init(shared, url, NULL);
    return pg_connect(&shared->pg, url, fault);
}

/* As a node would look at it. */
static enum status check_server(struct shared *shared, struct fault *fault)
{
    struct pg_call call = {.number = SETTINGS};
    PGresult *row = NULL;
    enum status st = pg_run(&shared->pg, &call, &row, fault);

    if (st == OK) st = shared_check_settings(row, fault);
    PQclear(row);
    return st;
}

static enum status check_no_tables(struct shared *shared, struct fault *fault)
{
    struct pg_call call = {.number = CHECK};
    PGresult *row = NULL;
    enum status st = pg_run(&shared->pg, &call, &row, fault);

    PQclear(row);
    if (st == NOT_FOUND) return pg_connect(&shared->pg, shared->url, fault);
    if (st == OK) fault_set(fault, NULL, NULL, "the shared store is there already");
    return st == OK ? EXISTS : st;
}

enum status shared_create(const char *url, struct fault *fault)
{
    struct shared shared;
    enum status st = connect_any(&shared, url, fault);

    if (st == OK) st = check_server(&shared, fault);
    if (st == OK) st = check_no_tables(&shared, fault);
    if (st == OK) st = migrate(&shared, 0, fault);
    shared_done(&shared);
    return st;
}

enum status shared_upgrade(const char *url, int64_t *out_from, struct fault *fault)
{
    struct pg_call call = {.number = CHECK};
    struct shared shared;
    PGresult *row = NULL;
    enum status st = connect_any(&shared, url, fault);

    if (st == OK) st = pg_run(&shared.pg, &call, &row, fault);
    *out_from = row && PQntuples(row) == 1 ? pg_int(row, 0, SHARED_SETTINGS) : 0;
    if (st == OK && (*out_from < 1 || *out_from > SHARED_FORMAT)) {
        fault_set(fault, NULL, NULL, "the shared store is of version %lld, this is for %d",
                  (long long)*out_from, SHARED_FORMAT);
        st = CORRUPT;
    }
    if (st == OK && *out_from < SHARED_FORMAT) st = migrate(&shared, *out_from, fault);
    PQclear(row);
    shared_done(&shared);
    return st;
}
