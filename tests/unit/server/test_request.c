/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server_test.h"

#include "proto/writer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    F = ROLE_FRONTEND,
    P = ROLE_PROCTOR,
    T = ROLE_TEACHER,
    A = ROLE_AUTHOR,
    D = ROLE_ADMIN,
    M = ROLE_METRICS,
};

/* PROTOCOL.md, by hand: every op, who may, and a request that works on the desk below. */
static const struct {
    const char *op;
    unsigned roles;
    const char *fields;
} ops[] = {
    {"hello", F | P | T | A | D | M, "'x': 0"},
    {"ping", F | P | T | A | D | M, "'x': 0"},
    {"stats", M, "'x': 0"},
    {"bank.begin", A, "'bank': 'c'"},
    {"bank.add", A, "'upload': 2, 'items': [{'id': 'q1', 'model': '1PL', 'b': 0}]"},
    {"bank.publish", A, "'upload': 3"},
    {"bank.abort", A, "'upload': 2"},
    {"bank.get", A, "'bank': 'b'"},
    {"bank.list", A, "'x': 0"},
    {"bank.retire", A, "'bank': 'b', 'item': 'q5'"},
    {"test.put", A, "'document': {'test': 'u', 'bank': 'b'}"},
    {"test.get", A, "'test': 't'"},
    {"test.list", A, "'x': 0"},
    {"session.start", F, "'test': 't', 'examinee': 'e-2', 'session': 's-9'"},
    {"session.answer", F, "'session': 's-1', 'seq': 1, 'item': 'q3', 'response': 1"},
    {"session.get", F | P, "'session': 's-1'"},
    {"session.suspend", F | P, "'session': 's-1'"},
    {"session.resume", F | P, "'session': 's-2'"},
    {"session.finish", F | P, "'session': 's-1'"},
    {"session.void", P, "'session': 's-1', 'reason': 'phone'"},
    {"session.explain", A, "'session': 's-1'"},
    {"session.revise", F, "'session': 's-3', 'seq': 1, 'item': 'q3', 'response': 'y'"},
    {"session.answers", P | T | A | D, "'session': 's-3'"},
    {"session.list", P | T | A | D, "'test': 't'"},
    {"session.score", P | T | D, "'session': 's-4', 'seq': 1, 'score': 1"},
    {"log.verify", D, "'x': 0"},
    {"audit.list", D, "'x': 0"},
    {"admin.backup", D, "'name': 'b-1'"},
    {"admin.drain", D, "'on': false"},
    {"examinee.export", D, "'examinee': 'e-1'"},
    {"examinee.erase", D, "'examinee': 'e-7'"},
    {"irt.curve", A, "'bank': 'b', 'theta': [0]"},
    {"irt.estimate", A, "'bank': 'b', 'responses': [['q1', 1]]"},
    {"irt.rank", A, "'bank': 'b', 'theta': 0.385"},
};

/* A bank, a test that begins with q3, a session that asks, one that is suspended, an upload that is
 * empty and one with an item. */
static void open_desk(struct desk *desk)
{
    desk_open(desk, 10);
    desk_bank(desk, "b", 6);
    desk_test(desk, "t", "'start': {'items': ['q3']}");
    desk_step(desk, "s-1", "t", 's');
    desk_steps(desk, "s-2", "t", "sz");
    desk_do(desk, "'op': 'bank.begin', 'bank': 'c'");
    desk_do(desk, "'op': 'bank.begin', 'bank': 'd'");
    desk_do(desk, "'op': 'bank.add', 'upload': 3, 'items': [{'id': 'q1', 'model': '1PL', 'b': 0}]");
}

/* A session whose answer may be revised, and one with an answer to be scored. */
static void open_answers(struct desk *desk)
{
    desk_test(desk, "r", "'start': {'items': ['q3']}, 'revise': 1");
    desk_essays(desk, "w", 2);
    desk_steps(desk, "s-3", "r", "s1");
    desk_steps(desk, "s-4", "w", "s-");
}

/* What a request could change. */
struct state {
    uint64_t next_lsn;
    size_t n_live, n_bank, n_test, n_upload, used;
    uint32_t n_retired, n_item[2];
    struct session_view view[2];
};

static struct state state_of(struct desk *desk)
{
    struct server *server = &desk->server;
    struct library_name bank = {slice_str("local"), slice_str("b")};
    struct state state = {.next_lsn = server->journal.next_lsn,
                          .n_live = sessions_n_live(server->sessions),
                          .n_bank = registry_n_bank(server->registry),
                          .n_test = registry_n_test(server->registry),
                          .n_upload = uploads_n(server->uploads)};
    size_t map;

    env_usage(server->env, &state.used, &map);
    state.n_retired = bank_entry_n_retired(registry_bank(server->registry, bank));
    for (int64_t i = 0; i < 2; i++) {
        const struct upload *upload = uploads_find(server->uploads, bank.tenant, 2 + i);

        state.n_item[i] = upload ? upload->n_item : 0;
        state.view[i] = desk_view(desk, i ? "s-2" : "s-1");
    }
    return state;
}

static void expect_unchanged(const struct state *a, const struct state *b, const char *where)
{
    bool same = a->next_lsn == b->next_lsn && a->n_live == b->n_live && a->n_bank == b->n_bank &&
                a->n_test == b->n_test && a->n_upload == b->n_upload && a->used == b->used &&
                a->n_retired == b->n_retired;

    for (int i = 0; i < 2; i++) {
        same = same && a->n_item[i] == b->n_item[i] && a->view[i].state == b->view[i].state &&
               a->view[i].seq == b->view[i].seq && a->view[i].item == b->view[i].item;
    }
    expect_true(same, "%s was forbidden, yet changed something", where);
}

static void expect_forbidden(struct desk *desk, size_t i, unsigned roles)
{
    struct state before = state_of(desk), after;
    struct slice reply = desk_ask(desk, roles, "'op': '%s', %s", ops[i].op, ops[i].fields);
    char want[256];

    snprintf(want, sizeof(want),
             "{'v': 1, 'id': 7, 'ok': false, 'error': {'code': 'forbidden', 'retry': false,"
             " 'message': 'the peer\\u0027s roles do not allow %s'}}",
             ops[i].op);
    expect_wire(reply, want);
    after = state_of(desk);
    expect_unchanged(&before, &after, ops[i].op);
}

/* Every op with every role by itself: first those that may not, then those that may. */
static void expect_roles(size_t i)
{
    struct desk desk;

    open_desk(&desk);
    open_answers(&desk);
    expect_forbidden(&desk, i, 0);
    expect_forbidden(&desk, i, ROLE_ALL + 1);
    for (unsigned role = 1; role <= ROLE_ALL; role <<= 1) {
        if (!(ops[i].roles & role)) expect_forbidden(&desk, i, role);
    }
    if (ops[i].roles != ROLE_ALL) expect_forbidden(&desk, i, ROLE_ALL & ~ops[i].roles);
    for (unsigned role = 1; role <= ROLE_ALL; role <<= 1) {
        const char *code;

        if (!(ops[i].roles & role)) continue;
        code = reply_code(desk_ask(&desk, role, "'op': '%s', %s", ops[i].op, ops[i].fields));
        expect_true(code[0] == '\0', "%s by role %u: %s", ops[i].op, role, code);
    }
    desk_close(&desk);
}

Test(request, allows_what_the_protocol_allows)
{
    for (size_t i = 0; i < COUNT_OF(ops); i++) expect_roles(i);
}

Test(request, the_table_is_the_protocols)
{
    size_t n = 0;

    for (; requests[n]; n++) {
        size_t i = 0;

        while (i < COUNT_OF(ops) && strcmp(ops[i].op, requests[n]->op) != 0) i++;
        cr_assert_lt(i, COUNT_OF(ops), "%s", requests[n]->op);
        cr_expect_eq(requests[n]->roles, ops[i].roles, "%s", ops[i].op);
    }
    cr_expect_eq(n, COUNT_OF(ops));
}

/* PROTOCOL.md, section 2: who takes up to 1 MiB. */
Test(request, large_bodies_are_for_a_few)
{
    static const char *const large[] = {"bank.add", "test.put", "irt.curve", "irt.estimate",
                                        "irt.rank"};

    for (size_t r = 0; requests[r]; r++) {
        bool is_large = false;

        for (size_t i = 0; i < COUNT_OF(large); i++)
            is_large = is_large || strcmp(requests[r]->op, large[i]) == 0;
        cr_expect_eq(requests[r]->max_bytes, is_large ? 1 << 20 : 1 << 16, "%s", requests[r]->op);
    }
}

/* A ping with a str of `n` bytes in it, or something else. */
static const char *code_of_size(struct desk *desk, const char *op, size_t n_body)
{
    struct buf body = {0};
    struct writer out = writer_of(&body);
    const char *code;

    write_map(&out, 4);
    put_int(&out, "v", 1);
    put_int(&out, "id", 7);
    put_text(&out, "op", op);
    write_text(&out, "pad");
    cr_assert_lt(body.n + 5, n_body);
    buf_append(&body, "\xc6\0\0\0\0", 5);
    n_body -= body.n;
    for (int i = 0; i < 4; i++)
        body.data[body.n - 4 + (size_t)i] = (uint8_t)(n_body >> (24 - 8 * i));
    for (; n_body > 0; n_body--) buf_append(&body, "x", 1);
    code = reply_code(desk_handle(desk, ROLE_ALL, buf_slice(&body)));
    buf_done(&body);
    return code;
}

Test(request, measures_bodies)
{
    struct desk desk;

    desk_open(&desk, 10);
    cr_expect_str_eq(code_of_size(&desk, "ping", LIMIT_REQUEST), "");
    cr_expect_str_eq(code_of_size(&desk, "ping", LIMIT_REQUEST + 1), "too_large");
    cr_expect_str_eq(code_of_size(&desk, "test.put", LIMIT_MESSAGE), "bad_request");
    cr_expect_str_eq(code_of_size(&desk, "test.put", LIMIT_MESSAGE + 1), "too_large");
    cr_expect_str_eq(code_of_size(&desk, "ping", LIMIT_MESSAGE + 1), "too_large");
    desk_close(&desk);
}

/* Ids that come back as they came, and those that do not. */
Test(request, gives_back_a_good_id)
{
    static const char *const good[] = {
        "0",
        "7",
        "9007199254740991",
        "''",
        "'a b\\u00bd'",
        "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"};
    static const char *const bad[] = {
        "null", "-1",   "9007199254740992",
        "1.0",  "true", "[]",
        "{}",   "[1]",  "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0'"};
    struct desk desk;
    struct buf body = {0};
    char text[512];

    desk_open(&desk, 10);
    for (size_t i = 0; i < COUNT_OF(good) + COUNT_OF(bad); i++) {
        bool is_good = i < COUNT_OF(good);
        const char *id = is_good ? good[i] : bad[i - COUNT_OF(good)];

        buf_clear(&body);
        snprintf(text, sizeof(text), "{'v': 1, 'id': %s, 'op': 'ping'}", id);
        wire_json(text, &body);
        desk_handle(&desk, ROLE_FRONTEND, buf_slice(&body));
        if (is_good)
            snprintf(text, sizeof(text),
                     "{'v': 1, 'id': %s, 'ok': true, 'server_time_ms': 1700000000000,"
                     " 'draining': false}",
                     id);
        else
            snprintf(text, sizeof(text),
                     "{'v': 1, 'id': null, 'ok': false, 'error': {'code': 'bad_request',"
                     " 'field': 'id', 'retry': false, 'message': 'must be an unsigned integer or a"
                     " str of at most 64 bytes'}}");
        expect_wire(buf_slice(&desk.reply), text);
    }
    buf_done(&body);
    desk_close(&desk);
}

/* What is wrong with the head of a request, the reply's id, code and field. */
static void expect_error(struct desk *desk, struct slice body, const char *id, const char *code,
                         const char *field)
{
    json_t *reply = wire_read(desk_handle(desk, ROLE_ALL, body));
    json_t *error = json_object_get(reply, "error");
    json_t *named = json_object_get(error, "field");

    expect_json(json_object_get(reply, "id"), id);
    cr_expect_str_eq(json_string_value(json_object_get(error, "code")), code);
    cr_expect_gt(json_string_length(json_object_get(error, "message")), 0);
    cr_expect(json_is_boolean(json_object_get(error, "retry")));
    cr_expect_str_eq(named ? json_string_value(named) : "", field);
    cr_expect_eq(json_object_size(error), named ? 4 : 3);
    cr_expect_eq(json_object_size(reply), 4);
    json_decref(reply);
}

Test(request, says_what_is_wrong_with_the_head)
{
    static const struct {
        const char *text, *id, *code, *field;
    } rows[] = {
        {"{'v': 1, 'op': 'ping'}", "null", "bad_request", "id"},
        {"{'id': 7, 'op': 'ping'}", "7", "bad_request", "v"},
        {"{'v': 2, 'id': 7, 'op': 'ping'}", "7", "bad_request", "v"},
        {"{'v': '1', 'id': 7, 'op': 'ping'}", "7", "bad_request", "v"},
        {"{'v': 1.0, 'id': 7, 'op': 'ping'}", "7", "bad_request", "v"},
        {"{'v': 1, 'id': 'x'}", "'x'", "bad_request", "op"},
        {"{'v': 1, 'id': 'x', 'op': 5}", "'x'", "bad_request", "op"},
        {"{'v': 1, 'id': 7, 'op': 'pong'}", "7", "unknown_op", "op"},
        {"{'v': 1, 'id': 7, 'op': ''}", "7", "unknown_op", "op"},
        {"{'v': 1, 'id': 7, 'op': 'Ping'}", "7", "unknown_op", "op"},
        {"{}", "null", "bad_request", "id"},
        {"[]", "null", "bad_request", ""},
        {"7", "null", "bad_request", ""},
        {"null", "null", "bad_request", ""},
    };
    struct desk desk;
    struct buf body = {0};

    desk_open(&desk, 10);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&body);
        wire_json(rows[i].text, &body);
        expect_error(&desk, buf_slice(&body), rows[i].id, rows[i].code, rows[i].field);
        if (i == 0) continue;
        expect_error(&desk, slice_of(body.data, body.n - 1), "null", "bad_request", "");
    }
    expect_error(&desk, slice_str(""), "null", "bad_request", "");
    expect_error(&desk, slice_str("\xc1"), "null", "bad_request", "");
    expect_error(&desk, slice_str("\x81\xa2id\x07\xc0"), "null", "bad_request", "");
    expect_error(&desk, slice_str("\x82\xa2id\x07\xa2id\x07"), "null", "bad_request", "");
    cr_expect_eq(desk.server.stats.errors, desk.server.stats.requests);
    buf_done(&body);
    desk_close(&desk);
}

Test(request, counts_what_it_handles)
{
    struct desk desk;
    const struct stats *stats = &desk.server.stats;

    open_desk(&desk);
    desk_fail(&desk, "unknown_session", "'op': 'session.get', 'session': 's-7'");
    desk_steps(&desk, "s-1", "t", "10f");
    desk_step(&desk, "s-1", "t", 'f');
    desk_fail(&desk, "finished",
              "'op': 'session.answer', 'session': 's-1', 'seq': 3,"
              " 'item': 'q1', 'response': 1");
    cr_expect_eq(stats->errors, 2);
    cr_expect_eq(stats->answers, 2);
    cr_expect_eq(stats->sessions_started, 2);
    cr_expect_eq(stats->sessions_finished, 1);
    cr_expect_gt(stats->requests, 10);
    desk_close(&desk);
}

static bool has_ability(struct desk *desk, unsigned roles, const char *session)
{
    json_t *reply =
        wire_read(desk_ask(desk, roles, "'op': 'session.get', 'session': '%s'", session));
    bool has = json_object_get(reply, "ability") != NULL;

    cr_expect(json_is_true(json_object_get(reply, "ok")));
    json_decref(reply);
    return has;
}

/* Theta goes to those who may see it, or to all where the test says so. */
Test(request, shows_ability_to_some)
{
    struct desk desk;

    open_desk(&desk);
    desk_test(&desk, "open", "'reveal': true");
    desk_step(&desk, "s-3", "open", 's');
    cr_expect_not(has_ability(&desk, F, "s-1"));
    cr_expect_not(has_ability(&desk, F | M, "s-1"));
    cr_expect(has_ability(&desk, P, "s-1"));
    cr_expect(has_ability(&desk, F | T, "s-1"));
    cr_expect(has_ability(&desk, F | A, "s-1"));
    cr_expect(has_ability(&desk, F | D, "s-1"));
    cr_expect(has_ability(&desk, F, "s-3"));
    desk_close(&desk);
}

/* Nothing of the key or the parameters goes out with a question. */
Test(request, a_question_is_told_without_its_secrets)
{
    struct desk desk;

    open_desk(&desk);
    expect_wire(desk_ask(&desk, F, "'op': 'session.get', 'session': 's-1'"),
                "{'v': 1, 'id': 7, 'ok': true, 'session': 's-1', 'test': 't',"
                " 'seq': 1, 'state': 'asking',"
                " 'item': {'id': 'q3', 'content': 'text of q3', 'options': ['x', 'y']},"
                " 'progress': {'asked': 1, 'min': 0, 'max': 6}}");
    desk_close(&desk);
}

Test(request, a_refused_document_comes_with_its_faults)
{
    struct desk desk;

    open_desk(&desk);
    expect_wire(desk_ask(&desk, A,
                         "'op': 'test.put', 'document': {'test': 'x', 'bank': 'b',"
                         " 'omit': 'maybe', 'colour': 1}"),
                "{'v': 1, 'id': 7, 'ok': false, 'error': {'code': 'invalid_test', 'retry': false,"
                " 'message': 'the test is refused: 2 faults', 'n_faults': 2, 'faults': ["
                "{'field': 'colour', 'message': 'unknown key'},"
                "{'field': 'omit', 'message': 'must be wrong or ignored'}]}}");
    desk_do(&desk, "'op': 'bank.add', 'upload': 2, 'items': [{'id': 'q1', 'model': '1PL'}, {}]");
    expect_wire(desk_ask(&desk, A, "'op': 'bank.publish', 'upload': 2"),
                "{'v': 1, 'id': 7, 'ok': false, 'error': {'code': 'invalid_bank', 'retry': false,"
                " 'message': 'the bank is refused: 3 faults', 'n_faults': 3, 'faults': ["
                "{'item': 'q1', 'field': 'b', 'message': 'missing'},"
                "{'item': '#2', 'field': 'id', 'message': 'missing'},"
                "{'item': '#2', 'field': 'model', 'message': 'missing'}]}}");
    desk_fail(&desk, "invalid_bank", "'op': 'bank.publish', 'upload': 2");
    desk_fail(&desk, "conflict", "'op': 'bank.add', 'upload': 2, 'items': []");
    desk_do(&desk, "'op': 'bank.abort', 'upload': 2");
    desk_close(&desk);
}

Test(request, a_start_item_stands_once)
{
    static const char want[] = "\"q3\" stands twice";
    struct desk desk;

    open_desk(&desk);
    desk_fail(&desk, "invalid_test",
              "'op': 'test.put', 'document': {'test': 'u', 'bank': 'b',"
              " 'start': {'items': ['q3', 'q1', 'q3']}}");
    cr_expect(memmem(desk.reply.data, desk.reply.n, want, sizeof(want) - 1));
    desk_close(&desk);
}

/* The client is told nothing more, so somebody else must be. */
Test(request, a_defect_is_in_the_log)
{
    struct desk desk;
    struct peer peer = {.tenant = slice_str("local"), .roles = ROLE_ALL};
    struct buf body = {0}, reply = {0};
    char text[1024] = "";
    int pipes[2], saved = dup(STDERR_FILENO);

    desk_open(&desk, 10);
    wire_json("{'v': 1, 'id': 7, 'op': 'ping'}", &body);
    cr_assert_eq(pipe(pipes), 0);
    dup2(pipes[1], STDERR_FILENO);
    call_refuse(&desk.server, &desk.decoder, buf_slice(&body), &peer, BUSY, &reply);
    call_refuse(&desk.server, &desk.decoder, buf_slice(&body), &peer, CORRUPT, &reply);
    dup2(saved, STDERR_FILENO);
    close(pipes[1]);
    cr_assert_gt(read(pipes[0], text, sizeof(text) - 1), 0);
    cr_expect(strstr(text, "level=error msg=\"a request failed\" op=- status=102"), "%s", text);
    cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "only of that one: %s", text);
    buf_done(&body);
    buf_done(&reply);
    desk_close(&desk);
}

Test(request, starts_nothing_while_it_drains)
{
    struct desk desk;

    open_desk(&desk);
    desk.server.draining = true;
    desk_fail(&desk, "draining",
              "'op': 'session.start', 'test': 't', 'examinee': 'e-1', 'session': 's-7'");
    cr_expect_eq(sessions_n_live(desk.server.sessions), 2);
    desk_step(&desk, "s-1", "t", '1');
    desk_close(&desk);
}

Test(request, starts_nothing_while_it_was_asked_to_drain)
{
    static const char start[] =
        "'op': 'session.start', 'test': 't', 'examinee': 'e-1', 'session': 's-7'";
    struct desk desk;

    open_desk(&desk);
    expect_wire(desk_ask(&desk, ROLE_ADMIN, "'op': 'admin.drain'"),
                "{'v': 1, 'id': 7, 'ok': true, 'draining': true, 'sessions_running': 2}");
    desk_fail(&desk, "draining", "%s", start);
    desk_step(&desk, "s-1", "t", 's');  // again
    desk_step(&desk, "s-1", "t", '1');
    desk_step(&desk, "s-1", "t", 'v');
    cr_expect_not(desk.server.draining, "it does not go down");
    desk_fail(&desk, "bad_request", "'op': 'admin.drain', 'on': 0");
    desk_fail(&desk, "draining", "%s", start);
    expect_wire(desk_ask(&desk, ROLE_ADMIN, "'op': 'admin.drain', 'on': false"),
                "{'v': 1, 'id': 7, 'ok': true, 'draining': false, 'sessions_running': 1}");
    desk_do(&desk, "%s", start);
    desk_close(&desk);
}

/* The reply to a good request that cannot be served now. */
Test(request, refuses_with_the_id_it_came_with)
{
    struct desk desk;
    struct peer peer = {.tenant = slice_str("local"), .roles = ROLE_ALL};
    struct buf body = {0}, reply = {0};

    desk_open(&desk, 10);
    wire_json("{'v': 1, 'id': 'x-7', 'op': 'irt.curve'}", &body);
    call_refuse(&desk.server, &desk.decoder, buf_slice(&body), &peer, BUSY, &reply);
    expect_wire(buf_slice(&reply), "{'v': 1, 'id': 'x-7', 'ok': false,"
                                   " 'error': {'code': 'busy', 'message': 'busy', 'retry': true,"
                                   " 'retry_after_ms': 500}}");
    buf_done(&body);
    buf_done(&reply);
    desk_close(&desk);
}

/* What is read of a request that is refused before it is looked at further. */
static bool peeks(struct desk *desk, const char *json, struct buf *body, struct call_head *out)
{
    buf_clear(body);
    wire_json(json, body);
    return call_peek(&desk->decoder, buf_slice(body), out);
}

Test(request, is_known_by_its_head)
{
    static const char *const bad[] = {"{'v': 1, 'op': 'ping'}",
                                      "{'v': 1, 'id': -1, 'op': 'ping'}",
                                      "{'v': 1, 'id': 7}",
                                      "{'v': 1, 'id': 7, 'op': 7}",
                                      "{'v': 1, 'id': 7, 'op': 'no'}",
                                      "[7, 'ping']",
                                      "{'v': 1, 'id': [7], 'op': 'ping'}",
                                      "'ping'"};
    struct desk desk;
    struct buf body = {0};
    struct call_head head;

    desk_open(&desk, 10);
    cr_assert(
        peeks(&desk, "{'v': 1, 'id': 'x', 'a': {'op': 'hello'}, 'op': 'ping'}", &body, &head));
    cr_expect_eq(head.request, &request_ping);
    cr_expect_eq(head.id.type, MSGPACK_OBJECT_STR);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect_not(peeks(&desk, bad[i], &body, &head), "%s", bad[i]);
    cr_expect_not(call_peek(&desk.decoder, slice_of("\x81", 1), &head));
    buf_done(&body);
    desk_close(&desk);
}

Test(request, is_told_to_come_back)
{
    struct desk desk;
    struct peer peer = {.tenant = slice_str("local"), .why = "too many", .retry_after_ms = 230};
    struct buf body = {0}, reply = {0};
    struct call_head head;

    desk_open(&desk, 10);
    cr_assert(peeks(&desk, "{'v': 1, 'id': 'x-7', 'op': 'session.start'}", &body, &head));
    call_busy(&desk.server, &head, &peer, &reply);
    expect_wire(buf_slice(&reply), "{'v': 1, 'id': 'x-7', 'ok': false,"
                                   " 'error': {'code': 'busy', 'message': 'too many',"
                                   " 'retry': true, 'retry_after_ms': 230}}");
    cr_expect_eq(desk.server.stats.requests, 1);
    cr_expect_eq(desk.server.stats.busy, 1);
    cr_expect_eq(desk.server.stats.errors, 1);
    buf_done(&body);
    buf_done(&reply);
    desk_close(&desk);
}
