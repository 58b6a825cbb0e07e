/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server_test.h"

#include <stdio.h>
#include <string.h>

#define SECOND_US ((int64_t)1000 * 1000)
#define HOUR_US   (3600 * SECOND_US)

static void open_desk(struct desk *desk, int64_t max_sessions)
{
    desk_open(desk, max_sessions);
    desk_bank(desk, "b", 12);
    desk_test(desk, "t",
              "'select': {'randomesque': 3}, 'stop': {'any': [{'rule': 'length',"
              " 'at': 6}]}");
}

/* Tidy at a moment `after_us` from now; returns how many sessions that archived: each is two
 * writes, its events and what its examinee has seen. */
static size_t tidy(struct desk *desk, int64_t after_us, size_t n_most)
{
    size_t n;

    cr_assert_eq(desk->server.batch.n, 0);
    cr_assert_eq(
        sessions_tidy(desk->server.sessions, &desk->server.batch, desk->now_us + after_us, n_most),
        OK);
    n = desk->server.batch.n;
    cr_expect_eq(n % 2, 0);
    desk_commit(desk);
    return n / 2;
}

static size_t n_live(struct desk *desk)
{
    return sessions_n_live(desk->server.sessions);
}

static bool is_archived(struct desk *desk, const char *session)
{
    struct buf archive = {0};
    enum status st =
        archive_get(desk->server.env, slice_str("local"), slice_str(session), &archive);

    cr_assert(st == OK || st == NOT_FOUND);
    buf_done(&archive);
    return st == OK;
}

static uint64_t first_lsn(struct desk *desk)
{
    uint64_t first;

    cr_assert_eq(journal_first(&desk->server.journal, &first), OK);
    return first;
}

static void trim(struct desk *desk)
{
    cr_assert_eq(sessions_trim(desk->server.sessions, &desk->server.batch), OK);
    desk_commit(desk);
}

Test(sessions, starts_and_steps)
{
    struct desk desk;
    struct session_view view;
    struct live *live;

    open_desk(&desk, 10);
    desk_step(&desk, "s-1", "t", 's');
    live = desk_live(&desk, "s-1");
    cr_expect(slice_equal_str(live->id, "s-1"));
    cr_expect(slice_equal_str(live->tenant, "local"));
    cr_expect(slice_equal_str(live->examinee, "e-1"));
    cr_expect(slice_equal_str(live->group, "6b"));
    cr_expect_eq(live->test->version, 1);
    cr_expect_eq(live->bank->version, 1);
    desk_steps(&desk, "s-1", "t", "10z");
    view = desk_view(&desk, "s-1");
    cr_expect_eq(view.state, SESSION_SUSPENDED);
    cr_expect_eq(view.seq, 3);
    cr_expect_eq(n_live(&desk), 1);
    cr_expect_eq(session_n_event(live->session), 4);
    cr_expect_eq(desk.server.journal.next_lsn, 5);
    desk_close(&desk);
}

Test(sessions, knows_no_other_name)
{
    struct desk desk;
    struct live *live = NULL;

    open_desk(&desk, 10);
    desk_step(&desk, "s-1", "t", 's');
    cr_expect_eq(sessions_get(desk.server.sessions, slice_str("local"), slice_str("s-"), 0, &live),
                 UNKNOWN_SESSION);
    cr_expect_eq(sessions_get(desk.server.sessions, slice_str("other"), slice_str("s-1"), 0, &live),
                 UNKNOWN_SESSION);
    cr_expect_null(live);
    desk_close(&desk);
}

/* What has been said already is not written again. */
Test(sessions, a_repeated_event_changes_nothing)
{
    struct desk desk;
    struct event event = {.kind = EVENT_SUSPENDED};
    bool changed;

    open_desk(&desk, 10);
    desk_steps(&desk, "s-1", "t", "s1");
    for (int round = 0; round < 3; round++) {
        cr_assert_eq(sessions_step(desk.server.sessions, desk_live(&desk, "s-1"), &event,
                                   slice_str(""), &desk.server.batch, &changed),
                     OK);
        cr_expect_eq(changed, round == 0);
        cr_expect_eq(desk.server.batch.n, 1);
        cr_expect_eq(desk.server.journal.next_lsn, 4);
    }
    desk_close(&desk);
}

Test(sessions, an_event_that_is_refused_is_not_written)
{
    struct desk desk;
    struct event event = {.kind = EVENT_ANSWERED, .seq = 9, .elapsed_ms = -1};
    struct session_view before, after;
    bool changed = false;

    open_desk(&desk, 10);
    desk_steps(&desk, "s-1", "t", "s1");
    before = desk_view(&desk, "s-1");
    cr_expect_eq(sessions_step(desk.server.sessions, desk_live(&desk, "s-1"), &event, slice_str(""),
                               &desk.server.batch, &changed),
                 STALE_SEQ);
    after = desk_view(&desk, "s-1");
    cr_expect_eq(desk.server.batch.n, 0);
    cr_expect_eq(desk.server.journal.next_lsn, 3);
    cr_expect_eq(before.seq, after.seq);
    cr_expect_eq(before.item, after.item);
    desk_close(&desk);
}

Test(sessions, has_a_limit)
{
    struct desk desk;

    open_desk(&desk, 2);
    desk_step(&desk, "s-1", "t", 's');
    desk_step(&desk, "s-2", "t", 's');
    desk_fail(&desk, "busy",
              "'op': 'session.start', 'session': 's-3', 'test': 't', 'examinee': 'e-1'");
    cr_expect_eq(n_live(&desk), 2);
    cr_expect_eq(desk.server.journal.next_lsn, 3);
    desk_fail(&desk, "unknown_session", "'op': 'session.get', 'session': 's-3'");
    desk_step(&desk, "s-2", "t", 's');
    desk_step(&desk, "s-1", "t", 'f');
    tidy(&desk, 10 * SECOND_US, 100);
    tidy(&desk, 10 * SECOND_US, 100);
    cr_expect_eq(n_live(&desk), 1);
    desk_step(&desk, "s-3", "t", 's');
    desk_close(&desk);
}

Test(sessions, a_start_without_an_item_leaves_nothing)
{
    struct desk desk;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 1);
    desk_test(&desk, "t", "'reveal': true");
    desk_do(&desk, "'op': 'bank.retire', 'bank': 'b', 'item': 'q1'");
    desk_fail(&desk, "exhausted",
              "'op': 'session.start', 'session': 's-1', 'test': 't', 'examinee': 'e-1'");
    cr_expect_eq(n_live(&desk), 0);
    cr_expect_eq(desk.server.journal.next_lsn, 1);
    desk_bank(&desk, "b", 2);
    desk_step(&desk, "s-1", "t", 's');
    desk_close(&desk);
}

Test(sessions, what_has_ended_is_archived_then_dropped)
{
    struct desk desk;

    open_desk(&desk, 10);
    desk_steps(&desk, "s-1", "t", "s10f");
    desk_steps(&desk, "s-2", "t", "s1");
    desk_steps(&desk, "s-3", "t", "s1v");
    cr_expect_eq(tidy(&desk, 5 * SECOND_US - 1, 100), 0);
    cr_expect_eq(n_live(&desk), 3);
    cr_expect_eq(tidy(&desk, 5 * SECOND_US, 100), 2);
    cr_expect_eq(n_live(&desk), 3);
    cr_expect(is_archived(&desk, "s-1"));
    cr_expect_not(is_archived(&desk, "s-2"));
    cr_expect(is_archived(&desk, "s-3"));
    cr_expect_eq(tidy(&desk, 5 * SECOND_US, 100), 0);
    cr_expect_eq(n_live(&desk), 1);

    cr_expect_eq(desk_view(&desk, "s-1").state, SESSION_FINISHED);
    cr_expect_eq(desk_view(&desk, "s-3").state, SESSION_VOIDED);
    cr_expect_eq(n_live(&desk), 3);
    cr_expect_eq(tidy(&desk, 5 * SECOND_US, 100), 0, "what the archive has is not written again");
    cr_expect_eq(n_live(&desk), 1);
    desk_close(&desk);
}

Test(sessions, what_sits_idle_leaves_and_comes_back)
{
    struct desk desk;
    struct session_view before, after;

    open_desk(&desk, 10);
    desk_steps(&desk, "s-1", "t", "s10");
    desk_steps(&desk, "s-2", "t", "s1z");
    before = desk_view(&desk, "s-1");
    cr_expect_eq(tidy(&desk, HOUR_US - 1, 100), 0);
    cr_expect_eq(tidy(&desk, HOUR_US, 100), 2);
    tidy(&desk, HOUR_US, 100);
    cr_expect_eq(n_live(&desk), 0);
    trim(&desk);
    cr_expect_eq(first_lsn(&desk), 6, "only the last event is left");

    desk_steps(&desk, "s-1", "t", "1");
    after = desk_view(&desk, "s-1");
    cr_expect_eq(after.seq, before.seq + 1);
    cr_expect_eq(session_answered_item(desk_live(&desk, "s-1")->session, before.seq), before.item);
    desk_reopen(&desk);
    cr_expect_eq(n_live(&desk), 2, "both have an event in the journal");
    cr_expect_eq(desk_view(&desk, "s-1").item, after.item);
    desk_steps(&desk, "s-1", "t", "101");
    cr_expect_eq(desk_view(&desk, "s-1").state, SESSION_FINISHED);
    desk_step(&desk, "s-2", "t", 'r');
    cr_expect_eq(desk_view(&desk, "s-2").state, SESSION_ASKING);
    desk_close(&desk);
}

Test(sessions, touching_one_keeps_it)
{
    struct desk desk;

    open_desk(&desk, 10);
    desk_step(&desk, "s-1", "t", 's');
    desk_step(&desk, "s-2", "t", 's');
    desk.now_us += HOUR_US;
    desk_view(&desk, "s-1");
    cr_expect_eq(tidy(&desk, 0, 100), 1);
    cr_expect_not(is_archived(&desk, "s-1"));
    cr_expect(is_archived(&desk, "s-2"));
    desk_close(&desk);
}

/* Between the archive's writing and the dropping there may be another event. */
Test(sessions, moves_on_after_it_was_archived)
{
    struct desk desk;
    struct session_view before;

    open_desk(&desk, 10);
    desk_steps(&desk, "s-1", "t", "s1");
    cr_expect_eq(tidy(&desk, HOUR_US, 100), 1);
    desk_steps(&desk, "s-1", "t", "0z");
    before = desk_view(&desk, "s-1");
    for (int round = 0; round < 2; round++) {
        trim(&desk);
        cr_expect_eq(first_lsn(&desk), 3, "the archive has the first two");
        desk_reopen(&desk);
        cr_expect_eq(n_live(&desk), 1);
        cr_expect_eq(desk_view(&desk, "s-1").seq, before.seq);
    }
    cr_expect_eq(tidy(&desk, 2 * HOUR_US, 100), 1);
    tidy(&desk, 2 * HOUR_US, 100);
    cr_expect_eq(n_live(&desk), 0);
    trim(&desk);
    desk_step(&desk, "s-1", "t", 'r');
    cr_expect_eq(desk_view(&desk, "s-1").item,
                 before.item == NO_ITEM ? desk_view(&desk, "s-1").item : before.item);
    cr_expect_eq(session_n_event(desk_live(&desk, "s-1")->session), 5);
    desk_close(&desk);
}

Test(sessions, can_be_voided_after_the_archive)
{
    struct desk desk;

    open_desk(&desk, 10);
    desk_steps(&desk, "s-1", "t", "s10101f");
    desk_step(&desk, "s-2", "t", 's');
    tidy(&desk, 10 * SECOND_US, 100);
    tidy(&desk, 10 * SECOND_US, 100);
    trim(&desk);
    cr_expect_eq(n_live(&desk), 1);
    desk_step(&desk, "s-1", "t", 'v');
    desk_reopen(&desk);
    cr_expect_eq(desk_view(&desk, "s-1").state, SESSION_VOIDED);
    cr_expect_eq(tidy(&desk, 3000 * SECOND_US, 100), 1);
    tidy(&desk, 3000 * SECOND_US, 100);
    cr_expect_eq(n_live(&desk), 1);
    desk_reopen(&desk);
    cr_expect_eq(desk_view(&desk, "s-1").state, SESSION_VOIDED);
    cr_expect_eq(session_n_event(desk_live(&desk, "s-1")->session), 8);
    desk_close(&desk);
}

Test(sessions, tidies_a_few_at_a_time_oldest_first)
{
    static const char *const ids[] = {"s-1", "s-2", "s-3", "s-4"};
    struct desk desk;

    open_desk(&desk, 10);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        desk_steps(&desk, ids[i], "t", "s1");
        desk.now_us += 1000;
    }
    for (size_t i = COUNT_OF(ids); i-- > 0;) {
        desk_step(&desk, ids[i], "t", 'f');
        desk.now_us += 1000;
    }
    cr_expect_eq(tidy(&desk, 10 * SECOND_US, 3), 3);
    cr_expect_not(is_archived(&desk, "s-1"));
    cr_expect(is_archived(&desk, "s-4"));
    cr_expect_eq(tidy(&desk, 10 * SECOND_US, 0), 0);
    cr_expect_eq(n_live(&desk), 4);
    cr_expect_eq(tidy(&desk, 10 * SECOND_US, 3), 0);
    cr_expect_eq(n_live(&desk), 1);
    cr_expect_eq(tidy(&desk, 10 * SECOND_US, 3), 1);
    desk_close(&desk);
}

Test(sessions, trims_only_behind_the_oldest_live)
{
    struct desk desk;

    open_desk(&desk, 10);
    desk_steps(&desk, "s-1", "t", "s1f");
    desk_steps(&desk, "s-2", "t", "s1");
    desk_steps(&desk, "s-3", "t", "s1f");
    trim(&desk);
    cr_expect_eq(first_lsn(&desk), 1, "nothing is in the archive yet");
    tidy(&desk, 10 * SECOND_US, 100);
    trim(&desk);
    cr_expect_eq(first_lsn(&desk), 4, "s-2 began with the fourth event");
    tidy(&desk, 10 * SECOND_US, 100);
    desk_reopen(&desk);
    cr_expect_eq(desk_view(&desk, "s-1").state, SESSION_FINISHED);
    cr_expect_eq(desk_view(&desk, "s-2").seq, 2);
    desk_step(&desk, "s-2", "t", 'f');
    tidy(&desk, 10 * HOUR_US, 100);
    trim(&desk);
    cr_expect_eq(first_lsn(&desk), 9, "the last event stays");
    desk_reopen(&desk);
    desk_step(&desk, "s-4", "t", 's');
    cr_expect_eq(desk.server.journal.next_lsn, 11);
    desk_close(&desk);
}

/* Without names of the examinee's group, and with the longest names there are. */
Test(sessions, takes_long_and_absent_names)
{
    char name[LIMIT_ID + 1];
    struct desk desk;

    memset(name, 'n', LIMIT_ID);
    name[LIMIT_ID] = '\0';
    open_desk(&desk, 10);
    desk_do(&desk,
            "'op': 'session.start', 'session': '%s', 'test': 't', 'examinee': '%s', 'group': '%s'",
            name, name, name);
    desk_do(&desk, "'op': 'session.start', 'session': 'x', 'test': 't', 'examinee': '%s'", name);
    for (int round = 0; round < 3; round++) {
        cr_expect(slice_equal_str(desk_live(&desk, name)->group, name));
        cr_expect(slice_equal_str(desk_live(&desk, name)->examinee, name));
        cr_expect_eq(desk_live(&desk, "x")->group.n, 0);
        cr_expect(slice_equal_str(desk_live(&desk, "x")->examinee, name));
        if (round == 0) desk_reopen(&desk);
        if (round == 1) tidy(&desk, 10 * HOUR_US, 9);
        if (round == 1) tidy(&desk, 10 * HOUR_US, 9);
    }
    desk_close(&desk);
}
