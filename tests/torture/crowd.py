# SPDX-License-Identifier: GPL-3.0-or-later
"""Examinees who take their tests from a daemon that something happens to, and the audit by what
they were told: everything acknowledged is there, in its order, once; the last request again has the
same reply; a request that was cut off has been carried out as a whole or not at all.

Every answer is a function of the session and the item, and so is whether it is first given wrong
and then revised, so that any two runs ask the same questions.
"""

import hashlib
import threading
import time

import zmq

from support import reference
from support.daemon import state_of
from thetad import NoReply, ThetadError
from thetad.client import pack, unpack

TRY_S = 0.5  # how long a client waits before it looks whether the daemon is gone
FLOOD_POLL_MS = 20
BANK = "bank"
TEST = {"test": "torture", "bank": BANK, "reveal": True, "revise": 1,
        "select": {"criterion": "MFI", "randomesque": 5}}


def score_of(session, item):
    """0 or 1, the same in every run."""
    return hashlib.sha256(f"{session} {item}".encode()).digest()[0] & 1


def wavers(session, item):
    """Whether this answer is first given wrong, then revised."""
    return hashlib.sha256(f"{session} {item}".encode()).digest()[1] % 4 == 0


def document(n_item, **fields):
    return {**TEST, "stop": {"any": [{"rule": "length", "at": n_item}]}, **fields}


def bank_items():
    return reference.bank_items("3pl", "3PL")


def load(daemon, n_item, n_bank=None, patience=None, **fields):
    """A bank (its first n_bank items) and a test of n_item questions. `patience`: the client's."""
    with daemon.client(**patience or {}) as client:
        client.bank_upload(BANK, bank_items()[:n_bank])
        client.test_put(document(n_item, **fields))


class Examinee:
    """One session as its examinee saw it: what was acknowledged, and what was not yet."""

    def __init__(self, number, generation=""):
        self.id = f"session-{generation}{number}"
        self.number = number
        self.states = []  # every acknowledged state, in order
        self.done = []  # the fields of the requests that they acknowledge
        self.pending = None  # fields of the request whose reply did not come

    def finished(self):
        return bool(self.states) and self.states[-1]["state"] == "finished"

    def start_fields(self):
        return {"op": "session.start", "test": TEST["test"], "examinee": f"e-{self.number}",
                "session": self.id, "seed": 1000 + self.number}

    def answer_fields(self, state):
        item = state["item"]["id"]
        return {"op": "session.answer", "session": self.id, "seq": state["seq"], "item": item,
                "response": score_of(self.id, item) ^ wavers(self.id, item)}

    def next_fields(self):
        """Start the session, revise the answer just given, or answer the question."""
        if not self.states:
            return self.start_fields()
        last = self.done[-1]
        if last["op"] == "session.answer" and wavers(self.id, last["item"]):
            return {**last, "op": "session.revise", "response": score_of(self.id, last["item"])}
        return self.answer_fields(self.states[-1])

    def acknowledged(self, state):
        self.states.append(state)
        self.done.append(self.pending)

    def step(self, client):
        self.pending = self.next_fields()
        self.acknowledged(state_of(client.call(**self.pending)))
        self.pending = None

    def revisions(self):
        return sum(fields["op"] == "session.revise" for fields in self.done)

    def items(self):
        return [state["item"]["id"] for state, fields in zip(self.states, self.done)
                if "item" in state and fields["op"] != "session.revise"]

    def path(self):
        """All that must not differ between two runs."""
        return [(state["seq"], state.get("item"), state.get("ability"), state.get("result"))
                for state in self.states]


def examinees(n, generation=""):
    return [Examinee(i, generation) for i in range(n)]


class Crowd:
    """Client threads that take the sessions' steps in turn until the daemon is gone. A request that
    is refused with an error is sent again later where `refusals` are allowed."""

    def __init__(self, daemon, members, n_thread=5, refusals=False):
        self.daemon = daemon
        self.n_answer = self.n_refused = 0
        self.longest_s = 0.0  # that a client was without an answer
        self.refusals = refusals
        self.errors = []
        self.gone = threading.Event()
        shares = [members[i::n_thread] for i in range(n_thread)]
        self.served = {}  # thread: when it last had an answer, or began
        self.threads = [threading.Thread(target=self._run, args=(share,)) for share in shares]
        for thread in self.threads:
            self.served[thread] = time.monotonic()
            thread.start()

    def over(self):
        return self.gone.is_set() or self.daemon.process.poll() is not None

    def alive(self):
        return any(thread.is_alive() for thread in self.threads)

    def all_served(self, since):
        """Whether all clients have had an answer after that time, or have nothing left to ask."""
        return all(at > since or not thread.is_alive() for thread, at in self.served.items())

    def _note_answer(self):
        now, thread = time.monotonic(), threading.current_thread()
        self.longest_s = max(self.longest_s, now - self.served[thread])
        self.served[thread] = now
        self.n_answer += 1

    def _run(self, share):
        try:
            with self.daemon.client(timeout=TRY_S, tries=1) as client:
                while not self.over() and not all(examinee.finished() for examinee in share):
                    self._take_turns(client, share)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)

    def _take_turns(self, client, share):
        for examinee in share:
            if self.over():
                return
            if examinee.finished():
                continue
            try:
                examinee.step(client)
                self._note_answer()
            except NoReply:
                pass  # killed, or slow: the same request is sent again
            except ThetadError:
                if not self.refusals:
                    raise
                self.n_refused += 1

    def wait(self, n_answer, seconds):
        """Until so many answers have come, or so much time has gone. Whether they have."""
        deadline = time.monotonic() + seconds
        while self.n_answer < n_answer and self.alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        return self.n_answer >= n_answer

    def leave(self):
        self.gone.set()
        return self.join()

    def join(self):
        """What went wrong, as texts."""
        for thread in self.threads:
            thread.join()
        return [f"a client: {error!r}" for error in self.errors]


class Flood:
    """One thread and one socket for many examinees: each has a request under way at all times,
    until the daemon is gone. Some ten times as fast as a crowd whose clients wait."""

    def __init__(self, daemon, members):
        self.daemon = daemon
        self.members = members
        self.n_answer = 0
        self.errors = []
        self.gone = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            with zmq.Context.instance().socket(zmq.DEALER) as socket:
                socket.linger = 0
                socket.connect(self.daemon.endpoint)
                for number in range(len(self.members)):
                    self._ask(socket, number)
                while not self.gone.is_set() and self.daemon.process.poll() is None:
                    self._take(socket)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)

    def _ask(self, socket, number):
        examinee = self.members[number]
        if not examinee.finished():
            examinee.pending = examinee.next_fields()
            socket.send(pack({"v": 1, "id": number, **examinee.pending}))

    def _take(self, socket):
        while socket.poll(FLOOD_POLL_MS):
            reply = unpack(socket.recv_multipart()[-1])
            if not reply["ok"]:
                raise ThetadError.of_reply(reply)
            examinee = self.members[reply["id"]]
            examinee.acknowledged(state_of(reply))
            examinee.pending = None
            self.n_answer += 1
            self._ask(socket, reply["id"])

    def leave(self):
        """What went wrong, as texts."""
        self.gone.set()
        self.thread.join()
        return [f"a client: {error!r}" for error in self.errors]


class Audit:
    """Compare what the daemon has with what every examinee was told. Violations are texts."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.n_pending = self.n_carried_out = 0

    def check(self, members):
        found = []
        with self.daemon.client() as client:
            for examinee in members:
                self.n_pending += examinee.pending is not None
                try:
                    found += self._survivor(client, examinee)
                except (ThetadError, NoReply) as error:
                    found.append(f"{examinee.id}: {error!r}")
                examinee.pending = None
                items = examinee.items()
                if len(items) != len(set(items)):
                    found.append(f"{examinee.id}: an item twice: {items}")
        return found

    def _survivor(self, client, examinee):
        """Nothing acknowledged is lost, and an open request is taken again."""
        if not examinee.states:
            return []  # its start was not acknowledged; it is sent again some time
        last = examinee.states[-1]
        now = state_of(client.call("session.get", session=examinee.id))
        if now == last:
            return self._repeat_last(client, examinee, last)
        if examinee.pending is None:
            return [f"{examinee.id}: acknowledged {last}, now {now}"]
        moved = (last["seq"] + 1, "asking") if "item" in now else (last["seq"], "finished")
        if examinee.pending["op"] == "session.revise":
            moved = (last["seq"], "asking")
        if (now["seq"], now["state"]) != moved:
            return [f"{examinee.id}: acknowledged {last}, sent {examinee.pending}, now {now}"]
        again = state_of(client.call(**examinee.pending))
        examinee.acknowledged(now)
        self.n_carried_out += 1
        if again != now:
            return [f"{examinee.id}: {examinee.pending} again: {again}, not {now}"]
        return []

    @staticmethod
    def _repeat_last(client, examinee, last):
        """The last acknowledged request again gives the same reply and changes nothing."""
        fields = dict(examinee.done[-1])
        replies = [state_of(client.call(**fields)),
                   state_of(client.call("session.get", session=examinee.id))]
        found = [f"{examinee.id}: {fields} again: {reply}, not {last}"
                 for reply in replies if reply != last]
        if fields["op"] != "session.answer":
            return found
        fields["response"] = 1 - fields["response"]
        try:
            found.append(f"{examinee.id}: a second answer was taken: {client.call(**fields)}")
        except ThetadError as error:
            if error.code not in ("conflict", "finished"):
                found.append(f"{examinee.id}: a second answer: {error}")
        return found
