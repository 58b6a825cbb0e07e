/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session's records come to, read without stepping them: whose it is, and how far it got. */
#ifndef SERVER_OUTLINE_H
#define SERVER_OUTLINE_H

#include "session/session.h"
#include "store/event_record.h"

struct outline {
    char test[LIMIT_ID + 1], bank[LIMIT_ID + 1];
    char examinee[LIMIT_ID + 1], group[LIMIT_ID + 1];  // group "": none
    uint32_t test_version, bank_version;
    int64_t started_ms;
    enum session_state state;
    uint32_t n_answer, n_asked;
    uint32_t n_pending;              // answers that wait for a person's score
    bool is_pending[LIMIT_ANSWERS];  // [n_answer]
    double theta, se;                // after the last event,
    size_t n_dim;                    // and of several dimensions
    struct ability ability;
    char stop[LIMIT_ID + 1];  // "" while the session runs
};

/* Begin from {0} and take the records in order. CORRUPT where they cannot be those of a session. */
MUST_CHECK enum status outline_take(struct outline *outline, const struct event_record *record);

#endif
