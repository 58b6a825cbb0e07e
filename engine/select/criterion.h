/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Selection criteria: how good each item would be as the next question. One row each. */
#ifndef SELECT_CRITERION_H
#define SELECT_CRITERION_H

#include "estimate/estimator.h"

/* What a criterion may look at. */
struct criterion_input {
    const struct bank *bank;
    double theta;
    uint64_t seed;  // of the session
    uint64_t draw;  // number of the question: random criteria draw by (seed, draw, item)
};

struct criterion {
    const char *name;
    bool smallest;  // the smallest value is the best; otherwise the largest
    /* The values of items list[0 .. n-1], or of items 0 .. n-1 where list is NULL, into out [n]. */
    void (*values)(const struct criterion_input *input, const uint32_t *list, size_t n,
                   double *out);
};

/* All criteria, NULL at the end. */
extern const struct criterion *const criteria[];
extern const struct criterion criterion_mfi, criterion_random;

const struct criterion *criterion_find(struct slice name);

#endif
