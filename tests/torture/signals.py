# SPDX-License-Identifier: GPL-3.0-or-later
"""A13: the daemon is stopped for seconds, told to reload, and told to end, many times."""

import signal
import time

from torture import crowd
from torture.programme import Tally

PROPERTY = "stops, reloads and ends under load lose nothing"
METHOD = "SIGSTOP and SIGCONT, storms of SIGHUP and SIGTERM; restart, audit"
SHARE = 0.05
N_SESSION, N_ITEM = 12, 25
STOP_S = {True: 1.5, False: 30.0}
N_HANGUP, N_TERM = 200, 20
PAUSE_S = 0.005


def pause(daemon, context):
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(STOP_S[context.short])
    daemon.process.send_signal(signal.SIGCONT)


def storm(daemon, number, n):
    for _ in range(n):
        if daemon.process.poll() is not None:
            return
        daemon.process.send_signal(number)
        time.sleep(PAUSE_S)


def one_round(context, i, ends):
    """What was found; how long it took to end goes into `ends`."""
    daemon = context.daemon()
    members = crowd.examinees(N_SESSION, f"{i}-")
    audit = crowd.Audit(daemon)
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM)
        clients = crowd.Crowd(daemon, members, n_thread=3, refusals=True)  # draining: a refusal
        clients.wait(N_SESSION, 30)
        pause(daemon, context)
        storm(daemon, signal.SIGHUP, N_HANGUP)
        found = [] if daemon.process.poll() is None else ["it ended on SIGHUP:\n" + daemon.log()]
        start = time.monotonic()
        storm(daemon, signal.SIGTERM, N_TERM)
        daemon.wait_stopped()
        ends.append(time.monotonic() - start)
        found += clients.leave()
        daemon.start()
        found += audit.check(members)
        found += crowd.Crowd(daemon, members).join() + audit.check(members)
        if not all(examinee.finished() for examinee in members):
            found.append("not every session came to its end")
        daemon.stop()
    finally:
        daemon.close()
    return found


def run(context):
    tally, ends = Tally(), []
    for i in context.rounds(1):
        tally.faults += 1 + N_HANGUP + N_TERM
        tally.add(one_round(context, i, ends))
    tally.note = f"it ended {max(ends):.1f} s after the first SIGTERM" if ends else ""
    return tally
