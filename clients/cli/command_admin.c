/* SPDX-License-Identifier: GPL-3.0-or-later */
/* examinee export, examinee erase, audit: page by page. */
#include "clients/cli/args.h"
#include "clients/cli/text_table.h"
#include "tools/json_wire.h"

#include <stdio.h>
#include <string.h>

/* One page of an op on an examinee; `after` is where the last one ended, "" for the first. */
static int ask_page(struct cli *cli, const char *op, const struct args *args, const char *after,
                    const msgpack_object **out_reply)
{
    const char *reason = args->options[OPTION_REASON];
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, 1u + (after[0] != 0) + (reason != NULL));
    put_text(&out, "examinee", args->operands[0]);
    if (after[0]) put_text(&out, "after", after);
    if (reason) put_text(&out, "reason", reason);
    code = cli_call(cli, op, &fields, out_reply);
    buf_done(&fields);
    return code;
}

/* EX_DATAERR where sessions were left out because they cannot be read. */
static int tell_damaged(const json_t *damaged)
{
    size_t n = json_array_size(damaged);

    if (n == 0) return EX_OK;
    return cli_fail(EX_DATAERR, "damaged, and left out: %zu session%s (theta verify names them)", n,
                    n == 1 ? "" : "s");
}

static int run_export(struct cli *cli, const struct args *args)
{
    json_t *damaged = json_array(), *sessions = json_array(), *all = json_object();
    char after[LIMIT_ID + 1] = "";
    const msgpack_object *reply;
    int code;

    do {
        json_t *page;

        code = ask_page(cli, "examinee.export", args, after, &reply);
        if (code) break;
        page = json_wire_read(reply);
        json_array_extend(sessions, json_object_get(page, "sessions"));
        json_array_extend(damaged, json_object_get(page, "damaged"));
        json_decref(page);
    } while (cli_next_page(reply, "after", after));
    json_object_set_new(all, "examinee", json_string(args->operands[0]));
    json_object_set_new(all, "sessions", sessions);
    if (json_array_size(damaged) > 0) json_object_set(all, "damaged", damaged);
    if (code)
        json_decref(all);
    else
        code = cli_print_json(all, JSON_INDENT(1));
    if (!code) code = tell_damaged(damaged);
    json_decref(damaged);
    return code;
}

static int run_erase(struct cli *cli, const struct args *args)
{
    json_t *damaged = json_array();
    char after[LIMIT_ID + 1] = "";
    const msgpack_object *reply;
    int64_t n = 0;
    int code;

    do {
        json_t *page;

        code = ask_page(cli, "examinee.erase", args, after, &reply);
        if (code) break;
        page = json_wire_read(reply);
        json_array_extend(damaged, json_object_get(page, "damaged"));
        json_decref(page);
        n += reply_int(reply, "n_sessions");
    } while (cli_next_page(reply, "after", after));
    if (!code) {
        printf(cli->json ? "{\"n_sessions\": %lld}\n" : "%lld sessions erased\n", (long long)n);
        code = tell_damaged(damaged);
    }
    json_decref(damaged);
    return code;
}

static int run_drain(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply;
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    bool on = !args->options[OPTION_UNDO];
    int code;

    write_map(&out, 1);
    put_bool(&out, "on", on);
    code = cli_call(cli, "admin.drain", &fields, &reply);
    buf_done(&fields);
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    printf("new sessions are %s; %lld run\n", on ? "refused" : "taken again",
           (long long)reply_int(reply, "sessions_running"));
    return EX_OK;
}

static int ask_entries(struct cli *cli, const char *examinee, int64_t from,
                       const msgpack_object **out_reply)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, examinee ? 3 : 2);
    put_int(&out, "from", from);
    put_int(&out, "limit", 1000);
    if (examinee) put_text(&out, "examinee", examinee);
    code = cli_call(cli, "audit.list", &fields, out_reply);
    buf_done(&fields);
    return code;
}

static void show_entries(struct cli *cli, const msgpack_object *entries, struct text_table *table)
{
    for (size_t i = 0; i < reply_size(entries); i++) {
        const msgpack_object *entry = &entries->via.array.ptr[i];
        char when[32];

        if (cli->json) {
            (void)cli_show_json(entry);
            continue;
        }
        cli_time_text(reply_int(entry, "time_ms"), when);
        text_table_cell(table, "%lld", (long long)reply_int(entry, "entry"));
        text_table_cell(table, "%s", when);
        text_table_slice(table, reply_text(entry, "who"));
        text_table_slice(table, reply_text(entry, "op"));
        text_table_slice(table, reply_text(entry, "subject"));
        text_table_slice(table, reply_text(entry, "code"));
    }
}

static int run_audit(struct cli *cli, const struct args *args)
{
    static const char *const heads[] = {"entry", "time", "who", "op", "subject", "outcome"};
    const msgpack_object *reply;
    struct text_table table;
    int64_t from = 1, next;
    int code = EX_OK;

    text_table_init(&table, "rlllll");
    for (size_t i = 0; i < COUNT_OF(heads); i++) text_table_cell(&table, "%s", heads[i]);
    while (from > 0 && code == EX_OK) {
        code = ask_entries(cli, args->options[OPTION_ONLY_EXAMINEE], from, &reply);
        if (code) break;
        show_entries(cli, reply_array(reply, "entries"), &table);
        next = reply_int(reply, "next");
        from = next > from ? next : 0;
    }
    if (!code && !cli->json) text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
    return code;
}

const struct command command_examinee_export = {
    .name = "examinee export",
    .operands = "EXAMINEE",
    .n_operand = 1,
    .about = "All that is stored of an examinee, as JSON",
    .details = "Role admin.\n\nExample:\n  theta examinee export e-4711 > e-4711.json",
    .run = run_export,
};

const struct command command_examinee_erase = {
    .name = "examinee erase",
    .operands = "EXAMINEE",
    .n_operand = 1,
    .about = "Erase all sessions of an examinee, for good",
    .details = "Role admin. Tombstones stay, with the sessions' ids, who erased them, when and "
               "why. See also: theta compact. Backups keep what they have.\n\n"
               "Example:\n  theta examinee erase e-4711 --reason \"asked for by the parents\"",
    .options = {OPTION_REASON},
    .n_option = 1,
    .run = run_erase,
};

const struct command command_audit = {
    .name = "audit",
    .operands = "",
    .about = "Who did or saw what",
    .details = "Role admin. In the audit an examinee is a hash, which --examinee looks for.\n\n"
               "Example:\n  theta audit --examinee e-4711",
    .options = {OPTION_ONLY_EXAMINEE},
    .n_option = 1,
    .run = run_audit,
};

const struct command command_drain = {
    .name = "drain",
    .operands = "",
    .about = "Let the daemon take no new sessions, while those that run go on",
    .details =
        "Role admin. Told are the sessions that still run: when there are none the daemon "
        "can be stopped without disturbing anybody. After a restart it takes new sessions.\n\n"
        "Examples:\n  theta drain\n  theta drain --undo",
    .options = {OPTION_UNDO},
    .n_option = 1,
    .run = run_drain,
};
