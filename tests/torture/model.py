# SPDX-License-Identifier: GPL-3.0-or-later
"""B5: the way of an answer as a model (tests/model/answer.pml), every order of its steps tried by
spin: two clients with two frontends each, three answers, two crashes (in the short form one client,
and two answers of two); then with each fault planted in it, which must be found."""

import re
import shutil
import subprocess

from torture.programme import HERE, Tally

PROPERTY = "no order of steps loses an acknowledged answer"
METHOD = "model of submit, commit, reply, crash, retry; spin, exhaustive; planted faults"
SHARE = 0.02
MODEL = HERE.parent / "model" / "answer.pml"
SOUND = {True: ("-DCLIENTS=1", "-DANSWERS=2"), False: ("-DCLIENTS=2",)}
FAULTS = ("-DFAULT=1", "-DFAULT=2", "-DFAULT=3", "-DFAULT=4")
DEPTH, TABLE = "-m10000", "-w24"  # steps of a way; the hash table's bits


def explore(folder, options):
    """(states, errors) of the model with these options."""
    for command in (["spin", *options.split(), "-a", str(MODEL)],
                    ["gcc", "-O2", "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    told = subprocess.run([f"{folder}/pan", DEPTH, TABLE], cwd=folder, capture_output=True,
                          text=True, check=True).stdout
    if "Search not completed" in told and "errors: 0" in told or "max search depth" in told:
        raise AssertionError(told)
    return (int(re.search(r"(\d+) states, stored", told)[1]),
            int(re.search(r"errors: (\d+)", told)[1]))


def run(context):
    tally = Tally(skipped="" if shutil.which("spin") else "needs spin: apt-get install spin")
    if tally.skipped:
        return tally
    n_state = 0
    with context.folder() as folder:
        for options in SOUND[context.short]:
            states, errors = explore(folder, options)
            n_state += states
            tally.add([f"{options}: {errors} errors"] if errors else [])
        for options in FAULTS:
            tally.faults += 1
            tally.add([] if explore(folder, options)[1] else [f"{options}: not found"])
    tally.note = f"{n_state:,} states, all of them; each planted fault was found"
    return tally
