/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_test.h"

#include <lmdb.h>
#include <stdio.h>
#include <string.h>

enum { LIST = 4096 };

static void open_env(struct shelf *shelf, size_t map_mib)
{
    struct fault fault = {0};

    cr_assert_eq(env_open(shelf->scratch.path, map_mib << 20, &shelf->env, &fault), OK, "%s",
                 fault.text);
}

void shelf_open(struct shelf *shelf, size_t map_mib)
{
    *shelf = (struct shelf){0};
    scratch_make(&shelf->scratch);
    open_env(shelf, map_mib);
}

void shelf_shut(struct shelf *shelf)
{
    env_close(shelf->env);
    shelf->env = NULL;
}

void shelf_close(struct shelf *shelf)
{
    shelf_shut(shelf);
    batch_done(&shelf->batch);
    scratch_remove(&shelf->scratch);
}

void shelf_reopen(struct shelf *shelf)
{
    shelf_shut(shelf);
    open_env(shelf, 64);
}

void shelf_commit(struct shelf *shelf)
{
    struct fault fault = {0};

    cr_assert_eq(env_commit(shelf->env, &shelf->batch, &fault), OK, "%s", fault.text);
    cr_assert_eq(shelf->batch.n, 0);
}

void shelf_put(struct shelf *shelf, enum table table, struct slice key, const char *value)
{
    batch_put(shelf->env, &shelf->batch, table, key, slice_str(value), NULL);
    shelf_commit(shelf);
}

/* An open LMDB transaction on one table. */
struct raw {
    MDB_env *mdb;
    MDB_txn *txn;
    MDB_dbi dbi;
};

static void raw_open(struct raw *raw, const struct shelf *shelf, const char *table)
{
    cr_assert_eq(mdb_env_create(&raw->mdb), 0);
    mdb_env_set_maxdbs(raw->mdb, TABLE_N);
    cr_assert_eq(mdb_env_open(raw->mdb, shelf->scratch.path, MDB_NOSYNC, 0600), 0);
    cr_assert_eq(mdb_txn_begin(raw->mdb, NULL, 0, &raw->txn), 0);
    cr_assert_eq(mdb_dbi_open(raw->txn, table, 0, &raw->dbi), 0);
}

static void raw_close(struct raw *raw)
{
    cr_assert_eq(mdb_txn_commit(raw->txn), 0);
    mdb_env_close(raw->mdb);
}

static MDB_val val_of(struct slice s)
{
    return (MDB_val){.mv_size = s.n, .mv_data = (void *)(uintptr_t)s.data};
}

void raw_write(const struct shelf *shelf, const char *table, struct slice key, struct slice value)
{
    struct raw raw;
    MDB_val k = val_of(key), v = val_of(value);

    raw_open(&raw, shelf, table);
    cr_assert_eq(mdb_put(raw.txn, raw.dbi, &k, &v, 0), 0);
    raw_close(&raw);
}

void raw_remove(const struct shelf *shelf, const char *table, struct slice key)
{
    struct raw raw;
    MDB_val k = val_of(key);

    raw_open(&raw, shelf, table);
    cr_assert_eq(mdb_del(raw.txn, raw.dbi, &k, NULL), 0);
    raw_close(&raw);
}

void shelf_raw_read(struct shelf *shelf, const char *table, struct slice key, struct buf *out)
{
    struct raw raw;
    MDB_val k = val_of(key), v;

    shelf_shut(shelf);
    raw_open(&raw, shelf, table);
    cr_assert_eq(mdb_get(raw.txn, raw.dbi, &k, &v), 0);
    buf_clear(out);
    buf_append(out, v.mv_data, v.mv_size);
    raw_close(&raw);
    open_env(shelf, 64);
}

void shelf_raw_write(struct shelf *shelf, const char *table, struct slice key, struct slice value)
{
    shelf_shut(shelf);
    raw_write(shelf, table, key, value);
    open_env(shelf, 64);
}

void trial_of_bytes(struct trial *trial, struct slice bytes)
{
    struct fault fault = {0};

    *trial = (struct trial){0};
    buf_append(&trial->bytes, bytes.data, bytes.n);
    cr_assert_eq(decoder_init(&trial->decoder), OK);
    cr_assert_eq(decode(&trial->decoder, buf_slice(&trial->bytes), &trial->root, &fault), OK, "%s",
                 fault.text);
}

void trial_of_value(struct trial *trial, json_t *value)
{
    struct buf bytes = {0};

    wire_value(value, &bytes);
    trial_of_bytes(trial, buf_slice(&bytes));
    buf_done(&bytes);
}

void trial_of_json(struct trial *trial, const char *text)
{
    json_t *value = json_of(text);

    trial_of_value(trial, value);
    json_decref(value);
}

void trial_done(struct trial *trial)
{
    faults_done(&trial->faults);
    decoder_done(&trial->decoder);
    buf_done(&trial->bytes);
}

bool expect_faults(const struct faults *faults, const char *list, const char *where)
{
    char found[LIST] = "", texts[LIST] = "";

    for (size_t i = 0; i < faults->n; i++) {
        const struct fault *fault = &faults->list[i];
        size_t n = strlen(found), n_text = strlen(texts);

        snprintf(found + n, sizeof(found) - n, "%s%s%s%s", i > 0 ? " " : "", fault->item,
                 fault->item[0] ? ":" : "", fault->field);
        snprintf(texts + n_text, sizeof(texts) - n_text, "; %s", fault->text);
        if (!fault->text[0]) return expect_true(false, "%s: a fault without a text", where);
    }
    return expect_true(strcmp(found, list) == 0 && faults->n == faults->total,
                       "%s\n  has the faults \"%s\"%s\n  not \"%s\"", where, found, texts, list);
}

bool has_fault(const struct faults *faults, const char *field)
{
    for (size_t i = 0; i < faults->n; i++) {
        if (strcmp(faults->list[i].field, field) == 0) return true;
    }
    return false;
}
