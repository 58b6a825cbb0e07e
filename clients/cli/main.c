/* SPDX-License-Identifier: GPL-3.0-or-later */
/* theta: the command line of thetad. */
#include "clients/cli/args.h"
#include "clients/cli/text_table.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_ping,
    &command_hello,
    &command_stats,
    &command_bank_import,
    &command_bank_formats,
    &command_bank_list,
    &command_bank_show,
    &command_bank_demo,
    &command_bank_retire,
    &command_test_put,
    &command_test_list,
    &command_test_show,
    &command_take,
    &command_session_show,
    &command_session_suspend,
    &command_session_resume,
    &command_session_finish,
    &command_session_void,
    &command_session_list,
    &command_session_answers,
    &command_session_score,
    &command_explain,
    &command_simulate,
    &command_plot_item,
    &command_plot_test,
    &command_plot_session,
    &command_keygen_server,
    &command_keygen_client,
    &command_verify,
    &command_backup,
    &command_restore,
    &command_compact,
    &command_examinee_export,
    &command_examinee_erase,
    &command_audit,
    &command_drain,
    &command_district_init,
    &command_district_upgrade,
};

/* Where the command begins in argv. */
struct where {
    struct cli *cli;
    int first;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct where *where = state->input;

    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = where->cli;
        return 0;
    case ARGP_KEY_ARG:  // the command; what follows is its own business
        where->first = state->next - 1;
        state->next = state->argc;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Whether a command is of the group `word`, as bank list is of bank. */
static bool is_of_group(const struct command *command, const char *word)
{
    size_t n = strlen(word);

    return strncmp(command->name, word, n) == 0 && command->name[n] == ' ';
}

static bool is_group(const char *word)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (is_of_group(commands[i], word)) return true;
    }
    return false;
}

/* The commands of the group `word` (NULL: all) as a table. */
static size_t list_commands(const char *word, FILE *out)
{
    struct text_table table;
    size_t n = 0;

    text_table_init(&table, "ll");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        const struct command *command = commands[i];

        if (word && !is_of_group(command, word)) continue;
        text_table_cell(&table, "  theta %s %s", command->name, command->operands);
        text_table_cell(&table, "%s", command->about);
        n++;
    }
    if (n > 0) text_table_print(&table, CLI_WIDTH, out);
    text_table_done(&table);
    return n;
}

/* argp frees what is not the text itself. */
static char *help_filter(int key, const char *text, void *input)
{
    char *list = NULL;
    size_t n = 0;
    FILE *out;

    (void)input;
    if (key != ARGP_KEY_HELP_PRE_DOC) return (char *)text;
    out = open_memstream(&list, &n);
    if (!out) return (char *)text;
    fprintf(out, "%s\n\nCommands (theta COMMAND --help tells more):\n", text);
    (void)list_commands(NULL, out);
    fclose(out);
    return list;
}

/* How many words of argv [argc] are the command's name. */
static int name_words(const struct command *command, int argc, char **argv)
{
    const char *second = strchr(command->name, ' ');
    size_t first = second ? (size_t)(second - command->name) : strlen(command->name);

    if (strlen(argv[0]) != first || strncmp(argv[0], command->name, first) != 0) return 0;
    if (!second) return 1;
    return argc > 1 && strcmp(argv[1], second + 1) == 0 ? 2 : 0;
}

/* No command, followed by those that there are: of that group, if there is one. */
static int tell_unknown(int argc, char **argv)
{
    const char *group = is_group(argv[0]) ? argv[0] : NULL;

    if (!group)
        cli_fail(EX_USAGE, "there is no command %s; there are:", argv[0]);
    else if (argc > 1 && argv[1][0] != '-')
        cli_fail(EX_USAGE, "there is no command %s %s; there are:", argv[0], argv[1]);
    else
        cli_fail(EX_USAGE, "%s is no command by itself; there are:", argv[0]);
    (void)list_commands(group, stderr);
    return EX_USAGE;
}

static int run(struct cli *cli, int argc, char **argv)
{
    bool help = argc > 1 && strcmp(argv[1], "--help") == 0;

    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        int words = name_words(commands[i], argc, argv);

        if (words > 0) {
            return command_run(commands[i], cli, argc - words + 1, argv + words - 1);
        }
    }
    if (help && list_commands(argv[0], stdout) > 0) return EX_OK;
    return tell_unknown(argc, argv);
}

int main(int argc, char **argv)
{
    const struct argp_child children[] = {{&args_global, 0, NULL, 0}, {0}};
    const struct argp argp = {.parser = parse,
                              .args_doc = "COMMAND [ARGUMENT...]",
                              .doc = "Talks to thetad, the adaptive assessment engine.",
                              .children = children,
                              .help_filter = help_filter};
    struct cli cli;
    struct where where = {.cli = &cli};
    int code = cli_init(&cli);

    if (code) return code;
    argp_err_exit_status = EX_USAGE;
    argp_program_version = "theta " THETAD_VERSION;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &where) != 0) return EX_USAGE;
    argp_program_version = NULL;  // a command may have an option of that name
    if (where.first == 0) {
        argp_help(&argp, stderr, ARGP_HELP_STD_ERR, argv[0]);
        return EX_USAGE;
    }
    code = run(&cli, argc - where.first, argv + where.first);
    cli_done(&cli);
    return code;
}
