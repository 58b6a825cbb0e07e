/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/access.h"
#include "server/auth.h"
#include "server/clock.h"
#include "server/refusals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct access {
    struct keys *keys;
    struct auth *auth;
    struct refusals refusals;
    char secret_key[CERTIFICATE_KEY + 1];
};

/* A path, or the name of a credential that systemd has put into a folder of ours. */
static bool find_file(const char *name, char *out, size_t size, struct fault *fault)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    int n;

    if (name[0] == '/') {
        n = snprintf(out, size, "%s", name);
    } else if (folder && !strchr(name, '/')) {
        n = snprintf(out, size, "%s/%s", folder, name);
    } else {
        fault_set(fault, NULL, "access.server_key",
                  "%.60s is neither a whole path nor a credential of the service", name);
        return false;
    }
    return n >= 0 && (size_t)n < size;
}

static enum status read_server_key(const char *name, char *out, struct fault *fault)
{
    char path[2 * CONFIG_TEXT] = "";
    struct certificate certificate;
    struct fault found = {0};
    enum status st;

    if (!find_file(name, path, sizeof(path), fault)) return BAD_REQUEST;
    st = name[0] == '/' ? certificate_load(path, &certificate, &found)
                        : certificate_load_guarded(path, &certificate, &found);
    if (st == OK && !certificate.secret_key[0]) {
        fault_set(&found, NULL, NULL, "holds no secret key");
        st = BAD_REQUEST;
    }
    if (st)
        fault_set(fault, NULL, "access.server_key", "%.60s %s %s", path, found.field, found.text);
    else
        memcpy(out, certificate.secret_key, sizeof(certificate.secret_key));
    explicit_bzero(&certificate, sizeof(certificate));
    return st;
}

enum status access_reload(struct access *access, const struct config *config, struct fault *fault)
{
    return keys_begin(access->keys, config->key_dir, &config->quota, fault);
}

bool access_is_reading(const struct access *access)
{
    return access && keys_are_being_read(access->keys);
}

const char *access_failure(enum status status)
{
    if (status == IO_ERROR) return "keys read, but new ones are not let in: reload again";
    return "keys not read, the old ones stay";
}

/* Nobody is let in by a list that the keys are not in, nor kept out: both change together. Where
 * that fails a key that was taken away must not stay good, so the keys come first. */
enum status access_go_on(struct access *access, size_t n_file, bool *out_done, struct fault *fault)
{
    struct buf admissions = {0};
    enum status st;

    *out_done = keys_go_on(access->keys, n_file);
    if (!*out_done) return OK;
    st = keys_take(access->keys, fault);
    if (st) return st;
    keys_admissions(access->keys, &admissions);
    if (admissions.failed || !auth_admit(access->auth, buf_slice(&admissions))) {
        fault_set(fault, NULL, "access.keys", "the keys could not be handed over");
        st = IO_ERROR;
    }
    buf_done(&admissions);
    return st;
}

enum status access_open(void *zmq_context, const struct config *config, struct access **out_access,
                        struct fault *fault)
{
    struct access *access;
    enum status st;
    bool done;

    *out_access = NULL;
    if (!config->server_key[0]) return OK;
    access = calloc(1, sizeof(*access));
    if (!access) return NO_MEMORY;
    st = read_server_key(config->server_key, access->secret_key, fault);
    if (st == OK) st = keys_new(&access->keys);
    if (st == OK) st = auth_start(zmq_context, &access->auth, fault);
    if (st == OK) st = access_reload(access, config, fault);
    if (st == OK) st = access_go_on(access, SIZE_MAX, &done, fault);
    if (st) {
        access_close(access);
        return st;
    }
    *out_access = access;
    return OK;
}

void access_close(struct access *access)
{
    if (!access) return;
    auth_stop(access->auth);
    keys_free(access->keys);
    explicit_bzero(access, sizeof(*access));
    free(access);
}

enum status access_take_kept(struct access *access, struct env *env, struct batch *batch)
{
    return access ? keys_take_kept(access->keys, env, batch, clock_us(), clock_wall_ms()) : OK;
}

void access_keep(struct access *access, const struct env *env, struct batch *batch, size_t n_most)
{
    if (access) keys_keep(access->keys, env, batch, n_most, clock_us(), clock_wall_ms());
}

const char *access_secret_key(const struct access *access)
{
    return access->secret_key;
}

const struct thread *access_thread(const struct access *access)
{
    return auth_thread(access->auth);
}

bool access_is_alive(const struct access *access, int64_t now_us)
{
    return auth_is_alive(access->auth, now_us);
}

size_t access_n_key(const struct access *access)
{
    return keys_n_valid(access->keys);
}

static void tell(struct access *access, const struct peer *peer, const char *public_key)
{
    char text[LOG_VALUE];
    uint64_t n_before;

    if (!refusals_add(&access->refusals, public_key, peer->now_us, &n_before)) return;
    log_line(LOG_WARN, "request refused", "name=\"%.*s\" key=\"%s\" reason=\"%s\" before=%llu",
             (int)peer->who.n, (const char *)peer->who.data, log_value(slice_str(public_key), text),
             peer->why, (unsigned long long)n_before);
}

void access_identify(struct access *access, const char *user, struct peer *peer)
{
    const char *public_key = auth_key(access->auth, user);
    struct key *key = public_key ? keys_find(access->keys, public_key) : NULL;

    if (key) {
        peer->key = key;
        peer->tenant = slice_str(key->tenant);
        peer->who = slice_str(key->name);
        peer->roles = key->roles;
    }
    peer->why = key_refusal(key, clock_wall_ms());  // its end is a date, not a duration
    if (!peer->why) return;
    peer->refused = FORBIDDEN;
    tell(access, peer, public_key ? public_key : "none");
}
