# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of a key: who sends too much, or starts session after session to see a whole bank, is
told when to come again, and nobody else notices."""

import os
import time
import unittest

import zmq.auth

from support.daemon import Daemon
from support.keys import write_certificate
from thetad import ThetadError

ITEMS = [{"id": f"q{i}", "model": "1PL", "b": i / 7 - 1.2} for i in range(8)]
HOUR_MS, DAY_MS = 3600 * 1000, 86400 * 1000
TICK_S = 0.5  # on each the daemon writes down what was used


class QuotaTestCase(unittest.TestCase):
    SETTINGS = ()

    def setUp(self):
        self.daemon = Daemon(keys=True, settings=self.SETTINGS)
        self.addCleanup(self.daemon.close)
        self.author = self.daemon.keys.add("author", "author")

    def start(self):
        self.daemon.start()
        author = self.client(self.author)
        author.bank_upload("bank", ITEMS)
        author.test_put({"test": "test", "bank": "bank",
                         "stop": {"any": [{"rule": "length", "at": 6}]}})

    def client(self, options):
        client = self.daemon.tcp_client(tries=1, **options)
        self.addCleanup(client.close)
        return client

    def wait_kept(self):
        """The reply comes behind the commit of a cycle in which a tick was due, or later."""
        time.sleep(TICK_S + 0.1)
        with self.daemon.client() as client:
            client.ping()

    def assert_busy(self, call, *args, **fields):
        with self.assertRaises(ThetadError) as caught:
            call(*args, **fields)
        error = caught.exception
        self.assertEqual((error.code, error.retry), ("busy", True), error)
        self.assertIsInstance(error.retry_after_ms, int)
        self.assertGreater(error.retry_after_ms, 0)
        return error


class Sessions(QuotaTestCase):
    def test_sessions_by_the_hour(self):
        few = self.daemon.keys.add("few", sessions_per_hour=3)
        other = self.daemon.keys.add("other")
        self.start()
        client = self.client(few)
        for i in range(3):
            client.session_start("test", "e", session=f"s-{i}")
        error = self.assert_busy(client.session_start, "test", "e", session="s-3")
        self.assertIn("sessions_per_hour", error.message)
        self.assertGreater(error.retry_after_ms, HOUR_MS // 3 - 60000)
        self.assertLessEqual(error.retry_after_ms, HOUR_MS // 3)
        # The same start again is no new session, and what runs goes on to its end.
        session = client.session_start("test", "e", session="s-0")
        for _ in range(6):
            session.answer(score=1)
        self.assertEqual(session.state["state"], "finished")
        with self.assertRaises(ThetadError) as caught:
            client.call("session.get", session="s-3")
        self.assertEqual(caught.exception.code, "unknown_session")
        self.client(other).session_start("test", "e", session="s-3")

    def test_a_refused_start_costs_nothing(self):
        few = self.daemon.keys.add("few", sessions_per_hour=2)
        self.start()
        client = self.client(few)
        for fields in ({"test": "nope"}, {"test": "test", "prior": {"mean": 0}}):
            for _ in range(5):
                with self.assertRaises(ThetadError) as caught:
                    client.call("session.start", examinee="e", **fields)
                self.assertNotEqual(caught.exception.code, "busy")
        for i in range(2):
            client.session_start("test", f"e-{i}")
        self.assert_busy(client.session_start, "test", "e-2")

    def test_sessions_by_the_day(self):
        few = self.daemon.keys.add("few", sessions_per_day=2)
        self.start()
        client = self.client(few)
        for i in range(2):
            client.session_start("test", f"e-{i}")
        error = self.assert_busy(client.session_start, "test", "e-2")
        self.assertIn("sessions_per_day", error.message)
        self.assertGreater(error.retry_after_ms, DAY_MS // 2 - 60000)

    def test_a_bank_cannot_be_harvested(self):
        """Session after session that only looks at questions: the questions are counted."""
        harvester = self.daemon.keys.add("harvester", items_per_day=20)
        self.start()
        client = self.client(harvester)
        n_session = n_item = 0
        while n_session < 100:
            try:
                session = client.session_start("test", f"e-{n_session}")
            except ThetadError as error:
                self.assertEqual(error.code, "busy")
                self.assertIn("items_per_day", error.message)
                break
            n_session += 1
            while session.item:
                n_item += 1
                session.answer(score=1)
        self.assertEqual((n_session, n_item), (4, 24))

    def test_a_reload_gives_nothing_back(self):
        few = self.daemon.keys.add("few", sessions_per_hour=2)
        self.start()
        client = self.client(few)
        for i in range(2):
            client.session_start("test", f"e-{i}")
        self.daemon.reload()
        self.assert_busy(client.session_start, "test", "e-2")
        public, _ = zmq.auth.load_certificate(few["key"])
        write_certificate(self.daemon.keys.public_file("few"), public, name="few", tenant="north",
                          role="frontend", sessions_per_hour=5)
        self.daemon.reload()
        for i in range(3):
            client.session_start("test", f"more-{i}")
        self.assert_busy(client.session_start, "test", "e-2")


class Restarts(QuotaTestCase):
    """The hours' and the days' limits outlive the daemon, whatever ends it."""

    def use_up(self, **limits):
        few = self.daemon.keys.add("few", **limits)
        self.start()
        client = self.client(few)
        for i in range(3):
            client.session_start("test", f"e-{i}", session=f"s-{i}")
        return few, self.refusal(few)

    def refusal(self, few):
        error = self.assert_busy(self.client(few).session_start, "test", "e", session="s-3")
        return error.message, error.retry_after_ms

    def assert_same(self, before, after):
        self.assertEqual(before[0], after[0])
        self.assertLessEqual(after[1], before[1])
        self.assertGreater(after[1], before[1] - 120000)

    def test_a_kill_gives_nothing_back(self):
        few, before = self.use_up(sessions_per_day=3)
        self.wait_kept()
        for _ in range(2):
            self.daemon.kill()
            self.daemon.start()
            self.assert_same(before, self.refusal(few))
        # What was acknowledged goes on, and other keys know nothing of it.
        self.assertEqual(self.client(few).session_start("test", "e-0", session="s-0").seq, 1)

    def test_an_orderly_end_gives_nothing_back(self):
        few, before = self.use_up(sessions_per_hour=3)
        self.daemon.restart()
        self.assert_same(before, self.refusal(few))

    def test_a_key_that_comes_back_after_a_restart(self):
        few, before = self.use_up(items_per_day=3)
        self.daemon.stop()
        path, away = self.daemon.keys.public_file("few"), f"{self.daemon.folder}/few.away"
        os.rename(path, away)
        self.daemon.start()
        os.rename(away, path)
        self.daemon.reload()
        self.assert_same(before, self.refusal(few))


class Clocks(QuotaTestCase):
    """The wall's clock is wrong for a while, as in a machine that has no battery for it."""

    YEAR_MS = 365 * DAY_MS

    def setUp(self):
        super().setUp()
        self.clock = f"{self.daemon.folder}/clock"
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.daemon.environment = {"LD_PRELOAD": os.environ["THETA_PRELOAD_CLOCK"],
                                   "THETA_CLOCK": self.clock, "ASAN_OPTIONS": sanitizer}
        self.set_clock(0)
        self.few = self.daemon.keys.add("few", sessions_per_day=3)
        self.start()
        self.assertEqual(self.n_start(), 3)
        self.wait_kept()

    def set_clock(self, offset_ms):
        with open(self.clock + ".new", "w", encoding="ascii") as file:
            file.write(str(offset_ms))
        os.rename(self.clock + ".new", self.clock)

    def n_start(self):
        """How many sessions the key can start."""
        client, n = self.client(self.few), 0
        while n < 10:
            try:
                client.session_start("test", "e")
            except ThetadError as error:
                self.assertEqual(error.code, "busy")
                self.assertLessEqual(error.retry_after_ms, DAY_MS // 3)
                break
            n += 1
        return n

    def start_again(self, offset_ms):
        self.daemon.kill()
        self.set_clock(offset_ms)
        self.daemon.start()

    def test_a_clock_that_is_late(self):
        self.start_again(-50 * self.YEAR_MS)
        self.assertEqual(self.n_start(), 0)
        self.set_clock(0)
        self.wait_kept()
        self.assertEqual(self.n_start(), 0)
        self.start_again(0)
        self.assertEqual(self.n_start(), 0)
        self.start_again(DAY_MS // 2)
        self.assertEqual(self.n_start(), 1)

    def test_a_clock_that_is_early(self):
        """It gives back what was used, once."""
        self.start_again(50 * self.YEAR_MS)
        self.assertEqual(self.n_start(), 3)
        self.wait_kept()
        for _ in range(2):
            self.start_again(0)
            self.assertEqual(self.n_start(), 0)
            self.wait_kept()
        self.start_again(2 * DAY_MS // 3)
        self.assertEqual(self.n_start(), 2)


class Requests(QuotaTestCase):
    SETTINGS = ("[access] requests_per_second = 2",)

    def test_requests_by_the_second(self):
        plenty = self.daemon.keys.add("plenty", requests_per_second=0)
        few = self.daemon.keys.add("few")
        self.daemon.start()
        client = self.client(few)
        n = 0
        with self.assertRaises(ThetadError) as caught:
            for n in range(1000):
                client.ping()
        self.assertGreaterEqual(n, 10)  # a burst of five seconds' worth
        self.assertEqual(caught.exception.code, "busy")
        self.assertLessEqual(caught.exception.retry_after_ms, 500)
        for _ in range(200):
            self.client(plenty).ping()
        # A client that waits as it is told gets through.
        with self.daemon.tcp_client(tries=5, **few) as patient:
            for _ in range(3):
                patient.ping()

    def test_the_socket_of_this_machine_has_no_limit(self):
        self.daemon.start()
        with self.daemon.client(tries=1) as client:
            for _ in range(300):
                client.ping()
