#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the tests: change one thing in the engine's source, build the programs that test it, and
see whether one of them fails. mutate.py SOURCE FOLDER [--seconds N] [--seed N] [FILE...]: a copy of
the tree SOURCE is made and built in FOLDER, and there mutants of the FILEs (the pure core and the
way of an answer) are tried, drawn at random. Prints every survivor and a table by file.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

# Which tests judge a folder, those first that are quick. Mutants of a folder that is not here are
# not made.
JUDGES = {
    "proto": ("proto", "server"),
    "engine/base": ("base", "proto"),
    "engine/num": ("num", "irt", "estimate", "contract"),
    "engine/irt": ("irt", "contract", "session"),
    "engine/estimate": ("estimate", "contract", "golden", "trace"),
    "engine/select": ("select", "contract", "golden", "trace"),
    "engine/content": ("content", "select", "session", "trace"),
    "engine/session": ("session", "contract", "trace"),
    "engine/store": ("store", "server"),
    "engine/server": ("server", "integration_test_sessions", "integration_test_overload",
                      "integration_test_quotas", "integration_test_access"),
}
BUILD = ("-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O1 -w", "-Wno-dev")
# A test that takes a minute and four times as long as without a mutant has one that does not end.
LEAST_S, MOST_TIMES = 60, 4
BASE_S = 1800
SWAPS = ((" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), (" == ", " != "),
         (" != ", " == "), (" && ", " || "), (" || ", " && "), (" + ", " - "), (" - ", " + "),
         (" * ", " / "), ("++", "--"), (" += ", " -= "))
CONDITION = re.compile(r"^(\s+(?:\} else )?(?:if|while) )\((.*)\)(( \{)?|( .*;))$")
STATEMENT = re.compile(r"^(\s+)[a-z_][\w.>\-\[\]]*( = [^;{]*|\([^;{]*\));$")
NOT_CODE = re.compile(r"^\s*(/?\*|//|#|assert|_Static_assert|static |const |enum |struct )|\"")


def mutants_of(text):
    """(number of the line, the line instead, what was done) of every mutant of a file."""
    found = []
    lines = text.split("\n")
    begun = False
    for i, line in enumerate(lines):
        begun = begun or line == "{"  # before it there are tables and declarations
        code = line.split("  //")[0]
        if not begun or NOT_CODE.search(code) or not code.startswith(" "):
            continue
        condition = CONDITION.match(code)
        if condition:
            found.append((i, f"{condition[1]}(!({condition[2]})){condition[3]}", "negated"))
        for old, new in SWAPS:
            for at in re.finditer(re.escape(old), code):
                found.append((i, code[:at.start()] + new + code[at.end():],
                              f"{old.strip()} is {new.strip()}"))
        if STATEMENT.match(code):
            found.append((i, re.match(r"\s+", code)[0] + ";", "dropped"))
    return found


class Tree:
    """A copy of the source, and its build."""

    def __init__(self, source, folder):
        self.source, self.build = folder / "source", folder / "build"
        self.limit_s = {}  # by judge
        names = subprocess.run(["git", "-C", str(source), "ls-files", "-z"], check=True,
                               capture_output=True, text=True).stdout.split("\0")
        for name in filter(None, names):
            target = self.source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.read_bytes() != (source / name).read_bytes():
                shutil.copy(source / name, target)

    def quiet(self, *command, seconds=1800):
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "CRITERION_FAIL_FAST": "1"}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True, env=environment) as process:
            try:
                return process.wait(seconds) == 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                return False

    def configure(self):
        return self.quiet("cmake", "-S", str(self.source), "-B", str(self.build), *BUILD)

    def make(self, judges):
        targets = [f"test_{name}" for name in judges if not name.startswith("integration")]
        if len(targets) < len(judges):
            targets += ["thetad", "theta"]
        return self.quiet("cmake", "--build", str(self.build), "--target", *targets, "--", "-j2")

    def passes(self, judge):
        return self.quiet("ctest", "--test-dir", str(self.build), "-R", f"^{judge}$",
                          seconds=self.limit_s.get(judge, BASE_S))

    def passes_unharmed(self, judge):
        """The same without a mutant; how long it may take with one."""
        start = time.monotonic()
        good = self.passes(judge)
        self.limit_s[judge] = max(LEAST_S, MOST_TIMES * (time.monotonic() - start))
        return good


def judges_of(name):
    return JUDGES[str(pathlib.PurePath(name).parent)]


def try_mutant(tree, name, mutant):
    """killed, survived, or none where it does not even compile."""
    i, line, _ = mutant
    path = tree.source / name
    before = path.read_text(encoding="utf-8")
    lines = before.split("\n")
    lines[i] = line
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        for judge in judges_of(name):  # most are killed by the first: only that is linked
            if not tree.make([judge]):
                return "none"
            if not tree.passes(judge):
                return "killed"
        return "survived"
    finally:
        path.write_text(before, encoding="utf-8")


def all_mutants(tree, names):
    if not names:
        names = sorted(str(path.relative_to(tree.source)) for folder in JUDGES
                       for path in (tree.source / folder).glob("*.c"))
    return [(name, mutant) for name in names
            for mutant in mutants_of((tree.source / name).read_text(encoding="utf-8"))]


def show(counts):
    total = collections.Counter()
    print(f"{'file':44} killed survived")
    for name, count in sorted(counts.items()):
        total += count
        print(f"{name:44} {count['killed']:6} {count['survived']:8}")
    n = total["killed"] + total["survived"]
    print(f"{n} mutants, {100 * total['killed'] / max(1, n):.0f} % killed; "
          f"{total['none']} more did not compile")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("file", nargs="*", help="such as engine/estimate/eap.c; none: all")
    options = parser.parse_intermixed_args()
    tree = Tree(options.source.resolve(), options.folder.resolve())
    mutants = all_mutants(tree, options.file)
    print(f"seed {options.seed}, {len(mutants):,} mutants to draw from", flush=True)
    judges = {judge for name, _ in mutants for judge in judges_of(name)}
    if not tree.configure() or not tree.make(judges):
        sys.exit("the copy does not build")
    bad = [judge for judge in sorted(judges) if not tree.passes_unharmed(judge)]
    if bad:
        sys.exit(f"without a mutant these do not pass: {' '.join(bad)}")
    random.Random(options.seed).shuffle(mutants)
    counts = collections.defaultdict(collections.Counter)
    end = time.monotonic() + options.seconds
    while mutants and time.monotonic() < end:
        name, mutant = mutants.pop()
        what = try_mutant(tree, name, mutant)
        counts[name][what] += 1
        if what == "survived":
            print(f"{name}:{mutant[0] + 1}: {mutant[2]}: {mutant[1].strip()}", flush=True)
    show(counts)


if __name__ == "__main__":
    main()
