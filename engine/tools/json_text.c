/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jansson has one precision for all numbers of a text, so the reals are written anew in the text
 * that it made with all their digits. No real becomes longer by that, so it is done in place. */
#include "tools/json_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MIN = 15, DIGITS_MAX = 17 };  // what any double keeps; what every double needs

/* The end of the string that begins at `text`. */
static const char *string_end(const char *text)
{
    for (text++; *text != '"'; text++) text += *text == '\\';
    return text + 1;
}

/* Copy the token of `n` characters to `out`, a real shortened. Returns what was written. */
static size_t put_token(const char *token, size_t n, char *out)
{
    double value = strtod(token, NULL);
    char text[40] = "";

    for (int digits = DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
        snprintf(text, sizeof(text) - 2, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    if (!strpbrk(text, ".e")) strcat(text, ".0");  // a real stays a real
    if (strlen(text) < n) {
        n = strlen(text);
        token = text;
    }
    memmove(out, token, n);
    return n;
}

char *json_text(const json_t *json, size_t flags)
{
    char *text = json_dumps(json, flags | JSON_REAL_PRECISION(DIGITS_MAX));
    const char *in = text;
    char *out = text;

    while (in && *in) {
        size_t number = strspn(in, "+-.0123456789eE");
        size_t n = *in == '"' ? (size_t)(string_end(in) - in) : 1;
        bool real = strchr("-0123456789", *in) && strcspn(in, ".eE") < number;

        if (real) {
            out += put_token(in, number, out);
            in += number;
            continue;
        }
        if (strchr("-0123456789", *in)) n = number;
        memmove(out, in, n);
        out += n;
        in += n;
    }
    if (out) *out = '\0';
    return text;
}
