#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure core: what its objects may call, that they keep no state, and where they may allocate.

Everything below `store` gives the same bytes for the same input, so it can do no I/O, read no
clock, start no thread, and use no transcendental function of the C library, whose last bit differs
between processors. So the check is a list of what is allowed; all else is refused.

nm cannot say which function of an object calls malloc, so that is read from the source: memory is
taken only in functions whose names end in _new, _load, _init or _seal: those that make a thing; or
in _explain, which sorts the whole bank for a person to read, outside the way of an answer.
"""

import re
import subprocess
import sys

import scan
import tree

MEMORY = """memchr memcmp memcpy memmove memset strchr strcmp strcspn strlen strncmp strnlen strrchr
    strspn strstr __memcpy_chk __memmove_chk __memset_chk"""
HEAP = "malloc calloc realloc reallocarray free"
TEXT = "snprintf vsnprintf __snprintf_chk __vsnprintf_chk"
SORTING = "qsort bsearch"
EXACT_MATHS = """sqrt fabs floor ceil trunc round rint nearbyint lround llround lrint llrint fmin
    fmax fma ldexp scalbn frexp modf copysign nextafter fmod"""
OUR_MISTAKES = "__assert_fail abort __stack_chk_fail"
PROCESSOR = "__cpu_model"  # which vectors it has; they give the same bits
LINKER = "_GLOBAL_OFFSET_TABLE_"
ALLOWED = set(
    " ".join(
        [MEMORY, HEAP, TEXT, SORTING, EXACT_MATHS, OUR_MISTAKES, PROCESSOR, LINKER]
    ).split()
)
INSTRUMENTS = re.compile(r"__(?:asan|ubsan|tsan|odr_asan|sanitizer|gcov|llvm)_?|_sub_[ID]_")
STATE = re.compile(r"\.t?(?:bss|data)(?!\.rel\.ro)|\*COM\*")  # .data.rel.ro is const in PIC

CORE = ("num", "irt", "estimate", "select", "content", "calibrate", "report", "session")
TAKES_MEMORY = re.compile(
    r"\b(malloc|calloc|realloc|reallocarray|strdup|strndup|qsort|HASH_ADD\w*|gsl_\w+_alloc)\s*\("
)
MAY_TAKE_MEMORY = re.compile(r"_(?:new|load|init|seal|explain)\Z")


def symbols(path):
    """(name, class, section) of each symbol of an object file."""
    out = subprocess.run(
        ["nm", "--format=sysv", str(path)], capture_output=True, text=True, check=True
    ).stdout
    for line in out.splitlines():
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 7 and not INSTRUMENTS.match(columns[0]):
            yield columns[0], columns[2], columns[6]


def check_objects(objects):
    table = {path: list(symbols(path)) for path in objects}
    defined = {name for rows in table.values() for name, kind, _ in rows if kind != "U"}
    for path, rows in table.items():
        in_num = path.parent.name == "num"
        where = tree.Path(path.parent.name) / path.name
        for name, kind, section in rows:
            if kind == "U" and not (
                name in ALLOWED or name in defined or (in_num and name.startswith("gsl_"))
            ):
                yield where, 0, f"calls {name}, which the pure core may not"
            if STATE.match(section):
                yield where, 0, f"{name} is a mutable global"


def check_memory(root):
    folders = [f"engine/{name}" for name in CORE if (root / "engine" / name).is_dir()]
    for path in tree.c_files(root, *folders) if folders else ():
        code = scan.c_code(path.read_text(encoding="utf-8"))
        spans = [(first, last, name) for name, _, first, last, _, _ in scan.functions(code)]
        for match in TAKES_MEMORY.finditer(code):
            line = scan.line_of(code, match.start())
            inside = [name for first, last, name in spans if first <= line <= last]
            if not inside or not MAY_TAKE_MEMORY.search(inside[0]):
                who = inside[0] if inside else "the file"
                yield path, line, f"{who} takes memory with {match[1]}, but makes nothing"


def check_planted(root):
    """Compile the planted sources, then check them and their objects."""
    objects = []
    for path in tree.c_files(root):
        if path.suffix == ".h":
            continue
        target = root / "core.dir" / path.parent.name / (path.name + ".o")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-fPIC", "-w", "-c", path, "-o", target], check=True)
        objects.append(target)
    yield from check_objects(objects)
    yield from check_memory(root)


CLEAN = {
    "engine/base/buf.c": "void *realloc(); void *buf_grow(void *p) { return realloc(p, 9); }",
    "engine/num/root.c": "int gsl_min(int); int root_min(int a) { return gsl_min(a); }",
    "engine/irt/bank.c": """#include <stdlib.h>
static const char *const names[] = {"a", "b"};
const char *name_of(int i) { return names[i]; }
int root_min(int);
/* malloc(1) */
void *bank_new(void) { return malloc(root_min(1)); }
""",
}
PRINT = "int puts(const char *); void say(void) { puts(\"malloc(1)\"); }"
VIOLATIONS = [
    ({"engine/irt/x.c": PRINT}, "calls puts"),
    ({"engine/irt/x.c": "double exp(double); double f(double x) { return exp(x); }"}, "calls exp"),
    ({"engine/irt/x.c": "long time(long *); long now(void) { return time(0); }"}, "calls time"),
    ({"engine/irt/x.c": "int gsl_a(void); int f(void) { return gsl_a(); }"}, "calls gsl_a"),
    ({"engine/irt/x.c": "static int n; int next(void) { return n++; }"}, "n is a mutable"),
    ({"engine/base/x.c": "int n = 3;"}, "n is a mutable"),
    ({"engine/irt/x.c": "_Thread_local int n;"}, "n is a mutable"),
    ({"engine/irt/x.c": "#include <stdlib.h>\nvoid *f(void) { return malloc(1); }"}, "f takes mem"),
    ({"engine/num/x.h": "static void *g(void) { return gsl_vector_alloc(1); }"}, "g takes mem"),
]


def main():
    if sys.argv[1:] == ["--self-test"]:
        tree.self_test(check_planted, CLEAN, VIOLATIONS)
        return
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} ROOT OBJECT... | --self-test")
    root = tree.Path(sys.argv[1]).resolve()
    objects = [tree.Path(name) for name in sys.argv[2:]]
    tree.report(root, [*check_objects(objects), *check_memory(root)])


if __name__ == "__main__":
    main()
