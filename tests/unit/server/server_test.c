/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server_test.h"

#include "server/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 8192, STEP_MS = 1385 };

static struct slice local(void)
{
    return slice_str("local");
}

enum status desk_restart(struct desk *desk, struct fault *fault)
{
    server_close(&desk->server);
    return server_open(&desk->server, &desk->config, fault);
}

static void start(struct desk *desk)
{
    struct fault fault = {0};

    cr_assert_eq(server_open(&desk->server, &desk->config, &fault), OK, "%s", fault.text);
    desk_commit(desk);
}

void desk_open(struct desk *desk, int64_t max_sessions)
{
    *desk = (struct desk){.now_ms = 1700000000000, .now_us = clock_us()};
    log_set_level(LOG_ERROR);
    scratch_make(&desk->scratch);
    config_init(&desk->config);
    snprintf(desk->config.data_dir, sizeof(desk->config.data_dir), "%s", desk->scratch.path);
    desk->config.map_mib = 64;
    desk->config.reserve_mib = 0;
    snprintf(desk->config.backup_dir, sizeof(desk->config.backup_dir), "%.200s/backup",
             desk->scratch.path);
    desk->config.max_sessions = max_sessions;
    cr_assert_eq(decoder_init(&desk->decoder), OK);
    desk->tools.workspace = estimate_workspace_new();
    cr_assert(desk->tools.workspace);
    start(desk);
}

void desk_close(struct desk *desk)
{
    server_close(&desk->server);
    estimate_workspace_free(desk->tools.workspace);
    tools_end_runs(&desk->tools);
    decoder_done(&desk->decoder);
    buf_done(&desk->body);
    buf_done(&desk->reply);
    scratch_remove(&desk->scratch);
}

void desk_flip_bytes(const struct desk *desk, struct slice bytes, size_t at)
{
    char path[512];
    struct buf file = {0};
    uint8_t part[4096];
    size_t n;
    FILE *data;
    const uint8_t *found;
    size_t n_found = 0;

    snprintf(path, sizeof(path), "%s/data.mdb", desk->scratch.path);
    data = fopen(path, "r+b");
    cr_assert(data);
    while ((n = fread(part, 1, sizeof(part), data)) > 0) buf_append(&file, part, n);
    for (size_t from = 0; from < file.n; from = (size_t)(found - file.data) + 1) {
        found = memmem(file.data + from, file.n - from, bytes.data, bytes.n);
        if (!found) break;
        fseek(data, found - file.data + (long)at, SEEK_SET);
        fputc(found[at] ^ 0x20, data);
        n_found++;
    }
    cr_assert_gt(n_found, 0);
    fclose(data);
    buf_done(&file);
}

void desk_flip(struct desk *desk, enum table table, struct slice key, size_t at_share)
{
    struct buf value = {0};

    cr_assert_eq(env_get(desk->server.env, table, key, &value), OK);
    server_close(&desk->server);
    desk->server = (struct server){0};
    desk_flip_bytes(desk, buf_slice(&value), value.n * at_share / 10);
    buf_done(&value);
}

void desk_reopen(struct desk *desk)
{
    server_close(&desk->server);
    start(desk);
}

void desk_commit(struct desk *desk)
{
    struct fault fault = {0};

    cr_assert_eq(env_commit(desk->server.env, &desk->server.batch, &fault), OK, "%s", fault.text);
}

struct slice desk_handle(struct desk *desk, unsigned roles, struct slice body)
{
    struct server *server = &desk->server;
    struct peer peer = {.tenant = local(),
                        .who = local(),
                        .roles = roles,
                        .now_ms = desk->now_ms,
                        .now_us = desk->now_us};
    struct job job = {0};

    buf_clear(&desk->reply);
    if (call_handle(server, &desk->decoder, body, &peer, &desk->reply, &job) == CALL_ASKED) {
        struct buf ask = {0}, helped = {0};

        desk->n_asked++;
        cr_expect_eq(desk->reply.n, 0);
        desk_commit(desk);
        buf_append(&ask, body.data, body.n);
        buf_append(&ask, server->extra.data, server->extra.n);
        desk->tools.env = server->env;
        call_work(&desk->decoder, buf_slice(&ask), &job, &desk->tools, &helped);
        buf_done(&ask);
        job.helped = buf_slice(&helped);
        call_finish(server, &desk->decoder, body, &peer, &job, &desk->reply);
        if (desk->reply.n == 0) buf_append(&desk->reply, helped.data, helped.n);
        buf_done(&helped);
    }
    desk_commit(desk);
    cr_assert_gt(desk->reply.n, 0);
    return buf_slice(&desk->reply);
}

static struct slice ask(struct desk *desk, unsigned roles, const char *fields, va_list args)
{
    char text[TEXT];
    size_t n = (size_t)snprintf(text, sizeof(text), "{'v': 1, 'id': 7, ");

    n += (size_t)vsnprintf(text + n, sizeof(text) - n, fields, args);
    cr_assert_lt(n + 1, sizeof(text));
    strcpy(text + n, "}");
    buf_clear(&desk->body);
    wire_json(text, &desk->body);
    return desk_handle(desk, roles, buf_slice(&desk->body));
}

struct slice desk_ask(struct desk *desk, unsigned roles, const char *fields, ...)
{
    va_list args;
    struct slice reply;

    va_start(args, fields);
    reply = ask(desk, roles, fields, args);
    va_end(args);
    return reply;
}

const char *reply_code(struct slice reply)
{
    static char code[32];
    json_t *json = wire_read(reply);
    json_t *error = json_object_get(json, "error");

    cr_assert_eq(json_is_true(json_object_get(json, "ok")), error == NULL);
    snprintf(code, sizeof(code), "%s",
             error ? json_string_value(json_object_get(error, "code")) : "");
    json_decref(json);
    return code;
}

void desk_do(struct desk *desk, const char *fields, ...)
{
    va_list args;
    const char *code;

    va_start(args, fields);
    code = reply_code(ask(desk, ROLE_ALL, fields, args));
    va_end(args);
    cr_assert_str_empty(code, "%s: %s", fields, code);
}

void desk_fail(struct desk *desk, const char *code, const char *fields, ...)
{
    va_list args;

    va_start(args, fields);
    cr_expect_str_eq(reply_code(ask(desk, ROLE_ALL, fields, args)), code);
    va_end(args);
}

void desk_bank(struct desk *desk, const char *name, int n)
{
    json_t *reply = wire_read(desk_ask(desk, ROLE_ALL, "'op': 'bank.begin', 'bank': '%s'", name));
    int upload = (int)json_integer_value(json_object_get(reply, "upload"));

    json_decref(reply);
    for (int i = 1; i <= n; i++) {
        char id[16];

        snprintf(id, sizeof(id), "q%d", i);
        desk_do(desk,
                "'op': 'bank.add', 'upload': %d, 'items': [{'id': '%s', 'model': '2PL',"
                " 'a': %g, 'b': %g, 'options': ['x', 'y'], 'key': 'x', 'tags': {'strand': '%s'},"
                " 'content': 'text of %s'}]",
                upload, id, 0.7 + 0.1 * (i * 5 % 9), -2.0 + 0.37 * (i * 7 % 11), i % 2 ? "a" : "b",
                id);
        /* The id of the request is the same each time: it would be taken for a repetition. */
        uploads_find(desk->server.uploads, local(), upload)->has_last = false;
    }
    desk_do(desk, "'op': 'bank.publish', 'upload': %d", upload);
}

void desk_essays(struct desk *desk, const char *name, int n)
{
    json_t *reply = wire_read(desk_ask(desk, ROLE_ALL, "'op': 'bank.begin', 'bank': '%s'", name));
    int upload = (int)json_integer_value(json_object_get(reply, "upload"));

    json_decref(reply);
    for (int i = 1; i <= n; i++) {
        desk_do(desk,
                "'op': 'bank.add', 'upload': %d, 'items': [{'id': 'w%d', 'model': 'PCM',"
                " 'b': [%g, %g], 'scored': 'later'}]",
                upload, i, -0.9 + 0.37 * (i * 3 % 5), 0.385 * i);
        uploads_find(desk->server.uploads, local(), upload)->has_last = false;
    }
    desk_do(desk, "'op': 'bank.publish', 'upload': %d", upload);
    desk_do(desk,
            "'op': 'test.put', 'document': {'test': '%s', 'bank': '%s', 'revise': 1,"
            " 'final': {'method': 'WLE'}, 'scale': {'slope': 10, 'intercept': 200},"
            " 'cuts': [{'name': 'low', 'theta': -9}, {'name': 'high', 'theta': 0.5}]}",
            name, name);
}

void desk_test(struct desk *desk, const char *name, const char *fields)
{
    desk_do(desk, "'op': 'test.put', 'document': {'test': '%s', 'bank': 'b', %s}", name, fields);
}

struct live *desk_live(struct desk *desk, const char *session)
{
    struct live *live = NULL;

    cr_assert_eq(
        sessions_get(desk->server.sessions, local(), slice_str(session), desk->now_us, &live), OK,
        "%s", session);
    return live;
}

struct session_view desk_view(struct desk *desk, const char *session)
{
    struct session_view view;

    session_view(desk_live(desk, session)->session, &view);
    return view;
}

static void answer(struct desk *desk, const char *session, const char *response)
{
    struct session_view view = desk_view(desk, session);
    const struct bank *bank = session_plan(desk_live(desk, session)->session)->bank;

    cr_assert_neq(view.item, NO_ITEM, "%s asks nothing", session);
    desk_do(desk, "'op': 'session.answer', 'session': '%s', 'seq': %u, 'item': '%s', %s", session,
            view.seq, bank_id(bank, view.item), response);
}

static void revise(struct desk *desk, const char *session, const char *response)
{
    const struct session *one = desk_live(desk, session)->session;
    unsigned seq = session_n_answer(one);

    desk_do(
        desk, "'op': 'session.revise', 'session': '%s', 'seq': %u, 'item': '%s', 'response': '%s'",
        session, seq, bank_id(session_plan(one)->bank, session_answered_item(one, seq)), response);
}

static const char *op_of(char letter)
{
    static const struct {
        char letter;
        const char *op;
    } ops[] = {{'z', "suspend"}, {'r', "resume"}, {'f', "finish"}, {'v', "void"}};

    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        if (ops[i].letter == letter) return ops[i].op;
    }
    cr_assert_fail("there is no step %c", letter);
    return NULL;
}

void desk_step(struct desk *desk, const char *session, const char *name, char letter)
{
    desk->now_ms += STEP_MS;
    if (letter == 's') {
        desk_do(desk,
                "'op': 'session.start', 'session': '%s', 'test': '%s', 'examinee': 'e-1',"
                " 'group': '6b', 'seed': 4711, 'prior': {'mean': 0.385, 'sd': 0.8}",
                session, name);
    } else if (letter == '1' || letter == '0') {
        answer(desk, session, letter == '1' ? "'response': 'x'" : "'response': 0");
    } else if (letter == 'R' || letter == 'W') {
        revise(desk, session, letter == 'R' ? "x" : "y");
    } else if (letter == '-') {
        answer(desk, session, "'response': null, 'elapsed_ms': 12");
    } else {
        desk_do(desk, "'op': 'session.%s', 'session': '%s'", op_of(letter), session);
    }
}

void desk_steps(struct desk *desk, const char *session, const char *name, const char *letters)
{
    for (; *letters; letters++) desk_step(desk, session, name, *letters);
}
