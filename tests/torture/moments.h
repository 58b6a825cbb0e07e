/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be seen of answers from outside: how long they take, how large their replies are. */
#ifndef TORTURE_MOMENTS_H
#define TORTURE_MOMENTS_H

#include "base/limits.h"

#include <stddef.h>
#include <stdint.h>

/* Of the answers that were right, or of those that were wrong. Starts from {0}. */
struct moments {
    double n, sum, squares;
    uint32_t size_min[LIMIT_ANSWERS + 2], size_max[LIMIT_ANSWERS + 2];  // of the reply, by seq
};

/* An answer to question `seq`, at most LIMIT_ANSWERS + 1, and its reply of n_byte. */
void moments_add(struct moments *moments, uint32_t seq, double us, size_t n_byte);

/* Welch's t of the times (Welch 1947); 0 where there are too few. */
double moments_t(const struct moments *right, const struct moments *wrong);

/* How many numbers of a question have replies of other sizes to right than to wrong answers. */
int moments_n_apart(const struct moments *right, const struct moments *wrong);

#endif
