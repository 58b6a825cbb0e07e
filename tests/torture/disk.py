# SPDX-License-Identifier: GPL-3.0-or-later
"""A4: the disk fails. The nth write or sync of the data file gives an error, once or from then on,
while the daemon boots, takes a bank and serves; it then starts again on a disk that works."""

import os
import signal
import subprocess

from support.daemon import Daemon
from thetad import NoReply, ThetadError
from torture import crowd
from torture.programme import Tally, quiet_close

PROPERTY = "a failing disk loses no acknowledged answer"
METHOD = "nth write or sync fails: EIO, ENOSPC, EINTR, short; once, sticky; restart"
SHARE = 0.16
N_SESSION, N_ITEM = 8, 6
KINDS = ("write", "sync")
FOR_A_MOMENT = "EINTR"  # never for good: who is interrupted tries again, and LMDB does
HOWS = ("EIO", "ENOSPC", "short", FOR_A_MOMENT)
# A store that was never whole must not keep the next one from being made.
BIRTH = (("write", 1, "short", True), ("sync", 1, "EIO", True))
RUN_S = 10
GOOD_ENDS = (0, os.EX_IOERR)
MAP_MIB = 1


def serve(daemon, members):
    """Load and answers until all is done or the daemon has ended. What went wrong, as texts."""
    try:
        crowd.load(daemon, N_ITEM)
    except (ThetadError, NoReply) as error:
        if daemon.process.poll() is None:
            return [f"it runs on, and yet: {error!r}"]
        return []
    clients = crowd.Crowd(daemon, members)
    for thread in clients.threads:
        thread.join(RUN_S)
    return clients.leave()


def end(daemon):
    """SIGTERM where it still runs; the exit code."""
    if daemon.process.poll() is None:
        daemon.process.send_signal(signal.SIGTERM)
    try:
        return daemon.process.wait(RUN_S)
    except subprocess.TimeoutExpired:
        return "none: it does not end"


def new_daemon(context, **options):
    return Daemon(binary=context.binary("asan" if context.short else "plain"), **options)


def count_calls(context):
    """How many writes and syncs a whole run has."""
    daemon = new_daemon(context)
    path = os.path.join(daemon.folder, "count")
    try:
        daemon.start(context.environment("preload_disk", THETA_COUNT=path))
        serve(daemon, crowd.examinees(N_SESSION))
        end(daemon)
        with open(path, encoding="utf-8") as file:
            return dict(zip(KINDS, map(int, file.read().split())))
    finally:
        quiet_close(daemon)


def one_failure(context, kind, n, how, and_on):
    daemon = new_daemon(context)
    members = crowd.examinees(N_SESSION)
    fault = f"{kind}:{n}:{how}{':+' if and_on else ''}"
    found = []
    try:
        daemon.spawn(context.environment("preload_disk", THETA_FAIL=fault))
        try:
            daemon.wait_ready()
        except AssertionError:
            pass  # it did not start at all: its exit code says so
        if daemon.process.poll() is None:
            found += serve(daemon, members)
        code = end(daemon)
        if code not in GOOD_ENDS:
            found.append(f"exit code {code}:\n{daemon.log()}")
        if daemon.process.poll() is None:
            daemon.kill()
        daemon.start()
        found += crowd.Audit(daemon).check(members)
        daemon.stop()
    except AssertionError as error:
        found.append(str(error))
    finally:
        quiet_close(daemon)
    return [f"{fault}: {text}" for text in found]


def full_map(context):
    """The map is full again and again while answers come; nobody notices."""
    daemon = new_daemon(context, map_mib=MAP_MIB, environment=context.environment())
    members = crowd.examinees(N_SESSION)
    try:
        daemon.start()
        found = serve(daemon, members)
        with daemon.client() as client:
            content = {"text": "x" * 8000}
            items = [{"id": f"q{i}", "model": "1PL", "b": 0.01 * i, "content": content}
                     for i in range(300)]
            client.bank_upload("large", items)
        daemon.kill()
        if "was doubled" not in daemon.log():
            found.append("the map was never full")
        if not all(examinee.finished() for examinee in members):
            found.append("not every session came to its end")
        daemon.start()
        found += crowd.Audit(daemon).check(members)
        daemon.stop()
    finally:
        daemon.close()
    return found


def run(context):
    tally = Tally()
    tally.add(full_map(context))
    calls = count_calls(context)
    for fault in BIRTH:
        tally.add(one_failure(context, *fault))
    for i in context.rounds(4, n_least=8):
        kind = KINDS[i % 2]
        n = context.random.randint(1, calls[kind])
        how = HOWS[i // 2 % len(HOWS)]
        sticky = i // 8 % 2 == 1 if not context.short else i // 2 == 1
        tally.add(one_failure(context, kind, n, how, sticky and how != FOR_A_MOMENT))
    tally.faults = tally.rounds
    tally.note = f"of {calls['write']} writes and {calls['sync']} syncs; the map was full and grew"
    return tally
