/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One cycle of the loop, and what the loop knows between two of them. */
#ifndef SERVER_CYCLE_H
#define SERVER_CYCLE_H

#include "server/access.h"
#include "server/helper.h"
#include "server/inbox.h"
#include "server/metrics.h"
#include "server/refusals.h"
#include "server/server.h"
#include "server/steady.h"
#include "server/wait.h"

enum {
    CYCLE_MESSAGES = 1024,
    SLOTS_MOST = 4 * CYCLE_MESSAGES,  // with those that are told at once that they cannot wait
    PENDING_MOST = 1024,              // requests waiting for a helper
    TICK_MS = 500,
};

/* Helpers: for work of a moment, and for what may take long. */
enum { HELPER_QUICK, HELPER_SLOW, N_HELPER };
extern const char *const helper_names[N_HELPER];

/* One reply to send when the cycle's writes are on disk. */
struct slot {
    int socket;
    size_t envelope_at, envelope_n, reply_at, reply_n;
    int64_t arrived_us;
};

/* A request that a helper works on. */
struct pending {
    struct job job;
    int socket;
    char user[FRAMES_USER];
    int64_t arrived_us;
    bool sent;
    struct buf envelope, body;
    struct pending *prev, *next;
};

struct loop {
    struct server *server;
    const char *config_path;
    bool has_reloaded, reload_again;  // while key files are read: what is to be told, and done then
    void *zmq;
    void *router[CONFIG_ENDPOINTS];
    struct access *access;          // of TCP; NULL where it has no keys
    struct unfinished *unfinished;  // of TCP; NULL where that is off
    struct helper *helper[N_HELPER];
    struct metrics *metrics;  // NULL where they are off
    struct sweep *sweep;      // NULL: there is nothing to sweep
    int signal_fd;
    struct wait wait;
    int router_source[CONFIG_ENDPOINTS], helper_source[N_HELPER], line_source[N_LINE];
    int signal_source;
    struct decoder decoder;
    struct steady steady;
    struct buf envelope, body, reply, helped;
    struct inbox inbox;
    struct refusals refusals;                     // of those that were to wait too long
    struct slot slot[SLOTS_MOST + PENDING_MOST];  // a cycle may have to wait for all helped
    size_t n_slot;
    size_t n_served, n_refused;  // in this cycle; refused: on arrival, for want of room
    struct pending *pending;
    size_t n_pending;
    uint64_t next_ticket;
    int64_t watchdog_ms, tick_us, watchdog_us, quiet_us, drain_us, look_us;
    uint64_t n_tick;
    int exit_code;
    bool done;
};

/* Drain what has arrived (bounded), step each request, commit once for all of them, send all
 * replies. Sets loop->done and the exit code where the commit fails. */
void cycle(struct loop *loop);

/* Commit what the batch holds, as a cycle does. */
void cycle_commit(struct loop *loop);

/* Whether the peers of a socket are known by their keys. */
bool loop_has_keys(const struct loop *loop, int socket);

/* Who asks by that socket, `user` being what its handler said. */
struct peer cycle_peer(struct loop *loop, int socket, const char *user);
/* Do what a message asks for; its envelope is the last in loop->envelope. False where it is parked.
 */
bool cycle_serve(struct loop *loop, const struct message *message, struct peer *peer);
/* Whether the cycle has had enough, by messages, replies, bytes or time. */
bool cycle_is_full(const struct loop *loop, size_t n_message, int64_t from_us);

/* Forget the requests that helpers have. */
void cycle_drop_pending(struct loop *loop);

#endif
