/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/shared_check.h"

#include <string.h>

static void tell(struct shared_check *rows, const char *what, uint32_t n)
{
    ledger_tell(rows->check->ledger, &rows->owner, 0, "number %u: %s", n, what);
}

static void end_session(struct shared_check *rows)
{
    if (!rows->is_begun) return;
    rows->is_begun = false;
    taking_end(&rows->taking);
    rows->check->n_session += !rows->is_erased;
    if (rows->is_erased && rows->has_first && rows->n == 0) {
        tell(rows, "it is erased, but for the tombstone behind its last event", 0);
    }
}

static void begin_session(struct shared_check *rows, const struct shared_event *event)
{
    rows->key = session_key_of(event->tenant, event->session);
    if (!session_key_read(session_key_slice(&rows->key), &rows->owner.tenant,
                          &rows->owner.session)) {
        rows->owner = (struct owner){0};
    }
    taking_begin(&rows->taking, rows->check, &rows->owner);
    rows->is_begun = true;
    rows->is_broken = rows->is_erased = rows->has_first = rows->is_late = false;
}

/* It may have been erased since its first events were read: then only the second tombstone is
 * met. */
static enum status take_tombstone(struct shared_check *rows, const struct shared_event *event)
{
    struct tombstone tombstone;
    enum status st = erased_read(rows->decoder, event->record, &tombstone);

    if (st == CORRUPT) tell(rows, "it is no tombstone", event->n);
    if (st) return st == CORRUPT ? OK : st;
    if (!rows->is_erased && event->n > 0 && !rows->has_first) {
        tell(rows, "it is a tombstone without the first one", event->n);
    }
    if (rows->is_erased) return OK;
    rows->is_erased = true;
    rows->has_first = event->n == 0;
    return tombs_note(rows->tombs, &rows->owner, &tombstone);
}

static enum status take_event(struct shared_check *rows, const struct shared_event *event)
{
    struct event_record record;
    struct stored_event stored = {.lsn = event->n, .bytes = event->record, .record = &record};
    enum status st = event_record_read(event->record, &record);

    if (st == CORRUPT) {
        tell(rows, "it is no event", event->n);
        rows->is_broken = true;
    }
    if (st) return st == CORRUPT ? OK : st;
    if (event->n == 0) rows->has_first = true;
    if (record.event.time_ms > rows->begun_ms) rows->is_late = true;
    if (rows->is_late) return OK;
    memcpy(stored.seal, event->seal, SEAL_BYTES);
    return taking_event(&rows->taking, &stored);
}

static void on_row(void *context, size_t i, const struct shared_event *event, enum status status)
{
    struct shared_check *rows = context;

    (void)i;
    if (rows->st) return;
    if (!rows->is_begun || !slice_equal(rows->owner.session, event->session) ||
        !slice_equal(rows->owner.tenant, event->tenant)) {
        end_session(rows);
        begin_session(rows, event);
        rows->n = 0;
    }
    if (status) {
        tell(rows, "its seal does not hold: it is damaged, or was changed", event->n);
        rows->is_broken = true;
    } else if (erased_stands(event->record)) {
        rows->st = take_tombstone(rows, event);
    } else if (rows->is_erased) {
        tell(rows, "it stands in a session that was erased", event->n);
    } else if (!rows->is_broken) {
        rows->st = take_event(rows, event);
    }
    rows->n = event->n;
}

static struct shared_place place_of(const struct shared_check *rows)
{
    return (struct shared_place){
        .tenant = rows->owner.tenant, .session = rows->owner.session, .n = rows->n};
}

/* Rows that a walk gets are counted on the way to their visitor. */
struct counted {
    struct shared_visitor visitor;
    size_t n;
};

static void count(void *context, size_t i, const struct shared_event *event, enum status status)
{
    struct counted *counted = context;

    counted->n++;
    counted->visitor.visit(counted->visitor.context, i, event, status);
}

enum status shared_check_step(struct shared_check *rows, size_t n_event, bool *out_more)
{
    struct counted counted = {.visitor = {on_row, rows}};
    struct shared_place place = place_of(rows);
    enum status st =
        shared_rows(rows->shared, &place, n_event, (struct shared_visitor){count, &counted});

    *out_more = counted.n == n_event;
    if (st == OK) st = rows->st;
    if (st == IO_ERROR) return RETRY;
    if (st == OK && !*out_more) {
        end_session(rows);
        rows->owner = (struct owner){0};
    }
    return st;
}

static void on_sitting(void *context, size_t i, const struct shared_event *event,
                       enum status status)
{
    struct shared_check *rows = context;

    (void)i;
    (void)status;
    rows->key = session_key_of(event->tenant, event->session);
    if (!session_key_read(session_key_slice(&rows->key), &rows->owner.tenant,
                          &rows->owner.session)) {
        return;
    }
    if (event->record.n > 0) return;
    ledger_tell(rows->check->ledger, &rows->owner, 0, "its events are gone");
}

enum status shared_check_sittings(struct shared_check *rows, size_t n_sitting, bool *out_more)
{
    struct counted counted = {.visitor = {on_sitting, rows}};
    struct shared_place place = place_of(rows);
    enum status st =
        shared_last(rows->shared, &place, n_sitting, (struct shared_visitor){count, &counted});

    *out_more = counted.n == n_sitting;
    return st == IO_ERROR ? RETRY : st;
}

void shared_check_done(struct shared_check *rows)
{
    if (rows->is_begun) taking_end(&rows->taking);
    rows->is_begun = false;
}
