/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pick: the best items of those that may be asked, and the draw among them. */
#ifndef SELECT_PICK_H
#define SELECT_PICK_H

#include "select/criterion.h"

struct ranked {
    uint32_t item;
    double value;
};

/* The best `n_best` candidates into out [n_best], best first. Of equal values the item that stands
 * first in the bank comes first; NaN comes last. `value` [candidates->n] is scratch. Returns how
 * many there are. */
size_t pick_best(const struct criterion *criterion, const struct criterion_input *input,
                 const struct candidates *candidates, double *value, struct ranked *out,
                 size_t n_best);

/* So many items that bounds cannot tell apart are worth comparing by themselves. */
enum { PICK_CLOSE = 256 };

struct pick_scratch {
    double *value;  // [candidates->n]
    double *bound;  // the same; NULL: bounds are not asked for
    uint32_t close[PICK_CLOSE];
    struct ranked best[LIMIT_RANDOMESQUE];
};

/* The same into scratch->best, without the values of all where a shortlist or bounds suffice:
 * scratch->value then holds something else. */
size_t pick_top(const struct criterion *criterion, const struct criterion_input *input,
                const struct candidates *candidates, struct pick_scratch *scratch, size_t n_best);

/* One of the n best (randomesque, Kingsbury and Zara 1989) by a uniform number u; n >= 1. */
const struct ranked *pick_draw(const struct ranked *best, size_t n, double u);

/* No item. */
#define PICK_NONE UINT32_MAX

/* How to pick. */
struct pick_rule {
    const struct criterion *criterion;
    size_t n_best;  // 1 to LIMIT_RANDOMESQUE
};

/* The next item by a uniform number u: one of the n_best best or, where the criterion's values are
 * probabilities, one by those. PICK_NONE where there is no candidate. */
uint32_t pick_next(const struct pick_rule *rule, const struct criterion_input *input,
                   const struct candidates *candidates, struct pick_scratch *scratch, double u);

#endif
