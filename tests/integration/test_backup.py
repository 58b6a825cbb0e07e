# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of a daemon under load, put back elsewhere: what was acknowledged before it began is
there, and what was damaged is not put back."""

import os
import shutil
import subprocess
import threading
import unittest

from support import reference
from support.daemon import Daemon
from thetad import ThetadError

N_ITEM = 8
N_THREAD = 3
TEST = {"test": "test", "bank": "bank", "reveal": True, "select": {"randomesque": 3},
        "stop": {"any": [{"rule": "length", "at": N_ITEM}]}}
EX_DATAERR, EX_CANTCREAT = 65, 73


class Load:
    """Sessions one after the other in some threads; the last acknowledged state of each."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.stop = threading.Event()
        self.acknowledged = {}
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(N_THREAD)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        with self.daemon.client() as client:
            i = 0
            while not self.stop.is_set():
                name = f"s-{number}-{i}"
                i += 1
                session = client.session_start("test", "e", session=name, seed=7)
                self.acknowledged[name] = session.seq
                while session.item and not self.stop.is_set():
                    session.answer(score=int(session.item["id"][1:]) % 2)
                    self.acknowledged[name] = session.seq + (session.item is None)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def theta(*arguments):
    return subprocess.run([os.environ["THETA_BIN"], *arguments], capture_output=True, text=True,
                          check=False, timeout=120)


class TestBackup(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(idle_s=1)
        self.addCleanup(self.daemon.close)
        self.folder = os.path.join(self.daemon.folder, "backup")
        self.daemon.settings = [f"[store] backup_dir = {self.folder}"]
        self.daemon.write_config("info")
        self.daemon.start()
        self.client = self.daemon.client(timeout=60)
        self.addCleanup(self.client.close)
        self.client.bank_upload("bank", reference.bank_items("3pl", "3PL"))
        self.client.test_put(TEST)

    def take(self, name):
        session = self.client.session_start("test", "e", session=name, seed=5)
        while session.item:
            session.answer(score=int(session.item["id"][1:]) % 2)

    def restored(self, file):
        """A daemon on the store that was in the backup."""
        other = Daemon()
        self.addCleanup(other.close)
        shutil.rmtree(os.path.join(other.folder, "data"))
        told = theta("restore", file, os.path.join(other.folder, "data"))
        self.assertEqual(told.returncode, 0, told)
        return other.start()

    def check(self, other, acknowledged):
        with other.client() as client:
            for name, seq in acknowledged.items():
                state = client.call("session.get", session=name)
                now = state["seq"] + (state["state"] == "finished")
                self.assertGreaterEqual(now, seq, name)
            reply = client.call("log.verify")
            while not reply["done"]:
                reply = client.call("log.verify", run=reply["run"])
            self.assertEqual(reply["n_faults"], 0, reply)
            client.session_start("test", "e", session="afterwards").answer(score=1)
        other.close()

    def test_under_load(self):
        load = Load(self.daemon)
        try:
            for i in range(3):
                while len(load.acknowledged) < 10 * (i + 1):
                    self.assertTrue(all(thread.is_alive() for thread in load.threads))
                before = dict(load.acknowledged)
                reply = self.client.call("admin.backup", name=f"copy-{i}")
                self.check(self.restored(os.path.join(self.folder, reply["name"])), before)
        finally:
            load.end()
        self.assertEqual(sorted(os.listdir(self.folder)), ["copy-0", "copy-1", "copy-2"])

    def test_by_another_process(self):
        self.take("one")
        file = os.path.join(self.daemon.folder, "offline.mdb")
        told = theta("backup", os.path.join(self.daemon.folder, "data"), "--to", file)
        self.assertEqual(told.returncode, 0, told)
        self.take("two")
        self.check(self.restored(file), {"one": N_ITEM + 1})

    def test_of_the_daemon(self):
        self.take("one")
        told = theta("--endpoint", self.daemon.endpoint, "backup", "--to", "by-name")
        self.assertEqual(told.returncode, 0, told)
        self.assertEqual(os.listdir(self.folder), ["by-name"])

    def test_nothing_is_written_over(self):
        self.client.call("admin.backup", name="copy")
        with self.assertRaises(ThetadError) as caught:
            self.client.call("admin.backup", name="copy")
        self.assertEqual(caught.exception.code, "exists")
        told = theta("backup", os.path.join(self.daemon.folder, "data"), "--to",
                     os.path.join(self.folder, "copy"))
        self.assertNotEqual(told.returncode, 0)
        told = theta("restore", os.path.join(self.folder, "copy"),
                     os.path.join(self.daemon.folder, "data"))
        self.assertEqual(told.returncode, EX_CANTCREAT, told)
        self.take("still")

    def test_names_stay_in_the_folder(self):
        for name in ("../escaped", "/tmp/escaped", ".hidden", "..", "a/b", "x" * 65):
            with self.subTest(name), self.assertRaises(ThetadError) as caught:
                self.client.call("admin.backup", name=name)
            self.assertEqual(caught.exception.code, "bad_request")
        self.assertFalse(os.path.exists(self.folder) and os.listdir(self.folder))

    def test_off(self):
        other = Daemon()
        self.addCleanup(other.close)
        other.start()
        with other.client() as client, self.assertRaises(ThetadError) as caught:
            client.call("admin.backup")
        self.assertEqual(caught.exception.code, "bad_request")

    def test_damage_is_not_put_back(self):
        self.take("one")
        name = self.client.call("admin.backup")["name"]
        path = os.path.join(self.folder, name)
        with open(path, "r+b") as file:
            whole = bytearray(file.read())
            at = whole.rindex(b"one")
            whole[at] ^= 1
            file.seek(0)
            file.write(whole)
        target = os.path.join(self.daemon.folder, "target")
        told = theta("restore", path, target)
        self.assertEqual(told.returncode, EX_DATAERR, told)
        self.assertEqual(os.listdir(target), [])


if __name__ == "__main__":
    unittest.main()
