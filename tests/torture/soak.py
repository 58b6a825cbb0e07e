# SPDX-License-Identifier: GPL-3.0-or-later
"""D6: a steady load for as long as is said: ./run torture 7200 soak. Memory and descriptors are
where they were when it had warmed up. Pages of the store's file are the kernel's and not counted.
"""

import threading
import time

from torture import crowd
from torture.overload import faults_of, swarm
from torture.programme import Tally, rss_kib

PROPERTY = "a steady load leaves no trace in memory or descriptors"
METHOD = "tests taken at a steady rate; memory and descriptors watched; audit"
SHARE = 0.05
RATE = {True: 200, False: 2000}
SECONDS = 2  # in the short form
N_STUDENT, N_ITEM = 200, 30
SAMPLE_S = 0.5
WARM = 0.3  # of the time


class Watch(threading.Thread):
    """Memory and descriptors of a daemon, over time."""

    def __init__(self, daemon):
        super().__init__()
        self.watched = daemon
        self.over = threading.Event()
        self.samples = []  # (hours, MiB, descriptors)
        self.start()

    def run(self):
        start = time.monotonic()
        while not self.over.wait(SAMPLE_S):
            self.samples.append(((time.monotonic() - start) / 3600,
                                 rss_kib(self.watched.process.pid, "RssAnon") / 1024,
                                 self.watched.n_descriptor()))

    def stop(self):
        self.over.set()
        self.join()
        return self.samples[int(len(self.samples) * WARM):]


def more_descriptors(samples):
    """A text where the fewest are more later than before. The last sample is left out: the students
    may have gone. A file that is open for a moment, as the mark is, is not left behind."""
    counts = [n for _, _, n in samples[:-1]]
    half = len(counts) // 2
    first, last = min(counts[:half] or counts), min(counts[half:])
    return [f"{first} descriptors, and later {last}"] if last > first else []


def slope(points):
    """By least squares."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def run(context):
    tally = Tally(rounds=1)
    daemon = context.daemon(tcp_roles="frontend", map_mib=65536, idle_s=60)
    seconds = SECONDS if context.short else max(SECONDS, context.left() - 5)
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM, reveal=False)
        watch = Watch(daemon)
        try:
            said = swarm(context, daemon, endpoint=daemon.tcp_endpoint, rate=RATE[context.short],
                         seconds=seconds, students=N_STUDENT, connections=32)
        finally:
            samples = watch.stop()
        found = faults_of(said)
        daemon.stop()
    finally:
        daemon.close()
    tally.violations = found + more_descriptors(samples)
    tally.faults = said["good"]
    tally.note = (f"{said['good']:,} requests, {said['finished']:,} tests; memory "
                  f"{samples[0][1]:.1f} to {samples[-1][1]:.1f} MiB, "
                  f"{slope([(x, y) for x, y, _ in samples]):+.1f} MiB an hour; p99 "
                  f"{said['accepted_us']['p99'] / 1000:.1f} ms")
    return tally
