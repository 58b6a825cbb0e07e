#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./run bench district: answers a second of one, two and three nodes over one PostgreSQL on this
machine, the processor time that one takes in node and database and the bytes that it leaves there.
Each row is held against bare appends after it: as many connections, in batches as large, by the
same statement. All of it among 1,000 sessions and among 100,000 (--sessions).
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "clients" / "python")]

# pylint: disable=wrong-import-position
from support.daemon import Daemon  # noqa: E402
from support.postgres import Postgres, until  # noqa: E402

N_NODE = (1, 2, 3)
N_STUDENT = 64  # at each node
N_FEW, N_MANY, N_QUICK = 1_000, 100_000, 10_000  # sessions there before
FILL_EVENTS = 10  # of each of them
FILL_BATCH = 1000
RECORD_BYTES = 100  # of an event, until the first answers say how long it is
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
EX_USAGE = 64
# Vacuum, which comes when it likes, would be in some rows and not in others.
SETTINGS = ("shared_buffers = 256MB", "max_wal_size = 4GB", "autovacuum = off")
HEAD = (f"{'':44}{'a second':>9}{'/ bare':>8}{'p50 ms':>8}{'p99 ms':>8}{'batch':>7}{'node us':>9}"
        f"{'db us':>8}{'/ bare':>8}{'log':>7}")
# Of one run: the first may be so many times the second.
BARS = (("node us, 3 nodes / 1 node", 1.25), ("db us / bare, 3 nodes / 1 node", 1.25),
        ("node us, 1 node, many sessions / few", 1.25),
        ("db us, 1 node, many sessions / few", 1.25),
        ("db us / bare, 3 nodes, many sessions", 1.5))


def ratio(a, b):
    """None where a run was too short for the clock of the processor."""
    return a / b if b else None


def cpu_us(pid):
    """Processor time of a process, of the children that it had and of those that it has."""
    while True:
        with contextlib.suppress(FileNotFoundError):  # a child ended between two looks
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                children = file.read().split()
            return sum(map(int, fields[11:15])) * TICK_US + sum(map(cpu_us, children))


class Node(Daemon):
    def __init__(self, url):
        super().__init__(tcp_roles="all", log_level="warn",
                         settings=[f"[store] kind = postgres\nurl = {url}"])

    @property
    def port(self):
        return self.tcp_endpoint.rsplit(":", 1)[1]

    def knows(self, test):
        with self.client() as client:
            return any(row["test"] == test for row in client.call("test.list")["tests"])

    def n_commit(self):
        with self.client() as client:
            return client.stats()["counters"]["commits"]


class Side:
    """A database with nodes of its own and some number of sessions in it."""

    def __init__(self, n_session):
        self.n_session = n_session
        self.postgres = Postgres(settings=SETTINGS)
        self.nodes = []

    def start(self):
        self.postgres.start()
        subprocess.run([os.environ["THETA_BIN"], "district", "init", self.postgres.url],
                       check=True, stdout=subprocess.DEVNULL)
        for _ in N_NODE:
            self.nodes.append(Node(self.postgres.url))
            self.nodes[-1].start()
        with self.nodes[0].client() as client:
            client.bank_upload("bench", [
                {"id": f"i{i}", "model": "3PL", "a": 0.8 + i * 37 % 100 / 100,
                 "b": i * 61 % 600 / 100 - 3.0, "c": i * 13 % 20 / 100} for i in range(1000)])
            client.test_put({"test": "bench", "bank": "bench"})
        until(lambda: all(node.knows("bench") for node in self.nodes))

    def close(self):
        for node in self.nodes:
            node.close()
        self.postgres.close()

    def one(self, sql):
        return self.postgres.sql(sql)[0][0]

    def log_bytes(self):
        return int(self.one("SELECT pg_current_wal_lsn() - '0/0'"))

    def tables(self):
        """What is in them. The first to read a page writes it to the log once more."""
        return dict(zip(("events", "sessions", "event_bytes", "sitting_bytes"), map(
            int, self.postgres.sql(
                "SELECT count(*), count(*) FILTER (WHERE n = 0), pg_total_relation_size('event'), "
                "pg_total_relation_size('sitting') FROM event")[0])))

    def clocks(self):
        return {"node_us": sum(cpu_us(node.process.pid) for node in self.nodes),
                "db_us": cpu_us(self.postgres.process.pid)}


class Bench:
    def __init__(self, options):
        self.options = options
        self.tool = str(Path(options.build).resolve() / "bench" / "bench_district")
        self.seconds = options.seconds or (1.5 if options.quick else 4.0)
        self.rows = {}  # (side, label): [figures of each round]
        self.record_bytes = RECORD_BYTES
        n_many = options.sessions or (N_QUICK if options.quick else N_MANY)
        self.sides = [Side(min(N_FEW, n_many)), Side(n_many)]  # few, many

    def start(self):
        for side in self.sides:
            side.start()
        few, many = self.sides
        self.measure(few, 0.3, [[*self.at(few.nodes), "--students", N_STUDENT]])
        self.record_bytes = int(few.one("SELECT round(avg(octet_length(record))) FROM event"))
        self.fill(many)

    def close(self):
        for side in self.sides:
            side.close()

    @staticmethod
    def at(nodes):
        return [argument for node in nodes for argument in ("--node", node.port)]

    def bare_of(self, side, batch):
        return ["--appends", side.postgres.url, "--batch", batch, "--bytes", self.record_bytes]

    def fill(self, side):
        batch = min(FILL_BATCH, side.n_session)
        with self.tools([[*self.bare_of(side, batch), "--each", FILL_EVENTS, "--most",
                          side.n_session * FILL_EVENTS]]) as tools:
            self.talk(tools, lambda: None)
        side.postgres.sql("ANALYZE")

    def empty(self, side):
        """So that what the rows before it have left does not count."""
        if side is self.sides[0]:
            side.postgres.sql("TRUNCATE event, sitting")
            self.fill(side)
        side.postgres.sql("CHECKPOINT")

    @contextlib.contextmanager
    def tools(self, lists):
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(subprocess.Popen(
                [self.tool, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True)) for arguments in lists]

    @staticmethod
    def talk(tools, at_mark):
        """They say where what is measured begins and where it ends, and wait there for each other,
        so that one look at the clocks does for all; then they say what they came to."""
        for _ in ("begins", "ends"):
            if not all(tool.stdout.readline() for tool in tools):
                raise AssertionError("bench_district has ended early")
            at_mark()
            for tool in tools:
                tool.stdin.write("\n")
                tool.stdin.flush()
        return [json.loads(tool.stdout.readline()) for tool in tools]

    def measure(self, side, seconds, lists):
        """What they said, and how that side's clocks went on meanwhile."""
        clocks = []
        with self.tools([[*one, "--ms", int(seconds * 1000)] for one in lists]) as tools:
            told = self.talk(tools, lambda: clocks.append(side.clocks()))
        return told, {name: clocks[1][name] - clocks[0][name] for name in clocks[0]}

    def answers(self, side, n_node, n_student):
        nodes = side.nodes[:n_node]
        commits = [-node.n_commit() for node in nodes]
        tables, log = side.tables(), side.log_bytes()
        (told,), used = self.measure(side, self.seconds,
                                     [[*self.at(nodes), "--students", n_student]])
        log = side.log_bytes() - log
        grown = {name: there - tables[name] for name, there in side.tables().items()}
        commits = [before + node.n_commit() for before, node in zip(commits, nodes)]
        n = told["answers"] + told["starts"]  # a start is an event as an answer is
        if n == 0 or not all(commits) or not grown["sessions"]:
            raise AssertionError(f"a node had no answers ({commits} commits): {told['refusal']}")
        return {"rate": n / told["seconds"], "p50_us": told["p50_us"], "p99_us": told["p99_us"],
                "batch": grown["events"] / sum(commits), "node_us": used["node_us"] / n,
                "db_us": used["db_us"] / n, "log_bytes": log / grown["events"],
                "event_bytes": grown["event_bytes"] / grown["events"],
                "sitting_bytes": grown["sitting_bytes"] / grown["sessions"],
                "request_bytes": told["said"] / n, "reply_bytes": told["heard"] / n,
                "refused": told["refused"], "lost": told["lost"]}

    def bare(self, side, n_connection, batch):
        told, used = self.measure(side, self.seconds, [self.bare_of(side, batch)] * n_connection)
        n = sum(one["events"] for one in told)
        return {"rate": sum(one["rate"] for one in told), "batch": batch,
                "p50_us": statistics.median(one["p50_us"] for one in told),
                "p99_us": max(one["p99_us"] for one in told), "db_us": used["db_us"] / n,
                "said_bytes": sum(one["said"] for one in told) / n,
                "heard_bytes": sum(one["heard"] for one in told) / n}

    def pair(self, side, label, n_node, n_student):
        """Students, then bare appends in the form that they came to."""
        if sys.stderr.isatty():
            print(f"\rbench: {side.n_session} sessions, {label:40}", end="\r", file=sys.stderr,
                  flush=True)
        self.empty(side)
        row = self.answers(side, n_node, n_student)
        bare = self.bare(side, n_node, max(1, round(row["batch"])))
        row["rate_to_bare"] = ratio(row["rate"], bare["rate"])
        row["db_us_to_bare"] = ratio(row["db_us"], bare["db_us"])
        self.rows.setdefault((side, label), []).append(row)
        self.rows.setdefault((side, f"  bare appends as of {label}"), []).append(bare)

    def run(self):
        for _ in range(self.options.rounds):
            for side in self.sides:
                self.pair(side, "1 student at 1 node", 1, 1)
                for n in N_NODE:
                    self.pair(side, label_of(n), n, n * N_STUDENT)

    def median(self, side, label):
        rounds = self.rows[side, label]
        made = {}
        for name in rounds[0]:
            values = [row[name] for row in rounds if row[name] is not None]
            made[name] = statistics.median(values) if values else None
        return made

    def figures(self):
        made = []
        for side, label in sorted(self.rows, key=lambda key: self.sides.index(key[0])):
            made.append({"sessions": side.n_session, "what": label, **{
                name: value if value is None else round(value, 3)
                for name, value in self.median(side, label).items()}})
        return made

    def bars(self):
        one, three = ([self.median(side, label_of(n)) for side in self.sides] for n in (1, 3))
        values = (ratio(three[0]["node_us"], one[0]["node_us"]),
                  ratio(three[0]["db_us_to_bare"] or 0, one[0]["db_us_to_bare"]),
                  ratio(one[1]["node_us"], one[0]["node_us"]),
                  ratio(one[1]["db_us"], one[0]["db_us"]), three[1]["db_us_to_bare"])
        return [{"name": name, "value": value and round(value, 2), "most": most,
                 "met": value is not None and value <= most}
                for (name, most), value in zip(BARS, values)]


def label_of(n_node):
    return f"{n_node * N_STUDENT} students, {n_node} node{'s' if n_node > 1 else ''}"


def cell(row, name, width, digits):
    value = row.get(name)
    return f"{'':{width}}" if value is None else f"{value:{width},.{digits}f}"


def show(figures, bars):
    n_session = None
    for row in figures:
        if row["sessions"] != n_session:
            n_session = row["sessions"]
            print(f"\nAmong {n_session:,} sessions\n{HEAD}")
        print(f"{row['what']:44}" + cell(row, "rate", 9, 0) + cell(row, "rate_to_bare", 8, 2) +
              f"{row['p50_us'] / 1000:8.2f}{row['p99_us'] / 1000:8.2f}" + cell(row, "batch", 7, 1) +
              cell(row, "node_us", 9, 1) + cell(row, "db_us", 8, 1) +
              cell(row, "db_us_to_bare", 8, 2) + cell(row, "log_bytes", 7, 0))
    row = next(row for row in reversed(figures) if "event_bytes" in row)
    bare = next(row for row in reversed(figures) if "said_bytes" in row)
    print(f"\nBytes on the disk: {row['event_bytes']:.0f} an event, {row['sitting_bytes']:.0f} a "
          f"session more; of an answer's request and reply {row['request_bytes']:.0f} and "
          f"{row['reply_bytes']:.0f};\nto the database {bare['said_bytes']:.0f} an event and "
          f"{bare['heard_bytes']:.0f} back\n")
    for bar in bars:
        print(f"{'met   ' if bar['met'] else 'missed'} {bar['name']}: {bar['value']}, "
              f"at most {bar['most']}")


def tell_refusals(figures):
    for row in figures:
        if row.get("refused") or row.get("lost"):
            print(f"bench: {row['what']}: {row['refused']:.0f} requests were refused, "
                  f"{row['lost']:.0f} had no reply", file=sys.stderr)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(EX_USAGE, f"{self.prog}: {message}\n")


def positive(kind):
    def parse(text):
        value = kind(text)
        if value <= 0:
            raise ValueError(text)
        return value
    parse.__name__ = f"positive {kind.__name__}"
    return parse


def main():
    parser = Parser(prog="bench_district", description=__doc__)
    parser.add_argument("--build", required=True, help="folder of the programs")
    parser.add_argument("--rounds", type=positive(int), help="of which the median is taken (3)")
    parser.add_argument("--seconds", type=positive(float), help="that each row is measured (4)")
    parser.add_argument("--sessions", type=positive(int), help="so many are many (100000)")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--json", action="store_true", help="one line in place of the table")
    parser.add_argument("--check", action="store_true", help="the exit code tells of missed bars")
    parser.add_argument("--record", metavar="FOLDER", help="the figures as JSON go there too")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    build = Path(options.build).resolve()
    os.environ["THETAD_BIN"] = str(build / "engine" / "thetad")
    os.environ["THETA_BIN"] = str(build / "clients" / "cli" / "theta")
    load = os.getloadavg()[:1]
    with contextlib.ExitStack() as closing:
        bench = Bench(options)
        closing.callback(bench.close)
        bench.start()
        bench.run()
        figures, bars = bench.figures(), bench.bars()
    tell_refusals(figures)
    load += os.getloadavg()[:1]
    told = json.dumps({"district": figures, "bars": bars, "met": all(bar["met"] for bar in bars),
                       "seconds": bench.seconds, "rounds": options.rounds, "load": load})
    if options.json:
        print(told)
    else:
        print(f"Medians of {options.rounds} rounds of {bench.seconds:g} s; bare appends after each "
              f"row, in its form; load average {load[0]:.1f} before, {load[1]:.1f} at the end")
        show(figures, bars)
    if options.record:
        with open(Path(options.record) / "district.json", "w", encoding="utf-8") as file:
            file.write(told + "\n")
    sys.exit(1 if options.check and not all(bar["met"] for bar in bars) else 0)


if __name__ == "__main__":
    try:
        main()
    except unittest.SkipTest as reason:
        sys.exit(f"bench district: {reason}")
