/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test documents: one that is taken, and fits a bank, runs to its end with finite numbers and asks
 * no item twice. */
#include "session/session.h"
#include "store/test_document.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

static void run_session(const struct plan *plan, struct workspace *workspace)
{
    struct session *session = session_new(plan);
    struct event event = {.kind = EVENT_STARTED, .seed = 4711, .elapsed_ms = -1};
    struct effects effects = {0};
    bool seen[LIMIT_ANSWERS] = {false};
    enum status st;

    MUST(session);
    st = session_step(session, &event, workspace, &effects);
    MUST(st == OK || st == EXHAUSTED);
    while (st == OK && !effects.outcome.stop) {
        uint32_t item = effects.outcome.item;

        MUST(item < bank_n_item(plan->bank) && !seen[item]);
        seen[item] = true;
        event = (struct event){.kind = EVENT_ANSWERED,
                               .time_ms = event.time_ms + 1385,
                               .seq = event.seq + 1,
                               .item = item,
                               .elapsed_ms = 700,
                               .response = {.score = item % 2}};
        MUST(session_step(session, &event, workspace, &effects) == OK);
        MUST(effects.changed && isfinite(effects.outcome.theta));
    }
    if (effects.outcome.stop) fuzz_taken();
    session_free(session);
}

static void check_test(const struct test *test)
{
    struct workspace *workspace;
    struct faults faults = {0};
    struct plan *plan = NULL;
    enum status st = plan_new(test, fuzz_bank(), &plan, &faults);

    MUST((st == OK) == (plan != NULL) && (st == OK) == (faults.total == 0));
    faults_done(&faults);
    if (st) return;
    workspace = workspace_new(bank_n_item(plan->bank));
    MUST(workspace);
    run_session(plan, workspace);
    workspace_free(workspace);
    plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct faults faults = {0};
    struct decoder decoder;
    struct fault fault;
    struct test test;
    msgpack_object root;

    MUST(decoder_init(&decoder) == OK);
    if (decode(&decoder, slice_of(data, n), &root, &fault) == OK) {
        bool good = test_document_read(&root, &test, &faults);

        MUST(good == (faults.total == 0));
        if (good) check_test(&test);
    }
    decoder_done(&decoder);
    faults_done(&faults);
    return 0;
}
