/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pick: the best items of those that may be asked, and the draw among them. */
#ifndef SELECT_PICK_H
#define SELECT_PICK_H

#include "select/criterion.h"

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
};

struct ranked {
    uint32_t item;
    double value;
};

/* The best `n_best` candidates into out [n_best], best first. Of equal values the item that stands
 * first in the bank comes first. `value` [candidates->n] is scratch. Returns how many there are. */
size_t pick_best(const struct criterion *criterion, const struct criterion_input *input,
                 const struct candidates *candidates, double *value, struct ranked *out,
                 size_t n_best);

/* One of the n best (randomesque, Kingsbury and Zara 1989) by the session's draw; n >= 1. */
const struct ranked *pick_draw(const struct ranked *best, size_t n, uint64_t seed, uint64_t draw);

#endif
