/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/session_check.h"
#include "server/replay.h"

/* One session being taken again. */
struct taking {
    struct session_check *check;
    const struct owner *owner;
    struct replay replay;
    struct live live;
    uint8_t seal[SEAL_BYTES];
    uint64_t last_lsn;
    bool broken;  // told; the rest of its events is noted only
};

static enum status begin_session(struct taking *taking, const struct stored_event *stored)
{
    struct session_check *check = taking->check;
    struct replay_origin origin;
    enum status st = replay_origin(check->registry, stored->record, &origin);
    size_t n_item;

    if (st) {
        taking->replay.why = "it does not begin the session, or its test or bank is not there";
        return st;
    }
    n_item = bank_n_item(origin.plan->bank);
    if (n_item > check->workspace_items) {
        workspace_free(check->workspace);
        check->workspace = workspace_new(n_item);
        check->workspace_items = check->workspace ? n_item : 0;
    }
    taking->live = (struct live){.session = session_new(origin.plan),
                                 .test = origin.test,
                                 .bank = origin.bank,
                                 .tenant = taking->owner->tenant,
                                 .id = taking->owner->session,
                                 .examinee = stored->record->identity.examinee};
    taking->replay.live = &taking->live;
    taking->replay.workspace = check->workspace;
    taking->replay.seal = taking->seal;
    if (!taking->live.session || !check->workspace) return NO_MEMORY;
    return exposure_enter(check->exposure, &taking->live);
}

static enum status take_event(void *context, const struct stored_event *stored)
{
    struct taking *taking = context;
    struct session_check *check = taking->check;
    const struct event_record *record = stored->record;
    enum status st = OK;

    ledger_note(check->ledger, taking->owner, stored);
    taking->last_lsn = stored->lsn;
    if (stored->lsn > check->ledger->head.lsn || taking->broken) return OK;
    check->n_event++;
    taking->replay.why = "it is another session's";
    if (!slice_equal(record->tenant, taking->owner->tenant) ||
        !slice_equal(record->session, taking->owner->session)) {
        st = CORRUPT;
    }
    if (st == OK && !taking->live.session) st = begin_session(taking, stored);
    if (st == OK) st = replay_event(&taking->replay, stored);
    if (st != CORRUPT) return st;
    ledger_tell(check->ledger, taking->owner, stored->lsn, "number %u: %s", record->n,
                taking->replay.why);
    taking->broken = true;
    return OK;
}

enum status session_check(struct session_check *check, const struct owner *owner,
                          struct slice events)
{
    struct taking taking = {.check = check, .owner = owner};
    enum status st = archive_each(check->env, events, (struct event_visitor){take_event, &taking});

    if (taking.live.session) exposure_leave(check->exposure, &taking.live);
    session_free(taking.live.session);
    check->n_session++;
    if (st != CORRUPT) return st;
    ledger_tell(check->ledger, owner, 0, "what stands behind event %llu cannot be read",
                (unsigned long long)taking.last_lsn);
    return OK;
}
