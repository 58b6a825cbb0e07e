# SPDX-License-Identifier: GPL-3.0-or-later
"""./run bench district, briefly: that students are at all nodes, that nothing is refused and that
every row has its figures. What they are is nobody's business here: no test asserts a time."""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

from support.postgres import programs

BUILD = os.environ.get("BENCH_DISTRICT_BUILD")
PROGRAM = Path(__file__).resolve().parents[2] / "bench" / "district" / "run.py"
N_TRY = 3
OF_SLOW = ("requests were refused", "no answer")  # what it tells then


class District(unittest.TestCase):
    @staticmethod
    def run_it(*arguments):
        if not BUILD:
            raise unittest.SkipTest("the folder of the programs was not named")
        return subprocess.run([sys.executable, "-B", str(PROGRAM), "--build", BUILD,
                               *arguments], capture_output=True, text=True, timeout=240,
                              check=False)

    def measured(self):
        """Where the machine stands still for longer than a node waits for its server (5 s), a node
        refuses requests, and the bench tells of them: that says nothing of either."""
        for _ in range(N_TRY):
            done = self.run_it("--json", "--quick", "--seconds", "0.3", "--sessions", "2000")
            if not any(text in done.stderr for text in OF_SLOW):
                break
        return done

    def test_nodes_over_one_database(self):
        programs()  # the reason to skip, where there is none
        done = self.measured()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")  # it tells of requests that were refused
        found = json.loads(done.stdout)
        rows = [row for row in found["district"] if "bare" not in row["what"]]
        self.assertEqual(len(found["district"]), 2 * len(rows))
        self.assertEqual([row["sessions"] for row in rows], 4 * [1000] + 4 * [2000])
        for row in found["district"]:
            self.assertGreater(row["rate"], 0, row)
            self.assertGreater(row["batch"], 0.9, row)  # a node may commit to its own store too
            self.assertLessEqual(row["p50_us"], row["p99_us"], row)
        for row in rows:
            for name in ("rate_to_bare", "log_bytes", "request_bytes", "reply_bytes"):
                self.assertGreater(row[name], 0, (name, row))
        self.assertGreater(sum(row["node_us"] for row in rows), 0)
        self.assertGreater(sum(row["db_us"] for row in rows), 0)
        self.assertGreater(rows[3]["batch"], rows[0]["batch"])
        self.assertEqual(len(found["bars"]), 5)
        self.assertEqual(found["met"], all(bar["met"] for bar in found["bars"]))

    def test_wrong_usage_names_what_is_wrong(self):
        for arguments, word in ((("--rounds", "0"), "--rounds"), (("--nonsense",), "--nonsense"),
                                (("--seconds", "-1"), "--seconds")):
            done = self.run_it(*arguments)
            self.assertEqual(done.returncode, 64, arguments)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
