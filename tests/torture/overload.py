# SPDX-License-Identifier: GPL-3.0-or-later
"""D7: four times as much as the daemon can do, by an open loop that waits for nobody. The daemon
has one processor for itself and the generator another one, where there are two."""

import json
import os
import statistics
import subprocess

from torture import crowd
from torture.programme import Tally

PROPERTY = "four times its capacity: it serves on, says busy, loses nothing"
METHOD = "closed loop, then open loop at four times that; goodput, audit of all sessions"
SHARE = 0.06
N_ITEM = 30
TIMES = 4
GOODPUT = 0.8  # of what it can do without overload
SECONDS = {True: 1, False: 3}
WARM_S = {True: 1, False: 4}  # until those who obey have been told for how long
N_STUDENT = {True: 8000, False: 40000}
SETTINGS = ("[sessions] max_live = 1000000",)


def use_processors(pid):
    """The daemon on one, and what to put before a generator's command."""
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        return []
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {processors[0]})
    return ["taskset", "-c", str(processors[1])]


def swarm(context, daemon, before=(), endpoint=None, **options):
    """What a run of the generator says; an option without a value is True."""
    command = [*before, context.tool("torture/swarm"), "--endpoint", endpoint or daemon.endpoint,
               "--pid", str(daemon.process.pid)]
    for name, value in options.items():
        command.append(f"--{name}" if value is True else f"--{name}={value}")
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise AssertionError(f"the generator ended with {run.returncode}: {run.stderr}")
    said = json.loads(run.stdout)
    said["good"] = said["start"]["ok"] + said["answer"]["ok"]
    said["busy"] = said["start"]["busy"] + said["answer"]["busy"]
    return said


def faults_of(said):
    """What must never be, whatever the load."""
    found = []
    if said["lost"]:
        found.append(f"{said['lost']} sessions are not as acknowledged: {said['first_lost']}")
    if said["silent"]:
        found.append(f"{said['silent']} requests have no reply")
    if said["first_error"]:
        found.append(f"refused other than by busy: {said['first_error']}")
    return found


def one_round(context, i):
    """The usual load, then the overload, of one daemon: by students who come back at once, and by
    those who do what the protocol asks of clients. What was found, and the three results."""
    daemon = context.daemon(tcp_roles="frontend", map_mib=4096, settings=SETTINGS)
    how = {"students": N_STUDENT[context.short], "connections": 256, "fill": True,
           "seconds": SECONDS[context.short], "warm": 0.5}
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM, reveal=False)
        before = use_processors(daemon.process.pid)
        usual = swarm(context, daemon, before, daemon.tcp_endpoint, prefix=f"u{i}", window=1000,
                      **how)
        rate = TIMES * usual["good"] / usual["seconds"]
        over = swarm(context, daemon, before, daemon.tcp_endpoint, prefix=f"o{i}", rate=int(rate),
                     **how)
        how["warm"] = WARM_S[context.short]
        obeying = swarm(context, daemon, before, daemon.tcp_endpoint, prefix=f"b{i}",
                        rate=int(rate), obey=True, **how)
        daemon.stop()
    finally:
        daemon.close()
    found = faults_of(usual) + faults_of(over) + faults_of(obeying)
    if not over["busy"]:
        found.append("nobody was told busy")
    elif over["retry_after_ms"][0] < 100:
        found.append(f"to come back after {over['retry_after_ms'][0]} ms")
    return found, usual, over, obeying


def run(context):
    """The share of processor time that goes into good replies is judged by hand: it is a time."""
    tally = Tally()
    shares, waits, obeyed = [], [], []
    for i in context.rounds(1, 2):
        found, usual, over, obeying = one_round(context, i)
        shares.append(over["good"] / max(over["cpu_s"], 0.01) * max(usual["cpu_s"], 0.01)
                      / usual["good"])
        waits.append(over["from_send_us"]["p99"] / 1000)
        obeyed.append(obeying["from_send_us"]["p99"] / 1000)
        tally.faults += over["busy"]
        tally.add(found)
    goodput = statistics.median(shares)
    tally.note = (f"goodput {100 * goodput:.0f} % of the usual by processor time, the bar is "
                  f"{100 * GOODPUT:.0f} %; of the accepted 99 % within "
                  f"{statistics.median(obeyed):.0f} ms where students stay away for as long as "
                  f"they are told, {statistics.median(waits):.0f} ms where they do not")
    return tally
