# SPDX-License-Identifier: GPL-3.0-or-later
"""A judge of histories: what several clients sent about one session, and what they were told.

A Call is one request with its times. Its end is None where no reply came: then it may have been
carried out at any time after it began, even much later, or never. The judge knows the rules of the
protocol and nothing else:

  1  an answer that was taken stays: nobody is told of an earlier question after that
  2  of several answers to one question one counts: two different ones are never both taken
  3  the same request has the same reply: what a taken answer leads to is told alike to all
  4  no item is asked twice, and a question is asked with one item
  5  the session moves by answers only: nobody is told of a question whose answer nobody sent
  6  `conflict` and `stale_seq` have a reason: another answer may have been taken by then
"""

import bisect
import dataclasses
import itertools
from typing import Any, Optional

NEVER = float("inf")


@dataclasses.dataclass
class Call:
    client: str
    op: str  # "answer" or "get"
    start: float
    end: Optional[float] = None  # None: no reply came
    seq: int = 0  # of an answer: its question,
    item: Any = None  # its item
    response: Any = None  # and what was given
    state: Optional[dict] = None  # of a good reply
    error: Optional[str] = None  # of another one

    def what(self):
        return (self.item, self.response)

    def __str__(self):
        told = f"{self.state}" if self.state else self.error or "no reply"
        sent = f"{self.op} {self.seq} {self.response}" if self.op == "answer" else self.op
        return f"{self.client} {self.start:.4f}-{self.end or NEVER:.4f} {sent}: {told}"


def asked(state):
    """The question that a state is about, counted so that an ended session comes after its last."""
    return state["seq"] + (state["state"] in ("finished", "voided"))


def is_further(a, b):
    return asked(a.state) > asked(b.state)


def check_forward(calls):
    """Rule 1: whoever begins after somebody was told of a question is told of no earlier one."""
    told = sorted((c for c in calls if c.state), key=lambda c: c.end)
    ends = [c.end for c in told]
    furthest = list(itertools.accumulate(told, lambda a, b: b if is_further(b, a) else a))
    for call in told:
        n_before = bisect.bisect_left(ends, call.start)
        if n_before and is_further(furthest[n_before - 1], call):
            yield f"went back: {furthest[n_before - 1]}, then {call}"


def check_one_answer(calls):
    """Rules 2 and 3."""
    taken = {}
    for call in (c for c in calls if c.op == "answer" and c.state):
        first = taken.setdefault(call.seq, call)
        if first.what() != call.what():
            yield f"two answers were taken: {first} and {call}"
        elif first.state != call.state:
            yield f"two replies to one answer: {first} and {call}"
        elif asked(call.state) != call.seq + 1:
            yield f"an answer leads to the next question: {call}"


def check_items(calls):
    """Rule 4."""
    item_of, seq_of = {}, {}
    for call in (c for c in calls if c.state and "item" in c.state):
        seq, item = call.state["seq"], call.state["item"]["id"]
        if item_of.setdefault(seq, item) != item:
            yield f"question {seq} was asked with {item_of[seq]} and {item}: {call}"
        if seq_of.setdefault(item, seq) != seq:
            yield f"item {item} was asked as {seq_of[item]} and {seq}: {call}"


def first_tries(calls):
    """{question: {answer: when it was first sent}}, without those that were refused each time."""
    first = {}
    for call in (c for c in calls if c.op == "answer" and not c.error):
        tries = first.setdefault(call.seq, {})
        tries[call.what()] = min(call.start, tries.get(call.what(), NEVER))
    return first


def check_moves(calls):
    """Rule 5."""
    first = {seq: min(tries.values()) for seq, tries in first_tries(calls).items()}
    for call in (c for c in calls if c.state):
        if any(first.get(seq, NEVER) > call.end for seq in range(1, asked(call.state))):
            yield f"nobody answered an earlier question: {call}"


def check_refusals(calls):
    """Rule 6."""
    first = first_tries(calls)
    told = sorted((c for c in calls if c.state), key=lambda c: c.end)
    ends = [c.end for c in told]
    furthest = list(itertools.accumulate((asked(c.state) for c in told), max))
    for call in (c for c in calls if c.op == "answer" and c.error):
        others = [start for what, start in first.get(call.seq, {}).items() if what != call.what()]
        if call.error == "conflict" and min(others, default=NEVER) > call.end:
            yield f"nothing to conflict with: {call}"
        n_before = bisect.bisect_left(ends, call.start)
        at_least = furthest[n_before - 1] if n_before else 1
        tried = [start for tries in [first.get(call.seq, {})] for start in tries.values()]
        if (call.error == "stale_seq" and call.seq == at_least
                and min(tried, default=NEVER) > call.end):
            yield f"not stale: {call}"


def violations(calls):
    """Everything wrong with the calls of one session, as texts."""
    rules = (check_forward, check_one_answer, check_items, check_moves, check_refusals)
    return [text for rule in rules for text in rule(calls)]
