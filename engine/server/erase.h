/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions are erased: out of memory, journal and archive, with a tombstone in their place. A table
 * that keeps something of a session is to be cleared here too. LMDB keeps what it freed until it is
 * used again: backup and compaction leave it behind. */
#ifndef SERVER_ERASE_H
#define SERVER_ERASE_H

#include "server/server.h"
#include "store/erased.h"

struct erasure {
    struct server *server;
    int64_t now_ms;
    struct slice who, reason;  // for the tombstone
};

/* Erase one session; its removal is in the server's batch, which is to be committed before a
 * request looks for sessions. OK too where there is none. RETRY where its newest events are not
 * on disk yet. */
MUST_CHECK enum status erase_session(const struct erasure *erasure, struct slice tenant,
                                     struct slice session);

/* What is due of [store] retain_days: look at the next `n_most` sessions of the archive and erase
 * those whose last event is older. */
MUST_CHECK enum status erase_old(struct server *server, int64_t now_ms, size_t n_most);

#endif
