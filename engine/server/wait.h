/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the loop waits for. zmq_poll asks the kernel about each socket twice on every call, which
 * was half of what a request cost. So each source is awake or asleep: it wakes when its descriptor
 * says so, and falls asleep when it was found empty. The kernel is asked when all are asleep, and
 * now and then. */
#ifndef SERVER_WAIT_H
#define SERVER_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WAIT_SOURCES = 12 };

struct wait {
    struct pollfd fd[WAIT_SOURCES];
    bool awake[WAIT_SOURCES];
    size_t n;
    int64_t asked_us;
};

/* Add a ZeroMQ socket, or a descriptor where `socket` is NULL; it is awake. Its number, or -1 where
 * libzmq does not give one. */
int wait_add(struct wait *wait, void *socket, int fd);

/* A socket's descriptor only tells of changes, and sending to it may take note of one. So after a
 * send it must be found empty again before it can sleep. */
static inline void wait_wake(struct wait *wait, int source)
{
    wait->awake[source] = true;
}

static inline void wait_sleep(struct wait *wait, int source)
{
    wait->awake[source] = false;
}

static inline bool wait_is_awake(const struct wait *wait, int source)
{
    return wait->awake[source];
}

/* Until a source is awake, or for `timeout_ms`. False, with errno set, where the kernel refuses. */
bool wait_next(struct wait *wait, int timeout_ms);

#endif
