#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./run district: a district on this machine, students in it, and what can happen to one.

PostgreSQL with a synchronous standby, three nodes and HAProxy on loopback; students take tests and
a table tells how it goes. Then a node is killed, all nodes are drained and replaced one after the
other, and the primary is killed and its standby promoted. At the end every answer that a student
was told of is held against what the district tells of the session. Ends with 1 where one is lost,
doubled, out of order or never sent, or a request failed. --faults N: so many faults of twenty
kinds in place of all this, each with such an audit (tests/torture/district.py).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
sys.path[:0] = [str(TESTS), str(ROOT / "clients" / "python")]

# pylint: disable=wrong-import-position
from support import audit as answers  # noqa: E402
from support.daemon import _die_with_parent  # noqa: E402
from support.district import District, until  # noqa: E402
from thetad import ThetadError  # noqa: E402

HEAD = (f"{'s':>4} {'n1':>5} {'n2':>5} {'n3':>5} {'answers/s':>10} {'p50 ms':>8} {'p99 ms':>8} "
        f"{'in flight':>10} {'errors':>7}")
TEST = "demo-algebra"


class Crowd:
    """Processes of students, and what they say."""

    def __init__(self, endpoint, options, folder):
        self.folder = folder
        self.lock = threading.Lock()
        self.took, self.all_took = [], []
        self.out, self.errors, self.longest, self.longest_now = {}, {}, 0.0, 0.0
        share = max(1, options.students // options.processes)
        self.processes = [self._spawn(endpoint, share, options.think, i)
                          for i in range(options.processes)]
        self.readers = [threading.Thread(target=self._read, args=(i, process))
                        for i, process in enumerate(self.processes)]
        for reader in self.readers:
            reader.start()

    def _spawn(self, endpoint, n_student, think, i):
        path = f"{TESTS}:{ROOT / 'clients' / 'python'}"
        return subprocess.Popen(
            ["/usr/bin/python3", "-B", str(TESTS / "district" / "students.py"), "--endpoint",
             endpoint, "--test", TEST, "--name", f"student-{i}", "--students", str(n_student),
             "--think", str(think), "--journal", f"{self.folder}/journal-{i}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": path}, preexec_fn=_die_with_parent)

    def _read(self, i, process):
        for line in process.stdout:
            said = json.loads(line)
            with self.lock:
                self.took += said["took"]
                self.all_took += said["took"]
                self.out[i] = said["out"]
                self.errors[i] = said["errors"]
                self.longest_now = max([self.longest_now, said["longest_out"], *said["took"]])
                self.longest = max(self.longest, self.longest_now)

    def look(self):
        """What was told since the last look."""
        with self.lock:
            took, self.took = sorted(self.took), []
            return took, sum(self.out.values()), sum(map(len, self.errors.values()))

    def n_error(self):
        with self.lock:
            return sum(map(len, self.errors.values()))

    def begin(self):
        with self.lock:
            self.longest_now = 0.0

    def longest_since(self):
        with self.lock:
            return self.longest_now

    def kill(self):
        """Without journals: there will be no audit."""
        for process in self.processes:
            process.kill()
        self.end()

    def end(self):
        for process in self.processes:
            process.stdin.close()
        for process, reader in zip(self.processes, self.readers):
            process.wait()
            reader.join()

    def journals(self):
        for i in range(len(self.processes)):
            with open(f"{self.folder}/journal-{i}", encoding="utf-8") as file:
                yield from map(json.loads, file)


class Drill:
    def __init__(self, district, crowd):
        self.district = district
        self.crowd = crowd
        self.start = self.looked = time.monotonic()
        self.rows = 0
        self.said = {}

    def row(self):
        took, out, errors = self.crowd.look()
        now = time.monotonic()
        rate, self.looked = len(took) / (now - self.looked), now
        if self.rows % 15 == 0:
            print(HEAD, flush=True)
        self.rows += 1
        states = self.district.balancer.states()
        nodes = [states.get(f"n{i}", ("?", 0))[0].split()[0].lower() for i in (1, 2, 3)]

        def quantile(q):
            return f"{took[min(len(took) - 1, int(q * len(took)))] * 1000:8.1f}" if took else \
                f"{'-':>8}"
        for name, (state, _, said) in states.items():
            if not state.startswith("UP") and said != self.said.get(name):
                print(f"     {name}: {state}: {said}", flush=True)
            self.said[name] = said
        print(f"{now - self.start:4.0f} " + " ".join(f"{node:>5}" for node in nodes) +
              f" {rate:10.0f} {quantile(0.5)} {quantile(0.99)} {out:10} {errors:7}", flush=True)

    def show(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(1)
            self.row()

    def act(self, title, what, seconds):
        """The table goes on meanwhile. What happens has to begin in this thread, with which the
        processes that it starts end."""
        print(f"---- {title}", flush=True)
        over = threading.Event()
        rows = threading.Thread(target=self._rows_until, args=(over,))
        self.crowd.begin()
        rows.start()
        try:
            what()
        finally:
            over.set()
            rows.join()
        self.show(seconds)
        print(f"     longest pause of a student: {self.crowd.longest_since():.1f} s", flush=True)

    def _rows_until(self, over):
        while not over.wait(1):
            self.row()

    def upgrade(self):
        for i in range(len(self.district.nodes)):
            self.district.replace(i)

    def run(self, seconds):
        nodes = self.district.nodes
        self.show(seconds)
        self.act("node 1 is killed (kill -9)", nodes[0].kill, seconds)
        self.act("node 1 is back", nodes[0].start, seconds)
        n_before = self.crowd.n_error()
        self.act("upgrade: each node drains, ends, and is replaced", self.upgrade, seconds)
        print(f"     requests that failed meanwhile: {self.crowd.n_error() - n_before}", flush=True)
        self.act("the primary database is killed, its standby promoted", self.district.fail_over,
                 2 * seconds)
        self.act("the lost database is back as the standby", self.district.make_standby, seconds)


def check_session(client, journal):
    """What is wrong with a session: its student's every answer against what is kept; the last one
    again is a repetition, and another answer to that question is refused."""
    told = [tuple(answer) for answer in journal["answers"]]
    maybe = {tuple(journal["open"])} if journal["open"] else set()
    found = answers.session(client, journal["session"], told, maybe)
    if found or not told or maybe:
        return found
    seq, item, response = told[-1]
    last = {"session": journal["session"], "seq": seq, "item": item}
    state = client.call("session.get", session=journal["session"])
    again = client.call("session.answer", response=response, **last)
    if [again[key] for key in ("seq", "state")] != [state[key] for key in ("seq", "state")]:
        return [f"another: {last} again: {again}, not {state}"]
    try:
        return [f"another: {client.call('session.answer', response=1 - response, **last)}"]
    except ThetadError as error:
        return [] if error.code in ("conflict", "finished") else [repr(error)]


def audit(district, crowd):
    """(sessions, answers, what is wrong): what the students were told against the store."""
    rows = district.primary.sql("SELECT session FROM event GROUP BY session "
                                "HAVING min(n) <> 0 OR max(n) + 1 <> count(*)")
    wrong = [f"{row[0]}: lost: a gap in its events" for row in rows]
    n_session = n_answer = 0
    with district.client(deadline=60.0) as client:
        for journal in crowd.journals():
            if journal["state"] is None:
                continue  # its start was not acknowledged
            n_session += 1
            n_answer += len(journal["answers"])
            wrong += check_session(client, journal)
            if n_session % 100 == 0 and sys.stdout.isatty():
                print(f"\raudit: {n_session:,} sessions", end="\r", flush=True)
    return n_session, n_answer, wrong


def publish_demo(district, folder):
    """The bank and the test of ./run demo, by the command line, to one node: all take them in."""
    def theta(*arguments):
        done = subprocess.run([os.environ["THETA_BIN"], "--endpoint", district.nodes[0].endpoint,
                               *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        return done.stdout

    path = os.path.join(folder, "demo.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write(theta("bank", "demo", "--seed", "7"))
    theta("bank", "import", path, "--bank", "demo")
    theta("test", "put", str(ROOT / "clients" / "cli" / "demo-test.json"))
    until(lambda: all(node.knows(TEST) for node in district.nodes),
          why="not every node has the test")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="folder of the programs")
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--think", type=float, default=0.2, help="mean seconds for an answer")
    parser.add_argument("--seconds", type=float, default=6, help="between two events")
    parser.add_argument("--faults", type=int, help="so many, of every kind, and no table")
    options = parser.parse_args()
    if options.faults:
        os.execv(sys.executable, [sys.executable, "-B", str(TESTS / "torture" / "run.py"),
                                  "--rounds", str(options.faults), "--build",
                                  f"tools={options.build}", "--build", f"plain={options.build}",
                                  "district"])
    for number in (signal.SIGTERM, signal.SIGHUP):  # as after Ctrl-C, nothing is left lying about
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    build = Path(options.build).resolve()
    os.environ["THETAD_BIN"] = str(build / "engine" / "thetad")
    os.environ["THETA_BIN"] = str(build / "clients" / "cli" / "theta")
    with tempfile.TemporaryDirectory(prefix="thetad-drill-") as folder:
        district = District()
        try:
            print("starting PostgreSQL (primary and synchronous standby), 3 nodes, HAProxy",
                  flush=True)
            district.start()
            publish_demo(district, folder)
            crowd = Crowd(district.balancer.endpoint, options, folder)
            try:
                until(lambda: crowd.all_took, why="no student is served")
                Drill(district, crowd).run(options.seconds)
            except BaseException:
                crowd.kill()
                raise
            crowd.end()
            errors = [error for errors in crowd.errors.values() for error in errors]
            n_session, n_answer, wrong = audit(district, crowd)
        finally:
            district.close()
    print(f"audit: {n_session:,} sessions, {n_answer:,} acknowledged answers, each against the "
          f"record: {answers.counts(wrong)}; requests that failed: {len(errors)}; longest pause of "
          f"a student {crowd.longest:.1f} s")
    for text in (errors + wrong)[:10]:
        print("    " + text)
    sys.exit(1 if wrong or errors else 0)


if __name__ == "__main__":
    try:
        main()
    except unittest.SkipTest as reason:
        sys.exit(f"district: {reason}")
    except KeyboardInterrupt:
        sys.exit("district: stopped before its audit")
