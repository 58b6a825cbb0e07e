# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that leave memory, because they sat idle or have ended, come back as they were."""

import time
import unittest

from support import reference
from support.daemon import Daemon, state_of
from thetad import ThetadError

N_SESSION = 12
N_ITEM = 12
WAIT_S = 60


def score_of(session):
    return int(session.item["id"][1:]) % 2


class TestArchive(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(idle_s=1)
        self.addCleanup(self.daemon.close)
        self.daemon.start()
        self.client = self.daemon.client()
        self.addCleanup(self.client.close)
        self.client.bank_upload("bank", reference.bank_items("3pl", "3PL"))
        self.client.test_put({"test": "test", "bank": "bank", "reveal": True,
                              "select": {"randomesque": 3},
                              "stop": {"any": [{"rule": "length", "at": N_ITEM}]}})

    def start(self, name):
        return [self.client.session_start("test", "e", session=f"{name}-{i}", seed=100 + i)
                for i in range(N_SESSION)]

    def answer(self, session, n_answer):
        """What the session told along up to n answers, and the fields of the last one."""
        path, fields = [], None
        while session.item and len(path) < n_answer:
            fields = {"session": session.id, "seq": session.seq, "item": session.item["id"],
                      "response": score_of(session)}
            session.answer(score=fields["response"])
            path.append([session.state.get(key) for key in ("item", "ability", "result")])
        return path, fields

    def answer_all(self, sessions, n_answer=N_ITEM):
        return [self.answer(session, n_answer)[0] for session in sessions]

    def wait_until_gone(self):
        deadline = time.monotonic() + WAIT_S
        while self.client.stats()["gauges"]["sessions_live"] > 0:
            self.assertLess(time.monotonic(), deadline, "sessions stay in memory")
            time.sleep(0.1)

    def leave(self, how):
        """Let every session leave memory, or the daemon end, or both."""
        if "idle" in how:
            self.wait_until_gone()
        if "kill" in how:
            self.daemon.kill()
            self.daemon.start()
        if "restart" in how:
            self.daemon.restart()

    def test_sessions_go_on(self):
        sessions = self.start("away")
        paths = [[] for _ in sessions]
        for how in ("idle", "idle kill", "kill idle", "idle restart"):
            for path, more in zip(paths, self.answer_all(sessions, 2)):
                path += more
            sessions[0].suspend()
            states = [state_of(session.state) for session in sessions]
            self.leave(how)
            self.assertEqual([state_of(session.get()) for session in sessions], states, how)
            sessions[0].resume()
        for path, rest in zip(paths, self.answer_all(sessions)):
            path += rest
        self.assertEqual(paths, self.answer_all(self.start("calm")))

    def test_last_answer_again(self):
        """In the middle of a test, and the one that ended it."""
        middle, ended = self.start("again")[:2]
        for session, n_answer in ((middle, 4), (ended, N_ITEM)):
            _, fields = self.answer(session, n_answer)
            self.leave("idle kill")
            told = state_of(self.client.call("session.answer", **fields))
            self.assertEqual(told, state_of(session.state))
            fields["response"] = 1 - fields["response"]
            with self.assertRaises(ThetadError) as caught:
                self.client.call("session.answer", **fields)
            self.assertIn(caught.exception.code, ("conflict", "finished"))

    def test_ids_stay_taken(self):
        sessions = self.start("taken")
        sessions[0].finish()
        self.leave("idle")
        for session in sessions[:2]:
            again = self.client.session_start("test", "e", session=session.id, seed=1)
            self.assertEqual(state_of(again.state), state_of(session.state))
            with self.assertRaises(ThetadError) as caught:
                self.client.session_start("test", "another", session=session.id)
            self.assertEqual(caught.exception.code, "exists")

    def test_told_whole_after_a_kill(self):
        """Events that the archive and the journal both have are told, and erased, once."""
        session = self.start("whole")[0]
        self.answer(session, 3)
        asked = {"answers": ("session.answers", {"session": session.id}),
                 "pick": ("session.explain", {"session": session.id, "seq": 2}),
                 "export": ("examinee.export", {"examinee": "e"})}

        def told():
            replies = {key: self.client.call(op, **fields) for key, (op, fields) in asked.items()}
            by_id = {each["session"]: each for each in replies["export"]["sessions"]}
            return (replies["answers"]["answers"], replies["pick"]["items"],
                    by_id[session.id]["events"])

        before = told()
        self.leave("idle kill")
        self.assertEqual(told(), before)
        erased = self.client.call("examinee.erase", examinee="e")
        self.assertEqual(erased["n_sessions"], N_SESSION)

    def test_retired_while_away(self):
        sessions = self.start("retired")
        self.answer_all(sessions, 3)
        self.leave("idle")
        calm = [[item["id"] for item, _, _ in path if item]
                for path in self.answer_all(self.start("calm"))]
        on_screen = {path[2] for path in calm}
        retired = {path[6] for path in calm} - on_screen
        self.assertGreater(len(retired), 1)
        for item in retired:
            self.client.call("bank.retire", bank="bank", item=item)
        self.daemon.restart()
        later = [[item["id"] for item, _, _ in path if item] for path in self.answer_all(sessions)]
        self.assertFalse(retired & {item for path in later for item in path})
        self.assertNotEqual(later, [path[3:] for path in calm])


if __name__ == "__main__":
    unittest.main()
