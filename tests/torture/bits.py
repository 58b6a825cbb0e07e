# SPDX-License-Identifier: GPL-3.0-or-later
"""B1: the same session has the same bits with every compiler, optimization and processor. In the
short form one build, on a processor with and without FMA and AVX2 as far as the C library is
concerned, and in another locale; else builds by gcc and clang at O0, O2 and O3 too."""

import os
import shutil
import subprocess

from torture.programme import HERE, Tally

PROPERTY = "the same session has the same bits everywhere"
METHOD = "one hash of all outcomes; gcc, clang x O0, O2, O3 x FMA, AVX2 x locale"
SHARE = 0.1
A_ROUND, CONTROL_SESSIONS = 60, 100
PROCESSORS = ("", "-FMA,-FMA4", "-FMA,-FMA4,-AVX2,-AVX2_Usable,-AVX_Usable",
              "-SSE4_1,-SSE4_2,-AVX2,-FMA")
LEVELS = ("-O0", "-O2", "-O3")
LOCALE = "de_DE.UTF-8"


def run_hash(program, n, start, processor, planted=None):
    environment = {**os.environ, "LC_ALL": LOCALE, "LC_NUMERIC": LOCALE}
    if processor:
        environment["GLIBC_TUNABLES"] = f"glibc.cpu.hwcaps={processor}"
    if planted:
        environment["THETA_PLANTED"] = planted
    return subprocess.run([program, str(n), str(start)], env=environment, capture_output=True,
                          text=True, check=True).stdout.strip()


def build(context, compiler, level):
    """A build of bits_hash alone; None where there is no such compiler."""
    if not shutil.which(compiler):
        return None
    folder = context.builds["tools"].parent / "bits" / (compiler + level)
    folder.mkdir(parents=True, exist_ok=True)
    commands = (["cmake", "-S", str(HERE.parent.parent), "-B", str(folder), "-G", "Ninja",
                 f"-DCMAKE_C_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=None",
                 f"-DCMAKE_C_FLAGS={level} -Wno-error"],
                ["cmake", "--build", str(folder), "--target", "bits_hash"])
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, text=True)
    return str(folder / "tests" / "torture" / "bits_hash")


def programs(context):
    yield "this build", context.tool("torture/bits_hash")
    if context.short:
        return
    for compiler in ("gcc", "clang"):
        for level in LEVELS:
            program = build(context, compiler, level)
            if program:
                yield compiler + level, program


def one_round(context, ready, n, start):
    """The same sessions by every program on every processor: hash to who has it."""
    hashes = {}
    for name, program in ready:
        for processor in PROCESSORS:
            told = run_hash(program, n, start, processor, context.planted)
            hashes.setdefault(told, []).append(f"{name} {processor}")
    return hashes


def run(context):
    tally = Tally()
    n = CONTROL_SESSIONS if context.planted else A_ROUND
    ready = list(programs(context))
    for i in context.rounds(1):
        hashes = one_round(context, ready, n, i * n)
        tally.faults += n * len(ready) * len(PROCESSORS)
        tally.add([f"several hashes: {hashes}"] if len(hashes) > 1 else [])
    tally.note = (f"each fault is a session taken and replayed, {tally.rounds * n:,} different; "
                  f"{len(ready)} builds, {len(PROCESSORS)} processors")
    return tally
