/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session show, finish, suspend, resume, void: one request each, and the state that comes back. */
#include "clients/cli/args.h"
#include "clients/cli/session_view.h"

static int show(struct cli *cli, const msgpack_object *state)
{
    if (cli->json) return cli_show_json(state);
    session_show(cli, state);
    return EX_OK;
}

static int run(struct cli *cli, const struct args *args, const char *op)
{
    const msgpack_object *state;
    int code = cli_try_session(cli, op, args->operands[0], &state);

    if (!code) return show(cli, state);
    cli_tell_error(cli, state);
    return code;
}

static int run_show(struct cli *cli, const struct args *args)
{
    return run(cli, args, "session.get");
}

static int run_finish(struct cli *cli, const struct args *args)
{
    return run(cli, args, "session.finish");
}

static int run_suspend(struct cli *cli, const struct args *args)
{
    return run(cli, args, "session.suspend");
}

static int run_resume(struct cli *cli, const struct args *args)
{
    return run(cli, args, "session.resume");
}

static int run_void(struct cli *cli, const struct args *args)
{
    const char *reason = args->options[OPTION_REASON];
    const msgpack_object *state;
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, reason ? 2 : 1);
    put_text(&out, "session", args->operands[0]);
    if (reason) put_text(&out, "reason", reason);
    code = cli_call(cli, "session.void", &fields, &state);
    buf_done(&fields);
    return code ? code : show(cli, state);
}

const struct command command_session_show = {
    .name = "session show",
    .operands = "SESSION",
    .n_operand = 1,
    .about = "Where a session stands",
    .details = "Example:\n  theta session show take-17 --json",
    .run = run_show,
};

const struct command command_session_finish = {
    .name = "session finish",
    .operands = "SESSION",
    .n_operand = 1,
    .about = "End a session now; its result is what is known so far",
    .details = "Example:\n  theta session finish take-17",
    .run = run_finish,
};

const struct command command_session_suspend = {
    .name = "session suspend",
    .operands = "SESSION",
    .n_operand = 1,
    .about = "Let a session rest until it is resumed",
    .details = "Example:\n  theta session suspend take-17",
    .run = run_suspend,
};

const struct command command_session_resume = {
    .name = "session resume",
    .operands = "SESSION",
    .n_operand = 1,
    .about = "Go on with a suspended session",
    .details = "To answer its questions here: theta take TEST --session SESSION\n\n"
               "Example:\n  theta session resume take-17",
    .run = run_resume,
};

const struct command command_session_void = {
    .name = "session void",
    .operands = "SESSION",
    .n_operand = 1,
    .about = "Declare a session invalid: it ends and has no result",
    .details = "Example:\n  theta session void take-17 --reason \"fire alarm\"",
    .options = {OPTION_REASON},
    .n_option = 1,
    .run = run_void,
};
