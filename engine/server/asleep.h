/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions asleep: those that the journal has and that are not in memory yet. A start only notes
 * where their events stand, which takes a fraction of stepping them, so that it does not wait for
 * sessions that nobody asks for now. */
#ifndef SERVER_ASLEEP_H
#define SERVER_ASLEEP_H

#include "store/journal.h"

enum { ASLEEP_NOTED = 64 };

/* An event on the way to its session. */
struct asleep_event {
    struct session_key key;
    unsigned hash;  // of the key
    uint16_t n_tenant;
    uint32_t n;
    uint64_t lsn;
    uint8_t previous[SEAL_BYTES], seal[SEAL_BYTES];
    bool is_end;
};

struct asleep {
    struct asleep_session *table;  // in the order of their first events
    size_t n_ended;
    struct asleep_event noted[ASLEEP_NOTED];  // [n_noted] not with their sessions yet
    size_t n_noted;
};

/* Where a session's events stand in the journal. */
struct asleep_events {
    struct slice tenant, session;  // of the table's
    uint64_t *lsn;                 // [n_lsn]
    uint32_t n_lsn, n_before;      // n_before: events that only the archive has
};

/* Note the next event; and when all are noted, bring the last ones to their sessions, which are not
 * to be looked at before. CORRUPT, from either, where an event so far does not follow on the one
 * before it in its session; NO_MEMORY. */
MUST_CHECK enum status asleep_note(struct asleep *asleep, const struct stored_event *stored);
MUST_CHECK enum status asleep_settle(struct asleep *asleep);

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
