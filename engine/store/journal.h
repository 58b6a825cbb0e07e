/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens: the events of all sessions in the order they came, and the sessions that have left
 * memory.
 *
 *   table    key                          value
 *   journal  log sequence number (u64)    | link, 16 | event record |
 *   archive  tenant 0 session             all of the session: | lsn 8 | length 4 | value | ...
 *   meta     "head"                       | lsn 8 | seal 16 | of the newest event a while ago
 *
 * The link is the seal of the event before it in the journal (zeros for the first), so that no
 * event of any session can be changed, taken out or put in without the next one telling; the head
 * tells of the last ones. Events before env_linked() have no link.
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
    uint8_t head[SEAL_BYTES];  // seal of the newest event
    uint64_t anchored;         // the event that meta's head tells of
    struct buf scratch;
};

/* CORRUPT too where the event that the head tells of is another one now. An event that is damaged
 * is left to who visits it. */
MUST_CHECK enum status journal_init(struct journal *journal, struct env *env);
void journal_done(struct journal *journal);

/* Add the event to the batch; its number is returned, its seal goes to out_seal where that is not
 * NULL. */
uint64_t journal_append(struct journal *journal, struct batch *batch,
                        const struct event_record *record, uint8_t out_seal[SEAL_BYTES]);

/* Write the head, where there are newer events than it tells of. */
void journal_anchor(struct journal *journal, struct batch *batch);

/* Where the head that was written last stands; lsn 0 where there is none yet. */
struct journal_head {
    uint64_t lsn;
    uint8_t seal[SEAL_BYTES];
};
MUST_CHECK enum status journal_read_head(struct env *env, struct journal_head *out);

/* The newest event; lsn 0 where there was never one. */
struct journal_head journal_newest(const struct journal *journal);

/* CORRUPT where the event of that number is sound and yet another one. One that is not there, or is
 * damaged, says nothing. Pre: its number is not above the newest. */
MUST_CHECK enum status journal_agrees(struct journal *journal, const struct journal_head *head);

/* One stored event: its number, its bytes as they stand in the journal and their seal. */
struct stored_event {
    uint64_t lsn;
    struct slice bytes;
    const uint8_t *link;  // NULL where it has none
    uint8_t seal[SEAL_BYTES];
    const struct event_record *record;
};

/* What to do with each stored event; another status than OK ends the visit and is returned. */
struct event_visitor {
    enum status (*visit)(void *context, const struct stored_event *event);
    void *context;
};

/* Visit the events in the journal from number `from` on, in order. CORRUPT where one does not link
 * to the one before it. */
MUST_CHECK enum status journal_each(struct env *env, uint64_t from, struct event_visitor visitor);
/* The same, but events whose seal does not hold go to `damaged`, which answers as `visit` does. */
MUST_CHECK enum status journal_each_any(struct env *env, uint64_t from,
                                        struct event_visitor visitor,
                                        enum status (*damaged)(void *context, uint64_t lsn));

/* The bytes of one event, into `out`. */
MUST_CHECK enum status journal_get(struct journal *journal, uint64_t lsn, struct buf *out);
/* Visit one event; `room` holds its bytes meanwhile. NOT_FOUND; CORRUPT where its seal does not
 * hold or it cannot be read. */
MUST_CHECK enum status journal_visit(struct journal *journal, uint64_t lsn, struct buf *room,
                                     struct event_visitor visitor);
/* What is left of one whose seal does not hold: it may be anything. */
MUST_CHECK enum status journal_get_damaged(struct journal *journal, uint64_t lsn, struct buf *out);

/* The event record in a value of the journal: what stands behind its link. Empty where there is
 * none. */
struct slice journal_record(const struct env *env, uint64_t lsn, struct slice value);

/* Remove the events first .. end - 1; the very last event stays, so numbers go on from it. */
void journal_trim(struct journal *journal, struct batch *batch, uint64_t first, uint64_t end);
/* The number of the first event in the journal, next_lsn where it is empty. */
MUST_CHECK enum status journal_first(struct journal *journal, uint64_t *out_lsn);

/* The key of what there is once for a session: tenant 0 session. */
struct session_key {
    uint8_t bytes[2 * LIMIT_ID + 1];
    size_t n;
};
struct session_key session_key_of(struct slice tenant, struct slice session);
struct slice session_key_slice(const struct session_key *key);
/* Its parts. False where it is none. */
MUST_CHECK bool session_key_read(struct slice key, struct slice *out_tenant,
                                 struct slice *out_session);

/* Append an event to the bytes of an archive record in the making. */
void archive_append(struct buf *archive, uint64_t lsn, struct slice bytes);
void archive_put(const struct env *env, struct batch *batch, struct slice tenant,
                 struct slice session, struct slice archive);
/* The archive record of a session into `out`. NOT_FOUND. */
MUST_CHECK enum status archive_get(struct env *env, struct slice tenant, struct slice session,
                                   struct buf *out);
/* Whether it has a record of a session: OK, else NOT_FOUND. `room` is scratch. */
MUST_CHECK enum status archive_has(struct env *env, struct slice tenant, struct slice session,
                                   struct buf *room);
/* Visit the archive records of a tenant as env_each_any does, the key being the session's id: those
 * behind `after`, in the order of their ids' bytes. */
MUST_CHECK enum status archive_scan(struct env *env, struct slice tenant, struct slice after,
                                    struct visitor visitor,
                                    enum status (*damaged)(void *context, struct slice id));
/* Take the first event, as it stood in the journal, off the bytes of an archive record. False, and
 * `rest` left alone, where there is none or not all of it. */
bool archive_next(struct slice *rest, uint64_t *out_lsn, struct slice *out_value);
/* The number of the last event, 0 where there is none. The archive has a session's events from the
 * first one on; some may stand in the journal too, until that is trimmed. */
uint64_t archive_last(struct slice archive);
/* Visit the events of an archive record in order. */
MUST_CHECK enum status archive_each(struct env *env, struct slice archive,
                                    struct event_visitor visitor);

#endif
