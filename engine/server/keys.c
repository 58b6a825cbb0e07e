/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/keys.h"
#include "server/hash.h"
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

enum { PATH_BYTES = CONFIG_TEXT + 260, KEYS_MOST = 100000, LEFT_OUT_LINES = 100 };

struct entry {
    struct key key;
    bool seen;  // by the reading that is under way
    bool lost;
    UT_hash_handle hh;
};

struct keys {
    struct entry *table;
};

enum status keys_new(struct keys **out)
{
    *out = calloc(1, sizeof(**out));
    return *out ? OK : NO_MEMORY;
}

void keys_free(struct keys *keys)
{
    struct entry *entry, *next;

    if (!keys) return;
    HASH_ITER(hh, keys->table, entry, next)
    {
        HASH_DELETE(hh, keys->table, entry);
        free(entry);
    }
    free(keys);
}

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

static struct entry *find(const struct keys *keys, const char *public_key)
{
    struct entry *entry;

    HASH_FIND_STR(keys->table, public_key, entry);
    return entry;
}

static struct entry *add(struct keys *keys, const struct key *key)
{
    struct entry *entry = HASH_COUNT(keys->table) < KEYS_MOST ? calloc(1, sizeof(*entry)) : NULL;

    if (!entry) return NULL;
    entry->key = *key;
    HASH_ADD_STR(keys->table, key.public_key, entry);
    if (!entry->lost) return entry;
    free(entry);
    return NULL;
}

/* Take in what a file says; what the key has used of its limits stays. */
static bool keep(struct keys *keys, const struct key *read, struct fault *fault)
{
    struct entry *entry = find(keys, read->public_key);
    struct quota quota;

    if (entry && entry->seen) {
        fault_set(fault, NULL, "public-key", "is that of %s already", entry->key.name);
        return false;
    }
    if (!entry) entry = add(keys, read);
    if (!entry) {
        fault_set(fault, NULL, NULL, "there is no room for more keys");
        return false;
    }
    quota = entry->key.quota;
    quota.limits = read->quota.limits;
    entry->key = *read;
    entry->key.quota = quota;
    entry->seen = true;
    return true;
}

/* One more is left out. A folder full of something else must not fill the log. */
static void tell_left_out(const char *path, const struct fault *fault, int n_before)
{
    char text[LOG_VALUE];

    if (n_before >= LEFT_OUT_LINES) return;
    log_line(LOG_WARN, "a key file is left out", "file=\"%s\" field=%s error=\"%s\"",
             log_value(slice_str(path), text), fault->field[0] ? fault->field : "-", fault->text);
}

/* False where it is left out. */
static bool read_file(struct keys *keys, const char *folder, const char *name,
                      const struct quota_limits *limits, int n_left_out)
{
    struct fault fault = {0};
    char path[PATH_BYTES];
    struct key key;

    if (name[0] == '.') return true;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (read_key(path, limits, &key, &fault) && keep(keys, &key, &fault)) return true;
    tell_left_out(path, &fault, n_left_out);
    return false;
}

/* By name, so that of two files with the same key it is always the same that counts. */
static int read_folder(struct keys *keys, const char *folder, const struct quota_limits *limits)
{
    struct dirent **list;
    int n = scandir(folder, &list, NULL, alphasort), n_left_out = 0;

    for (int i = 0; i < n; i++) {
        if (!read_file(keys, folder, list[i]->d_name, limits, n_left_out)) n_left_out++;
        free(list[i]);
    }
    if (n >= 0) free(list);
    if (n_left_out > LEFT_OUT_LINES)
        log_line(LOG_WARN, "more key files are left out", "n=%d", n_left_out - LEFT_OUT_LINES);
    return n;
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

enum status keys_read(struct keys *keys, const char *folder, const struct quota_limits *limits,
                      struct fault *fault)
{
    struct entry *entry, *next;
    enum status st = check_folder(folder, fault);

    if (st) return st;
    HASH_ITER(hh, keys->table, entry, next)
    {
        entry->seen = false;
    }
    if (read_folder(keys, folder, limits) < 0) {
        fault_set(fault, NULL, "access.keys", "cannot read the folder %.80s: %s", folder,
                  strerror(errno));
        return NOT_FOUND;
    }
    HASH_ITER(hh, keys->table, entry, next)
    {
        entry->key.valid = entry->seen;
    }
    return OK;
}

struct key *keys_find(struct keys *keys, const char *public_key)
{
    struct entry *entry = find(keys, public_key);

    return entry ? &entry->key : NULL;
}

const char *key_refusal(const struct key *key, int64_t now_ms)
{
    if (!key || !key->valid) return "the key is not valid any more";
    return now_ms >= key->expires_ms ? "the key has expired" : NULL;
}

size_t keys_n_valid(const struct keys *keys)
{
    size_t n = 0;

    for (const struct entry *entry = keys->table; entry; entry = entry->hh.next) {
        n += entry->key.valid;
    }
    return n;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(((struct key_admission *)NULL)->public_key));
}

void keys_admissions(const struct keys *keys, struct buf *out)
{
    size_t at = out->n, n = 0;

    for (const struct entry *entry = keys->table; entry; entry = entry->hh.next) {
        struct key_admission admission = {.expires_ms = entry->key.expires_ms};

        if (!entry->key.valid) continue;
        zmq_z85_decode(admission.public_key, entry->key.public_key);
        buf_append(out, &admission, sizeof(admission));
        n++;
    }
    if (!out->failed && n > 0) qsort(out->data + at, n, sizeof(struct key_admission), by_key);
}
