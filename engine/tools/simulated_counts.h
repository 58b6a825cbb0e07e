/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a simulated examinee is kept from: what the daemon counts across the sessions of a test,
 * counted across the examinees, and what a simulation says itself. */
#ifndef TOOLS_SIMULATED_COUNTS_H
#define TOOLS_SIMULATED_COUNTS_H

#include "session/session.h"
#include "tools/simulate.h"

struct simulated_counts {
    const struct plan *plan;
    const double *admit;                     // of the simulation, may be NULL
    struct eligibility_counts *eligibility;  // place = item
    struct kept_out *kept;                   // [n_item], of the present examinee
    uint32_t n_kept;
    struct eligibility_pick *pick;  // [max_items], his questions
    size_t n_pick;
    uint32_t *uses;  // [n_item]
    uint32_t *used;  // [n_item], the items that are used up, in the order they were
    uint32_t n_used;
};

/* Whether sessions of the plan depend on the ones before them. */
bool simulated_counts_needed(const struct plan *plan);

/* Nothing counted yet. NO_MEMORY. */
MUST_CHECK enum status simulated_counts_init(struct simulated_counts *counts,
                                             const struct simulation *simulation);
void simulated_counts_done(struct simulated_counts *counts);

/* Put into an event that starts a session what it is not to be asked: by its seed. */
void simulated_counts_draw(struct simulated_counts *counts, struct event *event);

/* Count what the present examinee's last event brought about, and put into the next one what is
 * used up. */
void simulated_counts_take(struct simulated_counts *counts, struct news news, struct event *event);

#endif
