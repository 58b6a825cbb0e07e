/* SPDX-License-Identifier: GPL-3.0-or-later */
/* thetad: the command line of the daemon. */
#include "server/loop.h"

#include <argp.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>

enum { OPTION_CHECK = 256, OPTION_ACCEPT, OWN_DESCRIPTORS = 64, KEEP_BYTES = 8 << 20 };

struct options {
    const char *config_path;
    bool check, accept_older;
};

static const struct argp_option option_list[] = {
    {"config", 'c', "FILE", 0, "Read FILE (default: /etc/thetad/thetad.conf if it is there)", 0},
    {"check-config", OPTION_CHECK, NULL, 0, "Check the configuration and exit", 0},
    {"accept-older-store", OPTION_ACCEPT, NULL, 0,
     "Serve a store that lacks events which were acknowledged: they are lost", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;

    if (key == 'c')
        options->config_path = argument;
    else if (key == OPTION_CHECK)
        options->check = true;
    else if (key == OPTION_ACCEPT)
        options->accept_older = true;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "there are no arguments");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "The adaptive assessment daemon: picks each student's next question and estimates "
           "ability, over ZeroMQ.\vIt runs in the foreground and logs to standard error. SIGTERM "
           "ends it when what is under way is answered; SIGHUP reads the configuration again.",
};

/* The file to read: the one named, else the installed one where there is one. */
static int read_config(const struct options *options, const char **out_path, struct config *config)
{
    static const char installed[] = "/etc/thetad/thetad.conf";
    struct fault fault = {0};
    enum status st;

    *out_path = options->config_path ? options->config_path : installed;
    st = config_load(*out_path, config, &fault);
    if (st == NOT_FOUND && !options->config_path) {
        *out_path = NULL;
        config_init(config);
        return EX_OK;
    }
    if (st == OK) return EX_OK;
    log_line(LOG_ERROR, "configuration refused", "file=%s field=%s error=\"%s\"", *out_path,
             fault.field[0] ? fault.field : "-", fault.text);
    return st == NO_MEMORY ? EX_OSERR : EX_CONFIG;  // a restart mends the one, not the other
}

/* Without a descriptor for a connection libzmq neither takes nor refuses it, and spins. */
static int check_descriptors(const struct config *config)
{
    struct rlimit limit;
    rlim_t need = (rlim_t)config->max_connections + OWN_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit)) return EX_OSERR;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= need) return EX_OK;
    log_line(LOG_ERROR, "too few file descriptors",
             "field=limits.connections need=%llu most=%llu hint=\"LimitNOFILE= or ulimit -n\"",
             (unsigned long long)need, (unsigned long long)limit.rlim_max);
    return EX_CONFIG;
}

/* What systemd should make of a store that does not open: RestartPreventExitStatus has the codes
 * that a restart would not mend. */
static int exit_code(enum status status)
{
    switch (status) {
    case BUSY:
        return EX_TEMPFAIL;
    case IO_ERROR:
        return EX_IOERR;
    case NO_MEMORY:
        return EX_OSERR;
    default:
        return EX_DATAERR;
    }
}

/* What a large message took is kept for the next one, up to some MiB: to give it back to the kernel
 * and take it anew, page by page, was a third of the time that the worst 64 KiB take to decode. */
static void keep_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
    mallopt(M_MMAP_THRESHOLD, KEEP_BYTES / 2);
}

/* A core file would have the keys of items in it, and those of the daemon. Whoever may trace the
 * daemon can allow one again: prlimit --core=unlimited. */
static void leave_no_core(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit)) return;
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &limit);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct server *server;
    struct config config;
    struct fault fault = {0};
    const char *path;
    enum status st;
    int code;

    argp_err_exit_status = EX_USAGE;
    argp_program_version = "thetad " THETAD_VERSION;
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    code = read_config(&options, &path, &config);
    if (code || options.check) return code;
    config.accept_older = options.accept_older;
    log_set_level(config.log_level);
    code = check_descriptors(&config);
    if (code) return code;
    keep_memory();
    leave_no_core();
    loop_block_signals();
    server = calloc(1, sizeof(*server));
    if (!server) return EX_OSERR;
    st = server_open(server, &config, &fault);
    if (st) {
        log_line(LOG_ERROR, "the store cannot be opened", "data_dir=%s field=%s error=\"%s\"",
                 config.data_dir, fault.field[0] ? fault.field : "-", fault.text);
        code = exit_code(st);
    } else {
        code = loop_run(server, path);
    }
    server_close(server);
    free(server);
    return code;
}
