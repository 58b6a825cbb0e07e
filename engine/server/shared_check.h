/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sessions of a shared store, taken again row by row: what server/verify.h does with LMDB's.
 *
 * Found: any change, exchange or repetition of events, a session whose beginning or middle is gone,
 * and one that is gone while its sitting is there. Not found: that the newest events of a session
 * are gone, or a session with its sitting: no node has a head that tells of them. */
#ifndef SERVER_SHARED_CHECK_H
#define SERVER_SHARED_CHECK_H

#include "server/session_check.h"
#include "server/tombs.h"
#include "store/shared_examinee.h"

struct shared_check {
    struct shared *shared;
    struct session_check *check;
    struct tombs *tombs;
    struct decoder *decoder;
    int64_t begun_ms;  // events of later on are left out

    struct session_key key;  // of the session that is being taken, and where the walk is
    struct owner owner;      // points into it
    uint32_t n;
    struct taking taking;
    bool is_begun, is_broken, is_erased, has_first, is_late;
    enum status st;
};

/* Go on with about n_event rows; *out_more says whether there are more. RETRY where the store does
 * not answer; NO_MEMORY. */
MUST_CHECK enum status shared_check_step(struct shared_check *rows, size_t n_event, bool *out_more);
/* The same with the sittings, whose sessions must be there. */
MUST_CHECK enum status shared_check_sittings(struct shared_check *rows, size_t n_sitting,
                                             bool *out_more);
/* Free what a walk that was not finished has. */
void shared_check_done(struct shared_check *rows);

#endif
