/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a verification has found: which events there are, what each says of the one before it, and
 * what is wrong. Events may be met in any order; sixteen bytes are kept for each. */
#ifndef SERVER_LEDGER_H
#define SERVER_LEDGER_H

#include "store/journal.h"

/* What is wrong with an event or a session. */
struct verify_fault {
    char tenant[LIMIT_ID + 1], session[LIMIT_ID + 1];  // "" where they are not known
    uint64_t lsn;                                      // 0 where no event is meant
    char text[FAULT_TEXT];
};

/* Whose an event is; both are empty where that is not known. */
struct owner {
    struct slice tenant, session;
};

struct ledger {
    struct journal_head head;  // the newest event that there must be; its seal when it is met
    struct cell *cells;        // [head.lsn + 1]
    struct verify_fault *faults;
    size_t n_told;  // of them, at most LIMIT_FAULTS
    uint64_t n_fault;
    uint64_t at, missing_from;  // how far ledger_compare has come
};

/* A ledger of the events 1 to head.lsn. NO_MEMORY. */
MUST_CHECK enum status ledger_init(struct ledger *ledger, struct journal_head head);
void ledger_done(struct ledger *ledger);
/* Free all but the faults. */
void ledger_settle(struct ledger *ledger);

/* Something is wrong with an event, or with a session where `lsn` is 0. `owner` may be NULL. */
void ledger_tell(struct ledger *ledger, const struct owner *owner, uint64_t lsn, const char *fmt,
                 ...) PRINTF(4, 5);

/* An event was met; the same one may be met in two places. */
void ledger_note(struct ledger *ledger, const struct owner *owner,
                 const struct stored_event *event);
/* An event was met that cannot be read, and was told. */
void ledger_note_damaged(struct ledger *ledger, uint64_t lsn);
/* The seal of event `lsn`, as something else names it. */
void ledger_link(struct ledger *ledger, uint64_t lsn, const uint8_t seal[SEAL_BYTES]);

/* When all was met: tell of the next `n` events what does not fit together and what is missing.
 * False when that was the last. */
bool ledger_compare(struct ledger *ledger, uint64_t n);

/* After that: name the faults told of an event whose owner was not known then. */
void ledger_name(struct ledger *ledger, const struct owner *owner, uint64_t lsn);

#endif
