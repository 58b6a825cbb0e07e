/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ways to make an answer durable, each by an echo that does nothing else, beside the daemon: one
 * commit for all that a cycle has taken, which is the daemon's way; a thread that commits while the
 * loop goes on; a log that is overwritten, with one flush in place of two. Closed loop, in turn. */
#include "bench/load/echo.h"
#include "bench/load/load.h"

enum { ROUNDS = 32, SIZES = 3, WAYS = 4, KINDS = WAYS + 1, DAEMON = WAYS };

static const size_t all_sizes[SIZES] = {1, 64, 1000};
static const struct echo_kind *const ways[WAYS] = {&echo_bare, &echo_commit, &echo_committer,
                                                   &echo_log};

struct bench {
    struct load *load;
    struct echo echo[WAYS];
    struct served disk;
    const size_t *size;  // [n_size]
    size_t n_size, n_round;
    struct figures run[SIZES][KINDS][ROUNDS], median[SIZES][KINDS];
};

static const char *kind_name(int kind)
{
    return kind == DAEMON ? "thetad's answers, durable" : ways[kind]->name;
}

static void measure(struct bench *bench, size_t s, int kind, size_t round)
{
    bool is_daemon = kind == DAEMON;
    struct link_target target = is_daemon ? daemon_target(&bench->disk.daemon, NULL)
                                          : (struct link_target){.port = bench->echo[kind].port};
    struct drive_plan plan =
        load_closed(target, is_daemon ? &talk_test : &talk_echo, bench->size[s],
                    load_choose(bench->load, bench->load->measured_s, 1.0, 0.3));
    char title[80];

    snprintf(title, sizeof(title), "ways, round %zu of %zu, %zu clients, %s", round + 1,
             bench->n_round, bench->size[s], kind_name(kind));
    plan.title = title;
    load_run(bench->load, &plan, is_daemon ? bench->disk.daemon.pid : bench->echo[kind].pid,
             is_daemon ? bench->disk.author : NULL, &bench->run[s][kind][round]);
}

static void run_rounds(struct bench *bench)
{
    for (size_t round = 0; round < bench->n_round; round++) {
        for (size_t s = 0; s < bench->n_size; s++) {
            for (int kind = 0; kind < KINDS; kind++) measure(bench, s, kind, round);
        }
    }
    for (size_t s = 0; s < bench->n_size; s++) {
        for (int kind = 0; kind < KINDS; kind++) {
            figures_median(bench->run[s][kind], bench->n_round, &bench->median[s][kind]);
        }
    }
}

static void tell(const struct bench *bench)
{
    json_t *rows = json_array();
    const char *label[KINDS];

    for (int kind = 0; kind < KINDS; kind++) label[kind] = kind_name(kind);
    if (!bench->load->options.json) figures_print_head("clients, what");
    for (size_t s = 0; s < bench->n_size; s++) {
        load_tell(bench->load, bench->size[s], label, bench->median[s], KINDS, rows);
    }
    json_object_set_new(bench->load->figures, "ways", rows);
}

static void run(struct load *load)
{
    static struct bench bench;
    size_t chosen = (size_t)load->n_client;

    bench = (struct bench){.load = load,
                           .size = chosen > 0 ? &chosen : all_sizes,
                           .n_size = chosen > 0 ? 1 : SIZES,
                           .n_round = (size_t)load->options.n_round};
    if (bench.n_round > ROUNDS) bench.n_round = ROUNDS;
    served_start(load, "/tmp", false, &bench.disk);
    for (int kind = 0; kind < WAYS; kind++) {
        echo_start(&bench.echo[kind], ways[kind], bench.disk.daemon.folder);
    }
    run_rounds(&bench);
    tell(&bench);
    for (int kind = 0; kind < WAYS; kind++) echo_stop(&bench.echo[kind]);
    served_stop(&bench.disk);
}

const struct load_part load_ways = {
    "ways", "what a commit costs by the way it is made, beside echoes that do nothing else", run};
