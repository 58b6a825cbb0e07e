# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of the programme gets, and what it gives back."""

import collections
import concurrent.futures
import dataclasses
import multiprocessing
import os
import random
import tempfile
import time
from pathlib import Path

from support.daemon import Daemon

HERE = Path(__file__).resolve().parent
N_AT_ONCE = 8  # faults under way: a daemon that gets no memory or no disk mostly waits
# What was freed is kept for a while, but not so much that memory could not be watched.
SANITIZER = "abort_on_error=1:detect_leaks=1:verify_asan_link_order=0:quarantine_size_mb=16"


@dataclasses.dataclass
class Tally:
    """What came of one part. A text in `skipped` says why it could not run here."""
    rounds: int = 0
    faults: int = 0
    violations: list = dataclasses.field(default_factory=list)
    note: str = ""
    skipped: str = ""

    def add(self, found):
        self.rounds += 1
        self.violations += found


class Context:
    """Where the programs are, and how much time there is.

    `builds` is a map of build folders: "tools" has the preload libraries and checkers, "plain" a
    daemon without sanitizers, "asan" and "tsan" such with them; any may be absent.
    """

    def __init__(self, builds, seed, short=True, planted=None, n_round=None):
        self.builds = {name: Path(path).resolve() for name, path in builds.items()}
        self.seed = seed
        self.random = random.Random(seed)
        self.short = short  # a few rounds, whatever time they take
        self.n_round = n_round  # where these are to be so many, in either form
        self.planted = planted  # the fault in a daemon built with faults
        self._end = None

    def begin(self, seconds=None):
        """Start the clock of one part, which has so much time where this is the long form."""
        self._end = None if self.short else time.monotonic() + seconds
        self.random = random.Random(self.seed)

    def left(self):
        return max(0.0, self._end - time.monotonic()) if self._end else 0.0

    def rounds(self, n_short, n_least=1):
        """Count rounds: n_short in the short form, else as many as there is time for."""
        if self.n_round:
            yield from range(self.n_round)
            return
        n = 0
        while n < n_short if self.short else n < n_least or self.left() > 0:
            yield n
            n += 1

    def every(self, faults, n_short=0):
        """The faults in their order, each once, beginning at the place that the seed names, for as
        long as there is time; in the short form n_short of them by chance."""
        if self.short:
            yield from (self.random.choice(faults) for _ in range(n_short))
            return
        for i in range(len(faults)):
            if i and self.left() == 0:
                return
            yield faults[(self.seed + i) % len(faults)]

    def each(self, faults, try_one, n_short=0):
        """What try_one makes of every fault, in their order, several under way at once. They are
        tried in other processes, so try_one must be a function that pickle can name."""
        spawn = multiprocessing.get_context("spawn")
        under_way = collections.deque()
        with concurrent.futures.ProcessPoolExecutor(N_AT_ONCE, spawn) as pool:
            for fault in self.every(faults, n_short):
                under_way.append(pool.submit(try_one, fault))
                if len(under_way) == 2 * N_AT_ONCE:
                    yield under_way.popleft().result()
            for task in under_way:
                yield task.result()

    def place(self, faults, n_done):
        """Where `every` came to, as a text."""
        start = 0 if self.short else self.seed % len(faults)
        if self.short or n_done == len(faults):
            return f"{n_done} of {len(faults):,}"
        return (f"{n_done:,} of {len(faults):,}, from {start} on; the others: "
                f"--seed {(start + n_done) % len(faults)}")

    def has(self, *names):
        return all(name in self.builds for name in names)

    def binary(self, kind="plain"):
        """A daemon of that kind, or of the next best one."""
        for name in (kind, "asan", "plain", "tools"):
            if name in self.builds and (self.builds[name] / "engine" / "thetad").exists():
                return str(self.builds[name] / "engine" / "thetad")
        raise FileNotFoundError("no daemon was built")

    def theta(self, kind="plain"):
        """The command line that was built with binary()."""
        return Path(self.binary(kind)).parent.parent / "clients" / "cli" / "theta"

    def tool(self, name):
        return str(self.builds["tools"] / "tests" / name)

    def environment(self, preload=None, **variables):
        """The environment of a daemon that is to be disturbed."""
        environment = {key: str(value) for key, value in variables.items()}
        environment["ASAN_OPTIONS"] = SANITIZER
        environment["UBSAN_OPTIONS"] = "print_stacktrace=1"
        if preload:
            environment["LD_PRELOAD"] = self.tool(f"fault/{preload}.so")
        if self.planted:
            environment["THETA_PLANTED"] = self.planted
        return environment

    @staticmethod
    def folder():
        return tempfile.TemporaryDirectory(prefix="thetad-torture-")

    def daemon(self, kind="plain", **options):
        return Daemon(binary=self.binary(kind), environment=self.environment(), **options)


def rss_kib(pid, kind="VmRSS"):
    """Resident memory of a process; RssAnon: what is no file's."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith(f"{kind}:"):
                return int(line.split()[1])
    return 0


def wait_for(holds, seconds):
    """Whether it holds, by then at the latest."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def quiet_close(daemon):
    """The end of a daemon that may have ended by itself: no check of how."""
    if daemon.process and daemon.process.poll() is None:
        daemon.kill()
    daemon.process = None
    daemon.close()


def seed_of_environment():
    return int(os.environ.get("THETAD_TEST_SEED", time.time_ns() % 10**9))
