/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions of several dimensions: what is asked is the best, they stop as they should, and they
 * repeat to the bit. */
#include "session/explain.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_ITEM = 40, MOST_EVENTS = 40, N_TRIAL = 40 };

struct journal {
    struct event event[MOST_EVENTS];
    struct outcome outcome[MOST_EVENTS];
    size_t n;
};

static void keep(struct journal *journal, const struct event *event, const struct outcome *outcome)
{
    cr_assert(journal->n < MOST_EVENTS);
    journal->event[journal->n] = *event;
    journal->outcome[journal->n++] = *outcome;
}

static const struct criterion *any_criterion(struct dice *dice)
{
    const struct criterion *criterion;
    size_t n = 0;

    while (criteria[n]) n++;
    do criterion = criteria[dice_below(dice, n)];
    while (!dims_fit(criterion->dims, 2));
    return criterion;
}

static void test_draw(struct test *test, struct dice *dice, unsigned n_dim)
{
    test_init(test);
    test->interim.estimator = dice_chance(dice, 0.5) ? &estimator_eap : &estimator_map;
    test->interim.says_method = true;
    test->final = test->interim;
    test->pick = (struct pick_rule){any_criterion(dice), 1 + dice_below(dice, 3)};
    test->omit_ignored = dice_chance(dice, 0.5);
    test->start_vector.n = dice_chance(dice, 0.5) ? n_dim : 0;
    for (unsigned m = 0; m < n_dim; m++) test->start_vector.value[m] = dice_between(dice, -1, 1);
    stop_any(test,
             (struct stop_node[]){stop_at(&stop_length, (double)(1 + dice_below(dice, 15))),
                                  stop_at(&stop_se, dice_between(dice, 0.3, 0.9))},
             2);
}

/* The asked item is the best by the criterion, or among the best that were drawn from. */
static void expect_best(struct sitting *sitting, const struct event *event)
{
    struct explained_item items[N_ITEM];
    struct explanation why = {.items = items};
    struct session_view view = sitting_view(sitting);

    session_explain(sitting->session, event, sitting->workspace, &why);
    cr_assert(why.n_dim == view.n_dim);
    cr_expect(items[0].part == PART_ASKED && items[0].item == view.item);
    if (why.n_best > 1) return;
    for (size_t i = 1; i < N_ITEM && items[i].part == PART_CANDIDATE; i++) {
        expect_true(isnan(items[i].value) || items[0].value >= items[i].value ||
                        strcmp(why.criterion, "fixed") == 0,
                    "%s: %g above the asked one's %g", why.criterion, items[i].value,
                    items[0].value);
    }
}

static void take(struct sitting *sitting, const struct event *event, struct journal *journal)
{
    cr_assert(sitting_take(sitting, event) == OK);
    keep(journal, event, &sitting->effects.outcome);
    if (sitting->effects.outcome.item != NO_ITEM) expect_best(sitting, event);
}

/* Why it ended: by length, or because the largest standard error is small enough. */
static void expect_end(const struct sitting *sitting)
{
    const struct stop_node *node = sitting->plan->test.stop.node;
    struct session_view view = sitting_view(sitting);
    double worst = 0.0;

    cr_assert(view.state == SESSION_FINISHED);
    for (size_t m = 0; m < view.n_dim; m++) worst = fmax(worst, view.ability.se[m]);
    if (strcmp(view.stop, "se") == 0) expect_true(worst <= node[2].arg[0], "stops at %g", worst);
    if (strcmp(view.stop, "length") == 0) cr_expect(view.asked == (unsigned)node[1].arg[0]);
    expect_bits(view.theta, view.ability.theta[0], "the first dimension");
}

static void expect_repeats(const struct test *test, const struct bank *bank,
                           const struct journal *journal)
{
    struct sitting again;

    sitting_open(&again, test, bank);
    for (size_t i = 0; i < journal->n; i++) {
        struct outcome wrong = journal->outcome[i];

        if (i + 1 < journal->n) {
            cr_assert(session_replay(again.session, &journal->event[i], &wrong, again.workspace) ==
                      OK);
            continue;
        }
        wrong.ability.se[1] = nextafter(wrong.ability.se[1], 9.0);
        cr_expect(session_replay(again.session, &journal->event[i], &wrong, again.workspace) ==
                  CORRUPT);
    }
    sitting_close(&again);
}

static void run(struct dice *dice, const struct bank *bank, bool has_prior)
{
    struct prior_dims own = {.n_cov = bank_n_dim(bank)};
    struct journal journal = {.n = 0};
    struct sitting sitting;
    struct event event;
    struct test test;

    for (size_t i = 0; i < own.n_cov * own.n_cov; i++) own.cov[i] = i % (own.n_cov + 1) ? 0.3 : 1.2;
    test_draw(&test, dice, (unsigned)own.n_cov);
    sitting_open(&sitting, &test, bank);
    event = sitting_event(&sitting, EVENT_STARTED);
    event.seed = dice_bits(dice) >> 11;
    event.has_prior = has_prior;
    event.prior_mean = 0.385;
    event.prior_sd = 1.0;
    event.prior_dims = has_prior ? &own : NULL;
    take(&sitting, &event, &journal);
    if (has_prior) expect_bits(sitting_view(&sitting).ability.se[1], sqrt(1.2), "SE at the start");
    while (sitting_view(&sitting).state == SESSION_ASKING) {
        unsigned n_cat = bank_item(bank, sitting_view(&sitting).item)->n_cat;

        sitting.now_ms += 1000;
        event = sitting_answer_event(&sitting, (unsigned)dice_below(dice, n_cat));
        take(&sitting, &event, &journal);
    }
    expect_end(&sitting);
    expect_repeats(&test, bank, &journal);
    sitting_close(&sitting);
}

Test(sessions_dims, pick_right_stop_right_and_repeat_to_the_bit)
{
    struct dice dice = dice_new("sessions", 883);

    for (int trial = 0; trial < N_TRIAL; trial++) {
        struct bank *bank = bank_random_dims(&dice, 2 + (unsigned)dice_below(&dice, 2), N_ITEM);

        run(&dice, bank, trial % 3 == 0);
        bank_free(bank);
    }
}

Test(sessions_dims, plan_fills_in_by_the_dimensions)
{
    struct dice dice = dice_new("plan", 887);

    for (unsigned n_dim = 1; n_dim <= LIMIT_DIMS; n_dim++) {
        struct bank *bank = bank_random_dims(&dice, n_dim, N_ITEM);
        struct sitting sitting;
        struct test test;

        test_init(&test);
        test.start_theta = 0.385;
        sitting_open(&sitting, &test, bank);
        cr_expect(sitting.plan->test.pick.criterion ==
                  (n_dim == 1 ? &criterion_mfi : &criterion_DPrule));
        for (unsigned m = 0; m < n_dim; m++) {
            expect_bits(sitting.plan->start_theta[m], 0.385, "start %u", m);
            expect_bits(sitting.plan->weights[m], 1.0, "weight %u", m);
        }
        cr_assert(sitting_start(&sitting, 1) == OK && sitting_answer(&sitting, 1) == OK);
        cr_expect(sitting_view(&sitting).n_dim == n_dim);
        sitting_close(&sitting);
        bank_free(bank);
    }
}

/* Every row of a table fits a bank of one dimension or of several, as it says. */
static enum status plan_with(const struct bank *bank, const struct stop_rule *rule,
                             const struct criterion *criterion)
{
    struct faults faults = {0};
    struct plan *plan = NULL;
    struct test test;
    enum status st;

    test_init(&test);
    test.n_cut = 0;
    if (criterion) test.pick.criterion = criterion;
    if (rule) stop_any(&test, (struct stop_node[]){stop_at(rule, 1.0)}, 1);
    st = plan_new(&test, bank, &plan, &faults);
    plan_free(plan);
    faults_done(&faults);
    return st;
}

Test(sessions_dims, rows_are_refused_where_they_say_so)
{
    struct dice dice = dice_new("rows", 907);

    for (unsigned n_dim = 1; n_dim <= 2; n_dim++) {
        struct bank *bank = bank_random_dims(&dice, n_dim, N_ITEM);

        for (size_t i = 0; criteria[i]; i++) {
            cr_expect((plan_with(bank, NULL, criteria[i]) == OK) ==
                          dims_fit(criteria[i]->dims, n_dim),
                      "%s, %u", criteria[i]->name, n_dim);
        }
        for (size_t i = 0; stop_rules[i]; i++) {
            cr_expect((plan_with(bank, stop_rules[i], NULL) == OK) ==
                          dims_fit(stop_rules[i]->dims, n_dim),
                      "%s, %u", stop_rules[i]->name, n_dim);
        }
        bank_free(bank);
    }
}
