/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes a measurement needs, on scratch files and loopback. They end with us, however we
 * end. All here end the program with a message where they cannot. */
#ifndef BENCH_LOAD_PROCESSES_H
#define BENCH_LOAD_PROCESSES_H

#include "bench/load/link.h"

#include <sys/types.h>

enum { PATH_BYTES = 256 };

struct daemon_options {
    const char *thetad;  // the program
    const char *parent;  // of its folder, which is removed at the end: /tmp, or a tmpfs
    bool curve;          // TCP takes known keys only, and is encrypted
    const char *data;    // a store that is there, and stays; NULL: a new one
};

struct daemon {
    char folder[PATH_BYTES / 2];
    char author_url[PATH_BYTES], student_url[PATH_BYTES];
    char server_key[41], public_key[41], secret_key[41];  // where there is encryption
    uint16_t port;
    pid_t pid;
    bool curve;
};

/* It takes connections when this returns. */
void daemon_start(struct daemon *daemon, const struct daemon_options *options);
void daemon_stop(struct daemon *daemon);
/* At once, as by a power cut. */
void daemon_kill(struct daemon *daemon);

/* Where its students connect. `zmq` is for links of libzmq. */
struct link_target daemon_target(const struct daemon *daemon, void *zmq);

/* A child that ends with us: as fork(). */
pid_t process_start(void);
void process_end(pid_t pid);

/* A loopback port that is free now, and until somebody takes connections there. */
uint16_t process_port(void);
void process_wait(const char *what, pid_t pid, uint16_t port);

void make_folder(const char *path);

#endif
