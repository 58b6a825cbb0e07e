/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's own loop, one cycle at a time, in a world that is made up: one thread, machine.h for
 * a machine, one socket pair in the process for the network. */
#ifndef FATE_WORLD_H
#define FATE_WORLD_H

#include "server/cycle.h"

/* How a process ends. */
enum world_end { WORLD_KILLED, WORLD_POWER_CUT };

struct world {
    struct loop loop;
    struct server server;
    struct config config;
    void *zmq, *network;
    char path[512];  // of the data file
    char mark[512];
    struct buf base;  // a store with a bank and tests
    struct buf disk;
    int64_t forward_us, wall_us;
    uint64_t memory_fails_at;
};

/* Make the network and a store with a bank and the tests t0, t1, ..: of WORLD_QUESTIONS answers
 * each, with a limit of time that nobody comes near. */
enum { WORLD_QUESTIONS = 8, WORLD_TESTS = 4 };
void world_open(struct world *world, const char *folder);
void world_close(struct world *world);

/* What no reply may hold. */
extern const char world_secret[];

/* Begin with the store as it was made, and a process that serves. */
void world_begin(struct world *world);

/* The process ends in this way, and another one starts. False where it refuses to. */
MUST_CHECK bool world_restart(struct world *world, enum world_end end, uint64_t seed);

/* Stop the process for good. */
void world_end(struct world *world);

/* Time goes on, and the wall clock may jump on top of that. */
void world_pass(struct world *world, int64_t us, int64_t jump_us);

/* Bring a message to the daemon. */
void world_send(struct world *world, struct slice body);

/* The n-th allocation of the loop's next round fails. */
void world_fail_memory(struct world *world, uint64_t n);

/* Let the loop go round once. False where the daemon ended by itself. */
MUST_CHECK bool world_cycle(struct world *world);

/* The next reply. False where there is none. */
bool world_receive(struct world *world, struct buf *out);

#endif
