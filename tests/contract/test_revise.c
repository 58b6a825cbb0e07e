/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a revised or late scored session comes to is, to the bit, what a session comes to that was
 * asked the same questions and had those answers from the start. Such a session is made by naming
 * the questions as start items. */
#include "tests/support/any_test.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_ITEM = 40, N_ANSWER = 9, N_LATER = 4 };

_Static_assert(N_ANSWER + 1 <= (int)LIMIT_START_ITEMS, "a path can be named");

/* Every other item is scored later, where *context says so. */
struct making {
    struct dice dice;
    bool has_later;
};

static void make(size_t i, void *context, struct item_spec *spec)
{
    struct making *making = context;
    static const char *const place[] = {"north", "east", "south"};
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    spec_random(&making->dice, models[i % n_model], spec);
    spec->n_tag = 1;
    spec->tags[0] = (struct tag){slice_str("place"), slice_str(place[i % 3])};
    spec->is_later = making->has_later && i % 2 == 1;
}

static struct bank *bank_some(const char *name, bool has_later)
{
    struct making making = {.dice = dice_new(name, 1201), .has_later = has_later};

    return bank_make(N_ITEM, make, &making);
}

/* A test that lasts for more answers than are given here. Its rules are consulted after the answer
 * that follows on N_ANSWER others, and not before. */
static void draw(struct test *test, struct dice *dice)
{
    test_any(test, dice);
    test->n_start = 0;
    test->n_revise = N_ANSWER;
    test->min_items = N_ANSWER + 1;
    stop_any(test,
             (struct stop_node[]){stop_at(&stop_length, N_ANSWER + 5),
                                  stop_at(&stop_se_change, dice_between(dice, 0.001, 0.02)),
                                  stop_at(&stop_se, dice_between(dice, 0.2, 0.6))},
             3);
}

/* The same test by the same way. */
static void name_path(struct test *test, const struct sitting *sitting)
{
    const struct bank *bank = sitting->plan->bank;
    unsigned n = session_n_answer(sitting->session);

    for (unsigned seq = 1; seq <= n; seq++) {
        uint32_t item = session_answered_item(sitting->session, seq);

        strcpy(test->start_items[seq - 1], bank_id(bank, item));
    }
    strcpy(test->start_items[n], bank_id(bank, sitting_view(sitting).item));
    test->n_start = n + 1;
}

static struct response any_response(const struct bank *bank, uint32_t item, struct dice *dice)
{
    unsigned score = (unsigned)dice_below(dice, bank_item(bank, item)->n_cat);

    if (bank_is_later(bank, item)) {
        return (struct response){.kind = RESPONSE_LATER, .raw = slice_str(score ? "so" : "or so")};
    }
    /* Constant patterns have rules of their own: they must not be rare. */
    if (dice_chance(dice, 0.6)) score = bank_item(bank, item)->n_cat - 1;
    if (dice_chance(dice, 0.15)) return (struct response){.kind = RESPONSE_OMITTED};
    return (struct response){.kind = RESPONSE_SCORE, .score = (uint8_t)score};
}

static void answer(struct sitting *sitting, struct response response)
{
    struct event event = sitting_answer_event(sitting, 0);

    event.response = response;
    cr_assert(sitting_take(sitting, &event) == OK);
}

static void expect_same(const struct sitting *one, const struct sitting *other, const char *what)
{
    struct session_view a = sitting_view(one), b = sitting_view(other);

    expect_bits(a.theta, b.theta, "theta %s", what);
    expect_bits(a.se, b.se, "SE %s", what);
    cr_expect(a.n_pending == b.n_pending && a.state == b.state && a.seq == b.seq, "%s", what);
    cr_expect(a.stop == b.stop || (a.stop && b.stop && strcmp(a.stop, b.stop) == 0), "%s", what);
}

/* The next answer consults the stop rules, which look at the one before too. */
static void expect_same_next(struct sitting *one, struct sitting *other, struct response response)
{
    cr_assert(sitting_view(one).item == sitting_view(other).item);
    answer(one, response);
    answer(other, response);
    expect_same(one, other, "after the next answer");
}

static void revise(struct sitting *sitting, uint32_t seq, struct response response)
{
    struct event event = sitting_event(sitting, EVENT_REVISED);

    event.seq = seq;
    event.item = session_answered_item(sitting->session, seq);
    event.response = response;
    cr_assert(sitting_take(sitting, &event) == OK);
}

static void check_revision(const struct bank *bank, struct dice *dice)
{
    struct test test;
    struct sitting sitting, from_the_start;
    struct response response[N_ANSWER];
    struct session_view before, after;

    draw(&test, dice);
    sitting_open(&sitting, &test, bank);
    cr_assert(sitting_start(&sitting, 99) == OK);
    for (int j = 0; j < N_ANSWER; j++) {
        response[j] = any_response(bank, sitting_view(&sitting).item, dice);
        answer(&sitting, response[j]);
    }
    before = sitting_view(&sitting);
    for (size_t n = 1 + dice_below(dice, 4); n > 0; n--) {
        uint32_t j = (uint32_t)dice_below(dice, N_ANSWER);

        response[j] = any_response(bank, session_answered_item(sitting.session, j + 1), dice);
        revise(&sitting, j + 1, response[j]);
    }
    after = sitting_view(&sitting);
    cr_expect(after.item == before.item && after.seq == before.seq && after.asked == before.asked);

    name_path(&test, &sitting);
    sitting_open(&from_the_start, &test, bank);
    cr_assert(sitting_start(&from_the_start, 99) == OK);
    for (int j = 0; j < N_ANSWER; j++) answer(&from_the_start, response[j]);
    expect_same(&sitting, &from_the_start, "after the revisions");
    expect_same_next(&sitting, &from_the_start, any_response(bank, after.item, dice));
    sitting_close(&sitting);
    sitting_close(&from_the_start);
}

Test(revise, is_as_if_it_had_been_answered_so)
{
    struct dice dice = dice_new("revise", 1213);
    struct bank *bank = bank_some("revised", true);

    for (int trial = 0; trial < 150; trial++) check_revision(bank, &dice);
    bank_free(bank);
}

static void score(struct sitting *sitting, uint32_t seq, unsigned k)
{
    struct event event = sitting_event(sitting, EVENT_SCORED);

    event.seq = seq;
    event.response.score = (uint8_t)k;
    cr_assert(sitting_take(sitting, &event) == OK && sitting->effects.changed);
}

/* A finished session and what it waits for: which questions, and the scores to come. */
struct waiting {
    struct test test;
    uint32_t seq[N_ANSWER];
    uint8_t score[N_ANSWER];
    size_t n;
};

/* Sit the test; `known` of the scores that it waits for come before the end. */
static void sit(struct sitting *sitting, const struct bank *bank, const struct waiting *waiting,
                size_t known, const struct response *response)
{
    sitting_open(sitting, &waiting->test, bank);
    cr_assert(sitting_start(sitting, 99) == OK);
    for (int j = 0; j < N_ANSWER; j++) answer(sitting, response[j]);
    for (size_t i = 0; i < known; i++) score(sitting, waiting->seq[i], waiting->score[i]);
    cr_assert(sitting_do(sitting, EVENT_FINISHED) == OK);
}

/* All orders of what is left of `waiting`, which come to `want`. */
static void permute(const struct bank *bank, struct waiting *waiting, size_t from,
                    const struct response *response, const struct session_view *want)
{
    struct sitting sitting;
    struct session_view view;
    size_t known = waiting->score[0] % 2;  // sometimes one comes before the end

    for (size_t i = from; i < waiting->n; i++) {
        for (int back = 0; back < 2; back++) {
            uint32_t seq = waiting->seq[from];
            uint8_t k = waiting->score[from];

            waiting->seq[from] = waiting->seq[i];
            waiting->score[from] = waiting->score[i];
            waiting->seq[i] = seq;
            waiting->score[i] = k;
            if (back == 0) permute(bank, waiting, from + 1, response, want);
        }
    }
    if (from < waiting->n) return;
    sit(&sitting, bank, waiting, known, response);
    for (size_t i = known; i < waiting->n; i++) {
        cr_expect(sitting_view(&sitting).n_pending == waiting->n - i);
        score(&sitting, waiting->seq[i], waiting->score[i]);
    }
    view = sitting_view(&sitting);
    cr_expect(view_equal(&view, want), "theta %.17g, not %.17g", view.theta, want->theta);
    sitting_close(&sitting);
}

/* Late scores in every order against a bank whose items are all scored at once. */
static void check_orders(const struct bank *later, const struct bank *at_once, struct dice *dice)
{
    struct waiting waiting = {.n = 0};
    struct sitting sitting;
    struct response response[N_ANSWER], scored[N_ANSWER];
    struct session_view want;

    draw(&waiting.test, dice);
    sitting_open(&sitting, &waiting.test, later);
    cr_assert(sitting_start(&sitting, 99) == OK);
    for (int j = 0; j < N_ANSWER; j++) {
        uint32_t item = sitting_view(&sitting).item;

        response[j] = any_response(later, item, dice);
        scored[j] = response[j];
        if (response[j].kind == RESPONSE_LATER && waiting.n == N_LATER) break;
        if (response[j].kind == RESPONSE_LATER) {
            uint8_t k = (uint8_t)dice_below(dice, bank_item(later, item)->n_cat);

            waiting.seq[waiting.n] = (uint32_t)j + 1;
            waiting.score[waiting.n++] = k;
            scored[j] = (struct response){.kind = RESPONSE_SCORE, .score = k};
        }
        answer(&sitting, response[j]);
    }
    if (session_n_answer(sitting.session) == N_ANSWER && waiting.n > 0) {
        struct sitting known;

        name_path(&waiting.test, &sitting);
        sit(&known, at_once, &(struct waiting){.test = waiting.test}, 0, scored);
        want = sitting_view(&known);
        permute(later, &waiting, 0, response, &want);
        sitting_close(&known);
    }
    sitting_close(&sitting);
}

Test(revise, late_scores_come_to_the_same_in_any_order)
{
    struct dice dice = dice_new("orders", 1217);
    struct bank *later = bank_some("scored", true), *at_once = bank_some("scored", false);

    for (int trial = 0; trial < 40; trial++) check_orders(later, at_once, &dice);
    bank_free(later);
    bank_free(at_once);
}

/* Another score takes the place of the first one, and leaves nothing of it. */
Test(revise, a_corrected_score_leaves_no_trace)
{
    struct bank *bank = bank_some("corrected", true);
    struct sitting once, twice;
    struct session_view a, b;
    struct event event;
    struct test test;

    test_init(&test);
    strcpy(test.start_items[0], "q2");
    test.n_start = 1;
    sitting_open(&once, &test, bank);
    sitting_open(&twice, &test, bank);
    for (int i = 0; i < 2; i++) {
        struct sitting *sitting = i ? &twice : &once;

        cr_assert(sitting_start(sitting, 7) == OK);
        cr_assert(sitting_answer(sitting, 0) == OK);
        cr_assert(sitting_do(sitting, EVENT_FINISHED) == OK);
    }
    score(&twice, 1, 1);
    score(&twice, 1, 0);
    score(&once, 1, 0);
    a = sitting_view(&once);
    b = sitting_view(&twice);
    cr_expect(view_equal(&a, &b));
    event = sitting_event(&once, EVENT_SCORED);
    event.seq = 1;
    cr_expect(sitting_take(&once, &event) == OK && !once.effects.changed, "the same again");
    sitting_close(&once);
    sitting_close(&twice);
    bank_free(bank);
}
