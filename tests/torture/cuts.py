# SPDX-License-Identifier: GPL-3.0-or-later
"""A2: power cuts. A daemon's writes are recorded, and files as a cut may leave them are opened."""

import os
import re
import subprocess

from torture.programme import Tally
from torture import crowd

PROPERTY = "an acknowledged answer survives a power cut"
METHOD = "writes recorded; cut at every step, unsynced chunks dropped, torn, reordered"
SHARE = 0.22
N_SESSION, N_ITEM, N_BANK = 10, 12, 40
SHORT_STATES, STATES_A_ROUND = 2000, 20000
CONTROL_STATES, CONTROL_LEAST = 120, 0.2
FOUND = re.compile(r"states (\d+) fresh (\d+) lost (\d+) unreadable (\d+) died (\d+)\n(.*)")


def more_requests(client):
    """What else is recorded: every kind of thing that is kept."""
    client.bank_upload("second", [{"id": "q1", "model": "1PL", "b": 0.385}])
    client.call("bank.retire", bank=crowd.BANK, item=crowd.bank_items()[0]["id"])
    for op in ("suspend", "resume"):
        client.call(f"session.{op}", session="session-x0")
    client.call("session.finish", session="session-x1")
    client.call("session.void", session="session-x2")


def record(context, folder_of):
    """Run a daemon over a recorded store; the file of the record."""
    daemon = context.daemon("asan" if context.short else "plain", idle_s=1)
    trace = os.path.join(folder_of, "trace")
    try:
        daemon.start(context.environment("preload_disk", THETA_RECORD=trace))
        crowd.load(daemon, N_ITEM, N_BANK)
        with daemon.client() as client:
            for examinee in crowd.examinees(3, "x"):
                examinee.step(client)
                examinee.step(client)
            more_requests(client)
        found = crowd.Crowd(daemon, crowd.examinees(N_SESSION)).join()
        daemon.stop()
    finally:
        daemon.close()
    return trace, found


def check(context, trace, n_state, *options):
    done = subprocess.run(
        [context.tool("fault/cut_check"), trace, str(n_state), str(context.random.randrange(10**9)),
         *options], capture_output=True, text=True, check=False, env={
             **os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    match = FOUND.search(done.stdout)
    if not match:
        raise AssertionError(f"cut_check ended with {done.returncode}: {done.stdout}{done.stderr}")
    states, fresh, lost, unreadable, died = (int(match[i]) for i in range(1, 6))
    return states, fresh, lost + unreadable + died, match[0].replace("\n", ": ")


def run(context):
    tally = Tally()
    fresh_all = 0
    for _ in context.rounds(1):
        with context.folder() as folder:
            trace, found = record(context, folder)
            n_state = SHORT_STATES if context.short else STATES_A_ROUND
            states, fresh, bad, text = check(context, trace, n_state)
            control = check(context, trace, CONTROL_STATES, "--ignore-sync")
        tally.faults += states
        fresh_all += fresh
        if bad:
            found.append(text)
        if control[2] < CONTROL_LEAST * control[0]:
            found.append(f"without syncs only this was found: {control[3]}")
        tally.add(found)
    tally.note = (f"{fresh_all} cuts before anything was on disk; without syncs "
                  f"{100 * control[2] / control[0]:.0f} % are bad")
    return tally
