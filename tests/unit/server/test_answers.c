/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.answers. Suite `answers`. */
#include "server_test.h"

#include "server/outline.h"

#include <stdio.h>
#include <string.h>

enum { T = ROLE_TEACHER };

static json_t *read_answers(struct desk *desk, const char *session, const char *fields)
{
    json_t *reply =
        wire_read(desk_ask(desk, T, "'op': 'session.answers', 'session': '%s'%s", session, fields));

    cr_assert(json_is_true(json_object_get(reply, "ok")), "%s%s", session, fields);
    return reply;
}

static const json_t *answer_of(const json_t *reply, size_t i)
{
    return json_array_get(json_object_get(reply, "answers"), i);
}

static json_int_t whole(const json_t *map, const char *name)
{
    return json_integer_value(json_object_get(map, name));
}

static double number(const json_t *map, const char *name)
{
    return json_number_value(json_object_get(map, name));
}

static const char *text(const json_t *map, const char *name)
{
    return json_string_value(json_object_get(map, name));
}

Test(answers, are_told_as_they_stand)
{
    struct desk desk;
    json_t *reply;
    double theta[3];

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 9);
    desk_test(&desk, "t", "'revise': 2, 'omit': 'ignored'");
    desk_step(&desk, "s-1", "t", 's');
    for (int i = 0; i < 3; i++) {
        desk_step(&desk, "s-1", "t", "10-"[i]);
        theta[i] = desk_view(&desk, "s-1").theta;
    }
    reply = read_answers(&desk, "s-1", "");
    cr_expect_eq(json_object_size(reply), 3 + 12);
    cr_expect_str_eq(text(reply, "session"), "s-1");
    cr_expect_str_eq(text(reply, "test"), "t");
    cr_expect_str_eq(text(reply, "bank"), "b");
    cr_expect_str_eq(text(reply, "examinee"), "e-1");
    cr_expect_str_eq(text(reply, "group"), "6b");
    cr_expect_str_eq(text(reply, "state"), "asking");
    cr_expect_eq(whole(reply, "started_ms"), 1700000000000 + 1385);
    cr_expect_eq(whole(reply, "n_answers"), 3);
    cr_expect_eq(json_array_size(json_object_get(reply, "answers")), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *answer = answer_of(reply, i);

        cr_expect_eq(whole(answer, "seq"), (json_int_t)i + 1);
        cr_expect_str_eq(
            text(answer, "item"),
            bank_id(session_plan(desk_live(&desk, "s-1")->session)->bank,
                    session_answered_item(desk_live(&desk, "s-1")->session, (uint32_t)i + 1)));
        expect_bits(number(answer, "theta"), theta[i], "theta after %zu", i + 1);
        cr_expect_eq(whole(answer, "max"), 1);
        cr_expect_null(json_object_get(answer, "revised"));
        cr_expect_null(json_object_get(answer, "pending"));
    }
    cr_expect_str_eq(text(answer_of(reply, 0), "response"), "x", "scored by the key");
    cr_expect_eq(whole(answer_of(reply, 0), "score"), 1);
    cr_expect_null(json_object_get(answer_of(reply, 0), "elapsed_ms"));
    cr_expect(json_is_integer(json_object_get(answer_of(reply, 1), "response")));
    cr_expect_eq(whole(answer_of(reply, 1), "score"), 0);
    cr_expect(json_is_null(json_object_get(answer_of(reply, 2), "response")));
    cr_expect(json_is_null(json_object_get(answer_of(reply, 2), "score")), "it is ignored");
    cr_expect_eq(whole(answer_of(reply, 2), "elapsed_ms"), 12);
    json_decref(reply);
    desk_close(&desk);
}

/* The response is the one that stands, theta the one of the time. */
Test(answers, tell_what_was_revised)
{
    struct desk desk;
    json_t *before, *after;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 9);
    desk_test(&desk, "t", "'revise': 2");
    desk_steps(&desk, "s-1", "t", "s10-");
    before = read_answers(&desk, "s-1", "");
    desk_steps(&desk, "s-1", "t", "RWR");
    after = read_answers(&desk, "s-1", "");
    cr_expect_eq(whole(answer_of(after, 2), "revised"), 3);
    cr_expect_str_eq(text(answer_of(after, 2), "response"), "x");
    cr_expect_eq(whole(answer_of(after, 2), "score"), 1);
    cr_expect_eq(whole(answer_of(after, 2), "elapsed_ms"), 12, "the time told before stays");
    expect_bits(number(answer_of(after, 2), "theta"), number(answer_of(before, 2), "theta"),
                "theta then");
    expect_bits(number(json_object_get(after, "ability"), "theta"), desk_view(&desk, "s-1").theta,
                "theta now");
    cr_expect(json_equal(answer_of(after, 0), answer_of(before, 0)));
    json_decref(before);
    json_decref(after);
    desk_close(&desk);
}

Test(answers, tell_what_waits_for_a_person)
{
    struct desk desk;
    json_t *reply, *archived;

    desk_open(&desk, 10);
    desk_essays(&desk, "w", 4);
    desk_step(&desk, "s-1", "w", 's');
    for (int i = 0; i < 3; i++) {
        struct session_view view = desk_view(&desk, "s-1");

        desk_do(&desk,
                "'op': 'session.answer', 'session': 's-1', 'seq': %u, 'item': '%s',"
                " 'response': %s",
                view.seq, bank_id(session_plan(desk_live(&desk, "s-1")->session)->bank, view.item),
                i == 1 ? "null" : "'See overleaf.'");
    }
    desk_do(&desk, "'op': 'session.score', 'session': 's-1', 'seq': 3, 'score': 2");
    desk_step(&desk, "s-1", "w", 'f');
    reply = read_answers(&desk, "s-1", "");
    cr_expect_eq(whole(reply, "pending"), 2);
    cr_expect_str_eq(text(reply, "state"), "finished");
    cr_expect_str_eq(text(reply, "stop"), "request");
    for (size_t i = 0; i < 3; i++) {
        const json_t *answer = answer_of(reply, i);

        cr_expect_eq(json_is_true(json_object_get(answer, "pending")), i < 2);
        cr_expect_eq(json_is_null(json_object_get(answer, "score")), i < 2);
        cr_expect_eq(json_is_null(json_object_get(answer, "response")), i == 1);
        cr_expect_eq(whole(answer, "max"), 2);
    }
    cr_expect_str_eq(text(answer_of(reply, 0), "response"), "See overleaf.");
    cr_expect_eq(whole(answer_of(reply, 2), "score"), 2);
    desk.now_us += (int64_t)3600 * 1000000;
    for (int pass = 0; pass < 2; pass++) {
        cr_assert_eq(sessions_tidy(desk.server.sessions, &desk.server.batch, desk.now_us, 9), OK);
        desk_commit(&desk);
    }
    archived = read_answers(&desk, "s-1", "");
    cr_expect(json_equal(archived, reply), "the same out of the archive");
    json_decref(reply);
    json_decref(archived);
    desk_close(&desk);
}

Test(answers, come_in_pages)
{
    struct desk desk;
    json_t *whole_reply, *page;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 9);
    desk_test(&desk, "t", "'revise': 2");
    desk_steps(&desk, "s-1", "t", "s10110");
    whole_reply = read_answers(&desk, "s-1", "");
    page = read_answers(&desk, "s-1", ", 'offset': 1, 'limit': 3");
    cr_expect_eq(json_array_size(json_object_get(page, "answers")), 3);
    cr_expect_eq(whole(page, "n_answers"), 5);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(json_equal(answer_of(page, i), answer_of(whole_reply, i + 1)));
    }
    json_decref(page);
    page = read_answers(&desk, "s-1", ", 'offset': 5");
    cr_expect_eq(json_array_size(json_object_get(page, "answers")), 0);
    json_decref(page);
    json_decref(whole_reply);
    desk_fail(&desk, "unknown_session", "'op': 'session.answers', 'session': 'nobody'");
    desk_close(&desk);
}

/* What cannot be a session's history is not made up for. */
Test(answers, no_outline_of_what_is_no_session)
{
    static struct outline outline;
    struct event_record record = {
        .event = {.kind = EVENT_ANSWERED, .seq = 1},
        .identity = {.test = slice_str("t"), .bank = slice_str("b"), .examinee = slice_str("e")}};

    cr_expect_eq(outline_take(&outline, &record), CORRUPT, "nothing before the start");
    record.event.kind = EVENT_STARTED;
    record.event.time_ms = 385;
    cr_expect_eq(outline_take(&outline, &record), OK);
    cr_expect(outline.state == SESSION_ASKING && outline.started_ms == 385);
    cr_expect_eq(outline_take(&outline, &record), CORRUPT, "no second start");
    record.event.kind = EVENT_SCORED;
    cr_expect_eq(outline_take(&outline, &record), CORRUPT, "no score before an answer");
    record.event.kind = EVENT_ANSWERED;
    record.event.seq = 2;
    cr_expect_eq(outline_take(&outline, &record), CORRUPT, "no answer left out");
    for (record.event.seq = 1; record.event.seq <= LIMIT_ANSWERS; record.event.seq++) {
        cr_assert_eq(outline_take(&outline, &record), OK);
    }
    cr_expect_eq(outline_take(&outline, &record), CORRUPT, "not one too many");
    record.event.kind = EVENT_SUSPENDED;
    cr_expect(outline_take(&outline, &record) == OK && outline.state == SESSION_SUSPENDED);
}
