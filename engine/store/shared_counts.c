/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/shared_counts.h"
#include "base/bytes.h"
#include "store/shared_run.h"

static void put_int8(struct buf *out, uint64_t value)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, value);
    pg_element(out, slice_of(bytes, sizeof(bytes)));
}

enum status shared_counts_look(struct shared *shared, const struct shared_counts *list, size_t n,
                               void (*visit)(void *context, size_t i, uint64_t version,
                                             struct slice counts),
                               void *context)
{
    PGresult *rows = NULL;
    enum status st;

    shared_begin_arrays(shared, COUNTS_LOOK, 4, n);
    for (size_t i = 0; i < n; i++) {
        pg_element(&shared->param[0], list[i].tenant);
        pg_element(&shared->param[1], list[i].test);
        pg_element(&shared->param[2], list[i].bank);
        put_int8(&shared->param[3], list[i].version);
    }
    st = shared_run(shared, COUNTS_LOOK, &rows);
    for (int row = 0; st == OK && row < PQntuples(rows); row++) {
        size_t i = (size_t)pg_int(rows, row, 0) - 1;

        if (i < n) visit(context, i, (uint64_t)pg_int(rows, row, 1), pg_bytes(rows, row, 2));
    }
    PQclear(rows);
    return st;
}

enum status shared_counts_store(struct shared *shared, const struct shared_counts *counts,
                                bool *out_done)
{
    PGresult *rows = NULL;
    enum status st;

    shared_set(shared, 0, counts->tenant);
    shared_set(shared, 1, counts->test);
    shared_set(shared, 2, counts->bank);
    shared_set_int8(shared, 3, counts->version);
    shared_set(shared, 4, counts->counts);
    st = shared_run(shared, COUNTS_STORE, &rows);
    *out_done = st == OK && PQntuples(rows) == 1;
    PQclear(rows);
    return st;
}
