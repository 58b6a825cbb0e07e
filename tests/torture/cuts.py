# SPDX-License-Identifier: GPL-3.0-or-later
"""A2: power cuts. A daemon's writes are recorded, and files as a cut may leave them are opened.
A11: the same while a store of an older format becomes one of the present."""

import json
import os
import re
import shutil
import struct
import subprocess

from support.reference import TESTS
from thetad.client import pack
from torture.programme import Tally
from torture import crowd

PROPERTY = "an acknowledged answer survives a power cut"
METHOD = "writes recorded; cut at every step, unsynced chunks dropped, torn, reordered"
SHARE = 0.22
N_SESSION, N_ITEM, N_BANK = 10, 12, 40
SHORT_STATES, STATES_A_ROUND = 2000, 20000
UPGRADE_STATES = 300
STORES = os.path.join(TESTS, "stores")
CUT_WRITE, CUT_SYNC, CUT_REPLY = 1, 3, 4  # of tests/fault/cut_trace.h
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


def operation(kind, data=b""):
    """One of the record, as tests/fault/cut_trace.h has it."""
    return struct.pack("B7xQQ", kind, 0, len(data)) + data


def upgrade(context, sample, folder_of):
    """Run a daemon over a store of an older format; the file of the record. It begins with that
    store, all of it on disk, and what was told of its sessions."""
    daemon = context.daemon("asan" if context.short else "plain")
    trace = os.path.join(folder_of, "trace")
    with open(f"{sample}/states.json", encoding="utf-8") as file:
        states = json.load(file)
    with open(f"{sample}/data.mdb", "rb") as file:
        begin = operation(CUT_WRITE, file.read()) + operation(CUT_SYNC)
    begin += b"".join(operation(CUT_REPLY, pack({"ok": True, **state}))
                      for state in states.values())
    try:
        shutil.copy(f"{sample}/data.mdb", f"{daemon.folder}/data")
        daemon.start(context.environment("preload_disk", THETA_RECORD=f"{trace}.rest"))
        with daemon.client() as client:
            session = client.session("asking")
            while session.item:
                session.answer(raw="x")
        daemon.stop()
    finally:
        daemon.close()
    with open(f"{trace}.rest", "rb") as rest, open(trace, "wb") as file:
        file.write(begin + rest.read())
    return trace


def upgrades(context):
    """A cut on the way from each older format: how many there were, and what went wrong."""
    n_all, found = 0, []
    for name in sorted(name for name in os.listdir(STORES) if name.startswith("format-")):
        with context.folder() as folder:
            trace = upgrade(context, os.path.join(STORES, name), folder)
            states, _, bad, text = check(context, trace, UPGRADE_STATES)
        n_all += states
        if bad:
            found.append(f"upgrade of {name}: {text}")
    return n_all, found


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
    fresh_all = n_upgrade = 0
    for _ in context.rounds(1):
        with context.folder() as folder:
            trace, found = record(context, folder)
            n_state = SHORT_STATES if context.short else STATES_A_ROUND
            states, fresh, bad, text = check(context, trace, n_state)
            control = check(context, trace, CONTROL_STATES, "--ignore-sync")
        n_old, bad_upgrades = upgrades(context)
        n_upgrade += n_old
        found += bad_upgrades
        tally.faults += states + n_old
        fresh_all += fresh
        if bad:
            found.append(text)
        if control[2] < CONTROL_LEAST * control[0]:
            found.append(f"without syncs only this was found: {control[3]}")
        tally.add(found)
    tally.note = (f"{n_upgrade} cuts while an older format was brought to the present; "
                  f"{fresh_all} cuts before anything was on disk; without syncs "
                  f"{100 * control[2] / control[0]:.0f} % are bad")
    return tally
