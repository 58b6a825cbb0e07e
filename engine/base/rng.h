/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based random numbers: a pure function of (seed, draw), so nothing has to be kept. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* The `draw`-th 64 random bits of `seed`: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011), key =
 * seed, counter = (draw, 0), the first two output words. */
uint64_t rng_bits(uint64_t seed, uint64_t draw);

/* Uniform on [0, 1), 53 bits. */
double rng_uniform(uint64_t seed, uint64_t draw);

#endif
