/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers that change after they were given, over the wire. Suite `revise`. */
#include "server_test.h"

#include <stdio.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000 };

static json_t *get(struct desk *desk, const char *session)
{
    return wire_read(desk_ask(desk, ROLE_ALL, "'op': 'session.get', 'session': '%s'", session));
}

static double number(const json_t *state, const char *part, const char *name)
{
    const json_t *value = json_object_get(json_object_get(state, part), name);

    cr_assert(json_is_number(value), "%s.%s", part, name);
    return json_number_value(value);
}

static int whole(const json_t *state, const char *name)
{
    return (int)json_integer_value(json_object_get(state, name));
}

/* The id of the item of an answered question. */
static const char *item_of(struct desk *desk, const char *session, unsigned seq)
{
    const struct session *one = desk_live(desk, session)->session;

    return bank_id(session_plan(one)->bank, session_answered_item(one, seq));
}

static struct slice revise(struct desk *desk, const char *session, unsigned seq,
                           const char *response)
{
    return desk_ask(desk, ROLE_ALL,
                    "'op': 'session.revise', 'session': '%s', 'seq': %u, 'item': '%s',"
                    " 'response': %s",
                    session, seq, item_of(desk, session, seq), response);
}

static struct slice score(struct desk *desk, const char *session, unsigned seq, int given)
{
    return desk_ask(desk, ROLE_TEACHER,
                    "'op': 'session.score', 'session': '%s', 'seq': %u, 'score': %d", session, seq,
                    given);
}

static void expect_refused(struct slice reply, const char *code, const char *field,
                           const char *message)
{
    json_t *json = wire_read(reply);
    const json_t *error = json_object_get(json, "error");

    cr_assert(error, "not refused: %s", message);
    cr_expect_str_eq(json_string_value(json_object_get(error, "code")), code);
    cr_expect_str_eq(json_string_value(json_object_get(error, "message")), message);
    if (field) cr_expect_str_eq(json_string_value(json_object_get(error, "field")), field);
    json_decref(json);
}

/* Wipe memory of what has ended: the archive has it. */
static void archive_all(struct desk *desk)
{
    struct server *server = &desk->server;

    for (int pass = 0; pass < 2; pass++) {
        desk->now_us += (int64_t)2 * HOUR_MS * 1000;
        cr_assert_eq(sessions_tidy(server->sessions, &server->batch, desk->now_us, 100), OK);
        desk_commit(desk);
    }
    cr_assert_eq(sessions_n_live(server->sessions), 0);
}

Test(revise, moves_theta_and_nothing_else)
{
    struct desk desk;
    json_t *before, *after, *again;
    uint64_t lsn;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 9);
    desk_test(&desk, "t", "'revise': 2");
    desk_steps(&desk, "s-1", "t", "s010");
    before = get(&desk, "s-1");
    cr_expect_eq(whole(before, "revisable"), 2);
    after = wire_read(revise(&desk, "s-1", 2, "'y'"));
    cr_expect_lt(number(after, "ability", "theta"), number(before, "ability", "theta"));
    cr_expect(json_equal(json_object_get(after, "item"), json_object_get(before, "item")));
    cr_expect(json_equal(json_object_get(after, "progress"), json_object_get(before, "progress")));
    cr_expect_eq(whole(after, "seq"), 4);
    lsn = desk.server.journal.next_lsn;
    again = wire_read(revise(&desk, "s-1", 2, "'y'"));
    json_object_del(after, "id");
    json_object_del(again, "id");
    cr_expect(json_equal(again, after), "the same again tells the same");
    cr_expect_eq(desk.server.journal.next_lsn, lsn, "and leaves no record");
    cr_expect_eq(desk.server.stats.answers, 3, "a revision is no further answer");
    json_decref(before);
    json_decref(after);
    json_decref(again);
    desk_close(&desk);
}

Test(revise, says_what_may_be_revised)
{
    struct desk desk;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 9);
    desk_test(&desk, "t", "'revise': 2");
    desk_test(&desk, "never", "'revise': 0");
    desk_steps(&desk, "s-1", "t", "s");
    desk_steps(&desk, "s-2", "never", "s1");
    expect_refused(desk_ask(&desk, ROLE_FRONTEND,
                            "'op': 'session.revise', 'session': 's-1', 'seq': 1, 'item': 'q3',"
                            " 'response': 'x'"),
                   "stale_seq", "seq", "no question has been answered yet");
    desk_steps(&desk, "s-1", "t", "0000");
    expect_refused(revise(&desk, "s-1", 2, "'x'"), "stale_seq", "seq",
                   "only questions 3 to 4 may be revised now");
    expect_refused(revise(&desk, "s-1", 4, "'z'"), "bad_response", "response",
                   "is no category or option of the item");
    expect_refused(revise(&desk, "s-2", 1, "'y'"), "conflict", NULL,
                   "the test allows no revision of an answer");
    desk_step(&desk, "s-1", "t", 'f');
    expect_refused(revise(&desk, "s-1", 4, "'x'"), "finished", NULL, "the session has ended");
    desk_close(&desk);
}

/* A time of its own takes the first one's place; without one that stays. */
Test(revise, counts_the_time_that_is_told_last)
{
    struct desk desk;
    json_t *state;
    const json_t *quality;

    desk_open(&desk, 10);
    desk_do(&desk, "'op': 'bank.begin', 'bank': 'b'");
    desk_do(&desk, "'op': 'bank.add', 'upload': 1, 'items': ["
                   "{'id': 'q1', 'model': '1PL', 'b': 0.1, 'rapid_ms': 2000},"
                   "{'id': 'q2', 'model': '1PL', 'b': 0.2, 'rapid_ms': 2000},"
                   "{'id': 'q3', 'model': '1PL', 'b': 0.3, 'rapid_ms': 2000}]");
    desk_do(&desk, "'op': 'bank.publish', 'upload': 1");
    desk_test(&desk, "t", "'revise': 3, 'select': {'criterion': 'fixed'}");
    desk_step(&desk, "s-1", "t", 's');
    for (int i = 1; i <= 3; i++) {
        desk_do(&desk,
                "'op': 'session.answer', 'session': 's-1', 'seq': %d, 'item': 'q%d',"
                " 'response': 1, 'elapsed_ms': 700",
                i, i);
        if (i == 3) break;
        desk_do(&desk,
                "'op': 'session.revise', 'session': 's-1', 'seq': %d, 'item': 'q%d',"
                " 'response': 0%s",
                i, i, i == 1 ? ", 'elapsed_ms': 9000" : "");
    }
    state = get(&desk, "s-1");
    quality = json_object_get(json_object_get(state, "result"), "quality");
    cr_expect_eq(whole(quality, "timed"), 3);
    cr_expect_eq(whole(quality, "rapid"), 2);
    json_decref(state);
    desk_close(&desk);
}

static void essay(struct desk *desk, const char *session, const char *text)
{
    struct session_view view = desk_view(desk, session);
    const struct bank *bank = session_plan(desk_live(desk, session)->session)->bank;

    desk_do(desk,
            "'op': 'session.answer', 'session': '%s', 'seq': %u, 'item': '%s', 'response': %s",
            session, view.seq, bank_id(bank, view.item), text);
}

Test(revise, an_essay_is_kept_for_a_person)
{
    struct desk desk;
    json_t *state;

    desk_open(&desk, 10);
    desk_essays(&desk, "w", 4);
    desk_step(&desk, "s-1", "w", 's');
    state = get(&desk, "s-1");
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(state, "item"), "scored")),
                     "later");
    cr_expect_null(json_object_get(state, "pending"));
    json_decref(state);
    expect_refused(desk_ask(&desk, ROLE_FRONTEND,
                            "'op': 'session.answer', 'session': 's-1', 'seq': 1, 'item': '%s',"
                            " 'response': 1",
                            bank_id(session_plan(desk_live(&desk, "s-1")->session)->bank,
                                    desk_view(&desk, "s-1").item)),
                   "bad_response", "response",
                   "must be a str or nil: a person scores the item later");
    essay(&desk, "s-1", "'Because both halves are alike.'");
    essay(&desk, "s-1", "null");
    state = get(&desk, "s-1");
    cr_expect_eq(whole(state, "pending"), 2);
    cr_expect_float_eq(number(state, "ability", "theta"), 0.0, 0.0);
    json_decref(state);
    expect_refused(score(&desk, "s-1", 3, 1), "stale_seq", "seq", "2 questions have an answer");
    expect_refused(score(&desk, "s-1", 1, 3), "bad_response", "score",
                   "is no category of the item");
    state = wire_read(score(&desk, "s-1", 2, 2));
    cr_expect_eq(whole(state, "pending"), 1);
    cr_expect_gt(number(state, "ability", "theta"), 0.0);
    json_decref(state);
    desk_close(&desk);
}

Test(revise, only_what_waits_for_a_person_is_scored)
{
    struct desk desk;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 5);
    desk_essays(&desk, "w", 3);
    desk_test(&desk, "t", "'revise': 2");
    desk_steps(&desk, "s-1", "t", "s1");
    desk_steps(&desk, "s-2", "w", "s-v");
    expect_refused(score(&desk, "s-1", 1, 0), "conflict", "seq",
                   "the item is not scored later, or the session has had too many events");
    expect_refused(score(&desk, "s-2", 1, 0), "finished", NULL, "the session was voided");
    desk_close(&desk);
}

/* A score that comes when the session has long left memory: before and after a new start. */
Test(revise, a_result_is_made_again_out_of_the_archive)
{
    struct desk desk;
    json_t *first, *second, *third;

    desk_open(&desk, 10);
    desk_essays(&desk, "w", 3);
    desk_steps(&desk, "s-1", "w", "s--f");
    archive_all(&desk);
    first = wire_read(score(&desk, "s-1", 1, 2));
    cr_expect_eq(whole(first, "pending"), 1);
    archive_all(&desk);
    second = wire_read(score(&desk, "s-1", 2, 2));
    cr_expect_null(json_object_get(second, "pending"));
    cr_expect_gt(number(second, "result", "theta"), number(first, "result", "theta"));
    cr_expect_gt(number(second, "result", "scale"), number(first, "result", "scale"));
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(second, "result"), "stop")),
                     "request");
    cr_expect_str_eq(
        json_string_value(json_object_get(json_object_get(second, "result"), "classification")),
        "high");
    desk_reopen(&desk);
    third = get(&desk, "s-1");
    cr_expect(json_equal(third, second), "after a new start");
    archive_all(&desk);
    json_decref(third);
    third = get(&desk, "s-1");
    cr_expect(json_equal(third, second), "and out of the archive");
    json_decref(first);
    json_decref(second);
    json_decref(third);
    desk_close(&desk);
}

/* One peer cannot fill the disk by changing its mind for ever. */
Test(revise, changes_of_mind_have_an_end)
{
    struct desk desk;
    const char *code = "";
    int n = 0;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 5);
    desk_test(&desk, "t", "'revise': 1");
    desk_steps(&desk, "s-1", "t", "s1");
    while (n <= LIMIT_EVENTS && !code[0]) {
        code = reply_code(revise(&desk, "s-1", 1, n % 2 ? "'x'" : "'y'"));
        n++;
    }
    cr_expect_str_eq(code, "conflict");
    cr_expect_eq(n, LIMIT_EVENTS - 1, "%d", n);
    cr_expect_str_eq(reply_code(revise(&desk, "s-1", 1, n % 2 ? "'x'" : "'y'")), "",
                     "the last again");
    desk_steps(&desk, "s-1", "t", "1f");
    cr_expect_str_eq(reply_code(revise(&desk, "s-1", 2, "'y'")), "finished");
    desk_close(&desk);
}

Test(revise, changes_of_a_score_have_an_end)
{
    struct desk desk;
    const char *code = "";
    int n = 0;

    desk_open(&desk, 10);
    desk_essays(&desk, "e", 3);
    desk_steps(&desk, "s-1", "e", "s-");
    while (n <= LIMIT_EVENTS && !code[0]) {
        code = reply_code(score(&desk, "s-1", 1, n % 2));
        n++;
    }
    cr_expect_str_eq(code, "conflict");
    cr_expect_str_eq(reply_code(score(&desk, "s-1", 1, n % 2)), "", "the last again");
    cr_expect_str_eq(reply_code(score(&desk, "s-1", 2, 0)), "stale_seq");
    cr_expect_str_eq(reply_code(score(&desk, "s-1", 1, 7)), "bad_response");
    desk_steps(&desk, "s-1", "e", "v");
    cr_expect_str_eq(reply_code(score(&desk, "s-1", 1, 2)), "finished");
    desk_close(&desk);
}

static json_t *explain(struct desk *desk, const char *fields)
{
    json_t *reply = wire_read(
        desk_ask(desk, ROLE_AUTHOR, "'op': 'session.explain', 'session': 's-1'%s", fields));

    cr_assert(json_is_true(json_object_get(reply, "ok")), "%s", fields);
    return reply;
}

/* What is explained is what was done, whatever has become of the answers since. */
Test(revise, a_pick_is_explained_as_it_was_made)
{
    enum { N = 5 };
    struct desk desk;
    json_t *as_it_was[N], *now;
    char fields[32];

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 12);
    desk_test(&desk, "t", "'revise': 9, 'select': {'criterion': 'MPWI', 'randomesque': 3}");
    desk_step(&desk, "s-1", "t", 's');
    for (int seq = 1; seq <= N; seq++) {
        as_it_was[seq - 1] = explain(&desk, "");
        cr_expect_eq(whole(as_it_was[seq - 1], "seq"), seq);
        for (unsigned back = 1; back < (unsigned)seq; back++) {
            revise(&desk, "s-1", back, seq % 2 ? "'x'" : "'y'");
        }
        now = explain(&desk, "");
        cr_expect(json_equal(now, as_it_was[seq - 1]), "question %d by itself", seq);
        json_decref(now);
        if (seq < N) desk_step(&desk, "s-1", "t", seq % 3 ? '0' : '1');
    }
    desk_step(&desk, "s-1", "t", 'f');
    archive_all(&desk);
    for (int seq = 1; seq < N; seq++) {
        snprintf(fields, sizeof(fields), ", 'seq': %d", seq);
        now = explain(&desk, fields);
        cr_expect(json_equal(now, as_it_was[seq - 1]), "question %d at the end", seq);
        json_decref(now);
    }
    for (int i = 0; i < N; i++) json_decref(as_it_was[i]);
    desk_close(&desk);
}
