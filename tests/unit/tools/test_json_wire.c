/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/json_wire.h"

#include "proto/reader.h"

#include <criterion/criterion.h>

/* There and back: the same JSON, integers and reals kept apart. */
static void expect_same(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    struct buf bytes = {0};
    struct writer writer = writer_of(&bytes);
    struct decoder decoder;
    msgpack_object root;
    struct fault fault;
    json_t *back;

    cr_assert_not_null(json, "%s", text);
    cr_assert(json_wire_write(&writer, json, 16));
    cr_assert_eq(decoder_init(&decoder), OK);
    cr_assert_eq(decode(&decoder, buf_slice(&bytes), &root, &fault), OK, "%s", fault.text);
    back = json_wire_read(&root);
    cr_expect(json_equal(json, back), "%s", text);
    decoder_done(&decoder);
    buf_done(&bytes);
    json_decref(json);
    json_decref(back);
}

Test(json_wire, keeps_values)
{
    expect_same("{\"test\":\"algebra\",\"n\":8,\"x\":8.0,\"at\":-0.3,\"deep\":[{\"a\":[]},null]}");
    expect_same("[0,-1,-9007199254740991,9007199254740991,1e300,0.1,true,false,\"\",\"\\u00e4\"]");
    expect_same("{}");
    expect_same("\"text\"");
}

Test(json_wire, writes_numbers_of_their_own_kind)
{
    json_t *json = json_loads("[1, 1.0]", 0, NULL);
    const uint8_t wanted[] = {0x92, 0x01, 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0};
    struct buf bytes = {0};
    struct writer writer = writer_of(&bytes);

    cr_expect(json_wire_write(&writer, json, 1));
    cr_expect(slice_equal(buf_slice(&bytes), slice_of(wanted, sizeof(wanted))));
    buf_done(&bytes);
    json_decref(json);
}

Test(json_wire, refuses_deep_nesting)
{
    json_t *json = json_loads("[[{\"a\":[]}]]", 0, NULL);
    struct buf bytes = {0};
    struct writer writer = writer_of(&bytes);

    cr_expect(json_wire_write(&writer, json, 4));
    cr_expect_not(json_wire_write(&writer, json, 3));
    cr_expect_not(json_wire_write(&writer, json, 0));
    buf_done(&bytes);
    json_decref(json);
}
