# SPDX-License-Identifier: GPL-3.0-or-later
"""A7: memory runs out in the daemon under load. It may refuse, and it may end (libzmq ends the
process where it gets no memory), but what it acknowledged is there after a restart."""

import os
import signal
import time

from torture import crowd
from torture.programme import Tally, quiet_close

PROPERTY = "no memory: nothing acknowledged is lost"
METHOD = "nth allocation fails under load, once or from then on; restart, audit"
SHARE = 0.1
N_SESSION, N_ITEM = 8, 12
MOST_ALLOCATIONS = 3000
SERVE_S = 3.0
STUCK_S = 5.0
CRASHES = (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL)


def one_failure(context, n, and_on):
    daemon = context.daemon("plain")
    go = os.path.join(daemon.folder, "go")
    members = crowd.examinees(N_SESSION)
    variables = {"THETA_MALLOC_FAIL": n, "THETA_MALLOC_GO": go}
    if and_on:
        variables["THETA_MALLOC_ON"] = 1
    end = "served on"
    try:
        daemon.start(context.environment("preload_memory", **variables))
        crowd.load(daemon, N_ITEM)
        clients = crowd.Crowd(daemon, members, refusals=True)
        with open(go, "w", encoding="utf-8"):
            clients.wait(N_SESSION * N_ITEM, SERVE_S)
        found = clients.leave()
        if daemon.process.poll() is None:
            daemon.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STUCK_S
        while daemon.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        code = daemon.process.poll()
        if code is None:
            end = "hung"  # the watchdog of systemd ends that
            daemon.kill()
        elif code:
            end = f"ended with {code}"
        if code in CRASHES:
            found.append(f"signal {-code}:\n{daemon.log()[-2000:]}")
        daemon.start(context.environment())
        found += crowd.Audit(daemon).check(members)
        daemon.stop()
    finally:
        quiet_close(daemon)
    return [f"allocation {n}{' and on' if and_on else ''}: {text}" for text in found], end


def run(context):
    tally = Tally()
    if not context.has("plain"):
        tally.skipped = "needs a daemon without AddressSanitizer"
        return tally
    ends = {}
    for i in context.rounds(4, n_least=4):
        n = context.random.randint(1, MOST_ALLOCATIONS)
        found, end = one_failure(context, n, i % 2 == 1)
        ends[end] = ends.get(end, 0) + 1
        tally.add(found)
    tally.faults = tally.rounds
    tally.note = ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))
    return tally
