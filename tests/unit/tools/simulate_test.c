/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/tools/simulate_test.h"

#include <criterion/criterion.h>

static void make_spread(size_t i, void *context, struct item_spec *spec)
{
    size_t n = *(const size_t *)context;

    spec->model = &model_2pl;
    spec->value[SLOT_A] = 0.8 + 1.2 * (double)(i * 7 % 13) / 12.0;
    spec->value[SLOT_B] = -3.0 + 6.0 * (double)i / (double)(n - 1);
}

struct bank *bank_spread(size_t n)
{
    return bank_make(n, make_spread, &n);
}

struct test test_of_length(double length)
{
    struct test test;

    test_init(&test);
    test.stop.node[1].arg[0] = length;
    return test;
}

void run_prepare(struct trial_run *run, struct bank *bank, const struct test *test)
{
    struct faults faults = {0};

    *run = (struct trial_run){.bank = bank};
    cr_assert_eq(plan_new(test, bank, &run->plan, &faults), OK);
    run->simulation =
        (struct simulation){.plan = run->plan, .seed = 20260721, .n_thread = 1, .keep_items = true};
}

void run_go(struct trial_run *run)
{
    run->simulation.n_examinee = run->examinees.n;
    run->simulation.theta = run->examinees.theta;
    run->simulation.responses = run->examinees.responses;
    cr_assert_eq(simulate(&run->simulation, &run->result), OK);
    cr_assert_eq(
        simulation_summarize(&run->simulation, run->examinees.theta, &run->result, &run->summary),
        OK);
}

void run_done(struct trial_run *run)
{
    simulation_summary_done(&run->summary);
    simulation_result_done(&run->result);
    examinees_done(&run->examinees);
    plan_free(run->plan);
    bank_free(run->bank);
}
