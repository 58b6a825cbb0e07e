/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/journal.h"
#include "store_test.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

/* Event n of a session: suspended and resumed in turn. */
static struct event_record record_of(const char *session, uint32_t n)
{
    return (struct event_record){
        .tenant = slice_str("local"),
        .session = slice_str(session),
        .n = n,
        .event = {.kind = n % 2 ? EVENT_RESUMED : EVENT_SUSPENDED, .time_ms = 1700000000000 + n},
        .outcome = {.theta = 0.385 * n, .se = 0.9, .item = n}};
}

static void append(struct shelf *shelf, struct journal *journal, uint32_t n, uint64_t want_lsn)
{
    struct event_record record = record_of("s-1", n);
    uint8_t seal[SEAL_BYTES];

    cr_expect_eq(journal_append(journal, &shelf->batch, &record, seal), want_lsn);
    shelf_commit(shelf);
}

static void open_journal(struct shelf *shelf, struct journal *journal, uint64_t next)
{
    cr_assert_eq(journal_init(journal, shelf->env), OK);
    cr_expect_eq(journal->next_lsn, next, "next is %llu", (unsigned long long)journal->next_lsn);
}

/* What a visit saw. */
struct seen {
    uint64_t lsn[16];
    uint32_t n_of_session[16];
    uint8_t seal[16][SEAL_BYTES];
    size_t n, n_most;
    bool loose;  // links are not looked at
};

static struct slice behind_link(struct slice value)
{
    cr_assert_geq(value.n, SEAL_BYTES);
    return slice_of(value.data + SEAL_BYTES, value.n - SEAL_BYTES);
}

static enum status see(void *context, const struct stored_event *event)
{
    struct seen *seen = context;
    struct event_record want = record_of("s-1", event->record->n);
    struct buf bytes = {0};

    event_record_write(&want, &bytes);
    cr_assert_eq(event->link, event->bytes.data);
    cr_expect(slice_equal(behind_link(event->bytes), buf_slice(&bytes)));
    if (seen->n > 0 && seen->lsn[seen->n - 1] + 1 == event->lsn && !seen->loose) {
        cr_expect_arr_eq(event->link, seen->seal[seen->n - 1], SEAL_BYTES);
    }
    buf_done(&bytes);
    cr_assert_lt(seen->n, 16);
    seen->lsn[seen->n] = event->lsn;
    seen->n_of_session[seen->n] = event->record->n;
    memcpy(seen->seal[seen->n], event->seal, SEAL_BYTES);
    seen->n++;
    return seen->n == seen->n_most ? BUSY : OK;
}

static struct event_visitor visitor_of(struct seen *seen)
{
    return (struct event_visitor){see, seen};
}

Test(journal, starts_at_one)
{
    struct shelf shelf;
    struct journal journal;
    struct seen seen = {0};
    uint64_t first;

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    cr_expect_eq(journal_first(&journal, &first), OK);
    cr_expect_eq(first, 1);
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&seen)), OK);
    cr_expect_eq(seen.n, 0);
    append(&shelf, &journal, 0, 1);
    cr_expect_eq(journal_first(&journal, &first), OK);
    cr_expect_eq(first, 1);
    journal_done(&journal);
    shelf_close(&shelf);
}

Test(journal, gives_back_events_in_order)
{
    struct shelf shelf;
    struct journal journal;
    struct seen seen = {0}, some = {.n_most = 3};
    uint8_t seals[12][SEAL_BYTES];
    struct buf bytes = {0}, want = {0};

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    for (uint32_t n = 0; n < 12; n++) {
        struct event_record record = record_of("s-1", n);

        cr_expect_eq(journal_append(&journal, &shelf.batch, &record, seals[n]), n + 1);
    }
    shelf_commit(&shelf);
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&seen)), OK);
    cr_assert_eq(seen.n, 12);
    for (uint32_t n = 0; n < 12; n++) {
        struct event_record record = record_of("s-1", n);

        cr_expect_eq(seen.lsn[n], n + 1);
        cr_expect_eq(seen.n_of_session[n], n);
        cr_expect_arr_eq(seen.seal[n], seals[n], SEAL_BYTES);
        buf_clear(&want);
        event_record_write(&record, &want);
        cr_expect_eq(journal_get(&journal, n + 1, &bytes), OK);
        cr_expect(slice_equal(behind_link(buf_slice(&bytes)), buf_slice(&want)));
        cr_expect(
            slice_equal(journal_record(shelf.env, n + 1, buf_slice(&bytes)), buf_slice(&want)));
    }
    cr_expect_eq(journal_get(&journal, 13, &bytes), NOT_FOUND);
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&some)), BUSY);
    cr_expect_eq(some.n, 3);
    buf_done(&bytes);
    buf_done(&want);
    journal_done(&journal);
    shelf_close(&shelf);
}

Test(journal, numbers_go_on)
{
    struct shelf shelf;
    struct journal journal;
    uint32_t n = 0;

    shelf_open(&shelf, 8);
    for (uint64_t next = 1; next < 900; next += 300) {
        open_journal(&shelf, &journal, next);
        for (uint64_t lsn = next; lsn < next + 300; lsn++) {
            struct event_record record = record_of("s-1", n++);

            cr_expect_eq(journal_append(&journal, &shelf.batch, &record, NULL), lsn);
        }
        shelf_commit(&shelf);
        journal_done(&journal);
        shelf_reopen(&shelf);
    }
    shelf_close(&shelf);
}

Test(journal, keeps_the_last_event_whatever_is_trimmed)
{
    struct shelf shelf;
    struct journal journal;
    struct seen seen = {0};
    uint64_t first;

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    for (uint32_t n = 0; n < 5; n++) append(&shelf, &journal, n, n + 1);
    journal_trim(&journal, &shelf.batch, 1, 3);
    shelf_commit(&shelf);
    cr_expect_eq(journal_first(&journal, &first), OK);
    cr_expect_eq(first, 3);

    journal_trim(&journal, &shelf.batch, 3, 1000);
    shelf_commit(&shelf);
    cr_expect_eq(journal_first(&journal, &first), OK);
    cr_expect_eq(first, 5);
    journal_done(&journal);
    shelf_reopen(&shelf);
    open_journal(&shelf, &journal, 6);
    append(&shelf, &journal, 5, 6);
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&seen)), OK);
    cr_expect_eq(seen.n, 2);
    cr_expect_eq(seen.lsn[0], 5);
    cr_expect_eq(seen.lsn[1], 6);
    journal_done(&journal);
    shelf_close(&shelf);
}

Test(journal, finds_what_is_no_event)
{
    struct shelf shelf;
    struct journal journal;
    struct seen seen = {0};
    uint8_t key[8];

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    append(&shelf, &journal, 0, 1);
    bytes_put_u64(key, 2);
    shelf_put(&shelf, TABLE_JOURNAL, slice_of(key, sizeof(key)), "no event");
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&seen)), CORRUPT);
    cr_expect_eq(seen.n, 1);
    journal_done(&journal);
    shelf_close(&shelf);
}

Test(journal, finds_a_key_that_is_no_number)
{
    struct shelf shelf;
    struct journal journal;
    struct seen seen = {0};
    struct event_record record = record_of("s-1", 0);
    struct buf bytes = {0};

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    buf_append(&bytes, "no link at all..", SEAL_BYTES);
    event_record_write(&record, &bytes);
    batch_put(shelf.env, &shelf.batch, TABLE_JOURNAL, slice_str("short"), buf_slice(&bytes), NULL);
    shelf_commit(&shelf);
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&seen)), CORRUPT);
    cr_expect_eq(seen.n, 0);
    cr_expect_eq(journal_init(&journal, shelf.env), CORRUPT);
    buf_done(&bytes);
    journal_done(&journal);
    shelf_close(&shelf);
}

static const uint8_t no_link[SEAL_BYTES];

/* An archive record of n events, with the numbers 10, 12, 14, ... */
static void make_archive(struct buf *archive, uint32_t n, size_t end[])
{
    struct buf bytes = {0};

    buf_clear(archive);
    for (uint32_t i = 0; i < n; i++) {
        struct event_record record = record_of("s-1", i);

        buf_clear(&bytes);
        buf_append(&bytes, no_link, SEAL_BYTES);
        event_record_write(&record, &bytes);
        archive_append(archive, 10 + 2 * i, buf_slice(&bytes));
        end[i] = archive->n;
    }
    buf_done(&bytes);
}

/* Visit bytes that end where their memory ends. */
static enum status visit_exactly(struct shelf *shelf, struct slice bytes, struct seen *seen)
{
    uint8_t *memory = malloc(bytes.n + (bytes.n == 0));
    enum status st;

    cr_assert(memory);
    memcpy(memory, bytes.data, bytes.n);
    *seen = (struct seen){0};
    st = archive_each(shelf->env, slice_of(memory, bytes.n), visitor_of(seen));
    free(memory);
    return st;
}

Test(journal, an_archive_comes_back)
{
    struct slice tenant = slice_str("local"), session = slice_str("s-1");
    struct shelf shelf;
    struct journal journal;
    struct seen seen = {0}, live = {0};
    struct buf archive = {0}, got = {0};
    size_t end[4];

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    cr_expect_eq(archive_get(shelf.env, tenant, session, &got), NOT_FOUND);
    make_archive(&archive, 4, end);
    archive_put(shelf.env, &shelf.batch, tenant, session, buf_slice(&archive));
    archive_put(shelf.env, &shelf.batch, tenant, slice_str("s-10"), slice_str("another"));
    archive_put(shelf.env, &shelf.batch, slice_str("locals"), slice_str("-1"), slice_str("third"));
    shelf_commit(&shelf);
    shelf_reopen(&shelf);
    cr_assert_eq(archive_get(shelf.env, tenant, session, &got), OK);
    cr_expect(slice_equal(buf_slice(&got), buf_slice(&archive)));
    cr_expect_eq(env_get(shelf.env, TABLE_ARCHIVE, slice_of("local\0s-1", 9), &got), OK);
    cr_expect_eq(visit_exactly(&shelf, buf_slice(&got), &seen), OK);
    cr_assert_eq(seen.n, 4);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(seen.lsn[i], 10 + 2 * i);
        cr_expect_eq(seen.n_of_session[i], i);
    }

    /* An event has the seal that it had in the journal, which the next one names. */
    journal.env = shelf.env;
    journal.next_lsn = 10;
    append(&shelf, &journal, 0, 10);
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&live)), OK);
    cr_expect_arr_eq(seen.seal[0], live.seal[0], SEAL_BYTES);
    buf_done(&archive);
    buf_done(&got);
    journal_done(&journal);
    shelf_close(&shelf);
}

Test(journal, the_longest_names_fit_an_archive)
{
    char name[LIMIT_ID + 1];
    struct shelf shelf;
    struct buf got = {0};

    memset(name, 'n', LIMIT_ID);
    name[LIMIT_ID] = '\0';
    shelf_open(&shelf, 8);
    archive_put(shelf.env, &shelf.batch, slice_str(name), slice_str(name), slice_str("here"));
    shelf_commit(&shelf);
    cr_expect_eq(archive_get(shelf.env, slice_str(name), slice_str(name), &got), OK);
    cr_expect(slice_equal_str(buf_slice(&got), "here"));
    cr_expect_eq(archive_get(shelf.env, slice_str(name), slice_str(name + 1), &got), NOT_FOUND);
    buf_done(&got);
    shelf_close(&shelf);
}

Test(journal, an_archive_that_was_cut_is_corrupt)
{
    struct shelf shelf;
    struct seen seen;
    struct buf archive = {0};
    size_t end[3], n_whole = 0;

    shelf_open(&shelf, 8);
    make_archive(&archive, 3, end);
    for (size_t n = 1; n < archive.n; n++) {
        bool is_whole = n == end[0] || n == end[1];
        enum status st = visit_exactly(&shelf, slice_of(archive.data, n), &seen);

        expect_true(st == (is_whole ? OK : CORRUPT), "cut to %zu: status %d", n, st);
        n_whole += is_whole;
    }
    cr_expect_eq(n_whole, 2);
    buf_done(&archive);
    shelf_close(&shelf);
}

Test(journal, an_archive_with_a_wrong_length_is_corrupt)
{
    static const uint32_t lengths[] = {0, 1, 11, 0x7fffffff, 0xffffffff};
    struct shelf shelf;
    struct seen seen;
    struct buf archive = {0};
    size_t end[3], at[3] = {8};
    uint32_t right;

    shelf_open(&shelf, 8);
    make_archive(&archive, 3, end);
    at[1] = end[0] + 8;
    at[2] = end[1] + 8;
    for (size_t i = 0; i < 3; i++) {
        right = bytes_get_u32(archive.data + at[i]);
        for (size_t l = 0; l < COUNT_OF(lengths) + 2; l++) {
            uint32_t length = l < COUNT_OF(lengths) ? lengths[l] : right + (l % 2 ? 1 : UINT32_MAX);

            bytes_put_u32(archive.data + at[i], length);
            cr_expect_eq(visit_exactly(&shelf, buf_slice(&archive), &seen), CORRUPT,
                         "record %zu with length %u", i, length);
            cr_expect_eq(seen.n, i);
        }
        bytes_put_u32(archive.data + at[i], right);
    }
    cr_expect_eq(visit_exactly(&shelf, buf_slice(&archive), &seen), OK);
    buf_done(&archive);
    shelf_close(&shelf);
}

/* Put the event `lsn` in another place, with a seal that holds. */
static void copy_event(struct shelf *shelf, struct journal *journal, uint64_t lsn, uint64_t to)
{
    struct buf bytes = {0};
    uint8_t key[8];

    bytes_put_u64(key, to);
    cr_assert_eq(journal_get(journal, lsn, &bytes), OK);
    batch_remove(&shelf->batch, TABLE_JOURNAL, slice_of(key, sizeof(key)));
    shelf_commit(shelf);
    batch_put(shelf->env, &shelf->batch, TABLE_JOURNAL, slice_of(key, sizeof(key)),
              buf_slice(&bytes), NULL);
    shelf_commit(shelf);
    buf_done(&bytes);
}

Test(journal, an_event_names_the_one_before_it)
{
    struct shelf shelf;
    struct journal journal;
    struct seen seen = {0};

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    for (uint32_t n = 0; n < 5; n++) append(&shelf, &journal, n, n + 1);
    copy_event(&shelf, &journal, 5, 5);
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&seen)), OK);
    copy_event(&shelf, &journal, 4, 5);
    seen = (struct seen){.loose = true};
    cr_expect_eq(journal_each(shelf.env, 1, visitor_of(&seen)), CORRUPT);
    cr_expect_eq(seen.n, 4);
    journal_done(&journal);
    shelf_close(&shelf);
}

/* Numbers and links go on from the head where the last events are no longer there. */
Test(journal, the_head_stays)
{
    struct shelf shelf;
    struct journal journal;
    uint8_t seal[SEAL_BYTES], key[8];

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    journal_anchor(&journal, &shelf.batch);
    cr_expect_eq(shelf.batch.n, 0);
    for (uint32_t n = 0; n < 3; n++) append(&shelf, &journal, n, n + 1);
    memcpy(seal, journal.head, SEAL_BYTES);
    journal_anchor(&journal, &shelf.batch);
    cr_expect_eq(shelf.batch.n, 1);
    journal_anchor(&journal, &shelf.batch);
    cr_expect_eq(shelf.batch.n, 1);
    for (uint64_t lsn = 1; lsn <= 3; lsn++) {
        bytes_put_u64(key, lsn);
        batch_remove(&shelf.batch, TABLE_JOURNAL, slice_of(key, sizeof(key)));
    }
    shelf_commit(&shelf);
    journal_done(&journal);
    shelf_reopen(&shelf);
    open_journal(&shelf, &journal, 4);
    cr_expect_arr_eq(journal.head, seal, SEAL_BYTES);
    append(&shelf, &journal, 3, 4);
    journal_done(&journal);
    open_journal(&shelf, &journal, 5);
    journal_done(&journal);
    shelf_close(&shelf);
}

Test(journal, finds_another_event_where_the_head_was)
{
    struct shelf shelf;
    struct journal journal;

    shelf_open(&shelf, 8);
    open_journal(&shelf, &journal, 1);
    for (uint32_t n = 0; n < 3; n++) append(&shelf, &journal, n, n + 1);
    journal_anchor(&journal, &shelf.batch);
    shelf_commit(&shelf);
    copy_event(&shelf, &journal, 2, 3);
    journal_done(&journal);
    cr_expect_eq(journal_init(&journal, shelf.env), CORRUPT);
    journal_done(&journal);
    shelf_close(&shelf);
}
