# SPDX-License-Identifier: GPL-3.0-or-later
"""What one session's examinee and proctor see: states, stop rules, scores, scales and cuts."""

import time
import unittest

from support.daemon import DaemonTestCase, state_of

OPTIONS = ["red", "green", "blue"]


def items(n=20):
    return [{"id": f"q{i}", "model": "2PL", "a": 0.8 + i / 20, "b": (i - n / 2) / 4 + 0.0385,
             "options": OPTIONS, "key": "green", "set": f"s{i % 3}",
             "content": {"stem": f"question {i}", "picture": b"\x89PNG"}} for i in range(n)]


class TestSessions(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client.bank_upload("bank", items())
        cls.client.bank_upload("graded", [
            {"id": f"g{i}", "model": "GRM", "a": 1.1 + i / 9, "b": [-1.2, 0.385],
             "options": ["never", "often", "always"]} for i in range(4)])

    def start(self, name, **document):
        bank = document.pop("bank", "bank")
        self.client.test_put({"test": name, "bank": bank, "reveal": True, **document})
        return self.client.session_start(name, "e", seed=3)

    def answer_all(self, session, **answer):
        while session.item:
            session.answer(**answer)
        return session.result

    def test_question_and_progress(self):
        session = self.start("look", stop={"min_items": 3, "any": [{"rule": "length", "at": 5}]})
        item = session.item
        self.assertEqual(item["content"], {"stem": f"question {item['id'][1:]}",
                                           "picture": b"\x89PNG"})
        self.assertEqual((item["options"], item["set"]), (OPTIONS, f"s{int(item['id'][1:]) % 3}"))
        self.assertLessEqual(set(item), {"id", "content", "set", "options"})
        for seq in range(1, 6):
            self.assertEqual(session.seq, seq)
            self.assertEqual(session.state["progress"], {"asked": seq, "min": 3, "max": 5})
            session.answer(raw="green")
        self.assertEqual((session.seq, session.result["stop"]), (5, "length"))
        self.assertEqual(session.state["progress"]["asked"], 5)

    def test_raw_answers_and_scores_agree(self):
        stop = {"any": [{"rule": "length", "at": 6}]}
        by_score, by_raw = self.start("score", stop=stop), self.start("raw", stop=stop)
        for raw in ("green", "red", "green", "blue", "red", "green"):
            by_score.answer(score=int(raw == "green"))
            by_raw.answer(raw=raw)
            for key in ("item", "ability", "result"):
                self.assertEqual(by_raw.state.get(key), by_score.state.get(key))

    def test_option_without_key_is_its_category(self):
        by_score = self.start("graded-score", bank="graded")
        by_raw = self.start("graded-raw", bank="graded")
        for score, raw in ((2, "always"), (0, "never"), (1, "often")):
            by_score.answer(score=score)
            by_raw.answer(raw=raw)
            self.assertEqual(by_raw.state["ability"], by_score.state["ability"])
        self.assertEqual(self.answer_all(by_raw, raw="often")["stop"], "pool")

    def test_omitted_answers(self):
        stop = {"any": [{"rule": "length", "at": 4}]}
        wrong, ignored = self.start("wrong", stop=stop), self.start("ignored", omit="ignored",
                                                                    stop=stop)
        zero = self.start("zero", stop=stop)
        before = ignored.state["ability"]
        for _ in range(4):
            wrong.answer()
            zero.answer(score=0)
            ignored.answer()
        self.assertEqual(wrong.result, zero.result)
        self.assertEqual(ignored.result["theta"], before["theta"])
        self.assertNotEqual(wrong.result["theta"], before["theta"])

    def test_ability_before_the_first_answer(self):
        start = {"theta": 0.385}
        eap = self.start("first-eap", start=start, estimate={"prior": {"sd": 1.25}})
        self.assertEqual(eap.state["ability"], {"theta": 0.385, "se": 1.25})
        wle = self.start("first-wle", start=start, estimate={"method": "WLE"})
        self.assertEqual(wle.state["ability"], {"theta": 0.385, "se": None})
        eap.finish()
        self.assertEqual((eap.result["theta"], eap.result["stop"]), (0.385, "request"))

    def test_prior_of_one_examinee(self):
        self.start("prior")
        sessions = [self.client.session_start("prior", "e", seed=3, prior=prior)
                    for prior in ({"mean": 0, "sd": 1}, {"mean": 0.75, "sd": 0.5})]
        usual, other = [self.answer_all(session, score=1) for session in sessions]
        self.assertNotEqual(usual["theta"], other["theta"])
        self.assertLess(other["se"], usual["se"])

    def test_stop_rules(self):
        se = self.start("se", stop={"any": [{"rule": "se", "at": 0.6}]})
        self.assertEqual(self.answer_all(se, score=1)["stop"], "se")
        self.assertLessEqual(se.result["se"], 0.6)
        least = self.start("least", stop={"min_items": 15, "any": [{"rule": "se", "at": 0.6}]})
        self.assertEqual(self.answer_all(least, score=1)["stop"], "se")
        self.assertEqual(least.seq, 15)
        both = self.start("both", stop={"all": [{"rule": "se", "at": 5},
                                                {"rule": "length", "at": 7}]})
        self.answer_all(both, score=1)
        self.assertEqual(both.seq, 7)
        pool = self.start("pool", stop={"any": [{"rule": "length", "at": 30}]})
        self.assertEqual(self.answer_all(pool, score=1)["stop"], "pool")
        self.assertEqual(pool.seq, 20)

    def test_length_comes_before_min_items(self):
        session = self.start("length", stop={"min_items": 15, "any": [{"rule": "length", "at": 4}]})
        self.assertEqual(self.answer_all(session, score=1)["stop"], "length")
        self.assertEqual(session.seq, 4)

    def test_time_leaves_out_suspensions(self):
        session = self.start("time", stop={"any": [{"rule": "time", "at_ms": 1000}]})
        session.answer(score=1)
        session.suspend()
        time.sleep(1.1)
        session.resume()
        session.answer(score=1)
        self.assertEqual(session.state["state"], "asking")
        time.sleep(1.1)
        session.answer(score=1)
        self.assertEqual((session.state["state"], session.result["stop"]), ("finished", "time"))

    def test_suspend_and_resume(self):
        session = self.start("pause")
        session.answer(score=1)
        asking = state_of(session.state)
        session.suspend()
        self.assertEqual((session.state["state"], session.item), ("suspended", None))
        self.refused("conflict", "session.answer", session=session.id, seq=2,
                     item=asking["item"]["id"], response=1)
        self.daemon.restart()
        self.assertEqual(session.get()["state"], "suspended")
        self.assertEqual(state_of(session.resume()), asking)
        session.suspend()
        self.assertEqual(session.finish()["state"], "finished")

    def test_final_estimate_scale_and_cuts(self):
        cuts = [{"name": "basic", "theta": -0.8}, {"name": "proficient", "theta": 0.2}]
        scale = {"slope": 10, "intercept": 200, "min": 190, "max": 215}
        stop = {"any": [{"rule": "length", "at": 8}]}
        seen = set()
        for name, scores in (("low", "00000000"), ("middle", "01001010"), ("high", "11111111")):
            session = self.start(f"final-{name}", stop=stop, scale=scale, cuts=cuts,
                                 final={"method": "WLE"})
            responses = []
            for score in scores:
                responses.append([session.item["id"], int(score)])
                session.answer(score=int(score))
            told = session.result
            wle = self.client.irt_estimate(responses, bank="bank", method="WLE")
            self.assertAlmostEqual(told["theta"], wle["theta"], delta=1e-9)
            self.assertAlmostEqual(told["se"], wle["se"], delta=1e-9)
            self.assertAlmostEqual(told["scale"], min(215, max(190, 200 + 10 * told["theta"])))
            names = [cut["name"] for cut in cuts if cut["theta"] <= told["theta"]]
            self.assertEqual(told.get("classification"), names[-1] if names else None)
            seen.add(told.get("classification"))
        self.assertEqual(seen, {None, "basic", "proficient"})

    def test_rank_is_what_a_session_asks(self):
        session = self.start("rank")
        responses = []
        for score in (1, 0, 1):
            ranked = self.client.irt_rank(bank="bank", responses=responses, top=3) if responses \
                else self.client.irt_rank(bank="bank", theta=0, top=3)
            self.assertEqual(ranked["ranked"][0][0], session.item["id"])
            values = [value for _, value in ranked["ranked"]]
            self.assertEqual(values, sorted(values, reverse=True))
            responses.append([session.item["id"], score])
            session.answer(score=score)

    def test_seed_decides_the_draws(self):
        self.start("draws", select={"randomesque": 5})
        paths = []
        for seed in (7, 7, 8):
            session = self.client.session_start("draws", "e", seed=seed)
            path = []
            while session.item:
                path.append(session.item["id"])
                session.answer(score=1)
            paths.append(path)
        self.assertEqual(paths[0], paths[1])
        self.assertNotEqual(paths[0], paths[2])


if __name__ == "__main__":
    unittest.main()
