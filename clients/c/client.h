/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of libthetad share. */
#ifndef CLIENTS_C_CLIENT_H
#define CLIENTS_C_CLIENT_H

#include "clients/c/thetad.h"
#include "clients/c/transport.h"
#include "proto/reader.h"
#include "proto/writer.h"

struct thetad {
    struct transport transport;
    unsigned timeout_ms, deadline_ms, tries;  // tries 0: no limit
    unsigned reconnect_s;
    int64_t renew_ms;  // when the connection that stands is to be made anew

    uint64_t request_prefix, session_prefix[2];  // random, for ids that no other client makes
    uint64_t jitter_seed, n_jitter;
    uint64_t n_request, n_session;

    char id[LIMIT_ID + 1];  // of the request under way
    struct buf request;
    zmq_msg_t reply;
    struct decoder decoder;
    msgpack_object root;  // the decoded reply; its strings point into `reply`

    struct buf fields, values;  // of typed calls: what is sent, and the views in a state

    char code[LIMIT_ID + 1], message[256], field[LIMIT_ID + 1];
    bool retry;              // the daemon's error reply asks to try again,
    int64_t retry_after_ms;  // and when; 0: soon
};

/* Remember why a call failed, and return `status`. */
enum thetad_status client_fail(struct thetad *client, enum thetad_status status, const char *field,
                               const char *fmt, ...) PRINTF(4, 5);

#endif
