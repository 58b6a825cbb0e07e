# SPDX-License-Identifier: GPL-3.0-or-later
"""A1: kill -9 at a random moment under load, again and again."""

import time

from torture.programme import Tally
from torture import crowd

PROPERTY = "an acknowledged answer is never lost"
METHOD = "kill -9 under load, restart, client-side audit"
SHARE = 0.12
N_SESSION, N_ITEM = 24, 30
KILL_AFTER_S = (0.02, 0.6)


def run(context):
    tally = Tally()
    daemon = context.daemon("asan" if context.short else "plain", idle_s=1)
    audit = crowd.Audit(daemon)
    n_answer = 0
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM)
        members = crowd.examinees(N_SESSION, "0-")
        for i in context.rounds(4):
            clients = crowd.Crowd(daemon, members)
            time.sleep(context.random.uniform(*KILL_AFTER_S))
            daemon.kill()
            found = clients.leave()
            n_answer += clients.n_answer
            daemon.start()
            tally.faults += 1
            tally.add(found + audit.check(members))
            if all(examinee.finished() for examinee in members):
                members = crowd.examinees(N_SESSION, f"{i + 1}-")
        daemon.stop()
    finally:
        daemon.close()
    tally.note = f"{n_answer:,} acknowledged, {audit.n_pending} requests cut off"
    return tally
