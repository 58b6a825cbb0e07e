# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores that older programs left, kept in tests/stores: sessions come back and go on."""

import json
import os
import shutil
import unittest

from support.daemon import Daemon, state_of
from support.reference import TESTS

STORES = os.path.join(TESTS, "stores")


class TestUpgrade(unittest.TestCase):
    def check(self, folder):
        with open(os.path.join(folder, "states.json"), encoding="utf-8") as file:
            states = json.load(file)
        daemon = Daemon()
        self.addCleanup(daemon.close)
        shutil.copy(os.path.join(folder, "data.mdb"), os.path.join(daemon.folder, "data"))
        daemon.start()
        with daemon.client() as client:
            told = {name: state_of(client.session(name).state) for name in states}
            self.assertEqual(told, states)
            for name in ("asking", "idle-1"):
                session = client.session(name)
                while session.item:
                    session.answer(raw="x")
            ended = {name: state_of(client.session(name).state) for name in states}
        daemon.restart()
        with daemon.client() as client:
            for name, state in ended.items():
                self.assertEqual(state_of(client.session(name).state), state)
        daemon.close()

    def test_every_format(self):
        folders = [name for name in sorted(os.listdir(STORES)) if name.startswith("format-")]
        self.assertIn("format-1", folders)
        for name in folders:
            with self.subTest(name):
                self.check(os.path.join(STORES, name))


if __name__ == "__main__":
    unittest.main()
