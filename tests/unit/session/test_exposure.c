/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session does with the items that it is not to be asked. */
#include "session/explain.h"
#include "session/session.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N_ITEM = 6 };

static void make(size_t i, void *context, struct item_spec *spec)
{
    (void)context;
    spec->model = &model_2pl;
    spec->value[SLOT_A] = 2.0 - 0.1 * (double)i;  // q1 is the best wherever theta is about 0
    spec->value[SLOT_B] = 0.0;
}

struct stage {
    struct bank *bank;
    struct sitting sitting;
    struct event start;
};

static struct stage stage_open(size_t n_cut, const struct kept_out *kept, uint32_t n_kept)
{
    struct stage stage = {.bank = bank_make(N_ITEM, make, NULL)};
    struct test test;

    test_init(&test);
    test.exposure.rule = &exposure_eligibility;
    test.exposure.eligibility.n_cut = n_cut;
    test.exposure.eligibility.cut[0] = 0.1;
    strcpy(test.start_items[0], "q5");
    sitting_open(&stage.sitting, &test, stage.bank);
    stage.start = sitting_event(&stage.sitting, EVENT_STARTED);
    stage.start.kept = kept;
    stage.start.n_kept = n_kept;
    return stage;
}

static void stage_close(struct stage *stage)
{
    sitting_close(&stage->sitting);
    bank_free(stage->bank);
}

static uint32_t asked(struct stage *stage)
{
    return sitting_view(&stage->sitting).item;
}

Test(session_exposure, ineligible_items_come_last)
{
    static const struct kept_out kept[] = {{0, 1}, {2, 1}, {3, KEPT_SEEN}};
    static const uint32_t want[] = {1, 4, 5, 0, 2};
    struct stage stage = stage_open(0, kept, 3);

    cr_assert_eq(sitting_take(&stage.sitting, &stage.start), OK);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        cr_expect_eq(asked(&stage), want[i], "question %zu: %u", i + 1, asked(&stage));
        cr_assert_eq(sitting_answer(&stage.sitting, i % 2), OK);
    }
    cr_expect_str_eq(sitting_view(&stage.sitting).stop, "pool", "what was seen never comes");
    stage_close(&stage);
}

/* An item is kept out by the interval that theta lies in when the question is picked. */
Test(session_exposure, intervals_count_where_theta_is)
{
    static const struct kept_out kept[] = {{0, 1}, {1, 2}};
    struct stage stage = stage_open(1, kept, 2);
    struct news first, second;

    cr_assert_eq(sitting_take(&stage.sitting, &stage.start), OK);
    first = session_news(stage.sitting.session);
    cr_expect(asked(&stage) == 1 && first.item == 1 && first.interval == 0);
    cr_expect(!first.ends);
    cr_assert_eq(sitting_answer(&stage.sitting, 1), OK);
    cr_assert_gt(sitting_view(&stage.sitting).theta, 0.1);
    second = session_news(stage.sitting.session);
    cr_expect(asked(&stage) == 0 && second.interval == 1);
    cr_assert_eq(sitting_answer(&stage.sitting, 1), OK);
    cr_expect_eq(session_last_item(stage.sitting.session), asked(&stage));
    cr_assert_eq(sitting_do(&stage.sitting, EVENT_SUSPENDED), OK);
    cr_expect_eq(session_news(stage.sitting.session).item, NO_ITEM, "nothing new");
    cr_assert_eq(sitting_do(&stage.sitting, EVENT_FINISHED), OK);
    cr_expect(session_news(stage.sitting.session).ends);
    cr_assert_eq(sitting_do(&stage.sitting, EVENT_VOIDED), OK);
    cr_expect(!session_news(stage.sitting.session).ends, "a session ends once");
    stage_close(&stage);
}

Test(session_exposure, used_items_are_out)
{
    static const uint32_t used[] = {1, NO_ITEM, 4};
    struct stage stage = stage_open(0, NULL, 0);
    struct event answer;

    stage.start.used = used;
    stage.start.n_used = 1;
    cr_assert_eq(sitting_take(&stage.sitting, &stage.start), OK);
    cr_expect_eq(asked(&stage), 0);
    answer = sitting_answer_event(&stage.sitting, 1);
    answer.used = used;
    answer.n_used = 3;
    cr_assert_eq(sitting_take(&stage.sitting, &answer), OK);
    cr_expect_eq(asked(&stage), 2);
    stage_close(&stage);
}

/* Items that the test names are asked whether they are eligible or not, but neither when they are
 * used up nor when the examinee has seen them. */
Test(session_exposure, start_items)
{
    static const struct kept_out ineligible[] = {{4, 1}}, seen[] = {{4, KEPT_SEEN}};
    static const uint32_t used[] = {4};
    struct test test;

    for (int which = 0; which < 3; which++) {
        struct stage stage = stage_open(0, which == 1 ? seen : ineligible, 1);

        test = stage.sitting.plan->test;
        test.n_start = 1;
        sitting_close(&stage.sitting);
        sitting_open(&stage.sitting, &test, stage.bank);
        stage.start.used = used;
        stage.start.n_used = which == 2;
        cr_assert_eq(sitting_take(&stage.sitting, &stage.start), OK);
        cr_expect_eq(asked(&stage) == 4, which == 0, "case %d", which);
        stage_close(&stage);
    }
}

Test(session_exposure, explained)
{
    static const struct kept_out kept[] = {{0, 1}, {2, KEPT_SEEN}, {3, 2}};
    static const uint32_t used[] = {1};
    static const enum item_part want[N_ITEM] = {
        [0] = PART_NOT_ELIGIBLE, [1] = PART_USED_UP,   [2] = PART_SEEN_BEFORE,
        [3] = PART_ASKED,        [4] = PART_CANDIDATE, [5] = PART_CANDIDATE};
    struct stage stage = stage_open(1, kept, 3);
    struct explained_item items[N_ITEM];
    struct explanation why = {.items = items};

    stage.start.used = used;
    stage.start.n_used = 1;
    cr_assert_eq(sitting_take(&stage.sitting, &stage.start), OK);
    session_explain(stage.sitting.session, &stage.start, stage.sitting.workspace, &why);
    for (size_t i = 0; i < N_ITEM; i++) {
        cr_expect_eq(items[i].part, want[items[i].item], "item %u is %s", items[i].item,
                     item_part_names[items[i].part]);
    }
    stage_close(&stage);
}
