/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server_test.h"

#include <string.h>

enum { MINUTE_US = 60 * 1000 * 1000 };

static struct library_name name_of(const char *bank)
{
    return (struct library_name){slice_str("local"), slice_str(bank)};
}

static struct upload *begin(struct desk *desk, const char *bank, int64_t now_us)
{
    return uploads_begin(desk->server.uploads, name_of(bank), 1.702, &desk->server.batch, now_us);
}

/* Give an upload n items. */
static void add(struct desk *desk, struct upload *upload, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        library_put_item(desk->server.env, &desk->server.batch, upload->id, upload->n_item++,
                         slice_str("\xc0"));
    }
    desk_commit(desk);
}

static enum status count(void *context, uint32_t number, struct slice item)
{
    (void)number;
    (void)item;
    ++*(size_t *)context;
    return OK;
}

static size_t n_stored(struct desk *desk, uint64_t upload)
{
    size_t n = 0;

    cr_assert_eq(library_each_item(desk->server.env, upload, 0, count, &n), OK);
    return n;
}

Test(uploads, begin_and_find)
{
    struct desk desk;
    struct upload *one, *two;

    desk_open(&desk, 10);
    one = begin(&desk, "algebra", 5);
    two = begin(&desk, "algebra", 6);
    cr_assert(one && two && one != two);
    cr_expect_eq(one->id, 1);
    cr_expect_eq(two->id, 2);
    cr_expect_eq(one->state, UPLOAD_OPEN);
    cr_expect_str_eq(one->bank, "algebra");
    cr_expect_float_eq(one->D, 1.702, 0);
    cr_expect_eq(one->used_us, 5);
    cr_expect_eq(uploads_find(desk.server.uploads, slice_str("local"), 2), two);
    cr_expect_null(uploads_find(desk.server.uploads, slice_str("other"), 2));
    cr_expect_null(uploads_find(desk.server.uploads, slice_str("local"), 3));
    cr_expect_null(uploads_find(desk.server.uploads, slice_str("local"), 0));
    cr_expect_null(uploads_find(desk.server.uploads, slice_str(""), 0));
    cr_expect_eq(uploads_n(desk.server.uploads), 2);
    desk_close(&desk);
}

/* At a node of a district: the number that it has told, and no other. */
Test(uploads, have_numbers_of_their_own)
{
    const struct upload *one;
    struct desk desk;
    int64_t number;

    desk_open(&desk, 10);
    one = begin(&desk, "algebra", 5);
    uploads_set_mark(desk.server.uploads);
    number = uploads_number(desk.server.uploads, one->id);
    cr_expect(number > UINT32_MAX && number <= LIMIT_INT);
    cr_expect_eq(uploads_find(desk.server.uploads, slice_str("local"), number), one);
    cr_expect_null(uploads_find(desk.server.uploads, slice_str("local"), 1));
    uploads_set_mark(desk.server.uploads);
    cr_expect_null(uploads_find(desk.server.uploads, slice_str("local"), number));
    desk_close(&desk);
}

Test(uploads, dropping_one_removes_its_items)
{
    struct desk desk;
    struct upload *one, *two;

    desk_open(&desk, 10);
    one = begin(&desk, "a", 0);
    two = begin(&desk, "b", 0);
    add(&desk, one, 5);
    add(&desk, two, 3);
    uploads_drop(one, &desk.server.batch);
    cr_expect_eq(n_stored(&desk, 1), 5);
    desk_commit(&desk);
    cr_expect_eq(n_stored(&desk, 1), 0);
    cr_expect_eq(n_stored(&desk, 2), 3);
    cr_expect_null(uploads_find(desk.server.uploads, slice_str("local"), 1));
    two->state = UPLOAD_PUBLISHED;
    uploads_drop(two, &desk.server.batch);
    desk_commit(&desk);
    cr_expect_eq(n_stored(&desk, 2), 3);
    cr_expect_eq(uploads_n(desk.server.uploads), 0);
    desk_close(&desk);
}

Test(uploads, places_are_reclaimed_from_what_is_over)
{
    struct desk desk;
    struct upload *uploads[LIMIT_TENANT_UPLOADS], *next;

    desk_open(&desk, 10);
    for (size_t i = 0; i < LIMIT_TENANT_UPLOADS; i++) {
        uploads[i] = begin(&desk, "a", (int64_t)i);
        cr_assert(uploads[i]);
    }
    add(&desk, uploads[20], 2);
    cr_expect_null(begin(&desk, "b", 100));
    cr_expect_eq(desk.server.batch.n, 0);
    cr_expect_eq(uploads_n(desk.server.uploads), LIMIT_TENANT_UPLOADS);

    uploads[10]->state = UPLOAD_COMPILING;
    cr_expect_null(begin(&desk, "b", 100));
    uploads[20]->state = UPLOAD_REFUSED;
    uploads[30]->state = UPLOAD_PUBLISHED;
    uploads[30]->used_us = 19;
    cr_expect_eq(uploads_n(desk.server.uploads), LIMIT_TENANT_UPLOADS - 2);
    next = begin(&desk, "b", 100);
    cr_expect_eq(next, uploads[30], "the one that ended first");
    cr_expect_eq(next->id, LIMIT_TENANT_UPLOADS + 1);
    cr_expect_str_eq(next->bank, "b");
    cr_expect_eq(next->state, UPLOAD_OPEN);
    cr_expect_eq(next->n_item, 0);
    cr_expect_eq(begin(&desk, "c", 101), uploads[20]);
    desk_commit(&desk);
    cr_expect_eq(n_stored(&desk, 21), 0);
    cr_expect_null(begin(&desk, "d", 102));
    desk_close(&desk);
}

/* One tenant's uploads leave the others their places, and what they have published. */
Test(uploads, no_tenant_takes_the_places_of_another)
{
    struct library_name other = {slice_str("south"), slice_str("b")};
    struct desk desk;
    struct upload *published, *mine;

    desk_open(&desk, 10);
    published = uploads_begin(desk.server.uploads, other, 1.0, &desk.server.batch, 0);
    published->state = UPLOAD_PUBLISHED;
    for (size_t i = 0; i < LIMIT_TENANT_UPLOADS; i++) mine = begin(&desk, "a", (int64_t)i);
    cr_expect_null(begin(&desk, "a", 100));
    cr_expect(uploads_begin(desk.server.uploads, other, 1.0, &desk.server.batch, 100));
    mine->state = UPLOAD_REFUSED;
    cr_expect_eq(begin(&desk, "a", 101), mine, "its own place");
    cr_expect_eq(published->state, UPLOAD_PUBLISHED);
    desk_close(&desk);
}

Test(uploads, what_is_left_alone_goes)
{
    struct desk desk;
    struct upload *one, *two, *busy;

    desk_open(&desk, 10);
    one = begin(&desk, "a", 0);
    two = begin(&desk, "b", MINUTE_US);
    busy = begin(&desk, "c", 0);
    add(&desk, one, 4);
    busy->state = UPLOAD_COMPILING;
    uploads_tidy(desk.server.uploads, &desk.server.batch, 10 * (int64_t)MINUTE_US);
    cr_expect_eq(desk.server.batch.n, 0);
    cr_expect_eq(uploads_n(desk.server.uploads), 3);
    uploads_tidy(desk.server.uploads, &desk.server.batch, 10 * (int64_t)MINUTE_US + 1);
    desk_commit(&desk);
    cr_expect_eq(uploads_n(desk.server.uploads), 2);
    cr_expect_eq(n_stored(&desk, 1), 0);
    cr_expect_eq(uploads_find(desk.server.uploads, slice_str("local"), 2), two);
    uploads_tidy(desk.server.uploads, &desk.server.batch, 60 * (int64_t)MINUTE_US);
    cr_expect_eq(uploads_n(desk.server.uploads), 1, "what is being compiled stays");
    cr_expect_eq(busy->state, UPLOAD_COMPILING);
    desk_close(&desk);
}

Test(uploads, orphans_are_removed_at_the_start)
{
    struct desk desk;
    uint64_t published, orphan;

    desk_open(&desk, 10);
    add(&desk, begin(&desk, "cut-off", 0), 7);
    desk_bank(&desk, "b", 3);
    published = 2;
    add(&desk, begin(&desk, "cut-off", 0), 300);
    orphan = 3;
    cr_expect_eq(n_stored(&desk, orphan), 300);
    desk_reopen(&desk);
    cr_expect_eq(n_stored(&desk, 1), 0);
    cr_expect_eq(n_stored(&desk, published), 3);
    cr_expect_eq(n_stored(&desk, orphan), 0);
    cr_expect_eq(uploads_n(desk.server.uploads), 0);
    cr_expect_eq(begin(&desk, "next", 0)->id, 4);
    desk_close(&desk);
}
