/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Link: one connection of a simulated student. The kinds are rows: a plain socket that speaks just
 * enough ZMTP, so that the client costs little and the server is what is measured; and libzmq's
 * DEALER, which knows CURVE. */
#ifndef BENCH_LOAD_LINK_H
#define BENCH_LOAD_LINK_H

#include "base/slice.h"

/* Where to, and for libzmq with what. Keys are Z85; NULL: no encryption. */
struct link_target {
    uint16_t port;  // of 127.0.0.1
    void *zmq;      // the context; not for link_raw
    const char *server_key, *public_key, *secret_key;
};

struct link {
    const struct link_kind *kind;
    int fd;         // readable when there may be something to receive
    void *socket;   // of libzmq
    struct buf in;  // what came of a frame that is not whole yet
};

/* One call for each message; `body` is valid during the call. The callee may send. */
struct link_listener {
    void (*hear)(void *context, struct slice body);
    void *context;
};

struct link_kind {
    const char *name;
    bool (*open)(struct link *link, const struct link_target *target);  // false: errno says why
    bool (*send)(struct link *link, struct slice body);
    /* All that has come. False where the connection broke. */
    bool (*receive)(struct link *link, struct link_listener listener);
    void (*close)(struct link *link);
    /* Sending may take the readiness from fd: receive after it before waiting. */
    bool hides_readiness;
};

extern const struct link_kind link_raw, link_zmq;

#endif
