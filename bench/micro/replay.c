/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast a store comes back. In this process, in processor time: a start that replays a journal
 * of ended sessions, and its verification, once there and once in the archive. Of the daemon, by
 * the clock: from its start, on a store with many sessions under way, to its first reply. */
#include "bench/common/bars.h"
#include "bench/common/options.h"
#include "bench/common/sample.h"
#include "bench/load/author.h"
#include "bench/load/machine.h"
#include "bench/load/processes.h"
#include "bench/micro/stock.h"
#include "server/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VERIFY_STEP = 10000 };

#define START_PER_S    500000.0  // events
#define VERIFY_S       60.0      // a million events
#define SERVING_S      1.0
#define LOOK_MS        1.0
#define VERIFY_MILLION 1e6

struct replay_options {
    struct options common;
    const char *thetad;
    long n_event, n_session, n_answer;
};

/* What came of it. */
struct figures {
    uint64_t n_event;
    double served_s, start_s;  // processor time: until it could serve; all in memory
    double journal_s, archive_s;
    struct serving {      // to the first reply
        double s, cpu_s;  // by the clock, and what the daemon took of a processor
        double look_s;    // processor time, with all in memory: see look_s
    } begun, answered;    // all sessions
};

/* Seconds of this process on a processor: what other processes do on the machine does not count. */
static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double verify_s(struct env *env, uint64_t n_event)
{
    double from_s = cpu_s();
    struct verify *verify;

    if (verify_new(env, NULL, &verify)) stock_fail("verify", NULL);
    while (!verify_done(verify)) {
        if (verify_step(verify, VERIFY_STEP)) stock_fail("verify", NULL);
    }
    if (verify_n_event(verify) != n_event || verify_n_fault(verify) > 0) {
        stock_fail("the store does not verify", NULL);
    }
    verify_free(verify);
    return cpu_s() - from_s;
}

/* A start whose sessions are asleep but for those of the first n_awake events. */
static double start_s(struct config *config, uint64_t n_awake, int n_round)
{
    struct sample *sample = sample_new((size_t)n_round);
    double median;

    config->n_awake = n_awake;
    for (int round = 0; round < n_round; round++) {
        struct server server;
        double from_s = cpu_s();

        stock_open(config, &server);
        sample_add(sample, cpu_s() - from_s);
        server_close(&server);
    }
    median = sample_quantile(sample, 0.5);
    sample_free(sample);
    return median;
}

/* A store is verified once, as that changes it. */
static void measure_ended(const struct replay_options *options, struct figures *out)
{
    struct server server;
    struct config config;

    stock_config(&config, NULL);
    stock_fill(&config, STOCK_ITEMS);
    stock_take(&config, (uint64_t)options->n_event / (STOCK_ANSWERS + 1));
    out->start_s = start_s(&config, UINT64_MAX, options->common.n_round);
    out->served_s = start_s(&config, 1, options->common.n_round);
    stock_open(&config, &server);
    out->n_event = server.journal.next_lsn - 1;
    out->journal_s = verify_s(server.env, out->n_event);
    stock_tidy(&server);
    out->archive_s = verify_s(server.env, out->n_event);
    server_close(&server);
    stock_remove(&config);
}

/* Start the daemon and ask it for a session. */
static struct serving serve_once(const struct replay_options *options, const struct config *config,
                                 const char *session)
{
    const struct daemon_options how = {options->thetad, "/tmp", false, config->data_dir};
    int64_t from_ns = sample_clock_ns(), to_ns, cpu_ns;
    struct thetad_state state;
    struct daemon daemon;
    struct thetad *client;

    daemon_start(&daemon, &how);
    client = author_new(daemon.student_url);
    if (thetad_session_get(client, session, &state) != THETAD_OK) {
        stock_fail(thetad_error_message(client), NULL);
    }
    to_ns = sample_clock_ns();
    cpu_ns = machine_now(daemon.pid).cpu_ns;
    thetad_close(client);
    daemon_kill(&daemon);
    return (struct serving){.s = 1e-9 * (double)(to_ns - from_ns), .cpu_s = 1e-9 * (double)cpu_ns};
}

/* How long the loop stands still, at most, while it looks at all sessions in memory for what the
 * journal may be trimmed to. */
static double look_s(struct config *config)
{
    struct server server;
    double longest = 0.0;

    config->n_awake = UINT64_MAX;
    stock_open(config, &server);
    do {
        double from_s = cpu_s(), took_s;

        if (sessions_trim(server.sessions, &server.batch)) stock_fail("trim", NULL);
        took_s = cpu_s() - from_s;
        if (took_s > longest) longest = took_s;
    } while (sessions_trim_goes_on(server.sessions));
    server_close(&server);
    return longest;
}

static struct serving measure_serving(const struct replay_options *options, unsigned n_answer)
{
    struct sample *s = sample_new((size_t)options->common.n_round);
    struct sample *cpu_s = sample_new((size_t)options->common.n_round);
    struct serving median;
    struct config config;
    char session[32];

    stock_config(&config, NULL);
    stock_fill(&config, STOCK_ITEMS);
    stock_leave(&config, (uint64_t)options->n_session, n_answer);
    snprintf(session, sizeof(session), "s-%ld", options->n_session - 1);
    for (int round = 0; round < options->common.n_round; round++) {
        struct serving once = serve_once(options, &config, session);

        sample_add(s, once.s);
        sample_add(cpu_s, once.cpu_s);
    }
    median =
        (struct serving){sample_quantile(s, 0.5), sample_quantile(cpu_s, 0.5), look_s(&config)};
    stock_remove(&config);
    sample_free(s);
    sample_free(cpu_s);
    return median;
}

static void hold(const struct replay_options *options, const struct figures *f, struct bars *bars)
{
    double million = VERIFY_MILLION / (double)f->n_event;

    bars_at_least(bars, "events replayed by a start, of processor time", "/ s",
                  (double)f->n_event / f->start_s, START_PER_S);
    bars_at_most(bars, "a million events verified, in the journal", "s", million * f->journal_s,
                 VERIFY_S);
    bars_at_most(bars, "a million events verified, in the archive", "s", million * f->archive_s,
                 VERIFY_S);
    if (!options->thetad) return;
    bars_at_most(bars, "serving again, sessions begun", "s", f->begun.s, SERVING_S);
    bars_at_most(bars, "serving again, sessions answered", "s", f->answered.s, SERVING_S);
    bars_at_most(bars, "longest step of a look at all sessions", "ms", 1e3 * f->answered.look_s,
                 LOOK_MS);
}

static void print_table(const struct replay_options *options, const struct figures *f,
                        const struct bars *bars)
{
    double n = (double)f->n_event;

    printf("a store of %.0f events, sessions of %d answers: processor time\n\n", n, STOCK_ANSWERS);
    printf("%-52s %10s %12s\n", "", "s", "events / s");
    printf("%-52s %10.2f %12.0f\n", "start that steps all of them", f->start_s, n / f->start_s);
    printf("%-52s %10.2f %12.0f\n", "start that leaves the sessions asleep", f->served_s,
           n / f->served_s);
    printf("%-52s %10.2f %12.0f\n", "verification, all in the journal", f->journal_s,
           n / f->journal_s);
    printf("%-52s %10.2f %12.0f\n", "verification, all in the archive", f->archive_s,
           n / f->archive_s);
    if (options->thetad) {
        printf("\n%ld sessions under way: from the start of the daemon to its first reply\n\n",
               options->n_session);
        printf("%-52s %10s %12s\n", "", "s", "processor, s");
        printf("%-52s %10.2f %12.2f\n", "begun", f->begun.s, f->begun.cpu_s);
        printf("%-42s %9ld %10.2f %12.2f\n", "answers given by each", options->n_answer,
               f->answered.s, f->answered.cpu_s);
        printf("\nlongest step of a look at all of them, for what may be trimmed: %.2f ms\n",
               1e3 * f->answered.look_s);
    }
    bars_print(bars, "a start takes longer than intended, or the machine was busy.");
}

static json_t *as_json(const struct replay_options *options, const struct figures *f,
                       const struct bars *bars)
{
    json_t *out = json_pack("{s:I, s:f, s:f, s:f, s:f}", "events", (json_int_t)f->n_event,
                            "served_s", f->served_s, "start_s", f->start_s, "verify_journal_s",
                            f->journal_s, "verify_archive_s", f->archive_s);

    if (options->thetad) {
        json_object_set_new(out, "serving",
                            json_pack("{s:I, s:f, s:f, s:I, s:f, s:f, s:f}", "sessions",
                                      (json_int_t)options->n_session, "begun_s", f->begun.s,
                                      "begun_cpu_s", f->begun.cpu_s, "answers",
                                      (json_int_t)options->n_answer, "answered_s", f->answered.s,
                                      "answered_cpu_s", f->answered.cpu_s, "look_s",
                                      f->answered.look_s));
    }
    json_object_set_new(out, "bars", bars_json(bars));
    json_object_set_new(out, "met", json_boolean(bars_met(bars)));
    return out;
}

static const struct argp_option option_list[] = {
    {"thetad", 't', "FILE", 0, "The daemon's program; without it no daemon is started", 0},
    {"events", 'e', "N", 0, "Events of ended sessions (1000000)", 0},
    {"sessions", 's', "N", 0, "Sessions under way (100000)", 0},
    {"answers", 'a', "N", 0, "Answers that each of them has given, 1 to 29 (9)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct replay_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        return 0;
    case 't':
        options->thetad = argument;
        return 0;
    case 'e':
        options->n_event = options_number(state, "events", argument, STOCK_ANSWERS + 1);
        return 0;
    case 's':
        options->n_session = options_number(state, "sessions", argument, 1);
        return 0;
    case 'a':
        options->n_answer = options_number(state, "answers", argument, 1);
        if (options->n_answer >= STOCK_ANSWERS) argp_error(state, "--answers takes 29 at most");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Measure how fast a store comes back: a start and a verification in processor time, "
           "and how soon a daemon with many sessions under way serves again; medians of 5 "
           "rounds. --quick has 200,000 events, and 3 rounds.",
    .children = options_children,
};

int main(int argc, char **argv)
{
    struct replay_options options = {.n_session = 100000, .n_answer = 9};
    struct figures figures = {0};
    struct bars bars = {0};
    json_t *json;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    if (!options.common.n_round) options.common.n_round = options.common.quick ? 3 : 5;
    if (!options.n_event) options.n_event = options.common.quick ? 200000 : 1000000;
    log_set_level(LOG_ERROR);
    measure_ended(&options, &figures);
    if (options.thetad) {
        figures.begun = measure_serving(&options, 0);
        figures.answered = measure_serving(&options, (unsigned)options.n_answer);
    }
    hold(&options, &figures, &bars);
    json = as_json(&options, &figures, &bars);
    if (options.common.json)
        options_print(json);
    else
        print_table(&options, &figures, &bars);
    options_record(&options.common, "replay.json", json);
    return options.common.check && !bars_met(&bars);
}
