/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's state: all that the loop owns. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "server/config.h"
#include "server/registry.h"
#include "server/sessions.h"
#include "server/stats.h"
#include "server/uploads.h"
#include "store/audit.h"
#include "store/journal.h"

struct server {
    struct config config;
    struct env *env;
    struct journal journal;
    struct audit audit;
    struct buf extra;    // what a request adds to its ask of a helper
    struct batch batch;  // what this cycle writes
    struct registry *registry;
    struct exposure *exposure;
    struct sessions *sessions;
    struct district *district;  // NULL: the events are in `env`
    struct group *waits_for;    // the group of the request that was served last
    struct held held;           // what that one has done, where it is held
    struct uploads *uploads;
    struct buf retain_from;  // where the search for old sessions goes on
    struct stats stats;
    struct journal_head mark;  // as its file has it, {0}: none
    int64_t started_us;
    bool draining;        // going down
    bool asked_to_drain;  // by admin.drain
    bool has_erased;      // sessions, in the batch: commit before anything is looked up
    bool disk_is_low;     // below the configured reserve
    bool is_removed;      // the store's file: what is written is gone at the end
    bool mark_failed;     // to be written
};

/* Open the store and rebuild everything in memory. `fault` says what is wrong. */
MUST_CHECK enum status server_open(struct server *server, const struct config *config,
                                   struct fault *fault);
void server_close(struct server *server);

/* Whether it begins no sessions, and clients had better go to another node. */
static inline bool server_drains(const struct server *server)
{
    return server->draining || server->asked_to_drain;
}

#endif
