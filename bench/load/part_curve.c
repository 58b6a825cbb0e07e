/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encryption: the same students over libzmq's sockets, with CURVE and without, in turn. The ends
 * share the machine, and each pays for half of the encryption. */
#include "bench/load/load.h"

enum { ROUNDS = 32, CASES = 4, CLIENTS = 64 };

struct bench {
    struct load *load;
    struct served plain, curve;
    size_t n_round;
    struct figures run[CASES][2][ROUNDS], median[CASES][2];
};

static const struct {
    const char *label;
    const struct talk_kind *talk;
    size_t n_client;
} cases[CASES] = {{"   1  ping", &talk_ping, 1},
                  {"   1  answer, durable", &talk_test, 1},
                  {"  64  ping", &talk_ping, CLIENTS},
                  {"  64  answer, durable", &talk_test, CLIENTS}};

static void measure(struct bench *bench, size_t c, bool curve, size_t round)
{
    struct served *served = curve ? &bench->curve : &bench->plain;
    struct drive_plan plan =
        load_closed(daemon_target(&served->daemon, bench->load->zmq), cases[c].talk,
                    cases[c].n_client, load_choose(bench->load, bench->load->measured_s, 1.0, 0.5));
    char title[80];

    snprintf(title, sizeof(title), "curve, round %zu of %zu, %s%s", round + 1, bench->n_round,
             cases[c].label, curve ? ", encrypted" : "");
    plan.kind = &link_zmq;
    plan.title = title;
    load_run(bench->load, &plan, served->daemon.pid,
             cases[c].talk == &talk_test ? served->author : NULL, &bench->run[c][curve][round]);
}

static double ratio(const struct bench *bench, size_t c, enum figure figure)
{
    return bench->median[c][1].value[figure] / bench->median[c][0].value[figure];
}

static void hold(const struct bench *bench)
{
    struct bars *bars = &bench->load->bars;

    bars_at_most(bars, "CURVE / plain, a ping's round trip, 1 client", "",
                 ratio(bench, 0, FIGURE_P50), 1.25);
    bars_at_most(bars, "CURVE / plain, a durable answer's, 1 client", "",
                 ratio(bench, 1, FIGURE_P50), 1.25);
    bars_at_least(bars, "CURVE / plain, pings a second, 64 clients", "",
                  ratio(bench, 2, FIGURE_RATE), 0.55);
    bars_at_least(bars, "CURVE / plain, durable answers a second, 64 clients", "",
                  ratio(bench, 3, FIGURE_RATE), 0.55);
}

static void tell(const struct bench *bench)
{
    json_t *rows = json_array();

    if (!bench->load->options.json) {
        puts("the columns \"/ echo\" compare with the line before, without encryption");
        figures_print_head("clients, what (libzmq)");
    }
    for (size_t c = 0; c < CASES; c++) {
        for (int curve = 0; curve < 2; curve++) {
            const struct figures *f = &bench->median[c][curve];
            char label[64];

            snprintf(label, sizeof(label), "%s%s", cases[c].label, curve ? ", CURVE" : "");
            if (!bench->load->options.json) figures_print(label, f, &bench->median[c][0]);
            json_array_append_new(rows, figures_json(label, f));
        }
    }
    json_object_set_new(bench->load->figures, "curve", rows);
}

static void run(struct load *load)
{
    static struct bench bench;

    bench = (struct bench){.load = load, .n_round = (size_t)load->options.n_round};
    if (bench.n_round > ROUNDS) bench.n_round = ROUNDS;
    served_start(load, "/tmp", false, &bench.plain);
    served_start(load, "/tmp", true, &bench.curve);
    for (size_t round = 0; round < bench.n_round; round++) {
        for (size_t c = 0; c < CASES; c++) {
            measure(&bench, c, false, round);
            measure(&bench, c, true, round);
        }
    }
    for (size_t c = 0; c < CASES; c++) {
        for (int curve = 0; curve < 2; curve++) {
            figures_median(bench.run[c][curve], bench.n_round, &bench.median[c][curve]);
        }
    }
    hold(&bench);
    tell(&bench);
    served_stop(&bench.curve);
    served_stop(&bench.plain);
}

const struct load_part load_curve = {"curve", "what encryption costs", run};
