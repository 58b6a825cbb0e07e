# SPDX-License-Identifier: GPL-3.0-or-later
"""B6: the daemon built with ThreadSanitizer, under load from outside: sessions, banks that are
compiled, curves, estimates and explanations, all at once. A report is a violation."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
import unittest

from support.daemon import Daemon
from support.postgres import Postgres
from thetad import NoReply, ThetadError
from torture import crowd
from torture.programme import HERE, Tally, quiet_close, wait_for

PROPERTY = "no thread steps on another"
METHOD = "ThreadSanitizer; sessions, publishing, irt.*, explain, keys, reloads at once; a district"
SHARE = 0.05
N_SESSION, N_ITEM = 20, 40
SHARED_S = 20  # what sessions counted is shared some time after them
REPORT = re.compile(r"WARNING: ThreadSanitizer: (.*)\n(?:.*\n){0,12}")
OPTIONS = f"suppressions={HERE / 'tsan.supp'} halt_on_error=0 exitcode=0"


class Busy(threading.Thread):
    def __init__(self, daemon):
        super().__init__()
        self.daemon_under_test = daemon
        self.done = threading.Event()
        self.n = 0
        self.errors = []


class Peers(Busy):
    """Come and go with a key over TCP, and have the keys read again, while others take tests."""

    def __init__(self, daemon, options):
        super().__init__(daemon)
        self.options = options

    def run(self):
        while not self.done.is_set():
            with self.daemon_under_test.tcp_client(timeout=20, tries=1, **self.options) as client:
                client.ping()
            self.daemon_under_test.process.send_signal(signal.SIGHUP)
            self.n += 1


class Author(Busy):
    """Keeps the helper busy while others take their tests."""

    def run(self):
        items = crowd.bank_items()
        ids = [item["id"] for item in items[:5]]
        with self.daemon_under_test.client(timeout=20, tries=1) as client:
            while not self.done.is_set():
                try:
                    client.bank_upload(f"bank-{self.n % 3}", items[:100])
                    client.irt_curve([-1, 0, 1], bank=crowd.BANK, items=ids)
                    client.irt_estimate([[one, 1] for one in ids], bank=crowd.BANK, method="WLE")
                    client.irt_rank(bank=crowd.BANK, theta=0.3, top=5)
                    client.call("session.explain", session="session-0", seq=1)
                except ThetadError as error:
                    if error.code != "unknown_session":
                        self.errors.append(repr(error))
                except NoReply as error:
                    self.errors.append(repr(error))
                self.n += 5


def one_round(context):
    daemon = Daemon(binary=str(context.builds["tsan"] / "engine" / "thetad"), idle_s=1, keys=True,
                    environment={**context.environment(), "TSAN_OPTIONS": OPTIONS})
    known = daemon.keys.add("known", role="frontend author")
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM)
        busy = [Author(daemon), Peers(daemon, known)]
        for thread in busy:
            thread.start()
        found = crowd.Crowd(daemon, crowd.examinees(N_SESSION)).join()
        for thread in busy:
            thread.done.set()
            thread.join()
            found += thread.errors
        daemon.process.terminate()
        daemon.process.wait(30)
        found += [match[0] for match in REPORT.finditer(daemon.log())]
    finally:
        quiet_close(daemon)
    return found, sum(thread.n for thread in busy)


def district_nodes(context, stack):
    postgres = Postgres()
    stack.callback(postgres.close)
    postgres.start()
    subprocess.run([context.theta(), "district", "init", postgres.url], check=True,
                   capture_output=True)
    nodes = []
    for _ in range(2):
        nodes.append(Daemon(binary=str(context.builds["tsan"] / "engine" / "thetad"), idle_s=1,
                            settings=(f"[store] kind = postgres\nurl = {postgres.url}",),
                            environment={**context.environment(), "TSAN_OPTIONS": OPTIONS}))
        stack.callback(quiet_close, nodes[-1])
        nodes[-1].start()
    return postgres, nodes


def district_round(context):
    """The lines to the shared store: two crowds of the same sessions, an author, a database that
    stands still for a while."""
    with contextlib.ExitStack() as stack:
        postgres, nodes = district_nodes(context, stack)
        crowd.load(nodes[0], N_ITEM, exposure={"rule": "eligibility", "max_rate": 0.3})
        author = Author(nodes[1])
        author.start()
        crowds = [crowd.Crowd(node, crowd.examinees(N_SESSION, str(i)), refusals=True)
                  for i, node in enumerate(nodes)]
        time.sleep(1)
        postgres.freeze()
        time.sleep(1)
        postgres.thaw()
        found = [error for each in crowds for error in each.join()]
        author.done.set()
        author.join()
        shared = "SELECT version FROM exposure WHERE version > 1"
        if not wait_for(lambda: postgres.sql(shared), SHARED_S):
            found.append("counts of exposure were not shared")
        found += [error for error in author.errors if "retry" not in error]
        for node in nodes:
            node.process.terminate()
            node.process.wait(30)
            found += [match[0] for match in REPORT.finditer(node.log())]
        return found, author.n


def run(context):
    tally = Tally()
    if not context.has("tsan") or not os.path.exists(context.builds["tsan"] / "engine" / "thetad"):
        tally.skipped = "needs a daemon with ThreadSanitizer: ./run torture builds one"
        return tally
    for _ in context.rounds(1):
        found, n = one_round(context)
        tally.faults += n
        tally.add(found)
        with contextlib.suppress(unittest.SkipTest):  # without PostgreSQL
            found, n = district_round(context)
            tally.faults += n
            tally.add(found)
    tally.note = "each fault is a request to the helper, or a peer with a key, beside the sessions"
    return tally
