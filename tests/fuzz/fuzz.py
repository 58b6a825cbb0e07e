#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the fuzz targets for a stated time in all and print a table: ./run fuzz SECONDS [target].

What a search finds worth keeping stays in BUILD/corpus, where the next run goes on from it. An
input that breaks a target is kept in BUILD/findings/<target>. Ends with 1 where there was any.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGETS = ("prescan", "request", "archive", "event", "item", "test", "import", "config",
           "certificate")
NO_DICTIONARY = ("import", "config", "certificate")
MOST_FINDINGS = 5  # of one target in one run; then it is given up until they are mended
INPUT_BYTES = 4096
TRY_S = 10  # one input that takes longer is a finding
LIMITS = [f"-timeout={TRY_S}", "-rss_limit_mb=2048", "-malloc_limit_mb=256",
          f"-max_len={INPUT_BYTES}", "-print_final_stats=1"]
EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
COVERED = re.compile(r"cov: (\d+) ft: (\d+)")


class Target:
    def __init__(self, name, build):
        self.name = name
        self.program = build / "tests" / "fuzz" / f"fuzz_{name}"
        self.corpus = build / "corpus" / name
        self.seeds = build / "tests" / "fuzz" / "seeds" / name
        self.findings = build / "findings" / name
        self.executions = self.edges = self.features = 0
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.findings.mkdir(parents=True, exist_ok=True)

    def found(self):
        return [path for path in self.findings.iterdir() if not path.name.startswith("slow-unit")]

    def command(self, seconds):
        command = [str(self.program), f"-max_total_time={seconds}", *LIMITS,
                   f"-artifact_prefix={self.findings}/"]
        if self.name not in NO_DICTIONARY:
            command.append(f"-dict={HERE / 'wire.dict'}")
        folders = [self.corpus, HERE / "corpus" / self.name, *filter(Path.exists, [self.seeds])]
        return [*command, *map(str, folders)]

    def run(self, seconds):
        """Search; go on behind a finding, which ends the program."""
        end = time.monotonic() + seconds
        before = len(self.found())
        with open(self.findings.parent / f"{self.name}.log", "w", encoding="utf-8") as log:
            while (left := int(end - time.monotonic())) > 0:
                done = subprocess.run(self.command(left), stdout=log, stderr=subprocess.PIPE,
                                      text=True, errors="replace", check=False)
                log.write(done.stderr)
                self.read(done.stderr)
                if done.returncode == 0 or len(self.found()) - before >= MOST_FINDINGS:
                    break

    def read(self, text):
        for match in EXECUTED.finditer(text):
            self.executions += int(match[1])
        for match in COVERED.finditer(text):
            self.edges = max(self.edges, int(match[1]))
            self.features = max(self.features, int(match[2]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("seconds", type=int)
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []])
    options = parser.parse_args()
    names = options.target or TARGETS
    share = max(1, options.seconds // len(names))
    n_found = 0
    fuzz = options.build.resolve() / "tests" / "fuzz"
    subprocess.run([str(fuzz / "make_seeds"), str(fuzz / "seeds")], check=True)
    print(f"{'target':12} {'seconds':>8} {'executions':>12} {'edges':>8} {'features':>9} findings")
    for name in names:
        target = Target(name, options.build.resolve())
        start = time.monotonic()
        target.run(share)
        found = target.found()
        n_found += len(found)
        print(f"{name:12} {time.monotonic() - start:8.0f} {target.executions:12,} "
              f"{target.edges:8,} {target.features:9,} {len(found)}", flush=True)
        for path in found:
            print(f"    {path}")
    sys.exit(1 if n_found else 0)


if __name__ == "__main__":
    main()
