/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/simulated_counts.h"

#include <stdlib.h>

bool simulated_counts_needed(const struct plan *plan)
{
    return plan->test.exposure.rule->by_counts || plan->test.exposure.max_uses > 0;
}

static enum status begin_counts(struct simulated_counts *counts)
{
    const struct plan *plan = counts->plan;
    size_t n_item = bank_n_item(plan->bank);

    counts->eligibility = eligibility_counts_new(&plan->test.exposure.eligibility, n_item, NULL);
    if (!counts->eligibility) return NO_MEMORY;
    for (size_t i = 0; i < n_item; i++) {
        eligibility_add(counts->eligibility, bank_exposure(plan->bank, i));
    }
    counts->pick = calloc(plan->max_items, sizeof(*counts->pick));
    counts->uses = calloc(n_item, sizeof(*counts->uses));
    counts->used = calloc(n_item, sizeof(*counts->used));
    return counts->pick && counts->uses && counts->used ? OK : NO_MEMORY;
}

enum status simulated_counts_init(struct simulated_counts *counts,
                                  const struct simulation *simulation)
{
    const struct plan *plan = simulation->plan;
    bool needed = simulated_counts_needed(plan);

    *counts = (struct simulated_counts){.plan = plan, .admit = simulation->admit};
    if (!needed && !counts->admit) return OK;
    counts->kept = calloc(bank_n_item(plan->bank), sizeof(*counts->kept));
    if (!counts->kept) return NO_MEMORY;
    return needed ? begin_counts(counts) : OK;
}

void simulated_counts_done(struct simulated_counts *counts)
{
    eligibility_counts_free(counts->eligibility);
    free(counts->kept);
    free(counts->pick);
    free(counts->uses);
    free(counts->used);
}

/* What the draw of Sympson and Hetter keeps out, wherever theta is. */
static void draw_admitted(struct simulated_counts *counts, uint64_t seed)
{
    for (uint32_t i = 0; i < bank_n_item(counts->plan->bank); i++) {
        if (exposure_admits(counts->admit[i], i, seed)) continue;
        counts->kept[counts->n_kept++] = (struct kept_out){i, 1};
    }
}

void simulated_counts_draw(struct simulated_counts *counts, struct event *event)
{
    counts->n_kept = 0;
    counts->n_pick = 0;
    if (counts->admit) {
        draw_admitted(counts, event->seed);
    } else if (counts->plan->test.exposure.rule->by_counts) {
        counts->n_kept =
            (uint32_t)eligibility_draw(counts->eligibility, event->seed, NULL, counts->kept);
    }
    event->kept = counts->kept;
    event->n_kept = counts->n_kept;
    event->used = counts->used;
    event->n_used = counts->n_used;
}

static void count_session(struct simulated_counts *counts)
{
    const struct eligibility_session session = {.pick = counts->pick,
                                                .n_pick = counts->n_pick,
                                                .kept = counts->kept,
                                                .n_kept = counts->n_kept};

    if (counts->plan->test.exposure.rule->by_counts) {
        eligibility_count(counts->eligibility, &session);
    }
}

void simulated_counts_take(struct simulated_counts *counts, struct news news, struct event *event)
{
    uint32_t max_uses = counts->plan->test.exposure.max_uses;

    if (!counts->pick) return;
    if (news.item != NO_ITEM) {
        counts->pick[counts->n_pick++] = (struct eligibility_pick){news.item, news.interval};
        if (max_uses > 0 && ++counts->uses[news.item] == max_uses) {
            counts->used[counts->n_used++] = news.item;
        }
    }
    if (news.ends) count_session(counts);
    event->n_used = counts->n_used;
}
