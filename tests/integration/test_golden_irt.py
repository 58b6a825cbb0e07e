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
STEPS = {"grm": "GRM", "gpcm": "GPCM", "mgrm": "MGRM", "pcm": "PCM", "rsm": "RSM", "nrm": "NRM"}
WITH_D = ("grm", "gpcm", "mgrm", "pcm", "rsm")  # which have references with D = 1.702
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
    "ROB_huber_1": {"method": "ROB_huber", "tuning": 1, "bounds": BOUNDS},
    "ROB_tukey_4": {"method": "ROB_tukey", "tuning": 4, "bounds": BOUNDS},
}
RANK_TOLERANCE = 1e-9  # relative, as the reference data states
GDI_TOLERANCE = 1e-13  # absolute: GDI and GDIP are differences of nearly equal numbers
TIE_GAP = 1e-8
IN_PLAY = {"3pl": 200, "mgrm": 40, "pcm": 40, "rsm": 40, "nrm": 40}  # items, else 60
CRITERIA = {"MEI_obs": "MEI"}  # where the protocol has another name


def golden(folder, name):
    return reference.rows(reference.GOLDEN, folder, name)


class Tally:
    largest = collections.defaultdict(float)
    n = collections.Counter()

    @classmethod
    def add(cls, what, difference):
        cls.largest[what] = max(cls.largest[what], difference)
        cls.n[what] += 1


def has_many_roots(bank, row):
    """ROB_tukey_4 in general, and the two rows of ROB_huber_1 that golden/README.md names."""
    is_named = bank == "4pl" and row["pattern"] in ("12", "13")
    return row["estimator"] == "ROB_tukey_4" or row["estimator"] == "ROB_huber_1" and is_named


def weighted_score(items, pattern, estimator, theta):
    """The sum of weight x d log P / d theta, by the definitions in golden/README.md."""
    total = 0.0
    for number, score in zip(pattern["items"].split(), pattern["responses"].split()):
        item = {"a": 1.0, "c": 0.0, "d": 1.0, **items[int(number) - 1]}
        r = item["a"] * (theta - item["b"])
        logistic = 1 / (1 + math.exp(-r))
        p = item["c"] + (item["d"] - item["c"]) * logistic
        slope = item["a"] * (item["d"] - item["c"]) * logistic * (1 - logistic)
        if estimator == "ROB_huber_1":
            weight = min(1.0, 1.0 / abs(r)) if r else 1.0
        else:
            weight = (1 - (r / 4) ** 2) ** 2 if abs(r) <= 4 else 0.0
        total += weight * (slope / p if score == "1" else -slope / (1 - p))
    return total


class TestGoldenIrt(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.items = {name: reference.bank_items(name, model) for name, model in MODELS.items()}
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
        for name in WITH_D:
            with self.subTest(name, D=1.702):
                self.compare_polytomous(name, f"{name}-1.702", "D1.702")
        for name in ("grm", "mgrm"):
            self.compare_polytomous_info(name, f"{name}-1.702", "D1.702")

    def test_nominal_items_do_not_use_D(self):
        self.compare_polytomous("nrm", "nrm-1.702", "D1")

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
        if has_many_roots(bank, row):
            self.assert_root(bank, row, pattern, told)
            return
        if row["estimator"] == "WL" and int(row.get("score_roots") or 1) > 1:
            self.assert_warm(bank, pattern, told)
            return
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

    def assert_root(self, bank, row, pattern, told):
        """The robust score has several roots: ours is one, or a bound (golden/README.md).

        That it is the highest is shown in tests/golden."""
        if told["boundary"] != "none":
            return
        score = weighted_score(self.items[bank], pattern, row["estimator"], told["theta"])
        self.assertLessEqual(abs(score), 1e-9, (bank, row, pattern))
        Tally.add("weighted score at a root", abs(score))

    def assert_warm(self, bank, pattern, told):
        """Warm's equation of rsm pattern 11 has three roots. J = I' in this model, so it is the
        equation of the Jeffreys mode: the highest of those is right, and catR's is a lower one."""
        self.assertEqual(bank, "rsm")
        mode_told = self.estimate(bank, {"estimator": "BM_jeffreys"}, pattern)
        self.close_to("theta (several maxima)", told["theta"], mode_told["theta"],
                      ESTIMATE_TOLERANCE, (bank, pattern))

    def compare_estimates(self, name, bank, stem):
        patterns = {row["pattern"]: row for row in golden("theta", f"{stem}_patterns.csv")}
        for row in golden("theta", f"{stem}_estimates.csv"):
            with self.subTest(bank=bank, pattern=row["pattern"], estimator=row["estimator"]):
                self.compare_estimate(bank, row, patterns[row["pattern"]])

    def test_estimates(self):
        for name in MODELS:
            self.compare_estimates(name, name, name)

    def test_estimates_with_D(self):
        for name in ("3pl", "grm"):
            self.compare_estimates(name, f"{name}-1.702", f"{name}_D1.702")

    def test_exact_errors(self):
        for row in golden("theta", "exact_se.csv"):
            responses = [[reference.item_id(number), int(score)] for number, score
                         in zip(row["items"].split(), row["responses"].split())]
            told = self.client.irt_estimate(responses, bank=row["model"].lower(), se="exact",
                                            **ESTIMATORS["BM_norm_0_1"])
            self.close_to("theta", told["theta"], float(row["theta_BM"]), ESTIMATE_TOLERANCE, row)
            self.close_to("exact SE", told["se"], float(row["se_exact"]), 1e-8, row)

    def rank(self, name, state, column):
        """Values of all items not yet given by their numbers, best first."""
        numbers = range(1, IN_PLAY.get(name, 60) + 1)
        responses = [[reference.item_id(number), int(score)] for number, score
                     in zip(state["items"].split(), state["responses"].split())]
        told = self.client.irt_rank(
            bank=name, items=[reference.item_id(number) for number in numbers],
            responses=responses, theta=float(state["theta"]), top=1000, grid=GRID, bounds=BOUNDS,
            prior=normal(0, 1), criterion=CRITERIA.get(column, column))
        return {item_id[1:]: value for item_id, value in told["ranked"]}

    def compare_value(self, column, value, expected, where):
        most = GDI_TOLERANCE if column.startswith("GDI") else RANK_TOLERANCE * abs(expected)
        difference = abs(value - expected)
        self.assertLessEqual(difference, most + 1e-14, (column, value, expected, where))
        Tally.add(f"criterion {column}", difference / max(1.0, abs(expected)))

    def compare_ranking(self, name, state, choice, table):
        column = choice["criterion"]
        ranked = self.rank(name, state, column)
        self.assertEqual(set(ranked), {row["item"] for row in table}, (name, choice))
        for row in table:
            self.compare_value(column, ranked[row["item"]], float(row[column]), (name, row))
        if float(choice["relative_gap_to_second"]) > TIE_GAP:
            self.assertEqual(next(iter(ranked)), choice["item"], (name, choice))

    def test_rankings(self):
        for name in MODELS:
            states = {row["state"]: row for row in golden("select", f"{name}_states.csv")}
            table = golden("select", f"{name}_criteria.csv")
            for choice in golden("select", f"{name}_chosen.csv"):
                with self.subTest(name, state=choice["state"], criterion=choice["criterion"]):
                    self.compare_ranking(name, states[choice["state"]], choice,
                                         [row for row in table if row["state"] == choice["state"]])

    def test_constant_rules(self):
        """What stands in for ML while all answers are alike, and no longer."""
        alike = [["i3", 1], ["i17", 1], ["i41", 1]]
        mixed = [["i3", 1], ["i17", 0], ["i41", 1]]
        for rule in ("EAP", "MAP", "WLE"):
            told = self.client.irt_estimate(alike, bank="3pl", method="ML", constant=rule)
            expected = self.client.irt_estimate(alike, bank="3pl", method=rule)
            self.assertEqual((told["theta"], told["se"]), (expected["theta"], expected["se"]), rule)
        for rule in ("EAP", "MAP", "WLE", "fixed4", "fixed7", "var", "none"):
            told = self.client.irt_estimate(mixed, bank="3pl", method="ML", constant=rule)
            expected = self.client.irt_estimate(mixed, bank="3pl", method="ML")
            self.assertEqual((told["theta"], told["se"]), (expected["theta"], expected["se"]), rule)

    def test_global_maximum_of_multimodal_likelihoods(self):
        for row in golden("theta", "multimodal_ML.csv"):
            with self.subTest(items=row["items"], responses=row["responses"]):
                told = self.estimate(row["model"].lower(), {"estimator": "ML"}, row)
                self.close_to("theta (several maxima)", told["theta"],
                              float(row["theta_global_max"]), ESTIMATE_TOLERANCE, row)


if __name__ == "__main__":
    unittest.main()
