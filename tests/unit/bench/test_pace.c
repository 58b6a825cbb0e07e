/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the students speak, over links that only count, with a clock of the test's. */
#include "bench/load/drive.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N = 8 };

static int64_t meant[1024];
static size_t n_sent;

static struct drive_plan plan = {.talk = &talk_echo, .n_student = N};
static struct seat seats[N];
static size_t list[N];
static int64_t due_ns[N];
static int64_t queue[DRIVE_QUEUE];
static struct drive drive;

static bool count_it(struct link *link, struct slice body)
{
    (void)link;
    (void)body;
    return true;
}

static const struct link_kind link_counting = {.name = "counting", .send = count_it};

static void set_up(void)
{
    n_sent = 0;
    plan.kind = &link_counting;
    drive = (struct drive){
        .plan = &plan, .seat = seats, .list = list, .due_ns = due_ns, .queue = queue};
    drive.talk.kind = &talk_echo;
}

TestSuite(pace, .init = set_up);

/* All replies that are awaited come, and are noted by when they were meant to be asked for. */
static void let_all_reply(const struct pace *pace)
{
    bool waited[N];

    for (size_t i = 0; i < N; i++) waited[i] = seats[i].waits;
    for (size_t i = 0; i < N; i++) {
        if (!waited[i]) continue;
        seats[i].waits = false;
        drive.n_waiting--;
        meant[n_sent++] = seats[i].meant_ns;
        pace->freed(&drive, &seats[i]);
    }
}

Test(pace, closed_speaks_when_the_reply_is_there)
{
    drive.now_ns = 1000;
    pace_closed.begin(&drive);
    cr_assert_eq(drive.n_waiting, N);
    drive.now_ns = 2385;
    let_all_reply(&pace_closed);
    cr_assert_eq(drive.n_waiting, N);
    cr_assert_eq(seats[3].meant_ns, 2385);
    cr_assert_eq(pace_closed.next_ns(&drive), INT64_MAX);
    buf_done(&drive.body);
}

/* 2,000 arrivals a second while nobody replies: the eight who are free are sent, the others wait
 * and keep the time at which they were meant, in order. */
Test(pace, open_counts_the_waiting)
{
    const int64_t second_ns = 1000000000;
    size_t n_queued;

    plan.rate = 2000.0;
    pace_open.begin(&drive);
    let_all_reply(&pace_open);
    n_sent = 0;
    drive.now_ns = second_ns;
    pace_open.fire(&drive);
    n_queued = drive.n_queue;
    cr_assert_eq(drive.n_waiting, N);
    cr_assert_lt(fabs((double)n_queued - 2000.0), 6.0 * sqrt(2000.0));  // Poisson, six SDs
    for (size_t i = 1; i < n_queued; i++) cr_assert_leq(queue[i - 1], queue[i]);
    cr_assert_lt(queue[n_queued - 1], second_ns);
    cr_assert_gt(pace_open.next_ns(&drive), second_ns);

    let_all_reply(&pace_open);
    cr_assert_eq(drive.n_queue, n_queued - N);
    cr_assert_eq(seats[0].meant_ns, queue[0]);
    buf_done(&drive.body);
}

/* Classes of four begin a second apart; each speaks at the time that was drawn, earliest first. */
Test(pace, think_has_classes_and_times_in_order)
{
    const int64_t second_ns = 1000000000;

    plan.class_size = 4;
    plan.spread_s = 2.0;
    plan.think_s = 0.5;
    pace_think.begin(&drive);
    cr_assert_eq(pace_think.next_ns(&drive), 0);
    pace_think.fire(&drive);
    cr_assert_eq(drive.n_waiting, 4);
    cr_assert_eq(pace_think.next_ns(&drive), second_ns);
    let_all_reply(&pace_think);
    for (int i = 0; i < 100; i++) {
        int64_t next_ns = pace_think.next_ns(&drive);

        cr_assert_geq(next_ns, drive.now_ns);
        drive.now_ns = next_ns;
        pace_think.fire(&drive);
        cr_assert_geq(drive.n_waiting, 1);
        let_all_reply(&pace_think);
    }
    cr_assert_eq(drive.n_list, N);
    buf_done(&drive.body);
}
