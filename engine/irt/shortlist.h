/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shortlists: for each narrow cell of theta the items that may have the most information there,
 * with a bound on all the others. The best of a whole bank is then found among a few items, and it
 * is known for certain whether it was. Immutable once made. */
#ifndef IRT_SHORTLIST_H
#define IRT_SHORTLIST_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bank;
struct partition;
struct shortlists;

/* Cells reach from -SHORTLIST_REACH to it; elsewhere there is no shortlist. */
#define SHORTLIST_REACH 5.0
#define SHORTLIST_WIDTH (2.0 * SHORTLIST_REACH / SHORTLIST_CELLS)

enum {
    SHORTLIST_CELLS = 200,
    SHORTLIST_FEW = 64,     // items that are as quickly looked at one by one
    SHORTLIST_LEAST = 128,  // items of a list, or all there are
    SHORTLIST_SHARE = 64,   // one of so many where that is more
    SHORTLIST_MOST = 1024,
};

struct shortlisted {
    uint32_t item;
    float bound;  // its information is at most that, anywhere in the cell
};

/* The shortlist of one cell. */
struct shortlist {
    const struct shortlisted *entry;  // [n], by bound, largest first
    size_t n;
    double rest;  // no item that is not in it has more; below 0 where there is none
};

/* Lists for each group of `partition`, or one for the whole bank where that is NULL. They take 8
 * bytes x SHORTLIST_CELLS for each item of a list. *out is NULL where there is no use for them: the
 * bank has few items, or a model's information has no known bound. False without memory. */
bool shortlists_new(const struct bank *bank, const struct partition *partition,
                    struct shortlists **out);
void shortlists_free(struct shortlists *lists);  // NULL is fine

/* The shortlist of a group at theta; false where there is none. `lists` may be NULL. */
bool shortlists_find(const struct shortlists *lists, size_t group, double theta,
                     struct shortlist *out);

#endif
