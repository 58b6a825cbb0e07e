# SPDX-License-Identifier: GPL-3.0-or-later
"""Two frontends of one student: both answer each question at the same moment, differently, each
over a connection of its own. One of the two may be taken, never both."""

import concurrent.futures
import threading

from support import audit
from thetad import NoReply, ThetadError

TRY_S = 0.5  # longer than an undisturbed district takes
N_PAIR = 3


class Pair(threading.Thread):
    """A session after another, until told to leave."""

    def __init__(self, district, test, name):
        super().__init__()
        self.district, self.test, self.name = district, test, name
        self.over = threading.Event()
        self.journal = {}  # session: (told, maybe), see audit.compare
        self.found = []
        self.n_both = 0  # questions both answers to which had a reply
        self.start()

    def run(self):
        clients = [self.district.client(timeout=TRY_S, tries=1) for _ in range(2)]
        try:
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                while not self.over.is_set() and not self.found:
                    self._take_test(clients, pool, f"{self.name}-{len(self.journal)}")
        except Exception as error:  # pylint: disable=broad-except
            self.found.append(f"{self.name}: {error!r}")
        finally:
            for client in clients:
                client.close()

    def _insist(self, client, op, **fields):
        """The reply, however long it takes; None once it is over."""
        while not self.over.is_set():
            try:
                return client.call(op, **fields)
            except NoReply:
                continue
            except ThetadError as error:
                if not error.retry:
                    raise
        return None

    def _take_test(self, clients, pool, session):
        told, maybe = self.journal.setdefault(session, ([], set()))
        state = self._insist(clients[0], "session.start", test=self.test, examinee=self.name,
                             session=session)
        while state and "item" in state and not self.found:
            asked = {"session": session, "seq": state["seq"], "item": state["item"]["id"]}
            replies = list(pool.map(self._answer, clients, (asked, asked), (0, 1)))
            for response, reply in enumerate(replies):
                answer = (asked["seq"], asked["item"], response)
                if isinstance(reply, dict):
                    told.append(answer)
                elif reply is None:
                    maybe.add(answer)
            self.n_both += None not in replies
            taken = [reply for reply in replies if isinstance(reply, dict)]
            if len(taken) == 2:
                self.found.append(f"another: {asked}: both answers were acknowledged")
            state = taken[0] if taken else self._insist(clients[0], "session.get", session=session)
            if state and (state["seq"], state["state"]) < (asked["seq"], "asking"):
                self.found.append(f"lost: {asked} had been asked, now {state}")

    @staticmethod
    def _answer(client, asked, response):
        """The state; None where it is unknown what became of it; a code where it was refused."""
        try:
            return client.call("session.answer", response=response, **asked)
        except NoReply:
            return None
        except ThetadError as error:
            if not error.retry and error.code not in ("conflict", "stale_seq", "finished"):
                raise
            return None if error.retry else error.code


class Rivals:
    def __init__(self, district, test, name):
        self.district = district
        self.pairs = [Pair(district, test, f"{name}-{k}") for k in range(N_PAIR)]

    def leave(self):
        """What went wrong, as texts."""
        for pair in self.pairs:
            pair.over.set()
        for pair in self.pairs:
            pair.join()
        return [text for pair in self.pairs for text in pair.found]

    def counts(self):
        """(answers acknowledged, questions to which both answers had a reply)."""
        return (sum(len(told) for pair in self.pairs for told, _ in pair.journal.values()),
                sum(pair.n_both for pair in self.pairs))

    def audit(self, client):
        """Every answer against the record, once the district is well again."""
        found = []
        for pair in self.pairs:
            for session, (told, maybe) in pair.journal.items():
                found += audit.session(client, session, told, maybe) if told else []
        return found
