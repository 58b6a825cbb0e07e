/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/keys.h"
#include "server/hash.h"
#include "server/key_folder.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* SET_MS: by which the two clocks come apart when the wall's is set, not merely steered. */
enum { KEYS_MOST = 100000, SET_MS = 10000 };

static const char kept_prefix[] = "quota";  // with its NUL

struct kept_key {
    uint8_t bytes[sizeof(kept_prefix) + CERTIFICATE_KEY];
};

struct entry {
    struct key key;
    bool seen;  // by the reading that is being taken in
    bool lost;
    UT_hash_handle hh;
};

/* A key as its file says, until all have been read. */
struct staged {
    struct key key;
    size_t file;
};

struct keys {
    struct entry *table;
    struct key_folder *folder;  // that is being read; NULL: none is
    struct buf staged;
    struct entry *keep_next;  // NULL: the first. Entries stay where they are
    int64_t apart_ms;         // the wall's clock from the other, when the quotas were kept
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
    keys_abandon(keys);
    HASH_ITER(hh, keys->table, entry, next)
    {
        HASH_DELETE(hh, keys->table, entry);
        free(entry);
    }
    free(keys);
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
    quota_limit(&quota, &read->quota.limits);
    entry->key = *read;
    entry->key.quota = quota;
    entry->seen = true;
    return true;
}

enum status keys_begin(struct keys *keys, const char *folder, const struct quota_limits *limits,
                       struct fault *fault)
{
    keys_abandon(keys);
    return key_folder_open(folder, limits, &keys->folder, fault);
}

bool keys_go_on(struct keys *keys, size_t n_file)
{
    struct staged staged;

    for (; n_file > 0 && !key_folder_is_at_end(keys->folder); n_file--) {
        if (!key_folder_next(keys->folder, &staged.key, &staged.file)) continue;
        buf_append(&keys->staged, &staged, sizeof(staged));
    }
    return key_folder_is_at_end(keys->folder);
}

void keys_abandon(struct keys *keys)
{
    key_folder_close(keys->folder);
    keys->folder = NULL;
    buf_done(&keys->staged);
}

bool keys_are_being_read(const struct keys *keys)
{
    return keys->folder != NULL;
}

static void take_staged(struct keys *keys)
{
    const struct staged *staged = (const struct staged *)(const void *)keys->staged.data;
    size_t n = keys->staged.n / sizeof(*staged);
    struct entry *entry, *next;

    HASH_ITER(hh, keys->table, entry, next)
    {
        entry->seen = false;
    }
    for (size_t i = 0; i < n; i++) {
        struct fault fault = {0};

        if (!keep(keys, &staged[i].key, &fault))
            key_folder_leave_out(keys->folder, staged[i].file, &fault);
    }
    HASH_ITER(hh, keys->table, entry, next)
    {
        entry->key.valid = entry->seen;
    }
}

enum status keys_take(struct keys *keys, struct fault *fault)
{
    enum status st = keys->staged.failed ? NO_MEMORY : OK;

    if (st)
        fault_set(fault, NULL, "access.keys", "there is no memory for the keys");
    else
        take_staged(keys);
    keys_abandon(keys);
    return st;
}

enum status keys_read(struct keys *keys, const char *folder, const struct quota_limits *limits,
                      struct fault *fault)
{
    enum status st = keys_begin(keys, folder, limits, fault);

    if (st) return st;
    keys_go_on(keys, SIZE_MAX);
    return keys_take(keys, fault);
}

static struct slice kept_key_slice(const struct kept_key *key)
{
    return slice_of(key->bytes, sizeof(key->bytes));
}

static struct kept_key kept_key(const char *public_key)
{
    struct kept_key key;

    memcpy(key.bytes, kept_prefix, sizeof(kept_prefix));
    memcpy(key.bytes + sizeof(kept_prefix), public_key, CERTIFICATE_KEY);
    return key;
}

/* The times of all records are wrong. */
static void mark_used(struct keys *keys, int64_t now_us)
{
    for (struct entry *entry = keys->table; entry; entry = entry->hh.next) {
        if (quota_is_used(&entry->key.quota, now_us)) entry->key.quota.changed = true;
    }
}

static void keep_one(struct key *key, const struct env *env, struct batch *batch, int64_t now_us,
                     int64_t wall_ms)
{
    struct kept_key at = kept_key(key->public_key);
    struct buf record = {0};

    quota_write(&key->quota, now_us, wall_ms, &record);
    batch_put(env, batch, TABLE_META, kept_key_slice(&at), buf_slice(&record), NULL);
    if (record.failed) batch->bytes.failed = true;
    buf_done(&record);
    key->quota.changed = false;
}

void keys_keep(struct keys *keys, const struct env *env, struct batch *batch, size_t n_most,
               int64_t now_us, int64_t wall_ms)
{
    int64_t apart_ms = wall_ms - now_us / 1000;
    size_t n = HASH_COUNT(keys->table);

    if (llabs(apart_ms - keys->apart_ms) > SET_MS) {
        keys->apart_ms = apart_ms;
        mark_used(keys, now_us);
    }
    for (size_t i = 0; i < n && i < n_most; i++) {
        struct entry *entry = keys->keep_next ? keys->keep_next : keys->table;

        if (entry->key.quota.changed) keep_one(&entry->key, env, batch, now_us, wall_ms);
        keys->keep_next = entry->hh.next;
    }
}

/* What is taken in, and when. */
struct taking {
    struct keys *keys;
    struct batch *batch;
    int64_t now_us, wall_ms;
};

static bool is_kept_key(struct slice key)
{
    return key.n >= sizeof(kept_prefix) && memcmp(key.data, kept_prefix, sizeof(kept_prefix)) == 0;
}

static enum status on_damaged(void *context, struct slice key)
{
    struct taking *taking = context;
    char text[LOG_VALUE];

    if (!is_kept_key(key)) return NOT_FOUND;  // the table's other records stand behind
    batch_remove(taking->batch, TABLE_META, key);
    key = slice_of(key.data + sizeof(kept_prefix), key.n - sizeof(kept_prefix));
    log_line(LOG_WARN, "what a key has used is damaged, it begins anew", "key=\"%s\"",
             log_value(key, text));
    return OK;
}

static enum status on_kept(void *context, struct slice key, struct slice value)
{
    struct taking *taking = context;
    struct key gone = {0};
    struct entry *entry;
    struct quota quota;

    if (!is_kept_key(key)) return NOT_FOUND;
    if (key.n != sizeof(struct kept_key) ||
        quota_read(value, taking->now_us, taking->wall_ms, &quota)) {
        return on_damaged(context, key);
    }
    if (!quota_is_used(&quota, taking->now_us)) {
        batch_remove(taking->batch, TABLE_META, key);
        return OK;
    }
    memcpy(gone.public_key, key.data + sizeof(kept_prefix), CERTIFICATE_KEY);
    entry = find(taking->keys, gone.public_key);
    gone.quota.limits = quota.limits;
    if (!entry) entry = add(taking->keys, &gone);
    if (!entry) return OK;  // no room for a key that may not be used
    quota_limit(&quota, &entry->key.quota.limits);
    entry->key.quota = quota;
    return OK;
}

enum status keys_take_kept(struct keys *keys, struct env *env, struct batch *batch, int64_t now_us,
                           int64_t wall_ms)
{
    struct taking taking = {keys, batch, now_us, wall_ms};

    keys->apart_ms = wall_ms - now_us / 1000;
    return env_each_any(env, TABLE_META, slice_of(kept_prefix, sizeof(kept_prefix)),
                        (struct visitor){on_kept, &taking}, on_damaged);
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
