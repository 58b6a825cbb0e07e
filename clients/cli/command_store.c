/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backup, restore, compact: the store as a file. */
#include "clients/cli/args.h"
#include "clients/cli/store_view.h"
#include "tools/store_files.h"

#include <stdio.h>

enum { BACKUP_TIMEOUT_MS = 3600 * 1000 };  // a large store takes its time

static int backup_daemon(struct cli *cli, const char *name)
{
    const msgpack_object *reply;
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    struct slice made;
    int code;

    write_map(&out, name ? 1 : 0);
    if (name) put_text(&out, "name", name);
    cli->timeout_ms = BACKUP_TIMEOUT_MS;
    code = cli_call(cli, "admin.backup", &fields, &reply);
    buf_done(&fields);
    if (code || cli->json) return code ? code : cli_show_json(reply);
    made = reply_text(reply, "name");
    cli_say("%.*s: %lld bytes, in the daemon's folder for backups\n", (int)made.n,
            (const char *)made.data, (long long)reply_int(reply, "bytes"));
    return EX_OK;
}

static int run_backup(struct cli *cli, const struct args *args)
{
    const char *to = args->options[OPTION_TO];
    struct fault fault = {0};
    uint64_t n_byte = 0;
    enum status st;

    if (args->n_operand == 0) return backup_daemon(cli, to);
    if (!to) return cli_fail(EX_USAGE, "--to FILE says where the copy goes");
    st = store_backup(args->operands[0], to, &n_byte, &fault);
    if (st) return store_fail(st, args->operands[0], &fault);
    printf("%s: %llu bytes\n", to, (unsigned long long)n_byte);
    return EX_OK;
}

/* A part that is sound, to its place. The exit code. */
static int place_restored(const char *folder, const char *part, bool accept_older)
{
    struct fault fault = {0};
    enum status st = store_restore_look(folder, part, &fault);
    bool older = st == CORRUPT;

    if (older && !accept_older) return cli_fail(EX_DATAERR, "%s: %s", folder, fault.text);
    if (older) fprintf(stderr, "theta: %s: accepted: %s\n", folder, fault.text);
    if (st == OK || older) st = store_restore_end(folder, part, &fault);
    if (st == OK && older) st = store_forget_mark(folder, &fault);
    if (st) return store_fail(st, folder, &fault);
    printf("%s: answers that came after the backup are not in it\n", folder);
    return EX_OK;
}

static int run_restore(struct cli *cli, const struct args *args)
{
    const char *file = args->operands[0], *folder = args->operands[1];
    struct fault fault = {0};
    char part[PATH_MAX];
    enum status st = store_restore_begin(file, folder, part, &fault);
    int code = st ? store_fail(st, file, &fault) : verify_folder(cli, part, NULL);

    if (code == EX_OK) {
        code = place_restored(folder, part, args->options[OPTION_ACCEPT] != NULL);
    } else if (!st) {
        cli_fail(code, "%s is not put back", file);
    }
    if (part[0]) store_restore_clear(part);
    return code;
}

static int run_compact(struct cli *cli, const struct args *args)
{
    uint64_t before = 0, after = 0;
    struct fault fault = {0};
    enum status st = store_compact(args->operands[0], &before, &after, &fault);

    (void)cli;
    if (st) return store_fail(st, args->operands[0], &fault);
    printf("%s: %llu bytes, %llu before\n", args->operands[0], (unsigned long long)after,
           (unsigned long long)before);
    return EX_OK;
}

const struct command command_backup = {
    .name = "backup",
    .operands = "[STORE-FOLDER]",
    .max_operand = 1,
    .about = "Copy the store to one file, while it is in use",
    .details = "Without a folder the daemon writes the copy (role admin), in the folder that its "
               "configuration names backup_dir, and --to is the file's name there. With one the "
               "copy is written here; a daemon may have the store open. The copy has all that a "
               "restore on another machine needs, the key of its seals too.\n\n"
               "Examples:\n  theta backup\n"
               "  theta backup /var/lib/thetad --to /mnt/thetad.mdb",
    .options = {OPTION_TO},
    .n_option = 1,
    .run = run_backup,
};

const struct command command_restore = {
    .name = "restore",
    .operands = "FILE STORE-FOLDER",
    .n_operand = 2,
    .about = "Verify a backup and put it in place of no store",
    .details = "The folder is made where it is not there; it must not have a store yet. A backup "
               "in which anything is wrong is not put back; one that lacks events which the mark "
               "in the folder knows of only with --accept-older-store.\n\n"
               "Example:\n  theta restore /mnt/thetad.mdb /var/lib/thetad",
    .options = {OPTION_ACCEPT},
    .n_option = 1,
    .run = run_restore,
};

const struct command command_compact = {
    .name = "compact",
    .operands = "STORE-FOLDER",
    .n_operand = 1,
    .about = "Write a store anew without its unused pages",
    .details = "No daemon may have it open. What was erased may stand in unused pages until this "
               "is done; on the disk itself it may stay where the old file was.\n\n"
               "Example:\n  theta compact /var/lib/thetad",
    .run = run_compact,
};
