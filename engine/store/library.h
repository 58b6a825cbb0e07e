/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands still: banks, tests and retirements on disk.
 *
 *   table    key                                              value
 *   bank     tenant 0 name 0 version (u32)                    {upload, n_items, D, created_ms}
 *   item     upload (u64) number (u32)                        the item map as it was uploaded
 *   test     tenant 0 name 0 version (u32)                    {created_ms, document}
 *   retired  tenant 0 bank 0 number (u32)                     item id
 *
 * Integers in keys are big-endian. The items of an upload are written as they come; only the bank
 * record makes them a bank, so a bank is there as a whole or not at all. */
#ifndef STORE_LIBRARY_H
#define STORE_LIBRARY_H

#include "irt/bank.h"
#include "proto/reader.h"
#include "store/env.h"

/* A name of a tenant's: the common part of the keys. */
struct library_name {
    struct slice tenant, name;
};

struct bank_header {
    struct library_name name;
    uint32_t version;
    uint64_t upload;
    uint32_t n_item;
    double D;
    int64_t created_ms;
};

struct test_header {
    struct library_name name;
    uint32_t version;
    int64_t created_ms;
    struct slice document;  // encoded
};

void library_put_item(const struct env *env, struct batch *batch, uint64_t upload, uint32_t number,
                      struct slice item);
void library_remove_items(struct batch *batch, uint64_t upload, uint32_t n_item);
void library_put_bank(const struct env *env, struct batch *batch, const struct bank_header *header);
void library_put_test(const struct env *env, struct batch *batch, const struct test_header *header);
void library_put_retired(const struct env *env, struct batch *batch,
                         const struct library_name *bank, uint32_t number, struct slice item);

/* Visit what is stored, in key order. The headers live during the call. */
MUST_CHECK enum status library_each_bank(struct env *env,
                                         enum status (*visit)(void *, const struct bank_header *),
                                         void *context);
MUST_CHECK enum status library_each_test(struct env *env,
                                         enum status (*visit)(void *, const struct test_header *),
                                         void *context);
MUST_CHECK enum status library_each_retired(
    struct env *env, enum status (*visit)(void *, const struct library_name *, struct slice item),
    void *context);

/* Visit the items of an upload, from number `first` on. `visit` answers NOT_FOUND for "enough". */
MUST_CHECK enum status library_each_item(struct env *env, uint64_t upload, uint32_t first,
                                         enum status (*visit)(void *, uint32_t number,
                                                              struct slice item),
                                         void *context);

/* Compile the items of an upload. INVALID_BANK with every fault by item and field. */
MUST_CHECK enum status library_load_bank(struct env *env, const struct bank_header *header,
                                         struct bank **out_bank, struct faults *faults);

/* The same of items that are at hand, each | length 4, big-endian | item |. CORRUPT where they are
 * not header->n_item. */
MUST_CHECK enum status library_compile(struct slice items, const struct bank_header *header,
                                       struct bank **out_bank, struct faults *faults);
/* Take the first one off. False where there is none. */
MUST_CHECK bool library_take_item(struct slice *items, struct slice *out_item);
/* Put one behind the others. */
void library_append_item(struct buf *items, struct slice item);

/* The number of the newest upload that has items in the store, 0 where there is none. */
MUST_CHECK enum status library_last_upload(struct env *env, uint64_t *out_upload);

#endif
