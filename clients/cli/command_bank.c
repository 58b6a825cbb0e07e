/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bank list, show, demo, retire. */
#include "clients/cli/args.h"
#include "clients/cli/text_table.h"
#include "tools/demo_bank.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run_list(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply, *banks;
    struct text_table table;
    int code = cli_call(cli, "bank.list", NULL, &reply);

    (void)args;
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    banks = reply_array(reply, "banks");
    if (reply_size(banks) == 0) {
        puts("There is no bank yet: see theta bank import --help");
        return EX_OK;
    }
    text_table_init(&table, "lrrrl");
    text_table_cell(&table, "bank");
    text_table_cell(&table, "version");
    text_table_cell(&table, "items");
    text_table_cell(&table, "D");
    text_table_cell(&table, "created");
    for (size_t i = 0; i < reply_size(banks); i++) {
        const msgpack_object *bank = &banks->via.array.ptr[i];
        char when[32];

        cli_time_text(reply_int(bank, "created_ms"), when);
        text_table_slice(&table, reply_text(bank, "bank"));
        text_table_cell(&table, "%lld", (long long)reply_int(bank, "version"));
        text_table_cell(&table, "%lld", (long long)reply_int(bank, "n_items"));
        text_table_cell(&table, "%g", reply_number(bank, "D"));
        text_table_cell(&table, "%s", when);
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
    return EX_OK;
}

/* One parameter of an item: a number, or the numbers of an array. */
static void put_param(struct text_table *table, const msgpack_object *item, const char *name)
{
    const msgpack_object *array = reply_array(item, name);
    char text[LIMIT_CATS * 12] = "";
    size_t n = 0;

    if (!array) {
        text_table_number(table, 3, reply_number(item, name));
        return;
    }
    for (uint32_t i = 0; i < array->via.array.size && n < sizeof(text); i++) {
        double value = 0.0;

        (void)object_f64(&array->via.array.ptr[i], -1e6, 1e6, &value);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.3f", i > 0 ? " " : "", value);
    }
    text_table_cell(table, "%s", text);
}

/* All tags of an item in one cell: "strand=fractions grade=6". */
static void put_tags(struct text_table *table, const msgpack_object *tags)
{
    struct buf line = {0};

    for (uint32_t i = 0; tags && i < tags->via.map.size; i++) {
        const msgpack_object_kv *tag = &tags->via.map.ptr[i];
        struct slice name = {0}, value = {0};

        if (!object_str(&tag->key, &name) || !object_str(&tag->val, &value)) continue;
        if (line.n > 0) buf_append(&line, " ", 1);
        buf_append(&line, name.data, name.n);
        buf_append(&line, "=", 1);
        buf_append(&line, value.data, value.n);
    }
    text_table_slice(table, buf_slice(&line));
    buf_done(&line);
}

static void put_item(struct text_table *table, const msgpack_object *item)
{
    const char *const params[] = {"a", "c", "d", "b"};
    size_t n_option = reply_size(reply_array(item, "options"));

    text_table_slice(table, reply_text(item, "id"));
    text_table_slice(table, reply_text(item, "model"));
    text_table_slice(table, reply_text(item, "set"));
    for (size_t i = 0; i < COUNT_OF(params); i++) put_param(table, item, params[i]);
    text_table_slice(table, reply_text(item, "key"));
    if (n_option > 0)
        text_table_cell(table, "%zu", n_option);
    else
        text_table_cell(table, "%s", "");
    put_tags(table, reply_map(item, "tags"));
}

static void item_header(struct text_table *table)
{
    const char *const names[] = {"item", "model", "set", "a",       "c",
                                 "d",    "b",     "key", "options", "tags"};

    text_table_init(table, "lllrrrllrl");
    table->hide_empty = true;
    for (size_t i = 0; i < COUNT_OF(names); i++) text_table_cell(table, "%s", names[i]);
}

static void show_head(const msgpack_object *reply)
{
    struct slice bank = reply_text(reply, "bank");
    const msgpack_object *retired = reply_array(reply, "retired");
    char when[32];

    cli_time_text(reply_int(reply, "created_ms"), when);
    cli_say("bank %.*s, version %lld of %s: %lld items, D = %g\n", (int)bank.n,
            (const char *)bank.data, (long long)reply_int(reply, "version"), when,
            (long long)reply_int(reply, "n_items"), reply_number(reply, "D"));
    if (reply_size(retired) > 0) printf("retired:");
    for (size_t i = 0; i < reply_size(retired); i++) {
        struct slice id = {0};

        if (object_str(&retired->via.array.ptr[i], &id))
            cli_say(" %.*s", (int)id.n, (const char *)id.data);
    }
    puts(reply_size(retired) > 0 ? "\n" : "");
}

/* As JSON it is one line for each part of at most 500 items. */
static int run_show(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply, *items;
    struct text_table table;
    int64_t version = 0, n_seen = 0, n_item;
    int code;

    if (!args_int(args, OPTION_VERSION, 1, LIMIT_INT, &version)) return EX_USAGE;
    item_header(&table);
    do {
        code = cli_try_items(cli, args->operands[0], version, n_seen, &reply);
        if (code) {
            cli_tell_error(cli, reply);
            break;
        }
        items = reply_array(reply, "items");
        n_item = reply_int(reply, "n_items");
        version = reply_int(reply, "version");
        if (cli->json)
            code = cli_show_json(reply);
        else if (n_seen == 0)
            show_head(reply);
        for (size_t i = 0; i < reply_size(items); i++) put_item(&table, &items->via.array.ptr[i]);
        n_seen += (int64_t)reply_size(items);
    } while (!code && reply_size(items) > 0 && n_seen < n_item);
    if (!code && !cli->json) text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
    return code;
}

static int run_demo(struct cli *cli, const struct args *args)
{
    struct demo_item *items;
    struct buf csv = {0};
    int64_t seed = 1;
    int code = EX_OK;

    (void)cli;
    if (!args_int(args, OPTION_SEED, 0, LIMIT_INT, &seed)) return EX_USAGE;
    items = calloc(DEMO_ITEMS, sizeof(*items));
    if (!items) return cli_fail(EX_OSERR, "no memory");
    demo_bank((uint64_t)seed, items);
    demo_bank_csv(items, DEMO_ITEMS, &csv);
    if (csv.failed)
        code = cli_fail(EX_OSERR, "no memory");
    else if (fwrite(csv.data, 1, csv.n, stdout) != csv.n || fflush(stdout))
        code = cli_fail(EX_IOERR, "cannot write: %s", strerror(errno));
    buf_done(&csv);
    free(items);
    return code;
}

static int run_retire(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply;
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, 2);
    put_text(&out, "bank", args->operands[0]);
    put_text(&out, "item", args->operands[1]);
    code = cli_call(cli, "bank.retire", &fields, &reply);
    buf_done(&fields);
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    printf("%s is out of every later pick; %lld items of %s are retired\n", args->operands[1],
           (long long)reply_int(reply, "n_retired"), args->operands[0]);
    return EX_OK;
}

const struct command command_bank_list = {
    .name = "bank list",
    .operands = "",
    .about = "The banks, each with its newest version",
    .details = "Example:\n  theta bank list",
    .run = run_list,
};

const struct command command_bank_show = {
    .name = "bank show",
    .operands = "BANK",
    .n_operand = 1,
    .about = "The items of a bank: parameters, key, number of options, tags",
    .details = "With --json one line for each 500 items.\n\n"
               "Examples:\n  theta bank show algebra\n  theta bank show algebra --version 2 --json",
    .options = {OPTION_VERSION},
    .n_option = 1,
    .run = run_show,
};

const struct command command_bank_demo = {
    .name = "bank demo",
    .operands = "",
    .about = "A bank of 320 mathematics questions to try things with, as CSV",
    .details = "Arithmetic, fractions, equations and ratios, 80 questions each. The questions and "
               "their answers are right; the item parameters are illustrative, they do not come "
               "from students.\n\n"
               "Example:\n  theta bank demo > demo.csv\n  theta bank import demo.csv",
    .options = {OPTION_SEED},
    .n_option = 1,
    .run = run_demo,
};

const struct command command_bank_retire = {
    .name = "bank retire",
    .operands = "BANK ITEM",
    .n_operand = 2,
    .about = "Withdraw one item from all further picks",
    .details = "Running sessions lose it too, in every version of the bank.\n\n"
               "Example:\n  theta bank retire algebra q17",
    .run = run_retire,
};
