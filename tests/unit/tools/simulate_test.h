/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bank, a test made ready for it, and a simulation: what the tests of simulation share. */
#ifndef SIMULATE_TEST_H
#define SIMULATE_TEST_H

#include "tests/support/banks.h"
#include "tools/examinees.h"
#include "tools/simulation_summary.h"

struct trial_run {
    struct bank *bank;
    struct plan *plan;
    struct examinees examinees;
    struct simulation simulation;
    struct simulation_result result;
    struct simulation_summary summary;
};

/* A bank of n 2PL items, slopes 0.8 to 2, difficulties evenly from -3 to 3. */
struct bank *bank_spread(size_t n);
/* The default test with tests of `length` items. */
struct test test_of_length(double length);

/* Simulate and summarize: run->bank and run->examinees are there, and design fields that are to
 * differ from seed 20260721, one thread, items kept. */
void run_prepare(struct trial_run *run, struct bank *bank, const struct test *test);
void run_go(struct trial_run *run);
void run_done(struct trial_run *run);

#endif
