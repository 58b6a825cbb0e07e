/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/limits.h"
#include "bench/load/processes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { RECORD_BYTES = 200, FILE_BYTES = 1 << 20 };

static const size_t map_bytes = (size_t)1 << 32;

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(EX_SOFTWARE);
}

static void open_lmdb(struct limits *limits, const char *path)
{
    MDB_txn *txn;
    int code = mdb_env_create(&limits->mdb);

    if (!code) code = mdb_env_set_mapsize(limits->mdb, map_bytes);
    if (!code) code = mdb_env_open(limits->mdb, path, 0, 0600);
    if (!code) code = mdb_txn_begin(limits->mdb, NULL, 0, &txn);
    if (!code) code = mdb_dbi_open(txn, NULL, 0, &limits->dbi);
    if (!code) code = mdb_txn_commit(txn);
    if (code) fail("LMDB", mdb_strerror(code));
}

static void open_file(struct limits *limits, const char *path)
{
    static const uint8_t page[4096];

    limits->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (int i = 0; limits->fd >= 0 && i < FILE_BYTES / (int)sizeof(page); i++) {
        if (write(limits->fd, page, sizeof(page)) != sizeof(page)) fail(path, strerror(errno));
    }
    if (limits->fd < 0 || fsync(limits->fd) != 0) fail(path, strerror(errno));
}

void limits_open(struct limits *limits, const char *folder)
{
    char path[PATH_BYTES];

    *limits = (struct limits){0};
    snprintf(path, sizeof(path), "%s/commit", folder);
    make_folder(path);
    open_lmdb(limits, path);
    snprintf(path, sizeof(path), "%s/overwrite", folder);
    open_file(limits, path);
}

void limits_close(struct limits *limits)
{
    mdb_env_close(limits->mdb);
    close(limits->fd);
}

void limits_commit(struct limits *limits, size_t n)
{
    uint8_t record[RECORD_BYTES] = {0}, number[8];
    MDB_val key = {sizeof(number), number}, value = {sizeof(record), record};
    MDB_txn *txn;
    int code = mdb_txn_begin(limits->mdb, NULL, 0, &txn);

    for (size_t r = 0; !code && r < n; r++) {
        limits->n_commit++;
        for (int i = 0; i < 8; i++) number[i] = (uint8_t)(limits->n_commit >> (56 - 8 * i));
        code = mdb_put(txn, limits->dbi, &key, &value, MDB_APPEND);
    }
    if (!code) code = mdb_txn_commit(txn);
    if (code) fail("LMDB", mdb_strerror(code));
}

void limits_overwrite(struct limits *limits, size_t n)
{
    static const uint8_t records[LIMITS_RECORDS * RECORD_BYTES];
    size_t n_byte = n * RECORD_BYTES;

    assert(n <= LIMITS_RECORDS);
    if (limits->end + n_byte > FILE_BYTES) limits->end = 0;
    if (pwrite(limits->fd, records, n_byte, (off_t)limits->end) != (ssize_t)n_byte ||
        fdatasync(limits->fd) != 0) {
        fail("overwrite", strerror(errno));
    }
    limits->end += n_byte;
}
