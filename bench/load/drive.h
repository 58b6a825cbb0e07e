/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drive: many students at once, each on a connection of its own, in one thread with epoll. When
 * they speak is the pace, of which the kinds are rows:
 *
 *     closed  as soon as the last reply is there: how much can be done
 *     open    at the arrivals of a Poisson process, whether or not replies have come: how long it
 *             takes, with the waiting that a closed loop hides
 *     think   each after a time of its own, classes of students beginning together
 *
 * A time counts from when a student meant to speak, not from when it could be sent. */
#ifndef BENCH_LOAD_DRIVE_H
#define BENCH_LOAD_DRIVE_H

#include "bench/load/histogram.h"
#include "bench/load/link.h"
#include "bench/load/student.h"

struct drive_plan {
    const struct link_kind *kind;
    struct link_target target;
    const struct link_target *more;  // [n_more]: the students sit at all of them in turn
    size_t n_more;
    const struct talk_kind *talk;
    const struct pace *pace;
    const char *title;  // told while it runs; NULL: nothing is
    size_t n_student;
    int64_t n_answer;           // of a session, which is then left; 0: to its end
    uint64_t n_session;         // it ends when so many have been begun and left; 0: by the clock
    double warm_s, measured_s;  // what is measured goes on until there has been an answer

    double rate;               // open: answers a second
    double think_s, spread_s;  // think: the mean, and over how long the classes begin
    size_t class_size;         // think: who begin together
    void (*mark)(void *context, bool begins);  // at both ends of what is measured; may be NULL
    void *context;
};

struct drive_result {
    struct histogram answers, starts;  // of what was meant to be said in the time measured
    uint64_t n_answer, n_start;        // replies that came in it
    uint64_t said_bytes, heard_bytes;  // requests and replies in it, without their frames
    uint64_t n_refused;                // from first to last; `refusal` is the last one's message
    uint64_t n_lost;                   // without a reply five seconds after the end
    double seconds;                    // that were measured
    char refusal[STUDENT_REFUSAL];
};

/* Ends the program with a message where it cannot. */
void drive_run(const struct drive_plan *plan, struct drive_result *out);

/* For the paces. */
struct seat {
    struct link link;
    struct student student;
    int64_t meant_ns;  // when the request on its way was to be sent
    bool waits, met;   // for a reply; whether there has been one
    bool unsure;       // its fd may not tell what is there
};

struct drive {
    const struct drive_plan *plan;
    struct talk talk;
    struct seat *seat;  // [plan->n_student]
    struct drive_result *out;
    int64_t now_ns, from_ns, until_ns;  // until_ns: INT64_MAX while what is measured goes on
    int64_t end_ns;                     // when it should end
    uint64_t n_begun, n_draw;
    size_t n_waiting, n_met;  // students that wait for a reply; that have had one
    bool ends;                // nobody begins to speak any more

    size_t *list, n_list;  // pace: who is free, or a heap of who is due
    int64_t *due_ns;       // pace: when, by seat
    int64_t *queue;        // pace: times meant by nobody yet, a ring of DRIVE_QUEUE
    size_t queue_at, n_queue;
    int64_t next_ns;  // pace: of the next arrival

    int epoll;
    struct buf body;
    struct seat *now_at;       // whose replies are being read
    size_t *unsure, n_unsure;  // those seats
};

enum { DRIVE_QUEUE = 1 << 20, DRIVE_NO_ANSWER = -1 };  // sessions are left when begun

struct pace {
    const char *name;
    bool begins_all;  // everybody has had a reply before the time is measured
    void (*begin)(struct drive *drive);
    void (*fire)(struct drive *drive);              // who is due by now_ns
    int64_t (*next_ns)(const struct drive *drive);  // when somebody is due; INT64_MAX: nobody
    void (*freed)(struct drive *drive, struct seat *seat);  // it has its reply
};

extern const struct pace pace_closed, pace_open, pace_think;

/* Send the student's next request, which it meant to send at `meant_ns`. */
void drive_send(struct drive *drive, struct seat *seat, int64_t meant_ns);

/* An exponential time of that mean, in ns. */
int64_t drive_random_ns(struct drive *drive, double mean_s);

#endif
