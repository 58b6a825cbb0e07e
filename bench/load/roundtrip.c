/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One client's round trip: session.answer and ping of a real daemon over loopback TCP, beside what
 * bounds them, taken in turn in the same run: a bare ROUTER echo of the same size, one LMDB commit
 * of one record on the same disk, and an echo that makes such a commit before it sends. Ratios are
 * what counts; machines are shared and noisy. */
#include "bench/common/bars.h"
#include "bench/common/options.h"
#include "bench/common/sample.h"
#include "bench/load/author.h"
#include "bench/load/echo.h"
#include "bench/load/limits.h"
#include "bench/load/processes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <zmq.h>

enum { ITEMS = 1000, ECHO_BYTES = 200 };  // an echo is as long as a reply of session.answer

struct trip_options {
    struct options common;
    const char *thetad;
    long n_answer;
};

/* What is measured, in the order of a round. */
enum part { PART_ECHO, PART_PING, PART_COMMIT, PART_COMMITTED, PART_ANSWER, N_PART };

static const char *const part_names[N_PART] = {"echo", "ping", "commit", "committed", "answer"};
static const char *const part_titles[N_PART] = {
    "bare ROUTER echo, 200 bytes", "ping (not durable)", "one LMDB commit, 200 bytes",
    "echo that commits, 200 bytes", "session.answer (durable)"};

/* Medians over the rounds, in us. */
struct figures {
    double p50[N_PART], p99[N_PART];
};

struct bench {
    struct trip_options options;
    struct daemon daemon;
    struct echo echo, committed;
    struct limits limits;
    struct thetad *author, *student;
    void *zmq, *client, *committed_client;  // of the echoes
    struct sample *sample;                  // of the part being measured
    char session[32];
    long n_session;
    struct thetad_state state;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(EX_SOFTWARE);  // processes.c ends what was started
}

static void check(struct thetad *client, enum thetad_status status, const char *what)
{
    if (status != THETAD_OK) fail(what, thetad_error_message(client));
}

static void *open_echo(struct bench *bench, const struct echo *echo)
{
    void *client = bench->zmq ? zmq_socket(bench->zmq, ZMQ_DEALER) : NULL;

    if (!client || zmq_connect(client, echo->url) != 0) fail("echo", zmq_strerror(zmq_errno()));
    return client;
}

static void start_echoes(struct bench *bench)
{
    echo_start(&bench->echo, &echo_bare, NULL);
    echo_start(&bench->committed, &echo_commit, bench->daemon.folder);
    bench->zmq = zmq_ctx_new();
    bench->client = open_echo(bench, &bench->echo);
    bench->committed_client = open_echo(bench, &bench->committed);
}

static void stop_echoes(struct bench *bench)
{
    zmq_close(bench->client);
    zmq_close(bench->committed_client);
    zmq_ctx_term(bench->zmq);
    echo_stop(&bench->echo);
    echo_stop(&bench->committed);
}

static void ask_echo(void *client)
{
    uint8_t body[ECHO_BYTES] = {0};

    if (zmq_send(client, body, sizeof(body), 0) < 0 ||
        zmq_recv(client, body, sizeof(body), 0) != ECHO_BYTES) {
        fail("echo", zmq_strerror(zmq_errno()));
    }
}

static void do_echo(struct bench *bench)
{
    ask_echo(bench->client);
}

static void do_committed(struct bench *bench)
{
    ask_echo(bench->committed_client);
}

static void do_ping(struct bench *bench)
{
    check(bench->student, thetad_ping(bench->student), "ping");
}

static void do_commit(struct bench *bench)
{
    limits_commit(&bench->limits, 1);
}

/* Not timed: the next session where the last has ended. */
static void next_question(struct bench *bench)
{
    struct thetad_start start = {.test = "bench", .examinee = "bench", .session = bench->session};

    if (bench->n_session > 0 && bench->state.phase == THETAD_ASKING) return;
    snprintf(bench->session, sizeof(bench->session), "s%ld", ++bench->n_session);
    check(bench->student, thetad_session_start(bench->student, &start, &bench->state), "start");
}

static void do_answer(struct bench *bench)
{
    struct thetad_answer answer = {.session = bench->session,
                                   .seq = bench->state.seq,
                                   .item = bench->state.item,
                                   .kind = THETAD_SCORE,
                                   .score = bench->state.seq % 2};

    check(bench->student, thetad_session_answer(bench->student, &answer, &bench->state), "answer");
}

static void measure(struct bench *bench, enum part part, struct sample *out)
{
    void (*const todo[N_PART])(struct bench *) = {do_echo, do_ping, do_commit, do_committed,
                                                  do_answer};

    sample_clear(out);
    for (long i = 0; i < bench->options.n_answer; i++) {
        int64_t from_ns;

        if (part == PART_ANSWER) next_question(bench);
        from_ns = sample_clock_ns();
        todo[part](bench);
        sample_add(out, (double)(sample_clock_ns() - from_ns) / 1000.0);
    }
}

static void run_rounds(struct bench *bench, struct figures *out)
{
    struct sample *times = sample_new((size_t)bench->options.n_answer);
    struct sample *p50[N_PART], *p99[N_PART];

    for (int part = 0; part < N_PART; part++) {
        p50[part] = sample_new((size_t)bench->options.common.n_round);
        p99[part] = sample_new((size_t)bench->options.common.n_round);
    }
    for (int round = -1; round < bench->options.common.n_round; round++) {  // the first warms up
        for (int part = 0; part < N_PART; part++) {
            measure(bench, (enum part)part, times);
            if (round < 0) continue;
            sample_add(p50[part], sample_quantile(times, 0.5));
            sample_add(p99[part], sample_quantile(times, 0.99));
        }
        if (isatty(STDERR_FILENO)) {
            fprintf(stderr, "\rbench: round %d of %d ", round + 1, bench->options.common.n_round);
        }
    }
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\n");
    for (int part = 0; part < N_PART; part++) {
        out->p50[part] = sample_quantile(p50[part], 0.5);
        out->p99[part] = sample_quantile(p99[part], 0.5);
        sample_free(p50[part]);
        sample_free(p99[part]);
    }
    sample_free(times);
}

static void hold(const struct figures *f, struct bars *bars)
{
    const double *p50 = f->p50;

    bars_at_most(bars, "ping / echo", "", p50[PART_PING] / p50[PART_ECHO], 1.20);
    bars_at_most(bars, "session.answer / (echo + commit)", "",
                 p50[PART_ANSWER] / (p50[PART_ECHO] + p50[PART_COMMIT]), 1.15);
}

static void print_table(const struct trip_options *options, const struct figures *f,
                        const struct bars *bars)
{
    printf(
        "Round trip of one client over loopback TCP, in us; medians of %d rounds of %ld each\n\n",
        options->common.n_round, options->n_answer);
    printf("%-32s %9s %9s\n", "", "p50", "p99");
    for (int part = 0; part < N_PART; part++) {
        printf("%-32s %9.1f %9.1f\n", part_titles[part], f->p50[part], f->p99[part]);
    }
    printf("\nbeside the bars: session.answer / the echo that commits: %.3f\n",
           f->p50[PART_ANSWER] / f->p50[PART_COMMITTED]);
    bars_print(bars, "the daemon adds more than intended to what bounds it, or the machine was "
                     "busy: run it again\nwith more --rounds before concluding. Nothing is wrong "
                     "with its answers.");
}

static json_t *as_json(const struct trip_options *options, const struct figures *f,
                       const struct bars *bars)
{
    json_t *out =
        json_pack("{s:i, s:I}", "rounds", options->common.n_round, "each", options->n_answer);

    for (int part = 0; part < N_PART; part++) {
        json_object_set_new(
            out, part_names[part],
            json_pack("{s:f, s:f}", "p50_us", f->p50[part], "p99_us", f->p99[part]));
    }
    json_object_set_new(out, "bars", bars_json(bars));
    json_object_set_new(out, "met", json_boolean(bars_met(bars)));
    return out;
}

static void tell(const struct trip_options *options, const struct figures *f,
                 const struct bars *bars)
{
    json_t *json = as_json(options, f, bars);

    if (options->common.json)
        options_print(json);
    else
        print_table(options, f, bars);
    options_record(&options->common, "trip.json", json);
}

static const struct argp_option option_list[] = {
    {"thetad", 't', "FILE", 0, "The daemon's program", 0},
    {"answers", 'n', "N", 0, "Round trips of each kind in a round (400)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct trip_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        return 0;
    case 't':
        options->thetad = argument;
        return 0;
    case 'n':
        options->n_answer = options_number(state, "answers", argument, 10);
        return 0;
    case ARGP_KEY_END:
        if (!options->thetad) argp_error(state, "--thetad is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Measure one client's round trip beside a bare echo and a bare commit: medians of 25 "
           "rounds. --quick has rounds of 100.",
    .children = options_children,
};

int main(int argc, char **argv)
{
    struct bench bench = {.options = {.common.n_round = 25}};
    struct figures figures;
    struct bars bars = {0};

    argp_parse(&argp, argc, argv, 0, NULL, &bench.options);
    if (!bench.options.n_answer) bench.options.n_answer = bench.options.common.quick ? 100 : 400;
    daemon_start(&bench.daemon,
                 &(struct daemon_options){bench.options.thetad, "/tmp", false, NULL});
    start_echoes(&bench);
    bench.author = author_new(bench.daemon.author_url);
    bench.student = author_new(bench.daemon.student_url);
    author_load(bench.author, ITEMS);
    limits_open(&bench.limits, bench.daemon.folder);
    run_rounds(&bench, &figures);
    hold(&figures, &bars);
    tell(&bench.options, &figures, &bars);

    thetad_close(bench.author);
    thetad_close(bench.student);
    limits_close(&bench.limits);
    stop_echoes(&bench);
    daemon_stop(&bench.daemon);
    return bench.options.common.check && !bars_met(&bars);
}
