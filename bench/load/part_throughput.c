/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Closed loops: each student speaks again as soon as the reply is there. In each round every kind
 * of talk is measured with every number of clients, in turn. */
#include "bench/load/echo.h"
#include "bench/load/load.h"
#include "bench/load/picture.h"

#include <math.h>

enum { ROUNDS = 32, SIZES = 5, KINDS = 4 };

static const size_t all_sizes[SIZES] = {1, 16, 64, 256, 1000}, quick_sizes[] = {64, 1000};
static const char *const labels[KINDS] = {"echo", "ping, not durable", "answer, data on a tmpfs",
                                          "answer, durable"};
static const char *const lines[KINDS] = {"echo", "ping", "answer, tmpfs", "answer"};
enum kind { ECHO, PING, TMPFS, DURABLE };

struct bench {
    struct load *load;
    struct echo echo;
    struct served disk, tmpfs;
    const size_t *size;  // [n_size]
    size_t n_size, n_round;
    struct figures run[SIZES][KINDS][ROUNDS], median[SIZES][KINDS];
};

static void measure(struct bench *bench, size_t s, enum kind kind, size_t round)
{
    struct served *served = kind == TMPFS ? &bench->tmpfs : &bench->disk;
    struct link_target echo = {.port = bench->echo.port};
    struct drive_plan plan =
        load_closed(kind == ECHO ? echo : daemon_target(&served->daemon, NULL),
                    kind == ECHO ? &talk_echo : (kind == PING ? &talk_ping : &talk_test),
                    bench->size[s], load_choose(bench->load, bench->load->measured_s, 1.0, 0.5));
    char title[80];

    snprintf(title, sizeof(title), "throughput, round %zu of %zu, %zu clients, %s", round + 1,
             bench->n_round, bench->size[s], labels[kind]);
    plan.title = title;
    load_run(bench->load, &plan, kind == ECHO ? bench->echo.pid : served->daemon.pid,
             kind >= TMPFS ? served->author : NULL, &bench->run[s][kind][round]);
}

static void run_rounds(struct bench *bench)
{
    for (size_t round = 0; round < bench->n_round; round++) {
        for (size_t s = 0; s < bench->n_size; s++) {
            for (int kind = 0; kind < KINDS; kind++) measure(bench, s, (enum kind)kind, round);
        }
    }
    for (size_t s = 0; s < bench->n_size; s++) {
        for (int kind = 0; kind < KINDS; kind++) {
            figures_median(bench->run[s][kind], bench->n_round, &bench->median[s][kind]);
        }
    }
}

static double ratio(const struct figures *f, enum kind kind, enum figure figure)
{
    return f[kind].value[figure] / f[ECHO].value[figure];
}

static void hold(const struct bench *bench)
{
    struct bars *bars = &bench->load->bars;

    for (size_t s = 0; s < bench->n_size; s++) {
        const struct figures *f = bench->median[s];

        if (bench->size[s] == 64) {
            bars_at_least(bars, "durable answers a second / echo, 64 clients", "",
                          ratio(f, DURABLE, FIGURE_RATE), 0.4);
            bars_at_most(bars, "server's processor time, durable answer / echo, 64", "",
                         ratio(f, DURABLE, FIGURE_CPU), 2.0);
            bars_at_least(bars, "answers a commit, 64 clients", "", f[DURABLE].value[FIGURE_COMMIT],
                          16.0);
        }
        if (bench->size[s] == 1000) {
            bars_at_least(bars, "durable answers a second / echo, 1,000 clients", "",
                          ratio(f, DURABLE, FIGURE_RATE), 0.75);
            bars_at_least(bars, "answers a commit, 1,000 clients", "",
                          f[DURABLE].value[FIGURE_COMMIT], 100.0);
        }
    }
}

static void tell(const struct bench *bench)
{
    json_t *rows = json_array();

    if (!bench->load->options.json) figures_print_head("clients, what");
    for (size_t s = 0; s < bench->n_size; s++) {
        load_tell(bench->load, bench->size[s], labels, bench->median[s], KINDS, rows);
    }
    json_object_set_new(bench->load->figures, "throughput", rows);
}

static void draw(const struct bench *bench)
{
    struct picture picture = {.title = "Closed loop: answers a second by the number of clients",
                              .x = "log10 of the number of clients",
                              .y = "thousands a second"};

    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t s = 0; s < bench->n_size; s++) {
            picture_add(&picture, lines[kind], log10((double)bench->size[s]),
                        bench->median[s][kind].value[FIGURE_RATE] / 1e3);
        }
    }
    picture_write(&picture, &bench->load->options, "throughput.svg");
}

static void run(struct load *load)
{
    static struct bench bench;
    size_t chosen = (size_t)load->n_client;

    bench = (struct bench){.load = load,
                           .size = load->options.quick ? quick_sizes : all_sizes,
                           .n_size = load->options.quick ? 2 : SIZES,
                           .n_round = (size_t)load->options.n_round};
    if (chosen > 0) {
        bench.size = &chosen;
        bench.n_size = 1;
    }
    if (bench.n_round > ROUNDS) bench.n_round = ROUNDS;
    echo_start(&bench.echo, &echo_bare, NULL);
    served_start(load, "/tmp", false, &bench.disk);
    served_start(load, "/dev/shm", false, &bench.tmpfs);
    run_rounds(&bench);
    hold(&bench);
    tell(&bench);
    draw(&bench);
    served_stop(&bench.tmpfs);
    served_stop(&bench.disk);
    echo_stop(&bench.echo);
}

const struct load_part load_throughput = {
    "throughput", "as many answers as can be had, closed loop over plain sockets", run};
