/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/writer.h"

#include "proto/reader.h"
#include "random_message.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { SEED = 77, N_MESSAGE = 800 };

static void expect_bytes(struct buf *buf, const char *bytes, size_t n, const char *what)
{
    cr_expect(!buf->failed && slice_equal(buf_slice(buf), slice_of(bytes, n)), "%s", what);
    buf_clear(buf);
}

#define EXPECT(call, literal)                                                                      \
    do {                                                                                           \
        call;                                                                                      \
        expect_bytes(&buf, literal, sizeof(literal) - 1, #call);                                   \
    } while (0)

Test(writer, writes_the_shortest_encoding)
{
    struct buf buf = {0};
    struct writer out = writer_of(&buf);

    EXPECT(write_int(&out, 127), "\x7f");
    EXPECT(write_int(&out, 128), "\xcc\x80");
    EXPECT(write_int(&out, -32), "\xe0");
    EXPECT(write_int(&out, -33), "\xd0\xdf");
    EXPECT(write_int(&out, 65536), "\xce\0\x01\0\0");
    EXPECT(write_int(&out, INT64_MIN), "\xd3\x80\0\0\0\0\0\0\0");
    EXPECT(write_bool(&out, true), "\xc3");
    EXPECT(write_bool(&out, false), "\xc2");
    EXPECT(write_nil(&out), "\xc0");
    EXPECT(write_text(&out, "né"), "\xa3n\xc3\xa9");
    EXPECT(write_str(&out, slice_of(NULL, 0)), "\xa0");
    EXPECT(write_bin(&out, slice_of("\xff", 1)), "\xc4\x01\xff");
    EXPECT(write_array(&out, 16), "\xdc\0\x10");
    EXPECT(write_map(&out, 15), "\x8f");
    EXPECT(write_raw(&out, slice_of("\x92\x01\xc0", 3)), "\x92\x01\xc0");
    buf_done(&buf);
}

Test(writer, writes_floats_as_float_64_and_no_nan)
{
    struct buf buf = {0};
    struct writer out = writer_of(&buf);

    EXPECT(write_f64(&out, 1.0), "\xcb\x3f\xf0\0\0\0\0\0\0");
    EXPECT(write_f64(&out, -0.0), "\xcb\x80\0\0\0\0\0\0\0");
    EXPECT(write_f64(&out, (double)NAN), "\xc0");
    EXPECT(write_f64(&out, (double)INFINITY), "\xc0");
    EXPECT(write_f64(&out, -(double)INFINITY), "\xc0");
    EXPECT(put_f64(&out, "se", (double)NAN), "\xa2se\xc0");
    buf_done(&buf);
}

Test(writer, puts_a_key_and_its_value)
{
    struct buf buf = {0};
    struct writer out = writer_of(&buf);

    EXPECT(put_str(&out, "op", slice_str("ping")), "\xa2op\xa4ping");
    EXPECT(put_text(&out, "op", "ping"), "\xa2op\xa4ping");
    EXPECT(put_int(&out, "v", 1), "\xa1v\x01");
    EXPECT(put_f64(&out, "t", 2.0), "\xa1t\xcb\x40\0\0\0\0\0\0\0");
    EXPECT(put_bool(&out, "ok", true), "\xa2ok\xc3");
    buf_done(&buf);
}

Test(writer, appends_to_what_is_there)
{
    struct buf buf = {0};
    struct writer out;

    buf_append(&buf, "head", 4);
    out = writer_of(&buf);
    write_nil(&out);
    expect_bytes(&buf, "head\xc0", 5, "append");
    buf_done(&buf);
}

Test(writer, keeps_a_failed_allocation)
{
    struct buf buf = {.failed = true};
    struct writer out = writer_of(&buf);

    put_text(&out, "key", "value");
    write_map(&out, 3);
    cr_expect(buf.failed);
    cr_expect_eq(buf.n, 0);
    buf_done(&buf);
}

/* Whatever we write passes the pre-scan, reads back, and encodes to the same bytes again; none of
 * its beginnings passes. */
Test(writer, round_trip)
{
    struct dice dice = {.seed = SEED};
    struct buf buf = {0}, again = {0};
    struct writer out = writer_of(&again);
    struct prescan_error error;
    struct decoder decoder;
    struct fault fault;
    msgpack_object root;

    cr_assert_eq(decoder_init(&decoder), OK);
    for (size_t i = 0; i < N_MESSAGE; i++) {
        random_message(&dice, &buf);
        cr_assert_eq(decode(&decoder, buf_slice(&buf), &root, &fault), OK,
                     "seed %d, message %zu: %s", SEED, i, fault.text);
        buf_clear(&again);
        write_object(&out, &root);
        cr_assert(slice_equal(buf_slice(&buf), buf_slice(&again)), "seed %d, message %zu", SEED, i);
        for (size_t n = 0; n < buf.n; n++)
            cr_assert(!prescan(slice_of(buf.data, n), &error), "seed %d, message %zu cut at %zu",
                      SEED, i, n);
    }
    decoder_done(&decoder);
    buf_done(&again);
    buf_done(&buf);
}
