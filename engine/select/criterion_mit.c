/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maximum information per time unit (Fan, Wang, Chang and Douglas 2012): I_j(theta) over the
 * expected time of an answer. Their time comes from a lognormal model with a speed of the examinee,
 * which multiplies the time of every item alike and so changes no pick; ours is the item's
 * alone. */
#include "select/criterion.h"

static void values(const struct criterion_input *input, const struct candidates *candidates,
                   double *out)
{
    criterion_mfi.values(input, candidates, out);
    for (size_t j = 0; j < candidates->n; j++) {
        out[j] /= bank_seconds(input->bank, candidates_item(candidates, j));
    }
}

const struct criterion criterion_mit = {.name = "MIT", .values = values};
