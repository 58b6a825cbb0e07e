/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SplitMix64 (Steele, Lea, Flood 2014), so that the tests of the engine's own generator do not lean
 * on it. */
#include "tests/support/dice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct dice dice_new(const char *name, uint64_t seed)
{
    const char *asked = getenv("THETA_SEED");
    struct dice dice = {.seed = asked ? strtoull(asked, NULL, 10) : seed};

    fprintf(stderr, "%s: seed %" PRIu64 "\n", name, dice.seed);
    return dice;
}

uint64_t dice_bits(struct dice *dice)
{
    uint64_t z = dice->seed + ++dice->n * 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t dice_below(struct dice *dice, size_t n)
{
    return (size_t)(dice_bits(dice) % n);
}

double dice_between(struct dice *dice, double lo, double hi)
{
    return lo + (hi - lo) * ((double)(dice_bits(dice) >> 11) * 0x1p-53);
}

bool dice_chance(struct dice *dice, double p)
{
    return dice_between(dice, 0.0, 1.0) < p;
}

double dice_of(struct dice *dice, const double *values, size_t n)
{
    return values[dice_below(dice, n)];
}
