/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test put, list, show. */
#include "clients/cli/args.h"
#include "clients/cli/text_table.h"
#include "tools/json_wire.h"

#include <stdio.h>
#include <string.h>

/* A request holds the document one level deep. */
enum { DOCUMENT_DEPTH = LIMIT_DEPTH - 1 };

static bool is_blank(struct slice text)
{
    while (text.n > 0 && strchr(" \t\r\n", text.data[text.n - 1])) text.n--;
    return text.n == 0;
}

/* Write the request for the document in `file`. */
static int put_document(const char *path, const struct buf *file, struct buf *fields)
{
    struct writer out = writer_of(fields);
    json_error_t error;
    json_t *json;
    int code = EX_OK;

    if (is_blank(buf_slice(file))) {
        return cli_fail(EX_DATAERR, "%s: the file is empty; a test is at least %s", path,
                        "{\"test\": \"quick\", \"bank\": \"algebra\"}");
    }
    json = json_loadb((const char *)file->data, file->n, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        return cli_fail(EX_DATAERR, "%s: line %d, column %d: %s", path, error.line, error.column,
                        error.text);
    }
    write_map(&out, 1);
    write_text(&out, "document");
    if (!json_wire_write(&out, json, DOCUMENT_DEPTH)) {
        code = cli_fail(EX_DATAERR, "%s: nested more than %d deep", path, DOCUMENT_DEPTH);
    }
    json_decref(json);
    return code;
}

static int run_put(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply;
    struct buf file = {0}, fields = {0};
    int code = cli_read_file(args->operands[0], &file);

    if (!code) code = put_document(args->operands[0], &file, &fields);
    if (!code) code = cli_call(cli, "test.put", &fields, &reply);
    buf_done(&file);
    buf_done(&fields);
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    cli_say("test %.*s, version %lld\n", (int)reply_text(reply, "test").n,
            (const char *)reply_text(reply, "test").data, (long long)reply_int(reply, "version"));
    return EX_OK;
}

static int run_list(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply, *tests;
    struct text_table table;
    int code = cli_call(cli, "test.list", NULL, &reply);

    (void)args;
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    tests = reply_array(reply, "tests");
    if (reply_size(tests) == 0) {
        puts("There is no test yet: see theta test put --help");
        return EX_OK;
    }
    text_table_init(&table, "lrll");
    text_table_cell(&table, "test");
    text_table_cell(&table, "version");
    text_table_cell(&table, "bank");
    text_table_cell(&table, "created");
    for (size_t i = 0; i < reply_size(tests); i++) {
        const msgpack_object *test = &tests->via.array.ptr[i];
        char when[32];

        cli_time_text(reply_int(test, "created_ms"), when);
        text_table_slice(&table, reply_text(test, "test"));
        text_table_cell(&table, "%lld", (long long)reply_int(test, "version"));
        text_table_slice(&table, reply_text(test, "bank"));
        text_table_cell(&table, "%s", when);
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
    return EX_OK;
}

static int run_show(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply, *document;
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int64_t version = 0;
    json_t *json;
    int code;

    if (!args_int(args, OPTION_VERSION, 1, LIMIT_INT, &version)) return EX_USAGE;
    write_map(&out, version ? 2 : 1);
    put_text(&out, "test", args->operands[0]);
    if (version) put_int(&out, "version", version);
    code = cli_call(cli, "test.get", &fields, &reply);
    buf_done(&fields);
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    document = reply_map(reply, "document");
    json = document ? json_wire_read(document) : NULL;
    if (!json) return cli_fail(EX_PROTOCOL, "the reply has no document");
    return cli_print_json(json, JSON_INDENT(2));
}

const struct command command_test_put = {
    .name = "test put",
    .operands = "FILE",
    .n_operand = 1,
    .about = "Make a new version of a test from a JSON document",
    .details = "Only \"test\" and \"bank\" are needed: {\"test\": \"quick\", \"bank\": "
               "\"algebra\"}. Everything that is wrong is listed by field; then nothing is "
               "changed.\n\n"
               "Example:\n  theta test put algebra-6.json",
    .run = run_put,
};

const struct command command_test_list = {
    .name = "test list",
    .operands = "",
    .about = "The tests, each with its newest version",
    .details = "Example:\n  theta test list",
    .run = run_list,
};

const struct command command_test_show = {
    .name = "test show",
    .operands = "TEST",
    .n_operand = 1,
    .about = "The document of a test",
    .details = "Example:\n  theta test show algebra-6 > algebra-6.json",
    .options = {OPTION_VERSION},
    .n_option = 1,
    .run = run_show,
};
