/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/flat.h"

#include "proto/prescan.h"
#include "random_message.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 20250311, N_MESSAGE = 20000 };

#define BYTES(literal) slice_of(literal, sizeof(literal) - 1)

static void expect_int(struct slice bytes, int64_t want)
{
    struct flat in = flat_of(bytes);
    int64_t got = flat_int(&in, INT64_MIN, INT64_MAX);

    cr_expect(got == want && flat_is_done(&in), "got %lld, want %lld", (long long)got,
              (long long)want);
}

Test(flat, takes_integers_of_every_width)
{
    expect_int(BYTES("\x91\x7f"), 127);
    expect_int(BYTES("\x91\xe0"), -32);
    expect_int(BYTES("\x91\xff"), -1);
    expect_int(BYTES("\x91\xcc\xc8"), 200);
    expect_int(BYTES("\x91\xcd\xc8\x01"), 51201);
    expect_int(BYTES("\x91\xce\xc8\x01\x02\x03"), 3355509251);
    expect_int(BYTES("\x91\xcf\x00\x1f\xff\xff\xff\xff\xff\xfe"), 9007199254740990);
    expect_int(BYTES("\x91\xd0\x85"), -123);
    expect_int(BYTES("\x91\xd1\x85\x01"), -31487);
    expect_int(BYTES("\x91\xd2\x85\x01\x02\x03"), -2063531517);
    expect_int(BYTES("\x91\xd2\x05\x01\x02\x03"), 83952131);
    expect_int(BYTES("\x91\xd3\x80\x00\x00\x00\x00\x00\x00\x01"), INT64_MIN + 1);
}

static void expect_no_int(struct slice bytes, int64_t min, int64_t max)
{
    struct flat in = flat_of(bytes);

    cr_expect_eq(flat_int(&in, min, max), 0);
    cr_expect(in.failed && !flat_is_done(&in));
}

Test(flat, refuses_other_integers)
{
    expect_no_int(BYTES("\x91\x05"), 6, 9);
    expect_no_int(BYTES("\x91\x05"), -4, 4);
    expect_no_int(BYTES("\x91\xff"), 0, 255);
    expect_no_int(BYTES("\x91\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), INT64_MIN, INT64_MAX);
    expect_no_int(BYTES("\x91\xc3"), 0, 9);
    expect_no_int(BYTES("\x91\xc0"), 0, 9);
    expect_no_int(BYTES("\x91\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), 0, 9);
    expect_no_int(BYTES("\x91\xa1\x35"), 0, 9);
    expect_no_int(BYTES("\x90"), 0, 9);
    expect_no_int(BYTES("\x91"), 0, 9);
    expect_no_int(BYTES(""), 0, 9);
    expect_no_int(BYTES("\x05"), 0, 9);
    expect_no_int(BYTES("\x81\x05\x05"), 0, 9);
    expect_no_int(BYTES("\x91\xc1"), 0, 9);
    expect_no_int(BYTES("\x91\xd4\x05\x05"), 0, 9);
    expect_no_int(BYTES("\xdd\xff\xff\xff\xff"), 0, 9);
}

Test(flat, takes_one_kind_after_the_other)
{
    static const char bytes[] = "\xdc\x00\x07\xa2\xc3\xa9\xc4\x03\x01\x02\x03\x92\x09\xf8"
                                "\xcb\xbf\xe8\x00\x00\x00\x00\x00\x00\xca\x3f\xc0\x00\x00\xc0"
                                "\xcc\xee";
    struct flat in = flat_of(slice_of(bytes, sizeof(bytes) - 1));
    struct slice bin;

    cr_expect_eq(flat_peek(&in), HEAD_STR);
    cr_expect(slice_equal_str(flat_str(&in, 2), "\xc3\xa9"));
    cr_expect_eq(flat_peek(&in), HEAD_BIN);
    bin = flat_bin(&in);
    cr_expect(bin.n == 3 && memcmp(bin.data, "\x01\x02\x03", 3) == 0);
    cr_expect(!flat_nil(&in));
    cr_expect_eq(flat_array(&in), 2);
    cr_expect_eq(flat_int(&in, 0, 9), 9);
    cr_expect_eq(flat_int(&in, -9, 9), -8);
    cr_expect_eq(flat_f64(&in), -0.75);
    cr_expect_eq(flat_f64(&in), 1.5);
    cr_expect(flat_nil(&in));
    cr_expect(!flat_is_done(&in));
    cr_expect_eq(flat_f64(&in), 238.0);
    cr_expect(flat_is_done(&in));
    cr_expect_eq(flat_peek(&in), HEAD_NEVER);
    cr_expect_eq(flat_int(&in, 0, 9), 0);
    cr_expect(!flat_is_done(&in));
}

static bool takes_str(struct slice bytes, size_t max)
{
    struct flat in = flat_of(bytes);

    flat_str(&in, max);
    return flat_is_done(&in);
}

Test(flat, refuses_wrong_bytes)
{
    struct flat in = flat_of(BYTES("\x91\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"));

    cr_expect_eq(flat_f64(&in), 0.0);
    cr_expect(in.failed);
    cr_expect(takes_str(BYTES("\x91\xa3-_-"), 3));
    cr_expect(!takes_str(BYTES("\x91\xa3-_-"), 2));
    cr_expect(!takes_str(BYTES("\x91\xa3-_-!"), 3), "bytes behind the array");
    cr_expect(!takes_str(BYTES("\x91\xa3-_"), 3));
    cr_expect(!takes_str(BYTES("\x91\xa1\xff"), 3), "not UTF-8");
    cr_expect(!takes_str(BYTES("\x91\xdb\xff\xff\xff\xff-"), SIZE_MAX));
    cr_expect(!takes_str(BYTES("\x91\xc4\x01-"), 3));
    cr_expect(!takes_str(BYTES("\x92\xa1-"), 3), "an element too few");
}

/* Take whatever comes. */
static void take_any(struct flat *in)
{
    switch (flat_peek(in)) {
    case HEAD_NIL:
        cr_expect(flat_nil(in));
        break;
    case HEAD_ARRAY:
        flat_array(in);
        break;
    case HEAD_STR:
        flat_str(in, SIZE_MAX);
        break;
    case HEAD_BIN:
        flat_bin(in);
        break;
    case HEAD_FLOAT:
        flat_f64(in);
        break;
    default:
        flat_int(in, INT64_MIN, INT64_MAX);
    }
}

/* Whether a copy of exactly this size is taken to its end. */
static bool takes_all(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.n + 1);
    struct flat in;

    cr_assert(copy);
    memcpy(copy + 1, bytes.data, bytes.n);
    in = flat_of(slice_of(copy + 1, bytes.n));
    while (!in.failed && in.n_left > 0) take_any(&in);
    free(copy);
    return flat_is_done(&in);
}

/* Nothing is read behind the end, which the sanitizer sees, and what is taken to the end is a
 * message to the pre-scan too. */
Test(flat, takes_nothing_that_is_no_message)
{
    struct dice dice = {.seed = SEED};
    struct buf message = {0};
    size_t n_taken = 0;

    for (int i = 0; i < N_MESSAGE; i++) {
        struct prescan_error error = {.reason = ""};

        random_message(&dice, &message);
        if (i % 2 > 0) message.data[roll(&dice, message.n)] = (uint8_t)roll(&dice, 256);
        if (!takes_all(slice_of(message.data, message.n - (i % 3 > 1)))) continue;
        cr_expect(i % 3 > 1 || prescan(buf_slice(&message), &error), "%s", error.reason);
        n_taken++;
    }
    cr_expect_gt(n_taken, N_MESSAGE / 50, "%zu", n_taken);
    buf_done(&message);
}
