# SPDX-License-Identifier: GPL-3.0-or-later
"""The text format of Prometheus, read strictly, with its conventions; promtool where it is."""

import math
import re
import shutil
import subprocess

NAME = r"[a-z][a-z0-9_]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{([^}}]*)\}})? (\S+)")
LABEL = re.compile(r'([a-z]+)="([^"\\]*)"')


class Metrics:
    """`series`: {(name, labels as a sorted tuple): value}; `types`: {family: type}."""

    def __init__(self, text):
        self.series, self.types, self.helps = {}, {}, {}
        if not text.endswith("\n"):
            raise AssertionError("no end of line at the end")
        for line in text.splitlines():
            self._read(line)
        for family, kind in self.types.items():
            self._check_family(family, kind)

    def _read(self, line):
        if line.startswith("# HELP "):
            _, _, name, text = line.split(" ", 3)
            self.helps[name] = text
            return
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            if name in self.types:
                raise AssertionError(f"{name} has two types")
            self.types[name] = kind
            return
        match = SAMPLE.fullmatch(line)
        if not match:
            raise AssertionError(f"no sample: {line!r}")
        name, labels, value = match.groups()
        key = name, tuple(sorted(LABEL.findall(labels or "")))
        if key in self.series:
            raise AssertionError(f"{key} stands twice")
        if self.family_of(name) not in self.types:
            raise AssertionError(f"{name} has no TYPE before it")
        self.series[key] = float(value)

    def family_of(self, name):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        return base if self.types.get(base) == "histogram" else name

    def _check_family(self, family, kind):
        if kind not in ("counter", "gauge", "histogram"):
            raise AssertionError(f"{family}: type {kind}")
        if not self.helps.get(family, "").endswith("."):
            raise AssertionError(f"{family} has no HELP that is a sentence")
        if (kind == "counter") != family.endswith("_total"):
            raise AssertionError(f"{family}: counters and only they end in _total")
        if re.search(r"_(ms|us|ns|kb|mb|percent)(_|$)", family):
            raise AssertionError(f"{family} is not in base units")
        if kind == "histogram":
            self._check_histogram(family)

    def _check_histogram(self, family):
        if not family.endswith("_seconds"):
            raise AssertionError(f"{family}: of what unit?")
        buckets = sorted((float(dict(labels)["le"]), value)
                         for (name, labels), value in self.series.items()
                         if name == family + "_bucket")
        values = [value for _, value in buckets]
        if values != sorted(values) or buckets[-1][0] != math.inf:
            raise AssertionError(f"{family}: buckets are not cumulative up to +Inf")
        if values[-1] != self.value(family + "_count"):
            raise AssertionError(f"{family}: count and +Inf differ")

    def names(self):
        return {name for name, _ in self.series} | set(self.types)

    def value(self, name, **labels):
        return self.series.get((name, tuple(sorted(labels.items()))), 0.0)


def promtool(*arguments, text=None):
    """What promtool finds; None where there is none."""
    program = shutil.which("promtool")
    if not program:
        return None
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode or done.stderr else ""
