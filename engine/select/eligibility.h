/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Item eligibility (van der Linden and Veldkamp 2004; conditional on theta: 2007): before a session
 * begins it is drawn which items it may see, with probabilities that follow from how often the
 * items were asked in the sessions before it. Pure: the counts come in, and who keeps them is
 * somebody else's affair. */
#ifndef SELECT_ELIGIBILITY_H
#define SELECT_ELIGIBILITY_H

#include "irt/bank.h"

/* Counts are kept for the whole test and, where thetas are divided, for each interval. */
enum { ELIGIBILITY_INTERVALS = LIMIT_CUTS + 1, ELIGIBILITY_SLOTS = ELIGIBILITY_INTERVALS + 1 };

struct eligibility_rule {
    double max_rate;      // no item is to be asked in more than this share of the sessions
    double fading;        // what a count is multiplied by with each session that comes after it
    double acceleration;  // how hard a rate above max_rate is pressed down; 1: the published rule
    size_t n_cut;         // 0: whatever theta is
    double cut[LIMIT_CUTS];  // ascending; they divide the intervals, and belong to the upper one
};

/* How many slots there are: one for the whole test, and one for each interval where there are
 * several. */
size_t eligibility_slots(const struct eligibility_rule *rule);

/* The interval that theta lies in. */
unsigned eligibility_interval(const struct eligibility_rule *rule, double theta);

/* An item that a session is not asked: a bit for each interval of theta in which it is kept out. */
struct kept_out {
    uint32_t item;
    uint32_t where;
};

/* Kept out whatever theta is and whatever else is left: the examinee has seen it. */
#define KEPT_SEEN UINT32_MAX

/* No place for an item, or no item for a place. */
#define ELIGIBILITY_NONE UINT32_MAX

/* What was counted, by place. A place is an item's index where the counts are of one bank; who
 * counts the items of several versions gives each item a place of its own. */
struct eligibility_counts {
    struct eligibility_rule rule;
    size_t n_slot, n_place, cap;
    double sessions[ELIGIBILITY_SLOTS];  // that picked an item there; slot 0 is the whole test
    double weight[ELIGIBILITY_SLOTS];    // of the session that is counted now
    double *asked;                       // [n_place][n_slot] sessions that were asked the item
    double *kept;                        // [n_place][n_slot] sessions that it was kept from
};

/* Counts by a rule with room for `cap` places. They begin as a copy of `from` where that is not
 * NULL; where its intervals are others, those begin anew and only the whole test's counts are
 * taken. NULL without memory. Pre: cap is enough for the places of `from`. */
struct eligibility_counts *eligibility_counts_new(const struct eligibility_rule *rule, size_t cap,
                                                  const struct eligibility_counts *from);
void eligibility_counts_free(struct eligibility_counts *counts);  // NULL is fine

/* Whether two rules divide theta alike, so that their counts can be told together. */
bool eligibility_same_cuts(const struct eligibility_rule *a, const struct eligibility_rule *b);

/* One more place. `k` is the probability of Sympson and Hetter that its item has: where it is below
 * 1 the item's probability begins there, as if some sessions had shown that it must. Pre: there is
 * room. */
void eligibility_add(struct eligibility_counts *counts, double k);

/* The same for a place that is there: it begins anew. */
void eligibility_begin(struct eligibility_counts *counts, size_t place, double k);

/* Take over what `from` has counted, whose place p is to[p] here. The sessions of `then` come after
 * those of `counts`; `to` likewise, NULL: they are the same. Where the intervals differ only the
 * whole test's counts are taken. Pre: `then` began without sessions. */
void eligibility_take(struct eligibility_counts *counts, const struct eligibility_counts *from,
                      const uint32_t *to);
void eligibility_follow(struct eligibility_counts *counts, const struct eligibility_counts *then,
                        const uint32_t *to);

/* P(eligible) of a place in a slot. */
double eligibility_probability(const struct eligibility_counts *counts, size_t place, size_t slot);

/* Draw what a session of this seed is not to see into out [n_place], by place. `item_of` [n_place]
 * gives the item of a place, NULL: they are the same. Returns how many there are. */
size_t eligibility_draw(const struct eligibility_counts *counts, uint64_t seed,
                        const uint32_t *item_of, struct kept_out *out);

/* A question: its item, and the interval that theta lay in when it was picked. */
struct eligibility_pick {
    uint32_t item;
    unsigned interval;
};

/* A session that has ended. */
struct eligibility_session {
    const struct eligibility_pick *pick;  // [n_pick] its questions, in their order
    size_t n_pick;
    const struct kept_out *kept;  // [n_kept] from it
    size_t n_kept;
    const uint32_t *place_of;  // [n_item], NULL: they are the same
};

void eligibility_count(struct eligibility_counts *counts,
                       const struct eligibility_session *session);

#endif
