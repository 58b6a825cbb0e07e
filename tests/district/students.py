#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Students of one process: each thread takes test after test through the balancer until its
standard input ends, and journals what it sent and what it was told.

On standard output, twice a second, a line of JSON: answers, seconds that each took, requests that
are out, errors. At the end the journal is in the file named: a line of JSON for each session.
"""

import argparse
import json
import random
import sys
import threading
import time

from thetad import Client, NoReply, ThetadError

REPORT_S = 0.5


class Student(threading.Thread):
    def __init__(self, name, options):
        super().__init__()
        self.name = name
        self.options = options
        self.random = random.Random(name)
        self.sessions = []  # {"session", "answers": [[seq, item, response]], "open", "state"}
        self.took = []  # (when it was told, seconds) of requests since the last report
        self.out_since = None
        self.errors = []
        self.over = threading.Event()

    def call(self, client, op, **fields):
        self.out_since = time.monotonic()
        reply = client.call(op, **fields)
        now = time.monotonic()
        self.took.append(now - self.out_since)
        self.out_since = None
        return reply

    def run(self):
        with Client(self.options.endpoint, timeout=2.0, deadline=self.options.deadline,
                    reconnect=20.0) as client:
            n = 0
            while not self.over.is_set() and not self.errors:
                try:
                    self.take_test(client, f"{self.name}-{n}")
                except (NoReply, ThetadError) as error:
                    self.errors.append(f"{self.name}-{n}: {error!r}")
                n += 1

    def take_test(self, client, session):
        journal = {"session": session, "answers": [], "open": None, "state": None}
        self.sessions.append(journal)
        state = self.call(client, "session.start", test=self.options.test, examinee=self.name,
                          session=session)
        journal["state"] = state["state"]
        while "item" in state and not self.over.is_set():
            self.over.wait(self.random.expovariate(1.0 / self.options.think))
            answer = [state["seq"], state["item"]["id"], self.random.randrange(2)]
            journal["open"] = answer
            state = self.call(client, "session.answer", session=session, seq=answer[0],
                              item=answer[1], response=answer[2])
            journal["answers"].append(answer)
            journal["open"], journal["state"] = None, state["state"]


def report(students):
    took = []
    for student in students:
        took += student.took[:]
        del student.took[:len(student.took)]
    waits = [time.monotonic() - since for since in (s.out_since for s in students) if since]
    line = {"took": [round(t, 5) for t in took], "out": len(waits),
            "longest_out": max(waits, default=0.0),
            "errors": [error for student in students for error in student.errors]}
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--students", type=int, required=True)
    parser.add_argument("--think", type=float, required=True, help="mean seconds for an answer")
    parser.add_argument("--deadline", type=float, default=60.0)
    parser.add_argument("--journal", required=True)
    options = parser.parse_args()
    students = [Student(f"{options.name}-{i}", options) for i in range(options.students)]
    for student in students:
        student.start()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(REPORT_S):
        report(students)
    for student in students:
        student.over.set()
    for student in students:
        student.join()
    report(students)
    with open(options.journal, "w", encoding="utf-8") as file:
        for student in students:
            file.writelines(json.dumps(journal) + "\n" for journal in student.sessions)


if __name__ == "__main__":
    main()
