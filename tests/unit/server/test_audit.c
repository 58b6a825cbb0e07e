/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who did or saw what. */
#include "base/bytes.h"
#include "server_test.h"

#include <stdio.h>
#include <string.h>

/* Rows that neither frontends nor metrics may use and that leave no entry all the same, and why. */
static const char *const not_audited[] = {
    "bank.begin", "bank.add",  "bank.abort",  // nothing is there before bank.publish, which has one
    "bank.list",  "test.list",                // names and versions alone
};

Test(audit, every_privileged_row_is_in_it)
{
    for (size_t i = 0; requests[i]; i++) {
        bool reason = false;

        if (requests[i]->roles & (ROLE_FRONTEND | ROLE_METRICS)) continue;
        for (size_t k = 0; k < COUNT_OF(not_audited); k++) {
            reason = reason || strcmp(requests[i]->op, not_audited[k]) == 0;
        }
        cr_expect_neq(requests[i]->audit != NULL, reason, "%s", requests[i]->op);
    }
}

static json_t *entries(struct desk *desk, const char *fields)
{
    return wire_read(desk_ask(desk, ROLE_ADMIN, "'op': 'audit.list'%s", fields));
}

/* The newest entry but for that of audit.list itself. */
static void expect_entry(struct desk *desk, const char *op, const char *subject, const char *code)
{
    json_t *reply = entries(desk, ", 'limit': 1000"), *entry, *list;
    char *text;

    list = json_object_get(reply, "entries");
    cr_assert_gt(json_array_size(list), 0, "%s: no entry", op);
    entry = json_array_get(list, json_array_size(list) - 1);
    text = json_dumps(entry, 0);
    cr_expect_str_eq(json_string_value(json_object_get(entry, "op")), op, "%s", text);
    cr_expect_str_eq(json_string_value(json_object_get(entry, "subject")), subject, "%s", text);
    cr_expect_str_eq(json_string_value(json_object_get(entry, "code")), code, "%s", text);
    cr_expect_str_eq(json_string_value(json_object_get(entry, "who")), "local", "%s", text);
    cr_expect_leq(json_integer_value(json_object_get(entry, "time_ms")), desk->now_ms, "%s", text);
    cr_expect_gt(json_integer_value(json_object_get(entry, "time_ms")), 0, "%s", text);
    free(text);
    json_decref(reply);
}

Test(audit, tells_what_was_done)
{
    struct desk desk;

    desk_open(&desk, 16);
    desk_bank(&desk, "b", 6);
    expect_entry(&desk, "bank.publish", "b", "ok");
    desk_test(&desk, "t", "'reveal': true");
    expect_entry(&desk, "test.put", "t", "ok");
    desk_steps(&desk, "s-1", "t", "s1");
    expect_entry(&desk, "audit.list", "", "ok");  // of answers there is nothing
    desk_do(&desk, "'op': 'session.explain', 'session': 's-1'");
    expect_entry(&desk, "session.explain", "s-1", "ok");
    desk_fail(&desk, "unknown_session", "'op': 'session.void', 'session': 's-2'");
    expect_entry(&desk, "session.void", "s-2", "unknown_session");
    desk_do(&desk, "'op': 'irt.rank', 'bank': 'b', 'theta': 0.385");
    expect_entry(&desk, "irt.rank", "b", "ok");
    desk_do(&desk, "'op': 'irt.rank', 'theta': 0, 'items': [{'id': 'q', 'model': '1PL', 'b': 0}]");
    expect_entry(&desk, "audit.list", "", "ok");
    desk_do(&desk, "'op': 'bank.retire', 'bank': 'b', 'item': 'q2'");
    expect_entry(&desk, "bank.retire", "b", "ok");
    desk_do(&desk, "'op': 'log.verify'");
    expect_entry(&desk, "log.verify", "", "ok");
    expect_entry(&desk, "audit.list", "", "ok");
    desk_do(&desk, "'op': 'log.verify', 'run': null");  // as good as none: it begins another
    expect_entry(&desk, "log.verify", "", "ok");
    desk_reopen(&desk);
    desk_do(&desk, "'op': 'bank.get', 'bank': 'b'");
    expect_entry(&desk, "bank.get", "b", "ok");
    desk_close(&desk);
}

Test(audit, comes_in_pages_and_by_subject)
{
    struct desk desk;
    json_t *all, *page;

    desk_open(&desk, 16);
    desk_bank(&desk, "b", 2);
    desk_bank(&desk, "c", 2);
    for (int i = 0; i < 5; i++) desk_do(&desk, "'op': 'bank.get', 'bank': 'b'");
    all = entries(&desk, "");
    cr_expect_eq(json_array_size(json_object_get(all, "entries")), 7);
    cr_expect_null(json_object_get(all, "next"));
    page = entries(&desk, ", 'from': 2, 'limit': 3");
    cr_expect_eq(json_array_size(json_object_get(page, "entries")), 3);
    cr_expect_eq(json_integer_value(json_object_get(page, "next")), 5);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(json_equal(json_array_get(json_object_get(page, "entries"), i),
                             json_array_get(json_object_get(all, "entries"), i + 1)));
    }
    json_decref(page);
    page = entries(&desk, ", 'subject': 'c'");
    cr_expect_eq(json_array_size(json_object_get(page, "entries")), 1);
    json_decref(page);
    json_decref(all);
    desk_close(&desk);
}

Test(audit, of_another_tenant_is_not_told)
{
    struct desk desk;
    struct audit_entry entry = {.tenant = slice_str("other"),
                                .who = slice_str("theirs"),
                                .op = slice_str("bank.get"),
                                .subject = slice_str("b"),
                                .code = slice_str("ok")};
    json_t *reply;

    desk_open(&desk, 16);
    audit_append(&desk.server.audit, &desk.server.batch, &entry);
    desk_commit(&desk);
    reply = entries(&desk, "");
    cr_expect_eq(json_array_size(json_object_get(reply, "entries")), 0);
    json_decref(reply);
    desk_close(&desk);
}

struct values {
    struct buf value[16];
    size_t n;
};

static enum status copy_value(void *context, struct slice key, struct slice value)
{
    struct values *values = context;

    (void)key;
    cr_assert_lt(values->n, 16);
    buf_append(&values->value[values->n++], value.data, value.n);
    return OK;
}

static void put_value(struct desk *desk, uint64_t number, struct slice value)
{
    uint8_t key[8];

    bytes_put_u64(key, number);
    batch_put(desk->server.env, &desk->server.batch, TABLE_AUDIT, slice_of(key, sizeof(key)), value,
              NULL);
}

/* Edits with seals that hold; `n_fault` must be found. */
static void expect_tampered(void (*edit)(struct desk *, struct values *), bool found)
{
    struct desk desk;
    struct values values = {0};
    json_t *reply;

    desk_open(&desk, 16);
    desk_bank(&desk, "b", 2);
    for (int i = 0; i < 4; i++) desk_do(&desk, "'op': 'bank.get', 'bank': 'b'");
    cr_assert_eq(audit_each(desk.server.env, 1, (struct visitor){copy_value, &values}), OK);
    edit(&desk, &values);
    desk_commit(&desk);
    reply = wire_read(desk_ask(&desk, ROLE_ADMIN, "'op': 'log.verify'"));
    cr_expect_eq(json_integer_value(json_object_get(reply, "n_faults")) > 0, found);
    json_decref(reply);
    for (size_t i = 0; i < values.n; i++) buf_done(&values.value[i]);
    desk_close(&desk);
}

static void edit_nothing(struct desk *desk, struct values *values)
{
    put_value(desk, 2, buf_slice(&values->value[1]));
}

static void edit_middle(struct desk *desk, struct values *values)
{
    values->value[1].data[values->value[1].n - 1] ^= 1;
    put_value(desk, 2, buf_slice(&values->value[1]));
}

static void edit_last(struct desk *desk, struct values *values)
{
    values->value[4].data[values->value[4].n - 1] ^= 1;
    put_value(desk, 5, buf_slice(&values->value[4]));
}

static void remove_number(struct desk *desk, uint64_t number)
{
    uint8_t key[8];

    bytes_put_u64(key, number);
    batch_remove(&desk->server.batch, TABLE_AUDIT, slice_of(key, sizeof(key)));
}

static void remove_middle(struct desk *desk, struct values *values)
{
    (void)values;
    remove_number(desk, 3);
}

static void remove_last(struct desk *desk, struct values *values)
{
    (void)values;
    remove_number(desk, 5);
}

static void swap_two(struct desk *desk, struct values *values)
{
    put_value(desk, 2, buf_slice(&values->value[2]));
    put_value(desk, 3, buf_slice(&values->value[1]));
}

Test(audit, is_verified)
{
    expect_tampered(edit_nothing, false);
    expect_tampered(edit_middle, true);
    expect_tampered(edit_last, true);
    expect_tampered(remove_middle, true);
    expect_tampered(remove_last, true);
    expect_tampered(swap_two, true);
}
