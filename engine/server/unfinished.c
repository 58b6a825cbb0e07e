/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel knows how many bytes each connection has brought; the rest is a table by descriptor.
 * Descriptors belong to libzmq, which may close one at any moment: what is asked of one that has
 * gone, or has become another's, does no harm. */
#include "server/unfinished.h"
#include "base/limits.h"
#include "server/endpoint.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
    BYTES_MOST = 2 * LIMIT_MESSAGE + (256 << 10),  // a frame's limit, and an envelope with it
    PATIENCE_US = 1000 * 1000,
    LOOK_MOST = 2048,  // descriptors at a look: a millisecond
    GAP = 64,          // so many that are not there, behind the last one that is: the end
    PLACES_MOST = 1 << 20,
    SHARE_LEAST = 1024,  // bytes that are nobody's concern
};

/* A connection, or what was the last one of that descriptor. */
struct place {
    uint64_t seen;        // bytes it had brought by the last look
    uint64_t unfinished;  // of them, those that are of no whole message, at the most
    uint64_t told;        // bytes of the messages that have come since
    int64_t over_us;      // since when there are too many, 0 where there are not
};

struct unfinished {
    uint16_t port;
    size_t n_place, next, end, last;  // end: behind the last that was there, of this round: last
    uint64_t room, share;             // share: of a connection, BYTES_MOST where there is room
    uint64_t held, n_holder;          // unfinished bytes of this round, and how many have them
    struct place place[];
};

enum status unfinished_new(uint16_t port, uint64_t room, struct unfinished **out)
{
    struct rlimit limit = {0};
    size_t n = PLACES_MOST;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n) n = (size_t)limit.rlim_cur;
    *out = calloc(1, sizeof(**out) + n * sizeof(struct place));  // not touched, it takes no memory
    if (!*out) return NO_MEMORY;
    (*out)->port = port;
    (*out)->n_place = n;
    (*out)->room = room;
    (*out)->share = BYTES_MOST;
    return OK;
}

void unfinished_free(struct unfinished *unfinished)
{
    free(unfinished);
}

void unfinished_message(struct unfinished *unfinished, int fd, size_t n_byte)
{
    if (fd >= 0 && (size_t)fd < unfinished->n_place) unfinished->place[fd].told += n_byte;
}

/* False where it is no connection; errno is EBADF where it is nothing at all. */
static bool bytes_of(int fd, uint64_t *out)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0) return false;
    *out = info.tcpi_bytes_received;
    return true;
}

/* Other connections, such as ours to a database, may bring what they like. */
static bool is_at_port(int fd, uint16_t port)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof(address);

    return getsockname(fd, (struct sockaddr *)&address, &n) == 0 && endpoint_port(&address) == port;
}

/* What stands before a message is finished: where one has come, only what has come since the last
 * look can be unfinished, and not the message itself. Fewer bytes than before are of another
 * connection. */
static void add_bytes(struct place *place, uint64_t n_byte)
{
    uint64_t growth = n_byte < place->seen ? n_byte : n_byte - place->seen;

    if (place->told > 0 || n_byte < place->seen) place->unfinished = 0;
    place->unfinished += growth > place->told ? growth - place->told : 0;
    place->seen = n_byte;
    place->told = 0;
}

static bool is_endless(struct unfinished *unfinished, struct place *place, int64_t now_us)
{
    if (place->unfinished > SHARE_LEAST) {
        unfinished->held += place->unfinished;
        unfinished->n_holder++;
    }
    if (place->unfinished <= unfinished->share) {
        place->over_us = 0;
        return false;
    }
    if (place->over_us == 0) place->over_us = now_us;
    return now_us - place->over_us >= PATIENCE_US;
}

static bool look_at(struct unfinished *unfinished, int fd, int64_t now_us)
{
    struct place *place = &unfinished->place[fd];
    uint64_t n_byte;
    bool is_one = bytes_of(fd, &n_byte);

    if (is_one || errno != EBADF) unfinished->last = (size_t)fd + 1;
    if (!is_one) {
        *place = (struct place){0};
        return false;
    }
    add_bytes(place, n_byte);
    if (place->unfinished > SHARE_LEAST && !is_at_port(fd, unfinished->port)) place->unfinished = 0;
    if (!is_endless(unfinished, place, now_us)) return false;
    *place = (struct place){.seen = n_byte};
    return shutdown(fd, SHUT_RDWR) == 0;
}

/* What all have together is known when all have been looked at. */
static void end_round(struct unfinished *unfinished)
{
    uint64_t share = BYTES_MOST;

    if (unfinished->held > unfinished->room) share = unfinished->room / unfinished->n_holder;
    unfinished->share = share < SHARE_LEAST ? SHARE_LEAST : share;
    unfinished->held = unfinished->n_holder = 0;
    unfinished->end = unfinished->last;
    unfinished->next = unfinished->last = 0;
}

size_t unfinished_look(struct unfinished *unfinished, int64_t now_us)
{
    size_t n_cut = 0;

    for (int i = 0; i < LOOK_MOST; i++) {
        size_t fd = unfinished->next++, end = unfinished->end;

        if (unfinished->last > end) end = unfinished->last;
        if (fd < unfinished->n_place && fd < end + GAP) {
            n_cut += look_at(unfinished, (int)fd, now_us);
            continue;
        }
        end_round(unfinished);
        break;
    }
    return n_cut;
}
