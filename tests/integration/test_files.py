# SPDX-License-Identifier: GPL-3.0-or-later
"""Things in the place of the daemon's files that are no such files, or that others may change: each
is refused and named, none makes it wait, and nothing that was there is harmed."""

import os
import shutil
import socket
import time
import unittest

from support.daemon import Daemon
from thetad import NoReply, ThetadError

EX_DATAERR, EX_UNAVAILABLE, EX_IOERR = 65, 69, 74
SPARSE = 10 << 30
WAIT_S = 60


def make_sparse(path):
    with open(path, "wb") as file:
        file.truncate(SPARSE)


class FilesTestCase(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        self.data = f"{self.daemon.folder}/data"

    def assert_ends(self, code, *parts):
        self.daemon.spawn()
        self.assertEqual(self.daemon.process.wait(WAIT_S), code, self.daemon.log())
        for part in parts:
            self.assertIn(part, self.daemon.log())


class TestStore(FilesTestCase):
    def test_a_folder_that_everybody_may_write_to(self):
        os.chmod(self.data, 0o777)
        self.assert_ends(EX_DATAERR, "everybody may write", "chmod o-w")
        self.assertEqual(os.listdir(self.data), [])

    def test_a_pipe(self):
        os.mkfifo(f"{self.data}/data.mdb")
        self.assert_ends(EX_DATAERR, "data.mdb is no file")

    def test_a_folder(self):
        os.mkdir(f"{self.data}/data.mdb")
        self.assert_ends(EX_DATAERR, "data.mdb is no file")

    def test_a_hole_of_ten_gigabytes(self):
        make_sparse(f"{self.data}/data.mdb")
        self.assert_ends(EX_DATAERR, "page 0 of the store is damaged")

    def test_a_disk_that_is_not_mounted(self):
        """A link that leads nowhere: a new store in its place would be one without any answers."""
        link = f"{self.data}/data.mdb"
        os.symlink("/nonexistent/data.mdb", link)
        self.assert_ends(EX_IOERR, "cannot open", "No such file")
        self.assertTrue(os.path.islink(link))

    def test_a_lock_behind_a_link(self):
        """Who may write to the folder has no file made elsewhere by whoever opens the store."""
        elsewhere = f"{self.daemon.folder}/elsewhere"
        os.symlink(elsewhere, f"{self.data}/thetad.lock")
        self.assert_ends(EX_IOERR, "cannot open", "thetad.lock")
        self.assertFalse(os.path.exists(elsewhere))

    def test_a_store_that_is_removed(self):
        """What is acknowledged then would be gone at the end; what was before can be copied."""
        self.daemon.start()
        with self.daemon.client(tries=1) as client:
            client.bank_upload("b", [{"id": "i", "model": "2PL", "a": 1.2, "b": 0.3}])
            client.test_put({"test": "t", "bank": "b"})
            client.session_start("t", "e", session="s")
            os.remove(f"{self.data}/data.mdb")
            deadline = time.monotonic() + WAIT_S
            with self.assertRaises(ThetadError) as caught:
                while time.monotonic() < deadline:
                    client.session_start("t", "e")
            self.assertEqual(caught.exception.code, "retry")
            self.assertIn("removed", caught.exception.message)
            self.assertEqual(client.call("session.get", session="s")["seq"], 1)
        opened = f"/proc/{self.daemon.process.pid}/fd"
        self.assertIn(f"copy it from {opened}", self.daemon.log())
        removed = [fd for fd in os.listdir(opened)
                   if os.readlink(f"{opened}/{fd}") == f"{self.data}/data.mdb (deleted)"]
        shutil.copyfile(f"{opened}/{removed[0]}", f"{self.data}/copy")
        self.daemon.stop()
        os.rename(f"{self.data}/copy", f"{self.data}/data.mdb")
        self.daemon.start()
        with self.daemon.client() as client:
            self.assertEqual(client.call("session.get", session="s")["seq"], 1)

    def test_a_store_behind_a_link(self):
        self.daemon.start()
        self.daemon.stop()
        os.rename(f"{self.data}/data.mdb", f"{self.daemon.folder}/elsewhere")
        os.symlink(f"{self.daemon.folder}/elsewhere", f"{self.data}/data.mdb")
        self.daemon.start()

    def test_a_mark_that_is_a_pipe(self):
        """It is read and written without waiting for anybody."""
        os.mkfifo(f"{self.data}/mark")
        os.mkfifo(f"{self.data}/mark.part")
        self.daemon.start()
        with self.daemon.client() as client:
            client.bank_upload("b", [{"id": "i", "model": "2PL", "a": 1.2, "b": 0.3}])
            client.test_put({"test": "t", "bank": "b", "stop": {"any": [{"rule": "length",
                                                                        "at": 1}]}})
            client.session_start("t", "e")
            client.ping()


class TestSocket(FilesTestCase):
    """libzmq removes what is at the path of an ipc endpoint."""

    def setUp(self):
        super().setUp()
        self.path = self.daemon.endpoint.removeprefix("ipc://")

    def test_a_file_is_left_alone(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("dear to somebody")
        self.assert_ends(EX_UNAVAILABLE, "ipc.endpoint", "is no socket")
        with open(self.path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "dear to somebody")

    def test_another_daemon_keeps_its_students(self):
        self.daemon.start()
        other = Daemon()
        self.addCleanup(other.close)
        other.endpoint = self.daemon.endpoint
        other.write_config("info")
        other.spawn()
        self.assertEqual(other.process.wait(WAIT_S), EX_UNAVAILABLE)
        self.assertIn("another process listens", other.log())
        with self.daemon.client() as client:
            client.ping()

    def test_a_socket_that_nobody_serves_is_replaced(self):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)
        self.daemon.start()


class TestKeys(FilesTestCase):
    def test_what_is_no_key_file_is_left_out(self):
        folder = self.daemon.keys.public_folder
        good, open_ = self.daemon.keys.add("good"), self.daemon.keys.add("open", role="all")
        os.chmod(self.daemon.keys.public_file("open"), 0o646)
        os.mkfifo(f"{folder}/pipe")
        os.mkdir(f"{folder}/folder")
        make_sparse(f"{folder}/hole")
        os.symlink("/dev/zero", f"{folder}/zero")
        os.symlink("loop", f"{folder}/loop")
        os.symlink("/nonexistent", f"{folder}/nowhere")
        self.daemon.start()
        with self.daemon.tcp_client(**good) as client:
            client.ping()
        with self.assertRaises(NoReply), \
                self.daemon.tcp_client(timeout=0.5, tries=1, **open_) as client:
            client.ping()
        self.assertEqual(self.daemon.log().count("a key file is left out"), 7)
        self.assertIn("everybody may write to it", self.daemon.log())

    def test_a_folder_full_of_something_else(self):
        good = self.daemon.keys.add("zz-good")
        for i in range(150):
            with open(f"{self.daemon.keys.public_folder}/{i:03}", "w", encoding="utf-8") as file:
                file.write("no key")
        self.daemon.start()
        with self.daemon.tcp_client(**good) as client:
            client.ping()
        self.assertEqual(self.daemon.log().count("a key file is left out"), 100)
        self.assertIn('msg="more key files are left out" n=50', self.daemon.log())

    def test_a_server_key_that_is_a_pipe(self):
        os.unlink(self.daemon.keys.server_file)
        os.mkfifo(self.daemon.keys.server_file)
        self.daemon.spawn()
        self.assertNotEqual(self.daemon.process.wait(WAIT_S), 0)
        self.assertIn("access.server_key", self.daemon.log())


if __name__ == "__main__":
    unittest.main()
