/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server behind its counter: a store in memory with a bank, tests and sessions in it, asked
 * without sockets, and put back to how it was. */
#ifndef FUZZ_COUNTER_H
#define FUZZ_COUNTER_H

#include "server/request.h"
#include "server/server.h"
#include "tests/fuzz/fuzz.h"

struct counter {
    struct config config;
    struct server server;
    struct decoder decoder;
    struct tools tools;
    struct buf reply;
    struct buf store;  // the data file to go back to
    unsigned roles;    // of who asks
};

/* One for the process. Its bank is fuzz_bank's "b"; of its sessions s1 is asked its third question,
 * s2 has finished, s3 is suspended, s4 is voided. */
struct counter *counter_open(void);

/* Start a session and answer its first n questions. */
void counter_session(struct counter *counter, const char *session, const char *test, size_t n);

/* Handle one message and commit. The reply lives until the next. */
struct slice counter_handle(struct counter *counter, struct slice body);

/* Back to how it was at first. */
void counter_reset(struct counter *counter);

#endif
