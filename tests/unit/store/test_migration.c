/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stores of older formats, kept in tests/stores. Suite `migration`. */
#include "store/journal.h"
#include "store_test.h"

#include <stdio.h>
#include <string.h>

enum { MAX_EVENTS = 64 };

static void copy_file(const char *from, const char *to)
{
    char part[4096];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t n;

    cr_assert(in, "there is no %s", from);
    cr_assert(out, "cannot make %s", to);
    while ((n = fread(part, 1, sizeof(part), in)) > 0) fwrite(part, 1, n, out);
    cr_assert_eq(fclose(out), 0);
    fclose(in);
}

/* The sample of a format, not yet open. */
static void take_sample(struct shelf *shelf, int format)
{
    char from[512], to[512];

    *shelf = (struct shelf){0};
    scratch_make(&shelf->scratch);
    snprintf(from, sizeof(from), "%s/tests/stores/format-%d/data.mdb", SOURCE_DIR, format);
    snprintf(to, sizeof(to), "%s/data.mdb", shelf->scratch.path);
    copy_file(from, to);
}

struct events {
    uint64_t lsn[MAX_EVENTS];
    bool linked[MAX_EVENTS];
    size_t n;
};

static enum status see(void *context, const struct stored_event *event)
{
    struct events *events = context;

    cr_assert_lt(events->n, MAX_EVENTS);
    events->lsn[events->n] = event->lsn;
    events->linked[events->n++] = event->link != NULL;
    return OK;
}

static enum status count(void *context, struct slice key, struct slice value)
{
    size_t *n = context;

    (void)key;
    (void)value;
    ++*n;
    return OK;
}

static void expect_all_readable(struct env *env)
{
    static const size_t least[TABLE_N] = {[TABLE_ARCHIVE] = 4,
                                          [TABLE_BANK] = 1,
                                          [TABLE_ITEM] = 12,
                                          [TABLE_TEST] = 1,
                                          [TABLE_RETIRED] = 1};

    for (int t = TABLE_JOURNAL; t < TABLE_N; t++) {
        size_t n = 0;

        cr_expect_eq(env_each(env, (enum table)t, slice_str(""), (struct visitor){count, &n}), OK);
        cr_expect_geq(n, least[t], "table %d has %zu records", t, n);
    }
}

Test(migration, format_1_goes_on_with_links)
{
    struct shelf shelf;
    struct journal journal;
    struct events before = {0}, after = {0};
    struct event_record record = {
        .tenant = slice_str("local"), .session = slice_str("s"), .event.kind = EVENT_FINISHED};
    uint64_t next;

    take_sample(&shelf, 1);
    shelf_reopen(&shelf);
    expect_all_readable(shelf.env);
    cr_assert_eq(journal_init(&journal, shelf.env), OK);
    next = journal.next_lsn;
    cr_expect_eq(env_linked(shelf.env), next);
    cr_expect_eq(journal_each(shelf.env, 1, (struct event_visitor){see, &before}), OK);
    cr_assert_gt(before.n, 5);
    for (size_t i = 0; i < before.n; i++) cr_expect_not(before.linked[i]);

    journal_append(&journal, &shelf.batch, &record, NULL);
    shelf_commit(&shelf);
    journal_done(&journal);
    shelf_reopen(&shelf);
    cr_expect_eq(env_linked(shelf.env), next, "migrated once");
    cr_expect_eq(journal_each(shelf.env, 1, (struct event_visitor){see, &after}), OK);
    cr_assert_eq(after.n, before.n + 1);
    cr_expect_eq(after.lsn[before.n], next);
    cr_expect(after.linked[before.n]);
    shelf_close(&shelf);
}

Test(migration, reading_alone_does_not_migrate)
{
    struct shelf shelf;
    struct env *env = NULL;
    struct fault fault = {0};

    take_sample(&shelf, 1);
    cr_expect_eq(env_open_read(shelf.scratch.path, &env, &fault), CORRUPT);
    cr_expect_null(env);
    cr_expect(strstr(fault.text, "start its daemon"), "%s", fault.text);
    shelf_reopen(&shelf);
    cr_expect_eq(env_open_read(shelf.scratch.path, &env, &fault), BUSY);
    shelf_shut(&shelf);
    cr_assert_eq(env_open_read(shelf.scratch.path, &env, &fault), OK, "%s", fault.text);
    expect_all_readable(env);
    env_close(env);
    shelf_close(&shelf);
}

Test(migration, reading_does_not_make_a_store)
{
    struct shelf shelf = {0};
    struct env *env = NULL;
    struct fault fault = {0};

    scratch_make(&shelf.scratch);
    cr_expect_eq(env_open_read(shelf.scratch.path, &env, &fault), NOT_FOUND);
    cr_expect(strstr(fault.text, "there is no store"), "%s", fault.text);
    shelf_close(&shelf);
}
