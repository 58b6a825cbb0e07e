/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/mark.h"
#include "store_test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct marked {
    struct shelf shelf;
    struct journal journal;
    char path[PATH_MAX];
    struct fault fault;
};

static void append(struct marked *marked, int64_t time_ms)
{
    struct event_record record = {.tenant = slice_str("local"),
                                  .session = slice_str("s-1"),
                                  .event = {.kind = EVENT_SUSPENDED, .time_ms = time_ms},
                                  .outcome = {.theta = 0.385, .se = 0.9}};

    (void)journal_append(&marked->journal, &marked->shelf.batch, &record, NULL);
    shelf_commit(&marked->shelf);
}

/* A store with n events. */
static void open_marked(struct marked *marked, int n)
{
    *marked = (struct marked){0};
    shelf_open(&marked->shelf, 8);
    snprintf(marked->path, sizeof(marked->path), "%s/mark", marked->shelf.scratch.path);
    cr_assert_eq(journal_init(&marked->journal, marked->shelf.env), OK);
    for (int i = 0; i < n; i++) append(marked, 1700000000385 + i);
}

static void close_marked(struct marked *marked)
{
    journal_done(&marked->journal);
    shelf_close(&marked->shelf);
}

static enum status check(struct marked *marked, struct journal_head mark)
{
    return mark_check(&marked->journal, &mark, &marked->fault);
}

Test(mark, comes_back_as_it_was_written)
{
    struct marked marked;
    struct journal_head read, old;

    open_marked(&marked, 3);
    old = journal_newest(&marked.journal);
    cr_expect_eq(old.lsn, 3);
    cr_expect_eq(mark_write(marked.path, &old, &marked.fault), OK);
    append(&marked, 1700000000400);
    old = journal_newest(&marked.journal);
    cr_expect_eq(mark_write(marked.path, &old, &marked.fault), OK);
    cr_expect_eq(mark_read(marked.path, &read, &marked.fault), OK);
    cr_expect_eq(read.lsn, 4);
    cr_expect_arr_eq(read.seal, old.seal, SEAL_BYTES);
    close_marked(&marked);
}

Test(mark, is_not_there_or_is_none)
{
    static const char seal[] = "00112233445566778899aabbccddeeff";
    static const char *const bad[] = {"",
                                      "\n",
                                      "thetad-mark-1 4\n",
                                      "thetad-mark-2 4 %s\n",
                                      "thetad-mark-1 4 %s",
                                      "thetad-mark-1 04 %s\n",
                                      "thetad-mark-1 4 %s\n\n",
                                      "thetad-mark-1 4 %.31s\n",
                                      "thetad-mark-1 4 %sf\n",
                                      "thetad-mark-1 -4 %s\n",
                                      "thetad-mark-1 18446744073709551616 %s\n"};
    struct marked marked;
    struct journal_head read;

    open_marked(&marked, 0);
    cr_expect_eq(mark_read(marked.path, &read, &marked.fault), NOT_FOUND);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        FILE *file = fopen(marked.path, "w");

        cr_assert(file);
        fprintf(file, bad[i], seal);
        fclose(file);
        memset(&read, 0xa5, sizeof(read));
        cr_expect_eq(mark_read(marked.path, &read, &marked.fault), CORRUPT, "%s", bad[i]);
        cr_expect_eq(read.lsn, 0, "%s", bad[i]);
    }
    cr_expect_eq(mark_read(marked.shelf.scratch.path, &read, &marked.fault), CORRUPT, "a folder");
    close_marked(&marked);
}

Test(mark, cannot_be_written)
{
    struct marked marked;
    struct journal_head head = {.lsn = 4};
    char part[PATH_MAX];

    open_marked(&marked, 0);
    cr_expect_eq(mark_write("/nowhere/at/all", &head, &marked.fault), IO_ERROR);
    cr_expect(strstr(marked.fault.text, "/nowhere/at/all"), "%s", marked.fault.text);
    cr_expect_eq(mark_write(marked.shelf.scratch.path, &head, &marked.fault), IO_ERROR, "a folder");
    snprintf(part, sizeof(part), "%s.part", marked.shelf.scratch.path);
    cr_expect(access(part, F_OK) != 0, "half of one is left");
    close_marked(&marked);
}

Test(mark, tells_what_is_missing)
{
    struct marked marked;
    struct journal_head head, other;

    open_marked(&marked, 5);
    head = other = journal_newest(&marked.journal);
    cr_expect_eq(check(&marked, head), OK);
    cr_expect_eq(check(&marked, (struct journal_head){0}), OK, "of an empty store");
    append(&marked, 1700000000777);
    cr_expect_eq(check(&marked, head), OK, "an older mark is only weaker");
    other.lsn = 8;
    cr_expect_eq(check(&marked, other), CORRUPT);
    cr_expect(strstr(marked.fault.text, "2 of 8 events are missing"), "%s", marked.fault.text);
    other.lsn = 7;
    cr_expect_eq(check(&marked, other), CORRUPT);
    other = head;
    other.seal[7] ^= 1;
    cr_expect_eq(check(&marked, other), CORRUPT);
    cr_expect(strstr(marked.fault.text, "its event 5 is not"), "%s", marked.fault.text);
    close_marked(&marked);
}

/* What was trimmed or erased, or does not hold any more, is not another store's. */
Test(mark, asks_nothing_of_events_that_are_gone)
{
    struct marked marked;
    struct journal_head head, other;
    const uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 5};

    open_marked(&marked, 5);
    head = journal_newest(&marked.journal);
    append(&marked, 1700000000777);
    other = head;
    other.seal[0] ^= 1;
    cr_expect_eq(check(&marked, other), CORRUPT);
    batch_remove(&marked.shelf.batch, TABLE_JOURNAL, slice_of(key, sizeof(key)));
    shelf_commit(&marked.shelf);
    cr_expect_eq(check(&marked, other), OK, "erased");
    shelf_raw_write(&marked.shelf, "journal", slice_of(key, sizeof(key)),
                    slice_str("this is no event and no seal"));
    marked.journal.env = marked.shelf.env;
    cr_expect_eq(check(&marked, other), OK, "damaged");
    close_marked(&marked);
}
