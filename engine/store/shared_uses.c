/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/shared_uses.h"
#include "store/shared_run.h"

static enum status look(struct shared *shared, const struct shared_event *events, size_t i,
                        void (*visit)(void *context, size_t i, struct slice item), void *context)
{
    PGresult *rows = NULL;
    enum status st;

    shared_set(shared, 0, events[i].tenant);
    shared_set(shared, 1, events[i].test);
    shared_set(shared, 2, events[i].bank);
    shared_set_int4(shared, 3, events[i].most);
    st = shared_run(shared, USED, &rows);
    for (int row = 0; st == OK && row < PQntuples(rows); row++) {
        visit(context, i, pg_bytes(rows, row, 0));
    }
    PQclear(rows);
    return st;
}

static bool is_refused(const struct shared_event *event, enum shared_fate fate)
{
    return event->most > 0 && fate == SHARED_REFUSED;
}

/* Whether an event before it asks for the same list. */
static bool was_looked_at(const struct shared_event *events, size_t i, const enum shared_fate *fate)
{
    for (size_t j = 0; j < i; j++) {
        if (is_refused(&events[j], fate[j]) && events[j].most == events[i].most &&
            slice_equal(events[j].tenant, events[i].tenant) &&
            slice_equal(events[j].test, events[i].test) &&
            slice_equal(events[j].bank, events[i].bank)) {
            return true;
        }
    }
    return false;
}

enum status shared_used(struct shared *shared, const struct shared_event *events, size_t n,
                        const enum shared_fate *fate,
                        void (*visit)(void *context, size_t i, struct slice item), void *context)
{
    enum status st = OK;

    for (size_t i = 0; i < n && st == OK; i++) {
        if (fate[i] == SHARED_LAST_USE) visit(context, i, events[i].item);
        if (!is_refused(&events[i], fate[i]) || was_looked_at(events, i, fate)) continue;
        st = look(shared, events, i, visit, context);
    }
    return st;
}
