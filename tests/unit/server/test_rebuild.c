/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions as they come back from the disk. Suite `sessions_rebuild`. */
#include "server_test.h"
#include "tests/support/sitting.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SESSIONS = 64, MAX_RECORDS = 16 };

/* Tests that differ in what a session does. */
static const char *const tests[] = {
    "'revise': 2, 'select': {'randomesque': 3}, 'stop': {'any': [{'rule': 'length', 'at': 5}]},"
    " 'scale': {'slope': 10, 'intercept': 200}, 'cuts': [{'name': 'c', 'theta': 0}]",
    "'revise': 1, 'select': {'criterion': 'random'}, 'final': {'method': 'WLE'},"
    " 'estimate': {'method': 'ML', 'constant': 'fixed4'}",
    "'revise': 9, 'estimate': {'method': 'MAP', 'prior': {'dist': 'uniform'}}, 'blueprint': "
    "{'proportions':"
    " {'tag': 'strand', 'targets': [{'value': 'a', 'proportion': 0.6},"
    " {'value': 'b', 'proportion': 0.4}]}}",
    "'revise': 1, 'omit': 'ignored', 'estimate': {'method': 'WLE'}, 'start': {'items': ['q5', "
    "'q2']},"
    " 'stop': {'any': [{'rule': 'se', 'at': 0.6}, {'all': [{'rule': 'time', 'at_ms': 6000},"
    " {'rule': 'length', 'at': 4}]}]}, 'final': {'method': 'EAP'}",
};

static const char *const scripts[] = {"s1zr01", "szf",    "sf",     "s01v",  "s-0-",
                                      "s11fv",  "szrzr1", "s1W0R1", "s0-W1R"};

/* All that there is to see of a session. */
struct sight {
    char session[16];
    struct session_view view;
    uint32_t n_event;
    struct buf reply;
};

static void look(struct desk *desk, struct sight *sight)
{
    struct slice reply =
        desk_ask(desk, ROLE_ALL, "'op': 'session.get', 'session': '%s'", sight->session);

    buf_clear(&sight->reply);
    buf_append(&sight->reply, reply.data, reply.n);
    sight->view = desk_view(desk, sight->session);
    sight->n_event = session_n_event(desk_live(desk, sight->session)->session);
}

static void expect_same_sight(struct desk *desk, struct sight *before, size_t step)
{
    struct sight after = {0};

    strcpy(after.session, before->session);
    look(desk, &after);
    expect_true(view_equal(&after.view, &before->view), "%s: the view after step %zu",
                before->session, step);
    expect_true(slice_equal(buf_slice(&after.reply), buf_slice(&before->reply)),
                "%s: the state after step %zu", before->session, step);
    expect_true(after.n_event == before->n_event, "%s: events", before->session);
    buf_done(&after.reply);
}

/* At once, and when each is asked for. */
static void expect_rebuilt(struct desk *desk, struct sight *sights, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i++) look(desk, &sights[i]);
    for (uint64_t n_awake = 0; n_awake < 2; n_awake++) {
        desk->config.n_awake = n_awake;
        desk_reopen(desk);
        cr_expect_eq(sessions_are_awake(desk->server.sessions), n_awake == 0 || n == 1);
        cr_expect_eq(sessions_n_live(desk->server.sessions), n);
        for (size_t i = 0; i < n; i++) expect_same_sight(desk, &sights[i], step);
        cr_expect(sessions_are_awake(desk->server.sessions));
        cr_expect_eq(sessions_n_live(desk->server.sessions), n);
    }
}

/* One after the other so that the journal has the sessions mixed: all have begun before the first
 * goes on. An item is withdrawn now and then. */
static size_t step_all(struct desk *desk, struct sight *sights, size_t column, const char *test)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        if (column >= strlen(scripts[i])) continue;
        desk_step(desk, sights[i].session, test, scripts[i][column]);
        expect_rebuilt(desk, sights, column == 0 ? i + 1 : COUNT_OF(scripts), column);
        n++;
    }
    desk_do(desk, "'op': 'bank.retire', 'bank': 'b', 'item': 'q%zu'", 3 + column);
    return n;
}

Test(sessions_rebuild, comes_to_the_same_bits_at_every_point)
{
    for (size_t t = 0; t < COUNT_OF(tests); t++) {
        struct sight sights[COUNT_OF(scripts)] = {0};
        struct desk desk;
        size_t n = 0;

        desk_open(&desk, MAX_SESSIONS);
        desk_bank(&desk, "b", 12);
        desk_test(&desk, "t", tests[t]);
        for (size_t i = 0; i < COUNT_OF(scripts); i++)
            snprintf(sights[i].session, sizeof(sights[i].session), "s-%zu-%zu", t, i);
        for (size_t column = 0; column < 6; column++) {
            n += step_all(&desk, sights, column, "t");
            if (column == 2) desk_bank(&desk, "b", 9);
            if (column == 3) desk_test(&desk, "t", "'reveal': true");
        }
        cr_expect_eq(n, 42);
        for (size_t i = 0; i < COUNT_OF(scripts); i++) buf_done(&sights[i].reply);
        desk_close(&desk);
    }
}

/* The same through the archive. */
Test(sessions_rebuild, comes_to_the_same_bits_from_the_archive)
{
    for (size_t t = 0; t < COUNT_OF(tests); t++) {
        struct sight sights[COUNT_OF(scripts)] = {0};
        struct desk desk;
        struct server *server = &desk.server;

        desk_open(&desk, MAX_SESSIONS);
        desk_bank(&desk, "b", 12);
        desk_test(&desk, "t", tests[t]);
        for (size_t i = 0; i < COUNT_OF(scripts); i++) {
            snprintf(sights[i].session, sizeof(sights[i].session), "s-%zu", i);
            desk_steps(&desk, sights[i].session, "t", scripts[i]);
            look(&desk, &sights[i]);
        }
        desk.now_us += (int64_t)24 * 3600 * 1000000;
        for (int round = 0; round < 2; round++) {
            cr_expect_eq(sessions_tidy(server->sessions, &server->batch, desk.now_us, 100), OK);
            desk_commit(&desk);
        }
        cr_expect_eq(sessions_n_live(server->sessions), 0);
        cr_expect_eq(sessions_trim(server->sessions, &server->batch), OK);
        desk_commit(&desk);
        for (size_t i = 0; i < COUNT_OF(scripts); i++) {
            expect_same_sight(&desk, &sights[i], 99);
            buf_done(&sights[i].reply);
        }
        desk_close(&desk);
    }
}

/* The journal from `lsn` on, read to be changed and written again with seals that hold. */
struct forgery {
    struct event_record record[MAX_RECORDS];
    struct buf bytes[MAX_RECORDS];
    uint64_t lsn;
    size_t n;
};

static void forgery_read(struct desk *desk, uint64_t lsn, struct forgery *out)
{
    struct slice record;

    *out = (struct forgery){.lsn = lsn};
    for (; lsn < desk->server.journal.next_lsn; lsn++, out->n++) {
        cr_assert_lt(out->n, MAX_RECORDS);
        cr_assert_eq(journal_get(&desk->server.journal, lsn, &out->bytes[out->n]), OK);
        record = journal_record(desk->server.env, lsn, buf_slice(&out->bytes[out->n]));
        cr_assert_eq(event_record_read(record, &out->record[out->n]), OK);
    }
}

/* Each event behind the first names the seal of the one before, as it is now. */
static void forgery_write(struct desk *desk, struct forgery *forgery)
{
    struct server *server = &desk->server;
    uint8_t seal[SEAL_BYTES], key[8];

    for (size_t i = 0; i < forgery->n; i++) {
        for (int b = 0; b < 8; b++) key[b] = (uint8_t)((forgery->lsn + i) >> (56 - 8 * b));
        batch_remove(&server->batch, TABLE_JOURNAL, slice_of(key, sizeof(key)));
    }
    desk_commit(desk);
    journal_done(&server->journal);
    cr_assert_eq(journal_init(&server->journal, server->env), OK);
    cr_assert_eq(server->journal.next_lsn, forgery->lsn);
    for (size_t i = 0; i < forgery->n; i++) {
        if (i > 0) memcpy(forgery->record[i].previous, seal, SEAL_BYTES);
        journal_append(&server->journal, &server->batch, &forgery->record[i], seal);
    }
    desk_commit(desk);
    for (size_t i = 0; i < forgery->n; i++) buf_done(&forgery->bytes[i]);
}

static void flip_last_bit(double *value)
{
    *value = nextafter(*value, 100.0);
}

static void forge_nothing(struct event_record *record)
{
    (void)record;
}

static void forge_theta(struct event_record *record)
{
    flip_last_bit(&record->outcome.theta);
}

static void forge_se(struct event_record *record)
{
    flip_last_bit(&record->outcome.se);
}

static void forge_item(struct event_record *record)
{
    record->outcome.item ^= 1;
}

static void forge_no_item(struct event_record *record)
{
    record->outcome.item = NO_ITEM;
}

static void forge_stop(struct event_record *record)
{
    record->outcome.stop = "length";
}

static void forge_score(struct event_record *record)
{
    record->event.response.score ^= 1;
}

static void forge_seq(struct event_record *record)
{
    record->event.seq--;
}

static void forge_asked(struct event_record *record)
{
    record->event.item ^= 1;
}

static void forge_kind(struct event_record *record)
{
    record->event.kind = EVENT_RESUMED;
}

static void forge_finish(struct event_record *record)
{
    record->event.kind = EVENT_FINISHED;
}

static void forge_start(struct event_record *record)
{
    record->event.kind = EVENT_STARTED;
}

static void forge_skip(struct event_record *record)
{
    record->n++;
}

static void forge_repeat(struct event_record *record)
{
    record->n--;
}

static void forge_previous(struct event_record *record)
{
    record->previous[7] ^= 0x20;
}

static void forge_retired(struct event_record *record)
{
    record->event.n_retired = 1;
}

static void forge_session(struct event_record *record)
{
    record->session = slice_str("s-2");
}

static void forge_long_session(struct event_record *record)
{
    static char name[4 * LIMIT_ID];

    memset(name, 'n', sizeof(name));
    record->session = slice_of(name, sizeof(name));
}

static void forge_tenant(struct event_record *record)
{
    record->tenant = slice_str("other");
}

static void forge_test_version(struct event_record *record)
{
    record->identity.test_version = 2;
}

static void forge_bank_version(struct event_record *record)
{
    record->identity.bank_version = 2;
}

static void forge_test(struct event_record *record)
{
    record->identity.test = slice_str("u");
}

static void forge_bank(struct event_record *record)
{
    record->identity.bank = slice_str("c");
}

/* The daemon does not start on a journal that was changed at `lsn`, and says where. */
static void expect_found(uint64_t lsn, void (*forge)(struct event_record *), const char *text)
{
    struct desk desk;
    struct forgery forgery;
    struct fault fault = {0};
    enum status st;

    desk_open(&desk, MAX_SESSIONS);
    desk_bank(&desk, "b", 12);
    desk_test(&desk, "t", tests[0]);
    desk_steps(&desk, "s-1", "t", "s101");
    forgery_read(&desk, lsn, &forgery);
    forge(&forgery.record[0]);
    forgery_write(&desk, &forgery);
    st = desk_restart(&desk, &fault);
    if (text) {
        cr_expect_eq(st, CORRUPT, "%s: status %d", text, st);
        cr_expect_str_eq(fault.text, text);
    } else {
        cr_expect_eq(st, OK, "%s", fault.text);
    }
    desk_close(&desk);
}

Test(sessions_rebuild, finds_a_changed_last_event)
{
    static const char at[] = "event 4 (number 3 of its session) does not replay";

    expect_found(4, forge_nothing, NULL);
    expect_found(4, forge_theta, at);
    expect_found(4, forge_se, at);
    expect_found(4, forge_item, at);
    expect_found(4, forge_no_item, at);
    expect_found(4, forge_stop, at);
    expect_found(4, forge_score, at);
    expect_found(4, forge_seq, at);
    expect_found(4, forge_asked, at);
    expect_found(4, forge_kind, at);
    expect_found(4, forge_finish, at);
    expect_found(4, forge_previous, at);
    expect_found(4, forge_retired, at);
    expect_found(4, forge_session, at);
    expect_found(4, forge_tenant, at);
}

/* What cannot be read has no number; the one before it has. */
Test(sessions_rebuild, finds_an_event_that_cannot_be_read)
{
    static const char at[] = "the event behind event 3 is damaged or cannot be read";

    expect_found(4, forge_start, at);
    expect_found(4, forge_long_session, at);
    expect_found(1, forge_long_session, "the event behind event 0 is damaged or cannot be read");
}

Test(sessions_rebuild, finds_a_wrong_number)
{
    expect_found(4, forge_skip, "event 4 (number 4 of its session) does not replay");
    expect_found(4, forge_repeat, "event 4 (number 2 of its session) does not replay");
    expect_found(2, forge_repeat, "event 2 (number 0 of its session) does not replay");
}

Test(sessions_rebuild, finds_a_changed_start)
{
    static const char at[] = "event 1 (number 0 of its session) does not replay";

    expect_found(1, forge_nothing, NULL);
    expect_found(1, forge_theta, at);
    expect_found(1, forge_item, at);
    expect_found(1, forge_previous, at);
    expect_found(1, forge_retired, at);
    expect_found(1, forge_test_version, at);
    expect_found(1, forge_bank_version, at);
    expect_found(1, forge_test, at);
    expect_found(1, forge_bank, at);
    expect_found(1, forge_finish, at);
}

/* Seals that hold again do not hide what the events come to. */
Test(sessions_rebuild, finds_a_change_in_the_middle)
{
    static const char at[] = "event 2 (number 1 of its session) does not replay";

    expect_found(2, forge_nothing, NULL);
    expect_found(2, forge_score, at);
    expect_found(2, forge_theta, at);
    expect_found(2, forge_previous, at);
}

Test(sessions_rebuild, finds_a_gap)
{
    struct desk desk;
    struct fault fault = {0};

    desk_open(&desk, MAX_SESSIONS);
    desk_bank(&desk, "b", 12);
    desk_test(&desk, "t", tests[0]);
    desk_steps(&desk, "s-1", "t", "s101");
    journal_trim(&desk.server.journal, &desk.server.batch, 1, 2);
    desk_commit(&desk);
    cr_expect_eq(desk_restart(&desk, &fault), CORRUPT);
    cr_expect_str_eq(fault.text, "event 2 (number 1 of its session) does not replay");
    desk_close(&desk);
}

/* Two sessions, the second asleep after a start on a journal that was changed at `lsn`. */
static enum status open_asleep(struct desk *desk, uint64_t lsn,
                               void (*forge)(struct event_record *))
{
    struct forgery forgery;
    struct fault fault = {0};

    desk_open(desk, MAX_SESSIONS);
    desk_bank(desk, "b", 12);
    desk_test(desk, "t", tests[0]);
    desk_steps(desk, "s-1", "t", "s101");
    desk_steps(desk, "s-2", "t", "s011");
    forgery_read(desk, lsn, &forgery);
    forge(&forgery.record[0]);
    forgery_write(desk, &forgery);
    desk->config.n_awake = 1;
    return desk_restart(desk, &fault);
}

/* A session that is asleep and does not replay is refused, whoever wakes it. */
Test(sessions_rebuild, finds_a_change_when_it_wakes)
{
    static void (*const forge[])(struct event_record *) = {forge_theta, forge_item, forge_score,
                                                           forge_stop, forge_retired};

    for (size_t i = 0; i < 2 * COUNT_OF(forge); i++) {
        struct desk desk;

        cr_assert_eq(open_asleep(&desk, 8, forge[i / 2]), OK);
        cr_expect(!sessions_are_awake(desk.server.sessions));
        if (i % 2) sessions_wake(desk.server.sessions, desk.now_us, 1);
        desk_fail(&desk, "internal", "'op': 'session.get', 'session': 's-2'");
        cr_expect(sessions_are_awake(desk.server.sessions));
        desk_do(&desk, "'op': 'session.get', 'session': 's-1'");
        desk_fail(&desk, "internal", "'op': 'session.get', 'session': 's-2'");
        cr_expect_eq(sessions_n_live(desk.server.sessions), 1);
        desk_close(&desk);
    }
}

/* What is missing, or stands at the wrong place, is found before anybody is served. */
Test(sessions_rebuild, finds_a_gap_though_it_sleeps)
{
    static void (*const forge[])(struct event_record *) = {
        forge_skip, forge_repeat, forge_previous, forge_tenant, forge_start, forge_long_session};

    for (size_t i = 0; i < COUNT_OF(forge); i++) {
        struct desk desk;

        cr_expect_eq(open_asleep(&desk, 8, forge[i]), CORRUPT, "%zu", i);
        desk_close(&desk);
    }
}

/* What looks at all sessions waits until none is asleep, and nothing is trimmed before. */
Test(sessions_rebuild, serves_while_others_are_asleep)
{
    struct desk desk;
    uint64_t first = 0;

    cr_assert_eq(open_asleep(&desk, 8, forge_nothing), OK);
    desk_test(&desk, "again", "'exposure': {'repeat_after_days': 9}");
    desk_fail(&desk, "busy", "'op': 'session.list'");
    desk_fail(&desk, "busy", "'op': 'examinee.export', 'examinee': 'e'");
    desk_fail(&desk, "busy", "'op': 'session.start', 'test': 'again', 'examinee': 'e'");
    desk_do(&desk, "'op': 'session.finish', 'session': 's-1'");
    cr_expect_eq(sessions_tidy(desk.server.sessions, &desk.server.batch, INT64_MAX, 9), OK);
    desk_commit(&desk);
    cr_expect_eq(sessions_trim(desk.server.sessions, &desk.server.batch), OK);
    desk_commit(&desk);
    cr_expect_eq(journal_first(&desk.server.journal, &first), OK);
    cr_expect_eq(first, 1);

    sessions_wake(desk.server.sessions, desk.now_us, 1);
    cr_expect(sessions_are_awake(desk.server.sessions));
    cr_expect_eq(sessions_trim(desk.server.sessions, &desk.server.batch), OK);
    desk_commit(&desk);
    cr_expect_eq(journal_first(&desk.server.journal, &first), OK);
    cr_expect_eq(first, 5);
    desk_do(&desk, "'op': 'session.list'");
    desk_do(&desk, "'op': 'session.start', 'test': 'again', 'examinee': 'e'");
    desk_close(&desk);
}

/* Those that have ended do not count towards the most that may live, asleep or not. */
Test(sessions_rebuild, counts_those_asleep)
{
    struct desk desk;

    desk_open(&desk, 2);
    desk_bank(&desk, "b", 12);
    desk_test(&desk, "t", tests[0]);
    desk_steps(&desk, "s-1", "t", "s1");
    desk_steps(&desk, "s-2", "t", "s0f");
    desk.config.n_awake = 1;
    desk_reopen(&desk);
    cr_expect_eq(sessions_n_live(desk.server.sessions), 2);
    cr_expect_eq(sessions_n_ended(desk.server.sessions), 1);
    desk_steps(&desk, "s-3", "t", "s");
    desk_fail(&desk, "busy", "'op': 'session.start', 'test': 't', 'examinee': 'e'");
    sessions_wake(desk.server.sessions, desk.now_us, 100);
    cr_expect_eq(sessions_n_live(desk.server.sessions), 3);
    cr_expect_eq(sessions_n_ended(desk.server.sessions), 1);
    desk_close(&desk);
}

Test(sessions_rebuild, knows_which_of_those_asleep_have_ended)
{
    static const char *const letters[] = {"s1", "s", "s0zr", "s0f", "s1v"};
    struct desk desk;

    desk_open(&desk, MAX_SESSIONS);
    desk_bank(&desk, "b", 12);
    desk_test(&desk, "t", tests[0]);
    for (size_t i = 0; i < COUNT_OF(letters); i++) {
        const char id[] = {'s', (char)('0' + i), '\0'};

        desk_steps(&desk, id, "t", letters[i]);
    }
    desk.config.n_awake = 1;
    desk_reopen(&desk);
    cr_expect_eq(sessions_n_live(desk.server.sessions), COUNT_OF(letters));
    cr_expect_eq(sessions_n_ended(desk.server.sessions), 2);
    desk_close(&desk);
}

/* A test that counts its items' uses needs all events in their order. */
Test(sessions_rebuild, leaves_none_asleep_where_uses_count)
{
    struct desk desk;

    desk_open(&desk, MAX_SESSIONS);
    desk_bank(&desk, "b", 12);
    desk_test(&desk, "t", "'exposure': {'max_uses': 5}");
    desk_steps(&desk, "s-1", "t", "s1");
    desk_steps(&desk, "s-2", "t", "s0");
    desk.config.n_awake = 1;
    desk_reopen(&desk);
    cr_expect(sessions_are_awake(desk.server.sessions));
    desk_close(&desk);
}

/* A session in the archive that does not replay is not brought back, and nothing of it stays. */
Test(sessions_rebuild, finds_a_changed_archive)
{
    struct slice local = slice_str("local"), id = slice_str("s-1");
    struct desk desk;
    struct server *server = &desk.server;
    struct forgery forgery;
    struct buf archive = {0}, bytes = {0};
    struct live *live = NULL;

    desk_open(&desk, MAX_SESSIONS);
    desk_bank(&desk, "b", 12);
    desk_test(&desk, "t", tests[0]);
    desk_steps(&desk, "s-1", "t", "s10f");
    forgery_read(&desk, 1, &forgery);
    forge_theta(&forgery.record[2]);
    for (size_t i = 0; i < forgery.n; i++) {
        buf_clear(&bytes);
        buf_append(&bytes, forgery.bytes[i].data, SEAL_BYTES);
        event_record_write(&forgery.record[i], &bytes);
        archive_append(&archive, i + 1, buf_slice(&bytes));
        buf_done(&forgery.bytes[i]);
    }
    for (int round = 0; round < 2; round++) {
        cr_expect_eq(sessions_tidy(server->sessions, &server->batch, desk.now_us + 6000000, 9), OK);
        desk_commit(&desk);
    }
    archive_put(server->env, &server->batch, local, id, buf_slice(&archive));
    desk_commit(&desk);
    cr_expect_eq(sessions_get(server->sessions, local, id, desk.now_us, &live), CORRUPT);
    cr_expect_null(live);
    cr_expect_eq(sessions_n_live(server->sessions), 0);
    desk_fail(&desk, "internal", "'op': 'session.get', 'session': 's-1'");
    buf_done(&archive);
    buf_done(&bytes);
    desk_close(&desk);
}
