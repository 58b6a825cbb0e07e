/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random: each item draws a uniform number of its own, and the largest wins. */
#include "base/rng.h"
#include "select/criterion.h"

_Static_assert(LIMIT_ITEMS < 1 << 24, "an item number fits below the question's in the counter");

static void values(const struct criterion_input *input, const uint32_t *list, size_t n, double *out)
{
    for (size_t j = 0; j < n; j++) {
        uint64_t item = list ? list[j] : j;

        out[j] = rng_uniform(input->seed, (input->draw + 1) << 24 | item);
    }
}

const struct criterion criterion_random = {.name = "random", .values = values};
