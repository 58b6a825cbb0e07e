/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/any_test.h"

#include "estimate/constant.h"
#include "tests/support/priors.h"
#include "tests/support/sitting.h"

#include <string.h>

static const struct estimator *any_estimator(struct dice *dice)
{
    size_t n = 0;

    while (estimators[n]) n++;
    return estimators[dice_below(dice, n)];
}

static const struct constant_rule *any_constant(struct dice *dice)
{
    size_t n = 0;

    while (constant_rules[n]) n++;
    return dice_chance(dice, 0.5) ? NULL : constant_rules[dice_below(dice, n)];
}

static struct pick_rule rule_draw(struct dice *dice, size_t n_criterion)
{
    const struct criterion *criterion;

    do criterion = criteria[dice_below(dice, n_criterion)];
    while (!dims_fit(criterion->dims, 1));
    return (struct pick_rule){.criterion = criterion,
                              .n_best = dice_chance(dice, 0.5) ? 1 : 1 + dice_below(dice, 9)};
}

/* A prior that all of the test's estimators take. */
static void prior_any(struct test *test, struct dice *dice)
{
    const struct constant_rule *constant = test->interim.constant;
    bool has_mode = test->interim.estimator->needs_slope || test->final.estimator->needs_slope ||
                    (constant && constant->estimator && constant->estimator->needs_slope);

    test->interim.prior = prior_of(prior_draw(dice, has_mode ? &estimator_map : &estimator_eap));
    test->final.prior = test->interim.prior;
}

void test_any(struct test *test, struct dice *dice)
{
    size_t n_criterion = 0;

    while (criteria[n_criterion]) n_criterion++;
    test_init(test);
    test->start_theta = dice_between(dice, -2.0, 2.0);
    test->interim.estimator = any_estimator(dice);
    test->interim.grid.n_node = 11 + dice_below(dice, 30);
    test->final = test->interim;
    if (dice_chance(dice, 0.5)) test->final.estimator = any_estimator(dice);
    test->first_pick = rule_draw(dice, n_criterion);
    test->pick = rule_draw(dice, n_criterion);
    test->pace.by = dice_below(dice, PACE_N);
    if (test->pace.by == PACE_SE) test->pace.at = dice_between(dice, 0.2, 0.5);
    test->pace.acceleration = dice_between(dice, 0.5, 2.0);
    test->interim.constant = test->final.constant = any_constant(dice);
    prior_any(test, dice);
    test->omit_ignored = dice_chance(dice, 0.5);
    test->n_revise = (unsigned)dice_below(dice, 4);
    test->min_items = (unsigned)dice_below(dice, 8);
    stop_any(test,
             (struct stop_node[]){stop_at(&stop_length, (double)(1 + dice_below(dice, 25))),
                                  stop_at(&stop_se, dice_between(dice, 0.2, 0.6)),
                                  stop_at(&stop_time, dice_between(dice, 1e4, 1e6))},
             3);
    if (dice_chance(dice, 0.5)) {
        test->n_start = 2;
        strcpy(test->start_items[0], "q17");
        strcpy(test->start_items[1], "q5");
    }
    if (dice_chance(dice, 0.4)) return;
    strcpy(test->content_tag, "place");
    test->n_target = 3;  // nothing from the west
    test->targets[0] = (struct target){"south", 0.2};
    test->targets[1] = (struct target){"north", 0.385};
    test->targets[2] = (struct target){"east", 0.415};
}
