/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "story.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Thetas and SE were had by integrating the posterior on 200,001 nodes in another language. */
#define UNKNOWN ((double)NAN)

Test(trace, harder_after_right_and_easier_after_wrong)
{
    struct story s;

    story_begin(&s, 4);
    starts(&s);
    theta_is(&s, 0.0, 1.0);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q4");
    answers(&s, 1);
    asks(&s, "q5");
    answers(&s, 0);
    asks(&s, "q2");
    answers(&s, 1);
    has_ended_by(&s, "length");
    has_asked(&s, 4);
    story_end(&s);
}

Test(trace, right_answers_to_the_end_of_the_pool)
{
    struct story s;

    story_begin(&s, 0);
    starts(&s);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q4");
    answers(&s, 1);
    asks(&s, "q5");
    answers(&s, 1);
    asks(&s, "q6");
    answers(&s, 1);
    asks(&s, "q2");
    answers(&s, 1);
    asks(&s, "q1");
    answers(&s, 1);
    has_ended_by(&s, "pool");
    has_asked(&s, 6);
    story_end(&s);
}

Test(trace, the_start_theta_chooses_the_first_item)
{
    struct story s;

    story_begin(&s, 4);
    s.test.start_theta = -1.4;
    starts(&s);
    theta_is(&s, -1.4, 1.0);
    asks(&s, "q2");
    answers(&s, 1);
    asks(&s, "q3");
    story_end(&s);
}

Test(trace, enough_is_known)
{
    struct story s;

    story_begin(&s, 6);
    stop_any(&s.test, (struct stop_node[]){stop_at(&stop_length, 6), stop_at(&stop_se, 0.85)}, 2);
    starts(&s);
    answers(&s, 1);
    asks(&s, "q4");
    answers(&s, 0);
    has_ended_by(&s, "se");
    has_asked(&s, 2);
    story_end(&s);
}

Test(trace, enough_is_known_but_the_minimum_is_not_reached)
{
    struct story s;

    story_begin(&s, 6);
    stop_any(&s.test, (struct stop_node[]){stop_at(&stop_length, 5), stop_at(&stop_se, 0.85)}, 2);
    s.test.min_items = 4;
    starts(&s);
    answers(&s, 1);
    answers(&s, 0);
    asks(&s, "q2");
    answers(&s, 1);
    asks(&s, "q5");
    answers(&s, 0);
    has_ended_by(&s, "se");
    has_asked(&s, 4);
    story_end(&s);
}

Test(trace, the_length_is_stronger_than_the_minimum)
{
    struct story s;

    story_begin(&s, 2);
    s.test.min_items = 5;
    starts(&s);
    answers(&s, 1);
    answers(&s, 1);
    has_ended_by(&s, "length");
    has_asked(&s, 2);
    story_end(&s);
}

static void time_story(struct story *s, double seconds)
{
    story_begin(s, 0);
    stop_any(&s->test, (struct stop_node[]){stop_at(&stop_time, seconds * 1000.0)}, 1);
    starts(s);
}

Test(trace, time_is_up_after_the_answer_that_uses_it_up)
{
    struct story s;

    time_story(&s, 60.0);
    clock_is_at(&s, 20.0);
    answers(&s, 1);
    clock_is_at(&s, 59.999);
    answers(&s, 1);
    asks(&s, "q5");
    clock_is_at(&s, 60.0);
    answers(&s, 0);
    has_ended_by(&s, "time");
    story_end(&s);
}

Test(trace, a_pause_takes_no_time)
{
    struct story s;

    time_story(&s, 60.0);
    clock_is_at(&s, 20.0);
    suspends(&s);
    is_suspended(&s);
    clock_is_at(&s, 86400.0);
    resumes(&s);
    asks(&s, "q3");
    clock_is_at(&s, 86439.999);
    answers(&s, 1);
    asks(&s, "q4");
    clock_is_at(&s, 86440.0);
    answers(&s, 1);
    has_ended_by(&s, "time");
    story_end(&s);
}

Test(trace, a_clock_that_jumps_back_adds_nothing)
{
    struct story s;

    time_story(&s, 60.0);
    clock_is_at(&s, 30.0);
    answers(&s, 1);
    clock_is_at(&s, -3600.0);
    answers(&s, 1);
    asks(&s, "q5");
    clock_is_at(&s, -3570.001);
    answers(&s, 0);
    asks(&s, "q2");
    clock_is_at(&s, -3570.0);
    answers(&s, 0);
    has_ended_by(&s, "time");
    story_end(&s);
}

Test(trace, a_clock_that_jumps_back_in_a_pause_adds_nothing)
{
    struct story s;

    time_story(&s, 60.0);
    clock_is_at(&s, 30.0);
    suspends(&s);
    clock_is_at(&s, -500.0);
    resumes(&s);
    clock_is_at(&s, -470.001);
    answers(&s, 1);
    asks(&s, "q4");
    clock_is_at(&s, -470.0);
    answers(&s, 1);
    has_ended_by(&s, "time");
    story_end(&s);
}

Test(trace, an_omission_is_wrong)
{
    struct story s;

    story_begin(&s, 2);
    starts(&s);
    asks(&s, "q3");
    omits(&s);
    theta_is(&s, -0.3929, 0.9118);
    asks(&s, "q2");
    answers(&s, 1);
    has_ended_by(&s, "length");
    story_end(&s);
}

Test(trace, an_omission_is_ignored)
{
    struct story s;

    story_begin(&s, 2);
    s.test.omit_ignored = true;
    starts(&s);
    asks(&s, "q3");
    omits(&s);
    theta_is(&s, 0.0, 1.0);
    asks(&s, "q4");
    answers(&s, 1);
    has_ended_by(&s, "length");
    has_asked(&s, 2);
    story_end(&s);
}

Test(trace, nothing_but_omissions_leaves_the_start_theta)
{
    struct story s;

    story_begin(&s, 2);
    s.test.omit_ignored = true;
    s.test.start_theta = 0.7;
    s.test.interim.estimator = s.test.final.estimator = &estimator_ml;
    starts(&s);
    theta_is(&s, 0.7, UNKNOWN);
    omits(&s);
    omits(&s);
    has_ended_by(&s, "length");
    theta_is(&s, 0.7, UNKNOWN);
    story_end(&s);
}

Test(trace, a_retired_item_is_not_asked)
{
    struct story s;

    story_begin(&s, 0);
    retires(&s, "q3");
    starts(&s);
    asks(&s, "q4");
    retires(&s, "q2");
    answers(&s, 0);
    asks(&s, "q1");
    answers(&s, 1);
    asks(&s, "q5");
    retires(&s, "q6");
    answers(&s, 1);
    has_ended_by(&s, "pool");
    has_asked(&s, 3);
    story_end(&s);
}

Test(trace, an_item_retired_on_the_screen_still_counts)
{
    struct story s;

    story_begin(&s, 2);
    starts(&s);
    asks(&s, "q3");
    retires(&s, "q3");
    answers(&s, 1);
    theta_is(&s, 0.4338, 0.9097);
    asks(&s, "q4");
    story_end(&s);
}

Test(trace, start_items_come_first_and_in_their_order)
{
    struct story s;

    story_begin(&s, 4);
    s.test.n_start = 2;
    strcpy(s.test.start_items[0], "q6");
    strcpy(s.test.start_items[1], "q1");
    starts(&s);
    asks(&s, "q6");
    answers(&s, 0);
    asks(&s, "q1");
    answers(&s, 1);
    asks(&s, "q3");
    story_end(&s);
}

Test(trace, a_retired_start_item_is_passed_over)
{
    struct story s;

    story_begin(&s, 4);
    s.test.n_start = 3;
    strcpy(s.test.start_items[0], "q6");
    strcpy(s.test.start_items[1], "q1");
    strcpy(s.test.start_items[2], "q5");
    retires(&s, "q6");
    starts(&s);
    asks(&s, "q1");
    retires(&s, "q5");
    answers(&s, 1);
    asks(&s, "q3");
    story_end(&s);
}

static void balance(struct story *s)
{
    strcpy(s->test.content_tag, "strand");
    s->test.n_target = 2;
    s->test.targets[0] = (struct target){"shape", 0.4};
    s->test.targets[1] = (struct target){"number", 0.6};
}

Test(trace, strands_are_balanced)
{
    struct story s;

    story_begin(&s, 0);
    balance(&s);
    starts(&s);
    asks(&s, "q3");  // number; the first item ignores the strands
    answers(&s, 1);
    asks(&s, "q4");  // shape has had none
    answers(&s, 1);
    asks(&s, "q5");  // number: 0.6 - 1/2 is the larger gap
    answers(&s, 1);
    asks(&s, "q2");  // shape: 0.4 - 1/3
    answers(&s, 1);
    asks(&s, "q1");  // number: 0.6 - 2/4
    answers(&s, 1);
    has_ended_by(&s, "pool");  // q6 is of no strand
    has_asked(&s, 5);
    story_end(&s);
}

Test(trace, a_strand_with_nothing_left_is_passed_over)
{
    struct story s;

    story_begin(&s, 0);
    balance(&s);
    s.test.start_theta = 3.0;
    starts(&s);
    asks(&s, "q6");  // of no strand
    retires(&s, "q2");
    retires(&s, "q4");
    answers(&s, 0);
    asks(&s, "q3");
    answers(&s, 0);
    asks(&s, "q1");
    answers(&s, 0);
    asks(&s, "q5");
    answers(&s, 0);
    has_ended_by(&s, "pool");
    story_end(&s);
}

Test(trace, the_proctor_ends_it)
{
    struct story s;

    story_begin(&s, 6);
    starts(&s);
    answers(&s, 1);
    asks(&s, "q4");
    finishes(&s);
    has_ended_by(&s, "request");
    has_asked(&s, 1);
    theta_is(&s, 0.4338, 0.9097);
    refuses_answer(&s, 2, "q4", 1, FINISHED);
    story_end(&s);
}

Test(trace, the_proctor_ends_it_before_the_first_answer)
{
    struct story s;

    story_begin(&s, 6);
    s.test.start_theta = -0.7;
    s.test.final.estimator = &estimator_wle;
    starts(&s);
    finishes(&s);
    has_ended_by(&s, "request");
    has_asked(&s, 0);
    theta_is(&s, -0.7, 1.0);
    story_end(&s);
}

Test(trace, the_proctor_ends_a_pause)
{
    struct story s;

    story_begin(&s, 6);
    starts(&s);
    answers(&s, 1);
    suspends(&s);
    refuses_answer(&s, 2, "q4", 1, CONFLICT);
    finishes(&s);
    has_ended_by(&s, "request");
    has_asked(&s, 1);
    story_end(&s);
}

Test(trace, the_proctor_voids_it)
{
    struct story s;

    story_begin(&s, 2);
    starts(&s);
    answers(&s, 1);
    answers(&s, 1);
    has_ended_by(&s, "length");
    is_voided(&s);
    refuses_answer(&s, 3, "q5", 1, FINISHED);
    takes_again(&s, 2, "q4", 1);
    story_end(&s);
}

Test(trace, the_network_repeats_itself)
{
    struct story s;

    story_begin(&s, 3);
    starts(&s);
    refuses_answer(&s, 2, "q4", 1, STALE_SEQ);
    refuses_answer(&s, 1, "q4", 1, WRONG_ITEM);
    refuses_answer(&s, 1, "q3", 2, BAD_RESPONSE);
    answers(&s, 1);
    takes_again(&s, 1, "q3", 1);
    refuses_answer(&s, 1, "q3", 0, CONFLICT);
    refuses_answer(&s, 1, "q2", 1, WRONG_ITEM);
    asks(&s, "q4");
    answers(&s, 1);
    refuses_answer(&s, 1, "q3", 1, STALE_SEQ);
    takes_again(&s, 2, "q4", 1);
    answers(&s, 0);
    has_ended_by(&s, "length");
    takes_again(&s, 3, "q5", 0);
    refuses_answer(&s, 3, "q5", 1, FINISHED);
    story_end(&s);
}

Test(trace, the_examinee_has_a_prior_of_his_own)
{
    struct story s;

    story_begin(&s, 3);
    s.has_prior = true;
    s.prior_mean = -1.5;
    s.prior_sd = 0.5;
    starts(&s);
    theta_is(&s, 0.0, 0.5);  // the first item goes by the test's start theta
    asks(&s, "q3");
    answers(&s, 0);
    theta_is(&s, -1.5425, 0.4917);
    asks(&s, "q2");
    story_end(&s);
}

Test(trace, the_result_is_estimated_another_way)
{
    struct story s;

    story_begin(&s, 2);
    s.test.final.estimator = &estimator_ml;
    s.test.final.lower = -3.1;
    s.test.final.upper = 2.9;
    starts(&s);
    answers(&s, 1);
    theta_is(&s, 0.4338, 0.9097);
    answers(&s, 1);
    has_ended_by(&s, "length");
    theta_is(&s, 2.9, 2.4506);  // all right: the upper bound
    story_end(&s);
}

Test(trace, a_session_by_maximum_likelihood)
{
    struct story s;

    story_begin(&s, 4);
    s.test.interim.estimator = s.test.final.estimator = &estimator_ml;
    starts(&s);
    theta_is(&s, 0.0, UNKNOWN);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q6");  // theta is at the upper bound of 4
    answers(&s, 0);
    theta_is(&s, 1.66, 1.8546);  // halfway between the two
    asks(&s, "q5");
    story_end(&s);
}
