/* SPDX-License-Identifier: Apache-2.0 */
/* ZMQ_IMMEDIATE keeps a message from being queued for a peer that is not there: it is sent when a
 * connection stands, or not at all. A linger of 0 drops on close what was not sent, so that an
 * abandoned request never arrives after its successor. For the same reason a broken connection is
 * told and not mended here: the request was on it, and libzmq would say nothing and wait. */
#include "clients/c/transport.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* libzmq tells of a broken connection only by having none, until it has made a new one: whoever
 * waits must look more often than that takes. */
enum { LOOK_MS = 100, RECONNECT_MS = 250, RECONNECT_MAX_MS = 5000 };
_Static_assert(RECONNECT_MS > 2 * LOOK_MS, "a broken connection must be seen");

/* A peer that is gone without a word, as by a power cut, is found out by these. They also keep a
 * balancer from cutting a connection that is idle. */
enum { HEARTBEAT_MS = 10000, HEARTBEAT_TIMEOUT_MS = 30000 };

enum { CONNECT_MS = 1000, REPLY_BYTES = 16 << 20 };

int64_t transport_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_key(void *socket, int option, const char *key)
{
    return zmq_setsockopt(socket, option, key, strlen(key)) == 0;
}

static bool configure(void *socket, const struct keys *keys)
{
    int64_t reply_bytes = REPLY_BYTES;

    if (keys->server[0] && !(set_key(socket, ZMQ_CURVE_SERVERKEY, keys->server) &&
                             set_key(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key) &&
                             set_key(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key))) {
        return false;
    }
    return set_int(socket, ZMQ_LINGER, 0) && set_int(socket, ZMQ_IMMEDIATE, 1) &&
           set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE, 1) && set_int(socket, ZMQ_IPV6, 1) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &reply_bytes, sizeof(reply_bytes)) == 0;
}

static void drop(struct transport *transport)
{
    if (transport->socket) zmq_close(transport->socket);
    transport->socket = NULL;
}

const char *transport_endpoint(const struct transport *transport)
{
    return transport->endpoint[transport->at];
}

void transport_leave(struct transport *transport)
{
    drop(transport);
    transport->at = (transport->at + 1) % transport->n_endpoint;
}

static bool connect_anew(struct transport *transport)
{
    int error;

    transport->socket = zmq_socket(transport->context, ZMQ_DEALER);
    if (!transport->socket) return false;
    transport->connected_ms = transport_clock_ms();
    if (configure(transport->socket, &transport->keys) &&
        zmq_connect(transport->socket, transport_endpoint(transport)) == 0)
        return true;

    error = errno;
    drop(transport);
    errno = error;
    return false;
}

static bool split(struct transport *transport, const char *endpoints)
{
    char *rest;

    transport->text = rest = strdup(endpoints);
    while (rest && transport->n_endpoint < TRANSPORT_ENDPOINTS) {
        transport->endpoint[transport->n_endpoint++] = strsep(&rest, ",");
    }
    if (rest) errno = EINVAL;
    return transport->text && !rest;
}

/* All are tried at once, so that a malformed one is told now and not when it is needed. */
bool transport_open(struct transport *transport, const char *endpoints, uint64_t first)
{
    size_t n;

    transport->context = zmq_ctx_new();
    if (!transport->context || !split(transport, endpoints)) return false;
    n = transport->n_endpoint;
    transport->at = (size_t)(first % n);
    for (size_t i = 0; i < n; i++) {
        transport_leave(transport);
        if (!connect_anew(transport)) return false;
    }
    return true;
}

void transport_close(struct transport *transport)
{
    drop(transport);
    if (transport->context) zmq_ctx_term(transport->context);
    free(transport->text);
    explicit_bzero(&transport->keys, sizeof(transport->keys));
    *transport = (struct transport){0};
}

/* How long the next call may wait. (A poll before each would double what a round trip asks of the
 * kernel.) */
static bool set_timeout(struct transport *transport, int option, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - transport_clock_ms();
    int value = left_ms < 0 ? 0 : (left_ms < INT_MAX ? (int)left_ms : INT_MAX);

    return set_int(transport->socket, option, value);
}

/* After a call that failed: WIRE_OK where it may be made again. A signal is no reason to give
 * up. */
static enum wire failed_by(int64_t deadline_ms)
{
    if (errno == EINTR) return WIRE_OK;
    if (errno != EAGAIN) return WIRE_FAILED;
    return transport_clock_ms() < deadline_ms ? WIRE_OK : WIRE_TIMEOUT;
}

enum wire transport_send(struct transport *transport, struct slice bytes, int64_t deadline_ms)
{
    enum wire wire = WIRE_OK;

    if (!transport->socket && !connect_anew(transport)) return WIRE_FAILED;
    if (transport->n_endpoint > 1 && deadline_ms > transport_clock_ms() + CONNECT_MS)
        deadline_ms = transport_clock_ms() + CONNECT_MS;
    while (wire == WIRE_OK) {
        if (!set_timeout(transport, ZMQ_SNDTIMEO, deadline_ms)) return WIRE_FAILED;
        if (zmq_send(transport->socket, bytes.data, bytes.n, 0) >= 0) return WIRE_OK;
        wire = failed_by(deadline_ms);
    }
    return wire;
}

/* With ZMQ_IMMEDIATE a socket can be written to while it has a connection, and only then. */
static bool is_connected(struct transport *transport)
{
    int events = 0;
    size_t n = sizeof(events);

    return zmq_getsockopt(transport->socket, ZMQ_EVENTS, &events, &n) == 0 &&
           (events & (ZMQ_POLLOUT | ZMQ_POLLIN)) != 0;
}

enum wire transport_receive(struct transport *transport, int64_t deadline_ms, zmq_msg_t *out)
{
    enum wire wire = WIRE_OK;

    while (wire == WIRE_OK) {
        int64_t look_ms = transport_clock_ms() + LOOK_MS;

        if (!set_timeout(transport, ZMQ_RCVTIMEO, look_ms < deadline_ms ? look_ms : deadline_ms))
            return WIRE_FAILED;
        if (zmq_msg_recv(out, transport->socket, 0) >= 0) {
            if (!zmq_msg_more(out)) return WIRE_OK;
            continue;
        }
        wire = failed_by(deadline_ms);
        if (wire == WIRE_OK && !is_connected(transport)) wire = WIRE_LOST;
    }
    return wire;
}
