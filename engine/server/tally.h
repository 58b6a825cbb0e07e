/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the tallies: one tally, its places, its lists of what is used up, and the plans that see
 * it. For tallies.c and tally_share.c only. */
#ifndef SERVER_TALLY_H
#define SERVER_TALLY_H

#include "server/hash.h"
#include "server/tallies.h"

#include <utlist.h>

enum { TALLY_NAME = 3 * (LIMIT_ID + 1) };

/* An item by its id. */
struct place {
    char id[LIMIT_ID + 1];
    uint32_t at;    // in the counts
    uint32_t uses;  // sessions that were asked it
    double k;       // that it began with
    bool lost;
    UT_hash_handle hh;
};

/* Items that were asked `most` times, in the order they came to it. */
struct used {
    uint32_t most;
    uint32_t n, cap;
    uint32_t *at;  // [n] places
    bool *has;     // [n_has] by place, whether it is in the list: another node may tell all of it
    size_t n_has;
    bool settled;  // whether items that had come to it before it was asked for are in it
    struct used *next;
};

struct tally {
    char text[TALLY_NAME];  // tenant 0 test 0 bank 0
    size_t n_text;
    struct tally_name name;  // points into the text
    struct eligibility_counts *counts;
    uint32_t rule_version;  // of the test that their rule is of
    /* In a district, else NULL: what was counted here since it was last handed over to be shared,
     * with the places of `counts`; and what was handed over and is on its way, with the first of
     * them. Both are in `counts` too. */
    struct eligibility_counts *fresh, *sent;
    uint64_t shared_version;  // of what all have counted, as far as it is in `counts`
    unsigned round;           // in which it was last handed over
    struct place **place;     // [counts->n_place], by place; room for counts->cap
    struct place *places;     // by id
    struct used *used;
    struct tally_plan *plans;
    uint64_t lsn;    // the store tells of the events before it
    uint64_t first;  // that the store does not tell of, 0 where there is none
    bool lost;
    UT_hash_handle hh;
};

struct tally_plan {
    struct tally *tally;
    const struct plan *plan;
    uint32_t version;     // of its test
    bool is_shared;       // with other nodes
    uint32_t *place_of;   // [n_item]
    uint32_t *item_of;    // [counts->cap]
    struct used *used;    // of the plan's limit, NULL: it has none
    uint32_t *used_item;  // [used->cap] items of this bank, NO_ITEM where it lacks one
    struct tally_plan *next;
};

/* tenant 0 test 0 bank 0 into `out`. Returns how long it is. */
size_t tally_text(const struct tally_name *name, char out[TALLY_NAME]);

struct tally *tally_new(const struct tally_name *name);  // NULL without memory
void tally_free(struct tally *tally);

/* Room for another place, here and in every plan; for another item that is used up, of the places
 * for which there is room. NO_MEMORY. */
MUST_CHECK enum status tally_reserve_place(struct tally *tally);
MUST_CHECK enum status tally_reserve_used(struct tally *tally, struct used *used);

/* The place of an item, made where there is none; then it begins with k. NO_MEMORY. */
MUST_CHECK enum status tally_place(struct tally *tally, struct slice id, double k,
                                   struct place **out);

/* The list of items that were asked `most` times, made where there is none. NULL without memory. */
struct used *tally_used_list(struct tally *tally, uint32_t most);
/* Add to it. Pre: tally_reserve_used. */
void tally_add_used(struct tally *tally, struct used *used, uint32_t at);
bool tally_is_used(const struct used *used, uint32_t at);

/* Begin to keep apart what is counted here. NO_MEMORY. */
MUST_CHECK enum status tally_keep_fresh(struct tally *tally);

/* A plan's view of what has been counted, made where there is none. NULL without memory. */
struct tally_plan *tally_view(struct tally *tally, const struct plan *plan);

#endif
