/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/link.h"

#include <errno.h>
#include <stdio.h>
#include <zmq.h>

static bool set_key(void *socket, int option, const char *key)
{
    return zmq_setsockopt(socket, option, key, 41) == 0;
}

static bool set_keys(void *socket, const struct link_target *target)
{
    return !target->server_key || (set_key(socket, ZMQ_CURVE_SERVERKEY, target->server_key) &&
                                   set_key(socket, ZMQ_CURVE_PUBLICKEY, target->public_key) &&
                                   set_key(socket, ZMQ_CURVE_SECRETKEY, target->secret_key));
}

static bool zmq_link_open(struct link *link, const struct link_target *target)
{
    char url[32];
    size_t n = sizeof(link->fd);
    int no_linger = 0;

    snprintf(url, sizeof(url), "tcp://127.0.0.1:%u", target->port);
    *link =
        (struct link){.kind = &link_zmq, .fd = -1, .socket = zmq_socket(target->zmq, ZMQ_DEALER)};
    return link->socket && set_keys(link->socket, target) &&
           zmq_setsockopt(link->socket, ZMQ_LINGER, &no_linger, sizeof(no_linger)) == 0 &&
           zmq_connect(link->socket, url) == 0 &&
           zmq_getsockopt(link->socket, ZMQ_FD, &link->fd, &n) == 0;
}

static bool zmq_link_send(struct link *link, struct slice body)
{
    return zmq_send(link->socket, body.data, body.n, ZMQ_DONTWAIT) == (int)body.n;
}

static bool zmq_link_receive(struct link *link, struct link_listener listener)
{
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, link->socket, ZMQ_DONTWAIT) >= 0) {
        listener.hear(listener.context, slice_of(zmq_msg_data(&frame), zmq_msg_size(&frame)));
    }
    zmq_msg_close(&frame);
    return zmq_errno() == EAGAIN || zmq_errno() == EINTR;
}

static void zmq_link_close(struct link *link)
{
    if (link->socket) zmq_close(link->socket);
}

const struct link_kind link_zmq = {
    .name = "libzmq",
    .open = zmq_link_open,
    .send = zmq_link_send,
    .receive = zmq_link_receive,
    .close = zmq_link_close,
    .hides_readiness = true,
};
