#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the tests: change one thing in the engine's source, build the programs that test it, and
see whether one of them fails.

mutate.py SOURCE FOLDER [--seconds N] [--seed N] [--each N] [PART...]: a copy of the tree SOURCE is
made and built in FOLDER, and there mutants of the PARTs (folders, files, lines; all with judges)
are tried, one of each folder in turn. Which, and in which order, is drawn from the seed, for each
folder by itself: --seed 7 engine/num has the same as --seed 7 there. Prints every survivor and a
table by folder; ends with 1 where fewer than 95 % are killed.
"""

import argparse
import collections
import hashlib
import itertools
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Which tests judge a folder, the likely killer first, then those that are quick: a program, and
# which of its suites ({} is the file's own name), the made-up worlds of `fate`, or an integration
# test. One that runs nothing of the folder is not here. Of other folders no mutants are made.
SESSIONS = ("contract:revise/*", "contract:replay/*")
JUDGES = {
    "proto": ("proto", "server:request/*"),
    "engine/base": ("base", "proto", "fault_memory"),
    "engine/num": ("num", "fault_memory", "irt", "estimate",
                   "contract:@(estimate_dims|criteria_dims|priors)/*"),
    "engine/irt": ("irt", "contract:bounds/curves*",
                   "contract:@(model*|item_table|shortlist|criteria_dims)/*", "session",
                   "fault_memory", "contract:replay/*", "contract:bounds/*"),
    "engine/estimate": ("estimate", "contract:@(estim*|prior*|constant|person_fit)/*", "trace",
                        "fault_memory", "golden", *SESSIONS),
    "engine/select": ("select", "contract:@(criteria_*|shortlist|blueprint)/*", "trace",
                      "fault_memory", "golden", "contract:admits/*", "contract:bounds/*",
                      "contract:criteria/*", *SESSIONS),
    "engine/content": ("content", "session", "trace", "fault_memory", "contract:blueprint/*"),
    "engine/session": ("session", "trace", "fault_memory",
                       "contract:@(st*|blueprint|sessions_dims)/*", *SESSIONS),
    "engine/store": ("store:{}/*", "store", "shared", "fate", "server"),
    "engine/server": ("server:{}/*", "district", "server", "fate", "integration_test_sessions",
                      "integration_test_overload", "integration_test_quotas",
                      "integration_test_access"),
}
# And which judge some files besides: what only nodes of a district run (skipped where there is no
# PostgreSQL), and what only a daemon with metrics does.
DISTRICT_JUDGE, METRICS_JUDGE = "integration_test_district_traces", "integration_test_metrics"
MORE = {
    r"engine/store/(pg|shared\w*)\.c": DISTRICT_JUDGE,
    r"engine/server/(district\w*|keeping_postgres|line|news|parked|past|shared_check|sweep"
    r"|tally_share)\.c": DISTRICT_JUDGE,
    r"engine/server/metrics\w*\.c": METRICS_JUDGE,
}
PRELOADS = ("preload_clock", "preload_send")  # of integration tests
FATE = ("--from", "1", "--seeds", "60")
# A mutant is tried in the quick build; one that lives there is tried in the one with sanitizers,
# by the judges that need no more than CHECKED_CPU_S of processor without them and without a mutant:
# of the core all but those that try thousands of cases of the same lines, which need 8 to 16.
CHECKED_CPU_S = 7
BUILDS = {
    "quick": ("-DCMAKE_C_FLAGS_DEBUG=-O1 -w",),
    "checked": ("-DCMAKE_C_FLAGS_DEBUG=-O1 -g", "-DTHETAD_SANITIZE=ON"),
}
SANITIZERS = {"ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1"}
BAR = 0.95
# A test has a mutant that does not end if one of its processes uses twice the processor that all of
# them do without one, or if it takes four times as long.
LEAST_CPU_S, LEAST_S, MOST_TIMES, BASE_S = 2, 60, 4, 1800
SWAPS = ((" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), (" == ", " != "),
         (" != ", " == "), (" && ", " || "), (" || ", " && "), (" + ", " - "), (" - ", " + "),
         (" * ", " / "), ("++", "--"), (" += ", " -= "))
CONDITION = re.compile(r"^(\s+(?:\} else )?(?:if|while) )\((.*)\)(( \{)?|( .*;))$")
STATEMENT = re.compile(r"^(\s+)[a-z_][\w.>\-\[\]]*( = [^;{]*|\([^;{]*\));$")
VALUE = r"([\w.>\-]+(?:\[[^\]]*\])*)"
CHOICE = re.compile(rf"{VALUE} ([<>]=?) {VALUE} \? (?:\1 : \3|\3 : \1)(?![\w.\[])")
NOT_CODE = re.compile(r"^\s*(/?\*|//|#|assert|_Static_assert|static |const |enum |struct )|\"")


def is_tie(code, at, old, new):
    """Of two that are equal either one is the larger."""
    return new.strip("= ") == old.strip("= ") and any(
        choice.start(2) == at for choice in CHOICE.finditer(code))


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
                if is_tie(code, at.start() + 1, old, new):
                    continue
                found.append((i, code[:at.start()] + new + code[at.end():],
                              f"{old.strip()} is {new.strip()}"))
        if STATEMENT.match(code):
            found.append((i, re.match(r"\s+", code)[0] + ";", "dropped"))
    return found


def quiet(*command, seconds=BASE_S, cpu_s=BASE_S):
    """Whether it ends well, and in time; nothing of it is left running."""
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "CRITERION_FAIL_FAST": "1",
                   **SANITIZERS}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          start_new_session=True, env=environment, preexec_fn=limit) as process:
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            end_group(process.pid)


def end_group(pid):
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
    if judge.startswith("integration"):
        return ("thetad", "theta")
    return ("fate",) if judge == "fate" else (f"test_{program_of(judge)}",)


def judges_of(name):
    path = pathlib.PurePath(name)
    more = [judge for files, judge in MORE.items() if re.fullmatch(files, name)]
    return [judge.format(path.stem) for judge in JUDGES[str(path.parent)]] + more


class Build:
    """A build of the copy. `fresh` says that data of the tests are others than the last time."""

    def __init__(self, source, folder, options, fresh):
        self.folder = folder
        self.paths = {}  # of a target's program
        self.unharmed = {}  # by judge: the hash of its program, how long, how much processor
        self.kept = folder / "unharmed.json"  # the same of the last time
        if fresh:
            self.kept.unlink(missing_ok=True)
        self.known = json.loads(self.kept.read_text()) if self.kept.exists() else {}
        if not quiet("cmake", "-S", str(source), "-B", str(folder), "-G", "Ninja", "-Wno-dev",
                     "-DCMAKE_BUILD_TYPE=Debug", *options):
            sys.exit(f"{folder}: cmake fails")

    def make(self, judge):
        loaded = PRELOADS if judge.startswith("integration") else ()
        return quiet("cmake", "--build", str(self.folder), "--target", *targets_of(judge), *loaded,
                     "--", "-j2")

    def program(self, target):
        if target not in self.paths:
            self.paths[target] = next(path for path in self.folder.rglob(target) if path.is_file())
        return self.paths[target]

    def hash(self, judge):
        return hashlib.sha256(b"".join(self.program(target).read_bytes()
                                       for target in targets_of(judge))).hexdigest()

    def passes(self, judge, seconds=BASE_S, cpu_s=BASE_S):
        if judge.startswith("integration"):
            return quiet("ctest", "--test-dir", str(self.folder), "-R", f"^{judge}$",
                         seconds=seconds)
        what = FATE if judge == "fate" else ("--filter", judge.partition(":")[2] or "*/*")
        return quiet(str(self.program(targets_of(judge)[0])), *what, seconds=seconds, cpu_s=cpu_s)

    def is_ready(self, judge):
        return judge in self.unharmed

    def get_ready(self, judge):
        """Before its first mutant: a test that fails without one would kill them all."""
        if not self.make(judge):
            sys.exit(f"{judge}: the copy does not build")
        known = self.known.get(judge)
        if known and known[0] == self.hash(judge):
            self.unharmed[judge] = known
            return
        start, cpu_start_s = time.monotonic(), cpu_of_children_s()
        if not self.passes(judge):
            sys.exit(f"{judge} does not pass without a mutant")
        self.unharmed[judge] = (self.hash(judge), time.monotonic() - start,
                                cpu_of_children_s() - cpu_start_s)
        self.known[judge] = self.unharmed[judge]
        self.kept.write_text(json.dumps(self.known, indent=1))

    def cpu_s(self, judge):
        return self.unharmed[judge][2]

    def judge(self, judge):
        """none (is not built), same (the compiler makes the same of it), killed or survived."""
        if not self.make(judge):
            return "none"
        unharmed, took_s, cpu_s = self.unharmed[judge]
        if self.hash(judge) == unharmed:
            return "same"
        passes = self.passes(judge, max(LEAST_S, MOST_TIMES * took_s),
                             max(LEAST_CPU_S, int(2 * cpu_s) + 1))
        return "survived" if passes else "killed"


class Tree:
    """A copy of the source, and its builds."""

    def __init__(self, source, folder):
        self.source = folder / "source"
        names = subprocess.run(["git", "-C", str(source), "ls-files", "-z"], check=True,
                               capture_output=True, text=True).stdout.split("\0")
        fresh = False
        for name in filter(None, names):
            target = self.source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.read_bytes() != (source / name).read_bytes():
                shutil.copy(source / name, target)
                fresh = fresh or target.suffix not in (".c", ".h")  # those are in the programs
        self.builds = [Build(self.source, folder / name, options, fresh)
                       for name, options in BUILDS.items()]


def put(path, text):
    """A file that is as it should be is not built again."""
    if path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def judged(build, judges, path, before, after):
    """(verdict, what each judge took): as far as it takes for a verdict."""
    verdict, took = "same", []
    for judge in judges:
        if not build.is_ready(judge):
            put(path, before)
            build.get_ready(judge)
        put(path, after)
        begun = time.monotonic()
        found = build.judge(judge)
        took.append(f"{judge} {time.monotonic() - begun:.1f}")
        if found in ("none", "killed"):
            return found, took
        verdict = "survived" if found == "survived" else verdict
    return verdict, took


def try_mutant(tree, name, mutant):
    """(killed, survived, same, or none where it does not even compile; what each judge took)."""
    i, line, _ = mutant
    path = tree.source / name
    before = path.read_text(encoding="utf-8")
    lines = before.split("\n")
    lines[i] = line
    judges, all_took = judges_of(name), []
    for build in tree.builds:
        try:
            verdict, took = judged(build, judges, path, before, "\n".join(lines))
        finally:
            put(path, before)
        all_took += took
        if verdict != "survived":
            break  # also of the same: sanitizers tell the columns of a line, so that all differs
        judges = [judge for judge in judges if build.cpu_s(judge) <= CHECKED_CPU_S]
        if not judges:
            break
    return verdict, all_took


def files_of(tree, parts):
    """(file, line): of which all lines where that is empty."""
    for part in parts or JUDGES:
        name, _, line = part.partition(":")
        path = tree.source / name
        for file in sorted(path.glob("*.c")) if path.is_dir() else [path]:
            yield file, line


def drawn(tree, parts, seed, each):
    """(file, mutant): one of each folder in turn, `each` of one at the most."""
    folders = collections.defaultdict(list)
    for path, line in files_of(tree, parts):
        name = path.relative_to(tree.source)
        folders[str(name.parent)] += [
            (str(name), mutant) for mutant in mutants_of(path.read_text(encoding="utf-8"))
            if line in ("", str(mutant[0] + 1))]
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("--each", type=int, help="as many of a folder at the most")
    parser.add_argument("part", nargs="*", help="engine/num, or engine/num/root.c:39")
    options = parser.parse_intermixed_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a test that runs is ended first
    tree = Tree(options.source.resolve(), options.folder.resolve())
    memory = pathlib.Path("/dev/shm")  # what tests write need not outlive a power cut
    scratch = tempfile.TemporaryDirectory(prefix="mutate-", dir=memory if memory.is_dir() else None)
    os.environ["TMPDIR"] = scratch.name
    mutants = drawn(tree, options.part, options.seed, options.each)
    print(f"seed {options.seed}, {len(mutants):,} mutants to try", flush=True)
    counts = collections.defaultdict(collections.Counter)
    end = time.monotonic() + options.seconds
    for name, mutant in mutants:
        if time.monotonic() > end:
            break
        begun = time.monotonic()
        verdict, took = try_mutant(tree, name, mutant)
        with open(options.folder / "tried", "a", encoding="utf-8") as tried:
            print(f"{time.monotonic() - begun:.1f} s {verdict} {name}:{mutant[0] + 1}: {mutant[2]}"
                  f" ({', '.join(took)})", file=tried)
        counts[str(pathlib.PurePath(name).parent)][verdict] += 1
        if verdict == "survived":
            print(f"{name}:{mutant[0] + 1}: {mutant[2]}: {mutant[1].strip()}", flush=True)
    show(counts)
    sys.exit(1 if share(counts["all"]) < BAR else 0)


if __name__ == "__main__":
    main()
