/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const table_names[TABLE_N] = {
    "meta",    "journal", "archive", "bank",     "item", "test",
    "retired", "audit",   "erased",  "exposure", "used", "seen",
};

/* The linker sends every realloc of the program here. */
void *__real_realloc(void *memory, size_t n);
void *__wrap_realloc(void *memory, size_t n);
static bool realloc_fails;

void *__wrap_realloc(void *memory, size_t n)
{
    return realloc_fails ? NULL : __real_realloc(memory, n);
}

static bool expect_value(struct shelf *shelf, enum table table, const char *key, const char *value)
{
    struct buf out = {0};
    enum status st = env_get(shelf->env, table, slice_str(key), &out);
    bool good = st == OK && slice_equal_str(buf_slice(&out), value);

    cr_expect(good, "%s: status %d, %zu bytes", key, st, out.n);
    buf_done(&out);
    return good;
}

static enum status get_status(struct shelf *shelf, enum table table, struct slice key)
{
    struct buf out = {0};
    enum status st = env_get(shelf->env, table, key, &out);

    cr_expect(st == OK || out.n == 0, "bytes came with status %d", st);
    buf_done(&out);
    return st;
}

Test(env, gives_back_what_was_put)
{
    struct shelf shelf;

    shelf_open(&shelf, 8);
    for (int t = 0; t < TABLE_N; t++) {
        batch_put(shelf.env, &shelf.batch, (enum table)t, slice_str("one"),
                  slice_str(table_names[t]), NULL);
        batch_put(shelf.env, &shelf.batch, (enum table)t, slice_str("two"), slice_str(""), NULL);
    }
    cr_expect_eq(shelf.batch.n, 2 * TABLE_N);
    cr_expect_eq(get_status(&shelf, TABLE_BANK, slice_str("one")), NOT_FOUND);
    shelf_commit(&shelf);
    for (int round = 0; round < 2; round++) {
        for (int t = 0; t < TABLE_N; t++) {
            expect_value(&shelf, (enum table)t, "one", table_names[t]);
            expect_value(&shelf, (enum table)t, "two", "");
        }
        shelf_reopen(&shelf);
    }
    cr_expect_eq(get_status(&shelf, TABLE_BANK, slice_str("three")), NOT_FOUND);
    shelf_close(&shelf);
}

Test(env, writes_a_batch_in_order)
{
    struct shelf shelf;
    uint8_t seal[SEAL_BYTES], same[SEAL_BYTES];
    struct slice key = slice_str("k");

    shelf_open(&shelf, 8);
    batch_put(shelf.env, &shelf.batch, TABLE_TEST, key, slice_str("first"), NULL);
    batch_put(shelf.env, &shelf.batch, TABLE_TEST, key, slice_str("second"), seal);
    batch_put(shelf.env, &shelf.batch, TABLE_TEST, slice_str("gone"), slice_str("x"), NULL);
    batch_remove(&shelf.batch, TABLE_TEST, slice_str("gone"));
    batch_remove(&shelf.batch, TABLE_TEST, slice_str("never there"));
    shelf_commit(&shelf);
    expect_value(&shelf, TABLE_TEST, "k", "second");
    cr_expect_eq(get_status(&shelf, TABLE_TEST, slice_str("gone")), NOT_FOUND);
    env_seal(shelf.env, TABLE_TEST, key, slice_str("second"), same);
    cr_expect_arr_eq(seal, same, SEAL_BYTES);

    batch_put(shelf.env, &shelf.batch, TABLE_TEST, key, slice_str("third"), NULL);
    batch_clear(&shelf.batch);
    shelf_commit(&shelf);
    expect_value(&shelf, TABLE_TEST, "k", "second");
    shelf_close(&shelf);
}

/* The keys that a visit saw, in a row. */
struct seen {
    char keys[64];
    size_t n, n_most;
    enum status end;  // what the visit says at the last
};

static enum status see(void *context, struct slice key, struct slice value)
{
    struct seen *seen = context;

    cr_expect(slice_equal(key, value));
    memcpy(seen->keys + strlen(seen->keys), key.data, key.n);
    seen->n++;
    return seen->n == seen->n_most ? seen->end : OK;
}

static struct seen visit(struct shelf *shelf, const char *from, size_t n_most, enum status end,
                         enum status want)
{
    struct seen seen = {.n_most = n_most, .end = end};
    struct visitor visitor = {see, &seen};

    cr_expect_eq(env_each(shelf->env, TABLE_ITEM, slice_str(from), visitor), want);
    return seen;
}

Test(env, visits_in_key_order)
{
    static const char *const keys[] = {"b", "ab", "c", "a", "bb"};
    struct shelf shelf;

    shelf_open(&shelf, 8);
    cr_expect_str_eq(visit(&shelf, "", 9, OK, OK).keys, "");
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        shelf_put(&shelf, TABLE_ITEM, slice_str(keys[i]), keys[i]);
    shelf_put(&shelf, TABLE_TEST, slice_str("other"), "table");
    cr_expect_str_eq(visit(&shelf, "", 9, OK, OK).keys, "aabbbbc");
    cr_expect_str_eq(visit(&shelf, "ab", 9, OK, OK).keys, "abbbbc");
    cr_expect_str_eq(visit(&shelf, "ac", 9, OK, OK).keys, "bbbc");
    cr_expect_str_eq(visit(&shelf, "d", 9, OK, OK).keys, "");
    cr_expect_str_eq(visit(&shelf, "", 2, NOT_FOUND, OK).keys, "aab");
    cr_expect_str_eq(visit(&shelf, "b", 1, BUSY, BUSY).keys, "b");
    shelf_close(&shelf);
}

/* Who starts the daemon may have closed all of its files: then the lock is the first one. */
Test(env, opens_without_standard_input)
{
    struct shelf shelf;

    (void)close(STDIN_FILENO);
    shelf_open(&shelf, 8);
    cr_expect_neq(fcntl(STDIN_FILENO, F_GETFD), -1, "the store has no file 0");
    shelf_put(&shelf, TABLE_ITEM, slice_str("a"), "1");
    expect_value(&shelf, TABLE_ITEM, "a", "1");
    shelf_close(&shelf);
}

Test(env, knows_the_last_key)
{
    struct shelf shelf;
    struct buf last = {0};

    shelf_open(&shelf, 8);
    buf_append(&last, "left over", 9);
    cr_expect_eq(env_last_key(shelf.env, TABLE_ARCHIVE, &last), NOT_FOUND);
    cr_expect_eq(last.n, 0);
    shelf_put(&shelf, TABLE_ARCHIVE, slice_str("m"), "");
    shelf_put(&shelf, TABLE_ARCHIVE, slice_str("z1"), "");
    shelf_put(&shelf, TABLE_ARCHIVE, slice_str("n"), "");
    cr_expect_eq(env_last_key(shelf.env, TABLE_ARCHIVE, &last), OK);
    cr_expect(slice_equal_str(buf_slice(&last), "z1"));
    buf_done(&last);
    shelf_close(&shelf);
}

static enum status see_any(void *context, struct slice key, struct slice value)
{
    size_t *n = context;

    (void)key;
    (void)value;
    ++*n;
    return OK;
}

/* Neither way of reading gives a record that is damaged. */
static void expect_corrupt(struct shelf *shelf, enum table table, struct slice key, size_t at)
{
    size_t n = 0;
    struct visitor visitor = {see_any, &n};
    bool got = get_status(shelf, table, key) == CORRUPT;
    bool each = env_each(shelf->env, table, key, visitor) == CORRUPT;

    expect_true(got && each && n == 0, "table %d, byte %zu: get %d, each %d, %zu seen", table, at,
                got, each, n);
}

Test(env, finds_every_flipped_byte)
{
    struct slice key = slice_str("key-2.385");
    struct shelf shelf;
    struct buf sealed = {0};
    size_t n_flip = 0;

    shelf_open(&shelf, 8);
    for (int t = TABLE_JOURNAL; t < TABLE_N; t++) {
        shelf_put(&shelf, (enum table)t, key, "a value of no account");
        shelf_raw_read(&shelf, table_names[t], key, &sealed);
        cr_assert_gt(sealed.n, SEAL_BYTES);
        for (size_t i = 0; i < sealed.n; i++, n_flip++) {
            sealed.data[i] ^= (uint8_t)(1u << (i % 8));
            shelf_raw_write(&shelf, table_names[t], key, buf_slice(&sealed));
            expect_corrupt(&shelf, (enum table)t, key, i);
            sealed.data[i] ^= (uint8_t)(1u << (i % 8));
        }
        shelf_raw_write(&shelf, table_names[t], key, buf_slice(&sealed));
        expect_value(&shelf, (enum table)t, "key-2.385", "a value of no account");
    }
    cr_expect_gt(n_flip, 200);
    buf_done(&sealed);
    shelf_close(&shelf);
}

Test(env, finds_a_record_that_was_cut_or_moved)
{
    struct slice key = slice_str("q17"), other = slice_str("q18");
    struct shelf shelf;
    struct buf sealed = {0};

    shelf_open(&shelf, 8);
    shelf_put(&shelf, TABLE_ITEM, key, "value");
    shelf_put(&shelf, TABLE_TEST, key, "another");
    shelf_raw_read(&shelf, "item", key, &sealed);
    for (size_t n = 0; n < sealed.n; n++) {
        shelf_raw_write(&shelf, "item", key, slice_of(sealed.data, n));
        expect_corrupt(&shelf, TABLE_ITEM, key, n);
    }
    shelf_raw_write(&shelf, "item", key, buf_slice(&sealed));
    shelf_raw_write(&shelf, "item", other, buf_slice(&sealed));
    expect_corrupt(&shelf, TABLE_ITEM, other, 0);
    shelf_raw_write(&shelf, "test", key, buf_slice(&sealed));
    expect_corrupt(&shelf, TABLE_TEST, key, 0);
    expect_value(&shelf, TABLE_ITEM, "q17", "value");
    buf_done(&sealed);
    shelf_close(&shelf);
}

/* Two bytes of the key must not pass for two bytes of the value. */
Test(env, seals_tell_key_from_value)
{
    struct shelf shelf;
    uint8_t one[SEAL_BYTES], two[SEAL_BYTES];

    shelf_open(&shelf, 8);
    env_seal(shelf.env, TABLE_ITEM, slice_str("ab"), slice_str("cd"), one);
    env_seal(shelf.env, TABLE_ITEM, slice_str("abc"), slice_str("d"), two);
    cr_expect_arr_neq(one, two, SEAL_BYTES);
    shelf_close(&shelf);
}

/* Opening is refused, with a text that has `word` in it, and leaves nothing open. */
static void expect_refused(struct shelf *shelf, enum status want, const char *word)
{
    struct env *env = NULL;
    struct fault fault = {0};
    enum status st = env_open(shelf->scratch.path, 8 << 20, &env, &fault);

    cr_expect_eq(st, want, "status %d", st);
    cr_expect_null(env);
    cr_expect(strstr(fault.text, word), "\"%s\" has no \"%s\"", fault.text, word);
}

Test(env, refuses_a_newer_format)
{
    struct shelf shelf;

    shelf_open(&shelf, 8);
    shelf_put(&shelf, TABLE_META, slice_str("format"), "\x03");
    shelf_shut(&shelf);
    expect_refused(&shelf, CORRUPT, "format 3");
    expect_refused(&shelf, CORRUPT, "up to 2");
    shelf_close(&shelf);
}

Test(env, refuses_a_damaged_format_record)
{
    struct slice key = slice_str("format");
    struct shelf shelf;
    struct buf sealed = {0};

    shelf_open(&shelf, 8);
    shelf_raw_read(&shelf, "meta", key, &sealed);
    shelf_shut(&shelf);
    for (size_t i = 0; i < sealed.n; i++) {
        sealed.data[i] ^= 0x10;
        raw_write(&shelf, "meta", key, buf_slice(&sealed));
        expect_refused(&shelf, CORRUPT, "damaged");
        sealed.data[i] ^= 0x10;
    }
    buf_done(&sealed);
    shelf_close(&shelf);
}

Test(env, refuses_a_damaged_key)
{
    struct slice key = slice_str("key");
    struct shelf shelf;
    struct buf record = {0};

    shelf_open(&shelf, 8);
    shelf_put(&shelf, TABLE_BANK, slice_str("b"), "kept");
    shelf_raw_read(&shelf, "meta", key, &record);
    shelf_shut(&shelf);
    for (size_t i = 0; i < record.n; i++) {
        record.data[i] ^= (uint8_t)(1u << (i % 8));
        raw_write(&shelf, "meta", key, buf_slice(&record));
        expect_refused(&shelf, CORRUPT, "damaged");
        record.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    raw_write(&shelf, "meta", key, slice_of(record.data, record.n - 1));
    expect_refused(&shelf, CORRUPT, "damaged");
    raw_remove(&shelf, "meta", key);
    expect_refused(&shelf, CORRUPT, "damaged");
    raw_write(&shelf, "meta", key, buf_slice(&record));
    shelf_reopen(&shelf);
    expect_value(&shelf, TABLE_BANK, "b", "kept");
    buf_done(&record);
    shelf_close(&shelf);
}

Test(env, lets_one_in_at_a_time)
{
    struct shelf shelf;

    shelf_open(&shelf, 8);
    expect_refused(&shelf, BUSY, "another process");
    shelf_put(&shelf, TABLE_BANK, slice_str("b"), "still mine");
    shelf_reopen(&shelf);
    expect_value(&shelf, TABLE_BANK, "b", "still mine");
    shelf_close(&shelf);
}

/* Somebody took the lock files for the remains of a crash. */
Test(env, lets_one_in_where_the_locks_are_cleared_away)
{
    static const char *const names[] = {"thetad.lock", "lock.mdb"};
    char file[PATH_MAX];
    struct shelf shelf;

    shelf_open(&shelf, 8);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(file, sizeof(file), "%s/%s", shelf.scratch.path, names[i]);
        cr_assert_eq(unlink(file), 0);
    }
    expect_refused(&shelf, BUSY, "another process has the store");
    shelf_put(&shelf, TABLE_BANK, slice_str("b"), "still mine");
    shelf_reopen(&shelf);
    expect_value(&shelf, TABLE_BANK, "b", "still mine");
    shelf_close(&shelf);
}

Test(env, says_where_it_cannot_open)
{
    struct shelf shelf = {.scratch.path = "/nonexistent/theta"};

    expect_refused(&shelf, IO_ERROR, "/nonexistent/theta");
}

/* A batch that is larger than the map. */
static void fill_batch(struct shelf *shelf, size_t n_record)
{
    char value[4000];

    memset(value, 'v', sizeof(value));
    for (size_t i = 0; i < n_record; i++) {
        uint8_t key[2] = {(uint8_t)(i >> 8), (uint8_t)i};

        batch_put(shelf->env, &shelf->batch, TABLE_ITEM, slice_of(key, sizeof(key)),
                  slice_of(value, sizeof(value)), NULL);
    }
}

Test(env, writes_all_or_nothing_where_the_map_is_full)
{
    enum { N_RECORD = 700 };
    struct shelf shelf;
    struct fault fault = {0};
    struct visitor visitor = {see_any, NULL};
    size_t n = 0, n_grow = 0, used, map, bytes;
    enum status st;

    visitor.context = &n;
    shelf_open(&shelf, 1);
    shelf_put(&shelf, TABLE_TEST, slice_str("before"), "kept");
    fill_batch(&shelf, N_RECORD);
    bytes = shelf.batch.bytes.n;
    for (st = MAP_FULL; st == MAP_FULL && n_grow < 9; n_grow++) {
        st = env_commit(shelf.env, &shelf.batch, &fault);
        if (st != MAP_FULL) break;
        cr_expect_eq(shelf.batch.n, N_RECORD);
        cr_expect_eq(shelf.batch.bytes.n, bytes);
        cr_expect(strstr(fault.text, "700 writes"), "%s", fault.text);
        cr_expect_eq(env_each(shelf.env, TABLE_ITEM, slice_str(""), visitor), OK);
        cr_expect_eq(n, 0, "%zu records were written", n);
        cr_assert_eq(env_grow(shelf.env), OK);
    }
    cr_expect_eq(st, OK);
    cr_expect_geq(n_grow, 2);
    env_usage(shelf.env, &used, &map);
    cr_expect_eq(map, (size_t)1 << (20 + n_grow));
    cr_expect_gt(used, N_RECORD * 4000);
    cr_expect_leq(used, map);
    cr_expect_eq(env_each(shelf.env, TABLE_ITEM, slice_str(""), visitor), OK);
    cr_expect_eq(n, N_RECORD);
    expect_value(&shelf, TABLE_TEST, "before", "kept");
    shelf_close(&shelf);
}

Test(env, an_allocation_that_failed_sticks_in_the_batch)
{
    struct shelf shelf;
    struct fault fault = {0};
    char large[5000];

    memset(large, 'x', sizeof(large));
    shelf_open(&shelf, 8);
    batch_put(shelf.env, &shelf.batch, TABLE_ITEM, slice_str("a"), slice_str("1"), NULL);
    realloc_fails = true;
    batch_put(shelf.env, &shelf.batch, TABLE_ITEM, slice_str("b"), slice_of(large, sizeof(large)),
              NULL);
    realloc_fails = false;
    batch_put(shelf.env, &shelf.batch, TABLE_ITEM, slice_str("c"), slice_str("3"), NULL);
    batch_remove(&shelf.batch, TABLE_ITEM, slice_str("a"));
    cr_expect_eq(env_commit(shelf.env, &shelf.batch, &fault), NO_MEMORY);
    cr_expect_eq(env_commit(shelf.env, &shelf.batch, &fault), NO_MEMORY);
    cr_expect_eq(get_status(&shelf, TABLE_ITEM, slice_str("a")), NOT_FOUND);
    cr_expect_eq(get_status(&shelf, TABLE_ITEM, slice_str("c")), NOT_FOUND);
    shelf_close(&shelf);
}

/* What an earlier try has left of a store in the making is no store, and is in nobody's way. */
Test(env, is_made_afresh_where_a_try_broke_off)
{
    struct scratch scratch;
    struct env *env;
    struct fault fault = {0};
    char path[PATH_MAX];
    FILE *file;

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/new", scratch.path);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/new/data.mdb", scratch.path);
    file = fopen(path, "w");
    cr_assert(file && fputs("torn", file) >= 0 && fclose(file) == 0);
    cr_assert_eq(env_open(scratch.path, 1 << 20, &env, &fault), OK, "%s", fault.text);
    env_close(env);
    cr_expect_neq(access(path, F_OK), 0, "%s is still there", path);
    snprintf(path, sizeof(path), "%s/data.mdb", scratch.path);
    cr_expect_eq(access(path, F_OK), 0);
    scratch_remove(&scratch);
}

Test(env, says_where_it_cannot_be_made)
{
    struct env *env;
    struct fault fault = {0};

    cr_expect_eq(env_open("/proc/nowhere", 1 << 20, &env, &fault), IO_ERROR);
    cr_expect_str_eq(fault.field, "data_dir");
}
