/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the server share: its state on a store of its own, asked without sockets. */
#ifndef SERVER_TEST_H
#define SERVER_TEST_H

#include "server/request.h"
#include "server/server.h"
#include "server/verify.h"
#include "tests/support/expect.h"
#include "tests/support/scratch.h"
#include "tests/support/wire_json.h"

#include <criterion/criterion.h>

struct desk {
    struct scratch scratch;
    struct config config;
    struct server server;
    struct decoder decoder;
    struct tools tools;
    struct buf body, reply;
    int64_t now_ms, now_us;
    size_t n_asked;  // of a helper
};

/* A server on an empty store that lets `max_sessions` live, each for an hour. */
void desk_open(struct desk *desk, int64_t max_sessions);
void desk_close(struct desk *desk);
/* Start again from the disk. */
void desk_reopen(struct desk *desk);
/* The same where it may not work; on an error the desk is only good for closing. */
enum status desk_restart(struct desk *desk, struct fault *fault);
/* Close the server and flip a bit of a record in the file, past LMDB, at_share tenths of the way
 * through its value. */
void desk_flip(struct desk *desk, enum table table, struct slice key, size_t at_share);
/* The same of byte `at` of any bytes, wherever they stand in the file. Pre: the server is shut. */
void desk_flip_bytes(const struct desk *desk, struct slice bytes, size_t at);
/* Write the server's batch. */
void desk_commit(struct desk *desk);

/* Handle one request of a peer with these roles, and what a helper would do of it, and commit.
 * Returns the reply, which lives until the next. */
struct slice desk_handle(struct desk *desk, unsigned roles, struct slice body);
/* The same for a JSON request, which lacks v and id: `fields` are "'op': ..., ...". */
struct slice desk_ask(struct desk *desk, unsigned roles, const char *fields, ...) PRINTF(3, 4);
/* Ask with every role. Expect it to work; or to be refused with this code. */
void desk_do(struct desk *desk, const char *fields, ...) PRINTF(2, 3);
void desk_fail(struct desk *desk, const char *code, const char *fields, ...) PRINTF(3, 4);

/* The error code of a reply, "" of a good one; static memory. */
const char *reply_code(struct slice reply);

/* Publish a bank with n items q1, q2, ... of two options, x being right, and the tag strand a, b,
 * a, b, ... */
void desk_bank(struct desk *desk, const char *name, int n);
/* Publish a bank with n items w1, w2, ... of three categories that a person scores, and put a test
 * of the same name on it. */
void desk_essays(struct desk *desk, const char *name, int n);
/* Put a test on the bank "b": `fields` are what its document says beyond the names. */
void desk_test(struct desk *desk, const char *name, const char *fields);

struct live *desk_live(struct desk *desk, const char *session);
struct session_view desk_view(struct desk *desk, const char *session);

/* Move a session by one letter, a moment later: s start (of test `name`), 1 and 0 a right and a
 * wrong answer, - none, R and W the last answer revised to right and wrong, z suspend, r resume, f
 * finish, v void. Everything must work. */
void desk_step(struct desk *desk, const char *session, const char *name, char letter);
void desk_steps(struct desk *desk, const char *session, const char *name, const char *letters);

#endif
