/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Simulation: many examinees take one test through session_step, on all cores. What comes out is a
 * pure function of the design; the number of threads only changes how long it takes. Where a
 * session depends on the ones before it (eligibility, max_uses) the examinees take the test one
 * after the other, in one thread, each when the one before has finished. */
#ifndef TOOLS_SIMULATE_H
#define TOOLS_SIMULATE_H

#include "session/plan.h"

#include <stdint.h>

/* A response that is not in the matrix. */
#define SIMULATE_MISSING UINT8_MAX

enum { SIMULATE_THREADS = 256 };

/* What is to be simulated. The arrays are borrowed; n_dim is the bank's. */
struct simulation {
    const struct plan *plan;
    uint64_t seed;
    size_t n_examinee;
    const double *theta;  // [n_examinee][n_dim] true thetas; not read where there are responses
    /* Post-hoc: scores [n_examinee][n_item] that were given once. An item with SIMULATE_MISSING is
     * withdrawn from that examinee's test. NULL: responses are drawn from the items' models. */
    const uint8_t *responses;
    const uint32_t *retired;  // [n_retired] items that nobody is asked
    uint32_t n_retired;
    /* [n_item] probabilities of Sympson and Hetter, for a test without a rule; NULL: everything is
     * admitted. */
    const double *admit;
    unsigned n_thread;                               // 1 to SIMULATE_THREADS
    bool keep_items;                                 // whether the items of every examinee are kept
    void (*progress)(size_t n_done, void *context);  // called by the caller's thread; may be NULL
    void *context;
};

/* How one examinee's test came out in one dimension. */
struct simulated {
    double theta, se;  // NaN where there was no item to ask
    const char *stop;  // why the test ended; NULL where there was no item to ask
    uint32_t n_answer;
};

/* Start from {0}. */
struct simulation_result {
    struct simulated *examinee;  // [n_examinee][n_dim], each dimension with stop and n_answer
    uint64_t *item_count;        // [n_item], how many examinees were asked it
    uint32_t *items;             // [n_examinee][max_items], in the order asked; NULL if not kept
};

/* Run it. NO_MEMORY leaves *out untouched. */
MUST_CHECK enum status simulate(const struct simulation *simulation, struct simulation_result *out);
void simulation_result_done(struct simulation_result *result);

/* The seed of everything that is drawn for one examinee. */
uint64_t simulate_key(uint64_t seed, size_t examinee);

/* The seed of his session: a daemon that is given it asks the same items for the same answers. */
uint64_t simulate_session_seed(uint64_t seed, size_t examinee);

#endif
