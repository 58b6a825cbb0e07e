/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Event records, a sequence of messages. A record that is read is written and read as the same
 * again; its event, taken by a session, replays to the bits of what came of it. */
#include "session/session.h"
#include "store/event_record.h"
#include "tests/fuzz/fuzz.h"

static const uint32_t retired[] = {5, 2};

struct seat {
    struct plan *plan;
    struct workspace *workspace;
    struct session *first, *again;  // the second one replays what the first one takes
};

static void rewrite(const struct event_record *record)
{
    struct event_record copy;
    struct buf once = {0}, twice = {0};

    event_record_write(record, &once);
    MUST(event_record_read(buf_slice(&once), &copy) == OK);
    event_record_write(&copy, &twice);
    MUST(slice_equal(buf_slice(&once), buf_slice(&twice)));
    buf_done(&once);
    buf_done(&twice);
}

/* Whether it was one that the session takes. */
static bool take(struct seat *seat, struct event event)
{
    struct effects effects;
    struct outcome none = {.item = NO_ITEM};
    bool is_first = session_n_event(seat->first) == 0;

    if (is_first != (event.kind == EVENT_STARTED)) {
        MUST(session_replay(seat->first, &event, &none, seat->workspace) == CORRUPT);
        return false;
    }
    event.retired = retired;
    if (event.n_retired > COUNT_OF(retired)) event.n_retired = COUNT_OF(retired);
    if (session_step(seat->first, &event, seat->workspace, &effects) || !effects.changed)
        return false;
    MUST(session_replay(seat->again, &event, &effects.outcome, seat->workspace) == OK);
    return true;
}

static void open_seat(struct seat *seat)
{
    struct test test;
    struct faults faults = {0};

    test_init(&test);
    MUST(plan_new(&test, fuzz_bank(), &seat->plan, &faults) == OK);
    seat->workspace = workspace_new(bank_n_item(fuzz_bank()));
    MUST(seat->workspace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct seat seat;
    struct slice rest = slice_of(data, n), message;
    bool is_taken = false;

    if (!seat.plan) open_seat(&seat);
    seat.first = session_new(seat.plan);
    seat.again = session_new(seat.plan);
    MUST(seat.first && seat.again);
    while (fuzz_message(&rest, &message)) {
        struct event_record record;

        if (event_record_read(message, &record)) continue;
        rewrite(&record);
        MUST(event_record_read(message, &record) == OK);
        is_taken = take(&seat, record.event) || is_taken;
    }
    session_free(seat.first);
    session_free(seat.again);
    if (is_taken) fuzz_taken();
    return 0;
}
