/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stored sessions taken again: how the daemon brings them back and how a store is verified. */
#ifndef SERVER_REPLAY_H
#define SERVER_REPLAY_H

#include "server/sessions.h"

/* What a session was started with. */
struct replay_origin {
    struct test_version *test;
    struct bank_version *bank;
    const struct plan *plan;
};

/* Find it by the session's first event. CORRUPT where the event starts nothing, or its test or bank
 * is not there. */
MUST_CHECK enum status replay_origin(struct registry *registry, const struct event_record *first,
                                     struct replay_origin *out);

/* A session on its way through its events. */
struct replay {
    struct live *live;
    struct workspace *workspace;
    uint8_t *seal;    // [SEAL_BYTES] of the last event; zeros before the first
    const char *why;  // after CORRUPT: what is wrong, in words
};

/* Take the next event: it must be the next of its session, follow on the one before and come to
 * what is recorded. CORRUPT where it does not; the session is then only good for freeing. */
MUST_CHECK enum status replay_event(struct replay *replay, const struct stored_event *stored);

#endif
