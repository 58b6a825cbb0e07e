/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Student: what one simulated student says next, and what is made of the reply. The kinds of talk
 * are rows: tests taken question by question, pings, and bytes for a bare echo. */
#ifndef BENCH_LOAD_STUDENT_H
#define BENCH_LOAD_STUDENT_H

#include "base/limits.h"
#include "proto/reader.h"
#include "proto/writer.h"

enum { STUDENT_REFUSAL = 160 };

struct student {
    uint64_t number;     // of the student, for ids and answers
    uint32_t n_session;  // begun so far
    int64_t seq;         // of the question asked; 0: a session is to be begun
    char item[LIMIT_ID + 1];
};

/* What the students of a run have in common. */
struct talk {
    const struct talk_kind *kind;
    const char *run;   // makes the ids of sessions unlike those of other runs
    int64_t n_answer;  // in a session, which is then left where it is; LIMIT_ANSWERS: to its end
    struct decoder *decoder;
    char refusal[STUDENT_REFUSAL];  // the last, "" where there was none
};

/* What came of a request. */
enum heard { HEARD_ANSWER, HEARD_START, HEARD_REFUSAL };

struct talk_kind {
    const char *name;
    /* Append the body of the student's next request. */
    void (*say)(const struct talk *talk, const struct student *student, struct buf *out);
    /* Take its reply. */
    enum heard (*hear)(struct talk *talk, struct student *student, struct slice body);
};

extern const struct talk_kind talk_test, talk_ping, talk_echo;

/* Whether the student has to begin a session before there is something to answer. */
bool student_must_start(const struct talk *talk, const struct student *student);

#endif
