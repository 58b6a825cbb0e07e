/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An event as it stands in the journal and the archive.
 *
 * A MessagePack array:
 *   [kind, tenant, session, n, time_ms, n_retired, previous, outcome, stop, ...]
 *     n          number of the event in its session, from 0
 *     n_retired  withdrawn items of the bank; [n_retired, n_used] where items of the test are used
 *                up; in a district [n_retired, n_used, | item 4 | ...] where some are since the
 *                session's event before: there its events tell which they are, one after the other
 *     previous   seal of the session's event before this one, 16 bytes; zeros for the first
 *     outcome    | theta 8 x n | se 8 x n | item 4 |, big-endian, n dimensions; the doubles bit for
 *                bit
 *     stop       str, or nil while the session runs
 *   started:   ..., test, test_version, bank, bank_version, examinee, group, seed, mean, sd, kept]
 *              group nil where there is none; mean and sd nil where the prior is the test's; for
 *              several dimensions mean may be | 8 x n | and sd, a covariance, | 8 x n x n |;
 *              kept | item 4 | where 4 | ..., big-endian, absent where nothing is kept out
 *   answered, revised:
 *              ..., seq, item, response kind, score, raw, elapsed_ms]    raw nil unless kind 1 or 3
 *   scored:    ..., seq, score]
 *   voided:    ..., reason]
 */
#ifndef STORE_EVENT_RECORD_H
#define STORE_EVENT_RECORD_H

#include "base/fault.h"
#include "session/event.h"
#include "store/env.h"

/* What a session was started as. */
struct identity {
    struct slice test, bank;
    uint32_t test_version, bank_version;
    struct slice examinee, group;  // group empty: none
};

struct event_record {
    struct slice tenant, session;
    uint32_t n;
    uint8_t previous[SEAL_BYTES];
    struct event event;
    struct outcome outcome;
    struct identity identity;      // EVENT_STARTED
    uint32_t n_used_new;           // of event.used the last ones, which the record tells,
    struct slice used_new;         // and of one that was read as they stand there
    struct slice kept;             // EVENT_STARTED of a record that was read, as it stands there
    struct slice reason;           // EVENT_VOIDED, may be empty
    struct prior_dims prior_dims;  // what event.prior_dims of a record that was read points to
    char stop[LIMIT_ID + 1];       // what outcome.stop of a record that was read points to
};

/* Append the record to `out` (a failure sticks there). */
void event_record_write(const struct event_record *record, struct buf *out);

/* Read a record. Its slices point into `bytes`, its outcome.stop into itself. Of what is kept out
 * only event.n_kept is set. CORRUPT. */
MUST_CHECK enum status event_record_read(struct slice bytes, struct event_record *out);

/* The items that a session's events so far have told to be used up. */
struct used_list {
    uint32_t *item;  // [n]
    uint32_t n, cap;
};
void used_list_done(struct used_list *list);
/* Room for n more. NO_MEMORY. */
MUST_CHECK enum status used_list_reserve(struct used_list *list, uint32_t n);
/* Whether the session of a record that was read tells its own, `list` having those before. */
bool event_record_tells_used(const struct event_record *record, const struct used_list *list);
/* Those that it tells behind the others. CORRUPT where it names an item that the bank has not, or
 * where they are not as many as it says; NO_MEMORY. */
MUST_CHECK enum status event_record_used(const struct event_record *record, size_t n_item,
                                         struct used_list *list);

/* What a record that was read keeps out, as a list for the caller to free, NULL where it is empty;
 * `n_item` is the bank's. CORRUPT where it names an item that the bank has not, NO_MEMORY. */
MUST_CHECK enum status event_record_kept(const struct event_record *record, size_t n_item,
                                         struct kept_out **out);

#endif
