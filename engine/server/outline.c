/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/outline.h"

#include <string.h>

/* Where each event leads; what is not here leaves the state as it is. */
static const enum session_state leads_to[] = {
    [EVENT_STARTED] = SESSION_ASKING,      [EVENT_ANSWERED] = SESSION_ASKING,
    [EVENT_SUSPENDED] = SESSION_SUSPENDED, [EVENT_RESUMED] = SESSION_ASKING,
    [EVENT_FINISHED] = SESSION_FINISHED,   [EVENT_VOIDED] = SESSION_VOIDED,
};

static enum status take_started(struct outline *outline, const struct event_record *record)
{
    const struct identity *identity = &record->identity;
    size_t size = LIMIT_ID + 1;

    if (outline->state != SESSION_NEW) return CORRUPT;
    outline->test_version = identity->test_version;
    outline->bank_version = identity->bank_version;
    outline->started_ms = record->event.time_ms;
    if (!slice_to_text(identity->test, outline->test, size)) return CORRUPT;
    if (!slice_to_text(identity->bank, outline->bank, size)) return CORRUPT;
    if (!slice_to_text(identity->examinee, outline->examinee, size)) return CORRUPT;
    return slice_to_text(identity->group, outline->group, size) ? OK : CORRUPT;
}

static void set_pending(struct outline *outline, uint32_t seq, bool is_pending)
{
    outline->n_pending -= outline->is_pending[seq - 1];
    outline->is_pending[seq - 1] = is_pending;
    outline->n_pending += is_pending;
}

/* An answer, a revision or a score. */
static enum status take_answer(struct outline *outline, const struct event *event)
{
    if (event->kind == EVENT_ANSWERED) {
        if (event->seq != outline->n_answer + 1 || event->seq > LIMIT_ANSWERS) return CORRUPT;
        outline->n_answer++;
    }
    if (event->seq < 1 || event->seq > outline->n_answer) return CORRUPT;
    set_pending(outline, event->seq,
                event->kind != EVENT_SCORED && event->response.kind == RESPONSE_LATER);
    return OK;
}

enum status outline_take(struct outline *outline, const struct event_record *record)
{
    enum event_kind kind = record->event.kind;
    enum status st = OK;

    if (kind == EVENT_STARTED)
        st = take_started(outline, record);
    else if (outline->state == SESSION_NEW)
        st = CORRUPT;
    else if (kind == EVENT_ANSWERED || kind == EVENT_REVISED || kind == EVENT_SCORED)
        st = take_answer(outline, &record->event);
    if (st) return st;
    if ((size_t)kind < COUNT_OF(leads_to)) outline->state = leads_to[kind];
    if (outline->state == SESSION_ASKING && record->outcome.stop) outline->state = SESSION_FINISHED;
    outline->n_asked = outline->n_answer + (record->outcome.item != NO_ITEM);
    outline->theta = record->outcome.theta;
    outline->n_dim = record->outcome.n_dim;
    outline->ability = record->outcome.ability;
    outline->se = record->outcome.se;
    memcpy(outline->stop, record->stop, sizeof(outline->stop));
    return OK;
}
