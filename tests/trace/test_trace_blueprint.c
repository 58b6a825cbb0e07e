/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Enemies that do not meet, and passages that are asked to their end. */
#include "story.h"

#include <criterion/criterion.h>
#include <string.h>

/* Items 4 and 5; only one of them says so. */
static const struct company enemies = {.enemy = {[4] = "q4"}};
/* One passage of an easy, a middling and a hard item. */
static const struct company passage = {.set = {[0] = "P", [2] = "P", [5] = "P"}};
/* Two passages, and an item of none. */
static const struct company passages = {.set = {"easy", "easy", "hard", "hard", "hard", NULL}};

Test(trace_blueprint, the_enemy_of_an_item_given_is_not_asked)
{
    struct story s;

    story_begin_in(&s, 0, &enemies);
    starts(&s);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q4");
    answers(&s, 1);
    asks(&s, "q2");
    answers(&s, 1);
    asks(&s, "q6");
    answers(&s, 0);
    asks(&s, "q1");
    answers(&s, 1);
    has_ended_by(&s, "pool");
    has_asked(&s, 5);
    story_end(&s);
}

Test(trace_blueprint, enemies_meet_where_the_test_lets_them)
{
    struct story s;

    story_begin_in(&s, 3, &enemies);
    s.test.enemies_allowed = true;
    starts(&s);
    answers(&s, 1);
    asks(&s, "q4");
    answers(&s, 1);
    asks(&s, "q5");
    story_end(&s);
}

Test(trace_blueprint, a_start_item_rules_its_enemies_out)
{
    struct story s;

    story_begin_in(&s, 0, &enemies);
    s.test.n_start = 1;
    strcpy(s.test.start_items[0], "q5");
    starts(&s);
    asks(&s, "q5");
    answers(&s, 1);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q2");
    answers(&s, 1);
    asks(&s, "q6");
    story_end(&s);
}

Test(trace_blueprint, a_passage_is_asked_to_its_end)
{
    struct story s;

    story_begin_in(&s, 0, &passage);
    s.test.sets_together = true;
    starts(&s);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q1");
    answers(&s, 1);
    asks(&s, "q6");
    answers(&s, 0);
    asks(&s, "q4");
    answers(&s, 1);
    asks(&s, "q5");
    answers(&s, 1);
    asks(&s, "q2");
    answers(&s, 1);
    has_ended_by(&s, "pool");
    story_end(&s);
}

Test(trace_blueprint, a_passage_counts_for_nothing_unless_the_test_says_so)
{
    struct story s;

    story_begin_in(&s, 2, &passage);
    starts(&s);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q4");
    story_end(&s);
}

Test(trace_blueprint, what_is_left_of_a_passage_is_not_asked_later)
{
    struct story s;

    story_begin_in(&s, 0, &passage);
    s.test.sets_together = true;
    s.test.max_per_set = 2;
    starts(&s);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q1");
    answers(&s, 1);
    asks(&s, "q4");
    answers(&s, 0);
    asks(&s, "q2");
    answers(&s, 1);
    asks(&s, "q5");
    answers(&s, 1);
    has_ended_by(&s, "pool");
    has_asked(&s, 5);
    story_end(&s);
}

Test(trace_blueprint, a_passage_ends_early_where_its_rest_is_withdrawn)
{
    struct story s;

    story_begin_in(&s, 0, &passages);
    s.test.sets_together = true;
    starts(&s);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q4");
    retires(&s, "q5");
    answers(&s, 1);
    asks(&s, "q2");
    answers(&s, 1);
    asks(&s, "q1");
    answers(&s, 1);
    asks(&s, "q6");
    story_end(&s);
}

Test(trace_blueprint, a_passage_goes_on_before_the_group_that_is_due)
{
    struct story s;

    story_begin_in(&s, 4, &passage);
    s.test.sets_together = true;
    strcpy(s.test.content_tag, "strand");
    s.test.n_target = 2;
    s.test.targets[0] = (struct target){"shape", 0.5};
    s.test.targets[1] = (struct target){"number", 0.5};
    starts(&s);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q1");
    answers(&s, 1);
    asks(&s, "q6");
    answers(&s, 0);
    asks(&s, "q4");
    story_end(&s);
}

Test(trace_blueprint, a_passage_goes_on_at_the_next_start_theta)
{
    struct story s;

    story_begin_in(&s, 4, &passage);
    s.test.sets_together = true;
    s.test.n_start_theta = 2;
    s.test.start_thetas[0] = 0.0;
    s.test.start_thetas[1] = 2.385;
    starts(&s);
    asks(&s, "q3");
    answers(&s, 1);
    asks(&s, "q6");
    story_end(&s);
}
