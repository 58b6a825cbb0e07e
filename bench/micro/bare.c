/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/micro/bare.h"
#include "base/bytes.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

enum {
    MAP_BYTES = 1 << 30,
    N_TABLE = 12,
    MOST_BYTES = 1024,
    BEHIND_NAMES = 0xff,
    FOLDER_BYTES = 512,
    FOLDER_MODE = 0700,
    FILE_MODE = 0600,
};

struct bare {
    MDB_env *mdb;
    MDB_dbi dbi;
    enum bare_kind kind;
    uint64_t n_record;
};

static void check(int code)
{
    if (code == 0) return;
    fprintf(stderr, "bench: LMDB: %s\n", mdb_strerror(code));
    exit(EX_SOFTWARE);
}

static void open_tables(struct bare *bare)
{
    MDB_txn *txn;
    MDB_dbi dbi;

    check(mdb_txn_begin(bare->mdb, NULL, 0, &txn));
    for (int t = 0; t < N_TABLE && bare->kind != BARE_UNNAMED; t++) {
        char name[24];

        snprintf(name, sizeof(name), "table%d", t);
        check(mdb_dbi_open(txn, name, MDB_CREATE, &dbi));
    }
    check(mdb_dbi_open(txn, bare->kind == BARE_NAMED ? "table1" : NULL, 0, &bare->dbi));
    check(mdb_txn_commit(txn));
}

struct bare *bare_open(const char *folder, enum bare_kind kind)
{
    static const char *const names[N_BARE] = {"unnamed", "named", "beside"};
    struct bare *bare = calloc(1, sizeof(*bare));
    char path[FOLDER_BYTES];

    check(bare ? 0 : ENOMEM);
    bare->kind = kind;
    snprintf(path, sizeof(path), "%s/%s", folder, names[kind]);
    check(mkdir(path, FOLDER_MODE) ? errno : 0);
    check(mdb_env_create(&bare->mdb));
    check(mdb_env_set_mapsize(bare->mdb, MAP_BYTES));
    check(mdb_env_set_maxdbs(bare->mdb, N_TABLE));
    check(mdb_env_open(bare->mdb, path, 0, FILE_MODE));
    open_tables(bare);
    return bare;
}

void bare_close(struct bare *bare)
{
    mdb_env_close(bare->mdb);
    free(bare);
}

void bare_commit(struct bare *bare, size_t n, size_t n_byte)
{
    static uint8_t record[MOST_BYTES];
    MDB_txn *txn;

    check(mdb_txn_begin(bare->mdb, NULL, 0, &txn));
    for (size_t i = 0; i < n; i++) {
        uint8_t number[9] = {BEHIND_NAMES};
        MDB_val key = {8, number + 1}, value = {n_byte, record};

        if (bare->kind == BARE_BESIDE) key = (MDB_val){sizeof(number), number};
        bytes_put_u64(number + 1, ++bare->n_record);
        check(mdb_put(txn, bare->dbi, &key, &value, MDB_APPEND));
    }
    check(mdb_txn_commit(txn));
}
