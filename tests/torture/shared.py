# SPDX-License-Identifier: GPL-3.0-or-later
"""B4: eight clients in two frontends on the same sessions, which agree about nothing: they answer
out of order, late, twice and differently, while the daemon is killed. history.py judges what they
were told."""

import threading
import time

from support.daemon import state_of
from thetad import NoReply, ThetadError
from torture import crowd, history
from torture.programme import Tally

PROPERTY = "one order per session, whoever sends what and when"
METHOD = "8 clients, 2 frontends; retries, late, out of order, different; kill -9; judge"
SHARE = 0.1
N_CLIENT, N_SESSION, N_ITEM = 8, 12, 40
ROUND_S = {True: 3.0, False: 8.0}
KILL_EVERY_S = (0.4, 1.5)


class Frontend(threading.Thread):
    """One client's view of every session, often an old one."""

    def __init__(self, daemon, sessions, until, seed):
        super().__init__()
        self.daemon_under_test = daemon
        self.sessions = sessions  # id -> calls of all clients
        self.until = until
        self.random = seed
        self.known = {session: {} for session in sessions}  # seq -> item

    def run(self):
        with self.daemon_under_test.client(timeout=crowd.TRY_S, tries=1) as client:
            while time.monotonic() < self.until:
                session = self.random.choice(list(self.sessions))
                self.call(client, session, self.choose(session))

    def choose(self, session):
        """What to send: mostly the answer that is due, at times an old, wrong or repeated one."""
        known = self.known[session]
        if not known or self.random.random() < 0.2:
            return history.Call(self.name, "get", 0)
        seq = max(known)
        if self.random.random() < 0.3:
            seq = self.random.choice(list(known))
        response = crowd.score_of(session, known[seq])
        if self.random.random() < 0.2:
            response = 1 - response
        return history.Call(self.name, "answer", 0, seq=seq, item=known[seq], response=response)

    def call(self, client, session, call):
        fields = {"op": "session.get", "session": session}
        if call.op == "answer":
            fields = {"op": "session.answer", "session": session, "seq": call.seq,
                      "item": call.item, "response": call.response}
        call.start = time.monotonic()
        try:
            call.state = state_of(client.call(**fields))
            call.end = time.monotonic()
        except ThetadError as error:
            call.error = error.code
            call.end = time.monotonic()
        except NoReply:
            pass
        self.sessions[session].append(call)
        if call.state and "item" in call.state:
            self.known[session][call.state["seq"]] = call.state["item"]["id"]


def disturb(daemon, context, until):
    """Kill it and start it again until the time is over. How often."""
    n = 0
    while True:
        time.sleep(context.random.uniform(*KILL_EVERY_S))
        if time.monotonic() > until:
            return n
        daemon.kill()
        daemon.start()
        n += 1


def one_round(context, i):
    daemon = context.daemon()
    names = [f"shared-{i}-{k}" for k in range(N_SESSION)]
    sessions = {name: [] for name in names}
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM)
        with daemon.client() as client:
            for name in names:
                client.session_start(crowd.TEST["test"], "e", session=name, seed=i)
        until = time.monotonic() + ROUND_S[context.short]
        seeds = [type(context.random)(context.random.random()) for _ in range(N_CLIENT)]
        clients = [Frontend(daemon, sessions, until, seed) for seed in seeds]
        for client in clients:
            client.start()
        n_kill = disturb(daemon, context, until)
        for client in clients:
            client.join()
        with daemon.client() as client:
            for name in names:
                call = history.Call("last", "get", time.monotonic())
                call.state = state_of(client.call("session.get", session=name))
                call.end = time.monotonic()
                sessions[name].append(call)
        daemon.stop()
    finally:
        daemon.close()
    found = [f"{name}: {text}" for name in names for text in history.violations(sessions[name])]
    return found, n_kill, sum(len(calls) for calls in sessions.values())


def run(context):
    tally = Tally()
    n_call = 0
    for i in context.rounds(1):
        found, n_kill, n = one_round(context, i)
        tally.faults += n_kill
        n_call += n
        tally.add(found)
    tally.note = f"{n_call:,} calls judged"
    return tally
