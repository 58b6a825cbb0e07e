# SPDX-License-Identifier: GPL-3.0-or-later
"""A9, A10: copies of the store. Hot backups while students answer have every answer that was
acknowledged before they began; an old copy in place of the store is noticed before the daemon
serves."""

import os
import shutil
import subprocess
import time

from support.daemon import Daemon, state_of
from torture import crowd
from torture.programme import Tally, quiet_close

PROPERTY = "copies are whole, and old ones do not pass for new"
METHOD = "backup under load, restore, verify; the store's file put back as it was"
SHARE = 0.06
N_SESSION, N_ITEM = 24, 30
BETWEEN_S = (0.05, 0.4)
OLDER_BY = (1, 60)
WAIT_S = 30
EX_DATAERR = 65


def reached(state):
    """How far a session is, as a number that only grows."""
    return state["seq"], state["state"] == "finished"


def theta(context, *arguments):
    program = os.path.join(os.path.dirname(context.binary()), "..", "clients", "cli", "theta")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})


def one_backup(context, daemon, members, name):
    """A copy while they answer, restored elsewhere and served there. What went wrong."""
    before = {examinee.id: examinee.states[-1] for examinee in members if examinee.states}
    with daemon.client(timeout=60) as client:
        client.call("admin.backup", name=name)
    other = Daemon(binary=daemon.binary, environment=daemon.environment)
    data = f"{other.folder}/data"
    found = []
    try:
        for told in (theta(context, "restore", f"{daemon.folder}/backup/{name}", data),
                     theta(context, "verify", data)):
            if told.returncode != 0:
                return [f"{name}: {' '.join(told.args[1:])}: {told.returncode} {told.stderr}"]
        other.start()
        with other.client() as client:
            for session, state in before.items():
                now = state_of(client.call("session.get", session=session))
                if reached(now) < reached(state):
                    found.append(f"{name}: {session}: acknowledged {state}, in the copy {now}")
        other.stop()
    finally:
        quiet_close(other)
    return found


def answers(daemon, members, n):
    """So many more of them, one after the other. How many there were."""
    n_before = n
    with daemon.client() as client:
        for examinee in members:
            while n > 0 and not examinee.finished():
                examinee.step(client)
                n -= 1
    return n_before - n


def wait_for_mark(daemon, n):
    deadline = time.monotonic() + WAIT_S
    while number_of_mark(daemon) < n:
        if time.monotonic() > deadline:
            raise AssertionError(f"no mark of event {n}")
        time.sleep(0.02)


def number_of_mark(daemon):
    with open(f"{daemon.folder}/data/mark", encoding="ascii") as file:
        return int(file.read().split()[1])


def one_travel(context, daemon, i):
    """The store as it was some answers ago; the daemon must not serve it. What went wrong."""
    data, old, new = (f"{daemon.folder}/{name}" for name in ("data/data.mdb", "old", "new"))
    members = crowd.examinees(2, f"travel-{i}-")
    answers(daemon, members, context.random.randint(1, N_ITEM))
    daemon.stop()
    shutil.copy(data, old)
    begin = number_of_mark(daemon)
    daemon.start()
    n = answers(daemon, members, context.random.randint(*OLDER_BY))
    wait_for_mark(daemon, begin + max(n, 1))
    if context.random.random() < 0.5:
        daemon.kill()
    else:
        daemon.stop()
    n_event = number_of_mark(daemon) - begin
    shutil.copy(data, new)
    shutil.copy(old, data)
    open(daemon.log_path, "wb").close()
    daemon.spawn()
    try:
        daemon.wait_ready()
        return [f"{n} answers old, and it served:\n{daemon.log()}"]
    except AssertionError:
        code = daemon.process.poll()
    if code != EX_DATAERR or f"store: {n_event} of " not in daemon.log():
        return [f"{n} answers old: exit code {code}:\n{daemon.log()}"]
    if i % 2:
        shutil.copy(new, data)
        daemon.start()
        return crowd.Audit(daemon).check(members)
    daemon.spawn(options=["--accept-older-store"])
    daemon.wait_ready()
    return []


def backups(context, daemon, tally, n):
    """One after the other while a crowd answers, the crowd renewed when it has finished."""
    members, clients = [], None
    found = []
    for i in range(n):
        if not clients or not clients.alive():
            found += clients.join() if clients else []
            members = crowd.examinees(N_SESSION, f"{tally.rounds}-{i}-")
            clients = crowd.Crowd(daemon, members)
        time.sleep(context.random.uniform(*BETWEEN_S))
        found += one_backup(context, daemon, members, f"copy-{tally.rounds}-{i}")
        tally.faults += 1
        shutil.rmtree(f"{daemon.folder}/backup")
    return found + clients.leave()


def run(context):
    tally = Tally()
    kind = "asan" if context.short else "plain"
    daemon = context.daemon(kind, idle_s=1)
    daemon.settings = [f"[store] backup_dir = {daemon.folder}/backup"]
    daemon.write_config("info")
    n_copy = n_travel = 0
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM)
        for i in context.rounds(3):
            n = 1 if context.short else 5
            found = backups(context, daemon, tally, n)
            found += one_travel(context, daemon, i)
            n_copy += n
            n_travel += 1
            tally.faults += 1
            tally.add(found)
            if found:
                break
        if daemon.process.poll() is None:
            daemon.stop()
    finally:
        quiet_close(daemon)
    tally.note = f"{n_copy} copies restored, {n_travel} old stores put in the daemon's way"
    return tally
