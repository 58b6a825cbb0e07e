/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A helper gives signs of life while it rests and while its work goes on for as long as it may,
 * and none when it is stuck. What it has made is not lost when it is stopped. */
#include "server/clock.h"
#include "server/helper.h"
#include "server/pulse.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <time.h>
#include <zmq.h>

enum { SECOND_US = 1000000, WAIT_MS = 20000, SOME_WORK_S = 700 };

static const uint8_t body[] = {0x81, 0xa1, 'v', 0x01};

static atomic_bool is_released;

/* Work that does not end until it is told to. */
static enum status work(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    struct timespec moment = {.tv_nsec = 1000000};

    (void)env;
    (void)workspace;
    while (!is_released) nanosleep(&moment, NULL);
    reply_begin(call, 0);
    return OK;
}

/* Whether it comes to be alive, or not, as seen `ahead_us` from now. */
static bool comes_to(const struct helper *helper, bool alive, int64_t ahead_us)
{
    struct timespec moment = {.tv_nsec = 1000000};
    int64_t end_us = clock_us() + (int64_t)WAIT_MS * 1000;

    while (clock_us() < end_us) {
        if (helper_is_alive(helper, clock_us() + ahead_us) == alive) return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

static void check_work(const struct request *request, int64_t most_s)
{
    void *zmq = zmq_ctx_new();
    struct helper *helper = NULL;
    struct job job = {.request = request};
    struct buf reply = {0};

    cr_assert_eq(helper_start(zmq, "tested", NULL, &helper), OK);
    cr_expect(helper_is_alive(helper, clock_us()));
    cr_expect_not(helper_is_alive(helper, clock_us() + (PULSE_IDLE_S + 1) * SECOND_US));
    cr_expect(comes_to(helper, true, (PULSE_IDLE_S * 1000 - PULSE_REST_MS / 2) * 1000LL),
              "it gives another sign while it rests");
    cr_assert(helper_ask(helper, &job, slice_of(body, sizeof(body))));
    cr_expect(comes_to(helper, true, (most_s - 1) * SECOND_US), "its work may last");
    cr_expect_not(helper_is_alive(helper, clock_us() + (most_s + 1) * SECOND_US), "not for ever");
    cr_expect_not(helper_take(helper, 0, &job, &reply));
    is_released = true;
    cr_assert(helper_take(helper, WAIT_MS, &job, &reply));
    cr_expect(comes_to(helper, false, (PULSE_IDLE_S + 1) * SECOND_US), "it rests again");
    cr_expect_eq(helper_n_out(helper), 0);
    buf_done(&reply);
    helper_stop(helper);
    zmq_ctx_term(zmq);
}

Test(helper, is_alive_while_its_work_may_last)
{
    static const struct request request = {.op = "tested", .work = work};

    check_work(&request, PULSE_WORK_S);
}

Test(helper, is_alive_for_as_long_as_its_request_says)
{
    static const struct request request = {.op = "tested", .work = work, .work_s = SOME_WORK_S};

    check_work(&request, SOME_WORK_S);
}

static atomic_bool is_made;

static enum status make(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    (void)env;
    (void)workspace;
    call->job->made = bank_new(3, 1.0);
    is_made = call->job->made != NULL;
    reply_begin(call, 0);
    return OK;
}

/* The sanitizer tells where it is not. */
Test(helper, what_nobody_has_taken_is_freed)
{
    static const struct request request = {.op = "tested", .work = make};
    struct timespec moment = {.tv_nsec = 1000000};
    struct job job = {.request = &request};
    void *zmq = zmq_ctx_new();
    struct helper *helper = NULL;

    cr_assert_eq(helper_start(zmq, "tested", NULL, &helper), OK);
    cr_assert(helper_ask(helper, &job, slice_of(body, sizeof(body))));
    while (!is_made) nanosleep(&moment, NULL);
    helper_stop(helper);
    zmq_ctx_term(zmq);
}
