/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/wait.h"
#include "server/clock.h"

#include <assert.h>
#include <errno.h>
#include <zmq.h>

/* Under load there is always one awake; signals and the helper are looked for as often as that. */
enum { ASK_US = 5000 };

int wait_add(struct wait *wait, void *socket, int fd)
{
    size_t n = sizeof(fd);

    assert(wait->n < WAIT_SOURCES);
    if (socket && zmq_getsockopt(socket, ZMQ_FD, &fd, &n) != 0) return -1;
    wait->fd[wait->n] = (struct pollfd){.fd = fd, .events = POLLIN};
    wait->awake[wait->n] = true;
    return (int)wait->n++;
}

bool wait_next(struct wait *wait, int timeout_ms)
{
    bool any = false;

    for (size_t i = 0; i < wait->n; i++) any = any || wait->awake[i];
    if (any && clock_us() - wait->asked_us < ASK_US) return true;
    if (poll(wait->fd, wait->n, any ? 0 : timeout_ms) < 0 && errno != EINTR) return false;
    wait->asked_us = clock_us();
    for (size_t i = 0; i < wait->n; i++) {
        if (wait->fd[i].revents != 0) wait->awake[i] = true;
    }
    return true;
}
