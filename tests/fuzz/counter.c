/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/counter.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW_MS = 1700000000, STEP_US = 1385000, MAP_MIB = 16, TEXT = 2048 };

static void start(struct counter *counter)
{
    struct fault fault = {0};

    if (server_open(&counter->server, &counter->config, &fault)) {
        fprintf(stderr, "%s: %s\n", fault.field, fault.text);
        abort();
    }
    MUST(env_commit(counter->server.env, &counter->server.batch, &fault) == OK);
}

static void data_path(const struct counter *counter, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/data.mdb", counter->config.data_dir);
}

/* What the helper and the loop would do of a request that needs a helper. */
static void work(struct counter *counter, struct slice body, const struct peer *peer,
                 struct job *job)
{
    struct server *server = &counter->server;
    struct buf ask = {0}, helped = {0};
    struct fault fault;

    MUST(counter->reply.n == 0);
    MUST(env_commit(server->env, &server->batch, &fault) == OK);
    buf_append(&ask, body.data, body.n);
    buf_append(&ask, server->extra.data, server->extra.n);
    counter->tools.env = server->env;
    call_work(&counter->decoder, buf_slice(&ask), job, &counter->tools, &helped);
    buf_done(&ask);
    job->helped = buf_slice(&helped);
    call_finish(server, &counter->decoder, body, peer, job, &counter->reply);
    if (counter->reply.n == 0) buf_append(&counter->reply, helped.data, helped.n);
    buf_done(&helped);
}

struct slice counter_handle(struct counter *counter, struct slice body)
{
    static int64_t now_us = STEP_US;
    struct server *server = &counter->server;
    struct peer peer = {.tenant = slice_str("local"),
                        .roles = counter->roles,
                        .now_ms = NOW_MS,
                        .now_us = now_us += STEP_US};
    struct job job = {0};
    struct fault fault;

    buf_clear(&counter->reply);
    if (call_handle(server, &counter->decoder, body, &peer, &counter->reply, &job) == CALL_ASKED)
        work(counter, body, &peer, &job);
    MUST(env_commit(server->env, &server->batch, &fault) == OK);
    MUST(counter->reply.n > 0 && !counter->reply.failed);
    return buf_slice(&counter->reply);
}

static void ask(struct counter *counter, const char *fields, ...) PRINTF(2, 3);
static void ask(struct counter *counter, const char *fields, ...)
{
    char text[TEXT];
    struct buf body = {0};
    struct fault fault;
    msgpack_object root;
    const msgpack_object *ok;
    size_t n = (size_t)snprintf(text, sizeof(text), "{'v': 1, 'id': 7, ");
    va_list args;

    va_start(args, fields);
    n += (size_t)vsnprintf(text + n, sizeof(text) - n, fields, args);
    va_end(args);
    MUST(n + 2 < sizeof(text));
    strcpy(text + n, "}");
    fuzz_wire(text, &body);
    counter_handle(counter, buf_slice(&body));
    MUST(decode(&counter->decoder, buf_slice(&counter->reply), &root, &fault) == OK);
    ok = map_find(&root, "ok");
    if (!ok || !ok->via.boolean) {
        fprintf(stderr, "%s: %.*s\n", text, (int)counter->reply.n, (char *)counter->reply.data);
        abort();
    }
    buf_done(&body);
}

/* Answer whatever the session asks. */
static void answer(struct counter *counter, const char *session, int score)
{
    struct live *live;
    struct session_view view;

    MUST(sessions_get(counter->server.sessions, slice_str("local"), slice_str(session), 0, &live) ==
         OK);
    session_view(live->session, &view);
    ask(counter, "'op': 'session.answer', 'session': '%s', 'seq': %u, 'item': '%s', 'response': %d",
        session, view.seq, bank_id(session_plan(live->session)->bank, view.item), score);
}

void counter_session(struct counter *counter, const char *session, const char *test, size_t n)
{
    ask(counter, "'op': 'session.start', 'session': '%s', 'test': '%s', 'examinee': 'e', 'seed': 1",
        session, test);
    for (size_t i = 0; i < n; i++) answer(counter, session, i % 2 == 0);
}

static void fill(struct counter *counter)
{
    ask(counter, "'op': 'bank.begin', 'bank': 'b'");
    for (size_t i = 0; fuzz_item(i); i++) {
        ask(counter, "'op': 'bank.add', 'upload': 1, 'items': [%s]", fuzz_item(i));
        uploads_find(counter->server.uploads, slice_str("local"), 1)->has_last = false;
    }
    ask(counter, "'op': 'bank.publish', 'upload': 1");
    ask(counter, "'op': 'test.put', 'document': {'test': 't', 'bank': 'b'}");
    ask(counter, "'op': 'test.put', 'document': {'test': 'r', 'bank': 'b', 'reveal': true,"
                 " 'cuts': [{'name': 'pass', 'theta': 0.2}],"
                 " 'stop': {'any': [{'rule': 'length', 'at': 2}]}}");
    counter_session(counter, "s1", "t", 2);
    counter_session(counter, "s2", "r", 2);
    counter_session(counter, "s3", "t", 2);
    counter_session(counter, "s4", "t", 2);
    ask(counter, "'op': 'session.suspend', 'session': 's3'");
    ask(counter, "'op': 'session.void', 'session': 's4', 'reason': 'why'");
}

static void keep_store(struct counter *counter)
{
    char path[PATH_MAX];
    uint8_t chunk[4096];
    ssize_t n;
    int fd;

    data_path(counter, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0) buf_append(&counter->store, chunk, (size_t)n);
    close(fd);
}

void counter_reset(struct counter *counter)
{
    char path[PATH_MAX];
    int fd;

    server_close(&counter->server);
    data_path(counter, path);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    MUST(fd >= 0);
    MUST(write(fd, counter->store.data, counter->store.n) == (ssize_t)counter->store.n);
    close(fd);
    start(counter);
}

struct counter *counter_open(void)
{
    static struct counter counter;

    if (counter.tools.workspace) return &counter;
    log_set_level(LOG_ERROR);
    fuzz_dull_random();
    config_init(&counter.config);
    snprintf(counter.config.data_dir, sizeof(counter.config.data_dir), "%s", fuzz_folder());
    counter.config.map_mib = MAP_MIB;
    counter.config.max_sessions = 100;
    counter.roles = ROLE_ALL;
    counter.tools.workspace = estimate_workspace_new();
    MUST(counter.tools.workspace && decoder_init(&counter.decoder) == OK);
    start(&counter);
    fill(&counter);
    server_close(&counter.server);
    start(&counter);
    keep_store(&counter);
    return &counter;
}
