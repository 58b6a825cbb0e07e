/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/exposure_store.h"
#include "store_test.h"

#include "proto/writer.h"

#include <math.h>
#include <string.h>

static struct tally_name name_of(const char *test)
{
    return (struct tally_name){slice_str("local"), slice_str(test), slice_str("algebra")};
}

static const struct eligibility_rule divided = {
    .max_rate = 0.2385, .fading = 0.97, .acceleration = 3.0, .n_cut = 2, .cut = {-0.7, 0.385}};

struct found {
    struct eligibility_counts *counts;
    uint64_t lsn;
    uint32_t n_head, n_item, uses;
};

static enum status on_head(void *context, const struct tally_name *name, uint64_t lsn,
                           const struct eligibility_counts *counts)
{
    struct found *found = context;

    found->n_head++;
    if (!slice_equal_str(name->test, "b")) return OK;
    cr_expect(slice_equal_str(name->tenant, "local") && slice_equal_str(name->bank, "algebra"));
    cr_expect(memcmp(&counts->rule, &divided, sizeof(divided)) == 0);
    expect_bits(counts->sessions[3], 0x1.23p-7, "sessions");
    expect_bits(counts->weight[0], 1e150, "weight");
    found->counts = eligibility_counts_new(&counts->rule, 4, NULL);
    found->lsn = lsn;
    return OK;
}

static enum status on_item(void *context, const struct tally_item *item)
{
    struct found *found = context;

    if (!found->counts) return tally_item_values(item, &(struct eligibility_counts){0}, 0);
    cr_expect(slice_equal_str(item->id, found->n_item == 0 ? "q1" : "q2"));
    eligibility_add(found->counts, 1.0);
    found->uses = item->uses;
    return tally_item_values(item, found->counts, found->n_item++);
}

Test(exposure_store, a_tally_comes_back_to_the_bit)
{
    struct eligibility_counts *counts = eligibility_counts_new(&divided, 2, NULL);
    struct tally_name b = name_of("b"), a = name_of("a");
    const struct tally_item q1 = {slice_str("q1"), 3, {0}}, q2 = {slice_str("q2"), 70000, {0}};
    struct found found = {0};
    struct shelf shelf;

    shelf_open(&shelf, 1);
    eligibility_add(counts, 0.385);
    eligibility_add(counts, 1.0);
    counts->sessions[3] = 0x1.23p-7;
    counts->weight[0] = 1e150;
    counts->asked[2] = -0.1;
    counts->kept[7] = 0x1.fffffffffffffp900;
    tally_put(shelf.env, &shelf.batch, &b, 1234567890123, counts);
    tally_put_item(shelf.env, &shelf.batch, &b, &q2, counts, 1);
    tally_put_item(shelf.env, &shelf.batch, &b, &q1, counts, 0);
    counts->n_slot = 1;
    counts->rule.n_cut = 0;
    tally_put(shelf.env, &shelf.batch, &a, 0, counts);
    shelf_commit(&shelf);
    shelf_reopen(&shelf);
    counts->n_slot = 4;
    cr_assert_eq(tally_each(shelf.env, (struct tally_visitor){on_head, on_item, &found}), OK);
    cr_expect(found.n_head == 2 && found.n_item == 2 && found.uses == 70000);
    cr_expect_eq(found.lsn, 1234567890123);
    cr_expect_arr_eq(found.counts->asked, counts->asked, 8 * sizeof(double));
    cr_expect_arr_eq(found.counts->kept, counts->kept, 8 * sizeof(double));
    eligibility_counts_free(found.counts);
    eligibility_counts_free(counts);
    shelf_close(&shelf);
}

/* A place of other slots than its head has, and a head that is cut short. */
Test(exposure_store, what_does_not_fit_is_corrupt)
{
    struct found found = {0};
    struct shelf shelf;

    shelf_open(&shelf, 1);
    shelf_put(&shelf, TABLE_EXPOSURE, slice_of("local\0a\0b\0q1", 12), "12345");
    cr_expect_eq(tally_each(shelf.env, (struct tally_visitor){on_head, on_item, &found}), CORRUPT);
    shelf_put(&shelf, TABLE_EXPOSURE, slice_of("local\0a\0b\0", 10), "too short");
    cr_expect_eq(tally_each(shelf.env, (struct tally_visitor){on_head, on_item, &found}), CORRUPT);
    shelf_put(&shelf, TABLE_EXPOSURE, slice_of("local\0a", 7), "no name");
    cr_expect_eq(tally_each(shelf.env, (struct tally_visitor){on_head, on_item, &found}), CORRUPT);
    shelf_close(&shelf);
}

struct list {
    char text[256];
};

static enum status on_used(void *context, const struct tally_name *name, uint32_t most,
                           struct slice item)
{
    struct list *list = context;
    size_t n = strlen(list->text);

    snprintf(list->text + n, sizeof(list->text) - n, "%.*s %u %.*s, ", (int)name->test.n,
             (const char *)name->test.data, most, (int)item.n, (const char *)item.data);
    return OK;
}

Test(exposure_store, lists_of_used_items_keep_their_order)
{
    struct tally_name a = name_of("a"), b = name_of("a-b");
    struct list list = {""};
    struct shelf shelf;

    shelf_open(&shelf, 1);
    used_put(shelf.env, &shelf.batch, &b, 5, 0, slice_str("q9"));
    used_put(shelf.env, &shelf.batch, &a, 256, 1, slice_str("q1"));
    used_put(shelf.env, &shelf.batch, &a, 256, 0, slice_str("q2"));
    used_put(shelf.env, &shelf.batch, &a, 256, 256, slice_str("q4"));
    used_put(shelf.env, &shelf.batch, &a, 256, 2, slice_str("q3"));
    used_put(shelf.env, &shelf.batch, &a, 7, 0, slice_str("q7"));
    shelf_commit(&shelf);
    cr_assert_eq(used_each(shelf.env, on_used, &list), OK);
    cr_expect_str_eq(list.text, "a 7 q7, a 256 q2, a 256 q1, a 256 q3, a 256 q4, a-b 5 q9, ");
    shelf_close(&shelf);
}

static void on_seen(void *context, int64_t time_ms, struct slice item)
{
    struct list *list = context;
    size_t n = strlen(list->text);

    snprintf(list->text + n, sizeof(list->text) - n, "%lld %.*s, ", (long long)time_ms, (int)item.n,
             (const char *)item.data);
}

static void put_seen(struct shelf *shelf, const char *examinee, const char *session,
                     const char *item, int64_t time_ms)
{
    struct seen_key key = {slice_str("local"), slice_str("algebra"), slice_str(examinee),
                           slice_str(session)};
    struct buf bytes = {0};
    struct writer out = writer_of(&bytes);

    write_array(&out, 2);
    write_int(&out, time_ms);
    write_text(&out, item);
    seen_put(shelf->env, &shelf->batch, &key, buf_slice(&bytes));
    buf_done(&bytes);
}

Test(exposure_store, an_examinees_items_are_his_own)
{
    struct seen_key key = {slice_str("local"), slice_str("algebra"), slice_str("e-1"), {0}};
    struct list list = {""};
    struct shelf shelf;

    shelf_open(&shelf, 1);
    put_seen(&shelf, "e-1", "s-2", "q2", 1700000000385);
    put_seen(&shelf, "e-1", "s-1", "q1", -5);
    put_seen(&shelf, "e-12", "s-3", "q3", 7);
    put_seen(&shelf, "e", "s-4", "q4", 7);
    shelf_commit(&shelf);
    cr_assert_eq(seen_each(shelf.env, &key, on_seen, &list), OK);
    cr_expect_str_eq(list.text, "-5 q1, 1700000000385 q2, ");
    shelf_put(&shelf, TABLE_SEEN, slice_of("local\0algebra\0e-1\0s-0", 21), "\x93");
    cr_expect_eq(seen_each(shelf.env, &key, on_seen, &list), CORRUPT);
    shelf_close(&shelf);
}
