/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One session of a verification, taken again from its events. */
#ifndef SERVER_SESSION_CHECK_H
#define SERVER_SESSION_CHECK_H

#include "server/ledger.h"
#include "server/replay.h"

struct workspace;

struct session_check {
    bool is_shared;  // events have no numbers but those in their sessions
    struct env *env;
    struct registry *registry;
    struct exposure *exposure;
    struct ledger *ledger;  // what is wrong goes there
    struct workspace *workspace;
    size_t workspace_items;
    uint64_t n_event, n_session;  // checked so far
};

/* One session being taken again. */
struct taking {
    struct session_check *check;
    const struct owner *owner;
    struct replay replay;
    struct live live;
    char examinee[LIMIT_ID + 1];  // the event that says it does not stay
    uint8_t seal[SEAL_BYTES];
    uint64_t last_lsn;
    bool broken;  // told; the rest of its events is noted only
};

/* Take a session's events one by one; what is wrong is told. `owner` lives until the end, which is
 * to follow whatever comes between. NO_MEMORY or IO_ERROR. */
void taking_begin(struct taking *taking, struct session_check *check, const struct owner *owner);
MUST_CHECK enum status taking_event(struct taking *taking, const struct stored_event *stored);
void taking_end(struct taking *taking);

/* Take all events of a session, in the archive's form. NO_MEMORY or IO_ERROR. */
MUST_CHECK enum status session_check(struct session_check *check, const struct owner *owner,
                                     struct slice events);

#endif
