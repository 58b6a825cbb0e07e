/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests that have arrived and wait: what a cycle could not take. While it is empty, as it is but
 * under overload, requests are served from the socket. */
#ifndef SERVER_INBOX_H
#define SERVER_INBOX_H

#include "server/frames.h"

/* One message as it arrived. */
struct message {
    int socket;
    enum frames_got got;
    char user[FRAMES_USER];
    int64_t arrived_us;
    struct slice envelope, body;
};

struct waiting;

/* Starts from {0}. */
struct inbox {
    struct waiting *first;  // in the order they came
    size_t n, bytes;
    int64_t empty_us;          // when it was seen empty last
    double served, served_us;  // by the last cycles, the commits and all; older ones count less
    int64_t away_ms;  // how long who is refused is to stay away, but for INBOX_RETRY_LEAST_MS
    bool is_behind;
};

enum { INBOX_RETRY_LEAST_MS = 100, INBOX_RETRY_MOST_MS = 8000 };

void inbox_done(struct inbox *inbox);

/* Keep a copy. False without memory. */
MUST_CHECK bool inbox_put(struct inbox *inbox, const struct message *message);

/* The one that has waited longest, valid until it is dropped. Pre: inbox->n > 0. */
const struct message *inbox_first(const struct inbox *inbox);
void inbox_drop(struct inbox *inbox);

/* A cycle that could not take all has served `n` requests, at least one, in `us`: what the wait is
 * reckoned by. Other cycles tell less of a request than of what every cycle costs. */
void inbox_served(struct inbox *inbox, size_t n, int64_t us);

/* How long one more would have to wait, to go by the last cycles. */
int64_t inbox_wait_ms(const struct inbox *inbox);

/* Arrivals are left in their sockets, where nobody can tell them anything: more come back than can
 * be served or refused. */
void inbox_fell_behind(struct inbox *inbox);

/* Twice a second: who is refused stays away for twice as long while that goes on, up to
 * INBOX_RETRY_MOST_MS, and half as long when it does not. */
void inbox_tick(struct inbox *inbox);

/* When to come back, for one who is refused. */
int64_t inbox_retry_ms(const struct inbox *inbox);

#endif
