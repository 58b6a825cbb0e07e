/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every event in every state: what the header says of it, and nothing else. */
#include "tests/support/banks.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

enum { N_ITEM = 9 };

/* What may be sent; the kinds of answers stand apart. */
enum sent {
    SENT_ANSWER,        // to the present question, or to the one that would come
    SENT_ANSWER_AGAIN,  // the last answer once more
    SENT_OTHER_ANSWER,  // to the last question, another score
    SENT_OTHER_KIND,    // the same score, but as an omission
    SENT_OTHER_RAW,     // the same score, by another raw answer
    SENT_WRONG_ITEM,    // to the present question, naming another item
    SENT_WRONG_LAST,    // to the last question, naming another item
    SENT_BAD_SCORE,     // to the present question
    SENT_EARLIER,       // to the question before the last
    SENT_ZERO,          // to question 0
    SENT_LATER,         // to the question after the present one
    SENT_SUSPEND,
    SENT_RESUME,
    SENT_FINISH,
    SENT_VOID,
    SENT_REVISION,        // of the last answer
    SENT_SAME_REVISION,   // which the answer has already
    SENT_OLDER_REVISION,  // of the first answer, which is out of reach
    SENT_EARLY_REVISION,  // of the question on the screen
    SENT_WRONG_REVISION,  // of the last answer, naming another item
    SENT_BAD_REVISION,    // to a score that the item has not
    SENT_SCORE,           // for the last answer, which has one already
    SENT_EARLY_SCORE,     // for the question on the screen
    SENT_N,
};

/* What comes of it: an error, or the state it leads to and whether that is a change. */
struct want {
    enum status status;
    bool changed;
    enum session_state to;
};

#define ERROR(st)                                                                                  \
    {                                                                                              \
        .status = st                                                                               \
    }
#define SAME                                                                                       \
    {                                                                                              \
        .status = OK, .changed = false                                                             \
    }
#define MOVES(to_)                                                                                 \
    {                                                                                              \
        .status = OK, .changed = true, .to = SESSION_##to_                                         \
    }

static const struct want wants[SESSION_N_STATE][SENT_N] = {
    [SESSION_ASKING] = {[SENT_ANSWER] = MOVES(ASKING),
                        [SENT_ANSWER_AGAIN] = SAME,
                        [SENT_OTHER_ANSWER] = ERROR(CONFLICT),
                        [SENT_OTHER_KIND] = ERROR(CONFLICT),
                        [SENT_OTHER_RAW] = ERROR(CONFLICT),
                        [SENT_WRONG_ITEM] = ERROR(WRONG_ITEM),
                        [SENT_WRONG_LAST] = ERROR(WRONG_ITEM),
                        [SENT_BAD_SCORE] = ERROR(BAD_RESPONSE),
                        [SENT_EARLIER] = ERROR(STALE_SEQ),
                        [SENT_ZERO] = ERROR(STALE_SEQ),
                        [SENT_LATER] = ERROR(STALE_SEQ),
                        [SENT_SUSPEND] = MOVES(SUSPENDED),
                        [SENT_RESUME] = SAME,
                        [SENT_FINISH] = MOVES(FINISHED),
                        [SENT_VOID] = MOVES(VOIDED),
                        [SENT_REVISION] = MOVES(ASKING),
                        [SENT_SAME_REVISION] = SAME,
                        [SENT_OLDER_REVISION] = ERROR(STALE_SEQ),
                        [SENT_EARLY_REVISION] = ERROR(STALE_SEQ),
                        [SENT_WRONG_REVISION] = ERROR(WRONG_ITEM),
                        [SENT_BAD_REVISION] = ERROR(BAD_RESPONSE),
                        [SENT_SCORE] = ERROR(CONFLICT),
                        [SENT_EARLY_SCORE] = ERROR(STALE_SEQ)},
    [SESSION_SUSPENDED] = {[SENT_ANSWER] = ERROR(CONFLICT),
                           [SENT_ANSWER_AGAIN] = SAME,
                           [SENT_OTHER_ANSWER] = ERROR(CONFLICT),
                           [SENT_OTHER_KIND] = ERROR(CONFLICT),
                           [SENT_OTHER_RAW] = ERROR(CONFLICT),
                           [SENT_WRONG_ITEM] = ERROR(CONFLICT),
                           [SENT_WRONG_LAST] = ERROR(WRONG_ITEM),
                           [SENT_BAD_SCORE] = ERROR(CONFLICT),
                           [SENT_EARLIER] = ERROR(STALE_SEQ),
                           [SENT_ZERO] = ERROR(STALE_SEQ),
                           [SENT_LATER] = ERROR(STALE_SEQ),
                           [SENT_SUSPEND] = SAME,
                           [SENT_RESUME] = MOVES(ASKING),
                           [SENT_FINISH] = MOVES(FINISHED),
                           [SENT_VOID] = MOVES(VOIDED),
                           [SENT_REVISION] = ERROR(CONFLICT),
                           [SENT_SAME_REVISION] = SAME,
                           [SENT_OLDER_REVISION] = ERROR(CONFLICT),
                           [SENT_EARLY_REVISION] = ERROR(CONFLICT),
                           [SENT_WRONG_REVISION] = ERROR(CONFLICT),
                           [SENT_BAD_REVISION] = ERROR(CONFLICT),
                           [SENT_SCORE] = ERROR(CONFLICT),
                           [SENT_EARLY_SCORE] = ERROR(STALE_SEQ)},
    [SESSION_FINISHED] = {[SENT_ANSWER] = ERROR(FINISHED),
                          [SENT_ANSWER_AGAIN] = SAME,
                          [SENT_OTHER_ANSWER] = ERROR(FINISHED),
                          [SENT_OTHER_KIND] = ERROR(FINISHED),
                          [SENT_OTHER_RAW] = ERROR(FINISHED),
                          [SENT_WRONG_ITEM] = ERROR(FINISHED),
                          [SENT_WRONG_LAST] = ERROR(FINISHED),
                          [SENT_BAD_SCORE] = ERROR(FINISHED),
                          [SENT_EARLIER] = ERROR(FINISHED),
                          [SENT_ZERO] = ERROR(FINISHED),
                          [SENT_LATER] = ERROR(FINISHED),
                          [SENT_SUSPEND] = ERROR(FINISHED),
                          [SENT_RESUME] = ERROR(FINISHED),
                          [SENT_FINISH] = SAME,
                          [SENT_VOID] = MOVES(VOIDED),
                          [SENT_REVISION] = ERROR(FINISHED),
                          [SENT_SAME_REVISION] = SAME,
                          [SENT_OLDER_REVISION] = ERROR(FINISHED),
                          [SENT_EARLY_REVISION] = ERROR(FINISHED),
                          [SENT_WRONG_REVISION] = ERROR(FINISHED),
                          [SENT_BAD_REVISION] = ERROR(FINISHED),
                          [SENT_SCORE] = ERROR(CONFLICT),
                          [SENT_EARLY_SCORE] = ERROR(STALE_SEQ)},
    [SESSION_VOIDED] = {[SENT_ANSWER] = ERROR(FINISHED),
                        [SENT_ANSWER_AGAIN] = SAME,
                        [SENT_OTHER_ANSWER] = ERROR(FINISHED),
                        [SENT_OTHER_KIND] = ERROR(FINISHED),
                        [SENT_OTHER_RAW] = ERROR(FINISHED),
                        [SENT_WRONG_ITEM] = ERROR(FINISHED),
                        [SENT_WRONG_LAST] = ERROR(FINISHED),
                        [SENT_BAD_SCORE] = ERROR(FINISHED),
                        [SENT_EARLIER] = ERROR(FINISHED),
                        [SENT_ZERO] = ERROR(FINISHED),
                        [SENT_LATER] = ERROR(FINISHED),
                        [SENT_SUSPEND] = ERROR(FINISHED),
                        [SENT_RESUME] = ERROR(FINISHED),
                        [SENT_FINISH] = ERROR(FINISHED),
                        [SENT_VOID] = SAME,
                        [SENT_REVISION] = ERROR(FINISHED),
                        [SENT_SAME_REVISION] = SAME,
                        [SENT_OLDER_REVISION] = ERROR(FINISHED),
                        [SENT_EARLY_REVISION] = ERROR(FINISHED),
                        [SENT_WRONG_REVISION] = ERROR(FINISHED),
                        [SENT_BAD_REVISION] = ERROR(FINISHED),
                        [SENT_SCORE] = ERROR(CONFLICT),
                        [SENT_EARLY_SCORE] = ERROR(STALE_SEQ)},
};

/* Two questions answered, the third on the screen or just left. The second answer was the raw "b",
 * worth 0. */
static void bring(struct sitting *sitting, enum session_state state)
{
    struct event event;

    cr_assert(sitting_start(sitting, 77) == OK);
    cr_assert(sitting_answer(sitting, 1) == OK);
    event = sitting_answer_event(sitting, 0);
    event.response.kind = RESPONSE_RAW;
    event.response.raw = slice_str("b");
    cr_assert(sitting_take(sitting, &event) == OK);
    if (state == SESSION_SUSPENDED) cr_assert(sitting_do(sitting, EVENT_SUSPENDED) == OK);
    if (state == SESSION_FINISHED) cr_assert(sitting_do(sitting, EVENT_FINISHED) == OK);
    if (state == SESSION_VOIDED) cr_assert(sitting_do(sitting, EVENT_VOIDED) == OK);
    cr_assert(sitting_view(sitting).state == state);
}

static uint32_t item_before(const struct sitting *sitting, uint32_t seq)
{
    return session_answered_item(sitting->session, seq);
}

static struct event answer_of(const struct sitting *sitting, enum sent sent, uint32_t asked)
{
    struct event event = sitting_event(sitting, EVENT_ANSWERED);
    bool to_last = sent == SENT_ANSWER_AGAIN || sent == SENT_OTHER_ANSWER ||
                   sent == SENT_OTHER_KIND || sent == SENT_OTHER_RAW || sent == SENT_WRONG_LAST;

    event.seq = to_last ? 2 : 3;
    event.item = to_last ? item_before(sitting, 2) : asked;
    event.response = (struct response){.kind = RESPONSE_RAW, .raw = slice_str("b")};
    if (sent == SENT_OTHER_ANSWER) event.response.score = 1;
    if (sent == SENT_OTHER_KIND) event.response = (struct response){.kind = RESPONSE_OMITTED};
    if (sent == SENT_OTHER_RAW) event.response.raw = slice_str("c");
    if (sent == SENT_WRONG_ITEM || sent == SENT_WRONG_LAST) event.item = item_before(sitting, 1);
    if (sent == SENT_BAD_SCORE) event.response.score = LIMIT_CATS;
    if (sent == SENT_EARLIER) event.seq = 1;
    if (sent == SENT_ZERO) event.seq = 0;
    if (sent == SENT_LATER) event.seq = 4;
    return event;
}

static struct event revision_of(const struct sitting *sitting, enum sent sent, uint32_t asked)
{
    bool scores = sent == SENT_SCORE || sent == SENT_EARLY_SCORE;
    struct event event = sitting_event(sitting, scores ? EVENT_SCORED : EVENT_REVISED);

    event.seq = 2;
    event.item = item_before(sitting, sent == SENT_WRONG_REVISION ? 1 : 2);
    event.response = (struct response){.kind = RESPONSE_RAW, .raw = slice_str("c"), .score = 1};
    if (sent == SENT_SAME_REVISION) {
        event.response.raw = slice_str("b");
        event.response.score = 0;
    }
    if (sent == SENT_BAD_REVISION) event.response.score = LIMIT_CATS;
    if (sent == SENT_OLDER_REVISION) {
        event.seq = 1;
        event.item = item_before(sitting, 1);
    }
    if (sent == SENT_EARLY_REVISION || sent == SENT_EARLY_SCORE) {
        event.seq = 3;
        event.item = asked;
    }
    return event;
}

static struct event event_of(const struct sitting *sitting, enum sent sent, uint32_t asked)
{
    if (sent >= SENT_REVISION) return revision_of(sitting, sent, asked);
    switch (sent) {
    case SENT_SUSPEND:
        return sitting_event(sitting, EVENT_SUSPENDED);
    case SENT_RESUME:
        return sitting_event(sitting, EVENT_RESUMED);
    case SENT_FINISH:
        return sitting_event(sitting, EVENT_FINISHED);
    case SENT_VOID:
        return sitting_event(sitting, EVENT_VOIDED);
    default:
        return answer_of(sitting, sent, asked);
    }
}

static void check_pair(const struct bank *bank, enum session_state state, enum sent sent)
{
    const struct want *want = &wants[state][sent];
    struct sitting sitting;
    struct test test;
    struct session_view before, after;
    struct event event;
    uint32_t n_event, asked;
    enum status st;

    test_init(&test);
    test.n_revise = 1;
    sitting_open(&sitting, &test, bank);
    bring(&sitting, SESSION_ASKING);
    asked = sitting_view(&sitting).item;
    sitting_close(&sitting);

    sitting_open(&sitting, &test, bank);
    bring(&sitting, state);
    before = sitting_view(&sitting);
    n_event = session_n_event(sitting.session);
    sitting.now_ms += 2385;
    sitting.effects.changed = !want->changed;
    event = event_of(&sitting, sent, asked);
    st = sitting_take(&sitting, &event);
    after = sitting_view(&sitting);
    cr_expect(st == want->status, "%s, event %d: status %d, not %d", session_state_name(state),
              sent, st, want->status);
    if (st == OK) {
        cr_expect(sitting.effects.changed == want->changed, "%s, event %d",
                  session_state_name(state), sent);
    }
    if (want->changed) {
        cr_expect(after.state == want->to, "%s, event %d", session_state_name(state), sent);
    } else {
        cr_expect(view_equal(&before, &after), "%s, event %d: the view has changed",
                  session_state_name(state), sent);
    }
    cr_expect(session_n_event(sitting.session) == n_event + want->changed);
    sitting_close(&sitting);
}

Test(states, every_event_does_what_is_said_of_it)
{
    struct dice dice = dice_new("states", 571);
    struct bank *bank = bank_random(&dice, N_ITEM);

    for (int state = SESSION_ASKING; state < SESSION_N_STATE; state++) {
        for (int sent = 0; sent < SENT_N; sent++) {
            check_pair(bank, (enum session_state)state, (enum sent)sent);
        }
    }
    bank_free(bank);
}

/* A repeated answer does not pick anew, and a refused one leaves no trace in what follows. */
Test(states, refused_events_change_nothing_that_follows)
{
    struct dice dice = dice_new("refused", 577);
    struct bank *bank = bank_random(&dice, N_ITEM);
    struct sitting clean, pestered;
    struct test test;

    test_init(&test);
    test.n_revise = 1;
    sitting_open(&clean, &test, bank);
    sitting_open(&pestered, &test, bank);
    bring(&clean, SESSION_ASKING);
    bring(&pestered, SESSION_ASKING);
    for (int sent = 0; sent < SENT_N; sent++) {
        struct event event = event_of(&pestered, (enum sent)sent, sitting_view(&pestered).item);

        if (wants[SESSION_ASKING][sent].changed) continue;
        pestered.now_ms += 60000;
        cr_expect(sitting_take(&pestered, &event) == wants[SESSION_ASKING][sent].status);
    }
    pestered.now_ms = clean.now_ms;
    while (sitting_view(&clean).state == SESSION_ASKING) {
        struct session_view one, other;

        cr_assert(sitting_answer(&clean, 1) == OK && sitting_answer(&pestered, 1) == OK);
        one = sitting_view(&clean);
        other = sitting_view(&pestered);
        cr_assert(view_equal(&one, &other), "question %u", one.seq);
    }
    sitting_close(&pestered);
    sitting_close(&clean);
    bank_free(bank);
}

static void open_any(struct sitting *sitting)
{
    static struct bank *bank;
    struct dice dice = dice_new("new", 587);
    struct test test;

    bank = bank_random(&dice, N_ITEM);
    test_init(&test);
    sitting_open(sitting, &test, bank);
}

Test(states, no_answer_is_revised_where_the_test_does_not_allow_it)
{
    struct dice dice = dice_new("unrevised", 599);
    struct bank *bank = bank_random(&dice, N_ITEM);
    struct sitting sitting;
    struct test test;
    struct event event;

    test_init(&test);
    sitting_open(&sitting, &test, bank);
    bring(&sitting, SESSION_ASKING);
    event = revision_of(&sitting, SENT_REVISION, sitting_view(&sitting).item);
    cr_expect(sitting_take(&sitting, &event) == CONFLICT);
    event = revision_of(&sitting, SENT_SAME_REVISION, sitting_view(&sitting).item);
    cr_expect(sitting_take(&sitting, &event) == CONFLICT);
    cr_expect(sitting_view(&sitting).n_revisable == 0);
    sitting_close(&sitting);
    bank_free(bank);
}

/* These would be mistakes of ours; a journal that holds them is refused as corrupt. */
Test(states, starting_twice_is_our_mistake, .signal = SIGABRT)
{
    struct sitting sitting;

    open_any(&sitting);
    cr_assert(sitting_start(&sitting, 1) == OK);
    (void)!sitting_start(&sitting, 1);
}

Test(states, anything_before_the_start_is_our_mistake, .signal = SIGABRT)
{
    struct sitting sitting;

    open_any(&sitting);
    (void)!sitting_do(&sitting, EVENT_FINISHED);
}

Test(states, a_journal_out_of_order_is_corrupt)
{
    struct dice dice = dice_new("journal", 593);
    struct bank *bank = bank_random(&dice, N_ITEM);
    struct sitting sitting;
    struct outcome outcome = {.item = NO_ITEM};
    struct test test;

    test_init(&test);
    for (int kind = -1; kind <= 10; kind++) {
        struct event event;

        sitting_open(&sitting, &test, bank);
        event = sitting_event(&sitting, (enum event_kind)kind);
        event.seq = 1;
        event.item = NO_ITEM;
        cr_expect(session_replay(sitting.session, &event, &outcome, sitting.workspace) == CORRUPT,
                  "kind %d", kind);
        if (kind == EVENT_STARTED) {
            cr_expect(session_replay(sitting.session, &event, &outcome, sitting.workspace) ==
                      CORRUPT);
        }
        sitting_close(&sitting);
    }
    bank_free(bank);
}

Test(states, have_names)
{
    cr_expect_str_eq(session_state_name(SESSION_ASKING), "asking");
    cr_expect_str_eq(session_state_name(SESSION_SUSPENDED), "suspended");
    cr_expect_str_eq(session_state_name(SESSION_FINISHED), "finished");
    cr_expect_str_eq(session_state_name(SESSION_VOIDED), "voided");
    cr_expect_str_eq(session_state_name(SESSION_NEW), "new");
}
