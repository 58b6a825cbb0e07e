/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/slice.h"

#include "base/limits.h"

#include <criterion/criterion.h>
#include <string.h>

/* A literal that may hold NULs. */
#define BYTES(literal) slice_of(literal, sizeof(literal) - 1)

Test(slice, is_equal_by_length_and_bytes)
{
    cr_expect(slice_equal(slice_str("q17"), slice_str("q17")));
    cr_expect(!slice_equal(slice_str("q17"), slice_str("q18")));
    cr_expect(!slice_equal(slice_str("q17"), slice_str("q1")));
    cr_expect(!slice_equal(BYTES("a\0b"), BYTES("a\0c")));
    cr_expect(slice_equal(slice_of(NULL, 0), slice_str("")));
    cr_expect(slice_equal_str(slice_of("q17x", 3), "q17"));
    cr_expect(!slice_equal_str(slice_of("q17x", 4), "q17"));
}

Test(slice, is_ordered_by_bytes_then_length)
{
    struct slice rising[] = {slice_of(NULL, 0), BYTES("\0"),     slice_str("q1"),
                             slice_str("q17"),  slice_str("q2"), BYTES("\xff")};

    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) {
            int order = slice_compare(rising[i], rising[j]);

            cr_expect((order > 0) - (order < 0) == (i > j) - (i < j), "%d and %d", i, j);
        }
    }
}

/* The vectors of the draft by Fowler, Noll, Vo and Eastlake. */
Test(slice, hash_is_fnv_1a)
{
    cr_expect(slice_hash(slice_of(NULL, 0)) == 0xcbf29ce484222325u);
    cr_expect(slice_hash(slice_str("a")) == 0xaf63dc4c8601ec8cu);
    cr_expect(slice_hash(slice_str("foobar")) == 0x85944171f73967e8u);
    cr_expect(slice_hash(BYTES("\0")) == 0xaf63bd4c8601b7dfu);
}

Test(slice, id_has_only_the_bytes_that_are_listed)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

    for (int c = 0; c < 256; c++) {
        char text[3] = {'q', (char)c, '1'};
        bool want = c != 0 && strchr(allowed, c);

        cr_expect(slice_is_id(slice_of(text, 3)) == want, "byte %d", c);
        cr_expect(slice_is_id(slice_of(text + 1, 1)) == want, "byte %d alone", c);
    }
}

Test(slice, id_has_1_to_64_bytes)
{
    char text[LIMIT_ID + 1];

    memset(text, 'q', sizeof(text));
    cr_expect(!slice_is_id(slice_of(text, 0)));
    cr_expect(slice_is_id(slice_of(text, 1)));
    cr_expect(slice_is_id(slice_of(text, 64)));
    cr_expect(!slice_is_id(slice_of(text, 65)));
}

/* The plain encoding of a number, whether it may be encoded or not. */
static size_t encode(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}

Test(slice, utf8_is_every_code_point_but_the_surrogates)
{
    for (uint32_t code = 0; code < 0x120000; code++) {
        uint8_t text[6] = {'x'};
        size_t n = encode(code, text + 1);
        bool want = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);

        text[1 + n] = 'y';
        if (slice_is_utf8(slice_of(text, n + 2)) != want) cr_expect_fail("U+%04X", code);
        if (n > 1 && slice_is_utf8(slice_of(text, n))) cr_expect_fail("U+%04X cut short", code);
    }
}

Test(slice, utf8_looks_at_every_byte_of_a_long_text)
{
    for (size_t n = 1; n <= 40; n++) {
        for (size_t i = 0; i < n; i++) {
            uint8_t text[41];

            memset(text, 'a', sizeof(text));
            cr_assert(slice_is_utf8(slice_of(text, n)));
            text[i] = 0x80;
            cr_assert(!slice_is_utf8(slice_of(text, n)), "byte %zu of %zu", i, n);
            text[i] = 0xc3;
            text[i + 1] = 0xaf;
            cr_assert_eq(slice_is_utf8(slice_of(text, n)), i + 1 < n, "byte %zu of %zu", i, n);
        }
    }
}

Test(slice, utf8_refuses_what_is_not_well_formed)
{
    static const struct {
        const char *what;
        const char *bytes;
        size_t n;
    } bad[] = {
        {"a continuation alone", "\x80", 1},
        {"a continuation alone", "a\xbf", 2},
        {"overlong /", "\xc0\xaf", 2},
        {"overlong /", "\xe0\x80\xaf", 3},
        {"overlong /", "\xf0\x80\x80\xaf", 4},
        {"overlong U+007F", "\xc1\xbf", 2},
        {"overlong U+07FF", "\xe0\x9f\xbf", 3},
        {"overlong U+FFFF", "\xf0\x8f\xbf\xbf", 4},
        {"overlong NUL", "\xc0\x80", 2},
        {"the first surrogate", "\xed\xa0\x80", 3},
        {"the last surrogate", "\xed\xbf\xbf", 3},
        {"a pair of surrogates", "\xed\xa0\xbd\xed\xb8\x80", 6},
        {"U+110000", "\xf4\x90\x80\x80", 4},
        {"a lead of five", "\xf8\x88\x80\x80\x80", 5},
        {"a lead of six", "\xfc\x84\x80\x80\x80\x80", 6},
        {"fe", "\xfe", 1},
        {"ff", "\xff", 1},
        {"a lead twice", "\xc3\xc3\xa9", 3},
        {"two of three", "\xe2\x82", 2},
        {"two of three, then a letter", "\xe2\x82z", 3},
        {"three of four, then a letter", "\xf0\x9f\x98z", 4},
        {"a good one, then a bad one", "\xe2\x82\xac\xff", 4},
    };

    cr_expect(slice_is_utf8(slice_of(NULL, 0)));
    cr_expect(slice_is_utf8(BYTES("a\0b")));
    cr_expect(slice_is_utf8(slice_str("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80")));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cr_expect(!slice_is_utf8(slice_of(bad[i].bytes, bad[i].n)), "%s", bad[i].what);
    }
}

Test(slice, to_text_fits_or_is_empty)
{
    char text[4];

    memset(text, 'x', sizeof(text));
    cr_expect(slice_to_text(slice_str("q17"), text, sizeof(text)));
    cr_expect_str_eq(text, "q17");
    cr_expect(!slice_to_text(slice_str("q172"), text, sizeof(text)));
    cr_expect_str_eq(text, "");
    memset(text, 'x', sizeof(text));
    cr_expect(!slice_to_text(BYTES("a\0b"), text, sizeof(text)));
    cr_expect_str_eq(text, "");
    memset(text, 'x', sizeof(text));
    cr_expect(slice_to_text(slice_of(NULL, 0), text, 1));
    cr_expect(text[0] == '\0' && text[1] == 'x');
    cr_expect(!slice_to_text(slice_str("q"), text, 1));
}

Test(buf, grows_and_keeps_what_it_holds)
{
    struct buf buf = {0};
    size_t n = 0;

    for (unsigned i = 0; i < 5000; i++) {
        uint8_t bytes[7] = {(uint8_t)i, (uint8_t)(i >> 8), 3, 4, 5, 6, 7};

        buf_append(&buf, bytes, i % 8);
        n += i % 8;
    }
    cr_assert(!buf.failed && buf_slice(&buf).n == n);
    for (unsigned i = 0, at = 0; i < 5000; at += i % 8, i++) {
        if (i % 8 < 2) continue;
        cr_assert(buf.data[at] == (uint8_t)i && buf.data[at + 1] == (uint8_t)(i >> 8), "%u", i);
    }
    buf_done(&buf);
    cr_expect(buf.data == NULL && buf.n == 0 && buf.cap == 0);
}

Test(buf, slices_among_other_bytes_come_back_one_by_one)
{
    struct buf buf = {0};
    double value = 2.385, taken = 0.0;
    struct slice rest;

    buf_append_slice(&buf, slice_str("district"));
    buf_append(&buf, &value, sizeof(value));
    buf_append_slice(&buf, slice_of(NULL, 0));
    buf_append_slice(&buf, slice_str("7"));
    buf_append(&buf, "behind", 6);
    rest = buf_slice(&buf);
    cr_expect(slice_equal_str(slice_take(&rest), "district"));
    slice_take_bytes(&rest, &taken, sizeof(taken));
    cr_expect_eq(memcmp(&taken, &value, sizeof(value)), 0);
    cr_expect(slice_take(&rest).n == 0);
    cr_expect(slice_equal_str(slice_take(&rest), "7"));
    cr_expect(slice_equal_str(rest, "behind"));
    buf_done(&buf);
}

Test(buf, clear_keeps_the_memory)
{
    struct buf buf = {0};
    const uint8_t *data;

    buf_append(&buf, "2.385", 5);
    data = buf.data;
    buf_clear(&buf);
    cr_expect(buf_slice(&buf).n == 0 && buf.data == data);
    buf_append(&buf, "7", 1);
    cr_expect(slice_equal_str(buf_slice(&buf), "7"));
    buf_done(&buf);
}

Test(buf, a_failed_growth_sticks_until_it_is_cleared)
{
    struct buf buf = {0};

    buf_append(&buf, "kept", 4);
    buf_append(&buf, "", SIZE_MAX);
    cr_expect(buf.failed);
    buf_append(&buf, "dropped", 7);
    cr_expect(buf.failed);
    cr_expect(slice_equal_str(buf_slice(&buf), "kept"));
    buf_clear(&buf);
    cr_expect(!buf.failed);
    buf_append(&buf, "again", 5);
    cr_expect(slice_equal_str(buf_slice(&buf), "again"));
    buf_done(&buf);
}

Test(buf, nothing_appended_is_nothing)
{
    struct buf buf = {0};

    buf_append(&buf, NULL, 0);
    cr_expect(!buf.failed && buf_slice(&buf).n == 0);
    buf_done(&buf);
}
