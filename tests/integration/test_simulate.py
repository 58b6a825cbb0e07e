# SPDX-License-Identifier: GPL-3.0-or-later
"""theta simulate and theta plot: from the daemon and from files, and what they refuse."""

import collections
import csv
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from xml.dom import minidom

from support.daemon import Daemon

EX_USAGE, EX_DATAERR = 64, 65
TIMEOUT_S = 120
EXAMINEES = 130
DOCUMENT = {"test": "quick", "bank": "pool", "select": {"criterion": "MFI", "randomesque": 3},
            "stop": {"min_items": 4, "any": [{"rule": "se", "at": 0.5},
                                             {"rule": "length", "at": 12}]},
            "cuts": [{"name": "basic", "theta": -0.5}, {"name": "good", "theta": 0.75}]}
N_ITEM = 40


def theta(*arguments):
    program = os.environ.get("THETA_BIN")
    if not program:
        raise unittest.SkipTest("THETA_BIN does not name the command")
    return subprocess.run([program, *arguments], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestSimulate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="theta-simulate-")
        self.addCleanup(shutil.rmtree, self.folder)
        with open(self.path("pool.csv"), "w", encoding="utf-8") as file:
            file.write("id,model,a,b\n")
            for i in range(N_ITEM):
                file.write(f"q{i},2PL,{0.8 + 0.3 * (i % 5):.2f},{-2.4 + 0.12 * i:.2f}\n")
        with open(self.path("quick.json"), "w", encoding="utf-8") as file:
            json.dump(DOCUMENT, file)
        self.files = ["--bank", self.path("pool.csv"), "--document", self.path("quick.json")]

    def path(self, name):
        return os.path.join(self.folder, name)

    def simulate(self, out, *arguments):
        done = theta("simulate", *arguments, "--out", self.path(out), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self, code, text, *arguments):
        done = theta(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr)

    def start_daemon(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        for arguments in (["bank", "import", self.path("pool.csv")],
                          ["test", "put", self.path("quick.json")]):
            done = theta("--endpoint", daemon.endpoint, *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
        return daemon

    def write_document(self, name, **parts):
        with open(self.path(name), "w", encoding="utf-8") as file:
            json.dump({"test": "quick", "bank": "pool", "stop": {"any": [
                {"rule": "length", "at": 6}]}, **parts}, file)
        return ["--document", self.path(name)]

    def test_fit_sympson_hetter(self):
        document = self.write_document("plain.json")
        bank = ["--bank", self.path("pool.csv")]
        design = ["--examinees", "800", "--seed", "3"]
        fitted = self.simulate("fit", *bank, *document, *design, "--fit-sympson-hetter", "0.4")
        fit = fitted["fit"]
        self.assertTrue(fit["held"])
        self.assertEqual(fit["rounds"][0]["exposure_max"], 1.0)
        self.assertLessEqual(fit["rounds"][-1]["exposure_max"], 0.4 + fit["slack"])
        k = {row["item"]: float(row["k"]) for row in rows(self.path("fit/sympson-hetter.csv"))}
        self.assertEqual(len(k), N_ITEM)
        self.assertGreater(min(k.values()), 0)
        self.assertGreaterEqual(sum(value == 1 for value in k.values()), 6)
        # The bank with these k, taken by a test with the rule, is asked as the fit was.
        ruled = self.write_document("ruled.json", exposure={"rule": "sympson-hetter"})
        self.simulate("ruled", "--bank", self.path("fit/bank.csv"), *ruled, *design)
        with open(self.path("fit/items.csv"), "rb") as a, \
                open(self.path("ruled/items.csv"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        self.refused(EX_USAGE, "between 0 and 1", "simulate", *bank, *document,
                     "--fit-sympson-hetter", "1.5")
        other = self.write_document("other.json", exposure={"rule": "eligibility"})
        self.refused(EX_DATAERR, "eligibility", "simulate", *bank, *other,
                     "--fit-sympson-hetter", "0.4")

    def test_counts_across_examinees(self):
        bank = ["--bank", self.path("pool.csv")]
        rule = self.write_document("rule.json", exposure={
            "rule": "eligibility", "max_rate": 0.4, "max_uses": 300})
        design = ["--examinees", "800", "--seed", "3"]
        held = self.simulate("one", *bank, *rule, *design, "--threads", "1")
        self.simulate("two", *bank, *rule, *design, "--threads", "2")
        # A share of 800 has SD 0.0173; without the rule the first item is everybody's.
        self.assertLess(held["exposure"]["max"], 0.4 + 4 * 0.0173)
        self.assertLessEqual(max(int(row["n"]) for row in rows(self.path("one/items.csv"))), 300)
        for name in ("examinees.csv", "items.csv"):
            with open(self.path(f"one/{name}"), "rb") as a, \
                    open(self.path(f"two/{name}"), "rb") as b:
                self.assertEqual(a.read(), b.read(), name)

    def test_daemon_and_files_agree(self):
        daemon = self.start_daemon()
        design = ["--examinees", str(EXAMINEES), "--seed", "7"]
        by_daemon = self.simulate("a", "quick", "--endpoint", daemon.endpoint, *design)
        by_files = self.simulate("b", *self.files, *design, "--threads", "3")
        for name in ("examinees.csv", "items.csv"):
            with open(self.path(f"a/{name}"), "rb") as a, open(self.path(f"b/{name}"), "rb") as b:
                self.assertEqual(a.read(), b.read(), name)
        self.assertEqual(by_daemon["all"], by_files["all"])
        self.assertEqual(by_daemon["bank"], "pool, version 1")

    def test_retired_items_are_not_asked(self):
        daemon = self.start_daemon()
        at = ["--endpoint", daemon.endpoint]
        self.assertEqual(theta("bank", "retire", "pool", "q20", *at).returncode, 0)
        self.simulate("out", "quick", *at, "--examinees", str(EXAMINEES), "--seed", "7")
        counts = {row["item"]: int(row["n"]) for row in rows(self.path("out/items.csv"))}
        self.assertEqual(counts["q20"], 0)
        self.assertGreater(counts["q19"] + counts["q21"], 0)

    def test_files_and_summary_agree(self):
        summary = self.simulate("out", *self.files, "--theta", "grid:-1,1,0.5", "--examinees",
                                str(EXAMINEES), "--seed", "5")
        examinees = rows(self.path("out/examinees.csv"))
        items = rows(self.path("out/items.csv"))
        bias = sum(float(row["estimate"]) - float(row["theta"]) for row in examinees) / EXAMINEES
        self.assertEqual(len(examinees), EXAMINEES)
        self.assertAlmostEqual(summary["all"]["bias"], bias, places=9)
        self.assertEqual(sum(int(row["n"]) for row in items),
                         sum(int(row["length"]) for row in examinees))
        self.assertEqual([group["theta"] for group in summary["groups"]], [-1, -0.5, 0, 0.5, 1])
        self.assertEqual(sum(sum(row) for row in summary["classification"]["confusion"]),
                         EXAMINEES)
        self.assertEqual(summary["seed"], 5)
        with open(self.path("out/index.html"), encoding="utf-8") as file:
            page = file.read()
        minidom.parseString(page.replace("<!DOCTYPE html>", ""))
        self.assertIn("seed 5", page)

    def test_a_seed_that_is_drawn_is_told(self):
        first = self.simulate("a", *self.files, "--examinees", "50")
        again = self.simulate("b", *self.files, "--examinees", "50", "--seed", str(first["seed"]))
        other = self.simulate("c", *self.files, "--examinees", "50")
        self.assertEqual(first["all"], again["all"])
        self.assertNotEqual(first["seed"], other["seed"])

    def test_post_hoc(self):
        with open(self.path("matrix.csv"), "w", encoding="utf-8") as file:
            file.write("id," + ",".join(f"q{i}" for i in range(N_ITEM)) + "\n")
            for n in range(20):
                file.write(f"e{n}," + ",".join("NA" if i % 3 == n % 3 else str(int(i < 2 * n))
                                               for i in range(N_ITEM)) + "\n")
        summary = self.simulate("out", *self.files, "--responses", self.path("matrix.csv"))
        estimates = [float(row["estimate"]) for row in rows(self.path("out/examinees.csv"))]
        self.assertEqual(summary["examinees"], 20)
        self.assertGreater(summary["correlation"], 0.9)
        self.assertLess(estimates[1], -1)
        self.assertGreater(estimates[19], 1)

    def test_served_sessions_are_the_simulated_ones(self):
        """Asked the same, the daemon picks the same and estimates the same, to a file's digits."""
        document = {**DOCUMENT, "test": "served", "reveal": True, "select": {"criterion": "MEPV"}}
        with open(self.path("quick.json"), "w", encoding="utf-8") as file:
            json.dump(document, file)
        answers = [[(5 * n + i * i) % 7 < 2 + (N_ITEM - i) // 10 for i in range(N_ITEM)]
                   for n in range(12)]
        with open(self.path("matrix.csv"), "w", encoding="utf-8") as file:
            file.write("id," + ",".join(f"q{i}" for i in range(N_ITEM)) + "\n")
            for n, row in enumerate(answers):
                file.write(f"e{n}," + ",".join(str(int(score)) for score in row) + "\n")
        self.simulate("out", *self.files, "--responses", self.path("matrix.csv"))
        asked = collections.Counter()
        with self.start_daemon().client() as client:
            for row, simulated in zip(answers, rows(self.path("out/examinees.csv"))):
                session = client.session_start("served", "e")
                while session.state["state"] == "asking":
                    item = session.state["item"]["id"]
                    asked[item] += 1
                    session.answer(score=int(row[int(item[1:])]))
                result = session.result
                self.assertEqual([f"{result['theta']:.10g}", f"{result['se']:.10g}",
                                  result["stop"]],
                                 [simulated["estimate"], simulated["se"], simulated["stop"]])
        self.assertEqual({row["item"]: int(row["n"]) for row in rows(self.path("out/items.csv"))},
                         {f"q{i}": asked[f"q{i}"] for i in range(N_ITEM)})

    def several(self):
        """A bank of two dimensions and a test with a prior of its own, as files."""
        with open(self.path("wide.csv"), "w", encoding="utf-8") as file:
            file.write("id,model,a1,a2,d\n")
            for i in range(N_ITEM):
                file.write(f"q{i},M2PL,{0.3 + 0.4 * (i % 4):.2f},{1.5 - 0.4 * (i % 4):.2f},"
                           f"{-2.4 + 0.12 * i:.2f}\n")
        prior = {"mean": [0.5, -0.25], "cov": [[1, 0.4], [0.4, 0.8]]}
        document = self.write_document("wide.json", estimate={"method": "MAP", "prior": prior})
        return ["--bank", self.path("wide.csv"), *document]

    def test_several_dimensions(self):
        design = [*self.several(), "--examinees", str(EXAMINEES), "--seed", "7"]
        summary = self.simulate("one", *design, "--threads", "1")
        self.simulate("two", *design, "--threads", "2")
        for name in ("examinees.csv", "items.csv"):
            with open(self.path(f"one/{name}"), "rb") as a, \
                    open(self.path(f"two/{name}"), "rb") as b:
                self.assertEqual(a.read(), b.read(), name)
        examinees = rows(self.path("one/examinees.csv"))
        self.assertEqual(list(examinees[0]), ["examinee", "theta1", "theta2", "est1", "est2",
                                              "se1", "se2", "length", "stop"])
        self.assertEqual(len(summary["dims"]), 2)
        for m, dim in enumerate(summary["dims"], start=1):
            errors = [float(row[f"est{m}"]) - float(row[f"theta{m}"]) for row in examinees]
            self.assertAlmostEqual(dim["all"]["bias"], sum(errors) / EXAMINEES, places=9)
            self.assertGreater(dim["correlation"], 0.4)
        self.assertEqual(summary["exposure"]["items"], N_ITEM)
        self.assertEqual(summary["length"]["median"], 6)
        with open(self.path("one/index.html"), encoding="utf-8") as file:
            minidom.parseString(file.read().replace("<!DOCTYPE html>", ""))
        shown = theta("simulate", *design, "--out", self.path("shown"))
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for text in ("dimension", "theta1", "theta2", "SD ratio", "6 to 6, median 6, mean 6.0"):
            self.assertIn(text, shown.stdout)

    def test_several_dimensions_from_files(self):
        files = self.several()
        with open(self.path("thetas.csv"), "w", encoding="utf-8") as file:
            file.write("theta1,theta2\n0.5,-1\n2,1.25\n")
        self.simulate("out", *files, "--theta", "file:" + self.path("thetas.csv"))
        self.assertEqual([(row["theta1"], row["theta2"])
                          for row in rows(self.path("out/examinees.csv"))],
                         [("0.5", "-1"), ("2", "1.25")])
        with open(self.path("matrix.csv"), "w", encoding="utf-8") as file:
            file.write("id," + ",".join(f"q{i}" for i in range(N_ITEM)) + "\n")
            for n in range(20):
                file.write(f"e{n}," + ",".join(str(int(i > 2 * n)) for i in range(N_ITEM)) + "\n")
        summary = self.simulate("post", *files, "--responses", self.path("matrix.csv"))
        self.assertEqual(summary["examinees"], 20)
        self.assertGreater(summary["dims"][1]["correlation"], 0.8)
        simulate = ["simulate", *files, "--theta"]
        self.refused(EX_USAGE, "a grid is for a bank of one dimension", *simulate, "grid")
        self.refused(EX_USAGE, "takes no numbers", *simulate, "normal:0,1")
        with open(self.path("thetas.csv"), "w", encoding="utf-8") as file:
            file.write("theta\n0.5\n")
        self.refused(EX_DATAERR, 'no column "theta2"', *simulate,
                     "file:" + self.path("thetas.csv"))

    def test_refusals(self):
        simulate = ["simulate", *self.files]
        self.refused(EX_USAGE, "--bank and --document", "simulate", "quick", *self.files)
        self.refused(EX_USAGE, "--bank and --document", "simulate", *self.files[:2])
        self.refused(EX_USAGE, "normal:0", *simulate, "--theta", "normal:0")
        self.refused(EX_USAGE, "grid:1,0,1", *simulate, "--theta", "grid:1,0,1")
        self.refused(EX_USAGE, "--theta takes", *simulate, "--theta", "uniform")
        self.refused(EX_USAGE, "--examinees", *simulate, "--examinees", "0")
        self.refused(EX_USAGE, "leave out", *simulate, "--responses", "x", "--theta", "normal")
        self.refused(EX_DATAERR, 'no column "theta"', *simulate, "--theta",
                     "file:" + self.path("pool.csv"))
        self.refused(EX_DATAERR, "has no item zz", "plot", "item", *self.files[:2], "zz")

    def test_plots(self):
        for arguments, n_chart in ((["item", *self.files[:2], "q1", "q7"], 4),
                                   (["test", *self.files], 2)):
            done = theta("plot", *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            minidom.parseString(done.stdout)
            self.assertEqual(done.stdout.count('class="chart"'), n_chart)


if __name__ == "__main__":
    unittest.main()
