/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generator against a second one, written from the paper (Salmon, Moraes, Dror, Shaw 2011,
 * section 3.3) and proved by the known answers that its authors publish (kat_vectors of Random123,
 * philox4x32 10). */
#include "base/rng.h"

#include "tests/support/dice.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

struct words {
    uint32_t w[4];
};

static void multiply(uint32_t a, uint32_t b, uint32_t *high, uint32_t *low)
{
    uint64_t product = (uint64_t)a * b;

    *high = (uint32_t)(product >> 32);
    *low = (uint32_t)(product & 0xffffffffu);
}

static struct words philox(struct words counter, uint32_t key0, uint32_t key1)
{
    for (uint32_t round = 0; round < 10; round++) {
        uint32_t k0 = key0 + round * 0x9E3779B9u;  // the golden ratio
        uint32_t k1 = key1 + round * 0xBB67AE85u;  // sqrt(3) - 1
        uint32_t high0, low0, high1, low1;

        multiply(0xD2511F53u, counter.w[0], &high0, &low0);
        multiply(0xCD9E8D57u, counter.w[2], &high1, &low1);
        counter =
            (struct words){{high1 ^ counter.w[1] ^ k0, low1, high0 ^ counter.w[3] ^ k1, low0}};
    }
    return counter;
}

Test(rng, the_second_generator_gives_the_known_answers)
{
    static const struct {
        struct words counter;
        uint32_t key[2];
        struct words want;
    } known[] = {
        {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
        {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
         {0xffffffff, 0xffffffff},
         {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
        {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
         {0xa4093822, 0x299f31d0},
         {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct words got = philox(known[i].counter, known[i].key[0], known[i].key[1]);

        cr_expect(memcmp(&got, &known[i].want, sizeof(got)) == 0, "answer %zu", i);
    }
}

Test(rng, gives_the_known_answer)
{
    cr_expect(rng_bits(0, 0) == 0xe169c58d6627e8d5u, "%" PRIx64, rng_bits(0, 0));
}

static void expect_philox(uint64_t seed, uint64_t draw)
{
    struct words counter = {{(uint32_t)draw, (uint32_t)(draw >> 32), 0, 0}};
    struct words want = philox(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
    uint64_t got = rng_bits(seed, draw);

    cr_assert(got == (want.w[0] | (uint64_t)want.w[1] << 32),
              "seed %" PRIu64 ", draw %" PRIu64 ": %" PRIx64, seed, draw, got);
}

Test(rng, is_philox_for_every_seed_and_draw)
{
    struct dice dice = dice_new("rng", 2385);

    for (int i = 0; i < 20000; i++) expect_philox(dice_bits(&dice), dice_bits(&dice));
    for (int bit = 0; bit < 64; bit++) {
        expect_philox((uint64_t)1 << bit, 0);
        expect_philox(0, (uint64_t)1 << bit);
        expect_philox(UINT64_MAX >> bit, UINT64_MAX << bit);
    }
}

Test(rng, uniform_is_the_upper_53_bits)
{
    struct dice dice = dice_new("rng", 77);
    double lowest = 1.0, highest = 0.0;

    for (int i = 0; i < 20000; i++) {
        uint64_t seed = dice_bits(&dice), draw = dice_bits(&dice);
        double u = rng_uniform(seed, draw);

        cr_assert(u >= 0.0 && u < 1.0);
        cr_assert(u * 0x1p53 == (double)(rng_bits(seed, draw) >> 11));
        lowest = u < lowest ? u : lowest;
        highest = u > highest ? u : highest;
    }
    cr_expect(lowest < 0.001 && highest > 0.999);  // either fails once in 5e8
}
