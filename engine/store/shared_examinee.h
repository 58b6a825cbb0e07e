/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shared store by examinee and by age: which sessions are whose, and how one is erased. All of
 * it waits for the server, as the rest of store/shared.h does. */
#ifndef STORE_SHARED_EXAMINEE_H
#define STORE_SHARED_EXAMINEE_H

#include "store/erased.h"
#include "store/shared.h"

/* Sessions of an examinee, those behind `after` in the order of their ids' bytes, at most
 * n_session of them. `number` says which of the examinee's sessions it is, from 1 on. */
struct shared_sittings {
    struct slice tenant, examinee, after;
    size_t n_session;
    void (*visit)(void *context, struct slice session, uint32_t number);
    void *context;
};
MUST_CHECK enum status shared_sittings(struct shared *shared,
                                       const struct shared_sittings *sittings);

/* An examinee whose sessions are asked for that had an event since. */
struct shared_past {
    struct slice tenant, examinee;
    int64_t since_ms;
    uint32_t next;  // the answer's: the number that the examinee's next session has
};
/* Read their events: `visit` gets them session by session as shared_fetch says, with the number i
 * of the examinee. */
MUST_CHECK enum status shared_past(struct shared *shared, struct shared_past *list, size_t n,
                                   struct shared_visitor visitor);

/* Put tombstones in place of a session that has n_event events and no more. *out_done is false,
 * and nothing has changed, where it has: somebody has gone on with it since it was read. One that
 * was erased before stays as it is. */
MUST_CHECK enum status shared_erase(struct shared *shared, const struct shared_event *last,
                                    const struct tombstone *tombstone, bool *out_done);
/* The sitting of a session that was erased, where one is left. */
MUST_CHECK enum status shared_forget(struct shared *shared, struct slice tenant,
                                     struct slice session);

/* Where a walk over the whole store is: behind that event. All empty before the first. */
struct shared_place {
    struct slice tenant, session;
    uint32_t n;
};

/* The last event of each session behind that place, at most n_session of them; those that were
 * erased are left out. A session that has no events has an empty record, and CORRUPT. */
MUST_CHECK enum status shared_last(struct shared *shared, const struct shared_place *place,
                                   size_t n_session, struct shared_visitor visitor);

/* All that stands behind that place, by tenant, session and number, at most n_event of it. */
MUST_CHECK enum status shared_rows(struct shared *shared, const struct shared_place *place,
                                   size_t n_event, struct shared_visitor visitor);

#endif
