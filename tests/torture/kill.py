# SPDX-License-Identifier: GPL-3.0-or-later
"""A1: kill -9 at a random moment under load, again and again."""

import time

from torture.programme import Tally
from torture import crowd

PROPERTY = "an acknowledged answer is never lost"
METHOD = "kill -9 under load, restart, client-side audit"
SHARE = 0.12
N_SESSION, N_ITEM = {True: 24, False: 120}, 30
KILL_AFTER_S = {True: (0.02, 0.6), False: (0.2, 1.2)}


def start_s(daemon):
    """Start, and how long it took until it served."""
    begin = time.monotonic()
    daemon.start()
    return time.monotonic() - begin


def run(context):
    tally = Tally()
    daemon = context.daemon("asan" if context.short else "plain", idle_s=1)
    audit = crowd.Audit(daemon)
    n_answer, starts_s = 0, []
    crowd_of = crowd.Crowd if context.short else crowd.Flood
    n_session = N_SESSION[context.short]
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM)
        members = crowd.examinees(n_session, "0-")
        for i in context.rounds(4):
            clients = crowd_of(daemon, members)
            time.sleep(context.random.uniform(*KILL_AFTER_S[context.short]))
            daemon.kill()
            found = clients.leave()
            n_answer += clients.n_answer
            starts_s.append(start_s(daemon))
            tally.faults += 1
            tally.add(found + audit.check(members))
            if all(examinee.finished() for examinee in members):
                members = crowd.examinees(n_session, f"{i + 1}-")
        daemon.stop()
    finally:
        daemon.close()
    tally.note = (f"{n_answer:,} acknowledged, {audit.n_pending} requests cut off; "
                  f"serving again after {1000 * max(starts_s):.0f} ms at most")
    return tally
