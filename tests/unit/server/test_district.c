/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is under way at the shared store, over lines that do nothing by themselves: the test gives
 * their answers. */
#include "fake_line.h"
#include "server/clock.h"
#include "server/district.h"
#include "server/keeping.h"
#include "server/parked.h"
#include "server/request.h"
#include "server/server.h"
#include "session/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { N_MOST = 400, LONG_AGO_US = 1000 };

void __wrap_bank_free(struct bank *bank);
void __real_bank_free(struct bank *bank);
void *__wrap_calloc(size_t n, size_t size);
void *__real_calloc(size_t n, size_t size);

static bool has_no_memory;

void *__wrap_calloc(size_t n, size_t size)
{
    return has_no_memory ? NULL : __real_calloc(n, size);
}

/* What the owners of the sessions and of the documents were told. */
static struct {
    size_t n_committed, n_taken, n_done, n_fetched, n_news, n_refused, n_freed, n_timed, n_counts;
    size_t n_bytes, n_used;
    enum status found;
} told;

void __wrap_bank_free(struct bank *bank)
{
    told.n_freed += bank != NULL;
    __real_bank_free(bank);
}

static void on_committed(void *context, const struct group *group, bool taken)
{
    (void)context;
    (void)group;
    told.n_committed++;
    told.n_taken += taken;
}

static enum status on_fetched(void *context, const struct group *group, struct slice *rest,
                              size_t i)
{
    (void)context;
    (void)group;
    (void)rest;
    (void)i;
    told.n_fetched++;
    return told.found;
}

static void on_done(void *server, const struct group *group)
{
    (void)server;
    cr_expect_not_null(group->held.request);
    told.n_done++;
}

static void on_timed(void *server, int64_t took_us)
{
    (void)server;
    told.n_timed += took_us >= 0;
}

static bool on_news(void *server, const struct shared_document *document, struct bank *made,
                    enum status made_status)
{
    (void)server;
    (void)document;
    bank_free(made);
    told.n_news++;
    return made_status == OK;
}

static void on_counts(void *server, enum status status, struct slice rest)
{
    (void)server;
    told.n_counts += status == OK;
    told.n_bytes += rest.n;
}

static void on_used(void *context, const struct group *group, struct slice item)
{
    (void)context;
    cr_expect_not_null(group);
    cr_expect(slice_equal_str(item, "q-5"));
    cr_expect_eq(told.n_committed, 0, "before the copy may be dropped");
    told.n_used++;
}

static const struct district_hooks hooks = {.used = on_used,
                                            .committed = on_committed,
                                            .fetched = on_fetched,
                                            .done = on_done,
                                            .timed = on_timed,
                                            .news = on_news,
                                            .counts = on_counts};

static struct district *district;

static void start(void)
{
    struct fault fault = {0};

    memset(&told, 0, sizeof(told));
    memset(fakes, 0, sizeof(fakes));
    cr_assert_eq(district_open("host=nowhere", N_MOST, &district, &fault), OK);
    cr_assert_eq(district_start(district, NULL), OK);
}

static void stop(void)
{
    district_close(district);
}

static struct slice name_of(int i)
{
    static char text[32];

    snprintf(text, sizeof(text), "s-%d", i);
    return slice_str(text);
}

static struct group *find(int i)
{
    return district_find(district, slice_str("school"), name_of(i));
}

static struct message message_of(const char *body, int64_t arrived_us)
{
    return (struct message){.got = FRAMES_MESSAGE,
                            .arrived_us = arrived_us,
                            .envelope = slice_str("envelope"),
                            .body = slice_str(body)};
}

/* A request that waits for the events of session i. */
static struct group *park(int i, int64_t arrived_us)
{
    struct message message = message_of("request", arrived_us);
    struct group *group = find(i);

    if (!group) group = district_want(district, slice_str("school"), name_of(i), 0, false);
    cr_assert(group && district_park(district, group, &message));
    return group;
}

/* A request that has appended an event to session i, and is held. */
static struct group *hold(int i, int64_t arrived_us)
{
    static const struct held held = {.request = &request_session_answer};
    struct shared_event event = {
        .tenant = slice_str("school"), .n = 3, .record = slice_str("what happened")};
    struct message message = message_of("request", arrived_us);
    uint8_t seal[SEAL_BYTES];
    struct group *group;

    event.session = name_of(i);
    group = district_append(district, &event, seal);
    cr_assert(group && district_hold(district, group, &message, slice_str("reply"), &held));
    return group;
}

/* A line answers; `body` may be empty. */
static void answer(enum line_kind kind, const struct line_head *head, struct slice body)
{
    struct fake *fake = &fakes[kind];

    cr_assert(fake->busy);
    fake->has_answer = true;
    fake->answer = *head;
    buf_clear(&fake->body);
    buf_append(&fake->body, body.data, body.n);
    cr_assert(district_take(district, kind, &hooks));
    cr_expect_not(district_take(district, kind, &hooks));
}

static void on_late(void *context, const struct message *message)
{
    (void)context;
    cr_expect(slice_equal_str(message->body, "request"));
    told.n_refused++;
}

/* Serve all that is ready, as done. How many there were. */
static size_t serve(void)
{
    struct group *group;
    size_t n = 0;

    for (; (group = district_next_ready(district)); n++) {
        district_begin(district, group);
        district_end(district, true);
    }
    return n;
}

TestSuite(district, .init = start, .fini = stop);

Test(district, asks_for_so_many_sessions_at_once)
{
    const struct line_head good = {.sent_us = 77};

    for (int i = 0; i < 300; i++) park(i, 1);
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_FETCH].head.n, 256);
    cr_expect_not(district_send(district));
    answer(LINE_FETCH, &good, slice_of(NULL, 0));
    cr_expect_eq(told.n_fetched, 256);
    cr_expect_eq(serve(), 256);
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_FETCH].head.n, 44);
    answer(LINE_FETCH, &good, slice_of(NULL, 0));
    cr_expect_eq(serve(), 44);
    cr_expect(district_is_idle(district));
}

/* What is beyond that goes with the next one, and each answer is its own events'. */
Test(district, appends_so_many_events_at_once)
{
    bool taken[256];
    size_t n_byte;

    memset(taken, true, sizeof(taken));
    for (int i = 100; i < 700; i++) hold(i, 1);
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_APPEND].head.n, 256);
    n_byte = fakes[LINE_APPEND].ask.n;
    answer(LINE_APPEND, &(struct line_head){.sent_us = 5}, slice_of(taken, 256));
    cr_expect(find(100)->state == GROUP_READY && find(356)->state == GROUP_GATHERED);
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_APPEND].head.n, 256);
    cr_expect_eq(fakes[LINE_APPEND].ask.n, n_byte);
    answer(LINE_APPEND, &(struct line_head){.sent_us = 6}, slice_of(taken, 256));
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_APPEND].head.n, 88);
    cr_expect_eq(fakes[LINE_APPEND].ask.n, n_byte / 256 * 88);
    answer(LINE_APPEND, &(struct line_head){.sent_us = 7}, slice_of(taken, 88));
    cr_expect_eq(told.n_taken, 600);
    cr_expect_not(district_send(district));
}

/* One write for all that are fetched together, and none where nobody asks for that. */
Test(district, confirms_what_a_reply_rests_on)
{
    struct group *group = park(1, 1), *other = park(2, 1);

    cr_expect(district_send(district));
    cr_expect_not(fakes[LINE_FETCH].head.confirms);
    answer(LINE_FETCH, &(struct line_head){.sent_us = 5}, slice_of(NULL, 0));
    cr_expect(group->checked_us == 5 && group->confirmed_us == 0);
    district_begin(district, group);
    district_confirm(district, group);
    district_end(district, false);
    park(3, 1);
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_FETCH].head.n, 2);
    cr_expect(fakes[LINE_FETCH].head.confirms);
    answer(LINE_FETCH, &(struct line_head){.status = IO_ERROR, .confirms = true},
           slice_of(NULL, 0));
    cr_expect_eq(group->confirmed_us, 0);
    cr_expect(district_send(district));
    cr_expect(fakes[LINE_FETCH].head.confirms);
    answer(LINE_FETCH, &(struct line_head){.sent_us = 9, .confirms = true}, slice_of(NULL, 0));
    cr_expect(group->confirmed_us == 9 && find(3)->confirmed_us == 9);
    cr_expect_eq(other->confirmed_us, 0);
    cr_expect_eq(serve(), 3);
    park(4, 1);
    cr_expect(district_send(district));
    cr_expect_not(fakes[LINE_FETCH].head.confirms);
}

/* New names of sessions one after the other while the store is silent. */
/* Nor does it wait for nothing. */
Test(district, tells_nothing_of_a_copy_that_it_cannot_check)
{
    static struct loop loop;
    static struct server server;
    static struct session session;
    struct entry entry = {.live = {.session = &session, .tenant = slice_str("school")}};
    struct sessions sessions = {.config = {.district = district},
                                .keeping = keeping_find(slice_str("postgres"))};
    struct message message = message_of("request", 2);

    entry.live.id = name_of(1);
    server.district = district;
    loop.server = &server;
    sessions_begin(&sessions, 2);
    sessions.rest.touched = &entry;
    has_no_memory = true;
    cr_expect_eq(sessions_rests(&sessions, &server.waits_for), RESTS_ON_FETCH);
    has_no_memory = false;
    cr_expect_null(server.waits_for);
    cr_expect_not(parked_add(&loop, &message, CALL_WAITS, 0));
    cr_expect_eq(sessions_rests(&sessions, &server.waits_for), RESTS_ON_FETCH);
    cr_expect(parked_add(&loop, &message, CALL_WAITS, 0));
}

Test(district, forgets_what_nobody_waits_for)
{
    park(0, LONG_AGO_US);
    cr_expect(district_send(district));
    for (int round = 0; round < 20; round++) {
        for (int i = 1; i < N_MOST; i++) park(N_MOST * round + i, LONG_AGO_US);
        cr_expect_eq(district_has_room(district), round > 0);  // the first one is refused by then
        district_drop_late(district, LONG_AGO_US + 1, on_late, NULL);
        cr_expect(district_has_room(district));
        for (int i = 1; i < N_MOST; i++) cr_expect_null(find(N_MOST * round + i));
    }
    cr_expect_eq(told.n_refused, 20 * (N_MOST - 1) + 1);
    cr_expect_not(district_is_idle(district));
    answer(LINE_FETCH, &(struct line_head){.status = IO_ERROR}, slice_of(NULL, 0));
    cr_expect_not(district_is_up(district));
    cr_expect(district_is_idle(district));
    cr_expect_not(district_send(district));
}

/* Nor is it asked for: a request for which there was no memory has left a group that is empty. */
Test(district, does_not_ask_for_what_nobody_waits_for)
{
    cr_assert_not_null(district_want(district, slice_str("school"), name_of(1), 0, false));
    cr_expect_not(district_send(district));
    cr_expect_eq(fakes[LINE_FETCH].n_ask, 0);
    cr_expect(district_is_idle(district));
}

Test(district, has_room_for_so_many_bytes)
{
    static char large[1 << 20];
    struct message message = {.got = FRAMES_MESSAGE, .body = slice_of(large, sizeof(large))};

    for (int i = 0; i < 64; i++) {
        struct group *group = district_want(district, slice_str("school"), name_of(i), 0, false);

        cr_expect(district_has_room(district));
        cr_assert(district_park(district, group, &message));
    }
    cr_expect_not(district_has_room(district));
}

Test(district, counts_what_is_done_once_it_is_there)
{
    const bool both[] = {true, false};
    struct group *first = hold(1, 1), *second = hold(2, 1);

    cr_expect(first->has_reply && first->has_paid);
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_APPEND].head.n, 2);
    cr_expect_eq(told.n_done, 0);
    answer(LINE_APPEND, &(struct line_head){.sent_us = 5}, slice_of(both, sizeof(both)));
    cr_expect_eq(told.n_committed, 2);
    cr_expect_eq(told.n_taken, 1);
    cr_expect_eq(told.n_done, 1);
    cr_expect_eq(told.n_timed, 1);
    cr_expect_eq(first->state, GROUP_READY);
    cr_expect_eq(first->checked_us, 5);
    /* The other one is served again, and its key has paid for it. */
    cr_expect_eq(second->state, GROUP_WANTED);
    cr_expect_not(second->has_reply);
    cr_expect(second->has_paid);
    cr_expect_eq(second->from, 0);
    cr_expect_eq(serve(), 1);
    cr_expect(district_send(district));
    answer(LINE_FETCH, &(struct line_head){0}, slice_of(NULL, 0));
    cr_expect_eq(district_next_ready(district), second);
    district_begin(district, second);
    second = hold(2, 1);
    district_end(district, false);
    cr_expect(district_send(district));
    answer(LINE_APPEND, &(struct line_head){0}, slice_of(both, 1));
    cr_expect_eq(told.n_done, 2);
    cr_expect_eq(serve(), 1);
    cr_expect(district_is_idle(district));
}

/* Of two that ask an item one has its last use. */
Test(district, tells_what_is_used_up)
{
    struct buf body = {0};
    size_t i = 1;

    hold(1, clock_us());
    hold(2, clock_us());
    cr_expect(district_send(district));
    buf_append(&body, (const uint8_t[]){1, 0}, 2);
    buf_append(&body, &i, sizeof(i));
    buf_append_slice(&body, slice_str("q-5"));
    answer(LINE_APPEND, &(struct line_head){.status = OK}, buf_slice(&body));
    cr_expect(told.n_used == 1 && told.n_committed == 2 && told.n_taken == 1);
    buf_done(&body);
}

Test(district, counts_what_is_done_though_its_reply_was_late)
{
    const bool taken = true;

    hold(1, LONG_AGO_US);
    cr_expect(district_send(district));
    district_drop_late(district, LONG_AGO_US + 1, on_late, NULL);
    cr_expect_eq(told.n_refused, 1);
    cr_expect_not_null(find(1));  // its commit is under way
    answer(LINE_APPEND, &(struct line_head){0}, slice_of(&taken, 1));
    cr_expect_eq(told.n_done, 1);
    cr_expect(district_is_idle(district));
}

Test(district, does_not_know_what_became_of_a_commit)
{
    hold(1, 1);
    cr_expect(district_send(district));
    hold(2, 1);
    answer(LINE_APPEND, &(struct line_head){.status = IO_ERROR}, slice_of(NULL, 0));
    cr_expect_eq(told.n_committed, 1);
    cr_expect_eq(told.n_taken + told.n_done + told.n_timed, 0);
    cr_expect_eq(find(1)->state, GROUP_WANTED);
    cr_expect_eq(find(2)->state, GROUP_GATHERED);
}

/* An ask that could not be handed over is handed over again. */
Test(district, asks_a_deaf_line_again)
{
    fakes[LINE_FETCH].deaf = true;
    park(1, 1);
    (void)district_send(district);
    cr_expect_eq(fakes[LINE_FETCH].n_ask, 0);
    park(2, 1);
    (void)district_send(district);
    fakes[LINE_FETCH].deaf = false;
    (void)district_send(district);
    cr_expect_eq(fakes[LINE_FETCH].n_ask, 1);
    cr_expect_eq(fakes[LINE_FETCH].head.n, 1);
    answer(LINE_FETCH, &(struct line_head){0}, slice_of(NULL, 0));
    cr_expect_eq(told.n_fetched, 1);
    cr_expect_eq(serve(), 1);
    cr_expect_eq(find(2)->state, GROUP_WANTED);
}

/* The bank that comes with it is nobody's then. */
Test(district, has_no_memory_for_an_answer)
{
    struct line_head head = {.made = bank_new(2, 1.0)};

    district_poll(district);
    cr_expect(district_send(district));
    fakes[LINE_NEWS].no_memory = true;
    answer(LINE_NEWS, &head, slice_str("a document"));
    cr_expect_eq(told.n_news, 0);
    cr_expect_eq(told.n_freed, 1);
    cr_expect_not(district_is_up(district));
}

static struct shared_document document_of(uint64_t number, const char *kind)
{
    return (struct shared_document){.number = number,
                                    .kind = slice_str(kind),
                                    .tenant = slice_str("school"),
                                    .name = slice_str("b"),
                                    .version = 1,
                                    .head = slice_str("head"),
                                    .body = slice_str("body")};
}

Test(district, publishes_and_takes_in)
{
    struct shared_document document = document_of(8, SHARED_TEST);
    struct line_head head = {.news = {.newest = 8, .retired = 3}, .sent_us = 10};
    struct group *group = district_publish(district, &document);
    struct message message = message_of("request", 1);

    district_set_known(district, &(struct shared_news){.newest = 7, .retired = 3});
    cr_assert(district_park(district, group, &message));
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_NEWS].head.n, 1);
    cr_expect_eq(fakes[LINE_NEWS].head.news.newest, 7);
    answer(LINE_NEWS, &head, buf_slice(&fakes[LINE_NEWS].ask));
    cr_expect_eq(told.n_news, 1);
    cr_expect_eq(district_known(district).newest, 8);
    cr_expect(district_has_news_of(district, 10));
    cr_expect_not(district_has_news_of(district, 11));
    cr_expect_eq(district_next_ready(district), group);
    cr_expect_eq(serve(), 1);
    cr_expect_not(district_send(district));  // nothing is to be asked
}

/* While a withdrawn item has not been heard of here no session is fetched: it would be refused
 * again. What takes news that are not here waits for them. */
Test(district, waits_for_news)
{
    struct shared_document document = document_of(8, SHARED_ITEM);
    struct line_head head = {.news = {.newest = 8, .retired = 8}};
    struct buf body = {0};

    park(1, 1);
    park(2, 1);
    cr_expect(district_send(district));
    told.found = RETRY;
    answer(LINE_FETCH, &head, slice_of(NULL, 0));
    told.found = OK;
    cr_expect_eq(find(1)->state, GROUP_BEHIND);
    park(3, LONG_AGO_US);
    cr_expect(district_is_behind(district));
    cr_expect(district_send(district));  // for the news alone
    cr_expect(fakes[LINE_NEWS].busy && !fakes[LINE_FETCH].busy);
    line_put_document(&body, &document);
    district_drop_late(district, 2, on_late, NULL);  // those behind are refused, and stay
    cr_expect_eq(told.n_refused, 2);
    answer(LINE_NEWS, &head, buf_slice(&body));
    buf_done(&body);
    cr_expect_eq(district_known(district).retired, 8);
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_FETCH].head.n, 1);  // for who waits still
    cr_expect_null(find(1));
    answer(LINE_FETCH, &head, slice_of(NULL, 0));
    cr_expect_eq(serve(), 1);
    cr_expect(district_is_idle(district));
}

/* A hint is no answer: what was asked is under way still. */
Test(district, asks_for_news_after_a_hint)
{
    const struct line_head hint = {.is_hint = true};

    district_poll(district);
    cr_expect(district_send(district));
    answer(LINE_NEWS, &hint, slice_of(NULL, 0));
    cr_expect_not(district_send(district));
    answer(LINE_NEWS, &(struct line_head){0}, slice_of(NULL, 0));
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_NEWS].n_ask, 2);
    answer(LINE_NEWS, &(struct line_head){0}, slice_of(NULL, 0));
    cr_expect_not(district_send(district));
}

/* One lot of counts at a time. */
Test(district, shares_counts)
{
    struct buf *out = district_counts(district);

    cr_assert_not_null(out);
    district_share(district, 0);
    cr_expect_not(district_send(district));
    out = district_counts(district);
    buf_append(out, "counts", 6);
    district_share(district, 1);
    cr_expect_null(district_counts(district));
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_COUNTS].head.n, 1);
    cr_expect_eq(fakes[LINE_COUNTS].ask.n, 6);
    cr_expect_null(district_counts(district));
    answer(LINE_COUNTS, &(struct line_head){0}, slice_str("all"));
    cr_expect(told.n_counts == 1 && told.n_bytes == 3);
    cr_assert_not_null(district_counts(district));
    district_share(district, 1);
    cr_expect(district_send(district));
    answer(LINE_COUNTS, &(struct line_head){.status = IO_ERROR}, slice_str("all"));
    cr_expect(told.n_counts == 1 && told.n_bytes == 3);
    cr_expect_not_null(district_counts(district));
}

/* An append tells what the first of its events was made with. */
Test(district, tells_of_the_oldest_news)
{
    district_set_known(district, &(struct shared_news){.newest = 4, .retired = 2});
    hold(1, 1);
    district_set_known(district, &(struct shared_news){.newest = 5, .retired = 5});
    hold(2, 1);
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_APPEND].head.news.retired, 2);
    hold(3, 1);
    answer(LINE_APPEND, &(struct line_head){.status = IO_ERROR}, slice_of(NULL, 0));
    cr_expect(district_send(district));
    cr_expect_eq(fakes[LINE_APPEND].head.news.retired, 5);
}
