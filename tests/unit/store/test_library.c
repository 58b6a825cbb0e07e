/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/library.h"
#include "store_test.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#define ID_64 "abcdefghijklmnopqrstuvwxyz.0123456789_ABCDEFGHIJKLMNOPQRSTUVWXY:"

/* Names that begin with one another, sorted as bytes with their zeros. */
static const struct {
    const char *tenant, *name;
} names[] = {
    {ID_64, "a"},          {ID_64, ID_64}, {"local", "algebra"}, {"local", "algebra-6"},
    {"local", "algebra6"}, {"local", "b"}, {"local-2", "a"},     {"local2", "algebra"},
};

/* Numbers with zero bytes in them. */
static const uint32_t versions[] = {1, 2, 255, 256, 65536, 16777216, UINT32_MAX};

enum { N_NAME = COUNT_OF(names), N_VERSION = COUNT_OF(versions), N_BOTH = N_NAME * N_VERSION };

static struct library_name name_of(size_t i)
{
    return (struct library_name){slice_str(names[i].tenant), slice_str(names[i].name)};
}

static bool is_name(const struct library_name *name, size_t i)
{
    return slice_equal_str(name->tenant, names[i].tenant) &&
           slice_equal_str(name->name, names[i].name);
}

/* Header k of the names times the versions, in key order. */
static struct bank_header bank_of(size_t k)
{
    return (struct bank_header){.name = name_of(k / N_VERSION),
                                .version = versions[k % N_VERSION],
                                .upload = k % 2 ? LIMIT_INT : k + 1,
                                .n_item = k % 2 ? LIMIT_ITEMS : 1,
                                .D = k % 2 ? 1.702 : 0x1.0000000000001p0,
                                .created_ms = k % 3 ? 1700000000385 : -LIMIT_INT};
}

static enum status see_bank(void *context, const struct bank_header *header)
{
    size_t *n = context, k = (*n)++;
    struct bank_header want = bank_of(k);

    cr_assert_lt(k, N_BOTH);
    cr_expect(is_name(&header->name, k / N_VERSION), "bank %zu is %.*s %.*s", k,
              (int)header->name.tenant.n, (const char *)header->name.tenant.data,
              (int)header->name.name.n, (const char *)header->name.name.data);
    cr_expect_eq(header->version, want.version);
    cr_expect_eq(header->upload, want.upload);
    cr_expect_eq(header->n_item, want.n_item);
    cr_expect_eq(header->created_ms, want.created_ms);
    expect_bits(header->D, want.D, "bank %zu", k);
    return OK;
}

Test(library, banks_come_back)
{
    struct shelf shelf;
    size_t n = 0;

    shelf_open(&shelf, 8);
    cr_expect_eq(library_each_bank(shelf.env, see_bank, &n), OK);
    cr_expect_eq(n, 0);
    for (size_t k = 0; k < N_BOTH; k++) {
        struct bank_header header = bank_of(k * 31 % N_BOTH);

        library_put_bank(shelf.env, &shelf.batch, &header);
    }
    shelf_commit(&shelf);
    shelf_reopen(&shelf);
    cr_expect_eq(library_each_bank(shelf.env, see_bank, &n), OK);
    cr_expect_eq(n, N_BOTH);
    shelf_close(&shelf);
}

static void make_document(size_t k, struct buf *out)
{
    char text[160];

    buf_clear(out);
    snprintf(text, sizeof(text),
             "{'test': '%zu', 'select': {'randomesque': %zu}, 'x': [null, 0.1]}", k, k);
    wire_json(text, out);
}

static enum status see_test(void *context, const struct test_header *header)
{
    size_t *n = context, k = (*n)++;
    struct buf document = {0};

    make_document(k, &document);
    cr_expect(is_name(&header->name, k / N_VERSION), "test %zu", k);
    cr_expect_eq(header->version, versions[k % N_VERSION]);
    cr_expect_eq(header->created_ms, (int64_t)k * 1000);
    cr_expect(slice_equal(header->document, buf_slice(&document)), "document %zu", k);
    buf_done(&document);
    return OK;
}

Test(library, tests_come_back)
{
    struct shelf shelf;
    struct buf document = {0};
    size_t n = 0;

    shelf_open(&shelf, 8);
    for (size_t k = 0; k < N_BOTH; k++) {
        struct test_header header = {.name = name_of(k / N_VERSION),
                                     .version = versions[k % N_VERSION],
                                     .created_ms = (int64_t)k * 1000};

        make_document(k, &document);
        header.document = buf_slice(&document);
        library_put_test(shelf.env, &shelf.batch, &header);
    }
    shelf_commit(&shelf);
    shelf_reopen(&shelf);
    cr_expect_eq(library_each_test(shelf.env, see_test, &n), OK);
    cr_expect_eq(n, N_BOTH);
    buf_done(&document);
    shelf_close(&shelf);
}

static enum status see_retired(void *context, const struct library_name *bank, struct slice item)
{
    size_t *n = context, k = (*n)++;
    char want[16];

    snprintf(want, sizeof(want), "q%zu", k);
    cr_expect(is_name(bank, k / 3), "item %zu", k);
    cr_expect(slice_equal_str(item, k % 3 == 2 ? ID_64 : want), "item %zu", k);
    return OK;
}

Test(library, retirements_come_back)
{
    struct shelf shelf;
    size_t n = 0;

    shelf_open(&shelf, 8);
    for (size_t k = 0; k < N_NAME * 3; k++) {
        struct library_name bank = name_of(k / 3);
        char item[16];

        snprintf(item, sizeof(item), "q%zu", k);
        library_put_retired(shelf.env, &shelf.batch, &bank, (uint32_t)(k % 3) * 200,
                            slice_str(k % 3 == 2 ? ID_64 : item));
    }
    shelf_commit(&shelf);
    shelf_reopen(&shelf);
    cr_expect_eq(library_each_retired(shelf.env, see_retired, &n), OK);
    cr_expect_eq(n, N_NAME * 3);
    shelf_close(&shelf);
}

/* Items that travel together are taken one by one; one that is cut anywhere is left. */
Test(library, items_of_a_list_are_taken_whole)
{
    static const char *const text[] = {"one", "", "2.385"};
    struct buf list = {0};
    struct slice left, item;

    for (size_t i = 0; i < COUNT_OF(text); i++) library_append_item(&list, slice_str(text[i]));
    left = slice_of(list.data, list.n);
    for (size_t i = 0; i < COUNT_OF(text); i++) {
        cr_assert(library_take_item(&left, &item), "item %zu", i);
        cr_expect(slice_equal_str(item, text[i]), "item %zu", i);
    }
    cr_expect_eq(left.n, 0);
    cr_expect_not(library_take_item(&left, &item));
    for (size_t n = 0; n < 4 + strlen(text[0]); n++) {
        left = slice_of(list.data, n);
        cr_expect_not(library_take_item(&left, &item), "%zu bytes", n);
        cr_expect_eq(left.n, n);
    }
    buf_done(&list);
}

static enum status stop_at_once(void *context, const struct bank_header *header)
{
    (void)header;
    ++*(size_t *)context;
    return BUSY;
}

Test(library, a_visit_ends_where_it_is_told_to)
{
    struct shelf shelf;
    struct bank_header one = bank_of(0), two = bank_of(1);
    size_t n = 0;

    shelf_open(&shelf, 8);
    library_put_bank(shelf.env, &shelf.batch, &one);
    library_put_bank(shelf.env, &shelf.batch, &two);
    shelf_commit(&shelf);
    cr_expect_eq(library_each_bank(shelf.env, stop_at_once, &n), BUSY);
    cr_expect_eq(n, 1);
    shelf_close(&shelf);
}

static enum status ignore_bank(void *context, const struct bank_header *header)
{
    (void)context;
    (void)header;
    return OK;
}

static enum status ignore_test(void *context, const struct test_header *header)
{
    (void)context;
    (void)header;
    return OK;
}

/* Records with good seals that this program never writes. */
Test(library, finds_what_is_no_header)
{
    static const struct {
        enum table table;
        struct slice key;
        const char *value;
    } rows[] = {
        {TABLE_BANK, {(const uint8_t *)"t\0n\0\0\0\0\1", 8}, "[1]"},
        {TABLE_BANK, {(const uint8_t *)"t\0n\0\0\0\0\1", 8}, "{'upload': 1, 'n_items': 1, 'D': 1}"},
        {TABLE_BANK,
         {(const uint8_t *)"t\0n\0\0\0\0\1", 8},
         "{'upload': 0, 'n_items': 1, 'D': 1, 'created_ms': 0}"},
        {TABLE_BANK,
         {(const uint8_t *)"t\0n\0\0\0\0\1", 8},
         "{'upload': 1, 'n_items': 200001, 'D': 1, 'created_ms': 0}"},
        {TABLE_BANK,
         {(const uint8_t *)"nothing", 7},
         "{'upload': 1, 'n_items': 1, 'D': 1, 'created_ms': 0}"},
        {TABLE_BANK,
         {(const uint8_t *)"ab\0cde", 6},
         "{'upload': 1, 'n_items': 1, 'D': 1, 'created_ms': 0}"},
        {TABLE_BANK,
         {(const uint8_t *)"\0\0\0\0\0", 5},
         "{'upload': 1, 'n_items': 1, 'D': 1, 'created_ms': 0}"},
        {TABLE_TEST, {(const uint8_t *)"t\0n\0\0\0\0\1", 8}, "{'created_ms': 1}"},
        {TABLE_TEST, {(const uint8_t *)"t\0n\0\0\0\0\1", 8}, "{'created_ms': 1, 'document': 7}"},
        {TABLE_TEST, {(const uint8_t *)"nothing", 7}, "{'created_ms': 1, 'document': {}}"},
    };
    struct shelf shelf;
    struct buf value = {0};

    shelf_open(&shelf, 8);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum status st;

        buf_clear(&value);
        wire_json(rows[i].value, &value);
        batch_put(shelf.env, &shelf.batch, rows[i].table, rows[i].key, buf_slice(&value), NULL);
        shelf_commit(&shelf);
        st = rows[i].table == TABLE_BANK ? library_each_bank(shelf.env, ignore_bank, NULL)
                                         : library_each_test(shelf.env, ignore_test, NULL);
        cr_expect_eq(st, CORRUPT, "row %zu: status %d", i, st);
        batch_remove(&shelf.batch, rows[i].table, rows[i].key);
        shelf_commit(&shelf);
    }
    buf_done(&value);
    shelf_close(&shelf);
}

/* The numbers of the items that a visit saw. */
struct page {
    uint32_t number[8];
    size_t n, n_most;
};

static enum status see_item(void *context, uint32_t number, struct slice item)
{
    struct page *page = context;
    char want[16];

    if (page->n == page->n_most) return NOT_FOUND;
    snprintf(want, sizeof(want), "item %u", number);
    cr_expect(slice_equal_str(item, want));
    page->number[page->n++] = number;
    return OK;
}

static void put_items(struct shelf *shelf, uint64_t upload, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char text[16];

        snprintf(text, sizeof(text), "item %u", i);
        library_put_item(shelf->env, &shelf->batch, upload, i, slice_str(text));
    }
    shelf_commit(shelf);
}

static void expect_page(struct shelf *shelf, uint64_t upload, uint32_t first, size_t n_most,
                        size_t want)
{
    struct page page = {.n_most = n_most};

    cr_expect_eq(library_each_item(shelf->env, upload, first, see_item, &page), OK);
    cr_expect_eq(page.n, want, "%zu items of upload %llu", page.n, (unsigned long long)upload);
    for (size_t i = 0; i < page.n; i++) cr_expect_eq(page.number[i], first + i);
}

Test(library, items_come_in_pages)
{
    struct shelf shelf;

    shelf_open(&shelf, 8);
    put_items(&shelf, 2, 300);
    put_items(&shelf, 1, 3);
    put_items(&shelf, 256, 2);
    expect_page(&shelf, 1, 0, 8, 3);
    expect_page(&shelf, 1, 2, 8, 1);
    expect_page(&shelf, 1, 3, 8, 0);
    expect_page(&shelf, 2, 0, 8, 8);
    expect_page(&shelf, 2, 253, 8, 8);
    expect_page(&shelf, 2, 298, 8, 2);
    expect_page(&shelf, 2, 255, 0, 0);
    expect_page(&shelf, 3, 0, 8, 0);
    expect_page(&shelf, 256, 1, 8, 1);
    library_remove_items(&shelf.batch, 1, 3);
    library_remove_items(&shelf.batch, 256, 1);
    shelf_commit(&shelf);
    expect_page(&shelf, 1, 0, 8, 0);
    expect_page(&shelf, 2, 0, 8, 8);
    expect_page(&shelf, 256, 1, 8, 1);
    shelf_close(&shelf);
}

Test(library, knows_the_last_upload)
{
    struct shelf shelf;
    uint64_t last = 7;

    shelf_open(&shelf, 8);
    cr_expect_eq(library_last_upload(shelf.env, &last), OK);
    cr_expect_eq(last, 0);
    put_items(&shelf, 255, 2);
    put_items(&shelf, 3, 1);
    cr_expect_eq(library_last_upload(shelf.env, &last), OK);
    cr_expect_eq(last, 255);
    put_items(&shelf, 256, 1);
    cr_expect_eq(library_last_upload(shelf.env, &last), OK);
    cr_expect_eq(last, 256);
    shelf_close(&shelf);
}

static void put_json_item(struct shelf *shelf, uint32_t number, const char *text)
{
    struct buf item = {0};

    wire_json(text, &item);
    library_put_item(shelf->env, &shelf->batch, 5, number, buf_slice(&item));
    shelf_commit(shelf);
    buf_done(&item);
}

/* Load upload 5 as a bank of `n` items. */
static enum status load(struct shelf *shelf, uint32_t n, const char *faults, struct bank **out)
{
    struct bank_header header = {.upload = 5, .n_item = n, .D = 1.702};
    struct faults found = {0};
    enum status st;

    *out = NULL;
    st = library_load_bank(shelf->env, &header, out, &found);
    expect_faults(&found, faults, "the bank");
    faults_done(&found);
    cr_expect_eq(*out != NULL, st == OK);
    return st;
}

Test(library, loads_a_bank_whole)
{
    struct shelf shelf;
    struct bank *bank;

    shelf_open(&shelf, 8);
    put_json_item(&shelf, 0, "{'id': 'q1', 'model': '2PL', 'a': 1.2, 'b': -0.385}");
    put_json_item(&shelf, 1, "{'id': 'q2', 'model': '1PL', 'b': 2, 'content': ['x', 1.5]}");
    put_json_item(&shelf, 2, "{'id': 'q3', 'model': 'GRM', 'a': 1, 'b': [-1, 0.5]}");
    cr_assert_eq(load(&shelf, 3, "", &bank), OK);
    cr_expect_eq(bank_n_item(bank), 3);
    cr_expect_str_eq(bank_id(bank, 1), "q2");
    cr_expect_eq(bank_item(bank, 2)->n_cat, 3);
    expect_bits(bank_item(bank, 0)->a, 1.2 * 1.702, "slope with D");
    cr_expect_gt(bank_content(bank, 1).n, 0);
    bank_free(bank);
    shelf_close(&shelf);
}

static void put_plain_item(struct shelf *shelf, uint32_t number)
{
    char text[64];

    snprintf(text, sizeof(text), "{'id': 'q%u', 'model': '1PL', 'b': 0.5}", number);
    put_json_item(shelf, number, text);
}

Test(library, finds_missing_and_surplus_items)
{
    struct shelf shelf;
    struct bank *bank;
    uint8_t key[12] = {0};

    shelf_open(&shelf, 8);
    cr_expect_eq(load(&shelf, 1, "", &bank), CORRUPT);
    for (uint32_t i = 0; i < 3; i++) put_plain_item(&shelf, i);
    cr_expect_eq(load(&shelf, 4, "", &bank), CORRUPT);
    cr_expect_eq(load(&shelf, 2, "", &bank), CORRUPT);
    bytes_put_u64(key, 5);
    for (uint32_t gap = 0; gap < 3; gap++) {
        bytes_put_u32(key + 8, gap);
        batch_remove(&shelf.batch, TABLE_ITEM, slice_of(key, sizeof(key)));
        shelf_commit(&shelf);
        cr_expect_eq(load(&shelf, 3, "", &bank), CORRUPT, "without item %u", gap);
        cr_expect_eq(load(&shelf, 2, "", &bank), gap == 2 ? OK : CORRUPT, "without %u", gap);
        bank_free(bank);
        put_plain_item(&shelf, gap);
    }
    cr_expect_eq(load(&shelf, 3, "", &bank), OK);
    bank_free(bank);
    shelf_close(&shelf);
}

Test(library, finds_an_item_that_is_no_message)
{
    struct shelf shelf;
    struct bank *bank;

    shelf_open(&shelf, 8);
    library_put_item(shelf.env, &shelf.batch, 5, 0, slice_str("\xc1"));
    shelf_commit(&shelf);
    cr_expect_eq(load(&shelf, 1, "", &bank), CORRUPT);
    shelf_close(&shelf);
}

Test(library, refuses_a_bank_with_every_fault)
{
    struct shelf shelf;
    struct bank *bank;

    shelf_open(&shelf, 8);
    put_json_item(&shelf, 0, "{'id': 'q1', 'model': '2PL', 'a': -1, 'b': 0}");
    put_json_item(&shelf, 1, "{'model': '2PL', 'a': 1, 'b': 0}");
    put_json_item(&shelf, 2, "7");
    put_json_item(&shelf, 3, "{'id': 'q4', 'model': null}");
    put_json_item(&shelf, 4, "{'id': 'q5', 'model': '1PL', 'b': 0, 'enemies': ['q6']}");
    cr_expect_eq(load(&shelf, 5, "q1:a #2:id #3: q4:model q5:enemies", &bank), INVALID_BANK);
    shelf_close(&shelf);
}

/* A bank must have all the items that its header says: none may fall out without a fault. */
Test(library, an_item_without_a_model_is_a_fault)
{
    struct shelf shelf;
    struct bank *bank;

    shelf_open(&shelf, 8);
    put_json_item(&shelf, 0, "{'id': 'q1', 'model': '1PL', 'b': 0}");
    put_json_item(&shelf, 1, "{'id': 'q2', 'model': null, 'b': 0}");
    cr_expect_eq(load(&shelf, 2, "q2:model", &bank), INVALID_BANK);
    bank_free(bank);
    shelf_close(&shelf);
}
