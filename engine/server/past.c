/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of the events only what was asked goes on to the loop, some bytes for a question: a class that
 * starts at once must not hold it up. */
#include "server/past.h"
#include "server/log.h"
#include "store/erased.h"
#include "store/event_record.h"
#include "store/shared_examinee.h"

#include <stdlib.h>
#include <string.h>

struct past *past_new(const struct shared_want *want)
{
    struct past *past = calloc(1, sizeof(*past) + want->examinee.n + want->bank.n);

    if (!past) return NULL;
    memcpy(past->names, want->examinee.data, want->examinee.n);
    memcpy(past->names + want->examinee.n, want->bank.data, want->bank.n);
    past->examinee = slice_of(past->names, want->examinee.n);
    past->bank = slice_of(past->names + want->examinee.n, want->bank.n);
    past->since_ms = want->since_ms;
    past->status = RETRY;
    return past;
}

void past_free(struct past *past)
{
    if (past) buf_done(&past->asked);
    free(past);
}

void past_want(const struct past *past, struct shared_want *want)
{
    want->examinee = past->examinee;
    want->bank = past->bank;
    want->since_ms = past->since_ms;
}

/* One that is being read: its sessions so far, | version 4 | asked_ms 8 | n 4 | item 4 ... | each,
 * numbers as this machine has them. */
struct reading {
    struct slice bank;
    enum status status;
    struct buf asked;
    size_t at;        // where the last session begins,
    bool is_counted;  // which is one with that bank
    struct past_session session;
    uint32_t n_event, last;  // of it: how many, and the item that was asked last
};

enum { HEAD_BYTES = 4 + 8 + 4 };

static void put_head(struct reading *reading)
{
    uint8_t *head = reading->asked.data + reading->at;
    uint32_t n = (uint32_t)reading->session.n_item;

    if (reading->asked.failed) return;
    memcpy(head, &reading->session.version, 4);
    memcpy(head + 4, &reading->session.asked_ms, 8);
    memcpy(head + 12, &n, 4);
}

static void begin_session(struct reading *reading, const struct event_record *record)
{
    static const uint8_t head[HEAD_BYTES];

    reading->is_counted = slice_equal(record->identity.bank, reading->bank);
    reading->at = reading->asked.n;
    reading->session = (struct past_session){.version = record->identity.bank_version};
    reading->last = NO_ITEM;
    if (reading->is_counted) buf_append(&reading->asked, head, sizeof(head));
}

/* When a question was asked: at the start, after an answer, and again when the session went on. */
static bool asks(const struct event_record *record)
{
    enum event_kind kind = record->event.kind;

    if (record->outcome.item == NO_ITEM) return false;
    return kind == EVENT_STARTED || kind == EVENT_ANSWERED || kind == EVENT_RESUMED;
}

static void take_event(struct reading *reading, const struct event_record *record)
{
    uint32_t item = record->outcome.item;

    if (!reading->is_counted) return;
    if (asks(record)) reading->session.asked_ms = record->event.time_ms;
    if (item != NO_ITEM && item != reading->last) {
        buf_append(&reading->asked, &item, sizeof(item));
        reading->session.n_item++;
        reading->last = item;
    }
    put_head(reading);
}

/* Erased since it was found: it was never there. */
static void drop_session(struct reading *reading, uint32_t n)
{
    if (n > 0 && reading->is_counted) reading->asked.n = reading->at;
    reading->is_counted = false;
}

static void on_event(void *context, size_t i, const struct shared_event *event, enum status status)
{
    struct reading *reading = (struct reading *)context + i;
    struct event_record record;

    if (reading->status) return;
    if (status == OK && erased_stands(event->record)) {
        drop_session(reading, event->n);
        return;
    }
    if (status == OK) status = event_record_read(event->record, &record);
    if (event->n == 0) reading->n_event = 0;
    if (status == OK && record.n != reading->n_event++) status = CORRUPT;
    if (status == OK && event->n == 0) begin_session(reading, &record);
    if (status == OK) take_event(reading, &record);
    if (status == OK) return;
    reading->status = status;
    log_line(LOG_ERROR, "an earlier session of an examinee is damaged", "tenant=%.*s session=%.*s",
             (int)event->tenant.n, (const char *)event->tenant.data, (int)event->session.n,
             (const char *)event->session.data);
}

static void put_past(struct buf *out, const struct reading *reading, uint32_t next)
{
    buf_append(out, &reading->status, sizeof(reading->status));
    buf_append(out, &next, sizeof(next));
    buf_append_slice(out, buf_slice(&reading->asked));
    if (reading->asked.failed) out->failed = true;
}

static size_t begin_readings(const struct shared_want *wants, size_t n, struct reading *readings,
                             struct shared_past *list)
{
    size_t n_past = 0;

    for (size_t i = 0; i < n; i++) {
        if (wants[i].examinee.n == 0) continue;
        readings[n_past] = (struct reading){.bank = wants[i].bank};
        list[n_past++] = (struct shared_past){.tenant = wants[i].tenant,
                                              .examinee = wants[i].examinee,
                                              .since_ms = wants[i].since_ms};
    }
    return n_past;
}

enum status past_read(struct shared *shared, const struct shared_want *wants, size_t n,
                      struct buf *out)
{
    struct reading *readings = calloc(n + 1, sizeof(*readings));
    struct shared_past *list = calloc(n + 1, sizeof(*list));
    enum status st = readings && list ? OK : NO_MEMORY;
    size_t n_past = st == OK ? begin_readings(wants, n, readings, list) : 0;

    if (n_past > 0) {
        st = shared_past(shared, list, n_past, (struct shared_visitor){on_event, readings});
    }
    for (size_t i = 0; i < n_past; i++) {
        if (st == OK) put_past(out, &readings[i], list[i].next);
        buf_done(&readings[i].asked);
    }
    free(readings);
    free(list);
    return st;
}

void past_take(struct past *past, struct slice *rest)
{
    struct slice asked;

    slice_take_bytes(rest, &past->status, sizeof(past->status));
    slice_take_bytes(rest, &past->next, sizeof(past->next));
    asked = slice_take(rest);
    buf_clear(&past->asked);
    buf_append(&past->asked, asked.data, asked.n);
    if (past->asked.failed) past->status = NO_MEMORY;
}

bool past_next(struct slice *rest, struct past_session *out)
{
    uint32_t n;

    if (rest->n == 0) return false;
    slice_take_bytes(rest, &out->version, sizeof(out->version));
    slice_take_bytes(rest, &out->asked_ms, sizeof(out->asked_ms));
    slice_take_bytes(rest, &n, sizeof(n));
    out->n_item = n;
    out->items = rest->data;
    *rest = slice_of(rest->data + 4 * (size_t)n, rest->n - 4 * (size_t)n);
    return true;
}

uint32_t past_item(const struct past_session *session, size_t j)
{
    uint32_t item;

    memcpy(&item, session->items + 4 * j, sizeof(item));
    return item;
}
