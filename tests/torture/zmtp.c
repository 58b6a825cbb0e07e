/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame is | flags 1 | length 1 or 8 | bytes |; flags: 1 more follows, 2 the long length, 4 a
 * command. The other side's greeting is not looked at: it is our own daemon. */
#include "tests/torture/zmtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { GREETING = 64, READ_BYTES = 1 << 16, EVENTS = 256, MORE = 1, LONG = 2, COMMAND = 4 };

struct peer {
    int fd;
    bool dirty;
    struct buf in, out;
    size_t sent;  // of `out`
};

struct peers {
    int epoll;
    size_t n, n_dirty;
    struct peer *peer;  // [n]
    size_t *dirty;      // [n]
};

static int open_ipc(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static int open_tcp(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    const char *colon = strrchr(text, ':');
    char host[32];

    if (fd < 0 || !colon) return -1;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &address.sin_addr) == 1 &&
        connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

static int open_endpoint(const char *endpoint)
{
    if (strncmp(endpoint, "ipc://", 6) == 0) return open_ipc(endpoint + 6);
    if (strncmp(endpoint, "tcp://", 6) == 0) return open_tcp(endpoint + 6);
    errno = EINVAL;
    return -1;
}

static void put_frame(struct peer *peer, int flags, struct slice bytes)
{
    uint8_t head[9] = {(uint8_t)(flags | (bytes.n > 255 ? LONG : 0))};
    size_t n_length = bytes.n > 255 ? 8 : 1;

    for (size_t i = 0; i < n_length; i++)
        head[1 + i] = (uint8_t)(bytes.n >> 8 * (n_length - 1 - i));
    buf_append(&peer->out, head, 1 + n_length);
    buf_append(&peer->out, bytes.data, bytes.n);
}

/* False where the connection is lost. */
static bool flush(struct peer *peer)
{
    while (peer->sent < peer->out.n) {
        ssize_t n =
            send(peer->fd, peer->out.data + peer->sent, peer->out.n - peer->sent, MSG_NOSIGNAL);

        if (n < 0) return errno == EAGAIN || errno == EINTR;
        peer->sent += (size_t)n;
    }
    buf_clear(&peer->out);
    peer->sent = 0;
    return true;
}

static bool read_whole(int fd, uint8_t *bytes, size_t n)
{
    return recv(fd, bytes, n, MSG_WAITALL) == (ssize_t)n;
}

/* Both greetings and READY commands. libzmq 4.3.4 hangs up on a peer whose first message comes in
 * one piece with its READY, so the other side's is waited for. */
static bool shake_hands(struct peer *peer)
{
    static const uint8_t greeting[GREETING] = "\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL";
    static const char ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER";

    uint8_t theirs[256];

    buf_append(&peer->out, greeting, sizeof(greeting));
    put_frame(peer, COMMAND, slice_of(ready, sizeof(ready) - 1));
    return flush(peer) && read_whole(peer->fd, theirs, GREETING) &&
           read_whole(peer->fd, theirs, 2) && read_whole(peer->fd, theirs, theirs[1]);
}

static bool open_peer(struct peers *peers, size_t i, const char *endpoint)
{
    struct peer *peer = &peers->peer[i];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};

    peer->fd = open_endpoint(endpoint);
    return peer->fd >= 0 && shake_hands(peer) && fcntl(peer->fd, F_SETFL, O_NONBLOCK) == 0 &&
           epoll_ctl(peers->epoll, EPOLL_CTL_ADD, peer->fd, &event) == 0;
}

struct peers *peers_open(const char *endpoint, size_t n)
{
    struct peers *peers = calloc(1, sizeof(*peers));
    bool good = peers != NULL;

    if (good) {
        peers->epoll = epoll_create1(EPOLL_CLOEXEC);
        peers->peer = calloc(n, sizeof(*peers->peer));
        peers->dirty = calloc(n, sizeof(*peers->dirty));
        good = peers->epoll >= 0 && peers->peer && peers->dirty;
    }
    for (; good && peers->n < n; peers->n++) good = open_peer(peers, peers->n, endpoint);
    if (good) return peers;
    fprintf(stderr, "cannot connect to %s: %s\n", endpoint, strerror(errno));
    peers_close(peers);
    return NULL;
}

void peers_close(struct peers *peers)
{
    if (!peers) return;
    for (size_t i = 0; i < peers->n; i++) {
        if (peers->peer[i].fd >= 0) close(peers->peer[i].fd);
        buf_done(&peers->peer[i].in);
        buf_done(&peers->peer[i].out);
    }
    if (peers->epoll >= 0) close(peers->epoll);
    free(peers->peer);
    free(peers->dirty);
    free(peers);
}

static void mark(struct peers *peers, size_t i)
{
    if (peers->peer[i].dirty) return;
    peers->peer[i].dirty = true;
    peers->dirty[peers->n_dirty++] = i;
}

void peers_put(struct peers *peers, size_t i, struct slice body)
{
    put_frame(&peers->peer[i], 0, body);
    mark(peers, i);
}

static bool flush_all(struct peers *peers)
{
    size_t n = peers->n_dirty;
    bool good = true;

    peers->n_dirty = 0;
    for (size_t k = 0; k < n; k++) {
        size_t i = peers->dirty[k];
        struct peer *peer = &peers->peer[i];

        good = flush(peer) && good;
        peer->dirty = false;
        if (peer->out.n > 0) mark(peers, i);  // the socket takes no more for now
    }
    return good;
}

/* The whole frame at the front of `rest`; 0 where it is not all there. */
static size_t frame_of(struct slice rest, int *out_flags, struct slice *out_bytes)
{
    size_t n_length, length = 0;

    if (rest.n < 2) return 0;
    *out_flags = rest.data[0];
    n_length = *out_flags & LONG ? 8 : 1;
    if (rest.n < 1 + n_length) return 0;
    for (size_t i = 0; i < n_length; i++) length = length << 8 | rest.data[1 + i];
    if (rest.n - 1 - n_length < length) return 0;
    *out_bytes = slice_of(rest.data + 1 + n_length, length);
    return 1 + n_length + length;
}

/* A PING is | 4 "PING" | time to live 2 | context |, and the PONG has its context. */
static void answer_ping(struct peers *peers, size_t i, struct slice command)
{
    struct buf pong = {0};

    if (command.n < 7 || memcmp(command.data, "\4PING", 5) != 0) return;
    buf_append(&pong, "\4PONG", 5);
    buf_append(&pong, command.data + 7, command.n - 7);
    put_frame(&peers->peer[i], COMMAND, buf_slice(&pong));
    mark(peers, i);
    buf_done(&pong);
}

static void take_frames(struct peers *peers, size_t i,
                        void (*take)(void *context, struct slice body), void *context)
{
    struct peer *peer = &peers->peer[i];
    struct slice rest = buf_slice(&peer->in), bytes;
    int flags;

    for (size_t n; (n = frame_of(rest, &flags, &bytes)) > 0;) {
        if (flags & COMMAND)
            answer_ping(peers, i, bytes);
        else if (!(flags & MORE))
            take(context, bytes);
        rest = slice_of(rest.data + n, rest.n - n);
    }
    memmove(peer->in.data, rest.data, rest.n);
    peer->in.n = rest.n;
}

static bool read_peer(struct peers *peers, size_t i, void (*take)(void *context, struct slice body),
                      void *context)
{
    struct peer *peer = &peers->peer[i];
    uint8_t bytes[READ_BYTES];
    ssize_t n = recv(peer->fd, bytes, sizeof(bytes), 0);

    if (n <= 0) return n < 0 && (errno == EAGAIN || errno == EINTR);
    buf_append(&peer->in, bytes, (size_t)n);
    take_frames(peers, i, take, context);
    return !peer->in.failed && !peer->out.failed;
}

bool peers_exchange(struct peers *peers, int timeout_ms,
                    void (*take)(void *context, struct slice body), void *context)
{
    struct epoll_event event[EVENTS];
    bool good = flush_all(peers);
    int n = epoll_wait(peers->epoll, event, EVENTS, timeout_ms);

    for (int e = 0; e < n; e++) {
        good = read_peer(peers, (size_t)event[e].data.u64, take, context) && good;
    }
    return good;
}
