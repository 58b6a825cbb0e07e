/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A DEALER of ZMTP 3.0 with the NULL mechanism (rfc.zeromq.org/spec/23). Greeting and READY go out
 * at once, but libzmq takes a message for a part of the handshake until it has sent its own READY.
 *
 *     greeting  FF 00 x 8 7F | 3 0 | "NULL" in 20 | as-server 0 | 00 x 31
 *     frame     flags | length 1, or with LONG 8 | body
 */
#include "bench/load/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    GREETING_BYTES = 64,
    CHUNK_BYTES = 65536,
    MORE = 1,
    LONG = 2,
    COMMAND = 4,
    SHORT_MOST = 255
};

static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                            "DEALER";

static bool send_all(struct link *link, const void *data, size_t n)
{
    return send(link->fd, data, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool read_all(const struct link *link, void *out, size_t n)
{
    return recv(link->fd, out, n, MSG_WAITALL) == (ssize_t)n;
}

/* Blocks, for five seconds at most. */
static bool greet(struct link *link)
{
    const struct timeval patience = {.tv_sec = 5};
    uint8_t hello[GREETING_BYTES + sizeof(ready) - 1] = {[0] = 0xff, [9] = 0x7f, [10] = 3};
    uint8_t theirs[GREETING_BYTES + 2], command[SHORT_MOST];

    memcpy(hello + 12, "NULL", 4);
    memcpy(hello + GREETING_BYTES, ready, sizeof(ready) - 1);
    setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return send_all(link, hello, sizeof(hello)) && read_all(link, theirs, sizeof(theirs)) &&
           theirs[GREETING_BYTES] == COMMAND &&
           read_all(link, command, theirs[GREETING_BYTES + 1]) &&
           memcmp(command, "\5READY", 6) == 0;
}

static bool raw_open(struct link *link, const struct link_target *target)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(target->port)};
    int on = 1;

    *link = (struct link){.kind = &link_raw, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (link->fd < 0) return false;
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return connect(link->fd, (struct sockaddr *)&address, sizeof(address)) == 0 && greet(link) &&
           fcntl(link->fd, F_SETFL, O_NONBLOCK) == 0;
}

static bool raw_send(struct link *link, struct slice body)
{
    uint8_t frame[2 + SHORT_MOST];

    if (body.n > SHORT_MOST) return false;  // nothing here says as much
    frame[0] = 0;
    frame[1] = (uint8_t)body.n;
    memcpy(frame + 2, body.data, body.n);
    return send_all(link, frame, 2 + body.n);
}

/* The peer asks whether we are there: | 4 PING | ttl 2 | context |. */
static bool answer_ping(struct link *link, struct slice command)
{
    static const size_t before = 7;
    uint8_t pong[2 + SHORT_MOST] = {COMMAND};

    if (command.n < before || command.n > SHORT_MOST || memcmp(command.data, "\4PING", 5) != 0) {
        return true;
    }
    pong[1] = (uint8_t)(command.n - 2);
    memcpy(pong + 2, "\4PONG", 5);
    memcpy(pong + 7, command.data + before, command.n - before);
    return send_all(link, pong, command.n);
}

/* The bytes of the frame at the head of `in` with its header; 0 where it is not whole yet. */
static size_t take_frame(struct slice in, unsigned *out_flags, struct slice *out_body)
{
    uint64_t n = 0;
    size_t head;

    if (in.n < 2) return 0;
    *out_flags = in.data[0];
    head = *out_flags & LONG ? 9 : 2;
    if (in.n < head) return 0;
    for (size_t i = 1; i < head; i++) n = n << 8 | in.data[i];
    if (in.n - head < n) return 0;
    *out_body = slice_of(in.data + head, (size_t)n);
    return head + (size_t)n;
}

/* Every whole frame of `in`; *out_taken are its bytes. */
static bool take_frames(struct link *link, struct slice in, struct link_listener listener,
                        size_t *out_taken)
{
    size_t at = 0, n;
    struct slice body;
    unsigned flags;

    while ((n = take_frame(slice_of(in.data + at, in.n - at), &flags, &body)) > 0) {
        at += n;
        if (flags & COMMAND) {
            if (!answer_ping(link, body)) return false;
        } else if (!(flags & MORE)) {
            listener.hear(listener.context, body);
        }
    }
    *out_taken = at;
    return true;
}

static bool raw_receive(struct link *link, struct link_listener listener)
{
    uint8_t chunk[CHUNK_BYTES];
    ssize_t n = recv(link->fd, chunk, sizeof(chunk), 0);
    struct slice in = slice_of(chunk, n > 0 ? (size_t)n : 0);
    size_t taken;

    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    if (link->in.n > 0) {
        buf_append(&link->in, chunk, in.n);
        in = buf_slice(&link->in);
    }
    if (link->in.failed || !take_frames(link, in, listener, &taken)) return false;
    if (in.data == chunk) {
        if (taken < in.n) buf_append(&link->in, chunk + taken, in.n - taken);
    } else {
        memmove(link->in.data, link->in.data + taken, in.n - taken);
        link->in.n -= taken;
    }
    return !link->in.failed;
}

static void raw_close(struct link *link)
{
    if (link->fd >= 0) close(link->fd);
    buf_done(&link->in);
}

const struct link_kind link_raw = {
    .name = "raw",
    .open = raw_open,
    .send = raw_send,
    .receive = raw_receive,
    .close = raw_close,
};
