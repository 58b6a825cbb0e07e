#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a sample store with the daemon that THETAD_BIN names: make_store.py FOLDER

FOLDER gets data.mdb, as that daemon leaves it, and states.json, what it told of every session. A
sample is made once, by the last program of its format, and never again: later programs must take
it up.
"""

import json
import os
import shutil
import sys
import time

from support.daemon import Daemon, state_of

TEST = {"test": "sample", "bank": "sample", "reveal": True, "select": {"randomesque": 3},
        "stop": {"any": [{"rule": "length", "at": 6}]}, "scale": {"slope": 10, "intercept": 200}}
ARCHIVED = ("ended-1", "ended-2", "idle-1", "idle-2")
LIVE = ("asking", "resting", "void")
WAIT_S = 20


def items():
    return [{"id": f"q{i}", "model": "2PL", "a": 0.7 + 0.1 * (i * 5 % 9),
             "b": -2.0 + 0.37 * (i * 7 % 11), "options": ["x", "y"], "key": "x"}
            for i in range(1, 13)]


def answer(session, n):
    for _ in range(n):
        session.answer(raw="xy"[int(session.item["id"][1:]) % 2], elapsed_ms=1385)


def fill(client):
    """Some sessions that have left memory, then some that have not."""
    client.bank_upload("sample", items())
    client.test_put(TEST)
    sessions = {name: client.session_start("sample", f"e-{name}", session=name, seed=385,
                                           group="6b") for name in ARCHIVED}
    for name, session in sessions.items():
        answer(session, 6 if name.startswith("ended") else 3)
    client.call("bank.retire", bank="sample", item=sessions["idle-1"].item["id"])
    answer(sessions["idle-1"], 1)
    deadline = time.monotonic() + WAIT_S
    while client.stats()["gauges"]["sessions_live"] > 0:
        if time.monotonic() > deadline:
            sys.exit("the sessions stay in memory")
        time.sleep(0.1)
    for name in LIVE:
        sessions[name] = client.session_start("sample", f"e-{name}", session=name, seed=17)
        answer(sessions[name], 2)
    sessions["resting"].suspend()
    client.call("session.void", session="void", reason="fire alarm")
    return {name: state_of(session.get()) for name, session in sessions.items() if name in LIVE}


def make(folder):
    daemon = Daemon(idle_s=1)
    try:
        daemon.start()
        with daemon.client() as client:
            states = fill(client)
        daemon.stop()
        os.makedirs(folder, exist_ok=True)
        shutil.copy(os.path.join(daemon.folder, "data", "data.mdb"), folder)
        daemon.start()
        with daemon.client() as client:
            states.update({name: state_of(client.session(name).state) for name in ARCHIVED})
    finally:
        daemon.close()
    with open(os.path.join(folder, "states.json"), "w", encoding="utf-8") as file:
        json.dump(states, file, indent=1, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    make(sys.argv[1])
