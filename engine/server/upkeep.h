/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the store and the sessions in memory need from time to time. It goes into the server's
 * batch. */
#ifndef SERVER_UPKEEP_H
#define SERVER_UPKEEP_H

#include "server/server.h"

/* In every cycle: archive some of the sessions that have ended or sat idle, more where the cycle is
 * `idle`. */
void upkeep_cycle(struct server *server, bool idle);

/* Every half second, `n_tick` times before. */
void upkeep_tick(struct server *server, int64_t now_us, int64_t now_ms, uint64_t n_tick);

/* Behind a commit, with nothing in the batch: the mark, where it is `due` or far behind. */
void upkeep_committed(struct server *server, bool due);

#endif
