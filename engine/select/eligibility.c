/* SPDX-License-Identifier: GPL-3.0-or-later */
/* With A_i the event that item i is asked and E_i that it is eligible, A_i lies in E_i, and
 *
 *   P(A_i) = P(A_i | E_i) P(E_i) <= r    where    P(E_i) <= r / P(A_i | E_i) = r phi_i / alpha_i,
 *
 * alpha_i being the sessions in which i was asked and phi_i those in which it was eligible (van der
 * Linden and Veldkamp 2004, equations 8 and 13; 2007 the same given the interval of theta, in which
 * a session counts where it picks an item there). So the rule is min(1, r phi_i / alpha_i), and 1
 * as long as the item has not been asked. As P(A_i | E_i) is at most 1, it is never below r.
 *
 * Both counts fade: with each session they are multiplied by w < 1, so that what they say is of the
 * last 1 / (1 - w) sessions. Here the new session's weight is divided by w instead, which leaves
 * every ratio as it is and touches one number and not two for each item; before the weight becomes
 * too large everything is multiplied by a power of 2, which is exact.
 *
 * The ratio alpha / phi looks back on all the sessions that count. While a test is new it falls
 * behind: as soon as the best items are held back, others take their place, and their P(A_i | E_i)
 * rises faster than the ratio tells. An item whose rate alpha_i / n (n sessions) is above r is
 * therefore pressed down harder,
 *
 *   P(E_i) = phi_i / n (r n / alpha_i)^g,
 *
 * which for g = 1 is the published rule. Measured (150 2PL items, 15 asked, w = 0.999, r = 0.15),
 * the rate of the most frequent item after 1,000 and 3,000 sessions is 0.205 and 0.192 for g = 1,
 * 0.163 and 0.156 for 3, 0.160 and 0.154 for 5; the RMSE of theta goes from 0.386 to 0.394 and
 * 0.400.
 *
 * A session counts when it has ended. Counted as they go, sessions under way would be among those
 * in which an item was eligible before they had come to where it is asked, and the ratio would be
 * too large by as many as there are: of a class of 1,000 that start together 68 % were asked the
 * most frequent item for r = 0.25, in spite of k that hold it; counted at their end, 28 %.
 *
 * phi is kept as the sessions less those from which the item was kept, so that a session costs what
 * its list of kept items is long.
 *
 * Three more departures. An item's draw is one uniform number for the whole session, whatever the
 * interval, so that an item that is kept out below a cut does not slip in above it. With intervals
 * the probability is the smaller one of the interval's and of the whole test's: a session may visit
 * several intervals, and rates that hold in each of them would allow their sum over the session.
 * And where no eligible item is left, so that the others are let in, the published rule corrects
 * every item by the share of such sessions; here an item that was asked though it was kept out
 * counts as eligible in that session, and nothing else changes. */
#include "select/eligibility.h"
#include "base/rng.h"
#include "num/elementary.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The counter of an item's draw, away from those of the questions and of Sympson and Hetter. */
#define ELIGIBILITY_DRAW ((uint64_t)1 << 61)

/* How many sessions a probability that an item begins with is worth. */
#define PRIOR_SESSIONS 25.0

/* Weights above this are brought down by it. */
#define WEIGHT_MOST 0x1p+500

unsigned eligibility_interval(const struct eligibility_rule *rule, double theta)
{
    unsigned k = 0;

    while (k < rule->n_cut && rule->cut[k] <= theta) k++;
    return k;
}

size_t eligibility_slots(const struct eligibility_rule *rule)
{
    return rule->n_cut > 0 ? rule->n_cut + 2 : 1;
}

bool eligibility_same_cuts(const struct eligibility_rule *a, const struct eligibility_rule *b)
{
    return a->n_cut == b->n_cut && memcmp(a->cut, b->cut, a->n_cut * sizeof(*a->cut)) == 0;
}

/* The first `n_slot` slots of every place. */
static void copy_slots(struct eligibility_counts *counts, const struct eligibility_counts *from,
                       size_t n_slot)
{
    memcpy(counts->sessions, from->sessions, n_slot * sizeof(*from->sessions));
    memcpy(counts->weight, from->weight, n_slot * sizeof(*from->weight));
    counts->n_place = from->n_place;
    for (size_t i = 0; i < from->n_place; i++) {
        size_t to = i * counts->n_slot, at = i * from->n_slot;

        memcpy(counts->asked + to, from->asked + at, n_slot * sizeof(*from->asked));
        memcpy(counts->kept + to, from->kept + at, n_slot * sizeof(*from->kept));
    }
}

struct eligibility_counts *eligibility_counts_new(const struct eligibility_rule *rule, size_t cap,
                                                  const struct eligibility_counts *from)
{
    size_t n_slot = eligibility_slots(rule);
    struct eligibility_counts *counts = calloc(1, sizeof(*counts));

    if (!counts) return NULL;
    assert(!from || from->n_place <= cap);
    counts->rule = *rule;
    counts->n_slot = n_slot;
    counts->cap = cap;
    counts->asked = calloc(cap + 1, n_slot * sizeof(*counts->asked));
    counts->kept = calloc(cap + 1, n_slot * sizeof(*counts->kept));
    for (size_t s = 0; s < ELIGIBILITY_SLOTS; s++) counts->weight[s] = 1.0;
    if (!counts->asked || !counts->kept) {
        eligibility_counts_free(counts);
        return NULL;
    }
    if (from) copy_slots(counts, from, eligibility_same_cuts(rule, &from->rule) ? n_slot : 1);
    return counts;
}

void eligibility_counts_free(struct eligibility_counts *counts)
{
    if (!counts) return;
    free(counts->asked);
    free(counts->kept);
    free(counts);
}

/* As if k had held the item to the rate in the sessions so far, which are then at least
 * PRIOR_SESSIONS. */
static void begin_with(struct eligibility_counts *counts, size_t place, size_t slot, double k)
{
    size_t at = place * counts->n_slot + slot;
    double *sessions = &counts->sessions[slot];

    counts->asked[at] = counts->kept[at] = 0.0;
    if (k >= 1.0) return;
    *sessions = fmax(*sessions, PRIOR_SESSIONS * counts->weight[slot]);
    counts->kept[at] = (1.0 - k) * *sessions;
    counts->asked[at] = counts->rule.max_rate * *sessions;
}

void eligibility_begin(struct eligibility_counts *counts, size_t place, double k)
{
    for (size_t slot = 0; slot < counts->n_slot; slot++) begin_with(counts, place, slot, k);
}

void eligibility_add(struct eligibility_counts *counts, double k)
{
    assert(counts->n_place < counts->cap);
    eligibility_begin(counts, counts->n_place, k);
    counts->n_place++;
}

double eligibility_probability(const struct eligibility_counts *counts, size_t place, size_t slot)
{
    size_t at = place * counts->n_slot + slot;
    double asked = counts->asked[at], r = counts->rule.max_rate;
    double due = r * counts->sessions[slot];
    double p;

    if (!(asked > 0.0)) return 1.0;
    p = fmax(r, r * (counts->sessions[slot] - counts->kept[at]) / asked);
    if (asked > due) p *= num_exp((counts->rule.acceleration - 1.0) * num_log(due / asked));
    return fmin(1.0, p);
}

/* The intervals in which a place is kept from a session whose draw for it is u. */
static uint32_t kept_where(const struct eligibility_counts *counts, size_t place, double u)
{
    size_t n_interval = counts->rule.n_cut + 1;
    uint32_t all = ((uint32_t)1 << n_interval) - 1, where = 0;

    if (u >= eligibility_probability(counts, place, 0)) return all;
    for (size_t k = 0; k < n_interval && counts->n_slot > 1; k++) {
        if (u >= eligibility_probability(counts, place, k + 1)) where |= (uint32_t)1 << k;
    }
    return where;
}

size_t eligibility_draw(const struct eligibility_counts *counts, uint64_t seed,
                        const uint32_t *item_of, struct kept_out *out)
{
    size_t n = 0;

    for (size_t place = 0; place < counts->n_place; place++) {
        uint32_t item = item_of ? item_of[place] : (uint32_t)place;
        uint32_t where;

        if (item == ELIGIBILITY_NONE || !(counts->asked[place * counts->n_slot] > 0.0)) continue;
        where = kept_where(counts, place, rng_uniform(seed, ELIGIBILITY_DRAW | item));
        if (where) out[n++] = (struct kept_out){item, where};
    }
    return n;
}

static void scale(struct eligibility_counts *counts, size_t slot, double factor)
{
    counts->sessions[slot] *= factor;
    counts->weight[slot] *= factor;
    for (size_t i = 0; i < counts->n_place; i++) {
        counts->asked[i * counts->n_slot + slot] *= factor;
        counts->kept[i * counts->n_slot + slot] *= factor;
    }
}

/* Add what `from` has in a slot, so many times. */
static void add_slot(struct eligibility_counts *counts, const struct eligibility_counts *from,
                     const uint32_t *to, size_t slot, double times)
{
    counts->sessions[slot] += times * from->sessions[slot];
    for (size_t p = 0; p < from->n_place; p++) {
        size_t at = (to ? to[p] : p) * counts->n_slot + slot;

        counts->asked[at] += times * from->asked[p * from->n_slot + slot];
        counts->kept[at] += times * from->kept[p * from->n_slot + slot];
    }
}

static size_t common_slots(const struct eligibility_counts *a, const struct eligibility_counts *b)
{
    return eligibility_same_cuts(&a->rule, &b->rule) ? a->n_slot : 1;
}

void eligibility_take(struct eligibility_counts *counts, const struct eligibility_counts *from,
                      const uint32_t *to)
{
    size_t n_slot = common_slots(counts, from);

    for (size_t slot = 0; slot < n_slot; slot++) {
        scale(counts, slot, 0.0);
        add_slot(counts, from, to, slot, 1.0);
        counts->weight[slot] = from->weight[slot];
    }
}

void eligibility_follow(struct eligibility_counts *counts, const struct eligibility_counts *then,
                        const uint32_t *to)
{
    size_t n_slot = common_slots(counts, then);

    for (size_t slot = 0; slot < n_slot; slot++) {
        double weight = counts->weight[slot];

        add_slot(counts, then, to, slot, weight);
        counts->weight[slot] = weight * then->weight[slot];
        if (counts->weight[slot] > WEIGHT_MOST) scale(counts, slot, 1.0 / WEIGHT_MOST);
    }
}

static size_t place_of(const struct eligibility_session *session, uint32_t item)
{
    return session->place_of ? session->place_of[item] : item;
}

/* A session more in a slot, and what is kept from it in all of the intervals `where`. */
static void enter(struct eligibility_counts *counts, const struct eligibility_session *session,
                  size_t slot, uint32_t where)
{
    counts->weight[slot] /= counts->rule.fading;
    if (counts->weight[slot] > WEIGHT_MOST) scale(counts, slot, 1.0 / WEIGHT_MOST);
    counts->sessions[slot] += counts->weight[slot];
    for (size_t j = 0; j < session->n_kept; j++) {
        size_t place = place_of(session, session->kept[j].item);

        if (place == ELIGIBILITY_NONE || (session->kept[j].where & where) != where) continue;
        counts->kept[place * counts->n_slot + slot] += counts->weight[slot];
    }
}

static uint32_t where_kept(const struct eligibility_session *session, uint32_t item)
{
    for (size_t j = 0; j < session->n_kept; j++) {
        if (session->kept[j].item == item) return session->kept[j].where;
    }
    return 0;
}

static void ask(struct eligibility_counts *counts, const struct eligibility_session *session,
                uint32_t item, size_t slot, uint32_t where)
{
    size_t place = place_of(session, item), at = place * counts->n_slot + slot;

    if (place == ELIGIBILITY_NONE) return;
    counts->asked[at] += counts->weight[slot];
    if ((where_kept(session, item) & where) == where) counts->kept[at] -= counts->weight[slot];
}

void eligibility_count(struct eligibility_counts *counts, const struct eligibility_session *session)
{
    uint32_t all = ((uint32_t)1 << (counts->rule.n_cut + 1)) - 1, visited = 0;

    if (session->n_pick > 0) enter(counts, session, 0, all);
    for (size_t j = 0; j < session->n_pick; j++) {
        const struct eligibility_pick *pick = &session->pick[j];
        uint32_t here = (uint32_t)1 << pick->interval;
        size_t slot = pick->interval + 1;

        assert(pick->interval <= counts->rule.n_cut);
        ask(counts, session, pick->item, 0, all);
        if (counts->n_slot == 1) continue;
        if (!(visited & here)) enter(counts, session, slot, here);
        ask(counts, session, pick->item, slot, here);
        visited |= here;
    }
}
