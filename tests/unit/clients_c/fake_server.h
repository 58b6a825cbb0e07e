/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A thread with a ROUTER on ipc in a folder of its own, that answers by a script. */
#ifndef TEST_CLIENTS_C_FAKE_SERVER_H
#define TEST_CLIENTS_C_FAKE_SERVER_H

#include "proto/reader.h"
#include "proto/writer.h"

#include <pthread.h>
#include <stdatomic.h>

enum act {
    ACT_OK,        // the right reply
    ACT_SILENT,    // none
    ACT_HANG_UP,   // none, and the connections of all clients are gone
    ACT_FLOOD,     // garbage without end
    ACT_WRONG_ID,  // a reply to another request, then the right one
    ACT_GARBAGE,   // bytes that are no MessagePack, then the right one
    ACT_ONLY_GARBAGE,
    ACT_NO_MAP,     // a reply that is an array, and nothing else
    ACT_REFUSE,     // an error that is final
    ACT_BUSY,       // an error that says retry
    ACT_BUSY_LONG,  // likewise, in an hour
    ACT_DRAINING,   // likewise, soon
    ACT_RETRY,      // likewise
    ACT_NIL_ID,     // an error to a request that could not be read
    ACT_BAD_ERROR,  // an error reply without a code
};

enum { SEEN_MAX = 16, SEEN_BYTES = 2048, DIR_BYTES = 64 };

struct seen {
    uint8_t bytes[SEEN_BYTES], peer[32];
    size_t n, n_peer;
};

struct fake {
    char dir[DIR_BYTES], endpoint[DIR_BYTES + 16];
    const enum act *script;  // one act per request; the last goes on
    size_t n_script;
    size_t n_pair;  // of the right reply, behind v, id and ok
    void (*write_pairs)(struct writer *out);
    int bind_after_ms;

    struct seen seen[SEEN_MAX];  // read it after fake_stop
    size_t n_seen;

    void *context;
    pthread_t thread;
    atomic_bool stop;
};

/* Start from a fake with script and pairs set. */
void fake_start(struct fake *fake);
void fake_stop(struct fake *fake);

#endif
