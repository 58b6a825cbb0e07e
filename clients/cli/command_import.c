/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bank import: read a CSV file, then upload it in parts and publish it whole or not at all. */
#include "clients/cli/args.h"
#include "clients/cli/text_table.h"
#include "tools/import.h"
#include "tools/json_wire.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { UPLOADS = 3 };  // tries, where another node is in the way

enum {
    BATCH_BYTES = 512 * 1024,  // half of what a message may have
    BAR = 30,                  // cells of the progress bar
};

static void show_progress(size_t done, size_t all)
{
    size_t filled = BAR * done / all;

    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, "\r  [%-*.*s] %zu of %zu items", BAR, (int)filled,
            "##############################", done, all);
    if (done == all) fputc('\n', stderr);
    fflush(stderr);
}

static json_t *faults_json(const struct faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->n; i++) {
        const struct fault *fault = &faults->list[i];

        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "item", fault->item, "field",
                                                    fault->field, "message", fault->text));
    }
    return json_pack("{s:b, s:I, s:o}", "ok", 0, "n_faults", (json_int_t)faults->total, "faults",
                     list);
}

static void show_import_faults(const struct cli *cli, const struct faults *faults)
{
    struct text_table table;

    if (cli->json) {
        (void)cli_print_json(faults_json(faults), 0);
        return;
    }
    text_table_init(&table, "ll");
    text_table_cell(&table, "item");
    text_table_cell(&table, "fault");
    for (size_t i = 0; i < faults->n; i++) {
        text_table_cell(&table, "%s", faults->list[i].item);
        text_table_cell(&table, "%s", faults->list[i].text);
    }
    text_table_print(&table, CLI_WIDTH, stderr);
    text_table_done(&table);
    if (faults->total > faults->n) fprintf(stderr, "and %zu more\n", faults->total - faults->n);
}

static int read_items(const struct cli *cli, const struct args *args, struct imported *out)
{
    struct import_options options = {.format = args->options[OPTION_FORMAT],
                                     .model = args->options[OPTION_MODEL]};
    struct buf file = {0}, attributes = {0};
    struct faults faults = {0};
    int code = cli_read_file(args->operands[0], &file);

    if (!code && args->options[OPTION_ATTRIBUTES]) {
        code = cli_read_file(args->options[OPTION_ATTRIBUTES], &attributes);
    }
    options.attributes = buf_slice(&attributes);
    if (!code) {
        enum status st = import_csv(buf_slice(&file), &options, out, &faults);

        if (st == NO_MEMORY) {
            code = cli_fail(EX_OSERR, "%s: no memory", args->operands[0]);
        } else if (st) {
            code = cli_fail(EX_DATAERR, "%s: %zu fault%s, nothing is imported", args->operands[0],
                            faults.total, faults.total == 1 ? "" : "s");
            show_import_faults(cli, &faults);
        }
    }
    faults_done(&faults);
    buf_done(&file);
    buf_done(&attributes);
    return code;
}

/* The name of the bank: as said, or the file's without folder and ending. */
static int bank_name(const struct args *args, char *out, size_t size)
{
    const char *given = args->options[OPTION_BANK];
    char *end;

    snprintf(out, size, "%s", given ? given : basename(args->operands[0]));
    end = strrchr(out, '.');
    if (!given && end && end != out) *end = '\0';
    if (slice_is_id(slice_str(out))) return EX_OK;
    return cli_fail(EX_USAGE,
                    "\"%s\" is no name for a bank: say --bank with 1 to %d of A-Z a-z "
                    "0-9 . _ : -",
                    out, LIMIT_ID);
}

/* A request that is about an upload and nothing else, as by cli_try. */
static int try_upload(struct cli *cli, const char *op, int64_t upload,
                      const msgpack_object **out_reply)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, 1);
    put_int(&out, "upload", upload);
    code = cli_try(cli, op, &fields, out_reply);
    buf_done(&fields);
    return code;
}

static int begin(struct cli *cli, const char *bank, double D, int64_t *out_upload)
{
    const msgpack_object *reply;
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, 2);
    put_text(&out, "bank", bank);
    put_f64(&out, "D", D);
    code = cli_call(cli, "bank.begin", &fields, &reply);
    buf_done(&fields);
    if (!code) *out_upload = reply_int(reply, "upload");
    return code;
}

/* The item behind the batch that begins with `from`. */
static size_t batch_end(const struct imported *items, size_t from)
{
    size_t bytes = 0, i = from;

    while (i < items->n_item && i - from < LIMIT_BATCH_ITEMS) {
        bytes += imported_item(items, i).n;
        if (bytes > BATCH_BYTES && i > from) break;
        i++;
    }
    return i;
}

/* *out_reply: what was said last, to be told. */
static int add_items(struct cli *cli, const struct imported *items, int64_t upload,
                     const msgpack_object **out_reply)
{
    struct buf fields = {0};
    int code = EX_OK;

    for (size_t i = 0; i < items->n_item && !code;) {
        size_t end = batch_end(items, i);
        struct writer out = writer_of(&fields);

        buf_clear(&fields);
        write_map(&out, 2);
        put_int(&out, "upload", upload);
        write_text(&out, "items");
        write_array(&out, end - i);
        for (; i < end; i++) write_raw(&out, imported_item(items, i));
        code = cli_try(cli, "bank.add", &fields, out_reply);
        if (!code) show_progress(i, items->n_item);
    }
    buf_done(&fields);
    return code;
}

/* Quietly: the error that led here has been told. */
static void abort_upload(struct cli *cli, int64_t upload)
{
    const msgpack_object *reply;

    (void)!try_upload(cli, "bank.abort", upload, &reply);
}

static void show_format(const struct imported *items)
{
    size_t i = 0;

    while (strcmp(import_format_name(i), items->format) != 0) i++;
    printf("format  %s (%s)\n", items->format, import_format_about(i));
    if (items->note[0]) printf("        %s\n", items->note);
    printf("items   %zu\n", items->n_item);
    fflush(stdout);
}

static int show_published(const struct cli *cli, const struct imported *items,
                          const msgpack_object *reply)
{
    struct slice bank = reply_text(reply, "bank");
    long long version = (long long)reply_int(reply, "version");

    if (!cli->json) {
        cli_say("bank    %.*s, version %lld\n", (int)bank.n, (const char *)bank.data, version);
        return EX_OK;
    }
    return cli_print_json(json_pack("{s:s, s:s, s:I, s:s%, s:I}", "format", items->format, "note",
                                    items->note, "n_items", (json_int_t)items->n_item, "bank",
                                    (const char *)bank.data, bank.n, "version",
                                    (json_int_t)version),
                          0);
}

/* Behind a balancer a new connection may come to another node, which knows of no such upload. */
static bool is_elsewhere(const msgpack_object *reply)
{
    const msgpack_object *error = reply ? map_find(reply, "error") : NULL;

    return error && slice_equal_str(reply_text(error, "code"), "bad_request") &&
           slice_equal_str(reply_text(error, "field"), "upload");
}

/* *again: whether the upload may be begun again, and then whether it is to be. */
static int try_once(struct cli *cli, const struct imported *items, const char *bank, double D,
                    bool *again)
{
    const msgpack_object *reply = NULL;
    bool may = *again;
    int64_t upload = 0;
    int code = begin(cli, bank, D, &upload);

    *again = false;
    if (code) return code;
    code = add_items(cli, items, upload, &reply);
    if (!code) code = try_upload(cli, "bank.publish", upload, &reply);
    if (!code) return show_published(cli, items, reply);
    *again = may && is_elsewhere(reply);
    if (!*again) {
        cli_tell_error(cli, reply);
        abort_upload(cli, upload);
    }
    return code;
}

static int upload_items(struct cli *cli, const struct imported *items, const char *bank, double D)
{
    bool again = true;
    int code = EX_OK;

    for (int n = 1; again; n++) {
        again = n < UPLOADS;
        code = try_once(cli, items, bank, D, &again);
    }
    return code;
}

static int show_dry(const struct cli *cli, const struct imported *items)
{
    if (!cli->json) {
        puts("nothing is uploaded (--dry-run)");
        return EX_OK;
    }
    return cli_print_json(json_pack("{s:s, s:s, s:I}", "format", items->format, "note", items->note,
                                    "n_items", (json_int_t)items->n_item),
                          0);
}

static int run_import(struct cli *cli, const struct args *args)
{
    struct imported items = {0};
    char bank[LIMIT_ID + 64];
    double D = 1.0;
    int code;

    if (!args_number(args, OPTION_D, LIMIT_D_MIN, LIMIT_D_MAX, &D)) return EX_USAGE;
    code = read_items(cli, args, &items);
    if (code) return code;
    if (!cli->json) show_format(&items);
    if (args->options[OPTION_DRY_RUN]) {
        code = show_dry(cli, &items);
    } else {
        code = bank_name(args, bank, sizeof(bank));
        if (!code) code = upload_items(cli, &items, bank, D);
    }
    imported_done(&items);
    return code;
}

static int run_formats(struct cli *cli, const struct args *args)
{
    struct text_table table;

    (void)cli;
    (void)args;
    text_table_init(&table, "ll");
    for (size_t i = 0; import_format_name(i); i++) {
        text_table_cell(&table, "%s", import_format_name(i));
        text_table_cell(&table, "%s", import_format_about(i));
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
    return EX_OK;
}

const struct command command_bank_formats = {
    .name = "bank formats",
    .operands = "",
    .about = "The formats that bank import knows, by their columns",
    .details = "Example:\n  theta bank formats",
    .run = run_formats,
};

const struct command command_bank_import = {
    .name = "bank import",
    .operands = "FILE",
    .n_operand = 1,
    .about = "Make a new version of a bank from a CSV file",
    .details =
        "The file's format is told by its header and printed: the native one (id, model, a, b, c, "
        "d, b1, b2, .., seconds, exposure, key, options, set, enemies, content, tag:<name>), "
        "catR's matrices, mirt's coef(fit, simplify=TRUE)$items with or without IRTpars, "
        "TestDesign's item pools. All faults are listed, by row (the header is row 1) and column; "
        "then nothing is imported. "
        "What is read here, and by --dry-run, is the file's form: columns, numbers, ids. Whether "
        "the items make sense (slopes above 0, ascending thresholds, keys among the options) the "
        "daemon checks when the bank is published.\n\n"
        "See also: theta bank formats.\n\n"
        "Examples:\n"
        "  theta bank import algebra.csv\n"
        "  theta bank import pool.csv --bank science --attributes attributes.csv\n"
        "  theta bank import graded.csv --model GRM --dry-run",
    .options = {OPTION_BANK, OPTION_FORMAT, OPTION_MODEL, OPTION_D, OPTION_ATTRIBUTES,
                OPTION_DRY_RUN},
    .n_option = 6,
    .run = run_import,
};
