/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/tools/markup.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

enum { DEEP = 32, NAME = 32 };

struct open_tags {
    char name[DEEP][NAME];
    size_t n;
};

static void read_name(const char *at, char out[NAME])
{
    size_t n = strcspn(at, " \n/>");

    cr_assert(n > 0 && n < NAME, "no name: %.20s", at);
    memcpy(out, at, n);
    out[n] = '\0';
}

/* Behind the '>' that ends the tag at `at`; quoted text may hold anything but '<'. */
static const char *tag_end(const char *at)
{
    bool quoted = false;

    for (; *at && (quoted || *at != '>'); at++) {
        if (*at == '"') quoted = !quoted;
        cr_assert_neq(*at, '<', "a tag in a tag: %.30s", at);
    }
    cr_assert_eq(*at, '>', "a tag that does not end");
    return at + 1;
}

static const char *take_tag(struct open_tags *open, const char *at)
{
    const char *end = tag_end(at + 1);
    char name[NAME];

    if (at[1] == '!') return end;
    if (at[1] == '/') {
        read_name(at + 2, name);
        cr_assert(open->n > 0 && strcmp(open->name[open->n - 1], name) == 0, "</%s> closes nothing",
                  name);
        open->n--;
        return end;
    }
    if (end[-2] == '/') return end;
    cr_assert_lt(open->n, DEEP);
    read_name(at + 1, open->name[open->n++]);
    return end;
}

void expect_well_formed(const char *text)
{
    struct open_tags open = {.n = 0};

    while (*text) {
        if (*text == '<') {
            text = take_tag(&open, text);
            continue;
        }
        if (*text == '&') {
            cr_assert(strcspn(text, ";") < 7, "a bare &: %.20s", text);
        }
        text++;
    }
    cr_assert_eq(open.n, 0, "<%s> is never closed", open.n > 0 ? open.name[open.n - 1] : "");
}

size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (text = strstr(text, part); text; text = strstr(text + 1, part)) n++;
    return n;
}
