/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Erased sessions: a tombstone stands where a session was.
 *
 *   table    key                 value
 *   erased   tenant 0 session    {erased_ms, who, reason, n_events, links}
 *
 * links is | lsn 8 | seal 16 | ... of the events that were there, so that the journal's links still
 * hold over the gap. Nothing of what the examinee did or was called is in it. */
#ifndef STORE_ERASED_H
#define STORE_ERASED_H

#include "proto/reader.h"
#include "store/journal.h"

enum { LINK_BYTES = 8 + SEAL_BYTES };

struct tombstone {
    int64_t erased_ms;
    struct slice who, reason;  // reason may be empty
    struct slice links;
};

/* Put one event's link behind others. */
void erased_link(struct buf *links, uint64_t lsn, const uint8_t seal[SEAL_BYTES]);

/* Append a tombstone to `out`; a failure sticks there. */
void erased_write(const struct tombstone *tombstone, struct buf *out);
/* In a shared store it stands where events do, without links: whether it is one, which is a map,
 * and no event, which is an array. */
bool erased_stands(struct slice record);

/* Write a tombstone. A session of that name that was erased before keeps its links: `links` must
 * have them. */
void erased_put(const struct env *env, struct batch *batch, struct slice tenant,
                struct slice session, const struct tombstone *tombstone);

/* Read one into `bytes`, which `out` then points into. NOT_FOUND. */
MUST_CHECK enum status erased_get(struct env *env, struct slice tenant, struct slice session,
                                  struct buf *bytes, struct tombstone *out);

/* Read the value of one. CORRUPT, NO_MEMORY. */
MUST_CHECK enum status erased_read(struct decoder *decoder, struct slice value,
                                   struct tombstone *out);

#endif
