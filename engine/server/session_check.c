/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/session_check.h"

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
    if (!slice_to_text(stored->record->identity.examinee, taking->examinee,
                       sizeof(taking->examinee))) {
        return CORRUPT;
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
                                 .examinee = slice_str(taking->examinee)};
    taking->replay.live = &taking->live;
    taking->replay.workspace = check->workspace;
    taking->replay.seal = taking->seal;
    if (!taking->live.session || !check->workspace) return NO_MEMORY;
    return exposure_enter(check->exposure, &taking->live);
}

enum status taking_event(struct taking *taking, const struct stored_event *stored)
{
    struct session_check *check = taking->check;
    const struct event_record *record = stored->record;
    enum status st = OK;

    if (!check->is_shared) ledger_note(check->ledger, taking->owner, stored);
    taking->last_lsn = stored->lsn;
    if (taking->broken) return OK;
    if (!check->is_shared && stored->lsn > check->ledger->head.lsn) return OK;
    check->n_event++;
    taking->replay.why = "it is another session's";
    if (!slice_equal(record->tenant, taking->owner->tenant) ||
        !slice_equal(record->session, taking->owner->session)) {
        st = CORRUPT;
    }
    if (st == OK && !taking->live.session) st = begin_session(taking, stored);
    if (st == OK) st = replay_event(&taking->replay, stored);
    if (st != CORRUPT) return st;
    ledger_tell(check->ledger, taking->owner, check->is_shared ? 0 : stored->lsn, "number %u: %s",
                record->n, taking->replay.why);
    taking->broken = true;
    return OK;
}

void taking_begin(struct taking *taking, struct session_check *check, const struct owner *owner)
{
    *taking = (struct taking){.check = check, .owner = owner};
}

void taking_end(struct taking *taking)
{
    if (taking->live.session) exposure_leave(taking->check->exposure, &taking->live);
    session_free(taking->live.session);
    taking->live.session = NULL;
}

static enum status take_event(void *context, const struct stored_event *stored)
{
    return taking_event(context, stored);
}

enum status session_check(struct session_check *check, const struct owner *owner,
                          struct slice events)
{
    struct taking taking;
    enum status st;

    taking_begin(&taking, check, owner);
    st = archive_each(check->env, events, (struct event_visitor){take_event, &taking});
    taking_end(&taking);
    check->n_session++;
    if (st != CORRUPT) return st;
    ledger_tell(check->ledger, owner, 0, "what stands behind event %llu cannot be read",
                (unsigned long long)taking.last_lsn);
    return OK;
}
