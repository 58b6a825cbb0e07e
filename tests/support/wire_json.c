/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/wire_json.h"

#include "base/limits.h"
#include "proto/reader.h"
#include "tools/json_wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

json_t *json_of(const char *text)
{
    char *copy = strdup(text);
    json_error_t error;
    json_t *value;

    cr_assert(copy);
    for (char *c = copy; *c; c++) {
        if (*c == '\'') *c = '"';
    }
    value = json_loads(copy, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    cr_assert(value, "the test's own JSON: %s at %d in %s", error.text, error.position, copy);
    free(copy);
    return value;
}

void wire_value(json_t *value, struct buf *out)
{
    struct writer writer = writer_of(out);

    cr_assert(json_wire_write(&writer, value, 2 * LIMIT_DEPTH));
    cr_assert_not(out->failed);
}

void wire_json(const char *text, struct buf *out)
{
    json_t *value = json_of(text);

    wire_value(value, out);
    json_decref(value);
}

json_t *wire_read(struct slice bytes)
{
    struct decoder decoder;
    struct fault fault = {0};
    msgpack_object root;
    json_t *value;

    cr_assert_eq(decoder_init(&decoder), OK);
    cr_assert_eq(decode(&decoder, bytes, &root, &fault), OK, "%s", fault.text);
    value = json_wire_read(&root);
    cr_assert(value);
    decoder_done(&decoder);
    return value;
}

bool expect_json(json_t *got, const char *text)
{
    json_t *want = json_of(text);
    bool same = json_equal(got, want);
    char *shown = json_dumps(got, JSON_ENCODE_ANY | JSON_SORT_KEYS);

    cr_expect(same, "%s\n, not %s", shown, text);
    free(shown);
    json_decref(want);
    return same;
}

bool expect_wire(struct slice bytes, const char *text)
{
    json_t *got = wire_read(bytes);
    bool same = expect_json(got, text);

    json_decref(got);
    return same;
}
