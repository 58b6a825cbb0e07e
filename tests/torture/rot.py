# SPDX-License-Identifier: GPL-3.0-or-later
"""A8: bit rot. A store is damaged at random places; the server gives every session as it was or
refuses it, or does not start and says why. Thousands of times in a checker (tests/fault/rot_check),
some times with the daemon itself, whose log must name what `theta verify` then names too."""

import os
import re
import shutil
import subprocess

from support.daemon import state_of
from thetad import ThetadError
from torture import crowd
from torture.programme import Tally, quiet_close

PROPERTY = "a damaged disk never makes wrong data"
METHOD = "a bit, a byte, a sector, two pages, the end of the store; all read again"
SHARE = 0.12
N_SESSION, N_ITEM, N_BANK = 16, 12, 40
SHORT_FLIPS, CONTROL_FLIPS, FLIPS_A_ROUND = 300, 3000, 5000
SHORT_STARTS, STARTS_A_ROUND = 3, 50
EX_DATAERR = 65
VERDICTS = ("harmless", "damaged", "missing", "refused", "wrong", "died")
COUNTS = re.compile(r"^flips (\d+) " + " ".join(rf"{name} (\d+)" for name in VERDICTS) + r"\n(.*)",
                    re.M)


def make_store(daemon):
    """A store with sessions in the archive, in the journal, and in both; its examinees."""
    daemon.start()
    crowd.load(daemon, N_ITEM, N_BANK)
    members = crowd.examinees(N_SESSION)
    found = crowd.Crowd(daemon, members[::2]).join()
    with daemon.client() as client:
        for i, examinee in enumerate(members[1::2]):
            for _ in range(2 + i):
                examinee.step(client)
    daemon.stop()
    return members, found


def check_flips(context, file, n):
    done = subprocess.run(
        [context.tool("fault/rot_check"), file, str(n), str(context.random.randrange(10**9))],
        capture_output=True, text=True, check=False,
        env={**os.environ, **context.environment(), "ASAN_OPTIONS": "detect_leaks=0"})
    match = COUNTS.search(done.stdout)
    if not match:
        raise AssertionError(f"rot_check ended with {done.returncode}: {done.stdout}{done.stderr}")
    return [int(match[i]) for i in range(1, 8)], match[8]


def ask_all(daemon, members):
    """Every session is as its examinee saw it, or is refused and named in the log."""
    found, n_refused = [], 0
    with daemon.client() as client:
        for examinee in members:
            try:
                now = state_of(client.call("session.get", session=examinee.id))
                if now != examinee.states[-1]:
                    found.append(f"{examinee.id}: acknowledged {examinee.states[-1]}, now {now}")
            except ThetadError as error:
                n_refused += 1
                if error.code != "internal" or f"session={examinee.id} " not in daemon.log():
                    found.append(f"{examinee.id}: {error}")
    return found, n_refused


def one_start(context, daemon, sound, members):
    """Damage the store, start, ask. What went wrong, and what became of it."""
    data = bytearray(sound)
    at = context.random.randrange(len(data))
    data[at] ^= 1 << context.random.randrange(8)
    with open(f"{daemon.folder}/data/data.mdb", "wb") as file:
        file.write(data)
    open(daemon.log_path, "wb").close()
    daemon.spawn()
    try:
        daemon.wait_ready()
    except AssertionError:
        if daemon.process.poll() == EX_DATAERR and "level=error" in daemon.log():
            return [], "did not start"
        return [f"byte {at}: exit code {daemon.process.poll()}:\n{daemon.log()}"], "died"
    found, n_refused = ask_all(daemon, members)
    daemon.process.terminate()
    if daemon.process.wait(30) != 0:
        found.append(f"byte {at}: it ended with {daemon.process.returncode}:\n{daemon.log()}")
    end = "refused a session" if n_refused else "harmless"
    return [f"byte {at}: {text}" for text in found], end


def n_flip(context):
    """A control wants wrong data to come out, and most flips do no harm."""
    if context.planted:
        return CONTROL_FLIPS
    return SHORT_FLIPS if context.short else FLIPS_A_ROUND


def run(context):
    tally = Tally()
    ends, sums = {}, [0] * 7
    for _ in context.rounds(1):
        daemon = context.daemon("asan" if context.short else "plain", idle_s=1)
        try:
            members, found = make_store(daemon)
            file = f"{daemon.folder}/data/data.mdb"
            shutil.copy(file, f"{daemon.folder}/sound")
            with open(file, "rb") as stream:
                sound = stream.read()
            n = n_flip(context)
            counts, text = check_flips(context, f"{daemon.folder}/sound", n)
            sums = [a + b for a, b in zip(sums, counts)]
            if counts[5] + counts[6]:
                found.append(f"{counts[5]} wrong, {counts[6]} died: {text}")
            if counts[2] == 0 and not context.planted:
                found.append("no damage was a session's alone")
            for _ in range(SHORT_STARTS if context.short else STARTS_A_ROUND):
                wrong, end = one_start(context, daemon, sound, members)
                found += wrong
                ends[end] = ends.get(end, 0) + 1
        finally:
            quiet_close(daemon)
        tally.add(found)
    tally.faults = sums[0] + sum(ends.values())
    starts = ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))
    tally.note = (f"{sums[1]:,} harmless, {sums[2]:,} refused a session and served the others, "
                  f"{sums[3]:,} did not find one, {sums[4]:,} did not start and said why; "
                  f"the daemon itself: {starts}")
    return tally
