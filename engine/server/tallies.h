/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live counts of exposure: how often the items of a test were asked in all of its sessions. One
 * tally for each (tenant, test, bank), whatever the versions; items are told apart by their ids.
 * The loop owns it. */
#ifndef SERVER_TALLIES_H
#define SERVER_TALLIES_H

#include "server/registry.h"
#include "session/session.h"
#include "store/exposure_store.h"

struct tallies;
struct tally_plan;  // a tally as sessions of one plan see it: by the items of its bank

/* What is in the store. CORRUPT, IO_ERROR, NO_MEMORY. */
MUST_CHECK enum status tallies_open(struct env *env, struct tallies **out);
void tallies_free(struct tallies *tallies);  // NULL is fine

/* From now on tallies are shared with other nodes. */
void tallies_share(struct tallies *tallies);

/* What is to be handed over of some of them in turn: | tenant | test | bank | version 8 | counts |,
 * slices having their length (4 bytes of this machine) in front, counts empty where there is
 * nothing new here. Returns how many. Pre: what was handed over before has been taken back. */
size_t tallies_hand_over(struct tallies *tallies, struct buf *out);
/* What became of it: | tenant | test | bank | is it there 1 | version 8 | counts |, the last those
 * of all nodes, empty where they are as they were. What is not named is not there. CORRUPT,
 * NO_MEMORY: of some of them. */
MUST_CHECK enum status tallies_take_back(struct tallies *tallies, struct slice rest);

/* The tally of a plan of that version of its test, made where there is none; NULL into *out where
 * its sessions have nothing to count. It lives as long as the tallies, and so must the plan.
 * NO_MEMORY. */
MUST_CHECK enum status tallies_plan(struct tallies *tallies, const struct tally_name *name,
                                    const struct plan *plan, uint32_t version,
                                    struct tally_plan **out);

/* Room for what an event may count, before it happens. NO_MEMORY. */
MUST_CHECK enum status tally_reserve(struct tally_plan *plan);

/* A session of the plan is about to start: from now on its rule counts. Items that are used up by
 * its limit already go to the list. NO_MEMORY. */
MUST_CHECK enum status tally_begin(struct tallies *tallies, struct tally_plan *plan,
                                   struct batch *batch);

/* The items that are used up now, in the order they were, into the event. The list lives until the
 * next tally_reserve or tally_begin. */
void tally_used(const struct tally_plan *plan, struct event *event);

/* Whether it is shared with other nodes: then what is used up is learned, and the order in which
 * that was is another at each node. */
bool tally_is_shared(const struct tally_plan *plan);
/* An item is used up by the plan's limit. Where there is no memory for that it is learned another
 * time. */
void tally_learn(struct tallies *tallies, struct tally_plan *plan, struct slice item,
                 struct batch *batch);

/* How many items a draw may keep out; and the draw. Returns how many it keeps out. */
size_t tally_n_place(const struct tally_plan *plan);
size_t tally_draw(const struct tally_plan *plan, uint64_t seed, struct kept_out *out);

/* What an event of a session brought about. */
struct tally_event {
    struct news news;
    const struct eligibility_pick *pick;  // [n_pick] questions of the session so far
    size_t n_pick;
    const struct kept_out *kept;  // [n_kept] from it
    uint32_t n_kept;
    uint64_t lsn;  // of the event
};

/* Count it: a use as soon as an item is asked, what is drawn by when the session has ended. An item
 * that is used up by it is written to the batch. Pre: tally_reserve. */
void tally_count(struct tallies *tallies, struct tally_plan *plan, const struct tally_event *event,
                 struct batch *batch);

/* The same for an event of the journal that was replayed: counted where the store does not have it
 * yet. NO_MEMORY. */
MUST_CHECK enum status tally_recount(const struct tallies *tallies, struct tally_plan *plan,
                                     const struct tally_event *event);

/* The journal has been replayed: from now on a replay counts nothing. */
void tallies_ready(struct tallies *tallies);

/* Write the tallies that are far behind the journal; the batch must hold every event before
 * `next_lsn` that is not on disk. */
void tallies_tidy(struct tallies *tallies, struct batch *batch, uint64_t next_lsn);

/* Write every tally that the store is behind of, on the same condition: events are about to be
 * taken out of the journal. */
void tallies_write(struct tallies *tallies, struct batch *batch, uint64_t next_lsn);

/* The first event that some tally on disk does not tell of: the journal must keep it. UINT64_MAX
 * where there is none. */
uint64_t tallies_first(const struct tallies *tallies);

#endif
