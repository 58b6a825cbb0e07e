# SPDX-License-Identifier: GPL-3.0-or-later
"""Several dimensions over the wire: scores against mirt's, tests and criteria against mirtCAT's."""

import itertools
import math
import unittest

from support import reference
from support.daemon import DaemonTestCase, state_of

PRIOR = {"dist": "normal", "mean": [0, 0], "cov": [[1, 0.5], [0.5, 1]]}
GRID = {"min": -6, "max": 6, "nodes": 61, "rule": "sum"}
THETA_TOLERANCE = {"EAP": 1e-8, "MAP": 1e-5}  # as the reference data states
COV_TOLERANCE = {"EAP": 1e-8, "MAP": 1e-4}
VALUE_TOLERANCE = 1e-6  # relative
CHOICE_GAP = 1e-4


def golden(folder, name):
    return reference.rows(reference.GOLDEN, folder, name)


def m3pl_items():
    return [{"id": reference.item_id(row["item"]), "model": "M3PL",
             "a": [float(row["a1"]), float(row["a2"])], "d": float(row["d"]),
             "c": float(row["g"])} for row in golden("mcat", "m3pl_items.csv")]


def document(test, criterion, **more):
    return {"test": test, "bank": "m3pl", "reveal": True, "start": {"items": ["i1", "i21"]},
            "estimate": {"method": "MAP", "prior": PRIOR}, "select": {"criterion": criterion},
            "stop": {"any": [{"rule": "length", "at": 12}]}, **more}


class TestGoldenDims(DaemonTestCase):
    def close(self, got, want, tolerance, where):
        self.assertLessEqual(abs(got - want), tolerance, f"{got}, not {want}: {where}")

    def test_scores_of_mirt(self):
        self.client.bank_upload("m2pl", [
            {"id": reference.item_id(row["item"]), "model": "M2PL",
             "a": [float(row["a1"]), float(row["a2"])], "d": float(row["d"])}
            for row in golden("mirt", "score_m2pl_items.csv")])
        rows = golden("mirt", "score_m2pl.csv")
        self.assertEqual(len(rows), 126)
        for row in rows:
            responses = [[f"i{i + 1}", int(digit)] for i, digit in enumerate(row["responses"])
                         if digit != "."]
            for method in ("EAP", "MAP"):
                told = self.client.call("irt.estimate", bank="m2pl", responses=responses,
                                        method=method, prior=PRIOR, grid=GRID)
                for m in range(2):
                    self.close(told["theta"][m], float(row[f"{method}{m + 1}"]),
                               THETA_TOLERANCE[method], row)
                    self.assertEqual(told["se"][m], math.sqrt(told["cov"][m][m]))
                for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
                    v = row[f"{method}_v{min(i, j) + 1}{max(i, j) + 1}"]
                    self.close(told["cov"][i][j], float(v), COV_TOLERANCE[method], row)

    def ability(self, state):
        return state["result"] if state["state"] == "finished" else state["ability"]

    def run_trace(self, test, steps):
        """Take the test; after a choice that is near a tie only the values could be compared."""
        session = self.client.session_start(test, examinee=f"person-{steps[0]['person']}")
        for n, step in enumerate(steps):
            if session.item["id"] != reference.item_id(step["item"]):
                self.assertLessEqual(float(step["gap"]), CHOICE_GAP, f"another item than {step}")
                return n
            session.answer(score=int(step["response"]))
            told = self.ability(session.state)
            for m in range(2):
                self.close(told["theta"][m], float(step[f"theta{m + 1}"]), 1e-5, step)
                self.close(told["se"][m], float(step[f"se{m + 1}"]), 1e-4, step)
        self.assertEqual(session.state["state"], "finished")
        self.assertEqual(session.state["result"]["stop"], "length")
        self.assertIsNone(session.state["result"]["quality"]["lz_star"])
        return len(steps)

    def compare_values(self, criterion, person, steps):
        """The criterion's values at mirtCAT's theta, which is that of the step before."""
        rows = [row for row in golden("mcat", "m3pl_criteria.csv")
                if row["criterion"] == criterion and row["person"] == person]
        for number, values in itertools.groupby(rows, lambda row: int(row["step"])):
            before = steps[:number - 1]
            told = self.client.call(
                "irt.rank", bank="m3pl", criterion=criterion, top=60, prior=PRIOR, method="MAP",
                theta=[float(before[-1]["theta1"]), float(before[-1]["theta2"])],
                responses=[[reference.item_id(s["item"]), int(s["response"])] for s in before])
            ranked = dict(told["ranked"])
            for row in values:
                want = float(row["value"])
                self.close(ranked[reference.item_id(row["item"])] / want, 1.0, VALUE_TOLERANCE,
                           row)
            best = max(ranked.values())
            self.assertEqual(told["ranked"][0][1], best)

    def test_tests_of_mirtcat(self):
        self.client.bank_upload("m3pl", m3pl_items())
        trace = golden("mcat", "m3pl_trace_MAP.csv")
        n = 0
        for (criterion, person), steps in itertools.groupby(
                trace, lambda row: (row["criterion"], row["person"])):
            steps = list(steps)
            self.client.test_put(document(criterion, criterion))
            with self.subTest(criterion=criterion, person=person):
                n += self.run_trace(criterion, steps)
                self.compare_values(criterion, person, steps)
        self.assertGreater(n, 0.9 * len(trace))

    def test_curves(self):
        item = m3pl_items()[40]
        theta = [[0.3, -1.1], [2.0, 0.5]]
        curve, = self.client.irt_curve(theta, items=[item])
        for at, p, info in zip(theta, curve["p"], curve["info"]):
            logistic = 1 / (1 + math.exp(-(sum(a * t for a, t in zip(item["a"], at)) + item["d"])))
            right = item["c"] + (1 - item["c"]) * logistic
            self.close(p[1], right, 1e-12, at)
            for i, j in itertools.product(range(2), repeat=2):
                want = logistic ** 2 * (1 - right) / right * item["a"][i] * item["a"][j]
                self.close(info[i][j], want, 1e-11, at)

    def test_a_session_survives_a_restart(self):
        """With the posterior mean, whose grid is made again, and a prior of the examinee's own."""
        self.client.bank_upload("m3pl", m3pl_items())
        self.client.test_put({"test": "mean", "bank": "m3pl", "reveal": True,
                              "stop": {"any": [{"rule": "length", "at": 8},
                                               {"rule": "se", "at": 0.6}]}})
        own = {"mean": [0.5, -0.5], "cov": [[1, 0.3], [0.3, 2]]}
        session = self.client.session_start("mean", examinee="e-1", session="s-1", prior=own)
        self.assertEqual(session.state["ability"]["theta"], [0.0, 0.0])
        self.assertEqual(session.state["ability"]["se"], [1.0, math.sqrt(2)])
        for score in (1, 0, 1):
            session.answer(score=score)
        before = state_of(self.client.call("session.get", session="s-1"))
        why = self.client.call("session.explain", session="s-1")
        self.assertEqual(why["criterion"], "DPrule")
        self.assertEqual(why["theta"], before["ability"]["theta"])
        self.daemon.restart()
        self.assertEqual(state_of(self.client.call("session.get", session="s-1")), before)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(state_of(self.client.call("session.get", session="s-1")), before)
        while session.item:
            session.answer(score=1)
        result = session.state["result"]
        self.assertIn(result["stop"], ("length", "se"))
        self.assertEqual(len(result["theta"]), 2)
        if result["stop"] == "se":
            self.assertLessEqual(max(result["se"]), 0.6)

    def refused_at(self, code, field, op, **fields):
        error = self.refused(code, op, **fields)
        self.assertIn(field, [error.field] + [fault.get("field") for fault in error.faults or ()])

    def test_refuses_what_is_for_one_dimension(self):
        self.client.bank_upload("m3pl", m3pl_items())
        for field, part in {
                "estimate.method": {"estimate": {"method": "ML"}},
                "estimate.prior.dist": {"estimate": {"prior": {"dist": "jeffreys"}}},
                "estimate.prior.mean": {"estimate": {"prior": {"mean": [0, 0, 0]}}},
                "estimate.grid.nodes": {"estimate": {"grid": {"nodes": 200}, "method": "EAP"}},
                "select.criterion": {"select": {"criterion": "MFI"}},
                "select.weights": {"select": {"weights": [1, 1, 1]}},
                "start.theta": {"start": {"theta": [0, 0, 0]}},
                "start.thetas": {"start": {"thetas": [0, 0]}},
                "stop": {"stop": {"any": [{"rule": "min_info", "at": 0.1}]}},
                "scale": {"scale": {"slope": 10}},
                "cuts": {"cuts": [{"name": "x", "theta": 0}]},
                "exposure.rule": {"exposure": {"rule": "a-stratified"}}}.items():
            with self.subTest(field=field):
                made = {"test": "bad", "bank": "m3pl", **part}
                self.refused_at("invalid_test", field, "test.put", document=made)
        self.refused_at("bad_request", "method", "irt.estimate", bank="m3pl", responses=[],
                     method="WLE")
        self.refused_at("bad_request", "se", "irt.estimate", bank="m3pl", responses=[], se="exact")
        self.refused_at("bad_request", "theta", "irt.curve", bank="m3pl", theta=[0.0])
        self.refused_at("bad_request", "theta", "irt.rank", bank="m3pl", theta=0.0)
        self.refused_at("bad_request", "weights", "irt.rank", bank="m3pl", theta=[0, 0],
                     weights=[1])
        self.refused_at("bad_request", "criterion", "irt.rank", bank="m3pl", theta=[0, 0],
                     criterion="KL")
        self.client.test_put({"test": "good", "bank": "m3pl"})
        self.refused_at("bad_request", "prior.cov", "session.start", test="good", examinee="e",
                     prior={"mean": 0, "cov": [[1]]})
        self.client.bank_upload("one", [{"id": "q", "model": "2PL", "a": 1, "b": 0}])
        self.refused_at("invalid_test", "select.criterion", "test.put",
                     document={"test": "bad", "bank": "one", "select": {"criterion": "Drule"}})

    def test_weights_are_the_documents(self):
        """With all weight on one dimension only its items are worth asking."""
        self.client.bank_upload("m3pl", m3pl_items())
        ranked = self.client.call("irt.rank", bank="m3pl", theta=[0, 0], criterion="Wrule",
                                  weights=[0, 1], top=60)["ranked"]
        second = [item["id"] for item in m3pl_items() if item["a"][1] > 0]
        self.assertEqual({item for item, value in ranked if value > 0}, set(second))
        self.client.test_put({"test": "second", "bank": "m3pl",
                              "select": {"criterion": "Wrule", "weights": [0, 1]}})
        session = self.client.session_start("second", examinee="e")
        self.assertEqual(session.item["id"], ranked[0][0])


if __name__ == "__main__":
    unittest.main()
