/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers that change after they were given: thought over by the examinee, or scored by a person
 * when the examinee has long gone home. */
#include "estimate/constant.h"
#include "story.h"

#include <criterion/criterion.h>
#include <math.h>

/* Thetas and SE were had by integrating the posterior on 200,001 nodes in another language. */

Test(trace_revise, a_second_thought_moves_theta_but_not_the_path)
{
    struct story s;

    story_begin(&s, 4);
    s.test.n_revise = 2;
    starts(&s);
    asks(&s, "q3");
    answers(&s, 0);
    asks(&s, "q2");
    answers(&s, 1);
    theta_is(&s, -0.1342, 0.8449);
    asks(&s, "q4");
    revises(&s, 1, 1);
    theta_is(&s, 0.5923, 0.8626);
    asks(&s, "q4");
    answers(&s, 1);
    theta_is(&s, 0.9676, 0.8110);
    asks(&s, "q5");
    has_asked(&s, 4);
    story_end(&s);
}

Test(trace_revise, and_back_again_is_as_if_nothing_had_been)
{
    struct story s;

    story_begin(&s, 4);
    s.test.n_revise = 1;
    starts(&s);
    answers(&s, 0);
    answers(&s, 1);
    theta_is(&s, -0.1342, 0.8449);
    revises(&s, 2, 0);
    theta_is(&s, -0.8458, 0.8455);
    revises_again(&s, 2, 0);
    revises(&s, 2, 1);
    theta_is(&s, -0.1342, 0.8449);
    story_end(&s);
}

Test(trace_revise, only_the_last_answers_can_be_thought_over)
{
    struct story s;

    story_begin(&s, 5);
    s.test.n_revise = 2;
    starts(&s);
    refuses_revision(&s, 1, 1, STALE_SEQ);
    answers(&s, 0);
    revises(&s, 1, 1);
    answers(&s, 1);
    answers(&s, 1);
    refuses_revision(&s, 0, 0, STALE_SEQ);
    refuses_revision(&s, 1, 0, STALE_SEQ);
    refuses_revision(&s, 2, 7, BAD_RESPONSE);
    refuses_revision(&s, 4, 0, STALE_SEQ);
    revises(&s, 2, 0);
    revises(&s, 3, 0);
    revises_again(&s, 2, 0);
    refuses_revision(&s, 1, 1, STALE_SEQ);
    story_end(&s);
}

Test(trace_revise, nothing_is_thought_over_while_it_rests_or_when_it_is_over)
{
    struct story s;

    story_begin(&s, 3);
    s.test.n_revise = 3;
    starts(&s);
    answers(&s, 1);
    answers(&s, 1);
    suspends(&s);
    refuses_revision(&s, 2, 0, CONFLICT);
    resumes(&s);
    revises(&s, 2, 0);
    answers(&s, 1);
    has_ended_by(&s, "length");
    refuses_revision(&s, 3, 0, FINISHED);
    revises_again(&s, 2, 0);
    story_end(&s);
}

/* The error was small enough already when the answer was revised; the rule is asked when the next
 * answer comes. */
Test(trace_revise, a_second_thought_does_not_end_the_test)
{
    struct story s;

    story_begin(&s, 6);
    stop_any(&s.test, (struct stop_node[]){stop_at(&stop_length, 6), stop_at(&stop_se, 0.845)}, 2);
    s.test.n_revise = 6;
    starts(&s);
    answers(&s, 0);
    answers(&s, 0);
    theta_is(&s, -0.8458, 0.8455);
    revises(&s, 2, 1);
    theta_is(&s, -0.1342, 0.8449);
    asks(&s, "q1");
    answers(&s, 1);
    has_ended_by(&s, "se");
    story_end(&s);
}

/* A step goes from the theta before it: what the answers were in turn is what counts. */
Test(trace_revise, steps_are_taken_again_from_the_start)
{
    struct story s;

    story_begin(&s, 5);
    s.test.n_revise = 3;
    s.test.interim.estimator = &estimator_ml;
    s.test.interim.constant = constant_rule_find(slice_str("fixed4"));
    starts(&s);
    answers(&s, 1);
    theta_is(&s, 0.4, (double)INFINITY);
    answers(&s, 0);
    revises(&s, 2, 1);
    theta_is(&s, 0.8, (double)INFINITY);
    answers(&s, 1);
    theta_is(&s, 1.2, (double)INFINITY);
    story_end(&s);
}

Test(trace_revise, an_essay_counts_when_somebody_has_read_it)
{
    struct story s;

    story_begin_later(&s, 3, "3");
    starts(&s);
    asks(&s, "q3");
    writes(&s, "Because both halves are alike.");
    theta_is(&s, 0.0, 1.0);
    waits_for(&s, 1);
    asks(&s, "q4");
    answers(&s, 1);
    asks(&s, "q5");
    theta_is(&s, 0.5833, 0.9104);
    is_scored(&s, 1, 1);
    waits_for(&s, 0);
    theta_is(&s, 0.8677, 0.8416);
    asks(&s, "q5");
    answers(&s, 0);
    theta_is(&s, 0.6869, 0.7923);
    has_ended_by(&s, "length");
    story_end(&s);
}

Test(trace_revise, an_essay_is_read_when_the_test_is_over)
{
    struct story s;

    story_begin_later(&s, 4, "35");
    starts(&s);
    asks(&s, "q3");
    writes(&s, "");
    asks(&s, "q4");
    answers(&s, 1);
    asks(&s, "q5");
    writes(&s, "See overleaf.");
    asks(&s, "q2");
    answers(&s, 1);
    has_ended_by(&s, "length");
    waits_for(&s, 2);
    theta_is(&s, 0.7283, 0.8633);
    is_scored(&s, 3, 0);
    theta_is(&s, 0.5532, 0.8127);
    is_scored(&s, 1, 1);
    theta_is(&s, 0.7882, 0.7611);
    waits_for(&s, 0);
    has_ended_by(&s, "length");
    story_end(&s);
}

Test(trace_revise, a_teacher_corrects_a_score)
{
    struct story s;

    story_begin_later(&s, 2, "3");
    starts(&s);
    writes(&s, "A third.");
    refuses_score(&s, 2, 1, STALE_SEQ);
    refuses_score(&s, 1, 2, BAD_RESPONSE);
    answers(&s, 1);
    refuses_score(&s, 2, 1, CONFLICT);
    has_ended_by(&s, "length");
    is_scored(&s, 1, 1);
    theta_is(&s, 0.8677, 0.8416);
    is_scored(&s, 1, 0);
    theta_is(&s, 0.1614, 0.8426);
    waits_for(&s, 0);
    is_voided(&s);
    refuses_score(&s, 1, 1, FINISHED);
    story_end(&s);
}

Test(trace_revise, an_essay_that_is_rewritten_is_read_again)
{
    struct story s;

    story_begin_later(&s, 4, "3");
    s.test.n_revise = 1;
    starts(&s);
    writes(&s, "A third.");
    is_scored(&s, 1, 1);
    rewrites(&s, 1, "A quarter.");
    waits_for(&s, 1);
    theta_is(&s, 0.0, 1.0);
    story_end(&s);
}
