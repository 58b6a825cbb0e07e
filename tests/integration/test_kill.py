# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 in the middle of fifty sessions, several times: what was acknowledged is there.

Every examinee's answer is a function of the session and the item, so a run without a kill shows
what each session must look like at the end. The seed of the kills is printed; THETAD_TEST_SEED
sets it.
"""

import hashlib
import os
import random
import threading
import time
import unittest

from support import reference
from support.daemon import Daemon, state_of
from thetad import NoReply, ThetadError

N_SESSION = 50
N_THREAD = 5
N_ROUND = 5
N_ITEM = 50  # of one session
ANSWERS_A_ROUND = (200, 420)  # after how many answers in all a round's kill comes
KILL_DELAY_S = 0.01  # and up to so much later
TRY_S = 0.5  # how long a client waits before it looks whether the daemon is gone
TEST = {"test": "kill", "bank": "bank", "reveal": True,
        "select": {"criterion": "MFI", "randomesque": 5},
        "stop": {"any": [{"rule": "length", "at": N_ITEM}]}}


def score_of(session, item):
    """0 or 1, the same in every run."""
    return hashlib.sha256(f"{session} {item}".encode()).digest()[0] & 1


def load(daemon):
    with daemon.client() as client:
        client.bank_upload("bank", reference.bank_items("3pl", "3PL"))
        client.test_put(TEST)


class Examinee:
    """One session as its examinee saw it: what was acknowledged, and what was not yet."""

    def __init__(self, number):
        self.id = f"session-{number}"
        self.number = number
        self.states = []  # every acknowledged state, in order
        self.pending = None  # fields of the request whose reply did not come

    def finished(self):
        return bool(self.states) and self.states[-1]["state"] == "finished"

    def start_fields(self):
        return {"op": "session.start", "test": "kill", "examinee": f"e-{self.number}",
                "session": self.id, "seed": 1000 + self.number}

    def answer_fields(self, state):
        item = state["item"]["id"]
        return {"op": "session.answer", "session": self.id, "seq": state["seq"], "item": item,
                "response": score_of(self.id, item)}

    def step(self, client):
        """Start the session or answer its question."""
        self.pending = self.answer_fields(self.states[-1]) if self.states else self.start_fields()
        self.states.append(state_of(client.call(**self.pending)))
        self.pending = None

    def items(self):
        return [state["item"]["id"] for state in self.states if "item" in state]

    def path(self):
        """All that must not differ between two runs."""
        return [(state["seq"], state.get("item"), state.get("ability"), state.get("result"))
                for state in self.states]


class Crowd:
    """Client threads that take the sessions' steps in turn until the daemon is gone."""

    def __init__(self, daemon, examinees):
        self.daemon = daemon
        self.n_answer = 0
        self.errors = []
        self.gone = threading.Event()
        shares = [examinees[i::N_THREAD] for i in range(N_THREAD)]
        self.threads = [threading.Thread(target=self._run, args=(share,)) for share in shares]
        for thread in self.threads:
            thread.start()

    def over(self):
        return self.gone.is_set() or self.daemon.process.poll() is not None

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
                self.n_answer += 1
            except NoReply:
                pass  # killed, or slow: the same request is sent again

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


class TestKill(unittest.TestCase):
    def setUp(self):
        seed = int(os.environ.get("THETAD_TEST_SEED", time.time_ns() % 10**9))
        print(f"\nTHETAD_TEST_SEED={seed}", flush=True)
        self.random = random.Random(seed)
        self.n_pending = self.n_carried_out = 0

    def run_until_killed(self, daemon, examinees):
        crowd = Crowd(daemon, examinees)
        n_answer = self.random.randint(*ANSWERS_A_ROUND)
        while crowd.n_answer < n_answer and any(t.is_alive() for t in crowd.threads):
            time.sleep(0.001)
        time.sleep(self.random.uniform(0, KILL_DELAY_S))
        self.assertIsNone(daemon.process.poll(), "thetad ended by itself:\n" + daemon.log())
        daemon.kill()
        crowd.gone.set()
        crowd.join()

    def check_survivor(self, client, examinee):
        """After the restart: nothing acknowledged is lost, and an open request is taken again."""
        if not examinee.states:
            return  # its start was not acknowledged; the next round sends it again
        last = examinee.states[-1]
        now = state_of(client.call("session.get", session=examinee.id))
        if now == last:
            self.repeat_last(client, examinee, last)
            return
        self.assertIsNotNone(examinee.pending, f"{examinee.id}: acknowledged {last}, now {now}")
        moved = (last["seq"] + 1, "asking") if "item" in now else (last["seq"], "finished")
        self.assertEqual((now["seq"], now["state"]), moved, examinee.id)
        again = state_of(client.call(**examinee.pending))
        self.assertEqual(again, now, "the answer that had not been acknowledged, again")
        examinee.states.append(now)
        self.n_carried_out += 1

    def repeat_last(self, client, examinee, last):
        """The last acknowledged request again gives the same reply and changes nothing."""
        before = examinee.states[-2:-1]
        fields = examinee.answer_fields(before[0]) if before else examinee.start_fields()
        self.assertEqual(state_of(client.call(**fields)), last, f"repeated {fields}")
        self.assertEqual(state_of(client.call("session.get", session=examinee.id)), last)
        if before:
            fields["response"] = 1 - fields["response"]
            with self.assertRaises(ThetadError) as caught:
                client.call(**fields)
            self.assertIn(caught.exception.code, ("conflict", "finished"), "another answer to it")

    def check_round(self, daemon, examinees):
        with daemon.client() as client:
            for examinee in examinees:
                self.n_pending += examinee.pending is not None
                self.check_survivor(client, examinee)
                examinee.pending = None
                items = examinee.items()
                self.assertEqual(len(items), len(set(items)), f"an item twice: {examinee.id}")

    def run_disturbed(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        load(daemon)
        examinees = [Examinee(i) for i in range(N_SESSION)]
        for _ in range(N_ROUND):
            self.run_until_killed(daemon, examinees)
            self.assertFalse(all(examinee.finished() for examinee in examinees), "killed too late")
            daemon.start()
            self.check_round(daemon, examinees)
        Crowd(daemon, examinees).join()
        self.check_round(daemon, examinees)
        daemon.stop()
        return examinees

    def run_undisturbed(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        load(daemon)
        examinees = [Examinee(i) for i in range(N_SESSION)]
        Crowd(daemon, examinees).join()
        daemon.stop()
        return examinees

    def test_nothing_acknowledged_is_lost(self):
        disturbed = self.run_disturbed()
        undisturbed = self.run_undisturbed()
        for was, should in zip(disturbed, undisturbed):
            self.assertTrue(was.finished() and should.finished(), was.id)
            self.assertEqual(len(should.items()), N_ITEM)
            self.assertEqual(was.path(), should.path(), was.id)
        self.assertGreater(len({tuple(one.items()) for one in undisturbed}), 1)
        print(f"{N_ROUND} kills, {N_SESSION} sessions of {N_ITEM} answers: {self.n_pending} "
              f"requests cut off, {self.n_carried_out} of them carried out", flush=True)


if __name__ == "__main__":
    unittest.main()
