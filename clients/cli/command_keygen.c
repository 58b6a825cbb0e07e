/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keygen: key pairs for CURVE. Nothing is asked of a daemon. */
#include "clients/cli/args.h"
#include "proto/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { PATH_BYTES = 4096 };

static int make_pair(struct certificate *made)
{
    *made = (struct certificate){0};
    if (zmq_curve_keypair(made->public_key, made->secret_key) == 0) return EX_OK;
    return cli_fail(EX_SOFTWARE, "cannot make keys: %s", zmq_strerror(errno));
}

/* A file that is not there yet: another key could be lost. */
static int write_file(const char *path, mode_t mode, const struct buf *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool good;

    if (fd < 0) return cli_fail(EX_CANTCREAT, "cannot make %s: %s", path, strerror(errno));
    good = write(fd, text->data, text->n) == (ssize_t)text->n && fsync(fd) == 0;
    if (close(fd) == 0 && good) return EX_OK;
    unlink(path);
    return cli_fail(EX_IOERR, "cannot write %s: %s", path, strerror(errno));
}

static int write_part(const struct certificate *made, bool secret, const char *path)
{
    struct buf text = {0};
    int code;

    certificate_write(made, secret, &text);
    code = text.failed ? cli_fail(EX_OSERR, "no memory")
                       : write_file(path, secret ? 0600 : 0644, &text);
    if (text.data) explicit_bzero(text.data, text.n);
    buf_done(&text);
    return code;
}

/* Both files, or none; named as czmq does. */
static int write_pair(const struct certificate *made, const char *path, char *secret_path)
{
    int n = snprintf(secret_path, PATH_BYTES, "%s_secret", path), code;

    if (n >= PATH_BYTES) return cli_fail(EX_USAGE, "--out is too long");
    code = write_part(made, true, secret_path);
    if (code) return code;
    code = write_part(made, false, path);
    if (code) unlink(secret_path);
    return code;
}

static int run_server(struct cli *cli, const struct args *args)
{
    const char *out = args->options[OPTION_OUT_KEY];
    char secret_path[PATH_BYTES];
    struct certificate made;
    int code;

    (void)cli;
    if (!out) return cli_fail(EX_USAGE, "say with --out where the certificate goes");
    code = make_pair(&made);
    if (!code && !certificate_add(&made, "name", "thetad")) code = EX_SOFTWARE;
    if (!code) code = write_pair(&made, out, secret_path);
    explicit_bzero(made.secret_key, sizeof(made.secret_key));
    if (code) return code;
    printf("The daemon's public key is %s\n\n"
           "1. %s is for the daemon alone. In thetad.conf, with whole paths:\n"
           "       [access]\n       server_key = %s\n       keys = FOLDER\n"
           "   FOLDER takes the clients' public certificates (theta keygen client).\n"
           "2. Clients get the key above, or %s, as --server-key.\n",
           made.public_key, secret_path, secret_path, out);
    return EX_OK;
}

static bool is_role(const char *word, size_t n)
{
    static const char *const roles[] = {"frontend", "proctor", "teacher",
                                        "author",   "admin",   "metrics"};

    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        if (strlen(roles[i]) == n && strncmp(roles[i], word, n) == 0) return true;
    }
    return false;
}

static int check_roles(const char *roles)
{
    static const char between[] = " ,";

    if (!*roles) return cli_fail(EX_USAGE, "say with --role what the key's holder may do");
    for (roles += strspn(roles, between); *roles; roles += strspn(roles, between)) {
        size_t n = strcspn(roles, between);

        if (!is_role(roles, n)) {
            return cli_fail(EX_USAGE,
                            "--role is one of frontend, proctor, teacher, author, admin and "
                            "metrics, not \"%.*s\"",
                            (int)n, roles);
        }
        roles += n;
    }
    return EX_OK;
}

static int check_id(const char *option, const char *text)
{
    if (text && slice_is_id(slice_str(text))) return EX_OK;
    return cli_fail(EX_USAGE, "--%s %s 1 to 64 of A-Z a-z 0-9 . _ : -", option,
                    text ? "must be" : "is missing:");
}

static int check_expiry(const char *text)
{
    struct tm day = {0}, made;
    const char *end;

    if (!text) return EX_OK;
    end = strptime(text, "%Y-%m-%d", &day);
    made = day;
    if (!end || *end || timegm(&made) < 0 || made.tm_mday != day.tm_mday) {
        return cli_fail(EX_USAGE, "--expires takes a day as 2027-08-01, not \"%s\"", text);
    }
    if (timegm(&made) <= time(NULL)) return cli_fail(EX_USAGE, "--expires %s is past", text);
    return EX_OK;
}

static int check_client(const struct args *args)
{
    int code = check_id("name", args->options[OPTION_NAME]);

    if (!code) code = check_id("tenant", args->options[OPTION_TENANT]);
    if (!code) code = check_roles(args->roles);
    if (!code) code = check_expiry(args->options[OPTION_EXPIRES]);
    if (!code && !args->options[OPTION_OUT_KEY]) {
        code = cli_fail(EX_USAGE, "say with --out where the certificate goes");
    }
    return code;
}

static bool add_fields(struct certificate *made, const struct args *args)
{
    const char *expires = args->options[OPTION_EXPIRES];

    return certificate_add(made, "name", args->options[OPTION_NAME]) &&
           certificate_add(made, "role", args->roles) &&
           certificate_add(made, "tenant", args->options[OPTION_TENANT]) &&
           (!expires || certificate_add(made, "expires", expires));
}

static int run_client(struct cli *cli, const struct args *args)
{
    const char *out = args->options[OPTION_OUT_KEY];
    char secret_path[PATH_BYTES];
    struct certificate made;
    int code = check_client(args);

    (void)cli;
    if (code) return code;
    code = make_pair(&made);
    if (!code && !add_fields(&made, args)) code = cli_fail(EX_USAGE, "a value is too long");
    if (!code) code = write_pair(&made, out, secret_path);
    explicit_bzero(made.secret_key, sizeof(made.secret_key));
    if (code) return code;
    printf("1. %s goes into the daemon's folder of keys ([access] keys in thetad.conf); then\n"
           "   systemctl reload thetad\n"
           "2. %s is for %s alone: take it there in a safe way, and say chmod 0600.\n"
           "3. There, with the daemon's public key as KEY:\n"
           "   theta --endpoint tcp://HOST:7350 --server-key KEY --key %s ping\n",
           out, secret_path, args->options[OPTION_NAME], secret_path);
    return EX_OK;
}

const struct command command_keygen_server = {
    .name = "keygen server",
    .operands = "",
    .about = "Make the daemon's key pair, for encryption over TCP",
    .details = "Neither file may be there already.\n\n"
               "Example:\n  theta keygen server --out thetad.key",
    .options = {OPTION_OUT_KEY},
    .n_option = 1,
    .run = run_server,
};

const struct command command_keygen_client = {
    .name = "keygen client",
    .operands = "",
    .about = "Make the key pair of a client, with what it may do",
    .details = "The daemon takes name, roles, tenant and end from the public certificate in its "
               "folder. Limits of this key's own go there too, with an editor: "
               "requests_per_second, sessions_per_hour, sessions_per_day, items_per_day.\n\n"
               "Example:\n  theta keygen client --name quiz-7 --role frontend --tenant north "
               "--expires 2027-08-01 --out quiz-7.key",
    .options = {OPTION_NAME, OPTION_ROLE, OPTION_TENANT, OPTION_EXPIRES, OPTION_OUT_KEY},
    .n_option = 5,
    .run = run_client,
};
