/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open loop: answers arrive as a Poisson process at shares of what the daemon can do, from 1,000
 * connections, whether or not replies have come. Beside it the bare echo at the same rates, one
 * client's echo, and one bare commit. */
#include "bench/common/sample.h"
#include "bench/load/limits.h"
#include "bench/load/load.h"
#include "bench/load/picture.h"

#include <math.h>

enum { RATES = 6, CONNECTIONS = 1000, CLIENTS = 64, COMMITS = 200 };

static const double shares[RATES] = {0.02, 0.1, 0.25, 0.5, 0.75, 0.9};

struct bench {
    struct load *load;
    struct echo echo;
    struct served disk;
    struct limits limits;
    double capacity, echo_us, commit_us, overwrite_us;  // answers a second; p50s
    struct figures answer[RATES], echoed[RATES];
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
    bench->overwrite_us = p50_us(bench, limits_overwrite);
    many.title = "latency: how many answers there can be";
    load_run(bench->load, &many, bench->disk.daemon.pid, bench->disk.author, &found);
    bench->capacity = found.value[FIGURE_RATE];
}

static void measure_rate(struct bench *bench, size_t r, bool is_echo)
{
    struct link_target target = is_echo ? (struct link_target){.port = bench->echo.port}
                                        : daemon_target(&bench->disk.daemon, NULL);
    struct drive_plan plan =
        load_closed(target, is_echo ? &talk_echo : &talk_test, CONNECTIONS, seconds(bench));
    char title[80];

    snprintf(title, sizeof(title), "latency: %s at %.0f %% of %.0f a second",
             is_echo ? "echo" : "answers", 100.0 * shares[r], bench->capacity);
    plan.title = title;
    plan.pace = &pace_open;
    plan.rate = shares[r] * bench->capacity;
    load_run(bench->load, &plan, is_echo ? bench->echo.pid : bench->disk.daemon.pid,
             is_echo ? NULL : bench->disk.author, is_echo ? &bench->echoed[r] : &bench->answer[r]);
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
        const struct figures *both[] = {&bench->echoed[r], &bench->answer[r]};

        for (int i = 0; i < 2; i++) {
            const char *what = i == 0 ? "echo" : "answer, durable";
            json_t *row = figures_json(what, both[i]);
            char label[64];

            snprintf(label, sizeof(label), "%3.0f %% %s", 100.0 * shares[r], what);
            if (people) figures_print(label, both[i], both[0]);
            json_object_set_new(row, "load", json_real(shares[r]));
            json_array_append_new(rows, row);
        }
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

        picture_add(&picture, "p99.9", x, log10(bench->answer[r].value[FIGURE_P999]));
        picture_add(&picture, "p99", x, log10(bench->answer[r].value[FIGURE_P99]));
        picture_add(&picture, "p50", x, log10(bench->answer[r].value[FIGURE_P50]));
        picture_add(&picture, "echo p99", x, log10(bench->echoed[r].value[FIGURE_P99]));
        picture_add(&picture, "echo p50", x, log10(bench->echoed[r].value[FIGURE_P50]));
    }
    picture_write(&picture, &bench->load->options, "latency.svg");
}

static void run(struct load *load)
{
    static struct bench bench;

    bench = (struct bench){.load = load};
    echo_start(&bench.echo);
    served_start(load, "/tmp", false, &bench.disk);
    limits_open(&bench.limits, bench.disk.daemon.folder);
    measure_limits(&bench);
    for (size_t r = 0; r < RATES; r++) {
        measure_rate(&bench, r, true);
        measure_rate(&bench, r, false);
    }
    bars_at_most(&load->bars, "p99 at 10 % of capacity / (echo + commit)", "",
                 bench.answer[1].value[FIGURE_P99] / (bench.echo_us + bench.commit_us), 5.0);
    tell(&bench);
    draw(&bench);
    limits_close(&bench.limits);
    served_stop(&bench.disk);
    echo_stop(&bench.echo);
}

const struct load_part load_latency = {
    "latency", "how long an answer takes, open loop, from when it was meant to be sent", run};
