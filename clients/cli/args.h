/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of one command. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "clients/cli/cli.h"

/* Every option of every command. */
enum args_option {
    OPTION_ACCEPT,
    OPTION_ATTRIBUTES,
    OPTION_BANK,
    OPTION_BANK_FILE,
    OPTION_D,
    OPTION_DOCUMENT,
    OPTION_DRY_RUN,
    OPTION_EXAMINEE,
    OPTION_EXAMINEES,
    OPTION_EXPIRES,
    OPTION_FIT,
    OPTION_FORMAT,
    OPTION_HEAD,
    OPTION_MODEL,
    OPTION_NAME,
    OPTION_NO_HINT,
    OPTION_ONLY_EXAMINEE,
    OPTION_ONLY_STATE,
    OPTION_ONLY_TEST,
    OPTION_OUT_FILE,
    OPTION_OUT_FOLDER,
    OPTION_OUT_KEY,
    OPTION_PAUSE,
    OPTION_QUESTION,
    OPTION_REASON,
    OPTION_RESPONSES,
    OPTION_ROLE,
    OPTION_ROUNDS,
    OPTION_SEED,
    OPTION_SESSION,
    OPTION_SIMULATE,
    OPTION_TENANT,
    OPTION_THETA,
    OPTION_THREADS,
    OPTION_TO,
    OPTION_TOP,
    OPTION_UNDO,
    OPTION_VERSION,
    N_OPTION
};

enum { ARGS_OPERANDS = 32 };

struct args {
    const char *operands[ARGS_OPERANDS];
    size_t n_operand;
    const char *options[N_OPTION];  // NULL: not given; "" where it takes no value
    char roles[128];                // all that OPTION_ROLE said, between spaces
};

struct command {
    const char *name;      // one or two words
    const char *operands;  // in words, "" for none
    size_t n_operand;      // how many there must be
    size_t max_operand;    // how many there may be where more may, else 0
    const char *about;     // one line
    const char *details;   // more of it, with examples; ends the command's help
    enum args_option options[N_OPTION];
    size_t n_option;
    int (*run)(struct cli *cli, const struct args *args);
};

/* --endpoint and --json, which stand before a command or behind it. Its input is the struct cli. */
struct argp;
extern const struct argp args_global;

/* Parse what stands behind the command's name and run it. The exit code. */
int command_run(const struct command *command, struct cli *cli, int argc, char **argv);

/* The value of an option as a number within the bounds. False, and a message, where it is none. */
bool args_number(const struct args *args, enum args_option option, double min, double max,
                 double *out);
bool args_int(const struct args *args, enum args_option option, int64_t min, int64_t max,
              int64_t *out);

extern const struct command command_ping, command_hello, command_stats, command_bank_import,
    command_bank_formats, command_bank_list, command_bank_show, command_bank_demo,
    command_bank_retire, command_test_put, command_test_list, command_test_show, command_take,
    command_explain, command_session_show, command_session_finish, command_session_suspend,
    command_session_resume, command_session_void, command_simulate, command_plot_item,
    command_plot_test, command_keygen_server, command_keygen_client, command_session_list,
    command_session_answers, command_session_score, command_plot_session, command_verify,
    command_backup, command_restore, command_compact, command_examinee_export,
    command_examinee_erase, command_audit, command_drain, command_district_init,
    command_district_upgrade;

#endif
