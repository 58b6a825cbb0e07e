/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/micro/stock.h"
#include "base/rng.h"
#include "proto/writer.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPEN_DIRS = 8,
    ITEMS_A_COMMIT = 10000,
    SESSIONS_A_COMMIT = 200,
    EVENTS_A_COMMIT = 6000,
    MAP_MIB = 4096
};

_Noreturn void stock_fail(const char *what, const struct fault *fault)
{
    fprintf(stderr, "bench: %s: %s\n", what, fault ? fault->text : "");
    exit(EXIT_FAILURE);
}

void stock_config(struct config *config, const char *folder)
{
    char made[] = "/tmp/bench-stock-XXXXXX";

    config_init(config);
    config->max_sessions = INT32_MAX;
    config->map_mib = MAP_MIB;
    if (!folder && !mkdtemp(made)) stock_fail("folder", NULL);
    snprintf(config->data_dir, sizeof(config->data_dir), "%s", folder ? folder : made);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void stock_remove(const struct config *config)
{
    nftw(config->data_dir, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

static void put_item(struct env *env, struct batch *batch, uint32_t i)
{
    struct buf bytes = {0};
    struct writer out = writer_of(&bytes);
    char id[16];

    snprintf(id, sizeof(id), "q%u", i);
    write_map(&out, 4);
    put_text(&out, "id", id);
    put_text(&out, "model", "2PL");
    put_f64(&out, "a", 0.5 + 1.5 * rng_uniform(1, 2 * i));
    put_f64(&out, "b", -3.0 + 6.0 * rng_uniform(1, 2 * i + 1));
    library_put_item(env, batch, 1, i, buf_slice(&bytes));
    buf_done(&bytes);
}

static void put_test(struct env *env, struct batch *batch, struct library_name name)
{
    struct buf bytes = {0};
    struct writer out = writer_of(&bytes);
    struct test_header header = {.name = name, .version = 1};

    write_map(&out, 4);
    put_text(&out, "test", "t");
    put_text(&out, "bank", "b");
    write_text(&out, "select");
    write_map(&out, 1);
    put_int(&out, "randomesque", 5);
    write_text(&out, "stop");
    write_map(&out, 1);
    write_text(&out, "any");
    write_array(&out, 1);
    write_map(&out, 2);
    put_text(&out, "rule", "length");
    put_int(&out, "at", STOCK_ANSWERS);
    header.document = buf_slice(&bytes);
    library_put_test(env, batch, &header);
    buf_done(&bytes);
}

static void commit(struct env *env, struct batch *batch)
{
    struct fault fault = {0};

    if (env_commit(env, batch, &fault)) stock_fail("commit", &fault);
}

void stock_fill(const struct config *config, uint32_t n_item)
{
    struct slice local = slice_str("local");
    struct bank_header bank = {
        .name = {local, slice_str("b")}, .version = 1, .upload = 1, .n_item = n_item, .D = 1.0};
    struct batch batch = {0};
    struct fault fault = {0};
    struct env *env;

    if (env_open(config->data_dir, (size_t)config->map_mib << 20, &env, &fault)) {
        stock_fail("open", &fault);
    }
    for (uint32_t i = 0; i < n_item; i++) {
        put_item(env, &batch, i);
        if (batch.n == ITEMS_A_COMMIT) commit(env, &batch);
    }
    library_put_bank(env, &batch, &bank);
    put_test(env, &batch, (struct library_name){local, slice_str("t")});
    commit(env, &batch);
    batch_done(&batch);
    env_close(env);
}

void stock_open(const struct config *config, struct server *server)
{
    struct fault fault = {0};

    if (server_open(server, config, &fault)) stock_fail("open", &fault);
}

struct live *stock_start(struct server *server, uint64_t number)
{
    struct slice local = slice_str("local");
    struct test_entry *test =
        registry_test(server->registry, (struct library_name){local, slice_str("t")});
    struct bank_entry *bank =
        registry_bank(server->registry, (struct library_name){local, slice_str("b")});
    char id[32], examinee[32];
    struct start start = {
        .tenant = local, .test = test_entry_version(test, 0), .bank = bank_entry_version(bank, 0)};
    struct event event = {.kind = EVENT_STARTED, .seed = number};
    struct faults faults = {0};
    struct live *live;

    snprintf(id, sizeof(id), "s-%llu", (unsigned long long)number);
    snprintf(examinee, sizeof(examinee), "e-%llu", (unsigned long long)number);
    start.id = slice_str(id);
    start.examinee = slice_str(examinee);
    if (registry_plan(server->registry, start.test, start.bank, &start.plan, &faults) ||
        sessions_start(server->sessions, &start, &event, &server->batch, 0, &live)) {
        stock_fail("start", NULL);
    }
    return live;
}

/* Answer its question, right or wrong by chance. False where it asks none. */
static bool answer(struct server *server, struct live *live, uint64_t number)
{
    struct event event = {
        .kind = EVENT_ANSWERED, .time_ms = 1700000000000 + (int64_t)number, .elapsed_ms = 4711};
    struct session_view view;
    bool changed;

    session_view(live->session, &view);
    if (view.item == NO_ITEM) return false;
    event.seq = view.seq;
    event.item = view.item;
    event.response.score = rng_uniform(number, view.seq) < 0.5;
    if (sessions_step(server->sessions, live, &event, slice_of(NULL, 0), &server->batch,
                      &changed)) {
        stock_fail("answer", NULL);
    }
    return true;
}

void stock_commit(struct server *server)
{
    commit(server->env, &server->batch);
}

void stock_take(const struct config *config, uint64_t n_session)
{
    struct server server;

    stock_open(config, &server);
    for (uint64_t i = 0; i < n_session; i++) {
        struct live *live = stock_start(&server, i);

        while (answer(&server, live, i)) continue;
        if (i % SESSIONS_A_COMMIT == SESSIONS_A_COMMIT - 1) stock_commit(&server);
    }
    stock_commit(&server);
    server_close(&server);
}

/* Answers in turn find their sessions in no cache, as in life. */
void stock_leave(const struct config *config, uint64_t n_session, unsigned n_answer)
{
    struct live **live = calloc(n_session, sizeof(*live));
    uint64_t n_event = 0;
    struct server server;

    if (!live) stock_fail("memory", NULL);
    stock_open(config, &server);
    for (unsigned n = 0; n <= n_answer; n++) {
        for (uint64_t i = 0; i < n_session; i++) {
            if (n == 0)
                live[i] = stock_start(&server, i);
            else
                answer(&server, live[i], i);
            if (++n_event % EVENTS_A_COMMIT == 0) stock_commit(&server);
        }
    }
    stock_commit(&server);
    server_close(&server);
    free(live);
}

void stock_tidy(struct server *server)
{
    uint64_t before, first = 0;

    sessions_wake(server->sessions, 0, UINT64_MAX);
    while (sessions_n_live(server->sessions) > 0) {
        if (sessions_tidy(server->sessions, &server->batch, INT64_MAX, SESSIONS_A_COMMIT)) {
            stock_fail("tidy", NULL);
        }
        stock_commit(server);
    }
    do {
        before = first;
        if (sessions_trim(server->sessions, &server->batch) ||
            journal_first(&server->journal, &first)) {
            stock_fail("trim", NULL);
        }
        stock_commit(server);
    } while (first != before);
}
