/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What examinees were asked before, from the events of their sessions to the loop. */
#include "base/macros.h"
#include "server/past.h"
#include "store/erased.h"
#include "store/event_record.h"
#include "store/shared_examinee.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N_EVENT = 24 };

/* What the shared store has: events in their order, with the number of their examinee. */
static struct {
    size_t i[N_EVENT], n;
    struct buf record[N_EVENT];
    uint32_t number[N_EVENT];
    enum status status[N_EVENT], st;
    struct shared_past asked[4];
    size_t n_asked;
} there;

enum status __wrap_shared_past(struct shared *shared, struct shared_past *list, size_t n,
                               struct shared_visitor visitor);

enum status __wrap_shared_past(struct shared *shared, struct shared_past *list, size_t n,
                               struct shared_visitor visitor)
{
    (void)shared;
    there.n_asked = n;
    memcpy(there.asked, list, n * sizeof(*list));
    for (size_t i = 0; i < n; i++) list[i].next = 3 + (uint32_t)i;
    for (size_t j = 0; j < there.n; j++) {
        struct shared_event event = {.session = slice_str("s-7"),
                                     .n = there.number[j],
                                     .record = buf_slice(&there.record[j])};

        visitor.visit(visitor.context, there.i[j], &event, there.status[j]);
    }
    return there.st;
}

static void start(void)
{
    memset(&there, 0, sizeof(there));
}

static void stop(void)
{
    for (size_t j = 0; j < N_EVENT; j++) buf_done(&there.record[j]);
}

TestSuite(past, .init = start, .fini = stop);

/* An event of examinee i's, `item` being asked after it. */
static void put(size_t i, uint32_t n, const char *bank, const struct event *event, uint32_t item)
{
    struct event_record record = {.tenant = slice_str("school"),
                                  .session = slice_str("s-7"),
                                  .n = n,
                                  .event = *event,
                                  .outcome = {.item = item},
                                  .identity = {.test = slice_str("t"),
                                               .bank = slice_str(bank),
                                               .test_version = 1,
                                               .bank_version = 5,
                                               .examinee = slice_str("e")}};

    there.i[there.n] = i;
    there.number[there.n] = n;
    event_record_write(&record, &there.record[there.n++]);
}

static struct event event_of(enum event_kind kind, int64_t time_ms)
{
    return (struct event){.kind = kind, .time_ms = time_ms, .seq = 1};
}

static void put_session(size_t i, const char *bank, uint32_t item)
{
    struct event events[] = {
        event_of(EVENT_STARTED, 1385),  event_of(EVENT_ANSWERED, 2385),
        event_of(EVENT_REVISED, 3385),  event_of(EVENT_ANSWERED, 4385),
        event_of(EVENT_FINISHED, 5385),
    };

    put(i, 0, bank, &events[0], item);
    put(i, 1, bank, &events[1], item + 1);
    put(i, 2, bank, &events[2], item + 1);
    put(i, 3, bank, &events[3], item + 2);
    put(i, 4, bank, &events[4], NO_ITEM);
}

static const struct shared_want wants[] = {
    {.tenant = {(const uint8_t *)"school", 6}, .session = {(const uint8_t *)"s-1", 3}},
    {.tenant = {(const uint8_t *)"school", 6},
     .session = {(const uint8_t *)"s-2", 3},
     .examinee = {(const uint8_t *)"e-2", 3},
     .bank = {(const uint8_t *)"b", 1},
     .since_ms = 1000},
    {.tenant = {(const uint8_t *)"school", 6},
     .session = {(const uint8_t *)"s-3", 3},
     .examinee = {(const uint8_t *)"e-3", 3},
     .bank = {(const uint8_t *)"b2", 2}},
};

/* Read, and taken in by the two that ask for it. */
static void take_in(struct past *pasts[2])
{
    struct buf body = {0};
    struct slice rest;

    cr_assert_eq(past_read(NULL, wants, 3, &body), OK);
    rest = buf_slice(&body);
    for (size_t i = 0; i < 2; i++) {
        struct shared_want again = {0};

        pasts[i] = past_new(&wants[i + 1]);
        cr_assert_not_null(pasts[i]);
        cr_expect_eq(pasts[i]->status, RETRY);
        past_want(pasts[i], &again);
        cr_expect(slice_equal(again.examinee, wants[i + 1].examinee));
        cr_expect(slice_equal(again.bank, wants[i + 1].bank));
        cr_expect_eq(again.since_ms, wants[i + 1].since_ms);
        past_take(pasts[i], &rest);
    }
    cr_expect_eq(rest.n, 0);
    buf_done(&body);
}

Test(past, is_what_was_asked_with_the_bank)
{
    struct past_session session;
    struct past *pasts[2];
    struct slice rest;

    put_session(0, "b", 23);
    put_session(0, "b2", 8);
    put_session(1, "b2", 5);
    put_session(1, "b2", 11);
    take_in(pasts);
    cr_expect_eq(there.n_asked, 2);
    cr_expect(slice_equal_str(there.asked[0].examinee, "e-2"));
    cr_expect_eq(there.asked[0].since_ms, 1000);
    cr_expect_eq(pasts[0]->status, OK);
    cr_expect_eq(pasts[0]->next, 3);
    rest = buf_slice(&pasts[0]->asked);
    cr_assert(past_next(&rest, &session));
    cr_expect_eq(session.version, 5);
    cr_expect_eq(session.asked_ms, 4385, "when the last question was asked");
    cr_assert_eq(session.n_item, 3);
    for (size_t j = 0; j < 3; j++) cr_expect_eq(past_item(&session, j), 23 + j);
    cr_expect_not(past_next(&rest, &session));
    cr_expect_eq(pasts[1]->next, 4);
    rest = buf_slice(&pasts[1]->asked);
    cr_expect(past_next(&rest, &session) && past_item(&session, 0) == 5);
    cr_expect(past_next(&rest, &session) && past_item(&session, 0) == 11);
    cr_expect_not(past_next(&rest, &session));
    for (size_t i = 0; i < 2; i++) past_free(pasts[i]);
}

/* The first question and one that is asked again count, a mended answer does not. */
Test(past, the_time_is_that_of_what_asked_last)
{
    static const struct {
        enum event_kind kind;
        int64_t asked_ms;
    } seconds[] = {{EVENT_ANSWERED, 2385}, {EVENT_RESUMED, 2385}, {EVENT_REVISED, 1385}};
    struct event started = event_of(EVENT_STARTED, 1385);
    struct past_session session;
    struct past *pasts[2];
    struct slice rest;

    put(0, 0, "b", &started, 7);
    for (size_t i = 0; i < COUNT_OF(seconds); i++) {
        struct event second = event_of(seconds[i].kind, 2385);

        put(1, 0, "b2", &started, 7);
        put(1, 1, "b2", &second, 8);
    }
    take_in(pasts);
    rest = buf_slice(&pasts[0]->asked);
    cr_assert(past_next(&rest, &session));
    cr_expect_eq(session.asked_ms, 1385, "nothing but the first question");
    rest = buf_slice(&pasts[1]->asked);
    for (size_t i = 0; i < COUNT_OF(seconds); i++) {
        cr_assert(past_next(&rest, &session));
        cr_expect_eq(session.asked_ms, seconds[i].asked_ms, "session %zu", i);
    }
    for (size_t i = 0; i < 2; i++) past_free(pasts[i]);
}

/* What is wrong with the session of one is nothing to the other. */
Test(past, a_damaged_session_is_told)
{
    struct event answered = event_of(EVENT_ANSWERED, 2385);

    for (int kind = 0; kind < 3; kind++) {
        struct past *pasts[2];

        stop();
        start();
        put_session(0, "b", 23);
        if (kind == 0) there.status[2] = CORRUPT;
        if (kind == 1) buf_clear(&there.record[2]);
        if (kind == 2) put(0, 7, "b", &answered, 3);  // two are missing before it
        put_session(1, "b2", 5);
        take_in(pasts);
        cr_expect_eq(pasts[0]->status, CORRUPT, "kind %d", kind);
        cr_expect_eq(pasts[1]->status, OK);
        for (size_t i = 0; i < 2; i++) past_free(pasts[i]);
    }
}

Test(past, one_that_was_erased_was_never_there)
{
    struct tombstone tombstone = {.who = slice_str("who")};
    struct past *pasts[2];

    put_session(0, "b", 23);
    buf_clear(&there.record[4]);
    erased_write(&tombstone, &there.record[4]);
    there.i[5] = 0;
    there.number[5] = 0;
    erased_write(&tombstone, &there.record[5]);
    there.n = 6;
    take_in(pasts);
    cr_expect_eq(pasts[0]->status, OK);
    cr_expect_eq(pasts[0]->asked.n, 0);
    for (size_t i = 0; i < 2; i++) past_free(pasts[i]);
}

Test(past, is_not_there_where_the_store_is_silent)
{
    struct buf body = {0};

    there.st = IO_ERROR;
    cr_expect_eq(past_read(NULL, wants, 3, &body), IO_ERROR);
    cr_expect_eq(past_read(NULL, wants, 1, &body), OK, "nobody asks for any");
    cr_expect_eq(body.n, 0);
    buf_done(&body);
}
