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
};

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

#endif
