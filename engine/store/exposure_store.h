/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What sessions have in common, on disk: how often the items of a test were asked, which of them
 * are used up, and what an examinee has seen.
 *
 *   table     key                                            value
 *   exposure  tenant 0 test 0 bank 0                         head of a tally: lsn, rule, sessions
 *   exposure  tenant 0 test 0 bank 0 item                    | uses 4 | asked 8, kept 8 per slot |
 *   used      tenant 0 test 0 bank 0 most (u32) number (u32) item id
 *   seen      tenant 0 bank 0 examinee 0 session             [time_ms, item id, ...]
 *
 * Integers in keys are big-endian, doubles are kept bit for bit. A tally tells of the events before
 * its log sequence number; those from there on are in the journal. */
#ifndef STORE_EXPOSURE_STORE_H
#define STORE_EXPOSURE_STORE_H

#include "proto/reader.h"
#include "select/eligibility.h"
#include "store/env.h"

/* Whose counts. */
struct tally_name {
    struct slice tenant, test, bank;
};

/* Write the head of a tally: all of `counts` but its places. */
void tally_put(const struct env *env, struct batch *batch, const struct tally_name *name,
               uint64_t lsn, const struct eligibility_counts *counts);
/* A place as it is stored. */
struct tally_item {
    struct slice id;
    uint32_t uses;
    struct slice values;  // of one that was read
};

/* Write one place: the item's id and uses, and what `counts` have of it. */
void tally_put_item(const struct env *env, struct batch *batch, const struct tally_name *name,
                    const struct tally_item *item, const struct eligibility_counts *counts,
                    size_t place);

/* What to do with each head, which has no places and is the callee's to copy, and then with each of
 * its items. The slices live during the call. */
struct tally_visitor {
    enum status (*head)(void *context, const struct tally_name *name, uint64_t lsn,
                        const struct eligibility_counts *counts);
    enum status (*item)(void *context, const struct tally_item *item);
    void *context;
};
MUST_CHECK enum status tally_each(struct env *env, struct tally_visitor visitor);

/* Put stored values into a place of `counts`. CORRUPT where they are of other slots. */
MUST_CHECK enum status tally_item_values(const struct tally_item *item,
                                         struct eligibility_counts *counts, size_t place);

/* An item that was asked `most` times: number `number` of the list of such items. */
void used_put(const struct env *env, struct batch *batch, const struct tally_name *name,
              uint32_t most, uint32_t number, struct slice item);
/* In key order, so that the numbers of a list ascend. */
MUST_CHECK enum status used_each(struct env *env,
                                 enum status (*visit)(void *context, const struct tally_name *name,
                                                      uint32_t most, struct slice item),
                                 void *context);

/* A session's items, as they are seen by its examinee. */
struct seen_key {
    struct slice tenant, bank, examinee, session;
};

/* `items` is an encoded array [time_ms, id, ...]. */
void seen_put(const struct env *env, struct batch *batch, const struct seen_key *key,
              struct slice items);
/* Remove it. */
void seen_remove(struct batch *batch, const struct seen_key *key);
/* Visit every item of every session of key->examinee that has a record, with the session's time. */
MUST_CHECK enum status seen_each(struct env *env, const struct seen_key *key,
                                 void (*visit)(void *context, int64_t time_ms, struct slice item),
                                 void *context);

#endif
