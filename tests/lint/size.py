#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long, wide and deep the code may be.

C: a function is at most 60 lines from the first line of its signature to its last brace, has at
most 6 parameters, and nests at most 3 blocks inside its own braces (an initialiser's braces are no
block). No `typedef struct` and no `typedef enum`.
C and every other source: at most 600 lines of at most 100 columns, no tab, no mark of unfinished
work.
"""

import re

import scan
import tree

LINES_OF_FUNCTION = 60
LINES_OF_FILE = 600
COLUMNS = 100
PARAMETERS = 6
# libmicrohttpd's callback has eight, a call of libpq seven.
PRESCRIBED = {"on_request", "PQsendQueryPrepared"}
NESTING = 3

SUFFIXES = {".c", ".h", ".py", ".sh", ".js", ".cmake"}
NAMES = {"CMakeLists.txt", "run"}
MARK = re.compile(r"\b(?:TO" "DO|FIX" r"ME|X{3})\b")
TYPEDEF = re.compile(r"\btypedef\s+(?:struct|enum)\b")


def check_text(path, text):
    lines = text.splitlines()
    if len(lines) > LINES_OF_FILE:
        yield path, len(lines), f"{len(lines)} lines, at most {LINES_OF_FILE}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield path, number, f"{len(line)} columns, at most {COLUMNS}"
        if "\t" in line:
            yield path, number, "a tab"
        if MARK.search(line):
            yield path, number, "a mark of unfinished work"


def check_c(path, text):
    code = scan.c_code(text)
    for match in TYPEDEF.finditer(code):
        yield path, scan.line_of(code, match.start()), "no typedef for structs and enums"
    for name, parameters, first, last, depth, deepest in scan.functions(code):
        if last - first + 1 > LINES_OF_FUNCTION:
            n = last - first + 1
            yield path, first, f"{name} has {n} lines, at most {LINES_OF_FUNCTION}"
        if (len(parameters) > PARAMETERS and name not in PRESCRIBED
                and not name.endswith("Test")):
            yield path, first, f"{name} has {len(parameters)} parameters, at most {PARAMETERS}"
        if depth > NESTING:
            yield path, deepest, f"{name} nests {depth} blocks, at most {NESTING}"


def check(root):
    for path in tree.files(root):
        if path.suffix in SUFFIXES or path.name in NAMES:
            text = path.read_text(encoding="utf-8")
            yield from check_text(path, text)
            if path.suffix in (".c", ".h"):
                yield from check_c(path, text)


def body(n_lines):
    return "int f(int a)\n{\n" + "    a++;\n" * (n_lines - 3) + "}\n"


def nested(depth):
    return "void f(void)\n{\n" + "    for (;;) {\n" * depth + "}\n" * depth + "}\n"


CLEAN = {
    "engine/a.c": "#define WIDE(x) \\\n    do {   \\\n    } while (0)\n" + body(60) + nested(3),
    "engine/b.c": """/* { */
static const struct row rows[] = {{1, {2, {3, {4}}}}, {'{', "{{{{{"}};
int g(int a, int b, int (*c)(int, int), int d[3], int e, int f)
{
    switch (a) {
    case 1:
        if (b) {
            struct deep x = {{{{1}}}, .y = {.z = {{1}}}};
            return c((struct pair){1, 2}.a, x);
        } else {
            do {
                b++;
            } while (b);
        }
    }
}
Test(suite, name, .a = 1, .b = 2, .c = 3, .d = 4, .e = 5, .f = 6)
{
}
""",
    "run": "x" * 100 + "\n" * 600,
}
VIOLATIONS = [
    ({"engine/a.c": body(61)}, "f has 61 lines"),
    ({"engine/a.c": nested(4)}, "f nests 4 blocks"),
    ({"engine/a.c": nested(4).replace("for (;;)", "HASH_ITER(hh, a, b)")}, "f nests 4 blocks"),
    ({"engine/a.c": "void f(int a, int b, int c, int d, int e, int g, int h)\n{\n}\n"}, "7 param"),
    ({"engine/a.h": "typedef struct a a;\n"}, "no typedef"),
    ({"proto/a.h": "typedef  enum {A} a;\n"}, "no typedef"),
    ({"tests/a.c": "\n" * 601}, "601 lines"),
    ({"bench/a.c": "x" * 101}, "101 columns"),
    ({"bench/a.c": "\tint a;\n"}, "a tab"),
    ({"clients/a.py": "# TO" "DO: more\n"}, "a mark"),
]

if __name__ == "__main__":
    tree.main(check, CLEAN, VIOLATIONS)
