/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random sessions of random tests: the picks are those of the slow search, and the same events give
 * the same bits. */
#include "tests/support/any_test.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_ITEM = 60, N_GROUP = 4, N_RECORD = 9 * N_ITEM };

/* A journal of one session. */
struct journal {
    struct event event[N_RECORD];
    struct outcome outcome[N_RECORD];
    size_t n;
    uint32_t retired[N_ITEM];
};

static void make(size_t i, void *context, struct item_spec *spec)
{
    static const char *const group[N_GROUP] = {"north", "east", "south", "west"};
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    spec_random(context, models[i % n_model], spec);
    spec->n_tag = 1;
    spec->tags[0] = (struct tag){slice_str("place"), slice_str(group[(i * 7 + i / 5) % N_GROUP])};
    spec->is_later = i % 9 == 4;
}

static void note(struct journal *journal, const struct sitting *sitting, const struct event *event)
{
    if (!sitting->effects.changed) return;
    cr_assert(journal->n < N_RECORD);
    journal->event[journal->n] = *event;
    journal->outcome[journal->n] = sitting->effects.outcome;
    journal->n++;
}

static void retire_one(struct sitting *sitting, struct journal *journal, struct dice *dice)
{
    sitting->retired = journal->retired;
    if (sitting->n_retired < N_ITEM / 2) {
        uint32_t item = dice_chance(dice, 0.1) ? NO_ITEM : (uint32_t)dice_below(dice, N_ITEM);

        journal->retired[sitting->n_retired++] = item;
    }
}

static unsigned score_draw(const struct sitting *sitting, uint32_t item, struct dice *dice)
{
    return (unsigned)dice_below(dice, bank_item(sitting->plan->bank, item)->n_cat);
}

static struct response response_draw(const struct sitting *sitting, uint32_t item,
                                     struct dice *dice)
{
    struct response response = {.score = (uint8_t)score_draw(sitting, item, dice)};

    if (bank_is_later(sitting->plan->bank, item)) {
        return (struct response){.kind = RESPONSE_LATER,
                                 .raw = slice_str(dice_chance(dice, 0.5) ? "an essay" : "")};
    }
    if (dice_chance(dice, 0.1)) return (struct response){.kind = RESPONSE_OMITTED};
    if (dice_chance(dice, 0.1)) {
        response.kind = RESPONSE_RAW;
        response.raw = slice_str("Wien");
    }
    return response;
}

static struct event answer_draw(const struct sitting *sitting, struct dice *dice)
{
    struct event event = sitting_answer_event(sitting, 0);

    event.response = response_draw(sitting, event.item, dice);
    return event;
}

static bool was_given(const struct sitting *sitting, uint32_t item)
{
    for (uint32_t seq = 1; seq <= session_n_answer(sitting->session); seq++) {
        if (session_answered_item(sitting->session, seq) == item) return true;
    }
    return false;
}

static bool may_be_asked(const struct sitting *sitting, uint32_t item)
{
    for (uint32_t j = 0; j < sitting->n_retired; j++) {
        if (sitting->retired[j] == item) return false;
    }
    return !was_given(sitting, item);
}

/* The group of an item by its tag, n_target where it has none. */
static size_t group_of(const struct plan *plan, uint32_t item)
{
    struct slice value = bank_tag(plan->bank, item, slice_str(plan->test.content_tag));
    size_t g = 0;

    while (g < plan->test.n_target && !slice_equal_str(value, plan->test.targets[g].value)) g++;
    return g;
}

/* How many of a group were given, and whether one is left. */
static unsigned count_group(const struct sitting *sitting, size_t group, bool *is_open)
{
    unsigned n = 0;

    *is_open = false;
    for (uint32_t i = 0; i < N_ITEM; i++) {
        if (group_of(sitting->plan, i) != group) continue;
        n += was_given(sitting, i);
        *is_open |= may_be_asked(sitting, i);
    }
    return n;
}

/* The group that is due (Kingsbury and Zara 1989) among those with an item left. */
static size_t group_due(const struct sitting *sitting)
{
    const struct test *test = &sitting->plan->test;
    double n = session_n_answer(sitting->session), widest = -2.0;
    size_t due = SIZE_MAX;

    for (size_t g = 0; g < test->n_target; g++) {
        bool is_open;
        unsigned count = count_group(sitting, g, &is_open);
        double gap = test->targets[g].proportion - count / n;

        if (!is_open) continue;
        if (count == 0) return g;
        if (gap > widest) {
            widest = gap;
            due = g;
        }
    }
    return due;
}

/* How many items that might have been asked are strictly better than the one that was. */
static size_t n_better(const struct sitting *sitting, uint32_t asked, size_t group)
{
    const struct plan *plan = sitting->plan;
    double theta = sitting_view(sitting).theta;
    const struct item *one = bank_item(plan->bank, asked);
    double value = one->model->info(one, theta);
    size_t n = 0;

    for (uint32_t i = 0; i < N_ITEM; i++) {
        const struct item *other = bank_item(plan->bank, i);

        if (!may_be_asked(sitting, i)) continue;
        if (group != SIZE_MAX && group_of(plan, i) != group) continue;
        n += other->model->info(other, theta) > value;
    }
    return n;
}

/* The item on the screen is one that may be asked, in turn and in its group; by MFI it is among the
 * best. */
static void check_pick(const struct sitting *sitting)
{
    const struct plan *plan = sitting->plan;
    bool is_first = session_n_answer(sitting->session) == 0;
    const struct pick_rule *rule = is_first ? &plan->test.first_pick : &plan->test.pick;
    uint32_t asked = sitting_view(sitting).item;
    size_t group = SIZE_MAX;

    expect_true(may_be_asked(sitting, asked), "item %u was given or is retired", asked);
    for (size_t s = 0; s < plan->test.n_start; s++) {
        uint32_t start = (uint32_t)bank_find(plan->bank, slice_str(plan->test.start_items[s]));

        if (!may_be_asked(sitting, start)) continue;
        expect_true(asked == start, "item %u asked, not start item %u", asked, start);
        return;
    }
    if (plan->proportions && session_n_answer(sitting->session) > 0) {
        group = group_due(sitting);
        expect_true(group_of(plan, asked) == group, "item %u is not of group %zu", asked, group);
    }
    if (rule->criterion == &criterion_mfi) {
        size_t n = n_better(sitting, asked, group);

        expect_true(n < rule->n_best, "%zu items are better than %u", n, asked);
    }
}

static void take_and_note(struct sitting *sitting, struct journal *journal,
                          const struct event *event)
{
    cr_assert(sitting_take(sitting, event) == OK);
    note(journal, sitting, event);
    cr_assert(sitting_take(sitting, event) == OK && !sitting->effects.changed);
}

/* One of the last answers is thought over. */
static void revise_one(struct sitting *sitting, struct journal *journal, struct dice *dice)
{
    struct event event = sitting_event(sitting, EVENT_REVISED);
    unsigned n = session_n_answer(sitting->session), most = sitting_view(sitting).n_revisable;

    if (most == 0) return;
    event.seq = n - (uint32_t)dice_below(dice, most);
    event.item = session_answered_item(sitting->session, event.seq);
    event.response = response_draw(sitting, event.item, dice);
    take_and_note(sitting, journal, &event);
}

/* A person scores one answer, where there is one to score. */
static void score_one(struct sitting *sitting, struct journal *journal, struct dice *dice)
{
    struct event event = sitting_event(sitting, EVENT_SCORED);
    unsigned n = session_n_answer(sitting->session);

    for (event.seq = 1; event.seq <= n; event.seq++) {
        uint32_t item = session_answered_item(sitting->session, event.seq);

        if (!bank_is_later(sitting->plan->bank, item) || dice_chance(dice, 0.3)) continue;
        event.response.score = (uint8_t)score_draw(sitting, item, dice);
        take_and_note(sitting, journal, &event);
        return;
    }
}

/* Suspend and resume, retire, revise, score: what may come between answers. */
static void interlude(struct sitting *sitting, struct journal *journal, struct dice *dice)
{
    static const enum event_kind kinds[] = {EVENT_SUSPENDED, EVENT_SUSPENDED, EVENT_RESUMED};

    if (dice_chance(dice, 0.1)) retire_one(sitting, journal, dice);
    if (dice_chance(dice, 0.3)) revise_one(sitting, journal, dice);
    if (dice_chance(dice, 0.3)) score_one(sitting, journal, dice);
    if (!dice_chance(dice, 0.1)) return;
    for (size_t j = 0; j < COUNT_OF(kinds); j++) {
        struct event event;

        sitting->now_ms += (int64_t)dice_below(dice, 5000) - 500;
        event = sitting_event(sitting, kinds[j]);
        cr_assert(sitting_take(sitting, &event) == OK);
        note(journal, sitting, &event);
    }
}

/* A whole session; everything that changed it goes to the journal. */
static void run(struct sitting *sitting, struct journal *journal, struct dice *dice)
{
    struct event event = sitting_event(sitting, EVENT_STARTED);

    event.seed = dice_bits(dice);
    event.has_prior = dice_chance(dice, 0.3);
    event.prior_mean = 0.385;
    event.prior_sd = 0.7;
    cr_assert(sitting_take(sitting, &event) == OK);
    note(journal, sitting, &event);
    while (sitting_view(sitting).state == SESSION_ASKING) {
        check_pick(sitting);
        interlude(sitting, journal, dice);
        sitting->now_ms += (int64_t)dice_below(dice, 20000) - 1000;
        event = dice_chance(dice, 0.01) ? sitting_event(sitting, EVENT_FINISHED)
                                        : answer_draw(sitting, dice);
        cr_assert(sitting_take(sitting, &event) == OK);
        note(journal, sitting, &event);
        if (event.kind != EVENT_ANSWERED) continue;
        cr_assert(sitting_take(sitting, &event) == OK && !sitting->effects.changed);
    }
    for (int i = 0; i < 6; i++) score_one(sitting, journal, dice);
}

/* A number one ulp away, another item, another reason. */
static void falsify(struct outcome *outcome, size_t which)
{
    if (which == 0) outcome->theta = nextafter(outcome->theta, 99.0);
    if (which == 1) outcome->se = isnan(outcome->se) ? 0.385 : nextafter(outcome->se, 99.0);
    if (which == 2) outcome->item = outcome->item == NO_ITEM ? 0 : NO_ITEM;
    if (which == 3) outcome->stop = outcome->stop ? NULL : "pool";
}

/* The events again, with the outcome of event `bad` changed in one field (none where that is too
 * large); returns where the replay ended. */
static size_t replay(const struct test *test, const struct bank *bank,
                     const struct journal *journal, size_t bad, size_t which)
{
    struct sitting sitting;
    size_t i = 0;
    enum status st = OK;

    sitting_open(&sitting, test, bank);
    for (; i < journal->n && st == OK; i++) {
        struct outcome outcome = journal->outcome[i];

        if (i == bad) falsify(&outcome, which);
        st = session_replay(sitting.session, &journal->event[i], &outcome, sitting.workspace);
        if (st) break;
    }
    cr_assert(st == OK || st == CORRUPT);
    sitting_close(&sitting);
    return i;
}

static void check_session(const struct bank *bank, struct dice *dice)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    struct sitting sitting, again;
    struct test test;
    struct session_view one, other;
    size_t bad, which = dice_below(dice, 4);

    cr_assert(journal);
    test_any(&test, dice);
    sitting_open(&sitting, &test, bank);
    run(&sitting, journal, dice);
    cr_assert(replay(&test, bank, journal, SIZE_MAX, 0) == journal->n);
    bad = dice_below(dice, journal->n);
    expect_true(replay(&test, bank, journal, bad, which) == bad,
                "outcome %zu with field %zu changed", bad, which);

    sitting_open(&again, &test, bank);
    for (size_t i = 0; i < journal->n; i++) {
        cr_assert(session_replay(again.session, &journal->event[i], &journal->outcome[i],
                                 again.workspace) == OK);
    }
    one = sitting_view(&sitting);
    other = sitting_view(&again);
    cr_expect(view_equal(&one, &other));
    cr_expect(session_n_event(again.session) == journal->n);
    sitting_close(&again);
    sitting_close(&sitting);
    free(journal);
}

Test(replay, random_sessions_pick_right_and_repeat_to_the_bit)
{
    struct dice dice = dice_new("replay", 601);
    struct bank *bank = bank_make(N_ITEM, make, &dice);

    for (int trial = 0; trial < 60; trial++) check_session(bank, &dice);
    bank_free(bank);
}

/* Sessions of one thread take turns with one workspace and leave nothing in it for each other. */
Test(replay, sessions_may_share_a_workspace)
{
    enum { N = 5 };
    struct dice dice = dice_new("shared", 613);
    struct bank *bank = bank_make(N_ITEM, make, &dice);
    struct workspace *workspace = workspace_new(N_ITEM);
    struct sitting alone[N], sharing[N];

    cr_assert(workspace);
    for (size_t i = 0; i < N; i++) {
        struct test test;

        test_any(&test, &dice);
        stop_any(&test, (struct stop_node[]){stop_at(&stop_length, 12)}, 1);
        sitting_open(&alone[i], &test, bank);
        sitting_open(&sharing[i], &test, bank);
        workspace_free(sharing[i].workspace);
        sharing[i].workspace = workspace;
        cr_assert(sitting_start(&alone[i], i) == OK && sitting_start(&sharing[i], i) == OK);
    }
    for (size_t turn = 0; turn < 12 * N; turn++) {
        struct sitting *one = &alone[turn % N], *other = &sharing[turn % N];
        struct session_view a = sitting_view(one), b = sitting_view(other);

        cr_assert(view_equal(&a, &b), "session %zu, question %u", turn % N, a.seq);
        cr_assert(sitting_answer(one, turn % 2) == OK && sitting_answer(other, turn % 2) == OK);
    }
    for (size_t i = 0; i < N; i++) {
        cr_expect(sitting_view(&sharing[i]).state == SESSION_FINISHED);
        sharing[i].workspace = NULL;
        sitting_close(&sharing[i]);
        sitting_close(&alone[i]);
    }
    workspace_free(workspace);
    bank_free(bank);
}

/* An event that changes nothing has no record, so a journal with one is not ours. */
Test(replay, an_event_that_changes_nothing_is_corrupt)
{
    struct dice dice = dice_new("unchanged", 607);
    struct bank *bank = bank_make(N_ITEM, make, &dice);
    struct sitting sitting;
    struct test test;
    struct event event;

    test_init(&test);
    sitting_open(&sitting, &test, bank);
    cr_assert(sitting_start(&sitting, 5) == OK);
    event = sitting_answer_event(&sitting, 1);
    cr_assert(sitting_take(&sitting, &event) == OK);
    cr_expect(session_replay(sitting.session, &event, &sitting.effects.outcome,
                             sitting.workspace) == CORRUPT);
    event.seq = 7;
    cr_expect(session_replay(sitting.session, &event, &sitting.effects.outcome,
                             sitting.workspace) == CORRUPT);
    sitting_close(&sitting);
    bank_free(bank);
}

Test(replay, outcomes_are_equal_by_their_bits)
{
    struct outcome one = {.theta = 0.385, .se = (double)NAN, .item = 7, .stop = "length"};
    char stop[] = "length";
    struct outcome other = one;

    other.stop = stop;
    cr_expect(outcome_equal(&one, &other), "the same text elsewhere, and NaN is itself");
    other.stop = "se";
    cr_expect(!outcome_equal(&one, &other));
    other.stop = NULL;
    cr_expect(!outcome_equal(&one, &other));
    other = one;
    one.theta = 0.0;
    other.theta = -0.0;
    cr_expect(!outcome_equal(&one, &other));
}
