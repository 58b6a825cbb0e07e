# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lint tests share: the files of the tree, the self-test and the report.

A check is a function of a Path (the root of a tree) that yields (path, line, message). main() runs
it over the tree named on the command line, or, with --self-test, over small trees made by hand in
which it must find exactly what was planted.
"""

import sys
import tempfile
from pathlib import Path

C_FOLDERS = ("engine", "proto", "clients", "bench", "tests")
NOT_OURS = {"build", ".git", "__pycache__", "node_modules"}
SKIPPED = 77  # what ctest takes for "skipped", see SKIP_RETURN_CODE


def files(root, *folders):
    """Every file below the folders (the whole tree by default), in a fixed order."""
    for folder in folders or (".",):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not NOT_OURS.intersection(path.relative_to(root).parts):
                yield path


def c_files(root, *folders):
    return (path for path in files(root, *(folders or C_FOLDERS)) if path.suffix in (".c", ".h"))


def read(path):
    """The text of a file, or "" where it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)


def plant(root, planted):
    for name, text in planted.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def self_test(check, clean, violations):
    """`clean` is a tree {path: text} without fault; each violation is (changed files, message)."""
    failures = 0
    for planted, want in [({}, None)] + violations:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            plant(root, {**clean, **planted})
            found = [message for _, _, message in check(root)]
        caught = not found if want is None else len(found) == 1 and want in found[0]
        if not caught:
            failures += 1
            print(f"planted {planted}\n  wanted {want!r}\n  found  {found}")
    print(f"self-test: {len(violations)} violations planted, {failures} failures")
    if failures:
        sys.exit(1)


def report(root, found):
    """Print what was found, and end the program with 1 if that is anything."""
    n = 0
    for path, line, message in found:
        n += 1
        name = path.relative_to(root) if path.is_relative_to(root) else path
        print(f"{name}:{line}: {message}")
    print(f"{n} found" if n else "nothing found")
    if n:
        sys.exit(1)


def main(check, clean, violations, unchecked=None):
    """`unchecked` says what could not be checked here: without a fault elsewhere, a skip."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ROOT | --self-test")
    if sys.argv[1] == "--self-test":
        self_test(check, clean, violations)
    else:
        root = Path(sys.argv[1]).resolve()
        report(root, check(root))
    if unchecked:
        skip(unchecked)
