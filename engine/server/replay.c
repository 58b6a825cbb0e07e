/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/replay.h"

#include <string.h>

enum status replay_origin(struct registry *registry, const struct event_record *first,
                          struct replay_origin *out)
{
    const struct identity *identity = &first->identity;
    struct faults faults = {0};
    struct test_entry *test;
    struct bank_entry *bank;
    enum status st;

    if (first->n != 0 || first->event.kind != EVENT_STARTED) return CORRUPT;
    test = registry_test(registry, (struct library_name){first->tenant, identity->test});
    bank = registry_bank(registry, (struct library_name){first->tenant, identity->bank});
    if (!test || !bank) return CORRUPT;
    out->test = test_entry_version(test, identity->test_version);
    out->bank = bank_entry_version(bank, identity->bank_version);
    if (!out->test || !out->bank) return CORRUPT;
    st = registry_plan(registry, out->test, out->bank, &out->plan, &faults);
    faults_done(&faults);
    return st == INVALID_TEST ? CORRUPT : st;
}

static enum status refuse(struct replay *replay, const char *why)
{
    replay->why = why;
    return CORRUPT;
}

enum status replay_event(struct replay *replay, const struct stored_event *stored)
{
    const struct event_record *record = stored->record;
    struct live *live = replay->live;
    struct event event = record->event;
    enum status st;

    if (record->n != session_n_event(live->session)) {
        return refuse(replay, "its number is not the next of its session");
    }
    if (memcmp(record->previous, replay->seal, SEAL_BYTES) != 0) {
        return refuse(replay, "it names another event than the one before it in its session");
    }
    if (event.n_retired > bank_entry_n_retired(live->bank->entry)) {
        return refuse(replay, "more items are withdrawn in it than in its bank");
    }
    event.retired = live->bank->retired;
    st = exposure_prepare_again(live, record, &event);
    if (st == OK) st = exposure_replay(live, record, &event);
    if (st == CORRUPT) return refuse(replay, "what it keeps out is not what the store has");
    if (st == OK) st = session_replay(live->session, &event, &record->outcome, replay->workspace);
    if (st == CORRUPT) {
        return refuse(replay,
                      "it comes to another theta, standard error, item or end than recorded");
    }
    if (st == OK) memcpy(replay->seal, stored->seal, SEAL_BYTES);
    return st;
}
