# SPDX-License-Identifier: GPL-3.0-or-later
"""The load generator against the real daemon, briefly: that it speaks to it, loses nothing and
tells what it found. What the figures are is nobody's business here: no test asserts a time."""

import json
import os
import shutil
import subprocess
import unittest

LOAD = os.environ.get("BENCH_LOAD_BIN")
TRIP = os.environ.get("BENCH_TRIP_BIN")
PEERS = os.environ.get("BENCH_PEERS_BIN")
PEERS_FOLDER = os.environ.get("BENCH_PEERS_FOLDER", "")


def run(binary, *arguments):
    if not binary:
        raise unittest.SkipTest("the program was not named")
    return subprocess.run([binary, "--thetad", os.environ["THETAD_BIN"], *arguments],
                          capture_output=True, text=True, timeout=240, check=False)


def figures(binary, *arguments):
    done = run(binary, "--json", "--quick", "--rounds", "1", *arguments)
    if done.returncode != 0:
        raise AssertionError(f"exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout), done.stderr


class Load(unittest.TestCase):
    def part(self, name, *arguments):
        found, said = figures(LOAD, "--seconds", "0.1", name, *arguments)
        self.assertNotIn("refused", said)
        self.assertNotIn("no reply", said)
        return found[name], found

    def test_closed_loop_over_plain_sockets(self):
        rows, found = self.part("throughput", "--clients", "64")
        self.assertEqual({row["clients"] for row in rows}, {64})
        self.assertEqual(len(rows), 4)
        for row in rows:
            self.assertGreater(row["answers_s"], 0, row)
            self.assertGreater(row["cpu_us"], 0, row)
            self.assertLessEqual(row["p50_us"], row["p99_us"], row)
            self.assertLessEqual(row["p999_us"], row["max_us"], row)
            self.assertEqual("answers_a_commit" in row, row["what"].startswith("answer"), row)
        self.assertEqual(len(found["bars"]), 3)
        self.assertEqual(found["met"], all(bar["met"] for bar in found["bars"]))

    def test_ways_to_commit_beside_the_daemon(self):
        rows, _ = self.part("ways", "--clients", "3")
        self.assertEqual(len(rows), 5)
        for row in rows:
            self.assertEqual(row["clients"], 3)
            self.assertGreater(row["answers_s"], 0, row)
            self.assertEqual("answers_a_commit" in row, row["what"].startswith("thetad"), row)

    def test_what_the_kernel_is_asked(self):
        rows, _ = self.part("calls", "--clients", "1")
        by_name = {row["what"]: row for row in rows}
        self.assertEqual(len(by_name), 4)
        for row in rows:
            self.assertGreater(row["wakes"], 0, row)
        if shutil.which("strace"):
            self.assertEqual(by_name["echo"]["fdatasync"], 0)
            self.assertGreater(by_name["echo"]["sendto"], 0)
            for name in ("echo, a commit a cycle", "answer, durable"):
                self.assertGreater(by_name[name]["fdatasync"], 0, name)

    def test_students_who_think(self):
        found, _ = self.part("students", "--students", "95", "--think", "0.05", "--spread", "0.1",
                             "--seconds", "1")
        self.assertEqual(found["students"], 95)
        self.assertEqual(found["refused"], 0)
        self.assertGreater(found["starts"]["answers_s"], 0)
        self.assertGreater(found["answers"]["answers_s"], 0)

    def test_encrypted_links(self):
        rows, _ = self.part("curve")
        self.assertEqual(len([row for row in rows if row["what"].endswith("CURVE")]), 4)
        self.assertTrue(all(row["answers_s"] > 0 for row in rows), rows)

    def test_memory_of_sessions_that_are_all_there(self):
        found, _ = self.part("memory", "--sessions", "300", "--items", "600")
        for what in ("sessions, begun", "sessions, 29 answers given"):
            self.assertEqual(found[what]["n"], 300, what)
            self.assertGreater(found[what]["own_bytes"], 0, what)

    def test_idle_connections(self):
        found, _ = self.part("idle", "--idle", "150")
        self.assertEqual(found["connections"], 150)
        self.assertGreater(found["among"]["answers_s"], 0)

    def test_a_missed_bar_is_told_by_the_exit_code(self):
        done = run(LOAD, "--json", "--quick", "--rounds", "1", "--seconds", "0.1", "--check",
                   "throughput", "--clients", "64")
        met = json.loads(done.stdout)["met"]
        self.assertEqual(done.returncode, 0 if met else 1, done.stderr)

    def test_wrong_usage_names_what_is_wrong(self):
        for arguments, word in ((("nonsense",), "nonsense"), (("--rounds", "0"), "--rounds"),
                                (("--seconds", "-1"), "--seconds"),
                                (("--students", "many"), "many")):
            done = run(LOAD, *arguments)
            self.assertEqual(done.returncode, 64, arguments)
            self.assertIn(word, done.stderr)


class Trip(unittest.TestCase):
    def test_every_part_is_measured(self):
        found, _ = figures(TRIP, "--answers", "40")
        for part in ("echo", "ping", "commit", "committed", "answer"):
            self.assertGreater(found[part]["p50_us"], 0, part)
        self.assertEqual(len(found["bars"]), 2)


class Peers(unittest.TestCase):
    """The program ends with a message where anybody asks another item or comes to another theta."""

    def test_the_daemon_and_the_engine_agree(self):
        found, _ = figures(PEERS, "--items", "60", "--students", "3", "--folder", "/nowhere")
        self.assertIn("skipped", found)
        self.assertGreater(found["rows"][0]["socket_us"], 0)

    @unittest.skipUnless(os.path.isdir(f"{PEERS_FOLDER}/node_modules"),
                         "./run bench peers has not installed jscat")
    def test_jscat_agrees(self):
        found, _ = figures(PEERS, "--items", "60", "--students", "3", "--folder", PEERS_FOLDER)
        self.assertEqual(found["jscat"], "5.2.3")
        self.assertLess(found["rows"][0]["theta_apart"], 1e-9)


if __name__ == "__main__":
    unittest.main()
