/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open loop: answers arrive as a Poisson process at shares of what the daemon can do, from 1,000
 * connections, whether or not replies have come. Beside it the bare echo at the same rates, one
 * client's echo, and one bare commit. */
#include "bench/common/sample.h"
#include "bench/load/echo.h"
#include "bench/load/limits.h"
#include "bench/load/load.h"
#include "bench/load/picture.h"

#include <math.h>

enum kind { ECHO, COMMIT, ANSWER, KINDS };
static const char *const labels[KINDS] = {"echo", "echo, a commit a cycle", "answer, durable"};

enum { RATES = 6, BAR_RATE = 1, CONNECTIONS = 1000, CLIENTS = 64, COMMITS = 200 };

static const double shares[RATES] = {0.02, 0.1, 0.25, 0.5, 0.75, 0.9};

struct bench {
    struct load *load;
    struct echo echo, commit;
    struct served disk;
    struct limits limits;
    double capacity, echo_us, commit_us, overwrite_us;  // answers a second; p50s
    struct figures found[RATES][KINDS];
};

static double p50_us(struct bench *bench, void (*work)(struct limits *))
{
    struct sample *times = sample_new(COMMITS);
    double p50;

    for (int i = 0; i < COMMITS; i++) {
        int64_t from_ns = sample_clock_ns();

        work(&bench->limits);
        sample_add(times, (double)(sample_clock_ns() - from_ns) / 1e3);
    }
    p50 = sample_quantile(times, 0.5);
    sample_free(times);
    return p50;
}

static void commit_one(struct limits *limits)
{
    limits_commit(limits, 1);
}

static void overwrite_one(struct limits *limits)
{
    limits_overwrite(limits, 1);
}

static double seconds(const struct bench *bench)
{
    return load_choose(bench->load, bench->load->measured_s, 4.0, 1.0);
}

/* What bounds an answer alone, and how many answers there can be. */
static void measure_limits(struct bench *bench)
{
    struct link_target echo = {.port = bench->echo.port};
    struct drive_plan one = load_closed(echo, &talk_echo, 1, seconds(bench) / 2.0);
    struct drive_plan many = load_closed(daemon_target(&bench->disk.daemon, NULL), &talk_test,
                                         CLIENTS, seconds(bench) / 2.0);
    struct figures found;

    one.title = "latency: one client's echo";
    load_run(bench->load, &one, bench->echo.pid, NULL, &found);
    bench->echo_us = found.value[FIGURE_P50];
    bench->commit_us = p50_us(bench, commit_one);
    bench->overwrite_us = p50_us(bench, overwrite_one);
    many.title = "latency: how many answers there can be";
    load_run(bench->load, &many, bench->disk.daemon.pid, bench->disk.author, &found);
    bench->capacity = found.value[FIGURE_RATE];
}

static void measure_rate(struct bench *bench, size_t r, enum kind kind)
{
    const struct echo *echo = kind == ECHO ? &bench->echo : &bench->commit;
    bool is_echo = kind != ANSWER;
    struct link_target target = is_echo ? (struct link_target){.port = echo->port}
                                        : daemon_target(&bench->disk.daemon, NULL);
    struct drive_plan plan =
        load_closed(target, is_echo ? &talk_echo : &talk_test, CONNECTIONS, seconds(bench));
    char title[80];

    snprintf(title, sizeof(title), "latency: %s at %.0f %% of %.0f a second", labels[kind],
             100.0 * shares[r], bench->capacity);
    plan.title = title;
    plan.pace = &pace_open;
    plan.rate = shares[r] * bench->capacity;
    load_run(bench->load, &plan, is_echo ? echo->pid : bench->disk.daemon.pid,
             is_echo ? NULL : bench->disk.author, &bench->found[r][kind]);
}

static void tell(const struct bench *bench)
{
    json_t *rows = json_array();
    bool people = !bench->load->options.json;

    if (people) {
        printf("one client's echo %.0f us, one LMDB commit %.0f us, one overwrite and fdatasync "
               "%.0f us (p50);\n%.0f durable answers a second with %d clients\n",
               bench->echo_us, bench->commit_us, bench->overwrite_us, bench->capacity, CLIENTS);
        figures_print_head("load, what (1,000 connections)");
    }
    for (size_t r = 0; r < RATES; r++) {
        const struct figures *found = bench->found[r];

        for (int kind = 0; kind < KINDS; kind++) {
            json_t *row = figures_json(labels[kind], &found[kind]);
            char label[64];

            snprintf(label, sizeof(label), "%3.0f %% %s", 100.0 * shares[r], labels[kind]);
            if (people) figures_print(label, &found[kind], &found[ECHO]);
            json_object_set_new(row, "load", json_real(shares[r]));
            json_array_append_new(rows, row);
        }
    }
    if (people) {
        printf("\nbeside the bars: p99 at %.0f %% / that of the echo with a commit a cycle: %.2f\n",
               100.0 * shares[BAR_RATE],
               bench->found[BAR_RATE][ANSWER].value[FIGURE_P99] /
                   bench->found[BAR_RATE][COMMIT].value[FIGURE_P99]);
    }
    json_object_set_new(bench->load->figures, "latency",
                        json_pack("{s:f, s:f, s:f, s:f, s:o}", "echo_us", bench->echo_us,
                                  "commit_us", bench->commit_us, "overwrite_us",
                                  bench->overwrite_us, "capacity", bench->capacity, "rows", rows));
}

static void draw(const struct bench *bench)
{
    struct picture picture = {.title = "Open loop: time of an answer by the load",
                              .x = "% of the answers a second that 64 clients get",
                              .y = "log10 of the time in us"};

    for (size_t r = 0; r < RATES; r++) {
        double x = 100.0 * shares[r];

        picture_add(&picture, "p99.9", x, log10(bench->found[r][ANSWER].value[FIGURE_P999]));
        picture_add(&picture, "p99", x, log10(bench->found[r][ANSWER].value[FIGURE_P99]));
        picture_add(&picture, "p50", x, log10(bench->found[r][ANSWER].value[FIGURE_P50]));
        picture_add(&picture, "echo p99", x, log10(bench->found[r][ECHO].value[FIGURE_P99]));
        picture_add(&picture, "echo p50", x, log10(bench->found[r][ECHO].value[FIGURE_P50]));
    }
    picture_write(&picture, &bench->load->options, "latency.svg");
}

static void run(struct load *load)
{
    static struct bench bench;

    bench = (struct bench){.load = load};
    echo_start(&bench.echo, &echo_bare, NULL);
    served_start(load, "/tmp", false, &bench.disk);
    echo_start(&bench.commit, &echo_commit, bench.disk.daemon.folder);
    limits_open(&bench.limits, bench.disk.daemon.folder);
    measure_limits(&bench);
    for (size_t r = 0; r < RATES; r++) {
        for (int kind = 0; kind < KINDS; kind++) measure_rate(&bench, r, (enum kind)kind);
    }
    bars_at_most(
        &load->bars, "p99 at 10 % of capacity / (echo + commit)", "",
        bench.found[BAR_RATE][ANSWER].value[FIGURE_P99] / (bench.echo_us + bench.commit_us), 5.0);
    tell(&bench);
    draw(&bench);
    limits_close(&bench.limits);
    echo_stop(&bench.commit);
    served_stop(&bench.disk);
    echo_stop(&bench.echo);
}

const struct load_part load_latency = {
    "latency", "how long an answer takes, open loop, from when it was meant to be sent", run};
