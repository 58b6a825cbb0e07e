/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept of an examinee, told and erased. */
#include "server/erase.h"
#include "server_test.h"

#include <stdio.h>
#include <string.h>

static const int64_t day_ms = 24LL * 3600 * 1000;

static void start(struct desk *desk, const char *session, const char *examinee, int n_answer)
{
    desk_do(desk, "'op': 'session.start', 'session': '%s', 'test': 't', 'examinee': '%s'", session,
            examinee);
    for (int i = 0; i < n_answer; i++) desk_step(desk, session, "t", i % 2 ? '0' : '1');
}

static void archive_all(struct desk *desk)
{
    struct server *server = &desk->server;

    for (int round = 0; round < 2; round++) {
        cr_assert_eq(
            sessions_tidy(server->sessions, &server->batch, desk->now_us + (int64_t)9e12, 99), OK);
        desk_commit(desk);
    }
    cr_assert_eq(sessions_trim(server->sessions, &server->batch), OK);
    desk_commit(desk);
}

/* canary-1 has a session in the archive, one in both places and one in the journal; others stand
 * between and behind them. */
static void open_desk(struct desk *desk)
{
    desk_open(desk, 64);
    desk_bank(desk, "b", 12);
    desk_test(desk, "t", "'reveal': true");
    start(desk, "s-1", "canary-1", 3);
    start(desk, "s-2", "canary-2", 2);
    start(desk, "s-3", "canary-1", 1);
    archive_all(desk);
    start(desk, "s-4", "canary-3", 1);
    desk_step(desk, "s-3", "t", '0');
    start(desk, "s-5", "canary-1", 2);
}

static void expect_verified(struct desk *desk, int n_event, int n_erased)
{
    json_t *reply = wire_read(desk_ask(desk, ROLE_ADMIN, "'op': 'log.verify'"));
    char *text = json_dumps(reply, 0);

    cr_expect(json_is_true(json_object_get(reply, "done")));
    cr_expect_eq(json_integer_value(json_object_get(reply, "n_faults")), 0, "%s", text);
    cr_expect_eq(json_integer_value(json_object_get(reply, "n_events")), n_event, "%s", text);
    cr_expect_eq(json_integer_value(json_object_get(reply, "n_erased")), n_erased, "%s", text);
    free(text);
    json_decref(reply);
}

static json_int_t erase(struct desk *desk, const char *examinee)
{
    json_t *reply = wire_read(desk_ask(desk, ROLE_ADMIN,
                                       "'op': 'examinee.erase', 'examinee': '%s',"
                                       " 'reason': 'asked for'",
                                       examinee));
    json_int_t n = json_integer_value(json_object_get(reply, "n_sessions"));

    cr_expect(json_is_true(json_object_get(reply, "ok")));
    cr_expect_null(json_object_get(reply, "after"));
    json_decref(reply);
    return n;
}

struct search {
    const char *text;
    int n;
};

static enum status look_for(void *context, struct slice key, struct slice value)
{
    struct search *search = context;
    size_t n = strlen(search->text);

    search->n += memmem(key.data, key.n, search->text, n) != NULL;
    search->n += memmem(value.data, value.n, search->text, n) != NULL;
    return OK;
}

/* Records of the whole store that have the text in them. */
static int n_record_with(struct desk *desk, const char *text)
{
    struct search search = {.text = text};

    for (int t = TABLE_JOURNAL; t < TABLE_N; t++) {
        cr_assert_eq(env_each(desk->server.env, (enum table)t, slice_str(""),
                              (struct visitor){look_for, &search}),
                     OK);
    }
    return search.n;
}

Test(erase, leaves_nothing_but_tombstones)
{
    static const char *const gone[] = {"s-1", "s-3", "s-5"};
    struct desk desk;

    open_desk(&desk);
    expect_verified(&desk, 15, 0);
    cr_expect_gt(n_record_with(&desk, "canary-1"), 0);
    cr_expect_eq(erase(&desk, "canary-1"), 3);
    cr_expect_eq(n_record_with(&desk, "canary-1"), 0);
    cr_expect_gt(n_record_with(&desk, "canary-2"), 0);
    for (int round = 0; round < 2; round++) {
        expect_verified(&desk, 5, 3);
        for (size_t i = 0; i < COUNT_OF(gone); i++) {
            desk_fail(&desk, "unknown_session", "'op': 'session.get', 'session': '%s'", gone[i]);
            desk_fail(&desk, "exists",
                      "'op': 'session.start', 'session': '%s', 'test': 't', 'examinee': 'e'",
                      gone[i]);
        }
        desk_do(&desk, "'op': 'session.get', 'session': 's-2'");
        cr_expect_eq(erase(&desk, "canary-1"), 0);
        tools_end_runs(&desk.tools);
        desk_reopen(&desk);
    }
    start(&desk, "s-6", "canary-1", 1);  // may come back
    desk_step(&desk, "s-4", "t", '0');
    cr_expect_eq(erase(&desk, "canary-1"), 1);
    expect_verified(&desk, 6, 4);
    desk_close(&desk);
}

Test(erase, says_who_and_why)
{
    struct desk desk;
    struct tombstone tombstone;
    struct buf bytes = {0};

    open_desk(&desk);
    cr_expect_eq(erase(&desk, "canary-2"), 1);
    cr_assert_eq(
        erased_get(desk.server.env, slice_str("local"), slice_str("s-2"), &bytes, &tombstone), OK);
    cr_expect(slice_equal_str(tombstone.who, "local"));
    cr_expect(slice_equal_str(tombstone.reason, "asked for"));
    cr_expect_eq(tombstone.erased_ms, desk.now_ms);
    cr_expect_eq(tombstone.links.n, 3 * LINK_BYTES);
    buf_done(&bytes);
    desk_close(&desk);
}

/* Numbers go on where the newest event of all was erased. */
Test(erase, of_the_newest_events)
{
    struct desk desk;

    open_desk(&desk);
    cr_expect_eq(erase(&desk, "canary-1"), 3);
    desk_reopen(&desk);
    cr_expect_eq(desk.server.journal.next_lsn, 16);
    start(&desk, "s-7", "canary-4", 2);
    expect_verified(&desk, 8, 3);
    desk_close(&desk);
}

/* A tombstone that lies, sealed again, does not fit what stands behind it. */
Test(erase, a_forged_tombstone_is_found)
{
    struct slice tenant = slice_str("local"), session = slice_str("s-2");
    struct session_key key = session_key_of(tenant, session);
    struct tombstone tombstone = {.who = slice_str("x"), .reason = slice_str("")};
    uint8_t seal[SEAL_BYTES] = {1, 2, 3};
    struct buf links = {0};
    struct desk desk;
    json_t *reply;

    open_desk(&desk);
    for (uint64_t lsn = 5; lsn <= 7; lsn++) erased_link(&links, lsn, seal);
    tombstone.links = buf_slice(&links);
    batch_remove(&desk.server.batch, TABLE_ARCHIVE, session_key_slice(&key));
    erased_put(desk.server.env, &desk.server.batch, tenant, session, &tombstone);
    desk_commit(&desk);
    reply = wire_read(desk_ask(&desk, ROLE_ADMIN, "'op': 'log.verify'"));
    cr_expect_gt(json_integer_value(json_object_get(reply, "n_faults")), 0);
    json_decref(reply);
    buf_done(&links);
    desk_close(&desk);
}

Test(erase, export_tells_all)
{
    struct desk desk;
    json_t *reply, *sessions, *events;
    size_t n = 0;

    open_desk(&desk);
    reply =
        wire_read(desk_ask(&desk, ROLE_ADMIN, "'op': 'examinee.export', 'examinee': 'canary-1'"));
    sessions = json_object_get(reply, "sessions");
    cr_assert_eq(json_array_size(sessions), 3);
    for (size_t i = 0; i < 3; i++) {
        events = json_object_get(json_array_get(sessions, i), "events");
        n += json_array_size(events);
        for (size_t k = 1; k < json_array_size(events); k++) {
            json_t *event = json_array_get(events, k);

            cr_expect_str_eq(json_string_value(json_object_get(event, "kind")), "answered");
            cr_expect(json_is_string(json_object_get(event, "item")));
            cr_expect_str_eq(
                json_string_value(json_object_get(event, "item")),
                json_string_value(json_object_get(json_array_get(events, k - 1), "asks")));
        }
    }
    cr_expect_eq(n, 4 + 3 + 3);
    json_decref(reply);
    reply =
        wire_read(desk_ask(&desk, ROLE_ADMIN, "'op': 'examinee.export', 'examinee': 'canary-9'"));
    cr_expect_eq(json_array_size(json_object_get(reply, "sessions")), 0);
    json_decref(reply);
    desk_close(&desk);
}

Test(erase, of_what_is_old)
{
    struct desk desk;
    struct server *server = &desk.server;

    open_desk(&desk);
    archive_all(&desk);
    server->config.retain_days = 10;
    cr_expect_eq(erase_old(server, desk.now_ms + 10 * day_ms - 3600000, 99), OK);
    desk_commit(&desk);
    expect_verified(&desk, 15, 0);
    start(&desk, "s-8", "canary-5", 1);
    for (int round = 0; round < 4; round++) {
        cr_expect_eq(erase_old(server, desk.now_ms + 10 * day_ms + 1, 2), OK);
        desk_commit(&desk);
    }
    expect_verified(&desk, 2, 5);
    desk_do(&desk, "'op': 'session.get', 'session': 's-8'");
    desk_close(&desk);
}

/* What an op says of the sessions, and of those that are damaged: as JSON. */
static void expect_around_damage(struct desk *desk, const char *request, size_t n_session)
{
    json_t *reply = wire_read(desk_ask(desk, ROLE_ADMIN, "%s", request));
    const json_t *damaged = json_object_get(reply, "damaged");
    const json_t *sessions = json_object_get(reply, "sessions");

    cr_expect(json_is_true(json_object_get(reply, "ok")), "%s: %s", request,
              json_string_value(json_object_get(json_object_get(reply, "error"), "message")));
    if (sessions)
        cr_expect_eq(json_array_size(sessions), n_session, "%s", request);
    else
        cr_expect_eq(json_integer_value(json_object_get(reply, "n_sessions")),
                     (json_int_t)n_session, "%s", request);
    cr_assert_eq(json_array_size(damaged), 1, "%s", request);
    cr_expect_str_eq(json_string_value(json_array_get(damaged, 0)), "s-2");
    json_decref(reply);
}

/* s-2 stands between the others. Whose it is cannot be known any more. */
Test(erase, one_damaged_session_hides_no_other)
{
    struct session_key key = session_key_of(slice_str("local"), slice_str("s-2"));
    struct desk desk;

    open_desk(&desk);
    archive_all(&desk);
    desk_flip(&desk, TABLE_ARCHIVE, session_key_slice(&key), 5);
    desk_reopen(&desk);
    for (int round = 0; round < 2; round++) {
        expect_around_damage(&desk, "'op': 'session.list'", 4);
        expect_around_damage(&desk, "'op': 'session.list', 'examinee': 'canary-3'", 1);
        expect_around_damage(&desk, "'op': 'examinee.export', 'examinee': 'canary-1'", 3);
        desk_fail(&desk, "internal", "'op': 'session.get', 'session': 's-2'");
    }
    expect_around_damage(&desk, "'op': 'examinee.erase', 'examinee': 'canary-1'", 3);
    desk.server.config.retain_days = 10;
    for (int round = 0; round < 4; round++) {
        cr_expect_eq(erase_old(&desk.server, desk.now_ms + 11 * day_ms, 2), OK);
        desk_commit(&desk);
    }
    expect_around_damage(&desk, "'op': 'session.list'", 0);
    desk_close(&desk);
}

/* The reply to a page of an op on canary-9; `after` is where it begins and then where it ended, ""
 * at the end. */
static json_t *page(struct desk *desk, const char *op, char after[LIMIT_ID + 1])
{
    char more[128] = "";
    const char *next;
    json_t *reply;

    if (after[0]) snprintf(more, sizeof(more), ", 'after': '%s'", after);
    reply = wire_read(desk_ask(desk, ROLE_ADMIN, "'op': '%s', 'examinee': 'canary-9'%s", op, more));
    cr_assert(json_is_true(json_object_get(reply, "ok")), "%s", op);
    next = json_string_value(json_object_get(reply, "after"));
    snprintf(after, LIMIT_ID + 1, "%s", next ? next : "");
    return reply;
}

/* More sessions than a page has, some of them in memory. */
Test(erase, comes_in_pages)
{
    enum { N_ARCHIVED = 60, N_LIVE = 30, MOST_PAGES = 20 };
    char after[LIMIT_ID + 1] = "", session[16];
    size_t n_exported = 0, n_erased = 0, n_page = 0;
    struct desk desk;

    open_desk(&desk);
    for (int i = 0; i < N_ARCHIVED + N_LIVE; i++) {
        if (i == N_ARCHIVED) archive_all(&desk);
        if (i % 20 == 19) archive_all(&desk);
        snprintf(session, sizeof(session), "p-%02d", i);
        start(&desk, session, "canary-9", 1);
    }
    do {
        json_t *reply = page(&desk, "examinee.export", after);

        n_exported += json_array_size(json_object_get(reply, "sessions"));
        cr_assert_lt(n_page++, MOST_PAGES);
        json_decref(reply);
    } while (after[0]);
    cr_expect_eq(n_exported, N_ARCHIVED + N_LIVE, "%zu", n_exported);
    cr_expect_gt(n_page, 2);
    do {
        json_t *reply = page(&desk, "examinee.erase", after);

        n_erased += (size_t)json_integer_value(json_object_get(reply, "n_sessions"));
        cr_assert_lt(n_page++, 2 * MOST_PAGES);
        json_decref(reply);
    } while (after[0]);
    cr_expect_eq(n_erased, N_ARCHIVED + N_LIVE, "%zu", n_erased);
    cr_expect_eq(n_record_with(&desk, "canary-9"), 0);
    expect_verified(&desk, 15, N_ARCHIVED + N_LIVE);
    desk_close(&desk);
}

/* What was not yet committed cannot be erased yet, and stays whole. */
Test(erase, waits_for_the_disk)
{
    struct desk desk;
    struct erasure erasure = {.server = &desk.server, .who = slice_str("x")};
    size_t n;

    open_desk(&desk);
    cr_expect_eq(
        sessions_tidy(desk.server.sessions, &desk.server.batch, desk.now_us + (int64_t)9e12, 99),
        OK);
    n = desk.server.batch.n;
    cr_expect_eq(erase_session(&erasure, slice_str("local"), slice_str("s-5")), RETRY);
    cr_expect_eq(desk.server.batch.n, n);
    desk_commit(&desk);
    cr_expect_eq(erase_session(&erasure, slice_str("local"), slice_str("s-5")), OK);
    desk_commit(&desk);
    expect_verified(&desk, 12, 1);
    desk_close(&desk);
}

Test(erase, goes_on_where_the_disk_is_full)
{
    struct desk desk;

    open_desk(&desk);
    desk.server.disk_is_low = true;
    desk_fail(&desk, "retry", "'op': 'session.finish', 'session': 's-4'");
    desk_fail(&desk, "retry", "'op': 'session.start', 'test': 't', 'examinee': 'e'");
    desk_do(&desk, "'op': 'session.get', 'session': 's-4'");
    desk_do(&desk, "'op': 'bank.get', 'bank': 'b'");
    desk_do(&desk, "'op': 'ping'");
    cr_expect_eq(erase(&desk, "canary-1"), 3);
    desk.server.disk_is_low = false;
    desk_do(&desk, "'op': 'session.finish', 'session': 's-4'");
    desk_close(&desk);
}
