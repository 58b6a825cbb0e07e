#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""clang-format changes nothing. Its versions differ in taste, so only Debian 12's is asked."""

import re
import shutil
import subprocess

import tree

VERSION = 14
STYLE = "BasedOnStyle: LLVM\nIndentWidth: 4\n"


def version():
    out = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True)
    return int(re.search(r"version (\d+)", out.stdout)[1])


def check(root):
    paths = list(tree.c_files(root))
    command = ["clang-format", "--dry-run", "--style=file", *map(str, paths)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    faults = re.findall(r"^(.+?):(\d+):\d+: warning", out, re.MULTILINE)
    for name, line in dict.fromkeys(faults):
        yield tree.Path(name), line, "clang-format wants another layout"


def main():
    if not shutil.which("clang-format"):
        tree.skip("clang-format is not installed, the layout was not checked")
    if version() != VERSION:
        tree.skip(f"clang-format is {version()}, not {VERSION}: the layout was not checked")
    tree.main(check, CLEAN, VIOLATIONS)


CLEAN = {".clang-format": STYLE, "engine/a.c": "int a = 1;\n"}
VIOLATIONS = [({"engine/a.c": "int a=1;\n"}, "wants another layout")]

if __name__ == "__main__":
    main()
