# SPDX-License-Identifier: GPL-3.0-or-later
"""An old copy of the store is noticed before the daemon serves, by the mark beside it; what the
administrator can do then does what it says."""

import os
import shutil
import subprocess
import time
import unittest

from support import reference
from support.daemon import Daemon
from thetad import ThetadError

N_ITEM = 8
N_LOST = 4  # its start, and three answers
TEST = {"test": "test", "bank": "bank", "stop": {"any": [{"rule": "length", "at": N_ITEM}]}}
EX_DATAERR = 65
WAIT_S = 60


class TestMark(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.data = os.path.join(self.daemon.folder, "data")
        self.mark = os.path.join(self.data, "mark")
        self.old = os.path.join(self.daemon.folder, "old.mdb")
        self.new = os.path.join(self.daemon.folder, "new.mdb")

    def answer(self, name, n):
        with self.daemon.client() as client:
            session = client.session_start("test", "e", session=name, seed=385)
            for _ in range(n):
                session.answer(score=1)

    def fill(self):
        """A store with a session, a copy of it, and one more session in the store."""
        self.daemon.start()
        with self.daemon.client() as client:
            client.bank_upload("bank", reference.bank_items("3pl", "3PL"))
            client.test_put(TEST)
        self.answer("before", 2)
        self.daemon.stop()
        shutil.copy(os.path.join(self.data, "data.mdb"), self.old)
        self.daemon.start()
        self.answer("after", N_LOST - 1)

    def put(self, file):
        shutil.copy(file, os.path.join(self.data, "data.mdb"))

    def travel(self):
        """The store as it was before the last session."""
        shutil.copy(os.path.join(self.data, "data.mdb"), self.new)
        self.put(self.old)

    def told(self):
        with open(self.mark, encoding="ascii") as file:
            return int(file.read().split()[1])

    def refused(self, text=f"{N_LOST} of "):
        open(self.daemon.log_path, "wb").close()
        self.daemon.spawn()
        self.assertEqual(self.daemon.process.wait(WAIT_S), EX_DATAERR, self.daemon.log())
        self.assertIn(text, self.daemon.log())
        self.assertIn("--accept-older-store", self.daemon.log())
        self.assertNotIn("listening", self.daemon.log())
        self.daemon.process = None

    def test_after_a_stop(self):
        self.fill()
        self.daemon.stop()
        self.travel()
        self.refused()
        self.refused()
        self.put(self.new)
        self.daemon.start()
        with self.daemon.client() as client:
            self.assertEqual(client.call("session.get", session="after")["seq"], N_LOST)

    def test_after_a_kill(self):
        self.fill()
        deadline = time.monotonic() + WAIT_S
        before = self.told()
        while self.told() < before + N_LOST:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.daemon.kill()
        self.travel()
        self.refused()

    def test_accepted_once(self):
        self.fill()
        self.daemon.stop()
        self.travel()
        self.daemon.spawn(options=["--accept-older-store"])
        self.daemon.wait_ready()
        self.assertIn(f"{N_LOST} of ", self.daemon.log())
        with self.daemon.client() as client:
            with self.assertRaises(ThetadError) as caught:
                client.call("session.get", session="after")
            self.assertEqual(caught.exception.code, "unknown_session")
            ops = [entry["op"] for entry in client.call("audit.list")["entries"]]
        self.assertEqual(ops.count("store.accept_older"), 1, ops)
        self.daemon.kill()
        self.daemon.start()  # the mark is the accepted store's from then on
        self.daemon.stop()
        self.put(self.new)  # which has all that the mark knows of, and more
        self.daemon.start()

    def test_a_fork_is_refused(self):
        """As many events as the mark knows of, but others."""
        self.fill()
        self.daemon.stop()
        self.travel()
        os.rename(self.mark, self.mark + ".kept")
        self.daemon.start()
        self.answer("instead", N_LOST - 1)
        self.daemon.stop()
        os.rename(self.mark + ".kept", self.mark)
        self.refused("another store")

    def test_no_mark_and_no_sense(self):
        self.fill()
        self.daemon.stop()
        for spoil in (lambda: os.unlink(self.mark), lambda: open(self.mark, "wb").close()):
            spoil()
            open(self.daemon.log_path, "wb").close()
            self.daemon.start()
            self.assertIn("no mark", self.daemon.log())
            self.daemon.stop()
            self.assertGreater(self.told(), N_LOST)

    def test_elsewhere(self):
        other = os.path.join(self.daemon.folder, "disk")
        os.mkdir(other)
        self.mark = os.path.join(other, "the-mark")
        self.daemon.settings = [f"[store] mark = {self.mark}"]
        self.daemon.write_config("info")
        self.fill()
        self.daemon.stop()
        self.assertNotIn("mark", os.listdir(self.data))
        self.assertEqual(os.listdir(other), ["the-mark"])
        shutil.rmtree(self.data)  # the whole folder, as a snapshot of the disk would
        os.mkdir(self.data)
        self.put(self.old)
        self.refused()

    def test_a_mark_that_cannot_be_written(self):
        self.daemon.settings = [f"[store] mark = {self.daemon.folder}/none/mark"]
        self.daemon.write_config("info")
        self.fill()
        self.daemon.stop()
        self.assertIn("the mark stays behind", self.daemon.log())

    def restore(self, *options):
        return subprocess.run([os.environ["THETA_BIN"], "restore", self.old, self.data, *options],
                              capture_output=True, text=True, check=False, timeout=120)

    def test_restore(self):
        self.fill()
        self.daemon.stop()
        os.rename(os.path.join(self.data, "data.mdb"), self.new)
        done = self.restore()
        self.assertEqual(done.returncode, EX_DATAERR, done)
        self.assertIn(f"{N_LOST} of ", done.stderr)
        self.assertNotIn("data.mdb", os.listdir(self.data))
        self.assertIn("mark", os.listdir(self.data))
        done = self.restore("--accept-older-store")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(f"{N_LOST} of ", done.stderr)
        self.assertNotIn("mark", os.listdir(self.data))
        self.daemon.start()

    def test_restore_of_what_is_not_older(self):
        self.fill()
        self.daemon.stop()
        os.rename(os.path.join(self.data, "data.mdb"), self.old)
        done = self.restore()
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("came after the backup", done.stdout)
        self.daemon.start()
        self.assertNotIn("no mark", self.daemon.log().split("store open")[-1])


if __name__ == "__main__":
    unittest.main()
