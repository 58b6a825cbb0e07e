/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one pick, one step and one examinee cost, in processor time of this thread: a busy neighbour
 * hardly changes that. */
#ifndef BENCH_MICRO_MEASURE_H
#define BENCH_MICRO_MEASURE_H

#include "session/session.h"

/* Something to time: call number i. */
struct work {
    void (*call)(void *context, size_t i);
    void *context;
};

/* The median over the rounds of the mean of one call, in ns. */
double measure_work(struct work work, int n_round);

/* Medians in ns. */
struct pick_cost {
    double fast, slow;  // as the session picks, and by the values of all items
};

/* The pick by `criterion` after ten answers, over `n_round` rounds. */
struct pick_cost measure_pick(const struct plan *plan, int n_round);

/* One answer: update, stop rules, pick. */
double measure_step(const struct plan *plan, int n_round);

/* `n_examinee` taking the test through session_step in `n_thread` threads: the processor time of
 * one in ns, and the wall-clock time of all in s. */
struct simulation_cost {
    double cpu_ns, wall_s;
};

struct simulation_cost measure_simulation(const struct plan *plan, size_t n_examinee,
                                          unsigned n_thread);

/* Compiling a bank of that many items of a model, in ms. */
double measure_compile(const struct model *model, size_t n_item);

#endif
