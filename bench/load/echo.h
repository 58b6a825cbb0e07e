/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Echo: a ROUTER that sends every frame back as it came, in a process of its own. Those that write
 * first are what a daemon could be at best whose own work cost nothing, each by a way of writing
 * that it could have; the kinds are rows. */
#ifndef BENCH_LOAD_ECHO_H
#define BENCH_LOAD_ECHO_H

#include "bench/load/limits.h"
#include "bench/load/processes.h"

struct echo_kind {
    const char *name;
    bool writes;
    /* Until the process is ended. `limits`: of one that writes, else NULL. */
    void (*run)(void *router, struct limits *limits);
};

/* Each message by itself, nothing written. */
extern const struct echo_kind echo_bare;
/* All that is there, then one LMDB commit of a record for each, then the replies: the daemon's way.
 */
extern const struct echo_kind echo_commit;
/* The same with the commit in another thread, while the loop takes what comes. */
extern const struct echo_kind echo_committer;
/* As echo_commit, by one overwrite and fdatasync of a file that was written before. */
extern const struct echo_kind echo_log;

struct echo {
    char url[PATH_BYTES];
    uint16_t port;
    pid_t pid;
};

/* It takes connections when this returns. `folder`, for one that writes: where a new folder for it
 * is made. Ends the program with a message where it cannot. */
void echo_start(struct echo *echo, const struct echo_kind *kind, const char *folder);
void echo_stop(struct echo *echo);

#endif
