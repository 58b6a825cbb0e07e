# SPDX-License-Identifier: GPL-3.0-or-later
"""A thread beside the loop that ends takes the daemon with it, systemd's watchdog or not: nobody
would do its work, and a new start mends that."""

import os
import unittest

from support.daemon import Daemon
from thetad import NoReply

EX_OSERR = 71
SHIM = os.environ["THETA_PRELOAD_SEND"]
CURVE = {"items": [{"id": "x", "model": "2PL", "a": 1.385, "b": 0.271}], "theta": [-0.618, 1.414]}


class TestThreads(unittest.TestCase):
    def daemon(self, n, **options):
        """Not started. Its threads have no memory for the nth frame that they send, nor for later
        ones."""
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        daemon = Daemon(environment={"LD_PRELOAD": SHIM, "THETA_SEND_FAIL": str(n),
                                     "ASAN_OPTIONS": sanitizer}, **options)
        self.addCleanup(daemon.close)
        return daemon

    def ends(self, daemon, thread):
        self.assertEqual(daemon.process.wait(20), EX_OSERR, daemon.log())
        self.assertIn(f'msg="a thread has ended, going down" thread={thread}\n', daemon.log())

    def test_helper(self):
        daemon = self.daemon(1).start()
        with daemon.client(timeout=2, tries=1) as client, self.assertRaises(NoReply):
            client.call("irt.curve", **CURVE)
        self.ends(daemon, "helper")

    def test_slow_helper(self):
        daemon = self.daemon(2).start()  # the frame behind a good one
        with daemon.client(timeout=2, tries=1) as client, self.assertRaises(NoReply):
            client.call("log.verify")
        self.ends(daemon, "slow-helper")

    def test_auth(self):
        daemon = self.daemon(2, keys=True)  # it has said that it has the keys
        options = daemon.keys.add("school", role="author")
        daemon.start()
        with daemon.tcp_client(timeout=2, tries=1, **options) as client, \
                self.assertRaises(NoReply):
            client.ping()
        self.ends(daemon, "auth")


if __name__ == "__main__":
    unittest.main()
