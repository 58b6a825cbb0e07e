# SPDX-License-Identifier: GPL-3.0-or-later
"""A12: the wall clock jumps under a running daemon and between two starts."""

import os

from torture import crowd
from torture.programme import Tally

PROPERTY = "a clock that jumps ends no test and stops no replay"
METHOD = "the daemon's wall clock by a year, an hour, to 2038, 2106, 1970, still; restarts"
SHARE = 0.05
N_SESSION, N_ITEM = 6, 12
HOUR_MS = 3600 * 1000
YEAR_MS = 365 * 24 * HOUR_MS
STANDS = f"={55 * YEAR_MS}"
JUMPS = (YEAR_MS, -YEAR_MS, -HOUR_MS, HOUR_MS, 12 * YEAR_MS, 80 * YEAR_MS, -56 * YEAR_MS, STANDS,
         STANDS, 0)
TIMED = {"stop": {"any": [{"rule": "time", "at_ms": HOUR_MS // 2},
                          {"rule": "length", "at": N_ITEM}]}}


class Jumper:
    """Sets the daemon's clock."""

    def __init__(self, daemon):
        self.path = os.path.join(daemon.folder, "clock")
        self.set(0)

    def set(self, offset_ms):
        """So far from the truth; a text that begins with = is a time at which it stands still."""
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(str(offset_ms))
        os.rename(self.path + ".new", self.path)


def take_a_step(client, members, found):
    for examinee in members:
        if not examinee.finished():
            examinee.step(client)
        last = examinee.states[-1]
        if last["state"] == "finished" and last["result"]["stop"] != "length":
            found.append(f"{examinee.id} was ended by {last['result']['stop']}")


def one_round(context, i_round):
    daemon = context.daemon()
    jumper = Jumper(daemon)
    environment = context.environment("preload_clock", THETA_CLOCK=jumper.path)
    members = crowd.examinees(N_SESSION)
    audit = crowd.Audit(daemon)
    found, n_jump = [], 0
    try:
        daemon.start(environment)
        crowd.load(daemon, N_ITEM, **TIMED)
        with daemon.client() as client:
            take_a_step(client, members, found)
            for i in range(N_ITEM):
                jumper.set(JUMPS[(i + i_round) % len(JUMPS)])
                n_jump += 1
                take_a_step(client, members, found)
        for offset in (0, -YEAR_MS):
            daemon.kill()
            jumper.set(offset)
            n_jump += 1
            daemon.start(environment)
            found += audit.check(members)
        daemon.stop()
    finally:
        daemon.close()
    return found, n_jump


def run(context):
    tally = Tally()
    for i in context.rounds(1):
        found, n_jump = one_round(context, i)
        tally.faults += n_jump
        tally.add(found)
    return tally
