# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that a person scores, answers that are revised, and what teachers and proctors see of
them: over the socket, and with theta session and theta plot session."""

import itertools
import json
import os
import subprocess
import unittest
from xml.dom import minidom

from support.daemon import DaemonTestCase, state_of

MOST_WRITTEN = 16384
TIMEOUT_S = 60
EX_USAGE, EX_DATAERR = 64, 65


def items():
    """Nine items of four categories, every third one scored by a person."""
    return [{"id": f"q{i}", "model": "GPCM", "a": 0.9 + i / 10,
             "b": [-1.385 + i / 4, -0.3 + i / 5, 0.7 + i / 6],
             **({"scored": "later"} if i % 3 == 0 else {})} for i in range(9)]


class AnswersTestCase(DaemonTestCase):
    TCP_ROLES = "teacher"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client.bank_upload("mixed", items())
        cls.client.test_put({"test": "mixed", "bank": "mixed", "revise": 2, "reveal": True,
                             "final": {"method": "WLE"},
                             "scale": {"slope": 10, "intercept": 200, "min": 100, "max": 300},
                             "cuts": [{"name": "low", "theta": -9}, {"name": "high", "theta": 0}],
                             "stop": {"any": [{"rule": "length", "at": 6}]}})

    @classmethod
    def sit(cls, session):
        """Take the test; what a person scores gets a text. The numbers of those answers."""
        written = []
        sitting = cls.client.session_start("mixed", "pupil:1", session=session, seed=5)
        while sitting.item:
            if "scored" in sitting.item:
                written.append(sitting.seq)
                sitting.answer(raw=f"text {sitting.seq}", elapsed_ms=31000)
            else:
                sitting.answer(score=sitting.seq % 4)
        return written


class TestWritten(AnswersTestCase):
    def test_a_text_is_kept_up_to_its_limit(self):
        self.client.test_put({"test": "essay", "bank": "mixed", "start": {"items": ["q0", "q3"]}})
        session = self.client.session_start("essay", "e", session="long")
        error = self.refused("too_large", "session.answer", session="long", seq=1, item="q0",
                             response="x" * (MOST_WRITTEN + 1))
        self.assertEqual(error.field, "response")
        self.refused("bad_response", "session.answer", session="long", seq=1, item="q0", response=1)
        session.answer(raw="\u00e4" * (MOST_WRITTEN // 2))
        session.answer()
        self.assertEqual(session.pending, 2)
        first, second = session.answers()["answers"]
        self.assertEqual(first["response"], "\u00e4" * (MOST_WRITTEN // 2))
        self.assertEqual((first["score"], first["pending"], first["max"]), (None, True, 3))
        self.assertIsNone(second["response"])

    def test_long_texts_come_in_short_pages(self):
        self.client.bank_upload("essays", [
            {"id": f"w{i}", "model": "1PL", "b": i / 40, "scored": "later"} for i in range(40)])
        self.client.test_put({"test": "essays", "bank": "essays",
                              "stop": {"any": [{"rule": "length", "at": 40}]}})
        session = self.client.session_start("essays", "e", session="long-ones")
        while session.item:
            session.answer(raw=f"{session.seq:05}" + "x" * (MOST_WRITTEN - 5))
        page = self.client.call("session.answers", session="long-ones")
        self.assertLess(len(page["answers"]), 40)
        whole = session.answers()
        self.assertEqual([answer["seq"] for answer in whole["answers"]], list(range(1, 41)))
        self.assertTrue(all(int(answer["response"][:5]) == answer["seq"]
                            for answer in whole["answers"]))

    def test_scores_in_any_order_make_the_same_result(self):
        results = []
        written = self.sit("order-0")
        self.assertGreaterEqual(len(written), 2)
        for i, order in enumerate(itertools.permutations(written)):
            if i > 0:
                self.assertEqual(self.sit(f"order-{i}"), written)
            for seq in order:
                before = self.client.session(f"order-{i}")
                state = self.client.session_score(f"order-{i}", seq, seq % 4)
                self.assertEqual(state.get("pending", 0), before.pending - 1)
                self.assertEqual(state["result"]["stop"], "length")
            results.append(state["result"])
        self.assertTrue(all(result == results[0] for result in results))

    def test_a_result_outlives_a_kill(self):
        written = self.sit("killed")
        first = self.client.session_score("killed", written[0], 3)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(state_of(self.client.call("session.get", session="killed")),
                         state_of(first))
        again = self.client.session_score("killed", written[0], 3)
        self.assertEqual(state_of(again), state_of(first), "the same again")
        corrected = self.client.session_score("killed", written[0], 0)
        self.assertLess(corrected["result"]["theta"], first["result"]["theta"])


class TestRevision(AnswersTestCase):
    def test_an_essay_that_is_rewritten_waits_again(self):
        self.client.test_put({"test": "again", "bank": "mixed", "revise": 1, "reveal": True,
                              "start": {"items": ["q0"]}})
        session = self.client.session_start("again", "e", session="again")
        session.answer(raw="a third")
        scored = self.client.session_score("again", 1, 3)
        self.assertNotIn("pending", scored)
        session.revise(1, "q0", raw="a quarter")
        self.assertEqual((session.pending, session.state["ability"]["theta"]), (1, 0.0))
        answer, = session.answers()["answers"]
        self.assertEqual((answer["response"], answer["revised"], answer["score"]),
                         ("a quarter", 1, None))


class TestTheta(AnswersTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.written = cls.sit("shown")
        cls.client.session_start("mixed", "pupil:2", session="other")

    def theta(self, *arguments, endpoint=None):
        program = os.environ.get("THETA_BIN")
        if not program:
            raise unittest.SkipTest("THETA_BIN does not name the command")
        return subprocess.run(
            [program, "--endpoint", endpoint or self.daemon.endpoint, *arguments],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def shown(self, *arguments, **where):
        done = self.theta(*arguments, **where)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_list(self):
        text = self.shown("session", "list")
        self.assertIn("shown", text)
        self.assertIn("other", text)
        text = self.shown("session", "list", "--state", "asking", "--test", "mixed")
        self.assertIn("other", text)
        self.assertNotIn("shown", text)
        page = json.loads(self.shown("session", "list", "--examinee", "pupil:2", "--json"))
        self.assertEqual([row["session"] for row in page["sessions"]], ["other"])
        self.assertEqual(self.theta("session", "list", "--state", "new").returncode, EX_DATAERR)

    def test_answers_and_scores(self):
        text = self.shown("session", "answers", "shown")
        self.assertEqual(text.count("waits"), len(self.written))
        self.assertIn(f"text {self.written[0]}", text)
        state = json.loads(self.shown("session", "score", "shown", str(self.written[0]), "2",
                                      "--json"))
        self.assertEqual(state["state"], "finished")
        answers = json.loads(self.shown("session", "answers", "shown", "--json"))["answers"]
        self.assertEqual(answers[self.written[0] - 1]["score"], 2)
        self.assertEqual(self.theta("session", "score", "shown", "1", "x").returncode,
                         EX_USAGE)
        self.assertEqual(self.theta("session", "score", "shown", "99", "1").returncode, EX_DATAERR)

    def test_picture(self):
        picture = self.shown("plot", "session", "shown")
        minidom.parseString(picture)
        self.assertEqual(picture.count("c-point c-p"), 6)
        self.assertIn("all questions of the test have been asked (length)", picture)
        without = self.shown("plot", "session", "shown", endpoint=self.daemon.tcp_endpoint)
        minidom.parseString(without)
        self.assertEqual(without.count("c-point c-p"), 0, "only an author may see the items")
        minidom.parseString(self.shown("plot", "session", "other"))


if __name__ == "__main__":
    unittest.main()
