# SPDX-License-Identifier: GPL-3.0-or-later
"""Response functions, information and ability estimates against catR's, over the wire."""

import collections
import math
import unittest

from support import reference
from support.daemon import DaemonTestCase

P_TOLERANCE = 1e-12  # absolute, as the reference data states
INFO_TOLERANCE = 1e-11
ESTIMATE_TOLERANCE = 1e-9
LOGISTIC = {"1pl": "1PL", "2pl": "2PL", "3pl": "3PL", "4pl": "4PL"}
STEPS = {"grm": "GRM", "gpcm": "GPCM"}
MODELS = {**LOGISTIC, **STEPS}
BOUNDS = {"min": -4, "max": 4}
GRID = {"min": -4, "max": 4, "nodes": 33, "rule": "trapezoid"}


def eap(prior, **grid):
    return {"method": "EAP", "prior": prior, "grid": {**GRID, **grid}}


def mode(prior):
    return {"method": "MAP", "prior": prior, "bounds": BOUNDS}


def normal(mean, sd):
    return {"dist": "normal", "mean": mean, "sd": sd}


ESTIMATORS = {
    "ML": {"method": "ML", "bounds": BOUNDS},
    "WL": {"method": "WLE", "bounds": BOUNDS},
    "BM_norm_0_1": mode(normal(0, 1)),
    "BM_norm_0.5_1.5": mode(normal(0.5, 1.5)),
    "BM_jeffreys": mode({"dist": "jeffreys"}),
    "BM_unif_-2_3": mode({"dist": "uniform", "min": -2, "max": 3}),
    "EAP_norm_0_1_q33": eap(normal(0, 1)),
    "EAP_norm_0.5_1.5_q33": eap(normal(0.5, 1.5)),
    "EAP_norm_0_1_q121_6": eap(normal(0, 1), min=-6, max=6, nodes=121),
    "EAP_unif_-3_3_q61": eap({"dist": "uniform", "min": -3, "max": 3}, min=-3, max=3, nodes=61),
    "EAP_jeffreys_q33": eap({"dist": "jeffreys"}),
}
NOT_OURS = {"ROB_huber_1", "ROB_tukey_4"}  # robust estimators, which the protocol does not have


def golden(folder, name):
    return reference.rows(reference.GOLDEN, folder, name)


class Tally:
    largest = collections.defaultdict(float)
    n = collections.Counter()

    @classmethod
    def add(cls, what, difference):
        cls.largest[what] = max(cls.largest[what], difference)
        cls.n[what] += 1


class TestGoldenIrt(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, model in MODELS.items():
            for suffix, D in (("", 1.0), ("-1.702", 1.702)):
                cls.client.bank_upload(name + suffix, reference.bank_items(name, model), D=D)

    @classmethod
    def tearDownClass(cls):
        for what, n in Tally.n.items():
            print(f"\ngolden irt: {what}: {n} values, largest difference {Tally.largest[what]:.1e}",
                  end="", flush=True)
        print(flush=True)

    def close_to(self, what, reported, expected, tolerance, where):
        difference = abs(reported - expected) / max(1.0, abs(expected))
        self.assertLessEqual(difference, tolerance, f"{what} {reported}, not {expected}: {where}")
        Tally.add(what, difference)

    def curves(self, bank, table):
        """Curves of the items in `table` at its thetas: p and info by (item, theta) as written."""
        thetas = list(dict.fromkeys(row["theta"] for row in table))
        numbers = list(dict.fromkeys(row["item"] for row in table))
        told = self.client.irt_curve([float(theta) for theta in thetas], bank=bank,
                                     items=[reference.item_id(number) for number in numbers])
        self.assertEqual([curve["id"] for curve in told],
                         [reference.item_id(number) for number in numbers])
        return {(number, theta): (curve["p"][t], curve["info"][t])
                for number, curve in zip(numbers, told) for t, theta in enumerate(thetas)}

    def compare_dichotomous(self, name, bank, suffix):
        table = golden("item", f"{name}_{suffix}.csv")
        told = self.curves(bank, table)
        for row in table:
            p, info = told[row["item"], row["theta"]]
            self.assertEqual(len(p), 2)
            self.close_to("P", p[1], float(row["P"]), P_TOLERANCE, (bank, row))
            self.close_to("P", p[0], 1 - float(row["P"]), P_TOLERANCE, (bank, row))
            self.close_to("I", info, float(row["I"]), INFO_TOLERANCE, (bank, row))

    def test_dichotomous_curves(self):
        for name in LOGISTIC:
            with self.subTest(name):
                self.compare_dichotomous(name, name, "D1")
        for name in ("2pl", "3pl", "4pl"):
            with self.subTest(name, D=1.702):
                self.compare_dichotomous(name, f"{name}-1.702", "D1.702")

    def compare_polytomous(self, name, bank, suffix):
        table = golden("item", f"{name}_{suffix}_prob.csv")
        told = self.curves(bank, table)
        n_cat = collections.Counter((row["item"], row["theta"]) for row in table)
        for row in table:
            p = told[row["item"], row["theta"]][0]
            self.assertEqual(len(p), n_cat[row["item"], row["theta"]])
            self.close_to("P", p[int(row["cat"])], float(row["P"]), P_TOLERANCE, (bank, row))

    def compare_polytomous_info(self, name, bank, suffix):
        table = golden("item", f"{name}_{suffix}_info.csv")
        told = self.curves(bank, table)
        for row in table:
            info = told[row["item"], row["theta"]][1]
            self.close_to("I", info, float(row["I"]), INFO_TOLERANCE, (bank, row))

    def test_polytomous_curves(self):
        for name in STEPS:
            with self.subTest(name):
                self.compare_polytomous(name, name, "D1")
                self.compare_polytomous_info(name, name, "D1")
            with self.subTest(name, D=1.702):
                self.compare_polytomous(name, f"{name}-1.702", "D1.702")
        self.compare_polytomous_info("grm", "grm-1.702", "D1.702")

    def test_item_maps_give_the_same_curves_as_a_bank(self):
        items = reference.bank_items("3pl", "3PL")[:7]
        thetas = [-2.385, 0.17, 3.01]
        ids = [item["id"] for item in items]
        for suffix, D in (("", 1.0), ("-1.702", 1.702)):
            self.assertEqual(self.client.irt_curve(thetas, items=items, D=D),
                             self.client.irt_curve(thetas, bank="3pl" + suffix, items=ids))

    def estimate(self, bank, row, pattern):
        responses = [[reference.item_id(number), int(score)] for number, score
                     in zip(pattern["items"].split(), pattern["responses"].split())]
        return self.client.irt_estimate(responses, bank=bank, **ESTIMATORS[row["estimator"]])

    def compare_estimate(self, bank, row, pattern):
        told = self.estimate(bank, row, pattern)
        theta, where = float(row["theta"]), (bank, row, pattern)
        if int(row.get("score_roots") or 1) > 1 and row.get("theta_global_max"):
            # catR may return a local maximum here. The SE belongs to its theta, so it is
            # compared only where that is the global one.
            is_global = abs(theta - float(row["theta_global_max"])) < 1e-6
            theta = float(row["theta_global_max"])
            self.close_to("theta (several maxima)", told["theta"], theta, ESTIMATE_TOLERANCE, where)
            if not is_global:
                return
        else:
            self.close_to("theta", told["theta"], theta, ESTIMATE_TOLERANCE, where)
        se = float(row["se"])
        if math.isfinite(se):
            self.close_to("SE", told["se"], se, ESTIMATE_TOLERANCE, where)
        else:
            self.assertIsNone(told["se"], where)

    def compare_estimates(self, name, bank, stem):
        patterns = {row["pattern"]: row for row in golden("theta", f"{stem}_patterns.csv")}
        for row in golden("theta", f"{stem}_estimates.csv"):
            if row["estimator"] in NOT_OURS:
                continue
            with self.subTest(bank=bank, pattern=row["pattern"], estimator=row["estimator"]):
                self.compare_estimate(bank, row, patterns[row["pattern"]])

    def test_estimates(self):
        for name in MODELS:
            self.compare_estimates(name, name, name)

    def test_estimates_with_D(self):
        for name in ("3pl", "grm"):
            self.compare_estimates(name, f"{name}-1.702", f"{name}_D1.702")

    def test_global_maximum_of_multimodal_likelihoods(self):
        for row in golden("theta", "multimodal_ML.csv"):
            with self.subTest(items=row["items"], responses=row["responses"]):
                told = self.estimate(row["model"].lower(), {"estimator": "ML"}, row)
                self.close_to("theta (several maxima)", told["theta"],
                              float(row["theta_global_max"]), ESTIMATE_TOLERANCE, row)


if __name__ == "__main__":
    unittest.main()
