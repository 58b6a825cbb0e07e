/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/key_folder.h"
#include "server/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { PATH_BYTES = CONFIG_TEXT + 260, LEFT_OUT_LINES = 100 };

struct key_folder {
    char path[CONFIG_TEXT];
    struct quota_limits limits;
    struct dirent **list;
    size_t n, at;
    size_t n_left_out;
};

/* A certificate's field, which must be there and short enough. */
static bool read_id_of(const struct certificate *certificate, const char *name, char *out,
                       struct fault *fault)
{
    const char *value = certificate_value(certificate, name);

    if (value && slice_is_id(slice_str(value)) &&
        slice_to_text(slice_str(value), out, LIMIT_ID + 1)) {
        return true;
    }
    fault_set(fault, NULL, name, value ? "must be 1 to %d of A-Z a-z 0-9 . _ : -" : "is missing",
              LIMIT_ID);
    return false;
}

static bool read_roles(const struct certificate *certificate, unsigned *out, struct fault *fault)
{
    const char *value = certificate_value(certificate, "role");

    if (value && config_roles(value, out) && *out != 0) return true;
    fault_set(fault, NULL, "role",
              value ? "must be of frontend proctor teacher author admin metrics" : "is missing");
    return false;
}

/* 2027-08-01, from the beginning of which the key is refused, or 2027-08-01T12:00:00Z. UTC. */
static bool read_expiry(const struct certificate *certificate, int64_t *out, struct fault *fault)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"};
    const char *value = certificate_value(certificate, "expires");

    *out = INT64_MAX;
    if (!value) return true;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct tm tm = {0}, made;
        const char *end = strptime(value, forms[i], &tm);

        made = tm;
        if (!end || *end) continue;
        *out = (int64_t)timegm(&made) * 1000;
        if (made.tm_mday == tm.tm_mday) return true;  // else there is no such day
    }
    fault_set(fault, NULL, "expires", "must be a day as 2027-08-01 or 2027-08-01T12:00:00Z (UTC)");
    return false;
}

static bool read_limit(const char *value, int64_t *out)
{
    char *end;
    long long n;

    errno = 0;
    n = strtoll(value, &end, 10);
    if (errno || end == value || *end || n < 0 || n > QUOTA_MOST) return false;
    *out = n;
    return true;
}

static bool read_limits(const struct certificate *certificate, struct quota_limits *out,
                        struct fault *fault)
{
    for (int i = 0; i < N_QUOTA; i++) {
        const char *name = quota_name((enum quota_kind)i);
        const char *value = certificate_value(certificate, name);

        if (!value || read_limit(value, &out->most[i])) continue;
        fault_set(fault, NULL, name, "must be a whole number between 0 and %d", QUOTA_MOST);
        return false;
    }
    return true;
}

/* A word that is not known could be a misspelt `expires`. */
static bool check_fields(const struct certificate *certificate, struct fault *fault)
{
    static const char *const known[] = {"name", "role", "tenant", "expires"};

    for (size_t p = 0; p < certificate->n_pair; p++) {
        const char *name = certificate->pair[p].name;
        bool found = false;

        for (size_t i = 0; i < COUNT_OF(known); i++) found = found || strcmp(name, known[i]) == 0;
        for (int i = 0; i < N_QUOTA; i++) {
            found = found || strcmp(name, quota_name((enum quota_kind)i)) == 0;
        }
        if (found) continue;
        fault_set(fault, NULL, name, "is no field of a client's certificate");
        return false;
    }
    return true;
}

static bool read_key(const char *path, const struct quota_limits *limits, struct key *out,
                     struct fault *fault)
{
    struct certificate certificate;
    uint8_t bytes[32];
    bool good;

    *out = (struct key){.quota.limits = *limits, .valid = true};
    if (certificate_load(path, &certificate, fault)) return false;
    good = certificate.secret_key[0] == '\0';
    explicit_bzero(certificate.secret_key, sizeof(certificate.secret_key));
    if (!good) {
        fault_set(fault, NULL, NULL, "is a secret certificate: only the public one belongs here");
        return false;
    }
    memcpy(out->public_key, certificate.public_key, sizeof(out->public_key));
    if (!zmq_z85_decode(bytes, out->public_key)) {
        fault_set(fault, NULL, "public-key", "is no key");
        return false;
    }
    return check_fields(&certificate, fault) &&
           read_id_of(&certificate, "name", out->name, fault) &&
           read_id_of(&certificate, "tenant", out->tenant, fault) &&
           read_roles(&certificate, &out->roles, fault) &&
           read_expiry(&certificate, &out->expires_ms, fault) &&
           read_limits(&certificate, &out->quota.limits, fault);
}

static enum status check_folder(const char *folder, struct fault *fault)
{
    struct stat about;

    if (stat(folder, &about) || access(folder, R_OK | X_OK)) {
        fault_set(fault, NULL, "access.keys", "cannot read the folder %.80s: %s", folder,
                  strerror(errno));
        return NOT_FOUND;
    }
    if (!(about.st_mode & S_IWOTH)) return OK;
    fault_set(fault, NULL, "access.keys", "everybody may write to the folder %.80s", folder);
    return FORBIDDEN;
}

static int is_no_dot(const struct dirent *file)
{
    return file->d_name[0] != '.';
}

enum status key_folder_open(const char *path, const struct quota_limits *limits,
                            struct key_folder **out, struct fault *fault)
{
    enum status st = check_folder(path, fault);
    struct key_folder *folder;
    int n;

    if (st) return st;
    folder = calloc(1, sizeof(*folder));
    if (!folder) {
        fault_set(fault, NULL, "access.keys", "there is no memory for the keys");
        return NO_MEMORY;
    }
    snprintf(folder->path, sizeof(folder->path), "%s", path);
    folder->limits = *limits;
    n = scandir(path, &folder->list, is_no_dot, alphasort);
    if (n < 0) {
        fault_set(fault, NULL, "access.keys", "cannot read the folder %.80s: %s", path,
                  strerror(errno));
        free(folder);
        return NOT_FOUND;
    }
    folder->n = (size_t)n;
    *out = folder;
    return OK;
}

void key_folder_close(struct key_folder *folder)
{
    if (!folder) return;
    if (folder->n_left_out > LEFT_OUT_LINES) {
        log_line(LOG_WARN, "more key files are left out", "n=%zu",
                 folder->n_left_out - LEFT_OUT_LINES);
    }
    for (size_t i = 0; i < folder->n; i++) free(folder->list[i]);
    free(folder->list);
    free(folder);
}

bool key_folder_is_at_end(const struct key_folder *folder)
{
    return folder->at == folder->n;
}

static void make_path(const struct key_folder *folder, size_t file, char *out)
{
    snprintf(out, PATH_BYTES, "%s/%s", folder->path, folder->list[file]->d_name);
}

bool key_folder_next(struct key_folder *folder, struct key *out, size_t *out_file)
{
    struct fault fault = {0};
    char path[PATH_BYTES];

    *out_file = folder->at++;
    make_path(folder, *out_file, path);
    if (read_key(path, &folder->limits, out, &fault)) return true;
    key_folder_leave_out(folder, *out_file, &fault);
    return false;
}

void key_folder_leave_out(struct key_folder *folder, size_t file, const struct fault *fault)
{
    char path[PATH_BYTES], text[LOG_VALUE];

    if (folder->n_left_out++ >= LEFT_OUT_LINES) return;
    make_path(folder, file, path);
    log_line(LOG_WARN, "a key file is left out", "file=\"%s\" field=%s error=\"%s\"",
             log_value(slice_str(path), text), fault->field[0] ? fault->field : "-", fault->text);
}
