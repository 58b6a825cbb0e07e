# SPDX-License-Identifier: GPL-3.0-or-later
"""B5: the way of an answer as a model (tests/model/answer.pml), every order of its steps tried by
spin: each session alone with three answers and two crashes, in the long form two together with one
answer; then with each fault planted in it, which must be found."""

import re
import shutil
import subprocess

from torture.programme import HERE, Tally

PROPERTY = "no order of steps loses an acknowledged answer"
METHOD = "model of submit, commit, reply, crash, retry; spin, exhaustive; 3 planted faults"
SHARE = 0.02
MODEL = HERE.parent / "model" / "answer.pml"
SOUND = ("-DSESSION=1", "-DSESSION=2", "-DSESSION=0 -DANSWERS=1 -DCRASHES=1")
FAULTS = ("-DSESSION=2 -DFAULT=1", "-DSESSION=2 -DFAULT=2", "-DSESSION=1 -DFAULT=3")
DEPTH = "-m1000000"


def explore(folder, options):
    """(states, errors) of the model with these options."""
    for command in (["spin", *options.split(), "-a", str(MODEL)],
                    ["gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    told = subprocess.run([f"{folder}/pan", DEPTH, "-w22"], cwd=folder, capture_output=True,
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
        for options in SOUND[:2] if context.short else SOUND:
            states, errors = explore(folder, options)
            n_state += states
            tally.add([f"{options}: {errors} errors"] if errors else [])
        for options in FAULTS:
            tally.faults += 1
            tally.add([] if explore(folder, options)[1] else [f"{options}: not found"])
    tally.note = f"{n_state:,} states, all of them; each planted fault was found"
    return tally
