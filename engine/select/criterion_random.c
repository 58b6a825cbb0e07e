/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random: each item draws a uniform number of its own, and the largest wins. Fixed: the bank's
 * order. */
#include "select/criterion.h"

static void random_values(const struct criterion_input *input, const struct candidates *candidates,
                          double *out)
{
    for (size_t j = 0; j < candidates->n; j++) {
        out[j] = criterion_uniform(input, candidates_item(candidates, j));
    }
}

static void fixed_values(const struct criterion_input *input, const struct candidates *candidates,
                         double *out)
{
    (void)input;
    for (size_t j = 0; j < candidates->n; j++) out[j] = candidates_item(candidates, j);
}

const struct criterion criterion_random = {
    .name = "random", .dims = DIMS_ANY, .values = random_values};
const struct criterion criterion_fixed = {
    .name = "fixed", .dims = DIMS_ANY, .smallest = true, .values = fixed_values};
