/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/test_source.h"
#include "clients/cli/text_table.h"
#include "store/test_document.h"
#include "tools/import.h"
#include "tools/item_reader.h"
#include "tools/json_wire.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_SHOWN = 20 };

void test_source_done(struct test_source *source)
{
    plan_free(source->plan);
    bank_free(source->bank);
    free(source->retired);
    *source = (struct test_source){0};
}

int test_source_refuse(const char *what, const struct faults *faults)
{
    size_t n = faults->n < FAULTS_SHOWN ? faults->n : FAULTS_SHOWN;
    struct text_table table;

    cli_fail(EX_DATAERR, "%s: %zu fault%s", what, faults->total, faults->total == 1 ? "" : "s");
    text_table_init(&table, "lll");
    text_table_cell(&table, "item");
    text_table_cell(&table, "field");
    text_table_cell(&table, "fault");
    for (size_t i = 0; i < n; i++) {
        text_table_slice(&table, slice_str(faults->list[i].item));
        text_table_slice(&table, slice_str(faults->list[i].field));
        text_table_slice(&table, slice_str(faults->list[i].text));
    }
    text_table_print(&table, CLI_WIDTH, stderr);
    text_table_done(&table);
    if (faults->total > n) fprintf(stderr, "and %zu more\n", faults->total - n);
    return EX_DATAERR;
}

/* What a status and its faults mean for the exit code. */
static int settle(const char *what, enum status st, struct faults *faults)
{
    int code = EX_OK;

    if (st == NO_MEMORY)
        code = cli_fail(EX_OSERR, "no memory");
    else if (st || faults->total > 0)
        code = test_source_refuse(what, faults);
    faults_done(faults);
    return code;
}

static int take_retired(const msgpack_object *reply, struct test_source *out)
{
    const msgpack_object *retired = reply_array(reply, "retired");

    out->retired = calloc(reply_size(retired) + 1, sizeof(*out->retired));
    if (!out->retired) return cli_fail(EX_OSERR, "no memory");
    for (size_t i = 0; i < reply_size(retired); i++) {
        struct slice id = {0};
        long item = object_str(&retired->via.array.ptr[i], &id) ? bank_find(out->bank, id) : -1;

        if (item >= 0) out->retired[out->n_retired++] = (uint32_t)item;
    }
    return EX_OK;
}

/* Every page of the bank's items into *reader, which is made by the first. *out_reply is the last
 * page. */
static int read_pages(struct cli *cli, const char *name, int64_t version,
                      struct item_reader **reader, struct faults *faults,
                      const msgpack_object **out_reply)
{
    int64_t n_seen = 0, n_item;

    do {
        const msgpack_object *items;
        int code = cli_try_items(cli, name, version, n_seen, out_reply);

        if (code) {
            cli_tell_error(cli, *out_reply);
            return code;
        }
        version = reply_int(*out_reply, "version");
        items = reply_array(*out_reply, "items");
        code = cli_n_item(*out_reply, &n_item);
        if (code) return code;
        if (!*reader) *reader = item_reader_new((size_t)n_item, reply_number(*out_reply, "D"));
        if (!*reader) return cli_fail(EX_OSERR, "no memory");
        if (reply_size(items) == 0) break;
        for (size_t i = 0; i < reply_size(items); i++) {
            item_reader_add(*reader, &items->via.array.ptr[i], faults);
        }
        n_seen += (int64_t)reply_size(items);
    } while (n_seen < n_item);
    return EX_OK;
}

int test_source_load_version(struct cli *cli, const char *name, int64_t version,
                             struct test_source *out)
{
    const msgpack_object *reply = NULL;
    struct item_reader *reader = NULL;
    struct faults faults = {0};
    int code = read_pages(cli, name, version, &reader, &faults, &reply);

    if (!code) {
        enum status st = item_reader_finish(reader, &out->bank, &faults);

        code = settle(name, st, &faults);
    }
    if (!code) {
        snprintf(out->label, sizeof(out->label), "%s, version %lld", name,
                 (long long)reply_int(reply, "version"));
        code = take_retired(reply, out);
    }
    faults_done(&faults);
    item_reader_free(reader);
    return code;
}

static int bank_of_items(const char *path, const struct imported *items, double D,
                         struct test_source *out)
{
    struct item_reader *reader = item_reader_new(items->n_item, D);
    struct faults faults = {0};
    enum status st = NO_MEMORY;

    if (reader) {
        for (size_t i = 0; i < items->n_item; i++) {
            item_reader_add_bytes(reader, imported_item(items, i), &faults);
        }
        st = item_reader_finish(reader, &out->bank, &faults);
    }
    item_reader_free(reader);
    return settle(path, st, &faults);
}

static int bank_of_file(const struct args *args, struct test_source *out)
{
    const char *path = args->options[OPTION_BANK_FILE];
    struct import_options options = {.format = args->options[OPTION_FORMAT],
                                     .model = args->options[OPTION_MODEL]};
    struct imported items = {0};
    struct faults faults = {0};
    struct buf file = {0};
    double D = 1.0;
    int code;

    if (!args_number(args, OPTION_D, LIMIT_D_MIN, LIMIT_D_MAX, &D)) return EX_USAGE;
    code = cli_read_file(path, &file);
    if (!code) {
        enum status st = import_csv(buf_slice(&file), &options, &items, &faults);

        code = settle(path, st, &faults);
    }
    if (!code) code = bank_of_items(path, &items, D, out);
    snprintf(out->label, sizeof(out->label), "%.*s", LIMIT_ID, basename((char *)path));
    imported_done(&items);
    buf_done(&file);
    return code;
}

static int read_document(const char *what, const msgpack_object *document, struct test_source *out)
{
    struct faults faults = {0};
    bool good = test_document_read(document, &out->test, &faults);

    return settle(what, good ? OK : INVALID_TEST, &faults);
}

static int document_of_file(struct cli *cli, const char *path, struct test_source *out)
{
    struct buf file = {0}, bytes = {0};
    struct writer writer = writer_of(&bytes);
    msgpack_object document;
    json_error_t error;
    json_t *json = NULL;
    struct fault fault;
    int code = cli_read_file(path, &file);

    if (code) goto done;
    json = json_loadb((const char *)file.data, file.n, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        code = cli_fail(EX_DATAERR, "%s: line %d, column %d: %s", path, error.line, error.column,
                        error.text);
    } else if (!json_wire_write(&writer, json, LIMIT_DEPTH) || bytes.failed) {
        code = cli_fail(EX_DATAERR, "%s: nested more than %d deep", path, LIMIT_DEPTH);
    } else if (decode(&cli->decoder, buf_slice(&bytes), &document, &fault)) {
        code = cli_fail(EX_DATAERR, "%s: %s", path, fault.text);
    } else {
        code = read_document(path, &document, out);
    }
done:
    json_decref(json);
    buf_done(&bytes);
    buf_done(&file);
    return code;
}

static int load_daemon(struct cli *cli, const char *name, struct test_source *out)
{
    const msgpack_object *reply, *document;
    struct buf fields = {0};
    struct writer writer = writer_of(&fields);
    int code;

    write_map(&writer, 1);
    put_text(&writer, "test", name);
    code = cli_call(cli, "test.get", &fields, &reply);
    buf_done(&fields);
    if (code) return code;
    document = reply_map(reply, "document");
    if (!document) return cli_fail(EX_PROTOCOL, "the reply to test.get has no document");
    code = read_document(name, document, out);
    if (code) return code;
    return test_source_load_version(cli, out->test.bank, reply_int(reply, "bank_version"), out);
}

static int load_files(struct cli *cli, const struct args *args, struct test_source *out)
{
    const char *document = args->options[OPTION_DOCUMENT];
    int code = bank_of_file(args, out);

    return code ? code : document_of_file(cli, document, out);
}

int test_source_load(struct cli *cli, const struct args *args, const char *name,
                     struct test_source *out)
{
    bool has_bank = args->options[OPTION_BANK_FILE], has_test = args->options[OPTION_DOCUMENT];
    struct faults faults = {0};
    enum status st;
    int code;

    if (has_bank != has_test || has_bank == (name != NULL)) {
        return cli_fail(EX_USAGE, "say either the name of a test, or --bank and --document");
    }
    code = has_bank ? load_files(cli, args, out) : load_daemon(cli, name, out);
    if (code) return code;
    st = plan_new(&out->test, out->bank, &out->plan, &faults);
    return settle(out->test.name, st, &faults);
}

int test_source_load_bank(struct cli *cli, const struct args *args, const char *name,
                          struct test_source *out)
{
    return args->options[OPTION_BANK_FILE] ? bank_of_file(args, out)
                                           : test_source_load_version(cli, name, 0, out);
}

int test_source_need_one(const struct test_source *source)
{
    size_t n_dim = bank_n_dim(source->bank);

    if (n_dim == 1) return EX_OK;
    return cli_fail(EX_DATAERR, "the bank has %zu dimensions; this is for banks of one", n_dim);
}
