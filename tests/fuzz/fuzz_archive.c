/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session's record in the archive, as if somebody who has the seals' key had written it: it is
 * replayed, or refused as damaged, and the daemon goes on. */
#include "tests/fuzz/counter.h"

#include <stdio.h>

enum { SESSIONS = 256 };

/* Each input is another session's, as one that was damaged is not looked at again. */
static struct slice next_session(struct counter *counter)
{
    static char id[LIMIT_ID];
    static unsigned n;

    if (n++ % SESSIONS == 0) counter_reset(counter);
    snprintf(id, sizeof(id), "archived.%u", n % SESSIONS);
    return slice_str(id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct counter *counter = counter_open();
    struct server *server = &counter->server;
    struct slice tenant = slice_str("local"), id = next_session(counter);
    struct session_view view;
    struct live *live;
    struct fault fault;
    enum status st;

    archive_put(server->env, &server->batch, tenant, id, slice_of(data, n));
    MUST(env_commit(server->env, &server->batch, &fault) == OK);
    st = sessions_get(server->sessions, tenant, id, 0, &live);
    MUST(st == OK || st == CORRUPT);
    if (st == OK) {
        session_view(live->session, &view);
        MUST(view.asked >= 1);
        fuzz_taken();
    }
    return 0;
}
