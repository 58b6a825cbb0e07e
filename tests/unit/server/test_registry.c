/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server_test.h"

#include <stdio.h>
#include <string.h>

static struct library_name name_of(const char *name)
{
    return (struct library_name){slice_str("local"), slice_str(name)};
}

static struct bank_version *version_of(struct desk *desk, const char *bank, uint32_t version)
{
    struct bank_entry *entry = registry_bank(desk->server.registry, name_of(bank));

    cr_assert(entry);
    return bank_entry_version(entry, version);
}

/* Publish a bank of these items, by id. */
static void publish(struct desk *desk, const char *bank, const char *const *ids, size_t n)
{
    json_t *reply = wire_read(desk_ask(desk, ROLE_ALL, "'op': 'bank.begin', 'bank': '%s'", bank));
    int upload = (int)json_integer_value(json_object_get(reply, "upload"));
    char items[1024] = "";

    json_decref(reply);
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(items);

        snprintf(items + at, sizeof(items) - at, "%s{'id': '%s', 'model': '1PL', 'b': 0}",
                 i > 0 ? ", " : "", ids[i]);
    }
    desk_do(desk, "'op': 'bank.add', 'upload': %d, 'items': [%s]", upload, items);
    desk_do(desk, "'op': 'bank.publish', 'upload': %d", upload);
}

static const char *const first[] = {"q1", "q2", "q3"}, *const second[] = {"q3", "q4", "q2", "q5"},
                         *const third[] = {"q5"};

static void publish_three(struct desk *desk)
{
    publish(desk, "b", first, COUNT_OF(first));
    publish(desk, "b", second, COUNT_OF(second));
    publish(desk, "b", third, COUNT_OF(third));
}

Test(registry, counts_versions)
{
    struct desk desk;

    desk_open(&desk, 10);
    cr_expect_null(registry_bank(desk.server.registry, name_of("b")));
    cr_expect_eq(registry_next_bank_version(desk.server.registry, name_of("b")), 1);
    publish_three(&desk);
    for (int round = 0; round < 2; round++) {
        cr_expect_eq(version_of(&desk, "b", 0)->version, 3);
        cr_expect_eq(version_of(&desk, "b", 1)->n_item, 3);
        cr_expect_eq(version_of(&desk, "b", 2)->n_item, 4);
        cr_expect_eq(version_of(&desk, "b", 3)->version, 3);
        cr_expect_null(version_of(&desk, "b", 4));
        cr_expect_null(version_of(&desk, "b", UINT32_MAX));
        cr_expect_eq(version_of(&desk, "b", 1)->created_ms, desk.now_ms);
        cr_expect_eq(registry_next_bank_version(desk.server.registry, name_of("b")), 4);
        cr_expect_eq(registry_n_bank(desk.server.registry), 1);
        cr_expect(registry_has_upload(desk.server.registry, 2));
        cr_expect_not(registry_has_upload(desk.server.registry, 4));
        desk_reopen(&desk);
    }
    desk_close(&desk);
}

Test(registry, keeps_versions_of_tests)
{
    struct desk desk;
    struct test_entry *entry;

    desk_open(&desk, 10);
    publish_three(&desk);
    desk_test(&desk, "t", "'reveal': true");
    desk_test(&desk, "t", "'reveal': false");
    for (int round = 0; round < 2; round++) {
        entry = registry_test(desk.server.registry, name_of("t"));
        cr_assert(entry);
        cr_expect(test_entry_version(entry, 1)->test.reveal);
        cr_expect_not(test_entry_version(entry, 0)->test.reveal);
        cr_expect_eq(test_entry_version(entry, 0)->version, 2);
        cr_expect_null(test_entry_version(entry, 3));
        cr_expect_eq(registry_next_test_version(desk.server.registry, name_of("t")), 3);
        cr_expect_eq(registry_n_test(desk.server.registry), 1);
        expect_wire(buf_slice(&test_entry_version(entry, 2)->document),
                    "{'test': 't', 'bank': 'b', 'reveal': false}");
        desk_reopen(&desk);
    }
    desk_close(&desk);
}

Test(registry, takes_only_the_next_version)
{
    struct desk desk;
    struct bank_header header = {.name = name_of("b"), .upload = 9, .n_item = 1, .D = 1};
    struct test_header test_header = {.name = name_of("t")};
    struct test test;

    desk_open(&desk, 10);
    publish_three(&desk);
    test_init(&test);
    for (uint32_t version = 0; version < 7; version++) {
        header.version = test_header.version = version;
        if (version != 4) {
            cr_expect_eq(registry_add_bank(desk.server.registry, &header, NULL, NULL), CORRUPT);
        }
        if (version != 1) {
            cr_expect_eq(registry_add_test(desk.server.registry, &test_header, &test, NULL),
                         CORRUPT);
        }
    }
    cr_expect_eq(version_of(&desk, "b", 0)->version, 3);
    desk_close(&desk);
}

Test(registry, loads_a_bank_when_it_is_needed)
{
    struct desk desk;
    struct bank_version *version;
    const struct bank *bank;

    desk_open(&desk, 10);
    publish_three(&desk);
    cr_expect(version_of(&desk, "b", 2)->bank);
    desk_reopen(&desk);
    cr_expect(version_of(&desk, "b", 3)->bank, "the newest is loaded at the start");
    version = version_of(&desk, "b", 2);
    cr_expect_null(version->bank);
    cr_assert_eq(registry_load_bank(desk.server.registry, version), OK);
    bank = version->bank;
    cr_expect_eq(bank_n_item(bank), 4);
    cr_expect_str_eq(bank_id(bank, 1), "q4");
    cr_assert_eq(registry_load_bank(desk.server.registry, version), OK);
    cr_expect_eq(version->bank, bank);
    cr_expect_null(version_of(&desk, "b", 1)->bank);
    desk_close(&desk);
}

Test(registry, a_bank_that_is_damaged_does_not_load)
{
    struct desk desk;
    struct bank_version *version;
    struct fault fault = {0};

    desk_open(&desk, 10);
    publish_three(&desk);
    desk_reopen(&desk);
    version = version_of(&desk, "b", 2);
    library_put_item(desk.server.env, &desk.server.batch, version->upload, 0, slice_str("\x80"));
    desk_commit(&desk);
    cr_expect_eq(registry_load_bank(desk.server.registry, version), CORRUPT);
    cr_expect_null(version->bank);

    /* The newest is needed from the start on. */
    version = version_of(&desk, "b", 0);
    library_put_item(desk.server.env, &desk.server.batch, version->upload, 0, slice_str("\x80"));
    desk_commit(&desk);
    cr_expect_eq(desk_restart(&desk, &fault), CORRUPT);
    cr_expect(strstr(fault.text, "banks"), "%s", fault.text);
    desk_close(&desk);
}

Test(registry, makes_a_plan_once)
{
    struct desk desk;
    struct registry *registry;
    struct test_version *test, *other;
    const struct plan *one, *two, *three, *again;
    struct faults faults = {0};

    desk_open(&desk, 10);
    publish_three(&desk);
    desk_test(&desk, "t", "'reveal': true");
    desk_test(&desk, "u", "'reveal': true");
    desk_reopen(&desk);
    registry = desk.server.registry;
    test = test_entry_version(registry_test(registry, name_of("t")), 0);
    other = test_entry_version(registry_test(registry, name_of("u")), 0);
    cr_assert_eq(registry_plan(registry, test, version_of(&desk, "b", 1), &one, &faults), OK);
    cr_assert_eq(registry_plan(registry, test, version_of(&desk, "b", 2), &two, &faults), OK);
    cr_assert_eq(registry_plan(registry, other, version_of(&desk, "b", 1), &three, &faults), OK);
    cr_assert_eq(registry_plan(registry, test, version_of(&desk, "b", 1), &again, &faults), OK);
    cr_expect_eq(one, again);
    cr_expect_neq(one, two);
    cr_expect_neq(one, three);
    cr_expect_eq(one->bank, version_of(&desk, "b", 1)->bank);
    cr_expect_eq(two->max_items, 4);
    cr_expect_eq(faults.total, 0);
    desk_close(&desk);
}

Test(registry, tells_why_a_test_does_not_fit)
{
    struct desk desk;
    struct registry *registry;
    struct test_version *test;
    const struct plan *plan = NULL;
    struct faults faults = {0};

    desk_open(&desk, 10);
    publish(&desk, "b", first, COUNT_OF(first));
    desk_test(&desk, "t", "'start': {'items': ['q1', 'q2']}");
    publish(&desk, "b", second, COUNT_OF(second));
    registry = desk.server.registry;
    test = test_entry_version(registry_test(registry, name_of("t")), 0);
    for (int round = 0; round < 2; round++) {
        cr_expect_eq(registry_plan(registry, test, version_of(&desk, "b", 0), &plan, &faults),
                     INVALID_TEST);
        cr_expect_null(plan);
        cr_assert_eq(faults.total, 1);
        cr_expect_str_eq(faults.list[0].field, "start.items");
        cr_expect(strstr(faults.list[0].text, "q1"));
        faults_done(&faults);
        faults = (struct faults){0};
    }
    cr_expect_eq(registry_plan(registry, test, version_of(&desk, "b", 1), &plan, &faults), OK);
    desk_close(&desk);
}

static void expect_retired(struct desk *desk, uint32_t version, uint32_t i, uint32_t index)
{
    struct bank_version *bank = version_of(desk, "b", version);

    cr_assert_eq(registry_load_bank(desk->server.registry, bank), OK);
    cr_expect_eq(bank->retired[i], index, "version %u, item %u", version, i);
}

static void expect_all_retired(struct desk *desk)
{
    struct bank_entry *entry = registry_bank(desk->server.registry, name_of("b"));

    cr_assert_eq(bank_entry_n_retired(entry), 3);
    cr_expect_str_eq(bank_entry_retired(entry, 0), "q2");
    cr_expect_str_eq(bank_entry_retired(entry, 1), "q5");
    cr_expect_str_eq(bank_entry_retired(entry, 2), "q1");
    expect_retired(desk, 1, 0, 1);
    expect_retired(desk, 1, 1, NO_ITEM);
    expect_retired(desk, 1, 2, 0);
    expect_retired(desk, 2, 0, 2);
    expect_retired(desk, 2, 1, 3);
    expect_retired(desk, 2, 2, NO_ITEM);
    expect_retired(desk, 3, 0, NO_ITEM);
    expect_retired(desk, 3, 1, 0);
}

/* By index in each version, whether it was loaded before the item was withdrawn or after. */
Test(registry, withdraws_items_in_every_version)
{
    struct desk desk;

    desk_open(&desk, 10);
    publish(&desk, "b", first, COUNT_OF(first));
    publish(&desk, "b", second, COUNT_OF(second));
    desk_do(&desk, "'op': 'bank.retire', 'bank': 'b', 'item': 'q2'");
    desk_reopen(&desk);
    cr_expect_null(version_of(&desk, "b", 1)->bank);
    cr_expect(version_of(&desk, "b", 2)->bank);
    desk_do(&desk, "'op': 'bank.retire', 'bank': 'b', 'item': 'q5'");
    desk_do(&desk, "'op': 'bank.retire', 'bank': 'b', 'item': 'q1'");
    publish(&desk, "b", third, COUNT_OF(third));
    expect_all_retired(&desk);
    desk_reopen(&desk);
    expect_all_retired(&desk);
    desk_close(&desk);
}

Test(registry, withdraws_an_item_once)
{
    struct desk desk;
    struct bank_entry *entry;

    desk_open(&desk, 10);
    publish_three(&desk);
    entry = registry_bank(desk.server.registry, name_of("b"));
    cr_expect_eq(registry_retire(desk.server.registry, entry, slice_str("q2")), OK);
    cr_expect_eq(registry_retire(desk.server.registry, entry, slice_str("q2")), EXISTS);
    cr_expect_eq(registry_retire(desk.server.registry, entry, slice_str("q22")), OK);
    cr_expect_eq(bank_entry_n_retired(entry), 2);
    expect_retired(&desk, 1, 1, NO_ITEM);
    desk_do(&desk, "'op': 'bank.retire', 'bank': 'b', 'item': 'q2'");
    desk_fail(&desk, "unknown_item", "'op': 'bank.retire', 'bank': 'b', 'item': 'q9'");
    desk_fail(&desk, "unknown_bank", "'op': 'bank.retire', 'bank': 'c', 'item': 'q1'");
    cr_expect_eq(bank_entry_n_retired(entry), 2);
    desk_close(&desk);
}

static void list_name(void *context, struct bank_entry *entry)
{
    struct slice name = bank_entry_name(entry).name;
    char *list = context;

    snprintf(list + strlen(list), 64, "%.*s ", (int)name.n, (const char *)name.data);
}

Test(registry, lists_a_tenant_by_name)
{
    static const char *const banks[] = {"b", "ab", "a", "b-1", "aa", "B"};
    struct desk desk;
    struct bank_header header = {.name = {slice_str("local-2"), slice_str("a0")},
                                 .version = 1,
                                 .upload = 99,
                                 .n_item = 1,
                                 .D = 1};
    char list[256];

    desk_open(&desk, 10);
    for (size_t i = 0; i < COUNT_OF(banks); i++) publish(&desk, banks[i], third, 1);
    cr_assert_eq(registry_add_bank(desk.server.registry, &header, NULL, NULL), OK);
    list[0] = '\0';
    registry_each_bank(desk.server.registry, slice_str("local"), list_name, list);
    cr_expect_str_eq(list, "B a aa ab b b-1 ");
    list[0] = '\0';
    registry_each_bank(desk.server.registry, slice_str("local-2"), list_name, list);
    cr_expect_str_eq(list, "a0 ");
    cr_expect_null(registry_bank(desk.server.registry, name_of("a0")));
    desk_close(&desk);
}

/* A record that no other record leads to. */
Test(registry, refuses_a_retirement_without_a_bank)
{
    struct desk desk;
    struct library_name none = name_of("none");
    struct fault fault = {0};

    desk_open(&desk, 10);
    library_put_retired(desk.server.env, &desk.server.batch, &none, 0, slice_str("q1"));
    desk_commit(&desk);
    cr_expect_eq(desk_restart(&desk, &fault), CORRUPT);
    cr_expect(strstr(fault.text, "cannot be read"), "%s", fault.text);
    desk_close(&desk);
}

/* Whatever takes a while is a helper's: the plan of a test that is put, and of one that is taken
 * with a new version of its bank for the first time. */
Test(registry, plans_are_made_by_a_helper_once)
{
    struct desk desk;
    size_t n;

    desk_open(&desk, 100);
    publish(&desk, "b", first, COUNT_OF(first));
    n = desk.n_asked;
    desk_test(&desk, "t", "'reveal': true");
    cr_expect_eq(desk.n_asked, n + 1);
    desk_do(&desk, "'op': 'session.start', 'test': 't', 'examinee': 'e', 'session': 's1'");
    cr_expect_eq(desk.n_asked, n + 1, "the plan of test.put is kept");
    publish(&desk, "b", second, COUNT_OF(second));
    n = desk.n_asked;
    for (int i = 2; i < 5; i++) {
        desk_do(&desk, "'op': 'session.start', 'test': 't', 'examinee': 'e', 'session': 's%d'", i);
        cr_expect_eq(desk.n_asked, n + 1, "session %d", i);
        cr_expect_eq(desk_live(&desk, "s2")->bank->version, 2);
    }
    desk_close(&desk);
}

/* An older version is not in memory after a start from the disk. */
Test(registry, older_banks_are_compiled_by_a_helper)
{
    struct desk desk;
    size_t n;

    desk_open(&desk, 100);
    publish(&desk, "b", first, COUNT_OF(first));
    publish(&desk, "b", second, COUNT_OF(second));
    desk_reopen(&desk);
    n = desk.n_asked;
    desk_do(&desk, "'op': 'bank.get', 'bank': 'b'");
    cr_expect_eq(desk.n_asked, n);
    desk_do(&desk, "'op': 'bank.get', 'bank': 'b', 'version': 1");
    cr_expect_eq(desk.n_asked, n + 1);
    desk_do(&desk, "'op': 'bank.get', 'bank': 'b', 'version': 1");
    cr_expect_eq(desk.n_asked, n + 1);
    desk_close(&desk);
}
