/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a request has done, to be counted once. A request that is held (CALL_HELD) is counted and
 * audited when its event is in the shared store: it may be refused there, and the request be served
 * again. */
#ifndef SERVER_HELD_H
#define SERVER_HELD_H

#include "base/limits.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct request;

/* On whom or what a request acts, in the audit. */
struct audit_subject {
    char text[LIMIT_ID + 1];
};

/* What it has done to a session. */
struct deeds {
    bool answered, started, finished;
};

struct held {
    const struct request *request;  // NULL: nothing is held
    enum status status;             // that its reply has
    struct deeds deeds;
    bool is_audited;  // with what follows: when it was made, by whom, on what
    int64_t now_ms;
    unsigned roles;
    char who[LIMIT_ID + 1];
    struct audit_subject subject;
};

#endif
