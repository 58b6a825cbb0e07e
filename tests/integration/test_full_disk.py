# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that fills up: writing is refused with `retry`, reading goes on, and with room again so
does writing. The disk is a small tmpfs, which only root may mount."""

import os
import time
import unittest

from support import reference
from support.daemon import Daemon
from support.disk import Disk
from thetad import ThetadError

DISK_MIB, RESERVE_MIB = 48, 16
WAIT_S = 60


class TestFullDisk(unittest.TestCase):
    def wait_for(self, client, wanted):
        """Answer until that is refused, or no longer."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            try:
                client.session_start("test", "e")
                code = None
            except ThetadError as error:
                code = error.code
                self.assertTrue(error.retry)
            if code == wanted:
                return
            time.sleep(0.1)
        self.fail(f"never {wanted}")

    def test_it_fills_up(self):
        daemon = Daemon(settings=[f"[store] reserve_mib = {RESERVE_MIB}"])
        self.addCleanup(daemon.close)
        disk = Disk(os.path.join(daemon.folder, "data"), DISK_MIB)
        self.addCleanup(disk.close)
        daemon.start()
        try:
            self.check(daemon, disk)
        finally:
            daemon.stop()

    def check(self, daemon, disk):
        with daemon.client(tries=1) as client:
            client.bank_upload("bank", reference.bank_items("3pl", "3PL"))
            client.test_put({"test": "test", "bank": "bank"})
            session = client.session_start("test", "e", session="s")
            session.answer(score=1)
            disk.fill(left=1 << 20)
            self.wait_for(client, "retry")
            state = client.call("session.get", session="s")
            self.assertEqual(state["seq"], 2)
            with self.assertRaises(ThetadError) as caught:
                session.answer(score=1)
            self.assertEqual(caught.exception.code, "retry")
            self.assertEqual(client.call("session.get", session="s")["seq"], 2)
            client.call("bank.get", bank="bank", limit=1)
            client.ping()
            disk.make_room()
            self.wait_for(client, None)
            session.answer(score=1)
            self.assertEqual(client.call("session.get", session="s")["seq"], 3)
        self.assertIn("the disk is nearly full", daemon.log())
        self.assertIn("the disk has room again", daemon.log())


if __name__ == "__main__":
    unittest.main()
