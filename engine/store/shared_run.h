/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statements of the shared store, for the files that run them. */
#ifndef STORE_SHARED_RUN_H
#define STORE_SHARED_RUN_H

#include "store/shared.h"

enum {
    SETTINGS,
    CHECK,
    APPEND,
    APPEND_COUNTED,
    FETCH,
    PUBLISH,
    NEXT,
    SCAN,
    SITTINGS,
    ERASE,
    FORGET,
    LAST,
    ROWS,
    FIRSTS,
    SEAT,
    COUNTS_LOOK,
    COUNTS_STORE,
    PAST,
    CONFIRM,
    USED,
    N_STATEMENT
};

/* Connect where there is no connection and run a statement whose parameters are ready. Errors as of
 * pg_run. */
MUST_CHECK enum status shared_run(struct shared *shared, unsigned statement, PGresult **out);

/* Parameter i. A failure sticks to it. */
void shared_set(struct shared *shared, int i, struct slice value);
void shared_set_int4(struct shared *shared, int i, uint32_t value);
void shared_set_int8(struct shared *shared, int i, uint64_t value);
/* Begin the first n_array parameters of `statement`, which are arrays of n elements each. */
void shared_begin_arrays(struct shared *shared, unsigned statement, int n_array, size_t n);

/* CORRUPT where the event does not have this seal. */
MUST_CHECK enum status shared_check_seal(const struct shared *shared,
                                         const struct shared_event *event, struct slice seal);

/* Give a sitting to every session that was there before there were any. */
MUST_CHECK enum status shared_seat_all(struct shared *shared, struct fault *fault);

#endif
