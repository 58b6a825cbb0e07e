/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections that say nothing: what each takes of the server's memory, beside a bare ROUTER's, and
 * what they do to the round trip of the one client who speaks. One daemon has them all the time and
 * another never, and both are asked in turn, briefly and often: where the scheduler puts the two
 * ends of a connection changes their times twofold, for as long as it leaves them there. */
#include "bench/common/sample.h"
#include "bench/load/echo.h"
#include "bench/load/load.h"
#include "bench/load/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum { ROUNDS = 32, SHARES = 5, SETTLE_MS = 300 };  // a round is measured in so many shares

struct bench {
    struct load *load;
    struct echo echo;
    struct served quiet, crowded;
    size_t n_idle, n_round;  // rounds: with their shares
    struct link *idle;       // [n_idle]
    struct figures alone[ROUNDS * SHARES], among[ROUNDS * SHARES];
    double echo_kib, daemon_kib;  // of one connection
};

static void settle(void)
{
    const struct timespec pause = {.tv_nsec = SETTLE_MS * 1000000};

    nanosleep(&pause, NULL);
}

static void connect_all(struct bench *bench, const struct link_target *target)
{
    for (size_t i = 0; i < bench->n_idle; i++) {
        if (link_raw.open(&bench->idle[i], target)) continue;
        fprintf(stderr, "\nbench: connection %zu: %s (ulimit -n?)\n", i + 1, strerror(errno));
        exit(EX_OSERR);
    }
    settle();
}

static void disconnect_all(struct bench *bench)
{
    for (size_t i = 0; i < bench->n_idle; i++) link_raw.close(&bench->idle[i]);
    settle();
}

/* Only the first time: what was freed may stay with the process and be used again. They stay. */
static double connection_kib(struct bench *bench, const struct link_target *target, pid_t pid)
{
    double before = machine_memory(pid).own_kib, after;

    connect_all(bench, target);
    after = machine_memory(pid).own_kib;
    return (after - before) / (double)bench->n_idle;
}

static void measure_trip(struct bench *bench, const struct served *served, const char *title,
                         struct figures *out)
{
    struct drive_plan plan =
        load_closed(daemon_target(&served->daemon, NULL), &talk_ping, 1,
                    load_choose(bench->load, bench->load->measured_s, 1.0, 0.5) / SHARES);

    plan.title = title;
    load_run(bench->load, &plan, served->daemon.pid, NULL, out);
}

static void tell(const struct bench *bench, const struct figures *alone,
                 const struct figures *among)
{
    if (!bench->load->options.json) {
        printf("%zu idle connections; memory of the server's own for each: bare ROUTER %.1f KiB, "
               "thetad %.1f KiB\n",
               bench->n_idle, bench->echo_kib, bench->daemon_kib);
        figures_print_head("one client's ping");
        figures_print("with no other connection", alone, NULL);
        figures_print("among idle connections", among, NULL);
    }
    json_object_set_new(
        bench->load->figures, "idle",
        json_pack("{s:I, s:f, s:f, s:o, s:o}", "connections", (json_int_t)bench->n_idle,
                  "router_kib", bench->echo_kib, "thetad_kib", bench->daemon_kib, "alone",
                  figures_json("alone", alone), "among", figures_json("among", among)));
}

static void run_rounds(struct bench *bench)
{
    for (size_t round = 0; round < bench->n_round; round++) {
        measure_trip(bench, &bench->quiet, "idle: alone", &bench->alone[round]);
        measure_trip(bench, &bench->crowded, "idle: among the connections", &bench->among[round]);
    }
}

/* Of a share among the connections to the one before it alone. */
static double median_ratio(const struct bench *bench)
{
    struct sample *ratios = sample_new(bench->n_round);
    double median;

    for (size_t round = 0; round < bench->n_round; round++) {
        sample_add(ratios,
                   bench->among[round].value[FIGURE_P50] / bench->alone[round].value[FIGURE_P50]);
    }
    median = sample_quantile(ratios, 0.5);
    sample_free(ratios);
    return median;
}

static void run(struct load *load)
{
    static struct bench bench;
    struct link_target target;
    struct figures alone, among;

    bench = (struct bench){.load = load, .n_round = (size_t)load->options.n_round};
    if (bench.n_round > ROUNDS) bench.n_round = ROUNDS;
    bench.n_round *= SHARES;
    bench.n_idle = (size_t)load_choose(load, (double)load->n_idle, 10000, 2000);
    bench.idle = calloc(bench.n_idle, sizeof(*bench.idle));
    if (!bench.idle) exit(EX_OSERR);
    echo_start(&bench.echo, &echo_bare, NULL);
    served_start(load, "/tmp", false, &bench.quiet);
    served_start(load, "/tmp", false, &bench.crowded);
    target = (struct link_target){.port = bench.echo.port};
    bench.echo_kib = connection_kib(&bench, &target, bench.echo.pid);
    disconnect_all(&bench);
    target = daemon_target(&bench.crowded.daemon, NULL);
    bench.daemon_kib = connection_kib(&bench, &target, bench.crowded.daemon.pid);
    run_rounds(&bench);
    disconnect_all(&bench);
    figures_median(bench.alone, bench.n_round, &alone);
    figures_median(bench.among, bench.n_round, &among);
    bars_at_most(&load->bars, "round trip among idle connections / alone", "", median_ratio(&bench),
                 1.1);
    bars_at_most(&load->bars, "memory of an idle connection / a bare ROUTER's", "",
                 bench.daemon_kib / bench.echo_kib, 1.25);
    tell(&bench, &alone, &among);
    free(bench.idle);
    served_stop(&bench.crowded);
    served_stop(&bench.quiet);
    echo_stop(&bench.echo);
}

const struct load_part load_idle = {"idle", "what connections cost that say nothing", run};
