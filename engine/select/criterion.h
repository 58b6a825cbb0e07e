/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Selection criteria: how good each item would be as the next question. One row each. */
#ifndef SELECT_CRITERION_H
#define SELECT_CRITERION_H

#include "estimate/estimator.h"
#include "irt/item_table.h"
#include "irt/shortlist.h"
#include "select/centres.h"

/* Items that may not be asked, as bits. */
struct blocked {
    uint64_t *word;  // [(n_item + 63) / 64]
};

static inline void blocked_set(struct blocked blocked, size_t item)
{
    blocked.word[item / 64] |= (uint64_t)1 << item % 64;
}

static inline void blocked_clear(struct blocked blocked, size_t item)
{
    blocked.word[item / 64] &= ~((uint64_t)1 << item % 64);
}

static inline bool blocked_has(struct blocked blocked, size_t item)
{
    return blocked.word[item / 64] >> item % 64 & 1;
}

/* Who may be picked: items list[0 .. n-1], ascending, or items 0 .. n-1 where list is NULL, less
 * the blocked ones. */
struct candidates {
    const uint32_t *list;
    size_t n;
    struct blocked blocked;
    const struct shortlists *shortlists;  // of the same items, as their group `group`; NULL: none
    size_t group;
    /* Whether the session of this seed may be asked an item, of those that would be picked; NULL:
     * any. Not for criteria that compare: those must know before. */
    bool (*admits)(const struct bank *bank, uint32_t item, uint64_t seed);
};

static inline uint32_t candidates_item(const struct candidates *candidates, size_t j)
{
    return candidates->list ? candidates->list[j] : (uint32_t)j;
}

/* How far a test has come, for the criteria that change as it goes on (Barrada, Olea, Ponsoda and
 * Abad 2008, 2010): by the number of items out of `at`, or by the standard error against `at`. */
enum pace_by { PACE_LENGTH, PACE_SE, PACE_N };

extern const char *const pace_names[PACE_N];

struct pace {
    enum pace_by by;
    double acceleration;  // AP; 1 is even
    double at;            // items, or the standard error aimed at
    unsigned max_items;   // under PACE_SE
};

/* What a criterion may look at. */
struct criterion_input {
    const struct bank *bank;
    double theta, se;                  // of a bank of one dimension
    const double *thetas;              // [n_dim] of one of several
    const double *weights;             // [n_dim] of the dimensions, NULL: all 1
    const struct evidence *evidence;   // the answers so far
    const struct estimate_spec *spec;  // prior and grid of the weights, bounds of the look-ahead
    const struct estimator *ahead;     // by which MEI estimates after the answer to come
    struct pace pace;
    uint64_t seed;  // of the session
    uint64_t draw;  // number of the question: random criteria draw by (seed, draw, item)
    struct estimate_workspace *workspace;
    const struct item_table *table;  // of the bank on the spec's grid, or NULL
    const struct centres *centres;   // of the bank, or NULL
};

struct criterion {
    const char *name;
    enum dims dims;  // of the banks it is for
    bool smallest;   // the smallest value is the best; otherwise the largest
    bool drawn;      // the values are probabilities, and the pick is a draw
    bool compares;   // a value depends on who else may be picked
    bool is_info;    // the values are the information at theta, for which there are shortlists
    enum item_table_kind table;  // what it integrates over
    /* The values of the candidates into out [candidates->n]; those of blocked ones do not count. */
    void (*values)(const struct criterion_input *input, const struct candidates *candidates,
                   double *out);
    /* The values are the distances of theta from this, a constant of the item. NULL: they are
     * not. */
    double (*centre)(const struct item *item, struct estimate_workspace *workspace);
    /* low[j] <= values[j] <= high[j] for all candidates, at a fraction of the cost; false where
     * this input has no such bounds. NULL: none has. */
    bool (*bounds)(const struct criterion_input *input, const struct candidates *candidates,
                   double *low, double *high);
};

/* All criteria, NULL at the end. */
extern const struct criterion *const criteria[];
extern const struct criterion criterion_mfi, criterion_bopt, criterion_thopt, criterion_mlwi,
    criterion_mit, criterion_mpwi, criterion_mei_observed, criterion_mei_fisher, criterion_mepv,
    criterion_kl, criterion_klp, criterion_gdi, criterion_gdip, criterion_progressive,
    criterion_proportional, criterion_random, criterion_fixed, criterion_Drule, criterion_DPrule,
    criterion_Trule, criterion_TPrule, criterion_Arule, criterion_APrule, criterion_Erule,
    criterion_EPrule, criterion_Wrule, criterion_WPrule;

const struct criterion *criterion_find(struct slice name);

/* W: the weight of the information, 0 before the first answer. By length it is
 * sum k^AP over k <= n / the same over k <= at - 1; by standard error
 * max((1 / se^2) / (1 / at^2), n / (max_items - 1))^AP. */
double pace_weight(const struct pace *pace, size_t n_answer, double se);

/* A uniform number of an item's own, on [0, 1). */
double criterion_uniform(const struct criterion_input *input, uint32_t item);

#endif
