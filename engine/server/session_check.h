/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One session of a verification, taken again from its events. */
#ifndef SERVER_SESSION_CHECK_H
#define SERVER_SESSION_CHECK_H

#include "server/ledger.h"
#include "server/sessions.h"

struct workspace;

struct session_check {
    struct env *env;
    struct registry *registry;
    struct exposure *exposure;
    struct ledger *ledger;  // what is wrong goes there
    struct workspace *workspace;
    size_t workspace_items;
    uint64_t n_event, n_session;  // checked so far
};

/* Take all events of a session, in the archive's form. NO_MEMORY or IO_ERROR. */
MUST_CHECK enum status session_check(struct session_check *check, const struct owner *owner,
                                     struct slice events);

#endif
