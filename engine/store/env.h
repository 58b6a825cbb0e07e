/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The LMDB environment: sealed records in named tables, read one by one, written in batches that
 * are durable as a whole or not at all. */
#ifndef STORE_ENV_H
#define STORE_ENV_H

#include "base/fault.h"
#include "base/slice.h"

struct env;

/* Tables. Numbers go into the seals: never change one. */
enum table {
    TABLE_META = 0,
    TABLE_JOURNAL = 1,
    TABLE_ARCHIVE = 2,
    TABLE_BANK = 3,
    TABLE_ITEM = 4,
    TABLE_TEST = 5,
    TABLE_RETIRED = 6,
    TABLE_AUDIT = 7,
    TABLE_ERASED = 8,
    TABLE_EXPOSURE = 9,
    TABLE_USED = 10,
    TABLE_SEEN = 11,
    TABLE_N,
};

/* The version of everything on disk. An older one is migrated on start, a newer one is refused. */
enum { STORE_FORMAT = 2 };

/* Seal of a record: keyed BLAKE2b of table, key and value. LMDB has no checksums, and more than
 * half of single-bit flips in its file are served silently as wrong data; with the seal they are
 * found. */
enum { SEAL_BYTES = 16 };

/* Open or create the environment in the directory `path`, which must exist. One process at a time.
 * BUSY, CORRUPT, IO_ERROR, NO_MEMORY or MAP_FULL, with a text in `fault`. */
MUST_CHECK enum status env_open(const char *path, size_t map_bytes, struct env **out_env,
                                struct fault *fault);
/* Open a store that is there and that nobody has open, to read only. CORRUPT where its format is
 * not the present one: the daemon migrates it. */
MUST_CHECK enum status env_open_read(const char *path, struct env **out_env, struct fault *fault);
void env_close(struct env *env);  // NULL is fine

/* The first event of the journal that names the seal of the event before it; those of format 1 do
 * not. */
uint64_t env_linked(const struct env *env);

/* Copy a value into `out` (cleared first). NOT_FOUND; CORRUPT where the seal does not hold. Any
 * thread. */
MUST_CHECK enum status env_get(struct env *env, enum table table, struct slice key,
                               struct buf *out);

/* The same with its seal in front: | seal | value |. */
MUST_CHECK enum status env_get_sealed(struct env *env, enum table table, struct slice key,
                                      struct buf *out);

/* The same past a seal that does not hold: | seal | value |, for what is to be told of a damaged
 * record. Nothing in it may be relied on. */
MUST_CHECK enum status env_get_damaged(struct env *env, enum table table, struct slice key,
                                       struct buf *out);

/* Visit records in key order from `from` on, until `visit` returns another status than OK, which is
 * then returned; NOT_FOUND from it means "enough" and becomes OK. Slices live during the call, and
 * the SEAL_BYTES in front of `value` are its seal. Any thread, but no write meanwhile from the same
 * one. */
struct visitor {
    enum status (*visit)(void *context, struct slice key, struct slice value);
    void *context;
};
MUST_CHECK enum status env_each(struct env *env, enum table table, struct slice from,
                                struct visitor visitor);

/* The same, but records whose seal does not hold go to `damaged`, which answers as `visit` does.
 * CORRUPT then means that the pages of the table are damaged. */
MUST_CHECK enum status env_each_any(struct env *env, enum table table, struct slice from,
                                    struct visitor visitor,
                                    enum status (*damaged)(void *context, struct slice key));

/* The last key of a table. NOT_FOUND where it is empty. */
MUST_CHECK enum status env_last_key(struct env *env, enum table table, struct buf *out);

/* Writes to come, in order. Start from {0}. An allocation that fails sticks to `bytes`. */
struct batch {
    struct buf bytes;
    size_t n;
};

/* Add a write of `value` under `key`. The seal goes to out_seal [SEAL_BYTES] where that is not
 * NULL. */
void batch_put(const struct env *env, struct batch *batch, enum table table, struct slice key,
               struct slice value, uint8_t *out_seal);
/* Add the removal of `key`; a key that is not there is fine. */
void batch_remove(struct batch *batch, enum table table, struct slice key);
void batch_clear(struct batch *batch);
void batch_done(struct batch *batch);

/* Make the batch durable; on OK it has been cleared, on an error `fault` has a text. MAP_FULL:
 * nothing was written, env_grow and try again. After any other error what is on disk is unknown:
 * acknowledge nothing and end. */
MUST_CHECK enum status env_commit(struct env *env, struct batch *batch, struct fault *fault);

/* Write a consistent copy of the store to the open file `fd`, as of now and without freed pages;
 * what is written meanwhile is not in it. Any thread; a map that must grow waits for it.
 * IO_ERROR with a text in `fault`. */
MUST_CHECK enum status env_copy(struct env *env, int fd, struct fault *fault);
/* The same of the store in a folder that a daemon may have open in another process. */
MUST_CHECK enum status env_copy_folder(const char *path, int fd, struct fault *fault);

/* Double the map. Pre: no other thread is reading. */
MUST_CHECK enum status env_grow(struct env *env);

/* The seal that `value` would have. */
void env_seal(const struct env *env, enum table table, struct slice key, struct slice value,
              uint8_t out_seal[SEAL_BYTES]);

/* Bytes that are free on the store's disk. False where nobody can say. */
bool env_disk_free(const struct env *env, uint64_t *out_bytes);

/* Whether the store's file has been removed: what is written goes to the file that is open, and is
 * gone when that is closed. */
bool env_is_removed(const struct env *env);

/* Bytes of the map in use and in all. */
void env_usage(struct env *env, size_t *out_used, size_t *out_map);

#endif
