/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast a store comes back: bench_replay [EVENTS] [FOLDER] fills a store with sessions of 30
 * answers (1,000 items, EAP, MFI with randomesque 5; 1,000,000 events in a folder of /tmp), then
 * measures a start, in which every event is in the journal, and a verification, once so and once
 * with all sessions in the archive, in seconds of processor time. The folder is removed unless it
 * was named. */
#include "base/rng.h"
#include "proto/writer.h"
#include "server/server.h"
#include "server/verify.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_ITEM = 1000, N_ANSWER = 30, SESSIONS_A_COMMIT = 200, OPEN_DIRS = 8 };

static _Noreturn void fail(const char *what, const struct fault *fault)
{
    fprintf(stderr, "bench_replay: %s: %s\n", what, fault ? fault->text : "");
    exit(EXIT_FAILURE);
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
    put_int(&out, "at", N_ANSWER);
    header.document = buf_slice(&bytes);
    library_put_test(env, batch, &header);
    buf_done(&bytes);
}

static void fill_library(const struct config *config)
{
    struct slice local = slice_str("local");
    struct bank_header bank = {
        .name = {local, slice_str("b")}, .version = 1, .upload = 1, .n_item = N_ITEM, .D = 1.0};
    struct batch batch = {0};
    struct fault fault = {0};
    struct env *env;

    if (env_open(config->data_dir, (size_t)config->map_mib << 20, &env, &fault))
        fail("open", &fault);
    for (uint32_t i = 0; i < N_ITEM; i++) put_item(env, &batch, i);
    library_put_bank(env, &batch, &bank);
    put_test(env, &batch, (struct library_name){local, slice_str("t")});
    if (env_commit(env, &batch, &fault)) fail("commit", &fault);
    batch_done(&batch);
    env_close(env);
}

static void take(struct server *server, uint64_t number)
{
    struct slice local = slice_str("local");
    struct test_entry *test =
        registry_test(server->registry, (struct library_name){local, slice_str("t")});
    struct bank_entry *bank =
        registry_bank(server->registry, (struct library_name){local, slice_str("b")});
    char id[32];
    struct start start = {.tenant = local,
                          .examinee = slice_str("e"),
                          .test = test_entry_version(test, 0),
                          .bank = bank_entry_version(bank, 0)};
    struct event event = {.kind = EVENT_STARTED, .seed = number};
    struct faults faults = {0};
    struct session_view view;
    struct live *live;
    bool changed;

    snprintf(id, sizeof(id), "s-%llu", (unsigned long long)number);
    start.id = slice_str(id);
    if (registry_plan(server->registry, start.test, start.bank, &start.plan, &faults) ||
        sessions_start(server->sessions, &start, &event, &server->batch, 0, &live)) {
        fail("start", NULL);
    }
    for (session_view(live->session, &view); view.item != NO_ITEM;
         session_view(live->session, &view)) {
        event = (struct event){.kind = EVENT_ANSWERED,
                               .time_ms = 1700000000000 + (int64_t)number,
                               .seq = view.seq,
                               .item = view.item,
                               .elapsed_ms = 4711};
        event.response.score = rng_uniform(number, view.seq) < 0.5;
        if (sessions_step(server->sessions, live, &event, slice_of(NULL, 0), &server->batch,
                          &changed)) {
            fail("answer", NULL);
        }
    }
}

static void commit(struct server *server)
{
    struct fault fault = {0};

    if (env_commit(server->env, &server->batch, &fault)) fail("commit", &fault);
}

static void fill_sessions(const struct config *config, uint64_t n_session)
{
    struct server server;
    struct fault fault = {0};

    if (server_open(&server, config, &fault)) fail("open", &fault);
    for (uint64_t i = 0; i < n_session; i++) {
        take(&server, i);
        if (i % SESSIONS_A_COMMIT == SESSIONS_A_COMMIT - 1) commit(&server);
    }
    commit(&server);
    server_close(&server);
}

/* Seconds of this process on a processor: what other processes do on the machine does not count. */
static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void measure_verify(struct env *env, const char *where)
{
    double from_s = cpu_s(), s;
    struct verify *verify;

    if (verify_new(env, NULL, &verify)) fail("verify", NULL);
    while (!verify_done(verify)) {
        if (verify_step(verify, 10000)) fail("verify", NULL);
    }
    s = cpu_s() - from_s;
    printf("verify, events in the %s: %llu of %llu events in %.2f s, %.0f a second, %llu faults\n",
           where, (unsigned long long)verify_n_event(verify),
           (unsigned long long)verify_n_total(verify), s, (double)verify_n_event(verify) / s,
           (unsigned long long)verify_n_fault(verify));
    verify_free(verify);
}

static void measure(const struct config *config)
{
    struct server server;
    struct fault fault = {0};
    double from_s = cpu_s(), s;

    if (server_open(&server, config, &fault)) fail("open", &fault);
    s = cpu_s() - from_s;
    printf("start: %llu events in %.2f s, %.0f a second\n",
           (unsigned long long)(server.journal.next_lsn - 1), s,
           (double)(server.journal.next_lsn - 1) / s);
    measure_verify(server.env, "journal");
    while (sessions_n_live(server.sessions) > 0) {
        if (sessions_tidy(server.sessions, &server.batch, INT64_MAX, 1000)) fail("tidy", NULL);
        commit(&server);
    }
    for (int i = 0; i < 1000; i++) {
        if (sessions_trim(server.sessions, &server.batch)) fail("trim", NULL);
        commit(&server);
    }
    measure_verify(server.env, "archive");
    server_close(&server);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

int main(int argc, char **argv)
{
    uint64_t n_event = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    char folder[CONFIG_TEXT] = "/tmp/bench-replay-XXXXXX";
    struct config config;

    log_set_level(LOG_ERROR);
    config_init(&config);
    config.max_sessions = INT32_MAX;
    if (argc > 2)
        snprintf(folder, sizeof(folder), "%s", argv[2]);
    else if (!mkdtemp(folder))
        fail("folder", NULL);
    memcpy(config.data_dir, folder, sizeof(config.data_dir));
    fill_library(&config);
    fill_sessions(&config, n_event / (N_ANSWER + 1));
    measure(&config);
    if (argc <= 2) nftw(folder, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
    return EXIT_SUCCESS;
}
