/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/history.h"
#include "server/request.h"
#include "store/erased.h"

#include <stdlib.h>
#include <string.h>

enum status history_init(struct history *history, struct slice bytes)
{
    const uint8_t *at = bytes.data;
    struct history_head head;

    memcpy(&head, at, sizeof(head));
    at += sizeof(head);
    *history = (struct history){.tenant = slice_of(at, head.n_tenant),
                                .n_retired = head.n_retired,
                                .n_used = head.n_used,
                                .n_lsn = head.n_lsn,
                                .retired = calloc(head.n_retired + 1u, sizeof(uint32_t)),
                                .used = calloc(head.n_used + 1u, sizeof(uint32_t)),
                                .lsn = calloc(head.n_lsn + 1u, sizeof(uint64_t))};
    if (!history->retired || !history->used || !history->lsn) {
        history_done(history);
        return NO_MEMORY;
    }
    at += head.n_tenant;
    memcpy(history->retired, at, head.n_retired * sizeof(uint32_t));
    at += head.n_retired * sizeof(uint32_t);
    memcpy(history->used, at, head.n_used * sizeof(uint32_t));
    at += head.n_used * sizeof(uint32_t);
    memcpy(history->lsn, at, head.n_lsn * sizeof(uint64_t));
    return OK;
}

void history_done(struct history *history)
{
    free(history->retired);
    free(history->used);
    free(history->lsn);
}

/* Events of the journal as one record in the archive's form. */
static enum status gather(const struct history *history, struct env *env, struct slice session,
                          struct buf *out)
{
    struct journal journal = {.env = env};
    struct buf event = {0};
    enum status st = archive_get(env, history->tenant, session, out);
    uint64_t archived = archive_last(buf_slice(out));

    if (st == NOT_FOUND) st = OK;
    for (uint32_t i = 0; i < history->n_lsn && st == OK; i++) {
        if (history->lsn[i] <= archived) continue;
        st = journal_get(&journal, history->lsn[i], &event);
        if (st == OK) archive_append(out, history->lsn[i], buf_slice(&event));
    }
    buf_done(&event);
    if (st == OK && out->failed) st = NO_MEMORY;
    return st == NOT_FOUND ? RETRY : st;
}

/* Events of the shared store on their way to a visitor. */
struct shared_walk {
    struct event_visitor visitor;
    enum status st;  // of the first that was wrong
};

static void on_shared(void *context, size_t i, const struct shared_event *event, enum status status)
{
    struct shared_walk *walk = context;
    struct event_record record;
    struct stored_event stored = {.lsn = event->n, .bytes = event->record, .record = &record};

    (void)i;
    if (walk->st == OK) walk->st = status;
    if (walk->st == OK && erased_stands(event->record)) walk->st = RETRY;  // since it was found
    if (walk->st == OK) walk->st = event_record_read(event->record, &record);
    if (walk->st) return;
    memcpy(stored.seal, event->seal, SEAL_BYTES);
    walk->st = walk->visitor.visit(walk->visitor.context, &stored);
}

static enum status each_shared(const struct history *history, struct shared *shared,
                               struct slice session, struct event_visitor visitor)
{
    struct shared_want want = {.tenant = history->tenant, .session = session};
    struct shared_walk walk = {.visitor = visitor};
    struct shared_news news;
    enum status st =
        shared_fetch(shared, &want, 1, (struct shared_visitor){on_shared, &walk}, &news);

    if (st == IO_ERROR) return RETRY;
    return st ? st : walk.st;
}

enum status history_each(const struct history *history, struct tools *tools, struct slice session,
                         struct event_visitor visitor)
{
    struct env *env = tools->env;
    struct buf events = {0};
    enum status st;

    if (tools->shared.url[0]) return each_shared(history, &tools->shared, session, visitor);
    st = gather(history, env, session, &events);

    if (st == OK) st = archive_each(env, buf_slice(&events), visitor);
    buf_done(&events);
    return st;
}
