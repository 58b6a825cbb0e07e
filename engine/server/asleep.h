/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions asleep: those that the journal has and that are not in memory yet. A start only notes
 * where their events stand, which takes a fraction of stepping them, so that it does not wait for
 * sessions that nobody asks for now. */
#ifndef SERVER_ASLEEP_H
#define SERVER_ASLEEP_H

#include "store/journal.h"

struct asleep {
    struct asleep_session *table;  // in the order of their first events
    size_t n_ended;
};

/* Where a session's events stand in the journal. */
struct asleep_events {
    struct slice tenant, session;  // of the table's
    uint64_t *lsn;                 // [n_lsn]
    uint32_t n_lsn, n_before;      // n_before: events that only the archive has
};

/* Note the next event. CORRUPT where it does not follow on the one before it in its session. */
MUST_CHECK enum status asleep_note(struct asleep *asleep, const struct stored_event *stored);

/* NULL where it is not asleep. */
struct asleep_session *asleep_find(const struct asleep *asleep, struct slice tenant,
                                   struct slice session);
struct asleep_session *asleep_first(const struct asleep *asleep);
struct asleep_session *asleep_next(const struct asleep_session *session);  // NULL behind the last
struct asleep_events asleep_events(const struct asleep_session *session);
void asleep_remove(struct asleep *asleep, struct asleep_session *session);

size_t asleep_n(const struct asleep *asleep);
void asleep_done(struct asleep *asleep);

#endif
