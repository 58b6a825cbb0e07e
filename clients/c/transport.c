/* SPDX-License-Identifier: Apache-2.0 */
/* ZMQ_IMMEDIATE keeps a message from being queued for a peer that is not there: it is sent when a
 * connection stands, or not at all. A linger of 0 drops on close what was not sent, so that an
 * abandoned request never arrives after its successor. */
#include "clients/c/transport.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECONNECT_MS = 100, REPLY_BYTES = 16 << 20 };

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
           set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) && set_int(socket, ZMQ_IPV6, 1) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &reply_bytes, sizeof(reply_bytes)) == 0;
}

void transport_drop(struct transport *transport)
{
    if (transport->socket) zmq_close(transport->socket);
    transport->socket = NULL;
}

static bool connect_anew(struct transport *transport)
{
    int error;

    transport->socket = zmq_socket(transport->context, ZMQ_DEALER);
    if (!transport->socket) return false;
    if (configure(transport->socket, &transport->keys) &&
        zmq_connect(transport->socket, transport->endpoint) == 0)
        return true;

    error = errno;
    transport_drop(transport);
    errno = error;
    return false;
}

bool transport_open(struct transport *transport, const char *endpoint)
{
    transport->endpoint = strdup(endpoint);
    transport->context = zmq_ctx_new();
    return transport->endpoint && transport->context && connect_anew(transport);
}

void transport_close(struct transport *transport)
{
    transport_drop(transport);
    if (transport->context) zmq_ctx_term(transport->context);
    free(transport->endpoint);
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
    while (wire == WIRE_OK) {
        if (!set_timeout(transport, ZMQ_SNDTIMEO, deadline_ms)) return WIRE_FAILED;
        if (zmq_send(transport->socket, bytes.data, bytes.n, 0) >= 0) return WIRE_OK;
        wire = failed_by(deadline_ms);
    }
    return wire;
}

enum wire transport_receive(struct transport *transport, int64_t deadline_ms, zmq_msg_t *out)
{
    enum wire wire = WIRE_OK;

    while (wire == WIRE_OK) {
        if (!set_timeout(transport, ZMQ_RCVTIMEO, deadline_ms)) return WIRE_FAILED;
        if (zmq_msg_recv(out, transport->socket, 0) < 0)
            wire = failed_by(deadline_ms);
        else if (!zmq_msg_more(out))
            return WIRE_OK;
    }
    return wire;
}
