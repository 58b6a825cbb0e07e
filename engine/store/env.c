/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LMDB with its default flags: a commit is on disk when mdb_txn_commit returns (33,490 simulated
 * power cuts lost nothing). MDB_NOTLS lets any thread read; each read has its own short
 * transaction.
 *
 * A record on disk:   | seal, 16 bytes | value |
 * In meta:            format | 1 byte |, key | 32 | its plain hash 16 |, linked | first lsn 8 |
 * A write in a batch: | op 1 | table 1 | key length 2 | value length 4 | key | sealed value | */
#include "store/env.h"
#include "base/planted.h"
#include "store/ahead.h"
#include "store/create.h"
#include "store/format.h"
#include "store/lock.h"
#include "store/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { KEY_BYTES = 32, MAX_READERS = 64, OPEN_MODE = 0640 };

static const char *const table_names[TABLE_N] = {
    [TABLE_META] = "meta",         [TABLE_JOURNAL] = "journal", [TABLE_ARCHIVE] = "archive",
    [TABLE_BANK] = "bank",         [TABLE_ITEM] = "item",       [TABLE_TEST] = "test",
    [TABLE_RETIRED] = "retired",   [TABLE_AUDIT] = "audit",     [TABLE_ERASED] = "erased",
    [TABLE_EXPOSURE] = "exposure", [TABLE_USED] = "used",       [TABLE_SEEN] = "seen",
};

struct env {
    int lock_fd;  // held as long as the process lives
    MDB_env *mdb;
    MDB_dbi dbi[TABLE_N];
    uint8_t key[KEY_BYTES];                           // of the seals; made with the store
    uint8_t keyed[sizeof(crypto_generichash_state)];  // a seal's state that has taken in the key
    uint64_t linked;
    struct ahead ahead;
    bool read_only;
};

enum op { OP_PUT, OP_REMOVE };

struct write_header {
    uint8_t op, table;
    uint16_t n_key;
    uint32_t n_value;
};

static enum status status_of(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return OK;
    case MDB_NOTFOUND:
        return NOT_FOUND;
    case MDB_MAP_FULL:
        return MAP_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return CORRUPT;
    case ENOMEM:
        return NO_MEMORY;
    default:
        return IO_ERROR;
    }
}

static MDB_val val_of(struct slice s)
{
    return (MDB_val){.mv_size = s.n, .mv_data = (void *)(uintptr_t)s.data};
}

static struct slice slice_of_val(MDB_val val)
{
    return slice_of(val.mv_data, val.mv_size);
}

void env_seal(const struct env *env, enum table table, struct slice key, struct slice value,
              uint8_t out_seal[SEAL_BYTES])
{
    uint8_t head[2] = {(uint8_t)table, (uint8_t)key.n};
    crypto_generichash_state state;

    memcpy(&state, env->keyed, sizeof(state));
    crypto_generichash_update(&state, head, sizeof(head));
    crypto_generichash_update(&state, key.data, key.n);
    crypto_generichash_update(&state, value.data, value.n);
    crypto_generichash_final(&state, out_seal, SEAL_BYTES);
}

/* The value of a sealed record. */
static enum status unseal(const struct env *env, enum table table, struct slice key,
                          struct slice sealed, struct slice *out_value)
{
    uint8_t seal[SEAL_BYTES];

    if (sealed.n < SEAL_BYTES) return CORRUPT;
    *out_value = slice_of(sealed.data + SEAL_BYTES, sealed.n - SEAL_BYTES);
    env_seal(env, table, key, *out_value, seal);
    if (planted("seals not checked")) return OK;
    return memcmp(seal, sealed.data, SEAL_BYTES) == 0 ? OK : CORRUPT;
}

static int open_tables(struct env *env)
{
    unsigned flags = env->read_only ? 0 : MDB_CREATE;
    MDB_txn *txn;
    int code = mdb_txn_begin(env->mdb, NULL, env->read_only ? MDB_RDONLY : 0, &txn);

    if (code) return code;
    for (int t = 0; t < TABLE_N; t++) {
        code = mdb_dbi_open(txn, table_names[t], flags, &env->dbi[t]);
        if (code) {
            mdb_txn_abort(txn);
            return code;
        }
    }
    return mdb_txn_commit(txn);
}

/* The key is the one record that cannot be sealed by itself; it is stored with its plain hash. */
static enum status load_key(struct env *env)
{
    const struct slice name = slice_str("key");
    uint8_t record[KEY_BYTES + SEAL_BYTES], hash[SEAL_BYTES];
    crypto_generichash_state state;
    MDB_val key = val_of(name), value;
    MDB_txn *txn;
    enum status st =
        status_of(mdb_txn_begin(env->mdb, NULL, env->read_only ? MDB_RDONLY : 0, &txn));

    if (st) return st;
    st = status_of(mdb_get(txn, env->dbi[TABLE_META], &key, &value));
    if (st == NOT_FOUND && !env->read_only) {
        randombytes_buf(record, KEY_BYTES);
        crypto_generichash(record + KEY_BYTES, SEAL_BYTES, record, KEY_BYTES, NULL, 0);
        value = val_of(slice_of(record, sizeof(record)));
        st = status_of(mdb_put(txn, env->dbi[TABLE_META], &key, &value, 0));
    } else if (st == OK) {
        if (value.mv_size != sizeof(record))
            st = CORRUPT;
        else
            memcpy(record, value.mv_data, sizeof(record));
    }
    if (st) {
        mdb_txn_abort(txn);
        return st == NOT_FOUND ? CORRUPT : st;
    }
    memcpy(env->key, record, KEY_BYTES);
    crypto_generichash_init(&state, env->key, sizeof(env->key), SEAL_BYTES);
    memcpy(env->keyed, &state, sizeof(state));
    sodium_memzero(&state, sizeof(state));
    crypto_generichash(hash, SEAL_BYTES, record, KEY_BYTES, NULL, 0);
    st = status_of(mdb_txn_commit(txn));
    if (st) return st;
    return memcmp(hash, record + KEY_BYTES, SEAL_BYTES) == 0 ? OK : CORRUPT;
}

/* Default flags: a commit is on disk when it returns. */
static unsigned open_flags(const struct env *env)
{
    unsigned flags = MDB_NOTLS | (env->read_only ? MDB_RDONLY : 0);

    if (planted("no sync")) flags |= MDB_NOSYNC;
    if (planted("no sync of the meta page")) flags |= MDB_NOMETASYNC;
    return flags;
}

/* Nobody else has the store open: what LMDB would stumble over is found before it starts. */
static enum status check_pages(const char *path, struct fault *fault)
{
    char file[PATH_MAX];

    snprintf(file, sizeof(file), "%s/data.mdb", path);
    return pages_check(file, fault);
}

static enum status env_setup(struct env *env, const char *path, size_t map_bytes,
                             struct fault *fault)
{
    enum status st;
    int code, dead, fd = -1;

    fault_set(fault, NULL, "data_dir", "libsodium or LMDB cannot be set up");
    if (sodium_init() < 0) return IO_ERROR;
    st = status_of(mdb_env_create(&env->mdb));
    if (st) return st;
    mdb_env_set_maxdbs(env->mdb, TABLE_N);
    mdb_env_set_maxreaders(env->mdb, MAX_READERS);
    mdb_env_set_mapsize(env->mdb, map_bytes);
    st = lock_folder(path, env->read_only, &env->lock_fd, fault);
    if (st == OK && !env->read_only) st = store_create(path, fault);
    if (st == OK) st = check_pages(path, fault);
    if (st) return st;
    code = mdb_env_open(env->mdb, path, open_flags(env), OPEN_MODE);
    if (code) {
        fault_set(fault, NULL, "data_dir", "cannot open the store in %s: %s", path,
                  mdb_strerror(code));
        return status_of(code);
    }
    code = mdb_env_get_fd(env->mdb, &fd);
    st = code ? status_of(code) : lock_file(path, fd, fault);
    if (st) return st;
    mdb_reader_check(env->mdb, &dead);
    code = open_tables(env);
    if (code == MDB_NOTFOUND) {
        fault_set(fault, NULL, "format",
                  "the store is of an older format: start its daemon on it once");
        return CORRUPT;
    }
    if (code) {
        fault_set(fault, NULL, "data_dir", "cannot open the tables: %s", mdb_strerror(code));
        return status_of(code);
    }
    st = load_key(env);
    if (st) {
        fault_set(fault, NULL, "data_dir", "the store's key record is damaged or cannot be read");
        return st;
    }
    return format_check(env, env->read_only, &env->linked, fault);
}

static enum status open_new(const char *path, size_t map_bytes, bool read_only,
                            struct env **out_env, struct fault *fault)
{
    struct env *env = calloc(1, sizeof(*env));
    enum status st;

    if (!env) {
        fault_set(fault, NULL, "data_dir", "no memory for the store");
        return NO_MEMORY;
    }
    env->lock_fd = -1;
    env->read_only = read_only;
    st = env_setup(env, path, map_bytes, fault);
    if (st) {
        env_close(env);
        return st;
    }
    *out_env = env;
    return OK;
}

enum status env_open(const char *path, size_t map_bytes, struct env **out_env, struct fault *fault)
{
    return open_new(path, map_bytes, false, out_env, fault);
}

enum status env_open_read(const char *path, struct env **out_env, struct fault *fault)
{
    char file[PATH_MAX];
    struct stat about;

    snprintf(file, sizeof(file), "%s/data.mdb", path);
    if (stat(file, &about)) {
        fault_set(fault, NULL, "data_dir", "there is no store: %s: %s", file, strerror(errno));
        return NOT_FOUND;
    }
    return open_new(path, 0, true, out_env, fault);  // a map as large as the file
}

uint64_t env_linked(const struct env *env)
{
    return env->linked;
}

void env_close(struct env *env)
{
    if (!env) return;
    if (env->mdb) mdb_env_close(env->mdb);
    if (env->lock_fd >= 0) close(env->lock_fd);
    sodium_memzero(env->key, sizeof(env->key));
    sodium_memzero(env->keyed, sizeof(env->keyed));
    free(env);
}

/* Of a record that is read: its value where the seal holds, both where it does, both anyhow. */
enum want { WANT_VALUE, WANT_SEALED, WANT_ANYHOW };

static enum status get(struct env *env, enum table table, struct slice key, enum want want,
                       struct buf *out)
{
    MDB_val k = val_of(key), v;
    MDB_txn *txn;
    struct slice value, sealed;
    enum status st = status_of(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn));

    buf_clear(out);
    if (st) return st;
    st = status_of(mdb_get(txn, env->dbi[table], &k, &v));
    sealed = st == OK ? slice_of_val(v) : slice_of(NULL, 0);
    if (st == OK && want != WANT_ANYHOW) st = unseal(env, table, key, sealed, &value);
    if (st == OK) {
        if (want != WANT_VALUE) value = sealed;
        buf_append(out, value.data, value.n);
        if (out->failed) st = NO_MEMORY;
    }
    mdb_txn_abort(txn);
    return st;
}

enum status env_get(struct env *env, enum table table, struct slice key, struct buf *out)
{
    return get(env, table, key, WANT_VALUE, out);
}

enum status env_get_sealed(struct env *env, enum table table, struct slice key, struct buf *out)
{
    return get(env, table, key, WANT_SEALED, out);
}

enum status env_get_damaged(struct env *env, enum table table, struct slice key, struct buf *out)
{
    return get(env, table, key, WANT_ANYHOW, out);
}

/* What is done with each record of a walk. */
struct walk {
    struct env *env;
    enum table table;
    struct visitor visitor;
    enum status (*damaged)(void *context, struct slice key);  // NULL: that ends it
};

static enum status walk_record(const struct walk *walk, MDB_val k, MDB_val v)
{
    struct slice key = slice_of_val(k), value;
    enum status st = unseal(walk->env, walk->table, key, slice_of_val(v), &value);

    if (st == OK) return walk->visitor.visit(walk->visitor.context, key, value);
    return walk->damaged ? walk->damaged(walk->visitor.context, key) : st;
}

/* Damaged pages can lead in a circle: keys that do not rise end the walk. */
static bool rises(MDB_val a, MDB_val b)
{
    return slice_compare(slice_of_val(a), slice_of_val(b)) < 0;
}

static enum status each_in(MDB_cursor *cursor, const struct walk *walk, struct slice from)
{
    MDB_val k = val_of(from), v, before = {0};
    int code = mdb_cursor_get(cursor, &k, &v, from.n > 0 ? MDB_SET_RANGE : MDB_FIRST);

    while (code == MDB_SUCCESS) {
        enum status st;

        if (before.mv_data && !rises(before, k)) return CORRUPT;
        st = walk_record(walk, k, v);
        if (st) return st == NOT_FOUND ? OK : st;
        before = k;
        code = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    return code == MDB_NOTFOUND ? OK : status_of(code);
}

/* A cursor in a read transaction of its own. */
static enum status cursor_open(struct env *env, enum table table, MDB_txn **out_txn,
                               MDB_cursor **out_cursor)
{
    enum status st = status_of(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, out_txn));

    if (st) return st;
    st = status_of(mdb_cursor_open(*out_txn, env->dbi[table], out_cursor));
    if (st) mdb_txn_abort(*out_txn);
    return st;
}

enum status env_each_any(struct env *env, enum table table, struct slice from,
                         struct visitor visitor,
                         enum status (*damaged)(void *context, struct slice key))
{
    struct walk walk = {env, table, visitor, damaged};
    MDB_txn *txn;
    MDB_cursor *cursor;
    enum status st = cursor_open(env, table, &txn, &cursor);

    if (st) return st;
    st = each_in(cursor, &walk, from);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return st;
}

enum status env_each(struct env *env, enum table table, struct slice from, struct visitor visitor)
{
    return env_each_any(env, table, from, visitor, NULL);
}

enum status env_last_key(struct env *env, enum table table, struct buf *out)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val k, v;
    enum status st = cursor_open(env, table, &txn, &cursor);

    buf_clear(out);
    if (st) return st;
    st = status_of(mdb_cursor_get(cursor, &k, &v, MDB_LAST));
    if (st == OK) {
        buf_append(out, k.mv_data, k.mv_size);
        if (out->failed) st = NO_MEMORY;
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return st;
}

static void batch_header(struct batch *batch, enum op op, enum table table, size_t n_key,
                         size_t n_value)
{
    struct write_header header = {.op = (uint8_t)op,
                                  .table = (uint8_t)table,
                                  .n_key = (uint16_t)n_key,
                                  .n_value = (uint32_t)n_value};

    buf_append(&batch->bytes, &header, sizeof(header));
    batch->n++;
}

void batch_put(const struct env *env, struct batch *batch, enum table table, struct slice key,
               struct slice value, uint8_t *out_seal)
{
    uint8_t seal[SEAL_BYTES];

    if (value.n > UINT32_MAX - SEAL_BYTES) batch->bytes.failed = true;
    env_seal(env, table, key, value, seal);
    batch_header(batch, OP_PUT, table, key.n, SEAL_BYTES + value.n);
    buf_append(&batch->bytes, key.data, key.n);
    buf_append(&batch->bytes, seal, SEAL_BYTES);
    buf_append(&batch->bytes, value.data, value.n);
    if (out_seal) memcpy(out_seal, seal, SEAL_BYTES);
}

void batch_remove(struct batch *batch, enum table table, struct slice key)
{
    batch_header(batch, OP_REMOVE, table, key.n, 0);
    buf_append(&batch->bytes, key.data, key.n);
}

void batch_clear(struct batch *batch)
{
    buf_clear(&batch->bytes);
    batch->n = 0;
}

void batch_done(struct batch *batch)
{
    buf_done(&batch->bytes);
    batch->n = 0;
}

static int write_all(const struct env *env, MDB_txn *txn, const struct batch *batch)
{
    const uint8_t *at = batch->bytes.data;

    for (size_t i = 0; i < batch->n; i++) {
        struct write_header header;
        MDB_val key, value;
        int code;

        memcpy(&header, at, sizeof(header));
        at += sizeof(header);
        key = val_of(slice_of(at, header.n_key));
        at += header.n_key;
        value = val_of(slice_of(at, header.n_value));
        at += header.n_value;
        if (header.op == OP_PUT) {
            unsigned flags = header.table == TABLE_JOURNAL ? MDB_APPEND : 0;

            code = mdb_put(txn, env->dbi[header.table], &key, &value, flags);
        } else {
            code = mdb_del(txn, env->dbi[header.table], &key, NULL);
            if (code == MDB_NOTFOUND) code = MDB_SUCCESS;
        }
        if (code) return code;
    }
    return MDB_SUCCESS;
}

static void keep_ahead(struct env *env)
{
    size_t used, map;
    int fd;

    if (mdb_env_get_fd(env->mdb, &fd) != MDB_SUCCESS) return;
    env_usage(env, &used, &map);
    ahead_keep(&env->ahead, fd, used);
}

enum status env_commit(struct env *env, struct batch *batch, struct fault *fault)
{
    MDB_txn *txn;
    int code;

    if (batch->bytes.failed) {
        fault_set(fault, NULL, NULL, "no memory for the writes of a commit");
        return NO_MEMORY;
    }
    if (batch->n == 0) return OK;
    keep_ahead(env);
    code = mdb_txn_begin(env->mdb, NULL, 0, &txn);
    if (code == MDB_SUCCESS) {
        code = write_all(env, txn, batch);
        if (code)
            mdb_txn_abort(txn);
        else
            code = mdb_txn_commit(txn);  // frees the transaction whatever it returns
    }
    if (code) {
        fault_set(fault, NULL, NULL, "commit of %zu writes failed: %s", batch->n,
                  mdb_strerror(code));
        return status_of(code);
    }
    batch_clear(batch);
    return OK;
}

static enum status copy_to(MDB_env *mdb, int fd, struct fault *fault)
{
    int code = mdb_env_copyfd2(mdb, fd, MDB_CP_COMPACT);

    if (code == MDB_SUCCESS) return OK;
    fault_set(fault, NULL, NULL, "the store cannot be copied: %s", mdb_strerror(code));
    return IO_ERROR;
}

enum status env_copy(struct env *env, int fd, struct fault *fault)
{
    return copy_to(env->mdb, fd, fault);
}

enum status env_copy_folder(const char *path, int fd, struct fault *fault)
{
    MDB_env *mdb = NULL;
    int code = mdb_env_create(&mdb);
    enum status st = IO_ERROR;

    if (code == MDB_SUCCESS) code = mdb_env_open(mdb, path, MDB_RDONLY | MDB_NOTLS, OPEN_MODE);
    if (code)
        fault_set(fault, NULL, NULL, "cannot open the store in %s: %s", path, mdb_strerror(code));
    else
        st = copy_to(mdb, fd, fault);
    if (mdb) mdb_env_close(mdb);
    return st;
}

enum status env_grow(struct env *env)
{
    size_t used, map;

    env_usage(env, &used, &map);
    return status_of(mdb_env_set_mapsize(env->mdb, map * 2));
}

bool env_disk_free(const struct env *env, uint64_t *out_bytes)
{
    const char *path;
    struct statvfs about;

    if (mdb_env_get_path(env->mdb, &path) || statvfs(path, &about) != 0) return false;
    *out_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    return true;
}

bool env_is_removed(const struct env *env)
{
    struct stat about;
    int fd;

    return mdb_env_get_fd(env->mdb, &fd) == MDB_SUCCESS && fstat(fd, &about) == 0 &&
           about.st_nlink == 0;
}

void env_usage(struct env *env, size_t *out_used, size_t *out_map)
{
    MDB_envinfo info;
    MDB_stat stat;

    mdb_env_info(env->mdb, &info);
    mdb_env_stat(env->mdb, &stat);
    *out_used = (info.me_last_pgno + 1) * stat.ms_psize;
    *out_map = info.me_mapsize;
}
