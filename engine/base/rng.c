/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

enum { PHILOX_ROUNDS = 10 };

uint64_t rng_bits(uint64_t seed, uint64_t draw)
{
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t x[4] = {(uint32_t)draw, (uint32_t)(draw >> 32), 0, 0};

    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t m0 = (uint64_t)0xD2511F53u * x[0];
        uint64_t m1 = (uint64_t)0xCD9E8D57u * x[2];

        x[0] = (uint32_t)(m1 >> 32) ^ x[1] ^ key[0];
        x[1] = (uint32_t)m1;
        x[2] = (uint32_t)(m0 >> 32) ^ x[3] ^ key[1];
        x[3] = (uint32_t)m0;
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return x[0] | (uint64_t)x[1] << 32;
}

double rng_uniform(uint64_t seed, uint64_t draw)
{
    return (double)(rng_bits(seed, draw) >> 11) * 0x1p-53;
}
