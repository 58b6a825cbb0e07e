# SPDX-License-Identifier: GPL-3.0-or-later
"""log.verify while answers come, and `theta verify` of the store that was left."""

import json
import os
import subprocess
import threading
import unittest

from support import reference
from support.daemon import Daemon
from thetad import ThetadError

N_ITEM = 10
TEST = {"test": "test", "bank": "bank", "select": {"randomesque": 3},
        "stop": {"any": [{"rule": "length", "at": N_ITEM}]}}
EX_DATAERR, EX_NOINPUT, EX_TEMPFAIL = 65, 66, 75


def take(client, name):
    session = client.session_start("test", "e", session=name, seed=5)
    while session.item:
        session.answer(score=int(session.item["id"][1:]) % 2)


def verify(client, **fields):
    reply = client.call("log.verify", **fields)
    while not reply["done"]:
        reply = client.call("log.verify", run=reply["run"])
    return reply


class TestVerify(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(idle_s=1, tcp_roles="frontend")
        self.addCleanup(self.daemon.close)
        self.daemon.start()
        self.client = self.daemon.client()
        self.addCleanup(self.client.close)
        self.client.bank_upload("bank", reference.bank_items("3pl", "3PL"))
        self.client.test_put(TEST)

    def theta(self, *arguments):
        return subprocess.run([os.environ["THETA_BIN"], *arguments], capture_output=True,
                              text=True, check=False, timeout=60)

    def test_while_answers_come(self):
        stop = threading.Event()

        def load():
            with self.daemon.client() as client:
                i = 0
                while not stop.is_set():
                    take(client, f"load-{i}")
                    i += 1

        thread = threading.Thread(target=load)
        thread.start()
        try:
            for i in range(5):
                take(self.client, f"mine-{i}")
                reply = verify(self.client)
                self.assertEqual(reply["n_faults"], 0, reply["faults"])
                self.assertGreaterEqual(reply["n_events"], (i + 1) * (N_ITEM + 1))
                self.assertEqual(reply["head"]["event"], reply["n_total"])
        finally:
            stop.set()
            thread.join()

    def test_one_run_at_a_time(self):
        take(self.client, "one")
        first = self.client.call("log.verify")
        second = self.client.call("log.verify")
        self.assertNotEqual(first["run"], second["run"])
        with self.assertRaises(ThetadError) as caught:
            self.client.call("log.verify", run=first["run"])
        self.assertEqual(caught.exception.code, "conflict")
        self.assertTrue(self.client.call("log.verify", run=second["run"])["done"])

    def test_offline(self):
        folder = os.path.join(self.daemon.folder, "data")
        take(self.client, "one")
        head = verify(self.client)["head"]
        self.assertEqual(self.theta("verify", folder).returncode, EX_TEMPFAIL)
        told = self.theta("verify", "--endpoint", self.daemon.endpoint)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertIn(f"{head['event']}:{head['seal']}", told.stdout)
        take(self.client, "two")
        self.daemon.stop()
        noted = f"{head['event']}:{head['seal']}"
        told = self.theta("verify", folder, "--json", "--head", noted)
        self.assertEqual(told.returncode, 0, told)
        report = json.loads(told.stdout)
        self.assertEqual((report["n_events"], report["n_sessions"]), (2 * (N_ITEM + 1), 2))
        other = f"{head['event']}:{'0' * 32}"
        told = self.theta("verify", folder, "--head", other)
        self.assertEqual(told.returncode, EX_DATAERR)
        self.assertIn("what follows it does not agree", told.stdout)
        told = self.theta("verify", folder, "--head", f"{10**6}:{head['seal']}")
        self.assertEqual(told.returncode, EX_DATAERR)
        self.assertEqual(self.theta("verify", self.daemon.folder).returncode, EX_NOINPUT)

    def test_damaged_file(self):
        """Every page of the file overwritten in turn: a report or a refusal, never a false yes."""
        folder = os.path.join(self.daemon.folder, "data")
        for i in range(3):
            take(self.client, f"s-{i}")
        self.daemon.stop()
        path = os.path.join(folder, "data.mdb")
        with open(path, "rb") as file:
            whole = file.read()
        self.assertEqual(self.theta("verify", folder).returncode, 0)
        n_found = 0
        for page in range(2, len(whole) // 4096):
            with open(path, "wb") as file:
                file.write(whole[:page * 4096] + b"\x5a" * 4096 + whole[(page + 1) * 4096:])
            told = self.theta("verify", folder)
            n_found += told.returncode != 0
            if told.returncode == 0:
                self.assertIn(f"{3 * (N_ITEM + 1)} events of 3 sessions", told.stdout, page)
        self.assertGreater(n_found, 3)
        with open(path, "wb") as file:
            file.write(whole)


if __name__ == "__main__":
    unittest.main()
