/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An envelope in memory: | length 1 | frame | length 1 | frame | ...: our own copies are short,
 * because a longer frame than 255 bytes is refused. */
#include "server/frames.h"
#include "server/auth.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

enum {
    FRAME_BYTES = 255,                // of one frame of the envelope
    MAX_MESSAGE = 2 * LIMIT_MESSAGE,  // beyond it the peer is cut off; above half it is told
    RECEIVE_HIGH_WATER = 64,          // messages queued for us from one peer
    SEND_HIGH_WATER = 1024,           // replies queued for one peer that does not read
    HANDSHAKE_MS = 15000,             // ten thousand peers at once take as long; less ends them all
    KEEPALIVE_S = 30,                 // a peer that is gone without a word: asked after so long,
    KEEPALIVE_AGAIN_S = 10,
    KEEPALIVE_TIMES = 3,
    BACKLOG = 4096,
    SOCKET_MODE = 0660,
    LINGER_MS = 2000,
    FRAME_OVERHEAD = 42,  // bytes on the wire of a frame, by CURVE
    MADE_ID_BYTES = 5,    // of a routing id that libzmq makes; its first byte is 0
};

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

/* No ZMTP heartbeats from here: libzmq ends a timer by a search through those of all peers, so that
 * with ten thousand peers each heartbeat takes a millisecond. The kernel finds who is gone, and
 * clients send heartbeats of their own. */
static bool set_options(void *socket)
{
    int64_t max_message = MAX_MESSAGE;

    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_message, sizeof(max_message)) == 0 &&
           set_int(socket, ZMQ_RCVHWM, RECEIVE_HIGH_WATER) &&
           set_int(socket, ZMQ_SNDHWM, SEND_HIGH_WATER) &&
           set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_int(socket, ZMQ_BACKLOG, BACKLOG) && set_int(socket, ZMQ_ROUTER_MANDATORY, 1) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE, 1) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_S) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_AGAIN_S) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_TIMES) &&
           set_int(socket, ZMQ_LINGER, LINGER_MS);
}

/* A peer with a wrong server key never comes as far as the ZAP handler. */
static bool set_monitor(void *socket)
{
    return zmq_socket_monitor(socket, AUTH_MONITOR,
                              ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                  ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) == 0;
}

/* libzmq asks the ZAP handler about a domain that has a name, and only then. */
static bool set_curve(void *socket, const char *secret_key)
{
    return set_monitor(socket) && set_int(socket, ZMQ_CURVE_SERVER, 1) &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, AUTH_DOMAIN, strlen(AUTH_DOMAIN)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, strlen(secret_key)) == 0;
}

/* Whether somebody takes connections there. */
static bool is_served(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool served =
        fd >= 0 && slice_to_text(slice_str(path), address.sun_path, sizeof(address.sun_path)) &&
        (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN);

    if (fd >= 0) close(fd);
    return served;
}

/* libzmq removes whatever is at the path of an ipc endpoint: that may be a file that means much to
 * somebody, or the socket of another daemon, whose students would then talk to this one. */
static enum status look_at_path(const char *path, struct fault *fault)
{
    struct stat about;

    if (lstat(path, &about)) return OK;
    if (S_ISSOCK(about.st_mode) && !is_served(path)) return OK;
    fault_set(fault, NULL, "ipc.endpoint",
              S_ISSOCK(about.st_mode) ? "another process listens at %.100s"
                                      : "%.100s is there and is no socket",
              path);
    return IO_ERROR;
}

/* libzmq takes the number of the first peer from rand(), which it does not seed, and counts up. Its
 * assertion fails, and the process ends, where a peer has taken the next one for its routing id. So
 * where the numbers begin must be nobody's to know; and with keys nobody has one, see auth.c. */
enum status frames_bind(void *zmq_context, const struct endpoint_config *endpoint, int fd,
                        const char *secret_key, void **out_socket, struct fault *fault)
{
    static const char ipc[] = "ipc://";
    bool is_ipc = strncmp(endpoint->url, ipc, sizeof(ipc) - 1) == 0;
    const char *field = is_ipc ? "ipc.endpoint" : "tcp.endpoint";
    void *socket;
    mode_t mask;
    bool bound;

    if (is_ipc && fd < 0 && look_at_path(endpoint->url + sizeof(ipc) - 1, fault)) return IO_ERROR;
    srand(randombytes_random());
    socket = zmq_socket(zmq_context, ZMQ_ROUTER);
    if (!socket || !set_options(socket) || (secret_key && !set_curve(socket, secret_key)) ||
        (strchr(endpoint->url, '[') && !set_int(socket, ZMQ_IPV6, 1)) ||
        (fd >= 0 && !set_int(socket, ZMQ_USE_FD, fd))) {
        fault_set(fault, NULL, field, "cannot make a socket: %s", zmq_strerror(errno));
        if (socket) zmq_close(socket);
        return IO_ERROR;
    }
    mask = umask(~(mode_t)SOCKET_MODE & 0777);
    bound = zmq_bind(socket, endpoint->url) == 0;
    umask(mask);
    if (!bound) {
        fault_set(fault, NULL, field, "cannot bind %.80s: %s", endpoint->url, zmq_strerror(errno));
        zmq_close(socket);
        return IO_ERROR;
    }
    *out_socket = socket;
    return OK;
}

/* Keep a frame of the envelope. False where there are too many, or it is too long. */
static bool keep_frame(struct buf *envelope, const void *data, size_t n, int n_frame)
{
    uint8_t length = (uint8_t)n;

    if (n > FRAME_BYTES || n_frame > LIMIT_ENVELOPE) return false;
    buf_append(envelope, &length, 1);
    buf_append(envelope, data, n);
    return !envelope->failed;
}

/* Of the payload: libzmq 4.3.4 has nothing on the first frame once a poll has looked at it. */
static void keep_user(zmq_msg_t *payload, char user[FRAMES_USER])
{
    const char *text = zmq_msg_gets(payload, "User-Id");

    if (!slice_to_text(slice_str(text ? text : ""), user, FRAMES_USER)) user[0] = '\0';
}

static bool is_made_id(struct slice envelope)
{
    uint8_t n = envelope.n > 0 ? envelope.data[0] : 0;

    return (n == MADE_ID_BYTES || n == AUTH_ROUTING_ID) && envelope.n > n && envelope.data[1] == 0;
}

/* libzmq wants to hear the address as it calls it itself, which differs where all are meant. */
void frames_unbind(void *socket)
{
    char url[CONFIG_TEXT];
    size_t n = sizeof(url);

    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, url, &n) == 0) zmq_unbind(socket, url);
}

enum frames_got frames_receive(void *socket, struct buf *envelope, struct buf *body,
                               char user[FRAMES_USER], struct unfinished *unfinished)
{
    size_t mark = envelope->n, n_byte = 0;
    bool good = true, more = true;
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    for (int n_frame = 0; more; n_frame++) {
        int flags = n_frame == 0 ? ZMQ_DONTWAIT : 0;  // the rest of a message is there already

        if (zmq_msg_recv(&frame, socket, flags) < 0) {
            zmq_msg_close(&frame);
            envelope->n = mark;
            return FRAMES_NONE;
        }
        more = zmq_msg_more(&frame);
        n_byte += zmq_msg_size(&frame) + FRAME_OVERHEAD;
        if (more) {
            good =
                good && keep_frame(envelope, zmq_msg_data(&frame), zmq_msg_size(&frame), n_frame);
            continue;
        }
        if (user) keep_user(&frame, user);
        if (unfinished) unfinished_message(unfinished, zmq_msg_get(&frame, ZMQ_SRCFD), n_byte);
        buf_clear(body);
        buf_append(body, zmq_msg_data(&frame), zmq_msg_size(&frame));
        good = good && n_frame > 0 && !body->failed;
    }
    zmq_msg_close(&frame);
    if (good) {
        struct slice kept = slice_of(envelope->data + mark, envelope->n - mark);

        return is_made_id(kept) ? FRAMES_MESSAGE : FRAMES_NAMED;
    }
    envelope->n = mark;
    return FRAMES_BAD;
}

bool frames_send(void *socket, struct slice envelope, struct slice body)
{
    const uint8_t *at = envelope.data, *end = envelope.data + envelope.n;

    while (at < end) {
        size_t n = *at++;

        if (zmq_send(socket, at, n, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) return false;
        at += n;
    }
    return zmq_send(socket, body.data, body.n, ZMQ_DONTWAIT) >= 0;
}
