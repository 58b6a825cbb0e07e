/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is found when somebody edits a store: without the seals' key, and with it. */
#include "base/bytes.h"
#include "server/clock.h"
#include "server_test.h"

#include <stdio.h>
#include <string.h>

enum { MAX_EVENTS = 64, ROUNDS = 100 };

/* Three sessions whose events stand mixed, the first of which has moved to the archive; the journal
 * has 1 to 12. */
static void open_desk(struct desk *desk)
{
    struct server *server = &desk->server;

    desk_open(desk, 16);
    desk_bank(desk, "b", 12);
    desk_test(desk, "t", "'select': {'randomesque': 3}");
    desk_steps(desk, "s-1", "t", "s10f");  // 1 to 4
    desk_steps(desk, "s-2", "t", "s1");    // 5, 6
    desk_steps(desk, "s-3", "t", "s0");    // 7, 8
    desk_steps(desk, "s-2", "t", "0z");    // 9, 10
    desk_steps(desk, "s-3", "t", "1v");    // 11, 12
    cr_assert_eq(server->journal.next_lsn, 13);
    cr_assert_eq(sessions_tidy(server->sessions, &server->batch, desk->now_us + 6000000, 1), OK);
    desk_commit(desk);
    cr_assert_eq(sessions_trim(server->sessions, &server->batch), OK);
    desk_commit(desk);
}

/* The reply of a whole verification; `head` is more of the first request. */
static json_t *verify(struct desk *desk, const char *head)
{
    json_t *reply = wire_read(desk_ask(desk, ROLE_ADMIN, "'op': 'log.verify'%s", head));
    int round = 0;

    while (json_is_false(json_object_get(reply, "done")) && round++ < ROUNDS) {
        json_int_t run = json_integer_value(json_object_get(reply, "run"));

        json_decref(reply);
        reply = wire_read(desk_ask(desk, ROLE_ADMIN, "'op': 'log.verify', 'run': %lld", run));
    }
    cr_assert(json_is_true(json_object_get(reply, "done")), "never done");
    return reply;
}

/* Whether there is a fault of that session and event with these words; "" and 0 are any. */
static bool has_fault(json_t *reply, const char *session, uint64_t event, const char *words)
{
    json_t *fault;
    size_t i;

    json_array_foreach(json_object_get(reply, "faults"), i, fault)
    {
        const char *of = json_string_value(json_object_get(fault, "session"));
        json_int_t at = json_integer_value(json_object_get(fault, "event"));

        if (session[0] && (!of || strcmp(of, session) != 0)) continue;
        if (event > 0 && at != (json_int_t)event) continue;
        if (strstr(json_string_value(json_object_get(fault, "message")), words)) return true;
    }
    return false;
}

static void expect_fault(struct desk *desk, const char *session, uint64_t event, const char *words)
{
    json_t *reply = verify(desk, "");

    if (!has_fault(reply, session, event, words)) {
        char *text = json_dumps(json_object_get(reply, "faults"), 0);

        cr_expect_fail("no fault \"%s\" of %s, event %d in %s", words, session, (int)event, text);
        free(text);
    }
    json_decref(reply);
}

static void expect_clean(struct desk *desk, int n_event, int n_session)
{
    json_t *reply = verify(desk, "");
    char *text = json_dumps(reply, 0);

    cr_expect_eq(json_integer_value(json_object_get(reply, "n_faults")), 0, "%s", text);
    cr_expect_eq(json_integer_value(json_object_get(reply, "n_events")), n_event, "%s", text);
    cr_expect_eq(json_integer_value(json_object_get(reply, "n_sessions")), n_session, "%s", text);
    free(text);
    json_decref(reply);
}

Test(verify, a_store_as_it_was_written_is_clean)
{
    struct desk desk;

    open_desk(&desk);
    expect_clean(&desk, 12, 3);
    desk_reopen(&desk);
    expect_clean(&desk, 12, 3);
    desk_steps(&desk, "s-2", "t", "r1");
    expect_clean(&desk, 14, 3);
    desk_close(&desk);
}

/* The journal as it stands, to be changed and written again with seals that hold. */
struct copy {
    uint64_t lsn[MAX_EVENTS];
    struct buf value[MAX_EVENTS];
    size_t n;
};

static enum status copy_event(void *context, struct slice key, struct slice value)
{
    struct copy *copy = context;

    cr_assert_lt(copy->n, MAX_EVENTS);
    copy->lsn[copy->n] = bytes_get_u64(key.data);
    buf_append(&copy->value[copy->n++], value.data, value.n);
    return OK;
}

static void copy_read(struct desk *desk, struct copy *copy)
{
    *copy = (struct copy){0};
    cr_assert_eq(env_each(desk->server.env, TABLE_JOURNAL, slice_str(""),
                          (struct visitor){copy_event, copy}),
                 OK);
}

static void copy_write(struct desk *desk, struct copy *copy)
{
    struct batch *batch = &desk->server.batch;
    uint8_t key[8];

    for (uint64_t lsn = 1; lsn < desk->server.journal.next_lsn; lsn++) {
        bytes_put_u64(key, lsn);
        batch_remove(batch, TABLE_JOURNAL, slice_of(key, sizeof(key)));
    }
    for (size_t i = 0; i < copy->n; i++) {
        bytes_put_u64(key, copy->lsn[i]);
        batch_put(desk->server.env, batch, TABLE_JOURNAL, slice_of(key, sizeof(key)),
                  buf_slice(&copy->value[i]), NULL);
        buf_done(&copy->value[i]);
    }
    desk_commit(desk);
}

/* The place of event `lsn` in the copy. */
static size_t place_of(const struct copy *copy, uint64_t lsn)
{
    for (size_t i = 0; i < copy->n; i++) {
        if (copy->lsn[i] == lsn) return i;
    }
    cr_assert_fail("the journal has no event %d", (int)lsn);
    return 0;
}

static void drop_event(struct copy *copy, uint64_t lsn)
{
    size_t at = place_of(copy, lsn);

    buf_done(&copy->value[at]);
    copy->n--;
    memmove(&copy->lsn[at], &copy->lsn[at + 1], (copy->n - at) * sizeof(copy->lsn[0]));
    memmove(&copy->value[at], &copy->value[at + 1], (copy->n - at) * sizeof(copy->value[0]));
}

/* Change what an event's record says; its link and the session's chain stay as they are. */
static void forge(struct buf *value, void (*change)(struct event_record *))
{
    struct event_record record;
    struct buf forged = {0};

    buf_append(&forged, value->data, SEAL_BYTES);
    cr_assert_eq(
        event_record_read(slice_of(value->data + SEAL_BYTES, value->n - SEAL_BYTES), &record), OK);
    change(&record);
    event_record_write(&record, &forged);
    buf_done(value);
    *value = forged;
}

static void other_score(struct event_record *record)
{
    record->event.response.score ^= 1;
}

static void other_time(struct event_record *record)
{
    record->event.time_ms++;
}

static void other_reason(struct event_record *record)
{
    record->reason = slice_str("no reason");
}

static void expect_forged(uint64_t lsn, void (*change)(struct event_record *), const char *session,
                          const char *words)
{
    struct desk desk;
    struct copy copy;

    open_desk(&desk);
    copy_read(&desk, &copy);
    forge(&copy.value[place_of(&copy, lsn)], change);
    copy_write(&desk, &copy);
    expect_fault(&desk, session, lsn, words);
    desk_close(&desk);
}

/* Sealed again by somebody who has the key. What changes no theta is found by the links alone. */
Test(verify, finds_an_event_that_was_changed)
{
    expect_forged(6, other_score, "s-2", "comes to another theta");
    expect_forged(6, other_score, "s-2", "not the event that the next one names");
    expect_forged(6, other_time, "s-2", "not the event that the next one names");
    expect_forged(10, other_time, "s-2", "not the event that the next one names");  // its last
}

/* Nothing stands behind the newest event but a head. */
Test(verify, finds_that_the_newest_event_was_changed)
{
    struct desk desk;
    struct copy copy;
    char head[256];
    json_t *reply, *was;

    open_desk(&desk);
    was = verify(&desk, "");
    snprintf(head, sizeof(head), ", 'head': {'event': 12, 'seal': '%s'}",
             json_string_value(json_object_get(json_object_get(was, "head"), "seal")));
    copy_read(&desk, &copy);
    forge(&copy.value[place_of(&copy, 12)], other_reason);
    copy_write(&desk, &copy);
    expect_clean(&desk, 12, 3);  // nobody can know
    reply = verify(&desk, head);
    cr_expect(has_fault(reply, "s-3", 12, "not the event that the next one names"));
    json_decref(reply);
    json_decref(was);
    desk_close(&desk);

    open_desk(&desk);
    journal_anchor(&desk.server.journal, &desk.server.batch);
    desk_commit(&desk);
    copy_read(&desk, &copy);
    forge(&copy.value[place_of(&copy, 12)], other_reason);
    copy_write(&desk, &copy);
    expect_fault(&desk, "s-3", 12, "not the event that the next one names");
    desk_close(&desk);
}

Test(verify, finds_an_event_that_is_gone)
{
    struct desk desk;
    struct copy copy;

    open_desk(&desk);
    copy_read(&desk, &copy);
    drop_event(&copy, 9);
    copy_write(&desk, &copy);
    expect_fault(&desk, "", 9, "missing");
    expect_fault(&desk, "s-2", 10, "number 3: its number is not the next");
    desk_close(&desk);
}

Test(verify, finds_that_the_end_of_a_session_is_gone)
{
    struct desk desk;
    struct copy copy;

    open_desk(&desk);
    copy_read(&desk, &copy);
    drop_event(&copy, 10);
    copy_write(&desk, &copy);
    expect_fault(&desk, "", 10, "missing");
    desk_close(&desk);
}

Test(verify, finds_that_a_session_is_gone)
{
    struct desk desk;
    struct copy copy;
    struct session_key key = session_key_of(slice_str("local"), slice_str("s-1"));

    open_desk(&desk);
    copy_read(&desk, &copy);
    for (uint64_t lsn = 5; lsn <= 10; lsn += lsn == 6 ? 3 : 1) drop_event(&copy, lsn);
    copy_write(&desk, &copy);
    expect_fault(&desk, "", 5, "up to event 6 are missing");
    expect_fault(&desk, "", 9, "up to event 10 are missing");
    desk_close(&desk);

    open_desk(&desk);
    batch_remove(&desk.server.batch, TABLE_ARCHIVE, session_key_slice(&key));
    desk_commit(&desk);
    expect_fault(&desk, "", 1, "up to event 4 are missing");
    desk_close(&desk);
}

Test(verify, finds_that_the_newest_events_are_gone)
{
    struct desk desk;
    struct copy copy;
    json_t *reply;

    open_desk(&desk);
    journal_anchor(&desk.server.journal, &desk.server.batch);
    desk_commit(&desk);
    copy_read(&desk, &copy);
    drop_event(&copy, 12);
    drop_event(&copy, 11);
    copy_write(&desk, &copy);
    expect_fault(&desk, "", 11, "up to event 12 are missing");
    batch_remove(&desk.server.batch, TABLE_META, slice_str("head"));
    desk_commit(&desk);
    expect_clean(&desk, 10, 3);  // what is put back as a whole needs a head from elsewhere
    reply = verify(&desk, ", 'head': {'event': 12, 'seal': '000102030405060708090a0b0c0d0e0f'}");
    cr_expect(has_fault(reply, "", 12, "10 is the last"));
    json_decref(reply);
    desk_close(&desk);
}

Test(verify, finds_an_event_that_stands_twice)
{
    struct desk desk;
    struct copy copy;

    open_desk(&desk);
    copy_read(&desk, &copy);
    copy.lsn[copy.n] = 13;
    buf_append(&copy.value[copy.n++], copy.value[place_of(&copy, 9)].data,
               copy.value[place_of(&copy, 9)].n);
    copy_write(&desk, &copy);
    expect_fault(&desk, "s-2", 13, "number 2: its number is not the next");
    expect_fault(&desk, "", 12, "not the event that the next one names");
    desk_close(&desk);
}

Test(verify, finds_events_that_changed_places)
{
    struct desk desk;
    struct copy copy;
    struct buf value;
    size_t a, b;

    open_desk(&desk);
    copy_read(&desk, &copy);
    a = place_of(&copy, 6);
    b = place_of(&copy, 9);
    value = copy.value[a];
    copy.value[a] = copy.value[b];
    copy.value[b] = value;
    copy_write(&desk, &copy);
    expect_fault(&desk, "s-2", 6, "number 2: its number is not the next");
    expect_fault(&desk, "s-2", 5, "not the event that the next one names");
    desk_close(&desk);
}

/* The archive of s-1, edited with a seal that holds. */
static void edit_archive(struct desk *desk, void (*edit)(struct desk *, struct buf *))
{
    struct slice tenant = slice_str("local"), session = slice_str("s-1");
    struct buf archive = {0};

    cr_assert_eq(archive_get(desk->server.env, tenant, session, &archive), OK);
    edit(desk, &archive);
    archive_put(desk->server.env, &desk->server.batch, tenant, session, buf_slice(&archive));
    desk_commit(desk);
    buf_done(&archive);
}

/* Its events, with the second one forged; `n` of them. */
static void rewrite(struct buf *archive, size_t n, bool forged)
{
    struct slice rest = buf_slice(archive), value;
    struct buf made = {0}, copy = {0};
    uint64_t lsn;

    for (size_t i = 0; i < n && archive_next(&rest, &lsn, &value); i++) {
        buf_clear(&copy);
        buf_append(&copy, value.data, value.n);
        if (forged && i == 1) forge(&copy, other_time);
        archive_append(&made, lsn, buf_slice(&copy));
    }
    buf_done(&copy);
    buf_done(archive);
    *archive = made;
}

static void forge_second(struct desk *desk, struct buf *archive)
{
    (void)desk;
    rewrite(archive, MAX_EVENTS, true);
}

static void cut_last(struct desk *desk, struct buf *archive)
{
    (void)desk;
    rewrite(archive, 3, false);
}

static void cut_bytes(struct desk *desk, struct buf *archive)
{
    (void)desk;
    archive->n -= 7;
}

Test(verify, finds_a_change_in_the_archive)
{
    struct desk desk;

    open_desk(&desk);
    edit_archive(&desk, forge_second);
    expect_fault(&desk, "s-1", 2, "not the event that the next one names");
    expect_fault(&desk, "s-1", 3, "number 2: it names another event");
    desk_close(&desk);

    open_desk(&desk);
    edit_archive(&desk, cut_last);
    expect_fault(&desk, "", 4, "missing");
    desk_close(&desk);

    open_desk(&desk);
    edit_archive(&desk, cut_bytes);
    expect_fault(&desk, "s-1", 0, "behind event 3 cannot be read");
    expect_fault(&desk, "", 4, "missing");
    desk_close(&desk);
}

static enum status change_item(void *context, struct slice key, struct slice value)
{
    struct desk *desk = context;
    struct buf copy = {0};

    /* Its parameter a, the first double: one unit in the last place. */
    buf_append(&copy, value.data, value.n);
    for (size_t i = 0; i + 8 < copy.n; i++) {
        if (copy.data[i] != 0xcb) continue;
        copy.data[i + 8] ^= 0x10;
        break;
    }
    batch_put(desk->server.env, &desk->server.batch, TABLE_ITEM, key, buf_slice(&copy), NULL);
    buf_done(&copy);
    return OK;
}

Test(verify, finds_a_changed_bank)
{
    struct desk desk;

    open_desk(&desk);
    cr_assert_eq(
        env_each(desk.server.env, TABLE_ITEM, slice_str(""), (struct visitor){change_item, &desk}),
        OK);
    desk_commit(&desk);
    expect_fault(&desk, "s-1", 0, "comes to another theta");
    desk_close(&desk);
}

static void expect_flip_found(enum table table, size_t at_share, const char *session,
                              uint64_t event)
{
    struct session_key key = session_key_of(slice_str("local"), slice_str("s-1"));
    struct desk desk;
    struct fault fault = {0};
    uint8_t lsn[8];

    bytes_put_u64(lsn, event);
    open_desk(&desk);
    desk_flip(&desk, table,
              table == TABLE_JOURNAL ? slice_of(lsn, sizeof(lsn)) : session_key_slice(&key),
              at_share);
    desk.server = (struct server){0};
    cr_assert_eq(env_open(desk.config.data_dir, 64 << 20, &desk.server.env, &fault), OK);
    cr_assert_eq(audit_init(&desk.server.audit, desk.server.env), OK);
    expect_fault(&desk, session, event, "its seal does not hold");
    desk_close(&desk);
}

Test(verify, finds_flipped_bits)
{
    for (size_t share = 0; share < 10; share++) {
        expect_flip_found(TABLE_JOURNAL, share, "", 9);
        expect_flip_found(TABLE_ARCHIVE, share, "s-1", 0);
    }
}

/* The last key says how far the journal goes. One that is no event's must not hide the events. */
Test(verify, finds_a_key_that_is_no_events)
{
    static const char *const keys[] = {"z", "zzzzzzzzz"};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct desk desk;

        open_desk(&desk);
        batch_put(desk.server.env, &desk.server.batch, TABLE_JOURNAL, slice_str(keys[i]),
                  slice_str("put there"), NULL);
        desk_commit(&desk);
        expect_fault(&desk, "", 0, "key");
        desk_close(&desk);
    }
}

/* A verification of another tenant that has begun and is not done. */
static void begin_others(struct desk *desk, size_t i, int64_t used_us)
{
    struct verify_run *run = &desk->tools.runs[i];

    cr_assert_eq(verify_new(desk->server.env, NULL, &run->verify), OK);
    run->number = 77 + (int64_t)i;
    snprintf(run->tenant, sizeof(run->tenant), "other-%zu", i);
    run->used_us = used_us;
}

Test(verify, each_tenant_has_its_own_and_there_are_few)
{
    struct desk desk;
    const struct verify_run *runs = desk.tools.runs;

    open_desk(&desk);
    for (size_t i = 0; i + 1 < TOOLS_RUNS; i++) begin_others(&desk, i, clock_us());
    json_decref(verify(&desk, ""));
    json_decref(verify(&desk, ""));
    for (size_t i = 0; i + 1 < TOOLS_RUNS; i++) {
        cr_expect_eq(runs[i].number, 77 + (int64_t)i, "another tenant's was ended");
        cr_expect_not(verify_done(runs[i].verify));
    }
    cr_expect_str_eq(runs[TOOLS_RUNS - 1].tenant, "local");
    tools_end_runs(&desk.tools);
    for (size_t i = 0; i < TOOLS_RUNS; i++) begin_others(&desk, i, clock_us());
    desk_fail(&desk, "busy", "'op': 'log.verify'");
    desk_fail(&desk, "conflict", "'op': 'log.verify', 'run': 77");
    tools_end_runs(&desk.tools);
    for (size_t i = 0; i < TOOLS_RUNS; i++) {
        begin_others(&desk, i, clock_us() - (i == 2 ? 61000000 : 0));
    }
    json_decref(verify(&desk, ""));
    cr_expect_str_eq(runs[2].tenant, "local", "the one that nobody goes on with makes room");
    cr_expect_eq(runs[1].number, 78);
    desk_close(&desk);
}

/* While events are written, archived and trimmed between two slices. */
Test(verify, what_is_written_meanwhile_does_not_matter)
{
    struct desk desk;
    struct verify *run;
    int n_slice = 0;

    open_desk(&desk);
    cr_assert_eq(verify_new(desk.server.env, NULL, &run), OK);
    while (!verify_done(run)) {
        char session[24];

        cr_assert_eq(verify_step(run, 1), OK);
        snprintf(session, sizeof(session), "later-%d", n_slice);
        if (n_slice < 8) desk_steps(&desk, session, "t", "s1f");
        if (n_slice == 2) desk_do(&desk, "'op': 'bank.retire', 'bank': 'b', 'item': 'q12'");
        cr_assert_eq(
            sessions_tidy(desk.server.sessions, &desk.server.batch, desk.now_us + (int64_t)9e12, 1),
            OK);
        desk_commit(&desk);
        cr_assert_eq(sessions_trim(desk.server.sessions, &desk.server.batch), OK);
        desk_commit(&desk);
        n_slice++;
    }
    cr_expect_gt(n_slice, 12);
    verify_free(run);
    expect_clean(&desk, 12 + 8 * 3, 11);
    desk_close(&desk);
}
