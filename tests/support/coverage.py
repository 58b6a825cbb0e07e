#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and branches that the tests of a coverage build have run, by folder, from gcovr. Ends with
1 where the pure core or a folder of the shell stays below the bar. Files below it are named."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = ("base", "num", "irt", "estimate", "select", "content", "calibrate", "report", "session")
SHELL = ("engine/store", "engine/server", "engine/tools", "proto")
LEAST_LINES = 95.0  # percent
GCOVR = ["gcovr", "--root", str(ROOT), "--json-summary-pretty", "--exclude-unreachable-branches",
         "--exclude-throw-branches", "--filter", "engine/", "--filter", "proto/",
         "--gcov-ignore-parse-errors"]


def share(part, whole):
    return 100.0 * part / whole if whole else 100.0


class Sum:
    def __init__(self):
        self.lines = self.lines_run = self.branches = self.branches_taken = 0

    def add(self, file):
        self.lines += file["line_total"]
        self.lines_run += file["line_covered"]
        self.branches += file["branch_total"]
        self.branches_taken += file["branch_covered"]

    def is_low(self):
        return share(self.lines_run, self.lines) < LEAST_LINES

    def show(self, name):
        print(f"{name:20} {self.lines:7} {share(self.lines_run, self.lines):7.1f} "
              f"{self.branches:9} {share(self.branches_taken, self.branches):7.1f}")


def main():
    build = Path(sys.argv[1]).resolve()
    done = subprocess.run([*GCOVR, str(build)], capture_output=True, text=True, check=True,
                          cwd=ROOT)
    folders, core, low = {}, Sum(), []
    for file in json.loads(done.stdout)["files"]:
        folder = str(Path(file["filename"]).parent)
        folders.setdefault(folder, Sum()).add(file)
        if folder.removeprefix("engine/") in CORE:
            core.add(file)
        if file["line_percent"] < LEAST_LINES:
            low.append(file)
    print(f"{'folder':20} {'lines':>7} {'% run':>7} {'branches':>9} {'% taken':>7}")
    for name, total in sorted(folders.items()):
        total.show(name)
    core.show("the pure core")
    for file in sorted(low, key=lambda file: file["line_percent"]):
        print(f"    {file['filename']}: {file['line_percent']} % of {file['line_total']} lines")
    sys.exit(1 if core.is_low() or any(folders[name].is_low() for name in SHELL) else 0)


if __name__ == "__main__":
    main()
