/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of one answer through the daemon without its sockets, split into its parts: call_handle
 * on real request bodies and env_commit on a real disk, for 1, 64 and 1,000 answers a commit, and
 * in turn with them what bounds a commit: LMDB's of as many records that are alone in their
 * environment. Processor time is of this thread; writes are what the kernel counts. */
#include "base/rng.h"
#include "bench/common/options.h"
#include "bench/common/sample.h"
#include "bench/micro/bare.h"
#include "bench/micro/stock.h"
#include "proto/writer.h"
#include "server/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST = 1000, RECORD_BYTES = 200, PART_LOOPS = 200, PART_CLIENTS = 64 };

static const size_t batches[] = {1, 64, MOST};
enum { N_BATCH = sizeof(batches) / sizeof(batches[0]) };

/* One client: its session and the request that it sends next. */
struct client {
    struct live *live;
    struct buf body;
};

struct path_options {
    struct options common;
    const char *store;
    long n_commit, n_before;
};

struct path {
    struct path_options options;
    json_t *parts, *commits;
    struct server server;
    struct decoder decoder;
    struct peer peer;
    struct bare *bare[N_BARE];
    uint64_t n_session;
    struct client client[MOST];
    struct buf reply;
};

/* The commits that are measured in turn: the daemon's, then the bare ones. */
enum { OURS = N_BARE, N_KIND };
static const char *const kind_names[N_KIND] = {[OURS] = "the daemon's answers",
                                               [BARE_UNNAMED] = "LMDB, the unnamed table",
                                               [BARE_NAMED] = "LMDB, a named table of twelve",
                                               [BARE_BESIDE] = "LMDB, the unnamed of twelve"};

/* What one kind costs: sums over its commits, and the wall-clock time of each. */
struct cost {
    double n_commit, n_write, n_byte, cpu_us, handle_cpu_us;
    struct sample *wall_us;
};

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static double wall_us(void)
{
    return (double)sample_clock_ns() / 1000.0;
}

/* What this process has written: system calls and bytes, added to `cost` with that sign. */
static void count_writes(struct cost *cost, double sign)
{
    FILE *file = fopen("/proc/self/io", "r");
    unsigned long long n = 0, byte = 0;
    char line[64];

    while (file && fgets(line, sizeof(line), file)) {
        (void)sscanf(line, "wchar: %llu", &byte);
        (void)sscanf(line, "syscw: %llu", &n);
    }
    if (file) (void)fclose(file);
    cost->n_write += sign * (double)n;
    cost->n_byte += sign * (double)byte;
}

/* What a frontend sends. A session that has ended makes room for the next one. */
static void write_request(struct path *path, struct client *client, const char *op)
{
    struct session_view view;
    struct writer out;

    if (client->live) session_view(client->live->session, &view);
    if (!client->live || view.item == NO_ITEM) {
        client->live = stock_start(&path->server, path->n_session++);
        session_view(client->live->session, &view);
    }
    buf_clear(&client->body);
    out = writer_of(&client->body);
    write_map(&out, 8);
    put_int(&out, "v", 1);
    put_int(&out, "id", view.seq);
    put_text(&out, "op", op);
    put_str(&out, "session", client->live->id);
    put_int(&out, "seq", view.seq);
    put_text(&out, "item", bank_id(session_plan(client->live->session)->bank, view.item));
    put_int(&out, "response", rng_uniform(path->n_session, view.seq) < 0.5);
    put_int(&out, "elapsed_ms", 4711);
}

static void handle(struct path *path, size_t n)
{
    struct job job;

    for (size_t i = 0; i < n; i++) {
        struct slice body = buf_slice(&path->client[i].body);

        call_handle(&path->server, &path->decoder, body, &path->peer, &path->reply, &job);
    }
}

/* The daemon's part of a commit. The sessions that it takes are started before. */
static void handle_batch(struct path *path, size_t n, struct cost *cost)
{
    double from_us;

    for (size_t i = 0; i < n; i++) write_request(path, &path->client[i], "session.answer");
    stock_commit(&path->server);
    buf_clear(&path->reply);
    from_us = cpu_us();
    handle(path, n);
    cost->handle_cpu_us += cpu_us() - from_us;
    if (path->server.batch.n != n) stock_fail("an answer was refused", NULL);
}

static void measure_commit(struct path *path, int kind, size_t n, struct cost *cost)
{
    double cpu, wall;

    if (kind == OURS) handle_batch(path, n, cost);
    count_writes(cost, -1.0);
    cpu = cpu_us();
    wall = wall_us();
    if (kind == OURS)
        stock_commit(&path->server);
    else
        bare_commit(path->bare[kind], n, RECORD_BYTES);
    sample_add(cost->wall_us, wall_us() - wall);
    cost->cpu_us += cpu_us() - cpu;
    count_writes(cost, 1.0);
    cost->n_commit++;
}

static void tell_cost(struct path *path, int kind, const struct cost *cost, size_t n)
{
    double p50 = sample_quantile(cost[kind].wall_us, 0.5);
    double ratio = p50 / sample_quantile(cost[BARE_UNNAMED].wall_us, 0.5);
    double n_commit = cost[kind].n_commit;

    if (!path->options.common.json) {
        printf("%-32s %8.1f %6.2f %8.1f %8.1f %7.1f %9.0f\n", kind_names[kind], p50, ratio,
               cost[kind].cpu_us / n_commit, cost[kind].handle_cpu_us / n_commit / (double)n,
               cost[kind].n_write / n_commit, cost[kind].n_byte / n_commit);
    }
    json_array_append_new(path->commits,
                          json_pack("{s:I, s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "answers",
                                    (json_int_t)n, "kind", kind_names[kind], "p50_us", p50, "ratio",
                                    ratio, "cpu_us", cost[kind].cpu_us / n_commit, "handle_cpu_us",
                                    cost[kind].handle_cpu_us / n_commit / (double)n, "writes",
                                    cost[kind].n_write / n_commit, "bytes",
                                    cost[kind].n_byte / n_commit));
}

static void measure_commits(struct path *path, size_t n)
{
    long n_commit = path->options.n_commit * path->options.common.n_round;
    struct cost cost[N_KIND] = {0};

    for (int kind = 0; kind < N_KIND; kind++) cost[kind].wall_us = sample_new((size_t)n_commit);
    for (long i = 0; i < n_commit * N_KIND; i++) {
        measure_commit(path, (int)(i % N_KIND), n, &cost[i % N_KIND]);
    }
    if (!path->options.common.json) {
        printf("\n%zu answer(s) a commit\n%-32s %8s %6s %8s %8s %7s %9s\n", n, "", "p50 us",
               "ratio", "cpu us", "handle", "writes", "bytes");
    }
    for (int kind = 0; kind < N_KIND; kind++) tell_cost(path, kind, cost, n);
    for (int kind = 0; kind < N_KIND; kind++) sample_free(cost[kind].wall_us);
}

/* One part of call_handle, done for every client. */
struct part {
    const char *name;
    void (*run)(struct path *path, struct client *client);
};

static void run_decode(struct path *path, struct client *client)
{
    msgpack_object root;
    struct fault fault;

    if (decode(&path->decoder, buf_slice(&client->body), &root, &fault)) stock_fail("decode", NULL);
}

static void run_find(struct path *path, struct client *client)
{
    struct live *live;

    if (sessions_get(path->server.sessions, path->peer.tenant, client->live->id, 1, &live)) {
        stock_fail("find", NULL);
    }
}

static struct event_record record_of(const struct client *client)
{
    struct session_view view;

    session_view(client->live->session, &view);
    return (struct event_record){
        .tenant = client->live->tenant,
        .session = client->live->id,
        .n = session_n_event(client->live->session),
        .event = {.kind = EVENT_ANSWERED,
                  .time_ms = 1700000000000,
                  .seq = view.seq,
                  .item = view.item,
                  .elapsed_ms = 4711},
        .outcome = {.theta = view.theta, .se = view.se, .item = view.item}};
}

static void run_record(struct path *path, struct client *client)
{
    struct event_record record = record_of(client);

    buf_clear(&path->reply);
    event_record_write(&record, &path->reply);
}

static void run_seal(struct path *path, struct client *client)
{
    uint8_t seal[SEAL_BYTES];

    (void)client;
    env_seal(path->server.env, TABLE_JOURNAL, slice_str("8 bytes."), buf_slice(&path->reply), seal);
}

static void run_get(struct path *path, struct client *client)
{
    struct job job;

    buf_clear(&path->reply);
    call_handle(&path->server, &path->decoder, buf_slice(&client->body), &path->peer, &path->reply,
                &job);
}

static const struct part parts[] = {
    {"decode (pre-scan and MessagePack)", run_decode},
    {"find the session by its id", run_find},
    {"session.get: decode, find, reply", run_get},
    {"write the event record", run_record},
    {"its seal (keyed BLAKE2b)", run_seal},
};

static void measure_part(struct path *path, const struct part *part)
{
    struct sample *sample = sample_new(PART_LOOPS);

    for (size_t i = 0; i < PART_CLIENTS; i++) {
        write_request(path, &path->client[i], "session.get");
    }
    for (int loop = 0; loop < PART_LOOPS; loop++) {
        double from_us = cpu_us();

        for (size_t i = 0; i < PART_CLIENTS; i++) part->run(path, &path->client[i]);
        sample_add(sample, (cpu_us() - from_us) / PART_CLIENTS);
    }
    if (!path->options.common.json) {
        printf("%-40s %6.2f\n", part->name, sample_quantile(sample, 0.5));
    }
    json_object_set_new(path->parts, part->name, json_real(sample_quantile(sample, 0.5)));
    sample_free(sample);
}

static void open_path(struct path *path, struct config *config)
{
    stock_config(config, path->options.store);
    stock_fill(config, STOCK_ITEMS);
    stock_take(config, (uint64_t)path->options.n_before);
    path->n_session = (uint64_t)path->options.n_before;
    stock_open(config, &path->server);
    stock_tidy(&path->server);
    if (decoder_init(&path->decoder)) stock_fail("decoder", NULL);
    path->peer = (struct peer){.tenant = slice_str("local"),
                               .who = slice_str("local"),
                               .roles = ROLE_ALL,
                               .now_ms = 1700000000000,
                               .now_us = 1};
    for (int kind = 0; kind < N_BARE; kind++) {
        path->bare[kind] = bare_open(config->data_dir, (enum bare_kind)kind);
    }
}

static void close_path(struct path *path, const struct config *config)
{
    for (int kind = 0; kind < N_BARE; kind++) bare_close(path->bare[kind]);
    for (size_t i = 0; i < MOST; i++) buf_done(&path->client[i].body);
    buf_done(&path->reply);
    decoder_done(&path->decoder);
    server_close(&path->server);
    stock_remove(config);
}

static const struct argp_option option_list[] = {
    {"store", 's', "FOLDER", 0, "Where the stores go, which are removed (a new one of /tmp)", 0},
    {"commits", 'n', "N", 0, "Commits of each kind in a round (200)", 0},
    {"before", 'b', "N", 0, "Sessions that the store's archive has before that (0)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct path_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        return 0;
    case 's':
        options->store = argument;
        return 0;
    case 'n':
        options->n_commit = options_number(state, "commits", argument, 1);
        return 0;
    case 'b':
        options->n_before = options_number(state, "before", argument, 0);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Split the way of an answer through the daemon into its parts. There are no bars.",
    .children = options_children,
};

int main(int argc, char **argv)
{
    static struct path path = {.options = {.common.n_round = 5}};
    static struct config config;
    json_t *all;

    argp_parse(&argp, argc, argv, 0, NULL, &path.options);
    if (!path.options.n_commit) path.options.n_commit = path.options.common.quick ? 20 : 200;
    log_set_level(LOG_ERROR);
    open_path(&path, &config);
    path.parts = json_object();
    path.commits = json_array();
    if (!path.options.common.json) puts("the parts of an answer, us of processor time");
    for (size_t i = 0; i < COUNT_OF(parts); i++) measure_part(&path, &parts[i]);
    for (size_t i = 0; i < N_BATCH; i++) measure_commits(&path, batches[i]);
    all = json_pack("{s:o, s:o}", "parts_us", path.parts, "commits", path.commits);
    if (path.options.common.json) options_print(all);
    options_record(&path.options.common, "path.json", all);
    close_path(&path, &config);
    return EXIT_SUCCESS;
}
