/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Centres: where on the scale each item belongs by a criterion that picks the one nearest theta
 * (bOpt, thOpt). It is a constant of the item, so that it is worked out once, and with the items in
 * its order the nearest ones are found without a scan. Immutable once made. */
#ifndef SELECT_CENTRES_H
#define SELECT_CENTRES_H

#include "estimate/estimator.h"

struct criterion;

struct centres {
    const struct criterion *criterion;
    size_t n_item;
    double *centre;   // [n_item], in theta
    uint32_t *order;  // [n_item] items by centre, then as they stand in the bank
};

/* *out is the caller's; NULL where the criterion has no centres. False without memory. */
MUST_CHECK bool centres_new(const struct bank *bank, const struct criterion *criterion,
                            struct centres **out);
void centres_free(struct centres *centres);  // NULL is fine

/* How many items of the order have a centre below theta. */
size_t centres_below(const struct centres *centres, double theta);

#endif
