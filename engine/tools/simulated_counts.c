/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/simulated_counts.h"

#include <stdlib.h>

bool simulated_counts_needed(const struct plan *plan)
{
    return plan->test.exposure.rule->by_counts || plan->test.exposure.max_uses > 0;
}

enum status simulated_counts_init(struct simulated_counts *counts, const struct plan *plan)
{
    size_t n_item = bank_n_item(plan->bank);

    *counts = (struct simulated_counts){.plan = plan};
    if (!simulated_counts_needed(plan)) return OK;
    counts->eligibility = eligibility_counts_new(&plan->test.exposure.eligibility, n_item, NULL);
    if (!counts->eligibility) return NO_MEMORY;
    for (size_t i = 0; i < n_item; i++) {
        eligibility_add(counts->eligibility, bank_exposure(plan->bank, i));
    }
    counts->kept = calloc(n_item, sizeof(*counts->kept));
    counts->uses = calloc(n_item, sizeof(*counts->uses));
    counts->used = calloc(n_item, sizeof(*counts->used));
    return counts->kept && counts->uses && counts->used ? OK : NO_MEMORY;
}

void simulated_counts_done(struct simulated_counts *counts)
{
    eligibility_counts_free(counts->eligibility);
    free(counts->kept);
    free(counts->uses);
    free(counts->used);
}

void simulated_counts_draw(struct simulated_counts *counts, struct event *event)
{
    counts->n_kept = 0;
    if (counts->plan->test.exposure.rule->by_counts) {
        counts->n_kept =
            (uint32_t)eligibility_draw(counts->eligibility, event->seed, NULL, counts->kept);
    }
    event->kept = counts->kept;
    event->n_kept = counts->n_kept;
    event->used = counts->used;
    event->n_used = counts->n_used;
}

void simulated_counts_take(struct simulated_counts *counts, struct asked asked, struct event *event)
{
    const struct exposure_spec *exposure = &counts->plan->test.exposure;

    if (asked.item == NO_ITEM) return;
    if (exposure->rule->by_counts) {
        const struct eligibility_pick pick = {.item = asked.item,
                                              .interval = asked.interval,
                                              .starts = asked.starts,
                                              .enters = asked.enters,
                                              .kept = counts->kept,
                                              .n_kept = counts->n_kept};

        eligibility_count(counts->eligibility, &pick);
    }
    if (exposure->max_uses > 0 && ++counts->uses[asked.item] == exposure->max_uses) {
        counts->used[counts->n_used++] = asked.item;
    }
    event->n_used = counts->n_used;
}
