/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the store share: a store in a directory of its own, its records as LMDB has
 * them, and the faults of a document as one line. */
#ifndef STORE_TEST_H
#define STORE_TEST_H

#include "proto/reader.h"
#include "store/env.h"
#include "tests/support/expect.h"
#include "tests/support/scratch.h"
#include "tests/support/wire_json.h"

#include <criterion/criterion.h>

struct shelf {
    struct scratch scratch;
    struct env *env;
    struct batch batch;
};

/* A new store, with a map of `map_mib`. */
void shelf_open(struct shelf *shelf, size_t map_mib);
void shelf_close(struct shelf *shelf);
void shelf_reopen(struct shelf *shelf);
/* Write the batch. */
void shelf_commit(struct shelf *shelf);
void shelf_put(struct shelf *shelf, enum table table, struct slice key, const char *value);

/* A record past the seals, while the store is shut: `env` is closed and opened again. */
void shelf_raw_read(struct shelf *shelf, const char *table, struct slice key, struct buf *out);
void shelf_raw_write(struct shelf *shelf, const char *table, struct slice key, struct slice value);
/* The same, but the store stays shut. */
void shelf_shut(struct shelf *shelf);
void raw_write(const struct shelf *shelf, const char *table, struct slice key, struct slice value);
void raw_remove(const struct shelf *shelf, const char *table, struct slice key);

/* A document that was decoded, and what was found wrong with it. */
struct trial {
    struct buf bytes;
    struct decoder decoder;
    msgpack_object root;
    struct faults faults;
};

void trial_of_json(struct trial *trial, const char *text);
void trial_of_value(struct trial *trial, json_t *value);
void trial_of_bytes(struct trial *trial, struct slice bytes);
void trial_done(struct trial *trial);

/* Expect exactly these faults in this order: "item:field item:field ...", the item and its colon
 * only where the fault has one. "" is none. */
bool expect_faults(const struct faults *faults, const char *list, const char *where);
/* Whether some fault is of this field. */
bool has_fault(const struct faults *faults, const char *field);

#endif
