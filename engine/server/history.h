/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events of one session, read by a helper: where they stand comes as a value from the loop,
 * what they are from the store. */
#ifndef SERVER_HISTORY_H
#define SERVER_HISTORY_H

#include "store/journal.h"

struct tools;

/* | head | tenant | indices of withdrawn items, u32 | of items used up, u32 | numbers of events in
 * the journal, u64 |, in this machine's byte order: it never leaves the process. */
struct history_head {
    uint32_t n_tenant, n_retired, n_used, n_lsn;
};

struct history {
    struct slice tenant;  // points into the bytes
    uint32_t *retired;    // [n_retired]
    uint32_t *used;       // [n_used]
    uint64_t *lsn;        // [n_lsn]
    uint32_t n_retired, n_used, n_lsn;
};

/* Read what sessions_history wrote. NO_MEMORY. */
MUST_CHECK enum status history_init(struct history *history, struct slice bytes);
void history_done(struct history *history);

/* Visit the session's events in order: those of the archive, then those of the journal; or those of
 * the shared store. RETRY where the session has moved to the archive meanwhile, or that store does
 * not answer. What `visit` returns other than OK ends it. */
MUST_CHECK enum status history_each(const struct history *history, struct tools *tools,
                                    struct slice session, struct event_visitor visitor);

#endif
