#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programme of faults: ./run torture [SECONDS]. Prints a table, one row for each property, and
ends with 1 where one was violated. Without SECONDS every part has a few rounds (`./run test` has
these, one test for each part). The seed is told; --seed has a run again.
"""

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "clients" / "python")]

# pylint: disable=wrong-import-position
from torture import controls  # noqa: E402
from torture.programme import Context, Tally, seed_of_environment  # noqa: E402

# Those that may be skipped come first, so that their time goes to the others.
PARTS = ("vm", "district", "model", "races", "exchange", "noise",
         "kill", "cuts", "disk", "memory", "clock", "signals", "reader", "bits", "shared",
         "rot", "copies", "overload", "doors", "connections", "soak",
         "garbage", "hostile", "canary", "watchdog", "fate")
SKIPPED = 77  # what ctest takes for "skipped", see SKIP_RETURN_CODE
ROW = "{:9} {:48} {:>7} {:>9} {:>10}"


def run_part(name, part, seconds, context):
    """The tally of one part; what went wrong with the part itself is a violation too."""
    start = time.monotonic()
    context.begin(seconds)
    try:
        tally = part.run(context)
    except Exception:  # pylint: disable=broad-except
        tally = Tally(violations=[traceback.format_exc()])
    show(name, part, tally, time.monotonic() - start)
    return tally


def run_parts(names, seconds, context):
    """The tallies. Each part has its share of the time that those before it have left."""
    parts = [(name, importlib.import_module(f"torture.{name}")) for name in names]
    end = time.monotonic() + (seconds or 0)
    tallies = []
    for i, (name, part) in enumerate(parts):
        share = part.SHARE / sum(other.SHARE for _, other in parts[i:])
        left = max(0.0, end - time.monotonic()) if seconds else None
        tallies.append(run_part(name, part, left and left * share, context))
    return tallies


def show(name, part, tally, seconds):
    count = "skipped" if tally.skipped else len(tally.violations)
    print(ROW.format(name, part.PROPERTY, tally.rounds, f"{tally.faults:,}", count))
    print(f"{'':9} {part.METHOD}; {seconds:.0f} s")
    for text in filter(None, (tally.skipped, tally.note)):
        print(f"{'':9} {text}")
    for text in tally.violations[:5]:
        print("    " + text.strip()[-2000:].replace("\n", "\n    "))
    print(flush=True)


def builds_of(arguments):
    return dict(text.split("=", 1) for text in arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", action="append", default=[], metavar="KIND=FOLDER",
                        help="where the tools, plain, asan and tsan builds are")
    parser.add_argument("--seconds", type=int, help="for all parts together")
    parser.add_argument("--rounds", type=int, help="of each part that has rounds")
    parser.add_argument("--seed", type=int, default=seed_of_environment())
    parser.add_argument("--controls", action="store_true",
                        help="with builds that have planted faults: are they found?")
    parser.add_argument("part", nargs="*", help=f"of {' '.join(PARTS)}; without any: all")
    options = parser.parse_args()
    context = Context(builds_of(options.build), options.seed, short=options.seconds is None,
                      n_round=options.rounds)
    print(f"seed {options.seed}", flush=True)
    if options.controls:
        controls.run(context, options.part)
    print(ROW.format("part", "property; method", "rounds", "faults", "violations"))
    tallies = run_parts(options.part or PARTS, options.seconds, context)
    n_bad = sum(len(tally.violations) for tally in tallies)
    print(f"{sum(tally.rounds for tally in tallies)} rounds, "
          f"{sum(tally.faults for tally in tallies):,} faults, {n_bad} violations")
    sys.exit(1 if n_bad else SKIPPED if all(tally.skipped for tally in tallies) else 0)


if __name__ == "__main__":
    main()
