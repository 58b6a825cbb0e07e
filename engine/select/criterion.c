/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select/criterion.h"
#include "base/rng.h"

const struct criterion *const criteria[] = {
    &criterion_mfi,    &criterion_mit,         &criterion_bopt,         &criterion_thopt,
    &criterion_mlwi,   &criterion_mpwi,        &criterion_mei_observed, &criterion_mei_fisher,
    &criterion_mepv,   &criterion_kl,          &criterion_klp,          &criterion_gdi,
    &criterion_gdip,   &criterion_progressive, &criterion_proportional, &criterion_random,
    &criterion_fixed,  &criterion_Drule,       &criterion_DPrule,       &criterion_Trule,
    &criterion_TPrule, &criterion_Arule,       &criterion_APrule,       &criterion_Erule,
    &criterion_EPrule, &criterion_Wrule,       &criterion_WPrule,       NULL,
};

const char *const pace_names[PACE_N] = {"length", "se"};

const struct criterion *criterion_find(struct slice name)
{
    for (size_t i = 0; criteria[i]; i++) {
        if (slice_equal_str(name, criteria[i]->name)) return criteria[i];
    }
    return NULL;
}

_Static_assert(LIMIT_ITEMS < 1 << 24, "an item number fits below the question's in the counter");

double criterion_uniform(const struct criterion_input *input, uint32_t item)
{
    return rng_uniform(input->seed, (input->draw + 1) << 24 | item);
}
