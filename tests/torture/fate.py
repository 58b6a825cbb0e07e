# SPDX-License-Identifier: GPL-3.0-or-later
"""B3: one seed decides what happens to the daemon's own loop and store: messages lost, doubled and
held up, kills, power cuts in the middle of a commit, failing disk and memory, clocks that jump.
tests/fate is the program; a seed that it names is lived again with --from SEED --seeds 1 --tell.
"""

import re
import subprocess

from torture.programme import Tally

PROPERTY = "one history and the same bits, whatever happens"
METHOD = "made-up worlds, each from a seed; every hundredth twice"
SHARE = 0.1
WORLDS = {True: 60, False: 500}  # in one process


def run(context):
    tally = Tally()
    first = context.random.randrange(10**9)
    for _ in context.rounds(1):
        n = WORLDS[context.short]
        done = subprocess.run([context.tool("fate/fate"), "--from", str(first), "--seeds", str(n)],
                              env=context.environment(), capture_output=True, text=True,
                              check=False)
        counts = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", done.stdout)}
        tally.rounds += counts.get("worlds", 0)
        tally.faults += sum(counts.get(name, 0) for name in (
            "lost", "doubled", "kills", "cuts", "disks", "memories", "jumps"))
        tally.violations += [line for line in done.stdout.splitlines() if line.startswith("seed")]
        if done.returncode not in (0, 1):
            tally.violations.append(f"from seed {first}: {done.stderr}")
        first += n
    return tally
