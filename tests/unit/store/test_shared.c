/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_pq.h"
#include "store/shared.h"
#include "store/shared_counts.h"
#include "store/shared_examinee.h"
#include "store/shared_uses.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { N_SETTING = 5 };

static const uint8_t key[SHARED_KEY] = {23, 8, 5};
static struct shared shared;
static struct fault fault;

static void start(void)
{
    fake_start();
    fault = (struct fault){0};
    shared_init(&shared, "host=a,b", NULL);
}

static void stop(void)
{
    shared_done(&shared);
    fake_stop();
}

TestSuite(shared, .init = start, .fini = stop);

/* What a server says that is as it should be. */
static struct fake_field *good_row(void)
{
    static struct fake_field row[N_SETTING + 2];

    for (int i = 0; i < N_SETTING; i++) row[i] = fake_text(i == 3 ? "UTF8" : "on");
    row[N_SETTING] = fake_int4(SHARED_FORMAT);
    row[N_SETTING + 1] = fake_bytes(key, sizeof(key));
    return row;
}

static enum status connect_to(const struct fake_field *row)
{
    pg_disconnect(&shared.pg);
    fault = (struct fault){0};
    fake.rows = (struct fake_rows){row, row ? 1 : 0, N_SETTING + 2};
    return shared_connect(&shared, &fault);
}

Test(shared, refuses_a_server_that_would_lose_answers)
{
    static const struct {
        int setting;
        const char *value, *name;
        bool good;
    } cases[] = {
        {0, "off", "fsync", false},
        {1, "off", "full_page_writes", false},
        {2, "off", "synchronous_commit", false},
        {2, "local", "synchronous_commit", false},
        {2, "remote_write", "synchronous_commit", false},
        {2, "remote_apply", "synchronous_commit", true},
        {3, "SQL_ASCII", "server_encoding", false},
        {4, "off", "data_checksums", false},
    };

    cr_expect_eq(connect_to(good_row()), OK);
    cr_expect_arr_eq(shared.key, key, sizeof(key));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_field *row = good_row();

        row[cases[i].setting] = fake_text(cases[i].value);
        cr_expect_eq(connect_to(row), cases[i].good ? OK : BAD_REQUEST, "%s", cases[i].value);
        cr_expect_eq(shared.pg.conn != NULL, cases[i].good);
        cr_expect_str_eq(fault.field, cases[i].good ? "" : cases[i].name);
    }
    /* An engine that has no such settings. */
    for (int i = 0; i < N_SETTING; i++) {
        struct fake_field *row = good_row();

        row[i] = fake_bytes(NULL, 0);
        cr_expect_eq(connect_to(row), OK);
    }
}

Test(shared, refuses_tables_of_another_version)
{
    struct fake_field *row = good_row();

    cr_expect_eq(connect_to(NULL), CORRUPT);
    cr_expect(strstr(fault.text, "theta district init"), "%s", fault.text);
    row[N_SETTING] = fake_int4(SHARED_FORMAT + 1);
    cr_expect_eq(connect_to(row), CORRUPT);
    cr_expect(strstr(fault.text, "newer"), "%s", fault.text);
    row[N_SETTING] = fake_int4(SHARED_FORMAT - 1);
    cr_expect_eq(connect_to(row), CORRUPT);
    cr_expect(strstr(fault.text, "theta district upgrade"), "%s", fault.text);
    row = good_row();
    row[N_SETTING + 1].n--;
    cr_expect_eq(connect_to(row), CORRUPT);
    cr_expect(strstr(fault.text, "no key"), "%s", fault.text);
    fake.fails = FAKE_NO_TABLE;
    cr_expect_eq(connect_to(good_row()), CORRUPT);
    cr_expect(strstr(fault.text, "theta district init"), "%s", fault.text);
    cr_expect_null(shared.pg.conn);
}

Test(shared, connects_once)
{
    cr_expect_eq(connect_to(good_row()), OK);
    cr_expect_eq(shared_connect(&shared, &fault), OK);
    cr_expect_eq(fake.n_connect, 1);
    cr_expect_eq(fake.n_run, 2);  // the standby has what is seen
    cr_expect_eq(fake.n_query, 0);
    shared.listens = true;
    cr_expect_eq(connect_to(good_row()), OK);
    cr_expect_eq(fake.n_query, 1);  // and it listens
    fake.fails = FAKE_WARNED;
    fake.after = 1;  // it does not have it
    cr_expect_eq(connect_to(good_row()), IO_ERROR);
    cr_expect_null(shared.pg.conn);
    fake.fails = FAKE_CONNECT;
    cr_expect_eq(connect_to(good_row()), IO_ERROR);
}

static struct shared_event event_of(const char *session, uint32_t n)
{
    static uint8_t seal[SEAL_BYTES];

    return (struct shared_event){.tenant = slice_str("school"),
                                 .session = slice_str(session),
                                 .n = n,
                                 .seal = seal,
                                 .record = slice_str("what happened")};
}

/* Three go in, sorted by their key, and two have found their place, told in any order. */
Test(shared, tells_which_events_are_there)
{
    const struct shared_event events[] = {event_of("s-9", 4), event_of("s-1", 2),
                                          event_of("s-5", 0)};
    struct fake_field rows[2][6] = {
        {fake_int8(7), fake_int8(6), fake_text("school"), fake_text("s-9"), fake_int4(4),
         fake_int4(1)},
        {fake_int8(7), fake_int8(6), fake_text("school"), fake_text("s-1"), fake_int4(2),
         fake_int4(0)},
    };
    struct shared_news news = {0};
    enum shared_fate fate[3];

    cr_assert_eq(connect_to(good_row()), OK);
    fake.rows = (struct fake_rows){rows[0], 2, 6};
    cr_assert_eq(shared_append(&shared, events, 3, 6, fate, &news), OK);
    cr_expect_eq(fate[0], SHARED_LAST_USE);
    cr_expect_eq(fate[1], SHARED_TAKEN);
    cr_expect_eq(fate[2], SHARED_REFUSED);
    cr_expect_eq(news.newest, 7);
    cr_expect_eq(news.retired, 6);
    cr_expect_eq(fake.param[1].data[20 + 4 + 2], '1');  // behind the array's head: s-1 is the first
    cr_expect_eq(fake.param[7].n, 8);
    cr_expect_eq(fake.param[7].data[7], 6);
}

/* None is there where an item was withdrawn meanwhile: the row has the news alone. */
Test(shared, takes_no_event_of_old_news)
{
    struct shared_event event = event_of("s-1", 2);
    struct fake_field row[] = {fake_int8(9),        fake_int8(9),        fake_bytes(NULL, 0),
                               fake_bytes(NULL, 0), fake_bytes(NULL, 0), fake_int4(0)};
    struct shared_news news = {0};
    enum shared_fate fate = SHARED_TAKEN;
    int n_prepare;

    cr_assert_eq(connect_to(good_row()), OK);
    fake.rows = (struct fake_rows){row, 1, 6};
    cr_assert_eq(shared_append(&shared, &event, 1, 6, &fate, &news), OK);
    cr_expect_eq(fate, SHARED_REFUSED);
    cr_expect_eq(news.retired, 9);
    event.most = 3;
    n_prepare = fake.n_prepare;
    cr_assert_eq(shared_append(&shared, &event, 1, 6, &fate, &news), OK);
    cr_expect_eq(fake.n_prepare, n_prepare + 1, "another statement");
    cr_expect_eq(fake.param[10].data[fake.param[10].n - 1], 3);
    cr_expect_eq(fake.param[11].data[7], 6);
}

Test(shared, does_not_know_what_became_of_events)
{
    const struct shared_event event = event_of("s-1", 2);
    struct shared_news news = {0};
    enum shared_fate fate = SHARED_TAKEN;

    cr_assert_eq(connect_to(good_row()), OK);
    fake.fails = FAKE_SILENT;
    cr_expect_eq(shared_append(&shared, &event, 1, 6, &fate, &news), IO_ERROR);
    cr_expect_eq(fate, SHARED_REFUSED);
    cr_expect(shared.fault.text[0]);
    cr_expect_null(shared.pg.conn);
}

static struct {
    size_t n, i[8];
    uint32_t event[8];
    enum status status[8];
} seen;

static void visit(void *context, size_t i, const struct shared_event *event, enum status status)
{
    (void)context;
    seen.i[seen.n] = i;
    seen.event[seen.n] = event->n;
    seen.status[seen.n++] = status;
}

Test(shared, fetches_and_checks_seals)
{
    const struct shared_want wants[] = {
        {.tenant = slice_str("school"), .session = slice_str("s-1")},
        {.tenant = slice_str("school"), .session = slice_str("s-2")}};
    struct shared_event event = event_of("s-1", 3);
    uint8_t seal[SEAL_BYTES], bad[SEAL_BYTES];
    struct fake_field none = fake_bytes(NULL, 0), record = fake_text("what happened");
    struct shared_news news = {0};

    shared_seal(key, &event, seal);
    memcpy(bad, seal, sizeof(bad));
    bad[3] ^= 1;
    {
        struct fake_field rows[6][6] = {
            {fake_int8(7), fake_int8(6), fake_int8(1), fake_int4(3), fake_bytes(seal, SEAL_BYTES),
             record},
            {fake_int8(7), fake_int8(6), fake_int8(1), fake_int4(3), fake_bytes(bad, SEAL_BYTES),
             record},
            {fake_int8(7), fake_int8(6), fake_int8(1), fake_int4(4), fake_bytes(seal, SEAL_BYTES),
             record},
            {fake_int8(7), fake_int8(6), fake_int8(1), fake_int4(3), fake_bytes(seal, 5), record},
            {fake_int8(7), fake_int8(6), fake_int8(2), none, none, none},
            {fake_int8(7), fake_int8(6), fake_int8(3), fake_int4(3), fake_bytes(seal, SEAL_BYTES),
             record},
        };

        cr_assert_eq(connect_to(good_row()), OK);
        fake.rows = (struct fake_rows){rows[0], 6, 6};
        cr_assert_eq(shared_fetch(&shared, wants, 2, (struct shared_visitor){visit, NULL}, &news),
                     OK);
    }
    cr_expect_eq(news.newest, 7);
    cr_assert_eq(seen.n, 4);
    cr_expect_eq(seen.status[0], OK);
    for (size_t i = 1; i < 4; i++) cr_expect_eq(seen.status[i], CORRUPT, "%zu", i);
    fake.fails = FAKE_CONSUME;
    cr_expect_eq(shared_fetch(&shared, wants, 2, (struct shared_visitor){visit, NULL}, &news),
                 IO_ERROR);
    cr_expect_eq(seen.n, 4);
}

/* What was read on another connection stays as it is. */
Test(shared, confirms_what_it_has_read)
{
    const struct shared_want want = {.tenant = slice_str("school"), .session = slice_str("s-1")};
    struct shared_visitor visitor = {visit, NULL};
    struct shared_news news = {0};

    cr_assert_eq(connect_to(good_row()), OK);
    fake.rows.n_row = 0;
    cr_expect_not(shared.has_read);
    cr_expect_eq(shared_fetch(&shared, &want, 1, visitor, &news), OK);
    cr_expect(shared.has_read);
    cr_expect_eq(shared_confirm(&shared, &fault), OK);
    cr_expect_not(shared.has_read);
    fake.fails = FAKE_SILENT;
    cr_expect_eq(shared_confirm(&shared, &fault), IO_ERROR);
    fake.fails = FAKE_NONE;
    cr_expect_eq(shared_confirm(&shared, &fault), IO_ERROR);
    cr_expect_eq(fake.n_connect, 1);
}

Test(shared, publishes_once)
{
    const struct shared_document document = {.kind = slice_str(SHARED_TEST),
                                             .tenant = slice_str("school"),
                                             .name = slice_str("t"),
                                             .version = 3};
    struct fake_field row[] = {fake_int8(8)};
    bool done = false;

    cr_assert_eq(connect_to(good_row()), OK);
    fake.rows = (struct fake_rows){row, 1, 1};
    cr_expect_eq(shared_publish(&shared, &document, 7, &done), OK);
    cr_expect(done);
    cr_expect_str_eq(fake.sql, "NOTIFY thetad_news");
    fake.rows.n_row = 0;  // somebody else was first
    cr_expect_eq(shared_publish(&shared, &document, 7, &done), OK);
    cr_expect_not(done);
    cr_expect_eq(fake.n_query, 1);
    fake.rows.n_row = 1;
    fake.fails = FAKE_QUERY;
    fake.after = 1;  // it is published, and nobody is told
    cr_expect_eq(shared_publish(&shared, &document, 7, &done), OK);
    cr_expect(done);
    cr_expect_null(shared.pg.conn);
    fake.fails = FAKE_CONNECT;
    cr_expect_eq(shared_publish(&shared, &document, 7, &done), IO_ERROR);
    cr_expect_not(done);
}

Test(shared, reads_the_next_document)
{
    struct fake_field row[] = {fake_int8(8),      fake_int8(2),   fake_int8(8),
                               fake_text("bank"), fake_text("a"), fake_text("b"),
                               fake_int4(4),      fake_text("h"), fake_text("body")};
    struct shared_document document;
    struct shared_news news;

    cr_assert_eq(connect_to(good_row()), OK);
    fake.rows = (struct fake_rows){row, 1, 9};
    cr_assert_eq(shared_next(&shared, 7, &document, &news), OK);
    cr_expect_eq(document.number, 8);
    cr_expect(slice_equal_str(document.body, "body"));
    cr_expect_eq(document.version, 4);
    cr_expect_eq(news.newest, 8);
    for (size_t i = 2; i < 9; i++) row[i] = fake_bytes(NULL, 0);
    cr_assert_eq(shared_next(&shared, 8, &document, &news), OK);
    cr_expect_eq(document.number, 0);
    fake.fails = FAKE_SILENT;
    cr_expect_eq(shared_next(&shared, 8, &document, &news), IO_ERROR);
}

Test(shared, knows_what_a_document_changes)
{
    struct shared_news known = {.newest = 4, .retired = 2};
    struct shared_document document = {.number = 5, .kind = slice_str(SHARED_BANK)};

    shared_news_add(&known, &document);
    cr_expect(known.newest == 5 && known.retired == 2);
    document = (struct shared_document){.number = 6, .kind = slice_str(SHARED_ITEM)};
    shared_news_add(&known, &document);
    cr_expect(known.newest == 6 && known.retired == 6);
}

/* All of it in one transaction, or nothing of it. */
Test(shared, makes_its_tables)
{
    int64_t from = 0;

    fake.rows = (struct fake_rows){good_row(), 1, N_SETTING + 2};
    good_row()[0] = fake_text("off");
    cr_expect_eq(shared_create("host=a", &fault), BAD_REQUEST);  // as a node says it
    cr_expect_str_eq(fault.field, "fsync");
    cr_expect_eq(fake.n_query, 0);
    good_row();
    fake.fails = FAKE_NO_TABLE;
    fake.after = 2;                                            // the settings can be read
    cr_expect_eq(shared_create("host=a", &fault), NOT_FOUND);  // nor can they be made
    fake.fails = FAKE_NONE;
    cr_expect_eq(shared_create("host=a", &fault), EXISTS);
    cr_expect_eq(fake.n_query, 1);
    cr_expect_eq(shared_upgrade("host=a", &from, &fault), OK);
    cr_expect_eq(from, SHARED_FORMAT);
    cr_expect_eq(fake.n_query, 1);
    good_row()[N_SETTING] = fake_int4(SHARED_FORMAT + 1);
    cr_expect_eq(shared_upgrade("host=a", &from, &fault), CORRUPT);
    fake.fails = FAKE_CONNECT;
    cr_expect_eq(shared_create("host=a", &fault), IO_ERROR);
    cr_expect_eq(shared_upgrade("host=a", &from, &fault), IO_ERROR);
}

static struct {
    size_t n, i[4];
    uint64_t version[4];
    struct slice counts[4];
} looked;

static void look(void *context, size_t i, uint64_t version, struct slice counts)
{
    (void)context;
    looked.i[looked.n] = i;
    looked.version[looked.n] = version;
    looked.counts[looked.n++] = counts;
}

/* Rows that are no one's are passed over. */
Test(shared, looks_for_counts)
{
    const struct shared_counts list[] = {
        {.tenant = slice_str("school"), .test = slice_str("t"), .bank = slice_str("b")},
        {slice_str("school"), slice_str("t2"), slice_str("b"), 5, slice_of(NULL, 0)}};
    struct fake_field rows[3][3] = {{fake_int8(2), fake_int8(6), fake_bytes("", 0)},
                                    {fake_int8(0), fake_int8(6), fake_bytes("", 0)},
                                    {fake_int8(3), fake_int8(6), fake_bytes("", 0)}};

    cr_assert_eq(connect_to(good_row()), OK);
    fake.rows = (struct fake_rows){rows[0], 3, 3};
    cr_expect_eq(shared_counts_look(&shared, list, 2, look, NULL), OK);
    cr_assert_eq(looked.n, 1);
    cr_expect(looked.i[0] == 1 && looked.version[0] == 6 && looked.counts[0].n == 0);
    fake.fails = FAKE_SILENT;
    cr_expect_eq(shared_counts_look(&shared, list, 2, look, NULL), IO_ERROR);
    cr_expect_eq(looked.n, 1);
}

Test(shared, stores_counts_where_nobody_was_first)
{
    const struct shared_counts counts = {slice_str("school"), slice_str("t"), slice_str("b"), 5,
                                         slice_str("counts")};
    struct fake_field row[] = {fake_int8(6)};
    bool done = false;

    cr_assert_eq(connect_to(good_row()), OK);
    fake.rows = (struct fake_rows){row, 1, 1};
    cr_expect_eq(shared_counts_store(&shared, &counts, &done), OK);
    cr_expect(done);
    cr_expect(slice_equal_str(buf_slice(&fake.param[4]), "counts"));
    fake.rows.n_row = 0;
    cr_expect_eq(shared_counts_store(&shared, &counts, &done), OK);
    cr_expect_not(done);
    fake.rows.n_row = 1;
    fake.fails = FAKE_CONSUME;
    cr_expect_eq(shared_counts_store(&shared, &counts, &done), IO_ERROR);
    cr_expect_not(done);
}

static void visit_none(void *context, size_t i, const struct shared_event *event,
                       enum status status)
{
    (void)i;
    (void)event;
    (void)status;
    ++*(int *)context;
}

/* An event of a session that was started at that time. */
static struct slice started_at(int64_t time_ms, struct buf *out)
{
    struct event_record record = {.tenant = slice_str("school"),
                                  .session = slice_str("s-1"),
                                  .event = {.kind = EVENT_STARTED, .time_ms = time_ms},
                                  .identity = {.test = slice_str("t"),
                                               .bank = slice_str("b"),
                                               .test_version = 1,
                                               .bank_version = 1,
                                               .examinee = slice_str("e")}};

    event_record_write(&record, out);
    return buf_slice(out);
}

/* Only sessions that had an event since are fetched; one whose last event cannot be read is, so
 * that this is found. */
Test(shared, looks_at_the_past_of_examinees)
{
    const int64_t since_ms = 2385000;
    struct tombstone tombstone = {.who = slice_str("who"), .reason = slice_str("why")};
    struct buf old = {0}, young = {0}, erased = {0};
    struct slice records[5];
    int n_visit = 0;

    erased_write(&tombstone, &erased);
    records[0] = slice_of(NULL, 0);
    records[1] = started_at(since_ms - 1, &old);
    records[2] = buf_slice(&erased);
    records[3] = started_at(since_ms, &young);
    records[4] = slice_str("no event");
    cr_assert_eq(connect_to(good_row()), OK);
    for (size_t j = 0; j < COUNT_OF(records); j++) {
        struct shared_past list[] = {
            {.tenant = slice_str("school"), .examinee = slice_str("e-1"), .since_ms = since_ms},
            {.tenant = slice_str("school"), .examinee = slice_str("e-2"), .since_ms = since_ms}};
        struct fake_field row[6] = {fake_int8(2), fake_int4(7), fake_text("s-1"),
                                    fake_bytes(records[j].data, records[j].n)};
        int n_run = fake.n_run;

        fake.rows = (struct fake_rows){row, 1, 6};
        cr_expect_eq(shared_past(&shared, list, 2, (struct shared_visitor){visit_none, &n_visit}),
                     OK);
        cr_expect_eq(fake.n_run - n_run, j >= 3 ? 2 : 1, "record %zu", j);
        cr_expect_eq(list[0].next, 1);
        cr_expect_eq(list[1].next, 8);
    }
    cr_expect_eq(n_visit, 0);
    fake.fails = FAKE_SILENT;
    cr_expect_eq(shared_past(&shared, NULL, 0, (struct shared_visitor){visit_none, &n_visit}),
                 IO_ERROR);
    buf_done(&old);
    buf_done(&young);
    buf_done(&erased);
}

static struct {
    size_t n, i[8];
    char item[8][8];
} used;

static void on_used(void *context, size_t i, struct slice item)
{
    (void)context;
    used.i[used.n] = i;
    cr_assert(slice_to_text(item, used.item[used.n++], sizeof(used.item[0])));
}

/* What was taken with the last use tells its item; where one was refused the list is looked at,
 * once for each test. */
Test(shared, tells_what_is_used_up)
{
    struct shared_event events[6];
    const enum shared_fate fate[] = {SHARED_TAKEN,   SHARED_LAST_USE, SHARED_REFUSED,
                                     SHARED_REFUSED, SHARED_REFUSED,  SHARED_REFUSED};
    struct fake_field rows[] = {fake_text("q-5"), fake_text("q-7")};
    int n_run;

    for (size_t i = 0; i < COUNT_OF(events); i++) {
        events[i] = event_of("s-1", 2);
        events[i].test = slice_str(i == 4 ? "t2" : "t");
        events[i].bank = slice_str("b");
        events[i].item = slice_str("q-1");
        events[i].most = i == 5 ? 0 : 3;
    }
    cr_assert_eq(connect_to(good_row()), OK);
    n_run = fake.n_run;
    fake.rows = (struct fake_rows){rows, 2, 1};
    cr_expect_eq(shared_used(&shared, events, COUNT_OF(events), fate, on_used, NULL), OK);
    cr_expect_eq(fake.n_run - n_run, 2);
    cr_expect(slice_equal_str(buf_slice(&fake.param[1]), "t2"));
    cr_expect_eq(fake.param[3].data[3], 3);
    cr_assert_eq(used.n, 5);
    cr_expect(used.i[0] == 1 && strcmp(used.item[0], "q-1") == 0);
    cr_expect(used.i[1] == 2 && strcmp(used.item[1], "q-5") == 0);
    cr_expect(used.i[2] == 2 && strcmp(used.item[2], "q-7") == 0);
    cr_expect(used.i[3] == 4 && used.i[4] == 4);
    fake.fails = FAKE_SILENT;
    cr_expect_eq(shared_used(&shared, events, COUNT_OF(events), fate, on_used, NULL), IO_ERROR);
}
