/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens: the events of all sessions in the order they came, and the sessions that have left
 * memory.
 *
 *   table    key                          value
 *   journal  log sequence number (u64)    one event record
 *   archive  tenant 0 session             the session's records: | lsn 8 | length 4 | record | ...
 *
 * The journal is keyed by a running number because appending is five times as fast as writing by
 * session. A session that ends or leaves memory is written whole to the archive; then the journal
 * up to the oldest live session can go. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "store/event_record.h"

struct journal {
    struct env *env;
    uint64_t next_lsn;
    struct buf scratch;
};

MUST_CHECK enum status journal_init(struct journal *journal, struct env *env);
void journal_done(struct journal *journal);

/* Add the event to the batch; its number is returned, its seal goes to out_seal. */
uint64_t journal_append(struct journal *journal, struct batch *batch,
                        const struct event_record *record, uint8_t out_seal[SEAL_BYTES]);

/* One stored event: its number, its bytes and their seal. */
struct stored_event {
    uint64_t lsn;
    struct slice bytes;
    uint8_t seal[SEAL_BYTES];
    const struct event_record *record;
};

/* What to do with each stored event; another status than OK ends the visit and is returned. */
struct event_visitor {
    enum status (*visit)(void *context, const struct stored_event *event);
    void *context;
};

/* Visit every event in the journal in order. */
MUST_CHECK enum status journal_each(struct journal *journal, struct event_visitor visitor);

/* The bytes of one event, into `out`. */
MUST_CHECK enum status journal_get(struct journal *journal, uint64_t lsn, struct buf *out);

/* Remove the events first .. end - 1; the very last event stays, so numbers go on from it. */
void journal_trim(struct journal *journal, struct batch *batch, uint64_t first, uint64_t end);
/* The number of the first event in the journal, next_lsn where it is empty. */
MUST_CHECK enum status journal_first(struct journal *journal, uint64_t *out_lsn);

/* Append an event to the bytes of an archive record in the making. */
void archive_append(struct buf *archive, uint64_t lsn, struct slice bytes);
void archive_put(const struct env *env, struct batch *batch, struct slice tenant,
                 struct slice session, struct slice archive);
/* The archive record of a session into `out`. NOT_FOUND. */
MUST_CHECK enum status archive_get(struct env *env, struct slice tenant, struct slice session,
                                   struct buf *out);
/* Visit the events of an archive record in order. */
MUST_CHECK enum status archive_each(struct env *env, struct slice archive,
                                    struct event_visitor visitor);

#endif
