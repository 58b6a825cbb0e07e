/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/drive.h"

#include <assert.h>

static void nobody_fires(struct drive *drive)
{
    (void)drive;
}

static int64_t nobody_is_due(const struct drive *drive)
{
    (void)drive;
    return INT64_MAX;
}

static bool may_begin(const struct drive *drive)
{
    return drive->plan->n_session == 0 || drive->n_begun < drive->plan->n_session;
}

static void send_all(struct drive *drive)
{
    for (size_t i = 0; i < drive->plan->n_student && may_begin(drive); i++) {
        drive_send(drive, &drive->seat[i], drive->now_ns);
    }
}

static void closed_freed(struct drive *drive, struct seat *seat)
{
    if (student_must_start(&drive->talk, &seat->student) && !may_begin(drive)) return;
    drive_send(drive, seat, drive->now_ns);
}

const struct pace pace_closed = {
    .name = "closed",
    .begins_all = true,
    .begin = send_all,
    .fire = nobody_fires,
    .next_ns = nobody_is_due,
    .freed = closed_freed,
};

static void open_begin(struct drive *drive)
{
    drive->next_ns = drive->now_ns;
    send_all(drive);
}

/* An arrival takes a student who is free, or waits in the queue for one. */
static void open_fire(struct drive *drive)
{
    while (drive->next_ns <= drive->now_ns) {
        if (drive->n_list > 0) {
            drive_send(drive, &drive->seat[drive->list[--drive->n_list]], drive->next_ns);
        } else if (drive->n_queue < DRIVE_QUEUE) {
            drive->queue[(drive->queue_at + drive->n_queue++) % DRIVE_QUEUE] = drive->next_ns;
        }
        drive->next_ns += drive_random_ns(drive, 1.0 / drive->plan->rate);
    }
}

static int64_t open_next(const struct drive *drive)
{
    return drive->next_ns;
}

/* The start of a session is no arrival: the next student is at the door when one has ended. */
static void open_freed(struct drive *drive, struct seat *seat)
{
    if (student_must_start(&drive->talk, &seat->student)) {
        drive_send(drive, seat, drive->now_ns);
    } else if (drive->n_queue > 0) {
        drive_send(drive, seat, drive->queue[drive->queue_at]);
        drive->queue_at = (drive->queue_at + 1) % DRIVE_QUEUE;
        drive->n_queue--;
    } else {
        drive->list[drive->n_list++] = (size_t)(seat - drive->seat);
    }
}

const struct pace pace_open = {
    .name = "open",
    .begins_all = true,
    .begin = open_begin,
    .fire = open_fire,
    .next_ns = open_next,
    .freed = open_freed,
};

/* The heap of who is due, the earliest first. */
static bool is_earlier(const struct drive *drive, size_t a, size_t b)
{
    return drive->due_ns[drive->list[a]] < drive->due_ns[drive->list[b]];
}

static void swap(size_t *a, size_t *b)
{
    size_t kept = *a;

    *a = *b;
    *b = kept;
}

static void heap_push(struct drive *drive, size_t who, int64_t due_ns)
{
    size_t at = drive->n_list++;

    assert(at < drive->plan->n_student);
    drive->list[at] = who;
    drive->due_ns[who] = due_ns;
    for (; at > 0 && is_earlier(drive, at, (at - 1) / 2); at = (at - 1) / 2) {
        swap(&drive->list[at], &drive->list[(at - 1) / 2]);
    }
}

static size_t heap_pop(struct drive *drive)
{
    size_t first = drive->list[0], at = 0, next;

    drive->list[0] = drive->list[--drive->n_list];
    while ((next = 2 * at + 1) < drive->n_list) {
        if (next + 1 < drive->n_list && is_earlier(drive, next + 1, next)) next++;
        if (!is_earlier(drive, next, at)) break;
        swap(&drive->list[at], &drive->list[next]);
        at = next;
    }
    return first;
}

/* Classes begin one after the other, spread evenly. */
static void think_begin(struct drive *drive)
{
    const struct drive_plan *plan = drive->plan;
    size_t n_class = (plan->n_student + plan->class_size - 1) / plan->class_size;

    for (size_t i = 0; i < plan->n_student; i++) {
        double share = (double)(i / plan->class_size) / (double)n_class;

        heap_push(drive, i, drive->now_ns + (int64_t)(share * plan->spread_s * 1e9));
    }
}

static int64_t think_next(const struct drive *drive)
{
    return drive->n_list > 0 ? drive->due_ns[drive->list[0]] : INT64_MAX;
}

static void think_fire(struct drive *drive)
{
    while (think_next(drive) <= drive->now_ns) {
        size_t who = heap_pop(drive);

        drive_send(drive, &drive->seat[who], drive->due_ns[who]);
    }
}

static void think_freed(struct drive *drive, struct seat *seat)
{
    heap_push(drive, (size_t)(seat - drive->seat),
              drive->now_ns + drive_random_ns(drive, drive->plan->think_s));
}

const struct pace pace_think = {
    .name = "think",
    .begin = think_begin,
    .fire = think_fire,
    .next_ns = think_next,
    .freed = think_freed,
};
