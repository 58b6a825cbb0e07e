# SPDX-License-Identifier: GPL-3.0-or-later
"""Positive controls: a daemon with a fault planted in it (engine/base/planted.h) must be found out
by the part of the programme that is there for it, or that part proves nothing."""

import importlib
import sys

TRIES = 6  # a part's short form, with another seed each; those that kill need some luck

# The fault, and the part that must find it.
PLANTED = (
    ("replies before commit", "kill"),
    ("replies before commit", "cuts"),
    ("no sync", "cuts"),
    ("no sync of the meta page", "cuts"),
    ("no sync", "vm"),
    ("seals not checked", "rot"),
    ("mark not looked at", "copies"),
    ("failed commit ignored", "disk"),
    ("repeated answer refused", "kill"),
    ("any question answered", "shared"),
    ("wall clock in events", "clock"),
    ("exp of the C library", "bits"),
    ("exp of the C library", "exchange"),
    ("lengths believed", "hostile"),
    ("parameters told", "canary"),
    ("key logged", "canary"),
    ("ZAP is silent", "doors"),  # here it is right that nobody gets in
    ("ZAP is slow", "doors"),
    ("ZAP talks nonsense", "doors"),
    ("replies before commit", "fate"),
    ("no sync", "fate"),
    ("no sync of the meta page", "fate"),
    ("failed commit ignored", "fate"),
    ("repeated answer refused", "fate"),
    ("any question answered", "fate"),
    ("wall clock in events", "fate"),
    ("parameters told", "fate"),
    ("replies before commit", "district"),
    ("refused append ignored", "district"),
    ("copies not checked", "district"),
    ("reads not confirmed", "district"),
    ("helper stuck", "watchdog"),
    ("auth stuck", "watchdog"),
)


def found_out(context, fault, name):
    """How many tries it took, and the first violation; None where it was not found; 0 and why where
    the part cannot run here."""
    part = importlib.import_module(f"torture.{name}")
    context.planted = fault
    for i_try in range(1, TRIES + 1):
        context.seed += 1
        context.begin()
        try:
            tally = part.run(context)
            if tally.skipped:
                return 0, f"skipped: {tally.skipped}"
            violations = tally.violations
        except Exception as error:  # pylint: disable=broad-except
            violations = [repr(error)]  # the daemon may end, or never serve at all
        if violations:
            return i_try, violations[0].strip().splitlines()[0]
    return None


def run(context, parts):
    """`parts`: only the faults for these; without any: all."""
    n_missed = 0
    rows = [row for row in PLANTED if not parts or row[1] in parts]
    print(f"{'planted fault':28} {'part':8} tries  what was seen")
    for fault, name in rows:
        found = found_out(context, fault, name)
        n_missed += found is None
        n_try, what = found or ("", "NOT FOUND")
        print(f"{fault:28} {name:8} {n_try!s:>5}  {what[:120]}", flush=True)
    print(f"{len(rows)} planted faults, {n_missed} not found")
    sys.exit(1 if n_missed else 0)
