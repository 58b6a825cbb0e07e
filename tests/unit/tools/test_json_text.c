/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/json_text.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* What is read from `text` is written as `wanted`. */
static void expect_text(const char *text, const char *wanted)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    char *got = json_text(json, JSON_COMPACT | JSON_ENCODE_ANY);

    cr_assert_not_null(got, "%s", text);
    cr_expect_str_eq(got, wanted);
    free(got);
    json_decref(json);
}

Test(json_text, writes_the_fewest_digits)
{
    expect_text("0.21", "0.21");
    expect_text("-2.385", "-2.385");
    expect_text("0.30000000000000004", "0.30000000000000004");  // 17 are needed
    expect_text("[0.1234567890123456,1.0,8,-0.3,1e300,-1.5e-7]",
                "[0.1234567890123456,1.0,8,-0.3,1e+300,-1.5e-07]");
    expect_text("5e-324", "4.94065645841247e-324");
}

Test(json_text, leaves_strings_and_integers)
{
    const char *text =
        "{\"0.20999999999999999\":\"\\\"0.20999999999999999\",\"n\":1234567890123456,"
        "\"\\\\\":[true,null,false,-7,0.21]}";

    expect_text(text, text);
}

Test(json_text, keeps_the_layout)
{
    json_t *json = json_pack("{s:f}", "at", 0.3);
    char *got = json_text(json, JSON_INDENT(2));

    cr_expect_str_eq(got, "{\n  \"at\": 0.3\n}");
    free(got);
    json_decref(json);
}
