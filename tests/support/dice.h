/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers of the tests. The seed is printed, and is THETA_SEED of the environment where that
 * is set, so that a failure can be had again. */
#ifndef SUPPORT_DICE_H
#define SUPPORT_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t seed, n;
};

struct dice dice_new(const char *name, uint64_t seed);
uint64_t dice_bits(struct dice *dice);
size_t dice_below(struct dice *dice, size_t n);
double dice_between(struct dice *dice, double lo, double hi);
bool dice_chance(struct dice *dice, double p);
double dice_of(struct dice *dice, const double *values, size_t n);  // one of them

#endif
