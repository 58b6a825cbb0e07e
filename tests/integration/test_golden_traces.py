# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole adaptive tests against catR's, step by step (golden/trace/README.md)."""

import itertools
import math
import unittest

from support import reference
from support.daemon import DaemonTestCase

TOLERANCE = 1e-9  # of theta and SE, as the reference data states
TIE_GAP = 1e-9  # below it the best two items are equal but for rounding
LOCAL_MAXIMA = 2  # tests of tcals, ML, in which catR's theta is not the highest maximum
METHODS = {"EAP": "EAP", "BM": "MAP", "ML": "ML", "WL": "WLE"}
MODELS = {"1pl": "1PL", "2pl": "2PL", "3pl": "3PL", "4pl": "4PL", "3pl1000": "3PL", "grm": "GRM",
          "gpcm": "GPCM", "mgrm": "MGRM", "pcm": "PCM", "rsm": "RSM", "nrm": "NRM"}
CONSTANT = {"BM": "MAP", "WL": "WLE"}  # rules for constant patterns with another name
PUBLISHED = {"tcals": "3PL", "cat_pav": "GPCM"}


class Tally:
    """What was compared, over all tests of this file."""

    n_test = n_step = n_tie = n_local = 0
    theta = se = 0.0

    @classmethod
    def add(cls, theta, se):
        cls.n_step += 1
        cls.theta = max(cls.theta, theta)
        cls.se = max(cls.se, se)


def document(test, bank, method, stop, **more):
    return {"test": test, "bank": bank, "reveal": True, "start": {"theta": 0.0},
            "estimate": {"method": method, "prior": {"dist": "normal", "mean": 0, "sd": 1},
                         "grid": {"min": -4, "max": 4, "nodes": 33, "rule": "trapezoid"},
                         "bounds": {"min": -4, "max": 4}},
            "select": {"criterion": "MFI"}, "stop": {"any": stop}, **more}


def se_difference(reported, expected):
    """Absolute for usual values, relative for the huge ones of a flat likelihood."""
    if reported is None:
        return 0.0 if math.isinf(expected) else math.inf
    return abs(reported - expected) / max(1.0, abs(expected))


def estimate_in(state):
    return state["result"] if state["state"] == "finished" else state["ability"]


class TestGoldenTraces(DaemonTestCase):
    @classmethod
    def tearDownClass(cls):
        print(f"\ngolden traces: {Tally.n_test} tests, {Tally.n_step} steps; largest difference: "
              f"theta {Tally.theta:.1e}, SE {Tally.se:.1e}; {Tally.n_tie} tests left at a tie, "
              f"{Tally.n_local} where catR took a lower maximum", flush=True)

    def compare_step(self, step, state):
        told = estimate_in(state)
        theta = abs(told["theta"] - float(step["theta"]))
        se = se_difference(told["se"], float(step["se"]))
        self.assertLessEqual(theta, TOLERANCE, f"theta {told['theta']} at {step}")
        self.assertLessEqual(se, TOLERANCE, f"SE {told['se']} at {step}")
        Tally.add(theta, se)

    def log_likelihoods(self, bank, answers, thetas):
        """Of (item, score) pairs at each theta, from the curves (compared in test_golden_irt)."""
        curves = self.client.irt_curve(thetas, bank=bank, items=[item for item, _ in answers])
        return [sum(math.log(curve["p"][t][score]) for curve, (_, score) in zip(curves, answers))
                for t in range(len(thetas))]

    def is_local_maximum(self, bank, step, state, answers):
        """Whether catR's ML is a lower maximum of a likelihood with several, and ours a higher one.

        Its root finder takes any root of the score; golden/theta has the same, with the highest
        maximum told beside it."""
        ours, theirs = estimate_in(state)["theta"], float(step["theta"])
        if step.get("method") != "ML" or abs(ours - theirs) <= TOLERANCE:
            return False
        high, low = self.log_likelihoods(bank, answers, [ours, theirs])
        return high > low

    def run_trace(self, bank, test, steps, responses):
        """Take the test with the responses of one person to the whole bank."""
        session = self.client.session_start(test, examinee=f"person-{steps[0]['person']}")
        Tally.n_test += 1
        answers = []
        for step in steps:
            self.assertIsNotNone(session.item, f"stopped before {step}")
            if session.item["id"] != reference.item_id(step["item"]):
                gap = float(step.get("info_gap", "inf"))
                self.assertLessEqual(gap, TIE_GAP, f"asks {session.item['id']} at {step}")
                Tally.n_tie += 1
                return
            score = int(responses[int(step["item"]) - 1])
            self.assertEqual(score, int(step["response"]), f"reference data at {step}")
            answers.append((session.item["id"], score))
            session.answer(score=score)
            if self.is_local_maximum(bank, step, session.state, answers):
                Tally.n_local += 1
                return
            self.compare_step(step, session.state)
        self.assertEqual(session.state["state"], "finished", f"goes on after {steps[-1]}")

    def run_bank(self, bank, items):
        self.client.bank_upload(bank, items)
        stop = [{"rule": "length", "at": 20}, {"rule": "se", "at": 0.3}]
        for method in METHODS.values():
            self.client.test_put(document(f"{bank}-{method}", bank, method, stop))
        responses = {row["person"]: row["responses"]
                     for row in reference.rows(reference.GOLDEN, "trace", f"{bank}_responses.csv")}
        trace = reference.rows(reference.GOLDEN, "trace", f"{bank}_trace.csv")
        n_before = Tally.n_test
        for (person, method), steps in itertools.groupby(
                trace, lambda row: (row["person"], row["method"])):
            with self.subTest(bank=bank, person=person, method=method):
                self.run_trace(bank, f"{bank}-{METHODS[method]}", list(steps), responses[person])
        self.assertGreater(Tally.n_test, n_before)
        self.assertLessEqual(Tally.n_local, LOCAL_MAXIMA)

    def test_synthetic_banks(self):
        for bank, model in MODELS.items():
            self.run_bank(bank, reference.bank_items(bank, model))

    def test_published_banks(self):
        for bank, model in PUBLISHED.items():
            table = reference.published_rows(bank)
            if table is None:
                self.skipTest(f"the published bank {bank} is not present")
            self.run_bank(bank, reference.items_of(table, model))

    def run_kinds(self, file, key, make):
        """Tests of tcals, each of the kind in the column `key`; `make` writes its document."""
        table = reference.published_rows("tcals")
        if table is None:
            self.skipTest("the published bank tcals is not present")
        self.client.bank_upload("tcals-kinds", reference.items_of(table, "3PL"))
        responses = {row["person"]: row["responses"]
                     for row in reference.rows(reference.GOLDEN, "trace", "tcals_responses.csv")}
        trace = reference.rows(reference.GOLDEN, "trace", file)
        for kind in sorted({row[key] for row in trace}):
            self.client.test_put(make(f"kind-{kind}", kind))
        for (kind, person), steps in itertools.groupby(
                trace, lambda row: (row[key], row["person"])):
            with self.subTest(kind=kind, person=person):
                self.run_trace("tcals-kinds", f"kind-{kind}", list(steps), responses[person])

    def test_other_criteria(self):
        """catR's MEI looks ahead by the posterior mode; its first item is by information."""
        def make(test, kind):
            made = document(test, "tcals-kinds", "EAP", [{"rule": "length", "at": 12}])
            made["start"]["criterion"] = "MFI"
            made["select"] = {"criterion": kind}
            return made
        self.run_kinds("tcals_other_criteria_trace.csv", "criterion", make)

    def test_constant_patterns(self):
        def make(test, kind):
            made = document(test, "tcals-kinds", "ML", [{"rule": "length", "at": 10}])
            made["estimate"]["constant"] = CONSTANT.get(kind, kind)
            return made
        self.run_kinds("tcals_constant_pattern_ML_trace.csv", "constant_rule", make)

    def test_content_balancing(self):
        table = reference.published_rows("tcals")
        if table is None:
            self.skipTest("the published bank tcals is not present")
        items = reference.items_of(table, "3PL")
        for item, row in zip(items, table):
            item["tags"] = {"group": row["Group"]}
        self.client.bank_upload("tcals-groups", items)
        responses = {row["person"]: row["responses"]
                     for row in reference.rows(reference.GOLDEN, "trace", "tcals_responses.csv")}
        proportions = reference.rows(reference.GOLDEN, "trace", "tcals_content_proportions.csv")
        for config in sorted({row["config"] for row in proportions}):
            targets = [{"value": row["group"], "proportion": float(row["proportion"])}
                       for row in proportions if row["config"] == config]
            self.client.test_put(document(
                f"groups-{config}", "tcals-groups", "EAP", [{"rule": "length", "at": 20}],
                blueprint={"proportions": {"tag": "group", "targets": targets}}))
        trace = reference.rows(reference.GOLDEN, "trace", "tcals_content_balanced_trace.csv")
        for (config, person), steps in itertools.groupby(
                trace, lambda row: (row["config"], row["person"])):
            with self.subTest(config=config, person=person):
                self.run_trace("tcals-groups", f"groups-{config}", list(steps), responses[person])


if __name__ == "__main__":
    unittest.main()
