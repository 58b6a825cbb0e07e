# SPDX-License-Identifier: GPL-3.0-or-later
"""A7: memory runs out in the daemon. One allocation after the other fails, once and then with all
that follow, in each thing that it does. It may refuse, and it may end (libzmq ends the process
where it gets no memory), but what it acknowledged is there after a restart."""

import copy
import functools
import mmap
import os
import shutil
import signal
import struct
import subprocess

from support.daemon import Daemon
from thetad import NoReply, ThetadError
from torture import crowd
from torture.programme import Tally, quiet_close

PROPERTY = "no memory: nothing acknowledged is lost"
METHOD = "each allocation fails, once and from then on, in each phase; restart, audit"
SHARE = 0.1
N_SESSION, N_ITEM, N_BANK, N_BEFORE = 4, 6, 30, 3
SERVE_S, STUCK_S = 3.0, 5.0
EX_UNAVAILABLE, EX_OSERR, EX_IOERR, EX_TEMPFAIL = 69, 71, 74, 75
GOOD_ENDS = (0, EX_UNAVAILABLE, EX_OSERR, EX_IOERR, EX_TEMPFAIL)  # what systemd restarts after
# libzmq ends the process where it gets no memory, and when its context is made it looks up a
# protocol by its name, for which glibc (2.36, nss_database.c) dies. The stack of a crash tells.
CRASHES = (-signal.SIGABRT, -signal.SIGSEGV)
CRASH_ZMQ = 2
REFUSED = (ThetadError, NoReply)


class Switch:
    """The file that tests/fault/preload_memory.c shares with us."""

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(24))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 24)

    def turn(self, on):
        self.map[:8] = struct.pack("q", on)

    def n_seen(self):
        return struct.unpack("q", self.map[8:16])[0]

    def is_crash_of_zmq(self):
        """Whether the innermost code of the stack was libzmq's, but for the C library's."""
        return struct.unpack("q", self.map[16:])[0] == CRASH_ZMQ


class Trial:
    """A daemon and what its clients were told before one phase and in it."""

    def __init__(self, context, template):
        self.context = context
        self.daemon = new_daemon(context)
        self.members = []
        self.told = set()  # what else was acknowledged
        self.switch = Switch(os.path.join(self.daemon.folder, "switch"))
        if template:
            shutil.rmtree(f"{self.daemon.folder}/data")
            shutil.copytree(template.folder, f"{self.daemon.folder}/data")
            self.members = copy.deepcopy(template.members)

    def client(self):
        return self.daemon.client(timeout=SERVE_S, tries=1)


class Template:
    """A store with sessions under way, in which the phases begin."""

    def __init__(self, context, folder):
        self.folder = folder
        self.members = crowd.examinees(N_SESSION)
        daemon = new_daemon(context)
        try:
            daemon.start(context.environment())
            crowd.load(daemon, N_ITEM, N_BANK)
            with daemon.client() as client:
                for examinee in self.members:
                    for _ in range(N_BEFORE):
                        examinee.step(client)
            daemon.stop()
            shutil.copytree(f"{daemon.folder}/data", folder)
        finally:
            quiet_close(daemon)


def new_daemon(context):
    daemon = Daemon(binary=context.binary("plain"), idle_s=3600)
    daemon.settings = [f"[store] backup_dir = {daemon.folder}/backup"]
    daemon.write_config("info")
    return daemon


def bank_import(trial):
    try:
        with trial.client() as client:
            client.bank_upload("second", crowd.bank_items()[:N_BANK])
            trial.told.add("second")
    except REFUSED:
        pass


def answers(trial):
    clients = crowd.Crowd(trial.daemon, trial.members, n_thread=1, refusals=True)
    clients.wait(N_SESSION * (N_ITEM + 1), SERVE_S)
    return clients.leave()


def backup(trial):
    try:
        with trial.client() as client:
            client.call("admin.backup", name="copy")
            trial.told.add("copy")
    except REFUSED:
        pass


def verify(trial):
    """What is whole may not be called damaged."""
    try:
        with trial.client() as client:
            reply = client.call("log.verify")
            while not reply["done"]:
                reply = client.call("log.verify", run=reply["run"])
            return [f"{reply['n_faults']} faults: {reply}"] if reply["n_faults"] else []
    except REFUSED:
        return []


def shutdown(trial):
    trial.daemon.process.send_signal(signal.SIGTERM)
    wait(trial.daemon)


# What is done while memory fails; None: the start itself, and whether the store is an old one.
PHASES = {"start": (None, False), "replay": (None, True), "import": (bank_import, True),
          "answers": (answers, True), "backup": (backup, True), "verify": (verify, True),
          "shutdown": (shutdown, True)}


def wait(daemon):
    """The exit code, None where it does not end."""
    try:
        return daemon.process.wait(STUCK_S)
    except subprocess.TimeoutExpired:
        return None


def do_phase(trial, act, variables):
    """The phase with its fault. What went wrong."""
    found = []
    if not act:
        trial.switch.turn(True)
    trial.daemon.spawn(trial.context.environment("preload_memory", **variables))
    try:
        trial.daemon.wait_ready()
    except AssertionError:
        if act:
            raise
    if act:
        trial.switch.turn(True)
        found = act(trial) or []
    trial.switch.turn(False)
    return found


def end_of(trial, found):
    """It is asked to end; how it did."""
    daemon = trial.daemon
    if daemon.process.poll() is None:
        daemon.process.send_signal(signal.SIGTERM)
    code = wait(daemon)
    if code is None:
        daemon.kill()
        return "hung"  # the watchdog of systemd ends that
    if code not in GOOD_ENDS and not (code in CRASHES and trial.switch.is_crash_of_zmq()):
        found.append(f"ended with {code}:\n{daemon.log()[-2000:]}")
    return f"ended with {code}" if code else "served on"


def audit(trial):
    """After a start with memory all is there that was acknowledged."""
    context, daemon = trial.context, trial.daemon
    daemon.start(context.environment())
    found = crowd.Audit(daemon).check(trial.members)
    with daemon.client() as client:
        banks = {bank["bank"] for bank in client.call("bank.list")["banks"]}
    found += [f"bank {name} is gone" for name in (trial.told & {"second"}) - banks]
    if "copy" in trial.told:
        found += restore(context, daemon.folder)
    daemon.stop()
    return found


def restore(context, folder):
    told = subprocess.run([context.theta(), "restore", f"{folder}/backup/copy",
                           f"{folder}/restored"], capture_output=True, text=True, check=False)
    return [f"the backup: {told.stderr}"] if told.returncode else []


def one_failure(context, template, fault):
    """What went wrong, how it ended, and how many allocations there were."""
    phase, n, and_on = fault
    act, has_store = PHASES[phase]
    trial = Trial(context, template if has_store else None)
    variables = {"THETA_MALLOC_FAIL": n, "THETA_MALLOC_GO": f"{trial.daemon.folder}/switch"}
    if and_on:
        variables["THETA_MALLOC_ON"] = 1
    end = "not started"
    try:
        found = do_phase(trial, act, variables)
        n_seen = trial.switch.n_seen()
        end = end_of(trial, found)
        found += audit(trial)
    except AssertionError as error:
        found, n_seen = [str(error)], 0
    finally:
        quiet_close(trial.daemon)
    what = f"{phase}: allocation {n}{' and on' if and_on else ''}"
    return [f"{what}: {text}" for text in found], end, n_seen


def all_faults(context, template, tally):
    """Each allocation of each phase, first failing once, then with all later ones."""
    counts = {}
    for phase in PHASES:
        found, _, counts[phase] = one_failure(context, template, (phase, 0, False))
        tally.add(found)
    return counts, [(phase, n, and_on) for and_on in (False, True) for phase in PHASES
                    for n in range(1, counts[phase] + 1)]


def run(context):
    tally = Tally()
    if not context.has("plain"):
        tally.skipped = "needs a daemon without AddressSanitizer"
        return tally
    ends = {}
    with context.folder() as folder:
        template = Template(context, f"{folder}/template")
        counts, faults = all_faults(context, template, tally)
        try_one = functools.partial(one_failure, context, template)
        for found, end, _ in context.each(faults, try_one, 4):
            ends[end] = ends.get(end, 0) + 1
            tally.faults += 1
            tally.add(found)
    tally.note = "; ".join((
        "allocations: " + ", ".join(f"{phase} {n}" for phase, n in counts.items()),
        context.place(faults, tally.faults),
        ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))))
    return tally
