/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server without sockets, on a store of its own with one bank and one test: what the daemon's
 * parts are measured on. Everything here ends the program on an error. */
#ifndef BENCH_MICRO_STOCK_H
#define BENCH_MICRO_STOCK_H

#include "server/server.h"

enum { STOCK_ITEMS = 1000, STOCK_ANSWERS = 30 };

_Noreturn void stock_fail(const char *what, const struct fault *fault);

/* A configuration with its store in `folder`, in a new one of /tmp where that is NULL. */
void stock_config(struct config *config, const char *folder);
/* Remove the store and its folder. */
void stock_remove(const struct config *config);

/* The bank "b" of n 2PL items q0, q1, ... and the test "t" on it: EAP on 61 nodes, MFI with
 * randomesque 5, STOCK_ANSWERS items. */
void stock_fill(const struct config *config, uint32_t n_item);

void stock_open(const struct config *config, struct server *server);
/* Start session s-`number`; its record is in the batch. */
struct live *stock_start(struct server *server, uint64_t number);
void stock_commit(struct server *server);

/* Take n sessions to their end. */
void stock_take(const struct config *config, uint64_t n_session);
/* Leave n sessions at their question `n_answer` + 1: all begin, then each answers in turn. */
void stock_leave(const struct config *config, uint64_t n_session, unsigned n_answer);
/* Archive all sessions in memory and trim the journal, as the daemon does after a while. */
void stock_tidy(struct server *server);

#endif
