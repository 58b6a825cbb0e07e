/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Content balancing by target proportions (Kingsbury and Zara 1989). */
#ifndef CONTENT_PROPORTIONS_H
#define CONTENT_PROPORTIONS_H

#include "irt/bank.h"

/* The items of a bank by content group, and the groups' targets. Immutable. */
struct proportions;

/* A target: the share of the test's items whose tag has `value`. */
struct target {
    char value[LIMIT_ID + 1];
    double proportion;
};

/* Groups of `bank` by the value of tag `tag`. NULL without memory. Pre: n_target is 1 to
 * LIMIT_GROUPS. */
struct proportions *proportions_new(const struct bank *bank, struct slice tag,
                                    const struct target *targets, size_t n_target);
void proportions_free(struct proportions *proportions);

size_t proportions_n_group(const struct proportions *proportions);

/* The groups. */
const struct partition *proportions_groups(const struct proportions *proportions);

/* The group of an item, or proportions_n_group() where it has none. */
size_t proportions_group_of(const struct proportions *proportions, size_t item);

/* The items of a group, ascending. */
const uint32_t *proportions_items(const struct proportions *proportions, size_t group,
                                  size_t *out_n);

/* The group of the next item, given count[g] items asked of each and `n_asked` in all (at least 1):
 * the first with none, else the one furthest below its target, the first on ties. Groups whose bit
 * in `closed` is set are passed over. proportions_n_group() where all are closed. */
size_t proportions_next(const struct proportions *proportions, const unsigned *count,
                        unsigned n_asked, uint64_t closed);

#endif
