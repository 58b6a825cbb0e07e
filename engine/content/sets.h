/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets: items that share a passage or another stimulus and are asked one after the other. */
#ifndef CONTENT_SETS_H
#define CONTENT_SETS_H

#include "irt/bank.h"

/* The items of a bank by set. Immutable. */
struct sets;

/* NULL without memory. */
struct sets *sets_new(const struct bank *bank);
void sets_free(struct sets *sets);  // NULL is fine

size_t sets_n(const struct sets *sets);

/* The set of an item, sets_n() where it has none. */
size_t sets_of(const struct sets *sets, size_t item);

/* The items of a set, ascending. */
const uint32_t *sets_items(const struct sets *sets, size_t set, size_t *out_n);

/* The set that the next item should come from: that of the last of given[n], unless `max` items of
 * it have been asked already (0: no limit); sets_n() where there is none. */
size_t sets_next(const struct sets *sets, const uint32_t *given, unsigned n, unsigned max);

#endif
