# SPDX-License-Identifier: GPL-3.0-or-later
"""A4: the disk fails. The nth write, sync, open and so on of the store gives an error, once or from
then on, while the daemon boots, takes a bank, serves, makes a backup and ends; it then starts again
on a disk that works. In the long form each n, with one client, so that n means the same each time;
in the short form a few with several."""

import functools
import os
import shutil
import signal
import subprocess
import time

from support.daemon import Daemon
from thetad import NoReply, ThetadError
from torture import crowd
from torture.programme import Tally, quiet_close

PROPERTY = "a failing disk loses no acknowledged answer"
METHOD = "nth write, sync, open .. fails: EIO, ENOSPC, EINTR, short; once, sticky; restart"
SHARE = 0.16
N_SESSION, N_ITEM = 8, 6
N_ITEM_OF_ALL, N_BANK_OF_ALL = 12, 40
FOR_A_MOMENT = "EINTR"  # never for good: who is interrupted tries again, and LMDB does
HOWS = ("EIO", "ENOSPC", "short", FOR_A_MOMENT)
KINDS = ("write", "sync")
# In the order of preload_disk.c, and what each can fail with.
ALL_KINDS = {"write": HOWS, "sync": ("EIO", "ENOSPC", FOR_A_MOMENT), "open": ("EIO", "ENOSPC"),
             "length": ("EIO", "ENOSPC"), "map": ("EIO",), "close": ("EIO",),
             "place": ("EIO", "ENOSPC")}
# A store that was never whole must not keep the next one from being made.
BIRTH = (("write", 1, "short", True), ("sync", 1, "EIO", True))
RUN_S, LOAD_S = 60, 2.0  # as long as on a machine that has much else to do
GOOD_ENDS = (0, os.EX_IOERR)
MAP_MIB = 1


def serve(context, daemon, members):
    """Load, answers and a backup until all is done or the daemon has ended. What went wrong, as
    texts."""
    found = load(context, daemon)
    if daemon.process.poll() is not None:
        return found
    clients = crowd.Crowd(daemon, members, n_thread=5 if context.short else 1)
    for thread in clients.threads:
        thread.join(RUN_S)
    return found + clients.leave() + backup(context, daemon)


def load(context, daemon):
    """A bank and a test, once more where no reply comes and the daemon lives."""
    deadline = time.monotonic() + RUN_S
    sizes = (N_ITEM,) if context.short else (N_ITEM_OF_ALL, N_BANK_OF_ALL)
    error = None
    while daemon.process.poll() is None and time.monotonic() < deadline:
        try:
            crowd.load(daemon, *sizes, patience={"timeout": LOAD_S, "tries": 1})
            return []
        except (ThetadError, NoReply) as refusal:
            error = refusal
    if daemon.process.poll() is not None:
        return []
    return [f"it runs on, and yet: {error!r}\n{daemon.log()}"]


def backup(context, daemon):
    """It may be refused, and what is told to be there is whole."""
    if daemon.process.poll() is not None:
        return []
    shutil.rmtree(f"{daemon.folder}/restored", ignore_errors=True)
    try:
        with daemon.client(tries=1) as client:
            client.call("admin.backup", name="copy")
    except (ThetadError, NoReply):
        return []
    told = subprocess.run([context.theta("asan" if context.short else "plain"), "restore",
                           f"{daemon.folder}/backup/copy", f"{daemon.folder}/restored"],
                          capture_output=True, text=True, check=False)
    return [f"the backup: {told.stderr}"] if told.returncode else []


def end(daemon):
    """SIGTERM where it still runs; the exit code."""
    if daemon.process.poll() is None:
        daemon.process.send_signal(signal.SIGTERM)
    try:
        return daemon.process.wait(RUN_S)
    except subprocess.TimeoutExpired:
        return "none: it does not end"


def new_daemon(context, **options):
    daemon = Daemon(binary=context.binary("asan" if context.short else "plain"), **options)
    daemon.settings = [f"[store] backup_dir = {daemon.folder}/backup"]
    daemon.write_config("info")
    return daemon


def count_calls(context):
    """How many calls of each kind a whole run has."""
    daemon = new_daemon(context)
    path = os.path.join(daemon.folder, "count")
    try:
        daemon.start(context.environment("preload_disk", THETA_COUNT=path))
        serve(context, daemon, crowd.examinees(N_SESSION))
        end(daemon)
        with open(path, encoding="utf-8") as file:
            return dict(zip(ALL_KINDS, map(int, file.read().split())))
    finally:
        quiet_close(daemon)


def one_failure(context, fault):
    kind, n, how, and_on = fault
    daemon = new_daemon(context)
    members = crowd.examinees(N_SESSION)
    what = f"{kind}:{n}:{how}{':+' if and_on else ''}"
    found = []
    try:
        daemon.spawn(context.environment("preload_disk", THETA_FAIL=what))
        try:
            daemon.wait_ready()
        except AssertionError:
            pass  # it did not start at all: its exit code says so
        if daemon.process.poll() is None:
            found += serve(context, daemon, members)
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
    return [f"{what}: {text}" for text in found]


def full_map(context):
    """The map is full again and again while answers come; nobody notices."""
    daemon = new_daemon(context, map_mib=MAP_MIB, environment=context.environment())
    members = crowd.examinees(N_SESSION)
    try:
        daemon.start()
        found = serve(context, daemon, members)
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


def all_faults(calls):
    """Each call of each kind, first failing once, then for good."""
    return [(kind, n, how, and_on) for and_on in (False, True) for kind, hows in ALL_KINDS.items()
            for how in hows if not (and_on and how == FOR_A_MOMENT)
            for n in range(1, calls[kind] + 1)]


def some_faults(context, calls):
    """Of every kind and way a few, at random moments: the short form."""
    for i in range(4):
        kind, how = KINDS[i % 2], HOWS[i // 2 % len(HOWS)]
        yield kind, context.random.randint(1, calls[kind]), how, i // 2 == 1


def tried(context, faults, calls):
    """What went wrong, fault by fault."""
    try_one = functools.partial(one_failure, context)
    if context.short:
        return map(try_one, some_faults(context, calls))
    return context.each(faults, try_one)


def run(context):
    tally = Tally()
    tally.add(full_map(context))
    calls = count_calls(context)
    faults = all_faults(calls)
    for fault in BIRTH:
        tally.add(one_failure(context, fault))
    for found in tried(context, faults, calls):
        tally.faults += 1
        tally.add(found)
    tally.note = (", ".join(f"{n} of {kind}" for kind, n in calls.items())
                  + f"; {context.place(faults, tally.faults)}; the map was full and grew")
    return tally
