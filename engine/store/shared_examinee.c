/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/shared_examinee.h"
#include "store/shared_run.h"

#include <stdlib.h>

enum { SEATED_AT_ONCE = 500, PAST_AT_ONCE = 256 };

enum status shared_sittings(struct shared *shared, const struct shared_sittings *sittings)
{
    PGresult *rows = NULL;
    enum status st;

    shared_set(shared, 0, sittings->tenant);
    shared_set(shared, 1, sittings->examinee);
    shared_set(shared, 2, sittings->after);
    shared_set_int8(shared, 3, sittings->n_session);
    st = shared_run(shared, SITTINGS, &rows);
    if (st) return st;
    for (int row = 0; row < PQntuples(rows); row++) {
        sittings->visit(sittings->context, pg_bytes(rows, row, 0), (uint32_t)pg_int(rows, row, 1));
    }
    PQclear(rows);
    return OK;
}

/* Whether a session whose last event that is had one since. What cannot be read is looked at. */
static bool is_since(struct slice record, int64_t since_ms)
{
    struct event_record last;

    if (record.n == 0 || erased_stands(record)) return false;
    return event_record_read(record, &last) || last.event.time_ms >= since_ms;
}

/* Some of the sessions, and whose they are. */
struct past_fetch {
    struct shared_visitor visitor;
    struct shared_want want[PAST_AT_ONCE];
    size_t of[PAST_AT_ONCE], n;
};

static void on_past(void *context, size_t i, const struct shared_event *event, enum status status)
{
    const struct past_fetch *fetch = context;

    fetch->visitor.visit(fetch->visitor.context, fetch->of[i], event, status);
}

static enum status fetch_past(struct shared *shared, struct past_fetch *fetch)
{
    struct shared_news news;
    size_t n = fetch->n;

    fetch->n = 0;
    if (n == 0) return OK;
    return shared_fetch(shared, fetch->want, n, (struct shared_visitor){on_past, fetch}, &news);
}

static enum status each_past(struct shared *shared, const PGresult *rows, struct shared_past *list,
                             struct past_fetch *fetch)
{
    enum status st = OK;

    for (int row = 0; st == OK && row < PQntuples(rows); row++) {
        size_t i = (size_t)pg_int(rows, row, 0) - 1;

        list[i].next = (uint32_t)pg_int(rows, row, 1) + 1;
        if (!is_since(pg_bytes(rows, row, 3), list[i].since_ms)) continue;
        fetch->of[fetch->n] = i;
        fetch->want[fetch->n++] =
            (struct shared_want){.tenant = list[i].tenant, .session = pg_bytes(rows, row, 2)};
        if (fetch->n == PAST_AT_ONCE) st = fetch_past(shared, fetch);
    }
    return st ? st : fetch_past(shared, fetch);
}

enum status shared_past(struct shared *shared, struct shared_past *list, size_t n,
                        struct shared_visitor visitor)
{
    struct past_fetch *fetch = calloc(1, sizeof(*fetch));
    PGresult *rows = NULL;
    enum status st;

    if (!fetch) return NO_MEMORY;
    fetch->visitor = visitor;
    shared_begin_arrays(shared, PAST, 2, n);
    for (size_t i = 0; i < n; i++) {
        list[i].next = 1;
        pg_element(&shared->param[0], list[i].tenant);
        pg_element(&shared->param[1], list[i].examinee);
    }
    st = shared_run(shared, PAST, &rows);
    if (st == OK) st = each_past(shared, rows, list, fetch);
    PQclear(rows);
    free(fetch);
    return st;
}

/* The tombstone's seal where it stands as event number n. */
static void set_seal(struct shared *shared, int i, const struct shared_event *last, uint32_t n,
                     struct slice record)
{
    struct shared_event event = {
        .tenant = last->tenant, .session = last->session, .n = n, .record = record};
    uint8_t seal[SEAL_BYTES];

    shared_seal(shared->key, &event, seal);
    shared_set(shared, i, slice_of(seal, sizeof(seal)));
}

enum status shared_erase(struct shared *shared, const struct shared_event *last,
                         const struct tombstone *tombstone, bool *out_done)
{
    struct buf record = {0};
    PGresult *rows = NULL;
    enum status st = shared_connect(shared, &shared->fault);

    *out_done = false;
    if (st) return st;
    erased_write(tombstone, &record);
    shared_set(shared, 0, last->tenant);
    shared_set(shared, 1, last->session);
    shared_set_int4(shared, 2, last->n + 1);
    set_seal(shared, 3, last, last->n + 1, buf_slice(&record));
    set_seal(shared, 4, last, 0, buf_slice(&record));
    shared_set(shared, 5, buf_slice(&record));
    st = record.failed ? (enum status)NO_MEMORY : shared_run(shared, ERASE, &rows);
    *out_done = st == OK && PQntuples(rows) == 1;
    PQclear(rows);
    buf_done(&record);
    return st;
}

enum status shared_forget(struct shared *shared, struct slice tenant, struct slice session)
{
    PGresult *rows = NULL;
    enum status st;

    shared_set(shared, 0, tenant);
    shared_set(shared, 1, session);
    st = shared_run(shared, FORGET, &rows);
    PQclear(rows);
    return st;
}

/* Rows of tenant, session, n, seal and record, in the order they come. */
static void visit_rows(const struct shared *shared, const PGresult *rows,
                       struct shared_visitor visitor)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct slice seal = pg_bytes(rows, row, 3);
        struct shared_event event = {.tenant = pg_bytes(rows, row, 0),
                                     .session = pg_bytes(rows, row, 1),
                                     .n = (uint32_t)pg_int(rows, row, 2),
                                     .seal = seal.data,
                                     .record = pg_bytes(rows, row, 4)};

        visitor.visit(visitor.context, (size_t)row, &event,
                      shared_check_seal(shared, &event, seal));
    }
}

enum status shared_last(struct shared *shared, const struct shared_place *place, size_t n_session,
                        struct shared_visitor visitor)
{
    PGresult *rows = NULL;
    enum status st;

    shared_set(shared, 0, place->tenant);
    shared_set(shared, 1, place->session);
    shared_set_int8(shared, 2, n_session);
    st = shared_run(shared, LAST, &rows);
    if (st == OK) visit_rows(shared, rows, visitor);
    PQclear(rows);
    return st;
}

enum status shared_rows(struct shared *shared, const struct shared_place *place, size_t n_event,
                        struct shared_visitor visitor)
{
    PGresult *rows = NULL;
    enum status st;

    shared_set(shared, 0, place->tenant);
    shared_set(shared, 1, place->session);
    shared_set_int4(shared, 2, place->n);
    shared_set_int8(shared, 3, n_event);
    st = shared_run(shared, ROWS, &rows);
    if (st == OK) visit_rows(shared, rows, visitor);
    PQclear(rows);
    return st;
}

/* The sittings of some sessions by their first events. One that is damaged gets none. */
static enum status seat(struct shared *shared, const PGresult *firsts)
{
    size_t n = (size_t)PQntuples(firsts), n_good = 0;
    PGresult *rows = NULL;
    struct event_record record;
    enum status st;

    for (size_t i = 0; i < n; i++) {
        n_good += event_record_read(pg_bytes(firsts, (int)i, 2), &record) == OK;
    }
    shared_begin_arrays(shared, SEAT, 3, n_good);
    for (size_t i = 0; i < n; i++) {
        if (event_record_read(pg_bytes(firsts, (int)i, 2), &record)) continue;
        pg_element(&shared->param[0], pg_bytes(firsts, (int)i, 0));
        pg_element(&shared->param[1], record.identity.examinee);
        pg_element(&shared->param[2], pg_bytes(firsts, (int)i, 1));
    }
    st = pg_run(
        &shared->pg,
        &(struct pg_call){.number = SEAT,
                          .param = {buf_slice(&shared->param[0]), buf_slice(&shared->param[1]),
                                    buf_slice(&shared->param[2])}},
        &rows, &shared->fault);
    PQclear(rows);
    return st;
}

static enum status seat_next(struct shared *shared, PGresult **firsts, bool *out_more)
{
    struct pg_call call = {.number = FIRSTS};
    int n = *firsts ? PQntuples(*firsts) : 0;
    PGresult *rows = NULL;
    enum status st;

    shared_set_int8(shared, 0, SEATED_AT_ONCE);
    call.param[0] = n > 0 ? pg_bytes(*firsts, n - 1, 0) : slice_str("");
    call.param[1] = n > 0 ? pg_bytes(*firsts, n - 1, 1) : slice_str("");
    call.param[2] = buf_slice(&shared->param[0]);
    st = pg_run(&shared->pg, &call, &rows, &shared->fault);
    PQclear(*firsts);
    *firsts = rows;
    if (st == OK) st = seat(shared, rows);
    *out_more = st == OK && PQntuples(rows) == SEATED_AT_ONCE;
    return st;
}

enum status shared_seat_all(struct shared *shared, struct fault *fault)
{
    PGresult *firsts = NULL;
    enum status st = OK;
    bool more = true;

    while (st == OK && more) st = seat_next(shared, &firsts, &more);
    if (st) *fault = shared->fault;
    PQclear(firsts);
    return st;
}
