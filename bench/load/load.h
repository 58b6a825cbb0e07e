/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The load generator: its options, what it has found, and its parts, which are rows. */
#ifndef BENCH_LOAD_LOAD_H
#define BENCH_LOAD_LOAD_H

#include "bench/common/bars.h"
#include "bench/common/options.h"
#include "bench/load/author.h"
#include "bench/load/figures.h"
#include "bench/load/processes.h"

enum { LOAD_ITEMS = 1000 };

struct load {
    struct options options;
    const char *thetad;
    double measured_s;  // of one run; 0: as each part has it
    long n_client;      // of the parts `throughput`, `ways`, `calls`; 0: from 1 to 1,000
    long n_student;     // of the part `students`; 0: as it has it
    double think_s, spread_s;
    long n_idle, n_session, n_item;  // of the parts `idle` and `memory`; 0: as they have it

    void *zmq;  // of links of libzmq
    json_t *figures;
    struct bars bars;
    unsigned n_void;  // runs during which others used most of the machine
};

struct load_part {
    const char *name, *about;
    void (*run)(struct load *load);
};

extern const struct load_part load_throughput, load_latency, load_ways, load_calls, load_students,
    load_curve, load_idle, load_memory;

/* A daemon with the bank and the test in place, and a client that may do everything. */
struct served {
    struct daemon daemon;
    struct thetad *author;
};

void served_start(const struct load *load, const char *parent, bool curve, struct served *out);
void served_stop(struct served *served);

/* Run `plan` against the process `pid`, and once again where others used most of
 * the machine meanwhile. `author` tells how many answers went into a commit; NULL: nothing is
 * written. */
void load_run(struct load *load, struct drive_plan *plan, pid_t pid, struct thetad *author,
              struct figures *out);

/* The same, with all that came of it in `out_result`. */
void load_run_whole(struct load *load, struct drive_plan *plan, pid_t pid, struct thetad *author,
                    struct drive_result *out_result, struct figures *out);

/* A closed loop of `n` students over plain sockets. */
struct drive_plan load_closed(struct link_target target, const struct talk_kind *talk, size_t n,
                              double measured_s);

/* One number of clients: a line of the table for each of the kinds `label` [n], whose figures are
 * `f` [n] and are held against the first one's, and a row of JSON for `rows`. */
void load_tell(const struct load *load, size_t n_client, const char *const *label,
               const struct figures *f, size_t n, json_t *rows);

/* `usual`, or `quick` where that was asked for, or what the option says. */
double load_choose(const struct load *load, double option, double usual, double quick);

#endif
