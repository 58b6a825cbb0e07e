/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify: is the store what was written? Asked of the daemon slice by slice, or of a store's folder
 * here. */
#include "clients/cli/args.h"
#include "clients/cli/progress.h"
#include "clients/cli/store_view.h"
#include "clients/cli/text_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void show_faults(const msgpack_object *reply)
{
    const msgpack_object *faults = reply_array(reply, "faults");
    struct text_table table;

    text_table_init(&table, "llrl");
    text_table_cell(&table, "tenant");
    text_table_cell(&table, "session");
    text_table_cell(&table, "event");
    text_table_cell(&table, "what is wrong");
    for (size_t i = 0; i < reply_size(faults); i++) {
        const msgpack_object *fault = &faults->via.array.ptr[i];
        int64_t event = reply_int(fault, "event");

        text_table_slice(&table, reply_text(fault, "tenant"));
        text_table_slice(&table, reply_text(fault, "session"));
        if (event > 0)
            text_table_cell(&table, "%lld", (long long)event);
        else
            text_table_cell(&table, "-");
        text_table_slice(&table, reply_text(fault, "message"));
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
}

static void show_erased(const msgpack_object *reply)
{
    const msgpack_object *erased = reply_array(reply, "erased");
    struct text_table table;

    if (reply_size(erased) == 0) return;
    text_table_init(&table, "lllll");
    table.hide_empty = true;
    text_table_cell(&table, "tenant");
    text_table_cell(&table, "erased session");
    text_table_cell(&table, "when");
    text_table_cell(&table, "by");
    text_table_cell(&table, "reason");
    for (size_t i = 0; i < reply_size(erased); i++) {
        const msgpack_object *tomb = &erased->via.array.ptr[i];
        char when[32];

        cli_time_text(reply_int(tomb, "erased_ms"), when);
        text_table_slice(&table, reply_text(tomb, "tenant"));
        text_table_slice(&table, reply_text(tomb, "session"));
        text_table_cell(&table, "%s", when);
        text_table_slice(&table, reply_text(tomb, "who"));
        text_table_slice(&table, reply_text(tomb, "reason"));
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
}

/* EX_DATAERR where something is wrong. */
static int show(struct cli *cli, const msgpack_object *reply)
{
    const msgpack_object *head = reply_map(reply, "head");
    struct slice seal = reply_text(head, "seal");
    int64_t n_fault = reply_int(reply, "n_faults");

    if (cli->json) {
        int code = cli_show_json(reply);

        return code || n_fault == 0 ? code : EX_DATAERR;
    }
    printf("%lld events of %lld sessions replay to the bit; %lld sessions are erased\n",
           (long long)reply_int(reply, "n_events"), (long long)reply_int(reply, "n_sessions"),
           (long long)reply_int(reply, "n_erased"));
    if (reply_int(head, "event") > 0) {
        cli_say("head: %lld:%.*s\n", (long long)reply_int(head, "event"), (int)seal.n,
                (const char *)seal.data);
    }
    show_erased(reply);
    if (n_fault == 0) return EX_OK;
    show_faults(reply);
    return cli_fail(EX_DATAERR, "%lld fault%s: this is not what was written", (long long)n_fault,
                    n_fault == 1 ? "" : "s");
}

/* One request: the first with the head, the others with the number of the run. */
static int ask(struct cli *cli, const struct journal_head *head, int64_t run,
               const msgpack_object **out_reply)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    char seal[2 * SEAL_BYTES + 1] = "";
    int code;

    write_map(&out, run > 0 || head ? 1 : 0);
    if (run > 0) {
        put_int(&out, "run", run);
    } else if (head) {
        for (int i = 0; i < SEAL_BYTES; i++) snprintf(seal + 2 * i, 3, "%02x", head->seal[i]);
        write_text(&out, "head");
        write_map(&out, 2);
        put_int(&out, "event", (int64_t)head->lsn);
        put_text(&out, "seal", seal);
    }
    code = cli_call(cli, "log.verify", &fields, out_reply);
    buf_done(&fields);
    return code;
}

static bool is_under_way(const msgpack_object *reply)
{
    const msgpack_object *done = map_find(reply, "done");

    return done && done->type == MSGPACK_OBJECT_BOOLEAN && !done->via.boolean;
}

static int verify_daemon(struct cli *cli, const struct journal_head *head)
{
    struct progress progress = {0};
    const msgpack_object *reply;
    int code = ask(cli, head, 0, &reply);

    if (code) return code;
    progress_begin(&progress, (size_t)reply_int(reply, "n_total"), cli->utf8);
    while (code == EX_OK && is_under_way(reply)) {
        progress_show((size_t)reply_int(reply, "n_events"), &progress);
        code = ask(cli, NULL, reply_int(reply, "run"), &reply);
    }
    progress_end(&progress);
    if (!code && !reply_is(reply, "done")) {
        return cli_fail(EX_PROTOCOL, "the reply does not say whether it is done");
    }
    return code ? code : show(cli, reply);
}

static void show_progress(size_t n_done, size_t n_total, void *context)
{
    struct progress *progress = context;

    if (progress->n_total == 0) progress_begin(progress, n_total, progress->utf8);
    progress_show(n_done, progress);
}

int store_fail(enum status st, const char *folder, const struct fault *fault)
{
    static const struct {
        enum status status;
        int code;
    } codes[] = {
        {NOT_FOUND, EX_NOINPUT}, {BUSY, EX_TEMPFAIL},    {NO_MEMORY, EX_OSERR},
        {IO_ERROR, EX_IOERR},    {EXISTS, EX_CANTCREAT},
    };

    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (codes[i].status == st) return cli_fail(codes[i].code, "%s: %s", folder, fault->text);
    }
    return cli_fail(EX_DATAERR, "%s: %s", folder, fault->text);
}

static int verify_here(struct cli *cli, const char *folder, const struct journal_head *head)
{
    struct progress progress = {.utf8 = cli->utf8};
    struct buf reply = {0};
    struct fault fault = {0};
    msgpack_object root;
    enum status st = verify_store(folder, head, (struct verify_progress){show_progress, &progress},
                                  &reply, &fault);
    int code;

    progress_end(&progress);
    if (st)
        code = store_fail(st, folder, &fault);
    else if (decode(&cli->decoder, buf_slice(&reply), &root, &fault))
        code = cli_fail(EX_SOFTWARE, "the report is %s", fault.text);
    else
        code = show(cli, &root);
    buf_done(&reply);
    return code;
}

int verify_folder(struct cli *cli, const char *folder, const struct journal_head *head)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        int code = verify_here(cli, folder, head);

        fflush(NULL);
        _exit(code);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        return cli_fail(EX_OSERR, "no second process: %s", strerror(errno));
    }
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    return cli_fail(EX_DATAERR, "%s: reading it ended with signal %d: its pages are damaged",
                    folder, WTERMSIG(status));
}

static int run(struct cli *cli, const struct args *args)
{
    const char *text = args->options[OPTION_HEAD];
    struct journal_head head;

    if (text && !verify_head_read(text, &head)) {
        return cli_fail(EX_USAGE, "--head takes EVENT:SEAL as verify tells it, not \"%s\"", text);
    }
    if (args->n_operand == 0) return verify_daemon(cli, text ? &head : NULL);
    return verify_folder(cli, args->operands[0], text ? &head : NULL);
}

const struct command command_verify = {
    .name = "verify",
    .operands = "[STORE-FOLDER]",
    .max_operand = 1,
    .about = "Check every record and replay every session of the store",
    .details =
        "The daemon is asked (role admin), or the folder of a store that no daemon has open is "
        "read. Every theta, standard error and pick must come out to the bit, every record "
        "must have its seal, and every event must name the one before it. The head that is "
        "told is the newest event and its seal: noted elsewhere and given to --head later, "
        "it shows that nothing up to it was written anew or put back. A district has no head; "
        "any of its nodes reads the shared store. Exit code 65: something is wrong.\n\n"
        "Examples:\n  theta verify\n  theta verify /var/lib/thetad --json",
    .options = {OPTION_HEAD},
    .n_option = 1,
    .run = run,
};
