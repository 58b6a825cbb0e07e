#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the tests: change one thing in the engine's source, build the programs that test it, and
see whether one of them fails.

mutate.py SOURCE FOLDER [--seconds N] [--seed N] [--each N] [PART...]: a copy of the tree SOURCE is
made and built in FOLDER, and there mutants of the PARTs (folders and files; all that have judges)
are tried, one of each folder in turn. Which, and in which order, is drawn from the seed, for each
folder by itself: --seed 7 engine/num has the same as --seed 7 there. Prints every survivor and a
table by folder; ends with 1 where fewer than 95 % are killed.
"""

import argparse
import collections
import hashlib
import itertools
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

# Which tests judge a folder, the likely killer first, then those that are quick: a program, and
# which of its suites ({} is the file's own name), or an integration test. Mutants of a folder that
# is not here are not made.
SLOW = "@(admits|bounds|criteria|replay|revise)/*"
JUDGES = {
    "proto": ("proto", "server:request/*"),
    "engine/base": ("base", "proto"),
    "engine/num": ("num", "irt", "estimate", "contract:@(estimate_dims|criteria_dims|priors)/*"),
    "engine/irt": ("irt", "contract:@(model*|item_table|shortlist|criteria_dims)/*", "session",
                   "contract:@(bounds|replay)/*"),
    "engine/estimate": ("estimate", "contract:@(estim*|prior*|constant|person_fit)/*", "golden",
                        "trace", "contract:@(replay|revise)/*"),
    "engine/select": ("select", "contract:@(criteria_*|shortlist|blueprint)/*", "golden", "trace",
                      f"contract:{SLOW}"),
    "engine/content": ("content", "select", "session", "trace", "contract:@(blueprint|admits)/*"),
    "engine/session": ("session", "trace", "contract:@(st*|blueprint|sessions_dims)/*",
                       f"contract:{SLOW}"),
    "engine/store": ("store:{}/*", "store", "server"),
    "engine/server": ("server:{}/*", "server", "integration_test_sessions",
                      "integration_test_overload", "integration_test_quotas",
                      "integration_test_access"),
}
BUILD = ("-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O1 -w",
         "-DCMAKE_EXE_LINKER_FLAGS=-fsanitize=leak", "-Wno-dev")
BAR = 0.95
# A test has a mutant that does not end if one of its processes uses twice the processor that all of
# them do without one, or if it takes four times as long.
LEAST_CPU_S, LEAST_S, MOST_TIMES, BASE_S = 5, 60, 4, 1800
MOST_BYTES = 4 << 30  # of a process whose mutant allocates without end
SWAPS = ((" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), (" == ", " != "),
         (" != ", " == "), (" && ", " || "), (" || ", " && "), (" + ", " - "), (" - ", " + "),
         (" * ", " / "), ("++", "--"), (" += ", " -= "))
CONDITION = re.compile(r"^(\s+(?:\} else )?(?:if|while) )\((.*)\)(( \{)?|( .*;))$")
STATEMENT = re.compile(r"^(\s+)[a-z_][\w.>\-\[\]]*( = [^;{]*|\([^;{]*\));$")
FREES = re.compile(r"free|done|close|NULL|failed")  # leaks are looked for where one may come of it
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
        self.paths = {}  # of a target's program
        self.unharmed = {}  # by judge: the hash of its program, how long, how much processor
        names = subprocess.run(["git", "-C", str(source), "ls-files", "-z"], check=True,
                               capture_output=True, text=True).stdout.split("\0")
        for name in filter(None, names):
            target = self.source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.read_bytes() != (source / name).read_bytes():
                shutil.copy(source / name, target)

    def quiet(self, *command, seconds=BASE_S, cpu_s=BASE_S, leaks=False):
        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
            resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "CRITERION_FAIL_FAST": "1",
                       "LSAN_OPTIONS": f"detect_leaks={int(leaks)}:abort_on_error=1"}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True, env=environment,
                              preexec_fn=limit) as process:
            try:
                return process.wait(seconds) == 0
            except subprocess.TimeoutExpired:
                return False
            finally:
                end_group(process.pid)

    def configure(self):
        return self.quiet("cmake", "-S", str(self.source), "-B", str(self.build), *BUILD)

    def make(self, judges):
        targets = sorted({target for judge in judges for target in targets_of(judge)})
        return self.quiet("cmake", "--build", str(self.build), "--target", *targets, "--", "-j2")

    def program(self, target):
        if target not in self.paths:
            self.paths[target] = next(path for path in self.build.rglob(target) if path.is_file())
        return self.paths[target]

    def hash(self, judge):
        return hashlib.sha256(b"".join(self.program(target).read_bytes()
                                       for target in targets_of(judge))).digest()

    def passes(self, judge, leaks=True, seconds=BASE_S, cpu_s=BASE_S):
        if judge.startswith("integration"):
            return self.quiet("ctest", "--test-dir", str(self.build), "-R", f"^{judge}$",
                              seconds=seconds, leaks=leaks)
        suites = judge.partition(":")[2]
        return self.quiet(str(self.program(targets_of(judge)[0])), "--filter", suites or "*/*",
                          seconds=seconds, cpu_s=cpu_s, leaks=leaks)

    def passes_unharmed(self, judge):
        """The same without a mutant; its program, and how long it may take with one."""
        start, cpu_start_s = time.monotonic(), cpu_of_children_s()
        good = self.passes(judge)
        seconds = max(LEAST_S, MOST_TIMES * (time.monotonic() - start))
        cpu_s = max(LEAST_CPU_S, int(2 * (cpu_of_children_s() - cpu_start_s)) + 1)
        self.unharmed[judge] = self.hash(judge), seconds, cpu_s
        return good

    def judge(self, judge, leaks):
        """none (is not built), same (the compiler makes the same of it), killed or survived."""
        if not self.make([judge]):
            return "none"
        unharmed, seconds, cpu_s = self.unharmed[judge if judge in self.unharmed
                                                 else program_of(judge)]
        if self.hash(judge) == unharmed:
            return "same"
        return "survived" if self.passes(judge, leaks, seconds, cpu_s) else "killed"


def end_group(pid):
    """What a test that was ended has left running."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def cpu_of_children_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def program_of(judge):
    return judge.partition(":")[0]


def targets_of(judge):
    return ("thetad", "theta") if judge.startswith("integration") else (
        f"test_{program_of(judge)}",)


def judges_of(name):
    return JUDGES[str(pathlib.PurePath(name).parent)]


def try_mutant(tree, name, mutant):
    """killed, survived, same, or none where it does not even compile."""
    i, line, _ = mutant
    path = tree.source / name
    before = path.read_text(encoding="utf-8")
    lines = before.split("\n")
    lines[i], before_line = line, lines[i]
    path.write_text("\n".join(lines), encoding="utf-8")
    verdict = "same"
    try:
        for judge in judges_of(name):  # most are killed by the first: only that is linked
            found = tree.judge(judge.format(path.stem), FREES.search(before_line) is not None)
            if found in ("none", "killed"):
                return found
            verdict = "survived" if found == "survived" else verdict
        return verdict
    finally:
        path.write_text(before, encoding="utf-8")


def files_of(tree, parts):
    for part in parts or JUDGES:
        path = tree.source / part
        yield from sorted(path.glob("*.c")) if path.is_dir() else [path]


def drawn(tree, parts, seed, each):
    """(file, mutant): one of each folder in turn, `each` of one at the most."""
    folders = collections.defaultdict(list)
    for path in files_of(tree, parts):
        name = path.relative_to(tree.source)
        folders[str(name.parent)] += [
            (str(name), mutant) for mutant in mutants_of(path.read_text(encoding="utf-8"))]
    for folder, mutants in folders.items():
        random.Random(f"{seed} {folder}").shuffle(mutants)
    turns = itertools.zip_longest(*(mutants[:each] for mutants in folders.values()))
    return [mutant for turn in turns for mutant in turn if mutant]


def share(count):
    return count["killed"] / max(1, count["killed"] + count["survived"])


def show(counts):
    counts["all"] = sum(counts.values(), collections.Counter())
    print(f"{'folder':16} mutants killed survived same program not built")
    for name, count in counts.items():
        print(f"{name:16} {count.total():7} {count['killed']:6} {count['survived']:8} "
              f"{count['same']:12} {count['none']:9} {100 * share(count):6.1f} %")


def start(tree, names):
    """Builds what judges the files; whatever fails without a mutant would kill them all."""
    judges = {judge: None for name in names for judge in judges_of(name) if "{}" not in judge}
    if not tree.configure() or not tree.make(judges):
        sys.exit("the copy does not build")
    bad = [judge for judge in judges if not tree.passes_unharmed(judge)]
    if bad:
        sys.exit(f"without a mutant these do not pass: {' '.join(bad)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("--each", type=int, help="as many of a folder at the most")
    parser.add_argument("part", nargs="*", help="such as engine/num or engine/estimate/dims_eap.c")
    options = parser.parse_intermixed_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a test that runs is ended first
    tree = Tree(options.source.resolve(), options.folder.resolve())
    mutants = drawn(tree, options.part, options.seed, options.each)
    print(f"seed {options.seed}, {len(mutants):,} mutants to try", flush=True)
    start(tree, [name for name, _ in mutants])
    counts = collections.defaultdict(collections.Counter)
    end = time.monotonic() + options.seconds
    for name, mutant in mutants:
        if time.monotonic() > end:
            break
        begun = time.monotonic()
        verdict = try_mutant(tree, name, mutant)
        with open(options.folder / "tried", "a", encoding="utf-8") as tried:
            print(f"{time.monotonic() - begun:.1f} s {verdict} {name}:{mutant[0] + 1}: {mutant[2]}",
                  file=tried)
        counts[str(pathlib.PurePath(name).parent)][verdict] += 1
        if verdict == "survived":
            print(f"{name}:{mutant[0] + 1}: {mutant[2]}: {mutant[1].strip()}", flush=True)
    show(counts)
    sys.exit(1 if share(counts["all"]) < BAR else 0)


if __name__ == "__main__":
    main()
