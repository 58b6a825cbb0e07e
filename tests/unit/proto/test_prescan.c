/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/prescan.h"

#include "base/limits.h"
#include "proto/writer.h"
#include "random_message.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 20240611, N_MUTATION = 200000 };

/* Scan a copy of exactly this size, so that the sanitizer sees a read behind its end. */
static bool scan_copy(struct slice bytes, struct prescan_error *out_error)
{
    uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
    bool good;

    cr_assert(copy);
    if (bytes.n > 0) memcpy(copy, bytes.data, bytes.n);
    good = prescan(slice_of(copy, bytes.n), out_error);
    free(copy);
    return good;
}

static void expect_refused(struct slice bytes, const char *reason, size_t offset)
{
    struct prescan_error error = {.reason = "accepted", .offset = SIZE_MAX};
    bool good = scan_copy(bytes, &error);

    cr_expect(!good && strcmp(error.reason, reason) == 0 && error.offset == offset,
              "wanted \"%s\" at %zu, got \"%s\" at %zu", reason, offset, error.reason,
              error.offset);
}

static void expect_accepted(struct slice bytes)
{
    struct prescan_error error = {.reason = ""};

    cr_expect(scan_copy(bytes, &error), "refused: %s at %zu", error.reason, error.offset);
}

#define BYTES(literal) slice_of(literal, sizeof(literal) - 1)

Test(prescan, refuses_what_is_no_message)
{
    expect_refused(BYTES(""), "cut short", 0);
    expect_refused(BYTES("\xc1"), "byte that starts no value", 0);
    expect_refused(BYTES("\x93\x01\xc1\x02"), "byte that starts no value", 2);
    expect_refused(BYTES("\x80\x80"), "bytes behind the value", 1);
    expect_refused(BYTES("\x93\x01\x02\x03\xc0"), "bytes behind the value", 4);
}

Test(prescan, refuses_bombs)
{
    expect_refused(BYTES("\xdd\x00\xff\xff\xff"), "too many values", 0);
    expect_refused(BYTES("\xdd\xff\xff\xff\xff\x00"), "too many values", 0);
    expect_refused(BYTES("\xdf\x00\xff\xff\xff"), "map of more than 64 entries", 0);
    expect_refused(BYTES("\xdf\xff\xff\xff\xff"), "map of more than 64 entries", 0);
    expect_refused(BYTES("\xdd\x00\x00\xff\xff\xc0"), "cut short", 0);
    expect_refused(BYTES("\xdc\x00\x02\xc0"), "cut short", 0);
    expect_refused(BYTES("\xdb\xff\xff\xff\xff"), "cut short", 0);
    expect_refused(BYTES("\xc6\xff\xff\xff\xff\x00"), "cut short", 0);
    expect_refused(BYTES("\x92\xda\xff\xff"), "cut short", 1);
}

/* Each count alone is covered by the bytes that follow; together they are not. */
Test(prescan, refuses_counts_that_share_their_bytes)
{
    expect_refused(BYTES("\x94\x94\x94\x94\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0"), "cut short", 3);
    expect_accepted(BYTES("\x94\x94\x94\x94\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0"));
}

Test(prescan, refuses_depth_17)
{
    uint8_t nested[LIMIT_DEPTH + 1];

    memset(nested, 0x91, sizeof(nested));
    nested[LIMIT_DEPTH] = 0xc0;
    expect_accepted(slice_of(nested, sizeof(nested)));
    nested[LIMIT_DEPTH] = 0x90;
    expect_refused(slice_of(nested, sizeof(nested)), "nested more than 16 deep", LIMIT_DEPTH);
    nested[LIMIT_DEPTH] = 0x80;
    expect_refused(slice_of(nested, sizeof(nested)), "nested more than 16 deep", LIMIT_DEPTH);
}

/* A container that has ended is not an outer one: depth is not the number of containers. */
Test(prescan, counts_depth_not_containers)
{
    uint8_t flat[1 + 2 * 15];

    flat[0] = 0x9f;
    for (size_t i = 0; i < 15; i++) {
        flat[1 + 2 * i] = 0x91;
        flat[2 + 2 * i] = 0x90;
    }
    expect_accepted(slice_of(flat, sizeof(flat)));
}

Test(prescan, refuses_ext)
{
    static const uint8_t first[] = {0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
    uint8_t bytes[24] = {0};

    for (size_t i = 0; i < sizeof(first); i++) {
        bytes[0] = first[i];
        expect_refused(slice_of(bytes, sizeof(bytes)), "ext type", 0);
    }
}

Test(prescan, refuses_bad_utf8)
{
    expect_refused(BYTES("\xa1\xff"), "str that is not UTF-8", 0);
    expect_refused(BYTES("\xa2\xc3\x28"), "str that is not UTF-8", 0);
    expect_refused(BYTES("\xa1\xc3"), "str that is not UTF-8", 0);                  // cut sequence
    expect_refused(BYTES("\xa2\xc0\x80"), "str that is not UTF-8", 0);              // overlong NUL
    expect_refused(BYTES("\xa3\xed\xa0\x80"), "str that is not UTF-8", 0);          // surrogate
    expect_refused(BYTES("\xd9\x04\xf4\x90\x80\x80"), "str that is not UTF-8", 0);  // U+110000
    expect_refused(BYTES("\x81\xa1\xff\x00"), "str that is not UTF-8", 1);          // in a key
    expect_accepted(BYTES("\xa4\xf4\x8f\xbf\xbf"));
    expect_accepted(BYTES("\xc4\x02\xff\xff"));  // bin may hold anything
}

/* Two keys of one hash are two keys, whatever an earlier map had in their places. */
Test(prescan, tells_keys_of_one_hash_apart)
{
#define ONE                                                                                        \
    "\xb4"                                                                                         \
    "8yn0iYCKYHlIj4-BwPqk"
#define OTHER                                                                                      \
    "\xb4"                                                                                         \
    "GReLUrM4wMqfg9yzV3KQ"
    cr_assert_eq(slice_hash(slice_str(&ONE[1])), slice_hash(slice_str(&OTHER[1])));
    expect_accepted(BYTES("\x82" ONE "\x01" OTHER "\x02"));
    expect_accepted(BYTES("\x92"
                          "\x82\xa1"
                          "x\x01" OTHER "\x02"
                          "\x82" ONE "\x01" OTHER "\x02"));
    expect_refused(BYTES("\x82" ONE "\x01" ONE "\x02"), "key that stands twice in its map", 23);
#undef OTHER
#undef ONE
}

Test(prescan, refuses_keys_that_are_not_str)
{
    expect_refused(BYTES("\x81\x01\x02"), "map key that is not a str", 1);
    expect_refused(BYTES("\x81\xc0\x02"), "map key that is not a str", 1);
    expect_refused(BYTES("\x81\xc4\x01"
                         "a\x02"),
                   "map key that is not a str", 1);
    expect_refused(BYTES("\x81\x80\x02"), "map key that is not a str", 1);
    expect_refused(BYTES("\x82\xa1"
                         "a\x01\x90\x02"),
                   "map key that is not a str", 4);
}

Test(prescan, refuses_a_key_twice_in_its_map)
{
    expect_refused(BYTES("\x82\xa1"
                         "a\x01\xa1"
                         "a\x02"),
                   "key that stands twice in its map", 4);
    expect_refused(BYTES("\x82\xa1"
                         "a\x01\xd9\x01"
                         "a\x02"),
                   "key that stands twice in its map", 4);
    expect_refused(BYTES("\x82\xa1"
                         "a\x81\xa1"
                         "b\x01\xa1"
                         "a\x02"),
                   "key that stands twice in its map", 7);
    expect_refused(BYTES("\x82\xa0\x01\xa0\x02"), "key that stands twice in its map", 3);
    expect_accepted(BYTES("\x82\xa1"
                          "a\x81\xa1"
                          "a\x01\xa1"
                          "b\x81\xa1"
                          "a\x02"));
    expect_accepted(BYTES("\x92\x81\xa1"
                          "a\x01\x81\xa1"
                          "a\x01"));
    expect_accepted(BYTES("\x82\xa1"
                          "a\x01\xa2"
                          "a\0\x02"));
    expect_accepted(BYTES("\x82\xa1"
                          "a\xa1"
                          "a\xa1"
                          "b\xa1"
                          "a"));  // values may repeat
}

/* A map of `n` keys; the last repeats the first if `twice`. */
static void map_of(struct buf *buf, size_t n, bool twice)
{
    struct writer out = writer_of(buf);
    char key[32];

    buf_clear(buf);
    write_map(&out, n);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "%zu", twice && i + 1 == n ? 0 : i);
        put_int(&out, key, 7);
    }
}

Test(prescan, bounds_maps_at_64_entries)
{
    struct buf buf = {0};

    map_of(&buf, 64, false);
    expect_accepted(buf_slice(&buf));
    map_of(&buf, 65, false);
    expect_refused(buf_slice(&buf), "map of more than 64 entries", 0);
    map_of(&buf, 64, true);
    expect_refused(buf_slice(&buf), "key that stands twice in its map", buf.n - 3);
    buf_done(&buf);
}

Test(prescan, bounds_keys_at_64_bytes)
{
    char key[66];
    struct buf buf = {0};

    for (size_t n = 64; n <= 65; n++) {
        struct writer out = writer_of(&buf);

        memset(key, 'k', n);
        key[n] = '\0';
        buf_clear(&buf);
        write_map(&out, 1);
        put_int(&out, key, 1);
        if (n == 64)
            expect_accepted(buf_slice(&buf));
        else
            expect_refused(buf_slice(&buf), "map key longer than 64 bytes", 1);
    }
    buf_done(&buf);
}

/* An array of n - 1 nils: n values in all. */
Test(prescan, bounds_values)
{
    struct buf buf = {0};

    for (size_t n = LIMIT_NODES_MESSAGE; n <= LIMIT_NODES_MESSAGE + 1; n++) {
        struct writer out = writer_of(&buf);

        buf_clear(&buf);
        write_array(&out, n - 1);
        for (size_t i = 1; i < n; i++) write_nil(&out);
        if (n == LIMIT_NODES_MESSAGE)
            expect_accepted(buf_slice(&buf));
        else
            expect_refused(buf_slice(&buf), "too many values", n - 1 + 4);
    }
    buf_done(&buf);
}

Test(prescan, accepts_encodings_that_are_not_the_shortest)
{
    expect_accepted(BYTES("\xcf\0\0\0\0\0\0\0\x07"));
    expect_accepted(BYTES("\xd3\xff\xff\xff\xff\xff\xff\xff\xff"));
    expect_accepted(BYTES("\xdb\0\0\0\x01"
                          "a"));
    expect_accepted(BYTES("\xdd\0\0\0\x01\xc0"));
    expect_accepted(BYTES("\xdf\0\0\0\x01\xd9\x01"
                          "a\xcd\0\x01"));
    expect_accepted(BYTES("\xdf\0\0\0\0"));
}

Test(prescan, refuses_every_truncation)
{
    static const char message[] = "\x87\xa1"
                                  "a\xc0\xa1"
                                  "b\xcb\x3f\xf3\x33\x33\x33\x33\x33\x33\xa1"
                                  "c\xda\0\x02xy\xa1"
                                  "d\x92\xcf\0\0\0\0\0\0\0\x01\xd1\x01\x02\xa1"
                                  "e\xc5\0\x01z\xa1"
                                  "f\xdf\0\0\0\0\xa1"
                                  "g\xca\0\0\0\0";

    expect_accepted(BYTES(message));
    for (size_t n = 0; n < sizeof(message) - 1; n++) {
        struct prescan_error error = {.reason = ""};

        cr_expect(!scan_copy(slice_of(message, n), &error), "accepted %zu bytes", n);
        cr_expect_str_eq(error.reason, "cut short");
    }
}

/* Change, insert or remove a few bytes. */
static void mutate(struct dice *dice, struct buf *buf)
{
    size_t n_change = 1 + roll(dice, 3);

    for (size_t i = 0; i < n_change && buf->n > 0; i++) {
        size_t at = roll(dice, buf->n);
        uint8_t byte = (uint8_t)roll(dice, 256);

        switch (roll(dice, 4)) {
        case 0:
            buf->data[at] ^= (uint8_t)(1 << roll(dice, 8));
            break;
        case 1:
            buf->data[at] = byte;
            break;
        case 2:
            memmove(buf->data + at, buf->data + at + 1, buf->n - at - 1);
            buf->n--;
            break;
        default:
            buf_append(buf, &byte, 1);
            memmove(buf->data + at + 1, buf->data + at, buf->n - 1 - at);
            buf->data[at] = byte;
        }
    }
}

/* What the pre-scan lets through, msgpack-c decodes to the last byte. */
Test(prescan, is_at_least_as_strict_as_msgpack_c)
{
    struct dice dice = {.seed = SEED};
    struct buf buf = {0};
    struct prescan_error error;
    size_t n_accepted = 0;
    msgpack_object root;
    msgpack_zone zone;

    cr_assert(msgpack_zone_init(&zone, 8192));
    for (size_t i = 0; i < N_MUTATION; i++) {
        size_t end = 0;

        random_message(&dice, &buf);
        mutate(&dice, &buf);
        if (!scan_copy(buf_slice(&buf), &error)) {
            cr_assert(error.reason && error.offset <= buf.n, "seed %d, message %zu", SEED, i);
            continue;
        }
        n_accepted++;
        msgpack_zone_clear(&zone);
        cr_assert_eq(msgpack_unpack((const char *)buf.data, buf.n, &end, &zone, &root),
                     MSGPACK_UNPACK_SUCCESS, "seed %d, message %zu", SEED, i);
        cr_assert_eq(end, buf.n, "seed %d, message %zu", SEED, i);
    }
    cr_expect_gt(n_accepted, N_MUTATION / 20, "only %zu accepted", n_accepted);
    cr_expect_lt(n_accepted, N_MUTATION - N_MUTATION / 20, "%zu accepted", n_accepted);
    msgpack_zone_destroy(&zone);
    buf_done(&buf);
}

enum { N_FOUND = 20000 };

/* The values of the outermost map, whatever they are, and of no map inside it. */
Test(prescan, finds_values_of_the_outermost_map)
{
    static const char *const keys[] = {"id", "op", "gone"};
    struct dice dice = {.seed = SEED};
    struct buf buf = {0}, value = {0};

    for (size_t i = 0; i < N_FOUND; i++) {
        struct writer out;
        struct slice found[COUNT_OF(keys)];
        size_t at[2], n[2];
        struct prescan_error error = {.reason = ""};

        buf_clear(&buf);
        out = writer_of(&buf);
        write_map(&out, 4);
        put_int(&out, "id_", 7);
        write_text(&out, "x");
        write_map(&out, 1);
        put_text(&out, "id", "of another map");
        for (size_t k = 0; k < 2; k++) {
            random_message(&dice, &value);
            write_text(&out, keys[k]);
            at[k] = buf.n;
            write_raw(&out, buf_slice(&value));
            n[k] = buf.n - at[k];
        }
        if (!prescan_find(buf_slice(&buf), keys, COUNT_OF(keys), found, &error)) {
            cr_assert_str_eq(error.reason, "nested more than 16 deep");
            continue;
        }
        for (size_t k = 0; k < 2; k++) {
            cr_assert_eq(found[k].data, buf.data + at[k], "message %zu", i);
            cr_assert_eq(found[k].n, n[k], "message %zu", i);
        }
        cr_assert_eq(found[2].n, 0);
    }
    buf_done(&buf);
    buf_done(&value);
}

Test(prescan, finds_nothing_where_there_is_no_map)
{
    static const char *const keys[] = {"id"};
    static const struct slice bodies[] = {{(const uint8_t *)"\x92\xa2id\x07", 5},
                                          {(const uint8_t *)"\xa2id", 3},
                                          {(const uint8_t *)"\x91\x81\xa2id\x07", 6},
                                          {(const uint8_t *)"\x80", 1}};
    struct slice found[1];
    struct prescan_error error;

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        cr_expect(prescan_find(bodies[i], keys, 1, found, &error), "body %zu", i);
        cr_expect_eq(found[0].n, 0, "body %zu", i);
    }
}
