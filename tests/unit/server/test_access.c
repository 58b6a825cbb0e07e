/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds after the keys were read again, and after that failed. Suite `access`. */
#include "server/access.h"
#include "server/auth.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

static bool is_deaf;  // the thread that lets peers in

bool __real_auth_admit(struct auth *auth, struct slice admissions);
bool __wrap_auth_admit(struct auth *auth, struct slice admissions);

bool __wrap_auth_admit(struct auth *auth, struct slice admissions)
{
    return !is_deaf && __real_auth_admit(auth, admissions);
}

struct gate {
    struct scratch scratch;
    struct config config;
    struct access *access;
    void *zmq;
};

static void put_key(struct gate *gate, const char *name, bool has_secret)
{
    char path[300], public_key[41], secret_key[41];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", gate->scratch.path, name);
    cr_assert_eq(zmq_curve_keypair(public_key, secret_key), 0);
    file = fopen(path, "w");
    cr_assert(file);
    fprintf(file, "metadata\n    name = n-1\n    tenant = north\n    role = frontend\n");
    fprintf(file, "curve\n    public-key = \"%s\"\n", public_key);
    if (has_secret) fprintf(file, "    secret-key = \"%s\"\n", secret_key);
    fclose(file);
    cr_assert_eq(chmod(path, 0600), 0);
}

static void gate_open(struct gate *gate)
{
    struct fault fault = {0};
    char folder[300];

    log_set_level(LOG_ERROR);
    is_deaf = false;
    scratch_make(&gate->scratch);
    config_init(&gate->config);
    snprintf(folder, sizeof(folder), "%s/keys", gate->scratch.path);
    cr_assert_eq(mkdir(folder, 0700), 0);
    snprintf(gate->config.key_dir, sizeof(gate->config.key_dir), "%s", folder);
    snprintf(gate->config.server_key, sizeof(gate->config.server_key), "%s/server",
             gate->scratch.path);
    put_key(gate, "server", true);
    put_key(gate, "keys/one", false);
    gate->zmq = zmq_ctx_new();
    cr_assert_eq(access_open(gate->zmq, &gate->config, &gate->access, &fault), OK, "%s",
                 fault.text);
    cr_expect_eq(access_n_key(gate->access), 1);
}

static void gate_close(struct gate *gate)
{
    access_close(gate->access);
    zmq_ctx_term(gate->zmq);
    scratch_remove(&gate->scratch);
}

static enum status read_again(struct gate *gate)
{
    struct fault fault = {0};
    enum status st = access_reload(gate->access, &gate->config, &fault);
    bool done;

    if (st == OK) st = access_go_on(gate->access, SIZE_MAX, &done, &fault);
    cr_expect_not(access_is_reading(gate->access));
    cr_expect_eq(st == OK, fault.text[0] == '\0', "%s", fault.text);
    return st;
}

Test(access, says_what_holds_when_keys_are_not_handed_over)
{
    struct gate gate;

    gate_open(&gate);
    put_key(&gate, "keys/two", false);
    is_deaf = true;
    cr_expect_eq(read_again(&gate), IO_ERROR);
    cr_expect_eq(access_n_key(gate.access), 2);
    cr_expect_str_eq(access_failure(IO_ERROR),
                     "keys read, but new ones are not let in: reload again");
    is_deaf = false;
    cr_expect_eq(read_again(&gate), OK);
    cr_expect_eq(access_n_key(gate.access), 2);
    gate_close(&gate);
}

Test(access, keeps_the_keys_where_the_folder_cannot_be_read)
{
    struct gate gate;

    gate_open(&gate);
    put_key(&gate, "keys/two", false);
    cr_assert_eq(chmod(gate.config.key_dir, 0777), 0);
    cr_expect_eq(read_again(&gate), FORBIDDEN);
    cr_expect_eq(access_n_key(gate.access), 1);
    cr_expect_str_eq(access_failure(FORBIDDEN), "keys not read, the old ones stay");
    strcat(gate.config.key_dir, "-away");
    cr_expect_eq(read_again(&gate), NOT_FOUND);
    cr_expect_eq(access_n_key(gate.access), 1);
    cr_expect_str_eq(access_failure(NOT_FOUND), "keys not read, the old ones stay");
    gate_close(&gate);
}
