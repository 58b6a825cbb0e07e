/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/plan_work.h"
#include "server/server.h"

bool plan_work_ask(struct call *call, const struct test_version *test,
                   const struct bank_version *bank)
{
    struct job *job = call->job;

    if (!job || job->test || !bank->bank || registry_has_plan(test, bank)) return false;
    job->test = &test->test;
    job->bank = bank->bank;
    job->upload.version = bank->version;
    call->asks = true;
    return true;
}

/* Many may start one test at once. The first has the plan made, and as answers come in their order
 * the loop has it when the others' turn comes. */
static bool is_made(const struct tools *tools, const struct job *job)
{
    for (size_t i = 0; i < TOOLS_PLANNED && i < tools->n_planned; i++) {
        if (tools->planned[i].test == job->test && tools->planned[i].bank == job->bank) return true;
    }
    return false;
}

/* The names in the faults are not a frontend's to see. */
enum status plan_work(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    struct job *job = call->job;
    struct tools *tools = call->tools;
    struct faults faults = {0};
    enum status st;

    (void)env;
    (void)workspace;
    if (is_made(tools, job)) return OK;
    st = plan_new(job->test, job->bank, &job->made_plan, &faults);
    faults_done(&faults);
    if (st == INVALID_TEST) {
        return refuse(call, INVALID_TEST, "test", "the test does not fit version %u of its bank",
                      job->upload.version);
    }
    if (st) return refuse(call, st, NULL, "the plan could not be made");
    tools->planned[tools->n_planned++ % TOOLS_PLANNED] = (struct plan_key){job->test, job->bank};
    return OK;
}

void plan_work_take(struct call *call)
{
    struct job *job = call->job;
    struct registry *registry = call->server->registry;
    struct test_entry *tests = registry_test(registry, call_name(call, slice_str(job->test->name)));
    struct bank_entry *banks = registry_bank(registry, call_name(call, slice_str(job->test->bank)));
    struct test_version *test = tests ? test_entry_version(tests, 0) : NULL;
    struct bank_version *bank = banks ? bank_entry_version(banks, 0) : NULL;

    if (!test || !bank || &test->test != job->test || bank->bank != job->bank) return;
    registry_keep_plan(test, bank, job->made_plan);
    job->made_plan = NULL;
}
