/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every command's options are rows of one list, so one argp parser serves all commands. */
#include "clients/cli/args.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OPTION = 256, KEY_ENDPOINT = KEY_OPTION + N_OPTION, KEY_JSON, KEY_SERVER_KEY, KEY_KEY };

static const struct argp_option descriptions[N_OPTION] = {
    [OPTION_ATTRIBUTES] = {"attributes", KEY_OPTION + OPTION_ATTRIBUTES, "FILE", 0,
                           "A second table with an ID column, joined to the items: its columns "
                           "become tags, STID the set",
                           0},
    [OPTION_BANK] = {"bank", KEY_OPTION + OPTION_BANK, "NAME", 0,
                     "Name of the bank (by default the file's name)", 0},
    [OPTION_BANK_FILE] = {"bank", KEY_OPTION + OPTION_BANK_FILE, "FILE", 0,
                          "The bank as a CSV file that bank import reads; no daemon is asked", 0},
    [OPTION_D] = {"D", KEY_OPTION + OPTION_D, "NUMBER", 0,
                  "Constant that the slopes are multiplied by, 1 or 1.702 (by default 1)", 0},
    [OPTION_DOCUMENT] = {"document", KEY_OPTION + OPTION_DOCUMENT, "FILE", 0,
                         "The test as a JSON document, with --bank", 0},
    [OPTION_DRY_RUN] = {"dry-run", KEY_OPTION + OPTION_DRY_RUN, NULL, 0,
                        "Check only the form of the file; no daemon is needed", 0},
    [OPTION_EXAMINEE] = {"examinee", KEY_OPTION + OPTION_EXAMINEE, "ID", 0,
                         "Who takes the test (by default nobody)", 0},
    [OPTION_EXAMINEES] = {"examinees", KEY_OPTION + OPTION_EXAMINEES, "N", 0,
                          "How many take the test (by default 1000)", 0},
    [OPTION_EXPIRES] = {"expires", KEY_OPTION + OPTION_EXPIRES, "DATE", 0,
                        "The key is refused from the beginning of this day (UTC) on, as "
                        "2027-08-01 (by default never)",
                        0},
    [OPTION_FIT] = {"fit-sympson-hetter", KEY_OPTION + OPTION_FIT, "RATE", 0,
                    "First find for each item how often it is to be admitted, so that no item is "
                    "asked in more than this share of the tests",
                    0},
    [OPTION_FORMAT] = {"format", KEY_OPTION + OPTION_FORMAT, "FORMAT", 0,
                       "Format of the file (by default told by its header)", 0},
    [OPTION_HEAD] = {"head", KEY_OPTION + OPTION_HEAD, "EVENT:SEAL", 0,
                     "A head that an earlier verify told: the store must still have it", 0},
    [OPTION_MODEL] = {"model", KEY_OPTION + OPTION_MODEL, "MODEL", 0,
                      "Response model, where the file does not tell it", 0},
    [OPTION_NAME] = {"name", KEY_OPTION + OPTION_NAME, "NAME", 0,
                     "Who holds the key, for the daemon's records", 0},
    [OPTION_OUT_FILE] = {"out", KEY_OPTION + OPTION_OUT_FILE, "FILE", 0,
                         "Where the picture goes (by default standard output)", 0},
    [OPTION_OUT_KEY] = {"out", KEY_OPTION + OPTION_OUT_KEY, "FILE", 0,
                        "Where the public certificate goes; the secret one goes to FILE_secret", 0},
    [OPTION_OUT_FOLDER] = {"out", KEY_OPTION + OPTION_OUT_FOLDER, "DIR", 0,
                           "Where the files go (by default simulation-TEST)", 0},
    [OPTION_QUESTION] = {"question", KEY_OPTION + OPTION_QUESTION, "NUMBER", 0,
                         "This question (by default the last one asked)", 0},
    [OPTION_RESPONSES] = {"responses", KEY_OPTION + OPTION_RESPONSES, "FILE", 0,
                          "A response matrix as CSV, a column for each item: these examinees take "
                          "the test, with the answers that they gave",
                          0},
    [OPTION_NO_HINT] = {"no-hint", KEY_OPTION + OPTION_NO_HINT, NULL, 0,
                        "Do not tell how to go on after a stop, for a script that tells it itself",
                        0},
    [OPTION_ONLY_EXAMINEE] = {"examinee", KEY_OPTION + OPTION_ONLY_EXAMINEE, "ID", 0,
                              "Only this examinee's", 0},
    [OPTION_ONLY_STATE] = {"state", KEY_OPTION + OPTION_ONLY_STATE, "STATE", 0,
                           "Only those that are asking, suspended, finished or voided", 0},
    [OPTION_ONLY_TEST] = {"test", KEY_OPTION + OPTION_ONLY_TEST, "TEST", 0,
                          "Only those of this test", 0},
    [OPTION_PAUSE] = {"pause", KEY_OPTION + OPTION_PAUSE, NULL, 0,
                      "Wait for Enter after each answer", 0},
    [OPTION_REASON] = {"reason", KEY_OPTION + OPTION_REASON, "TEXT", 0,
                       "Why, for the record; at most 256 bytes", 0},
    [OPTION_ROLE] = {"role", KEY_OPTION + OPTION_ROLE, "ROLE", 0,
                     "What its holder may do: frontend, proctor, teacher, author, admin or "
                     "metrics; may be said several times",
                     0},
    [OPTION_ROUNDS] = {"rounds", KEY_OPTION + OPTION_ROUNDS, "N", 0,
                       "Rounds of the fit, at most (by default 20)", 0},
    [OPTION_SEED] = {"seed", KEY_OPTION + OPTION_SEED, "NUMBER", 0,
                     "Seed of all that is drawn at random", 0},
    [OPTION_SESSION] = {"session", KEY_OPTION + OPTION_SESSION, "ID", 0,
                        "Go on with this session, or start it under this id", 0},
    [OPTION_SIMULATE] = {"simulate", KEY_OPTION + OPTION_SIMULATE, "THETA", 0,
                         "A simulated student of this ability answers", 0},
    [OPTION_TENANT] = {"tenant", KEY_OPTION + OPTION_TENANT, "NAME", 0,
                       "The school or district it belongs to", 0},
    [OPTION_ACCEPT] = {"accept-older-store", KEY_OPTION + OPTION_ACCEPT, NULL, 0,
                       "Put it back though events that came after it are lost", 0},
    [OPTION_UNDO] = {"undo", KEY_OPTION + OPTION_UNDO, NULL, 0, "Take new sessions again", 0},
    [OPTION_TOP] = {"top", KEY_OPTION + OPTION_TOP, "NUMBER", 0, "Show so many items", 0},
    [OPTION_THETA] = {"theta", KEY_OPTION + OPTION_THETA, "WHICH", 0,
                      "True thetas: normal[:MEAN,SD], grid[:MIN,MAX,STEP] or file:PATH, a CSV file "
                      "with a column theta (by default normal:0,1). In several dimensions "
                      "normal, from the test's prior, or a file with columns theta1, theta2, ..",
                      0},
    [OPTION_THREADS] = {"threads", KEY_OPTION + OPTION_THREADS, "N", 0,
                        "Processors to use (by default all); the results are the same", 0},
    [OPTION_TO] = {"to", KEY_OPTION + OPTION_TO, "FILE", 0, "Where the copy goes", 0},
    [OPTION_VERSION] = {"version", KEY_OPTION + OPTION_VERSION, "NUMBER", 0,
                        "This version (by default the newest)", 0},
};

static const struct argp_option global_options[] = {
    {"endpoint", KEY_ENDPOINT, "URL", 0, "Where the daemon listens", 1},
    {"json", KEY_JSON, NULL, 0, "Print replies as JSON, for programs", 1},
    {"server-key", KEY_SERVER_KEY, "KEY", 0,
     "The daemon's public key, or the file of its certificate (THETAD_SERVER_KEY)", 1},
    {"key", KEY_KEY, "FILE", 0, "Our secret certificate, by theta keygen (THETAD_KEY)", 1},
    {0},
};

struct parse {
    const struct command *command;
    struct cli *cli;
    struct args args;
};

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
    struct cli *cli = state->input;

    if (key == KEY_ENDPOINT)
        cli->endpoint = arg;
    else if (key == KEY_JSON)
        cli->json = true;
    else if (key == KEY_SERVER_KEY)
        cli->server_key = arg;
    else if (key == KEY_KEY)
        cli->key = arg;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static error_t parse_operand(struct parse *parse, char *arg, struct argp_state *state)
{
    const struct command *command = parse->command;
    size_t max = command->max_operand > 0 ? command->max_operand : command->n_operand;

    if (parse->args.n_operand == max) {
        argp_error(state, "%s is one argument too many", arg);
    } else {
        parse->args.operands[parse->args.n_operand++] = arg;
    }
    return 0;
}

/* The one option that adds up. */
static error_t add_role(struct args *args, const char *role, struct argp_state *state)
{
    size_t n = strlen(args->roles);

    if (n + strlen(role) + 2 > sizeof(args->roles)) argp_error(state, "there are too many roles");
    snprintf(args->roles + n, sizeof(args->roles) - n, "%s%s", n ? " " : "", role);
    return 0;
}

static error_t parse_own(int key, char *arg, struct argp_state *state)
{
    struct parse *parse = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = parse->cli;
        return 0;
    case ARGP_KEY_ARG:
        return parse_operand(parse, arg, state);
    case ARGP_KEY_END:
        if (parse->args.n_operand < parse->command->n_operand) {
            argp_error(state, "it takes %s", parse->command->operands);
        }
        return 0;
    default:
        if (key < KEY_OPTION || key >= KEY_OPTION + N_OPTION) return ARGP_ERR_UNKNOWN;
        parse->args.options[key - KEY_OPTION] = arg ? arg : "";
        if (key == KEY_OPTION + OPTION_ROLE) return add_role(&parse->args, arg, state);
        return 0;
    }
}

const struct argp args_global = {.options = global_options, .parser = parse_global};

int command_run(const struct command *command, struct cli *cli, int argc, char **argv)
{
    struct parse parse = {.command = command, .cli = cli};
    struct argp_option options[N_OPTION + 1] = {0};
    const struct argp_child children[] = {{&args_global, 0, NULL, 0}, {0}};
    char doc[2048], name[64];
    struct argp argp = {options, parse_own, command->operands, doc, children, NULL, NULL};

    for (size_t i = 0; i < command->n_option; i++) options[i] = descriptions[command->options[i]];
    snprintf(doc, sizeof(doc), "%s\v%s", command->about, command->details);
    snprintf(name, sizeof(name), "theta %s", command->name);
    argv[0] = name;
    if (argp_parse(&argp, argc, argv, 0, NULL, &parse) != 0) return EX_USAGE;
    return command->run(cli, &parse.args);
}

bool args_number(const struct args *args, enum args_option option, double min, double max,
                 double *out)
{
    const char *text = args->options[option];
    char *end;
    double value;

    if (!text) return true;
    value = strtod(text, &end);
    if (*text && !*end && value >= min && value <= max) {
        *out = value;
        return true;
    }
    cli_fail(EX_USAGE, "--%s takes a number from %g to %g, not \"%s\"", descriptions[option].name,
             min, max, text);
    return false;
}

bool args_int(const struct args *args, enum args_option option, int64_t min, int64_t max,
              int64_t *out)
{
    const char *text = args->options[option];
    char *end;
    long long value;

    if (!text) return true;
    value = strtoll(text, &end, 10);
    if (*text && !*end && value >= min && value <= max) {
        *out = value;
        return true;
    }
    cli_fail(EX_USAGE, "--%s takes a whole number from %lld to %lld, not \"%s\"",
             descriptions[option].name, (long long)min, (long long)max, text);
    return false;
}
