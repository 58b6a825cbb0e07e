/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/keys.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { N_FILE = 5 };

struct folder {
    struct scratch scratch;
    struct keys *keys;
    char public_key[N_FILE][41], secret_key[N_FILE][41];
    struct env *env;  // where a test keeps what keys have used
    struct batch batch;
};

static const struct quota_limits limits = {.most = {10, 20, 30, 40}};

static void folder_open(struct folder *folder)
{
    log_set_level(LOG_ERROR);
    folder->env = NULL;
    folder->batch = (struct batch){0};
    scratch_make(&folder->scratch);
    cr_assert_eq(keys_new(&folder->keys), OK);
    for (int i = 0; i < N_FILE; i++)
        cr_assert_eq(zmq_curve_keypair(folder->public_key[i], folder->secret_key[i]), 0);
}

static void folder_close(struct folder *folder)
{
    keys_free(folder->keys);
    batch_done(&folder->batch);
    env_close(folder->env);
    scratch_remove(&folder->scratch);
}

static void write_text(struct folder *folder, const char *name, const char *text)
{
    char path[300];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder->scratch.path, name);
    file = fopen(path, "w");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
}

/* A file with the i-th key and these lines of metadata. */
static void put(struct folder *folder, const char *name, int i, const char *metadata)
{
    char text[1024];

    snprintf(text, sizeof(text), "metadata\n%scurve\n    public-key = \"%s\"\n", metadata,
             folder->public_key[i]);
    write_text(folder, name, text);
}

static void take_away(struct folder *folder, const char *name)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", folder->scratch.path, name);
    cr_assert_eq(unlink(path), 0);
}

static size_t read_again(struct folder *folder)
{
    struct fault fault = {0};

    cr_assert_eq(keys_read(folder->keys, folder->scratch.path, &limits, &fault), OK, "%s",
                 fault.text);
    return keys_n_valid(folder->keys);
}

static const struct key *find(struct folder *folder, int i)
{
    return keys_find(folder->keys, folder->public_key[i]);
}

#define NORTH "    name = n-1\n    tenant = north\n    role = frontend\n"

Test(keys, come_from_certificates)
{
    struct folder folder;
    const struct key *key;

    folder_open(&folder);
    put(&folder, "a.key", 0,
        NORTH "    expires = 2027-08-01\n    sessions_per_hour = 5\n    items_per_day = 0\n");
    put(&folder, "b", 1,
        "    name = s-1\n    tenant = south\n    role = author, proctor metrics\n");
    cr_assert_eq(read_again(&folder), 2);
    key = find(&folder, 0);
    cr_expect_str_eq(key->name, "n-1");
    cr_expect_str_eq(key->tenant, "north");
    cr_expect_eq(key->roles, ROLE_FRONTEND);
    cr_expect_eq(key->expires_ms, 1817078400000);
    cr_expect_eq(key->quota.limits.most[QUOTA_REQUESTS], 10);
    cr_expect_eq(key->quota.limits.most[QUOTA_SESSIONS_HOUR], 5);
    cr_expect_eq(key->quota.limits.most[QUOTA_SESSIONS_DAY], 30);
    cr_expect_eq(key->quota.limits.most[QUOTA_ITEMS_DAY], 0);
    key = find(&folder, 1);
    cr_expect_eq(key->roles, ROLE_AUTHOR | ROLE_PROCTOR | ROLE_METRICS);
    cr_expect_eq(key->expires_ms, INT64_MAX);
    cr_expect_null(find(&folder, 2));
    cr_expect_null(keys_find(folder.keys, ""));
    folder_close(&folder);
}

/* One bad file costs its own key and no other. */
Test(keys, leave_out_what_is_wrong)
{
    static const char *const bad[] = {
        "",
        "    tenant = north\n    role = frontend\n",
        "    name = n\n    role = frontend\n",
        "    name = n\n    tenant = north\n",
        "    name = n\n    tenant = north\n    role =\n",
        "    name = n\n    tenant = north\n    role = boss\n",
        "    name = n n\n    tenant = north\n    role = frontend\n",
        "    name = n\n    tenant = no/rth\n    role = frontend\n",
        NORTH "    expires = tomorrow\n",
        NORTH "    expires = 2027-02-30\n",
        NORTH "    expires = 2027-08-01 12:00\n",
        NORTH "    expires =\n",
        NORTH "    expiry = 2027-08-01\n",
        NORTH "    items_per_day = many\n",
        NORTH "    items_per_day = -1\n",
        NORTH "    items_per_day = 1000000001\n",
    };
    struct folder folder;
    char text[512];

    folder_open(&folder);
    put(&folder, "good", 1, "    name = s-1\n    tenant = south\n    role = author\n");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put(&folder, "bad", 0, bad[i]);
        cr_expect_eq(read_again(&folder), 1, "%s", bad[i]);
        cr_expect_null(find(&folder, 0), "%s", bad[i]);
    }
    write_text(&folder, "bad", "nonsense");
    cr_expect_eq(read_again(&folder), 1);
    snprintf(text, sizeof(text),
             "metadata\n" NORTH "curve\n    public-key = \"%s\"\n    secret-key = \"%s\"\n",
             folder.public_key[0], folder.secret_key[0]);
    write_text(&folder, "bad", text);
    cr_expect_eq(read_again(&folder), 1, "a secret is not for the daemon to have");
    put(&folder, ".hidden", 2, NORTH);
    cr_expect_eq(read_again(&folder), 1);
    put(&folder, "bad", 0, NORTH);
    cr_expect_eq(read_again(&folder), 2);
    folder_close(&folder);
}

/* Of two files with the same key the first by name counts. */
Test(keys, are_not_two_peers_at_a_time)
{
    struct folder folder;

    folder_open(&folder);
    put(&folder, "b", 0, "    name = second\n    tenant = south\n    role = admin\n");
    put(&folder, "a", 0, NORTH);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(read_again(&folder), 1);
        cr_expect_str_eq(find(&folder, 0)->tenant, "north");
        cr_expect_eq(find(&folder, 0)->roles, ROLE_FRONTEND);
    }
    folder_close(&folder);
}

/* What is gone from the folder, or has become bad, is not valid; back again it is, with what it had
 * used before. */
Test(keys, follow_the_folder)
{
    struct folder folder;

    folder_open(&folder);
    put(&folder, "a", 0, NORTH);
    put(&folder, "b", 1, NORTH);
    cr_assert_eq(read_again(&folder), 2);
    cr_expect_null(key_refusal(find(&folder, 0), 1));
    quota_use(&keys_find(folder.keys, folder.public_key[0])->quota, QUOTA_SESSIONS_HOUR, 20, 5);
    take_away(&folder, "a");
    put(&folder, "b", 1, "    name = n-1\n");
    cr_expect_eq(read_again(&folder), 0);
    cr_expect_not_null(key_refusal(find(&folder, 0), 1));
    cr_expect_not_null(key_refusal(find(&folder, 1), 1));
    cr_expect_not_null(key_refusal(find(&folder, 2), 1));
    put(&folder, "c", 0, "    name = n-2\n    tenant = south\n    role = proctor\n");
    cr_expect_eq(read_again(&folder), 1);
    cr_expect_str_eq(find(&folder, 0)->name, "n-2");
    cr_expect_eq(find(&folder, 0)->roles, ROLE_PROCTOR);
    cr_expect_gt(quota_wait_ms(&find(&folder, 0)->quota, QUOTA_SESSIONS_HOUR, 1, 5), 0);
    folder_close(&folder);
}

Test(keys, expire)
{
    struct folder folder;
    const struct key *key;

    folder_open(&folder);
    put(&folder, "a", 0, NORTH "    expires = 2026-11-22T09:30:07Z\n");
    cr_assert_eq(read_again(&folder), 1);
    key = find(&folder, 0);
    cr_expect_eq(key->expires_ms, 1795339807000);
    cr_expect_null(key_refusal(key, key->expires_ms - 1));
    cr_expect_not_null(key_refusal(key, key->expires_ms));
    folder_close(&folder);
}

/* A folder of thousands is read in slices: it changes nothing until the last, and then all at
 * once. */
Test(keys, are_taken_when_all_are_read)
{
    struct folder folder;
    struct fault fault = {0};

    folder_open(&folder);
    put(&folder, "a", 0, NORTH);
    put(&folder, "b", 1, NORTH);
    cr_assert_eq(read_again(&folder), 2);
    put(&folder, "a", 2, NORTH);
    put(&folder, "c", 3, NORTH);
    cr_assert_eq(keys_begin(folder.keys, folder.scratch.path, &limits, &fault), OK);
    cr_expect(keys_are_being_read(folder.keys));
    for (int i = 0; i < 2; i++) {
        cr_expect_not(keys_go_on(folder.keys, 1), "%d of 3 files", i + 1);
        cr_expect_null(key_refusal(find(&folder, 0), 0), "its file is gone, but it is not taken");
        cr_expect_null(find(&folder, 2));
    }
    cr_expect(keys_go_on(folder.keys, 1));
    cr_expect_eq(keys_n_valid(folder.keys), 2);
    cr_assert_eq(keys_take(folder.keys, &fault), OK);
    cr_expect_not(keys_are_being_read(folder.keys));
    cr_expect_eq(keys_n_valid(folder.keys), 3);
    cr_expect_not_null(key_refusal(find(&folder, 0), 0));
    for (int i = 1; i < 4; i++) cr_expect_null(key_refusal(find(&folder, i), 0), "key %d", i);
    folder_close(&folder);
}

/* A reading that is given up, or begun anew, leaves nothing behind. */
Test(keys, a_reading_may_be_given_up)
{
    struct folder folder;
    struct fault fault = {0};

    folder_open(&folder);
    put(&folder, "a", 0, NORTH);
    cr_assert_eq(keys_begin(folder.keys, folder.scratch.path, &limits, &fault), OK);
    cr_expect(keys_go_on(folder.keys, 9));
    keys_abandon(folder.keys);
    cr_expect_not(keys_are_being_read(folder.keys));
    cr_expect_eq(keys_n_valid(folder.keys), 0);
    put(&folder, "b", 1, NORTH);
    cr_assert_eq(keys_begin(folder.keys, folder.scratch.path, &limits, &fault), OK);
    cr_expect(keys_go_on(folder.keys, 9));
    cr_assert_eq(keys_begin(folder.keys, folder.scratch.path, &limits, &fault), OK);
    cr_expect(keys_go_on(folder.keys, 9));
    cr_assert_eq(keys_take(folder.keys, &fault), OK);
    cr_expect_eq(keys_n_valid(folder.keys), 2);
    folder_close(&folder);
}

/* A folder that cannot be read changes nothing. */
Test(keys, stay_where_the_folder_is_gone)
{
    struct folder folder;
    struct fault fault = {0};

    folder_open(&folder);
    put(&folder, "a", 0, NORTH);
    cr_assert_eq(read_again(&folder), 1);
    cr_expect_eq(keys_read(folder.keys, "/nonexistent/keys", &limits, &fault), NOT_FOUND);
    cr_expect(strstr(fault.text, "/nonexistent/keys"));
    cr_assert_eq(chmod(folder.scratch.path, 0777), 0);
    cr_expect_eq(keys_read(folder.keys, folder.scratch.path, &limits, &fault), FORBIDDEN);
    cr_expect_eq(keys_n_valid(folder.keys), 1);
    folder_close(&folder);
}

Test(keys, tell_the_handshake_what_is_valid)
{
    struct folder folder;
    struct buf out = {0};
    struct key_admission got[N_FILE];
    char text[41];

    folder_open(&folder);
    for (int i = 0; i < 4; i++) {
        char name[2] = {(char)('a' + i), 0};

        put(&folder, name, i, NORTH);
    }
    cr_assert_eq(read_again(&folder), 4);
    take_away(&folder, "c");
    cr_assert_eq(read_again(&folder), 3);
    keys_admissions(folder.keys, &out);
    cr_assert_eq(out.n, 3 * sizeof(got[0]));
    memcpy(got, out.data, out.n);
    for (int i = 0; i < 3; i++) {
        if (i > 0) cr_expect_lt(memcmp(got[i - 1].public_key, got[i].public_key, 32), 0);
        zmq_z85_encode(text, got[i].public_key, 32);
        cr_expect_not_null(keys_find(folder.keys, text));
        cr_expect_str_neq(text, folder.public_key[2]);
    }
    buf_done(&out);
    folder_close(&folder);
}

enum { HOUR_MS = 3600000 };

static const int64_t now_us = 5000000, wall_ms = 1795339807000;

static void open_store(struct folder *folder)
{
    static const char name[] = "/.store";
    char path[300];
    struct fault fault = {0};

    snprintf(path, sizeof(path), "%s%s", folder->scratch.path, name);
    mkdir(path, 0700);  // or it is there
    env_close(folder->env);
    cr_assert_eq(env_open(path, 8 << 20, &folder->env, &fault), OK, "%s", fault.text);
}

static size_t keep(struct folder *folder, int64_t at_ms)
{
    struct fault fault = {0};
    size_t n;

    keys_keep(folder->keys, folder->env, &folder->batch, SIZE_MAX, now_us, at_ms);
    n = folder->batch.n;
    cr_assert_eq(env_commit(folder->env, &folder->batch, &fault), OK, "%s", fault.text);
    return n;
}

/* The daemon starts anew, at that time of the wall's clock. How many records it writes or
 * removes. */
static size_t start_anew(struct folder *folder, int64_t at_ms)
{
    keys_free(folder->keys);
    cr_assert_eq(keys_new(&folder->keys), OK);
    read_again(folder);
    open_store(folder);
    cr_assert_eq(keys_take_kept(folder->keys, folder->env, &folder->batch, now_us, at_ms), OK);
    return keep(folder, at_ms);
}

static int64_t hour_wait(struct folder *folder, int i)
{
    return quota_wait_ms(&keys_find(folder->keys, folder->public_key[i])->quota,
                         QUOTA_SESSIONS_HOUR, 1, now_us);
}

static void use_hour(struct folder *folder, int i)
{
    quota_use(&keys_find(folder->keys, folder->public_key[i])->quota, QUOTA_SESSIONS_HOUR, 20,
              now_us);
}

/* Two keys with files a and b; the first has used up its hour, which is kept. */
static void folder_use(struct folder *folder)
{
    folder_open(folder);
    put(folder, "a", 0, NORTH);
    put(folder, "b", 1, NORTH);
    cr_assert_eq(read_again(folder), 2);
    open_store(folder);
    cr_assert_eq(keys_take_kept(folder->keys, folder->env, &folder->batch, now_us, wall_ms), OK);
    cr_expect_eq(keep(folder, wall_ms), 0);
    use_hour(folder, 0);
    cr_expect_eq(keep(folder, wall_ms), 1);
    cr_expect_eq(keep(folder, wall_ms), 0, "only what has changed is written");
}

Test(keys, what_they_have_used_outlives_a_restart)
{
    struct folder folder;

    folder_use(&folder);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(start_anew(&folder, wall_ms), 0);
        cr_expect_eq(hour_wait(&folder, 0), HOUR_MS / 20);
        cr_expect_eq(hour_wait(&folder, 1), 0);
    }
    start_anew(&folder, wall_ms + HOUR_MS / 40);
    cr_expect_eq(hour_wait(&folder, 0), HOUR_MS / 40);
    folder_close(&folder);
}

/* A file that is taken away over a restart and comes back later brings no new limits; the record is
 * gone when all has come back. */
Test(keys, that_are_gone_are_forgotten_when_they_have_nothing_to_hide)
{
    struct folder folder;

    folder_use(&folder);
    take_away(&folder, "a");
    cr_expect_eq(start_anew(&folder, wall_ms), 0);
    cr_expect_eq(keys_n_valid(folder.keys), 1);
    cr_expect_not_null(key_refusal(find(&folder, 0), 0));
    cr_expect_eq(start_anew(&folder, wall_ms), 0);
    put(&folder, "again", 0, NORTH);
    cr_expect_eq(read_again(&folder), 2);
    cr_expect_eq(hour_wait(&folder, 0), HOUR_MS / 20);
    take_away(&folder, "again");
    cr_expect_eq(start_anew(&folder, wall_ms + HOUR_MS), 1);
    cr_expect_null(find(&folder, 0));
    cr_expect_eq(start_anew(&folder, wall_ms), 0, "removed for good");
    cr_expect_null(find(&folder, 0));
    folder_close(&folder);
}

/* By a machine that starts in 1970 and learns the time later: what is kept is of that time then, so
 * no later start finds that half a century has gone by. */
Test(keys, a_wall_clock_that_is_set_gives_nothing_back)
{
    struct folder folder;

    folder_use(&folder);
    cr_expect_eq(start_anew(&folder, 1000), 1, "a time to come is not left there");
    cr_expect_eq(hour_wait(&folder, 0), HOUR_MS / 20);
    cr_expect_eq(keep(&folder, 9000), 0, "steered, not set");
    cr_expect_eq(keep(&folder, wall_ms), 1);
    cr_expect_eq(keep(&folder, wall_ms), 0);
    cr_expect_eq(start_anew(&folder, wall_ms), 0);
    cr_expect_eq(hour_wait(&folder, 0), HOUR_MS / 20);
    folder_close(&folder);
}

/* A limit that was lowered meanwhile, and one that was lifted. */
Test(keys, what_was_used_counts_for_the_limits_of_today)
{
    struct folder folder;

    folder_use(&folder);
    put(&folder, "a", 0, NORTH "    sessions_per_hour = 2\n");
    start_anew(&folder, wall_ms);
    cr_expect_eq(hour_wait(&folder, 0), HOUR_MS / 2);
    put(&folder, "a", 0, NORTH "    sessions_per_hour = 0\n");
    cr_expect_eq(read_again(&folder), 2);
    cr_expect_eq(keep(&folder, wall_ms), 1);
    put(&folder, "a", 0, NORTH);
    start_anew(&folder, wall_ms);
    cr_expect_eq(hour_wait(&folder, 0), 0);
    folder_close(&folder);
}

static void put_raw(struct folder *folder, struct slice key, struct slice value)
{
    struct fault fault = {0};

    batch_put(folder->env, &folder->batch, TABLE_META, key, value, NULL);
    cr_assert_eq(env_commit(folder->env, &folder->batch, &fault), OK, "%s", fault.text);
}

/* What is no record is removed, and nothing else of the table. */
Test(keys, a_record_that_is_none_is_removed)
{
    struct folder folder;
    struct buf found = {0};

    folder_use(&folder);
    log_set_level(LOG_ERROR);
    put_raw(&folder, slice_of("quota\0short", 11), slice_str("12345678"));
    put_raw(&folder, slice_of("quota", 5), slice_str("another's"));
    put_raw(&folder, slice_of("quotb", 5), slice_str("another's"));
    cr_expect_eq(start_anew(&folder, wall_ms), 1);
    cr_expect_eq(hour_wait(&folder, 0), HOUR_MS / 20);
    cr_expect_eq(env_get(folder.env, TABLE_META, slice_of("quota\0short", 11), &found), NOT_FOUND);
    cr_expect_eq(env_get(folder.env, TABLE_META, slice_of("quota", 5), &found), OK);
    cr_expect_eq(env_get(folder.env, TABLE_META, slice_of("quotb", 5), &found), OK);
    buf_done(&found);
    folder_close(&folder);
}

/* Flip a bit of what the i-th key has used, wherever it stands in the file: behind its seal. */
static void flip_kept(struct folder *folder, int i)
{
    char path[300], key[47] = "quota";
    uint8_t bytes[1 << 18];
    FILE *file;
    size_t n;

    memcpy(key + 6, folder->public_key[i], 41);
    snprintf(path, sizeof(path), "%s/.store/data.mdb", folder->scratch.path);
    file = fopen(path, "r+");
    cr_assert(file);
    n = fread(bytes, 1, sizeof(bytes), file);
    for (size_t at = 0; at + 100 < n; at++) {
        if (memcmp(bytes + at, key, 46) == 0) bytes[at + 46 + SEAL_BYTES + 3] ^= 4;
    }
    rewind(file);
    cr_assert_eq(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

/* The key begins anew, for nobody knows what it has used; the others are as they were. */
Test(keys, a_damaged_record_is_removed)
{
    struct folder folder;

    folder_use(&folder);
    use_hour(&folder, 1);
    cr_expect_eq(keep(&folder, wall_ms), 1);
    env_close(folder.env);
    folder.env = NULL;
    flip_kept(&folder, 0);
    cr_expect_eq(start_anew(&folder, wall_ms), 1);
    cr_expect_eq(hour_wait(&folder, 0), 0);
    cr_expect_eq(hour_wait(&folder, 1), HOUR_MS / 20);
    cr_expect_eq(start_anew(&folder, wall_ms), 0);
    folder_close(&folder);
}

/* Of many keys some are looked at each time, all in turn. */
Test(keys, are_kept_some_at_a_time)
{
    struct folder folder;

    folder_use(&folder);
    put(&folder, "c", 2, NORTH);
    cr_assert_eq(read_again(&folder), 3);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) use_hour(&folder, i);
        for (size_t n = 1; n <= 3; n++) {
            keys_keep(folder.keys, folder.env, &folder.batch, 1, now_us, wall_ms);
            cr_expect_eq(folder.batch.n, n);
        }
        cr_expect_eq(keep(&folder, wall_ms), 3, "there is no more");
    }
    start_anew(&folder, wall_ms);
    for (int i = 0; i < 3; i++) cr_expect_gt(hour_wait(&folder, i), 0, "key %d", i);
    folder_close(&folder);
}
