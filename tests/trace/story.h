/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole session as readable text: what the examinee and the clock do, and what must come of it.
 *
 * The bank is of six 1PL items, easiest first, so that the most informative one is the one whose
 * difficulty is nearest to theta:
 *
 *     q1 -2.1   q2 -1.05   q3 0.12   q4 0.98   q5 1.9   q6 3.2
 *
 * q1, q3 and q5 have the tag strand = number, q2 and q4 strand = shape, q6 none. */
#ifndef TRACE_STORY_H
#define TRACE_STORY_H

#include "tests/support/sitting.h"

enum { STORY_ITEMS = 6 };

struct story {
    struct bank *bank;
    struct test test;  // may be changed until the session starts
    struct sitting sitting;
    uint32_t retired[STORY_ITEMS];
    int64_t start_ms;
    bool has_prior;
    double prior_mean, prior_sd;
};

/* A test with the defaults, whose only stop rule is a length of `length` (0: none at all). */
void story_begin(struct story *story, unsigned length);
/* The same, with the items named by the letters of `later`, 1 to 6, scored by a person. */
void story_begin_later(struct story *story, unsigned length, const char *later);

/* The same of a bank whose items have an enemy and a set (NULL: none), by the order above; `later`
 * as there, NULL for none. */
struct company {
    const char *enemy[STORY_ITEMS], *set[STORY_ITEMS], *later;
};

void story_begin_in(struct story *story, unsigned length, const struct company *company);
void story_end(struct story *story);

/* What happens. */
void starts(struct story *story);
void answers(struct story *story, unsigned score);  // to the question on the screen
void omits(struct story *story);
void writes(struct story *story, const char *text);  // to a question that a person scores
void suspends(struct story *story);
void resumes(struct story *story);
void finishes(struct story *story);
void is_voided(struct story *story);
void retires(struct story *story, const char *id);
void clock_is_at(struct story *story, double seconds);  // after the start

/* After the answers. */
void revises(struct story *story, uint32_t seq, unsigned score);
void rewrites(struct story *story, uint32_t seq, const char *text);
void is_scored(struct story *story, uint32_t seq, unsigned score);  // by a person

/* What must be so. */
void asks(struct story *story, const char *id);
void has_asked(struct story *story, unsigned asked);
void theta_is(struct story *story, double theta, double se);  // within 0.0005
void has_ended_by(struct story *story, const char *stop);
void is_suspended(struct story *story);
void waits_for(struct story *story, unsigned n_score);
void refuses_answer(struct story *story, uint32_t seq, const char *id, unsigned score,
                    enum status status);
void refuses_revision(struct story *story, uint32_t seq, unsigned score, enum status status);
void refuses_score(struct story *story, uint32_t seq, unsigned score, enum status status);
void revises_again(struct story *story, uint32_t seq, unsigned score);  // to no effect
void takes_again(struct story *story, uint32_t seq, const char *id, unsigned score);

#endif
