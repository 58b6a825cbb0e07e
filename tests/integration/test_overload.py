# SPDX-License-Identifier: GPL-3.0-or-later
"""More than the daemon takes: every request is answered, by what it asked for or by busy."""

import os
import signal
import time
import unittest

import msgpack

from support.crowd import WAIT_S, Crowd
from support.daemon import Daemon
from thetad import ThetadError

ITEMS = [{"id": f"q{i}", "model": "1PL", "b": i / 7 - 1.2} for i in range(8)]


class OverloadTestCase(unittest.TestCase):
    SETTINGS = ("[limits] queued = 20", "[limits] queue_ms = 60000")

    def setUp(self):
        self.daemon = Daemon(settings=self.SETTINGS)
        self.addCleanup(self.daemon.close)
        self.daemon.start()
        self.client = self.daemon.client(timeout=60)
        self.addCleanup(self.client.close)
        self.client.bank_upload("bank", ITEMS)
        self.client.test_put({"test": "test", "bank": "bank",
                              "stop": {"any": [{"rule": "length", "at": 6}]}})

    def flood(self, requests, n_peer=120):
        """All replies to requests that pile up while the daemon stands still."""
        crowd = Crowd(self.daemon.endpoint, n_peer)
        self.addCleanup(crowd.close)
        crowd.send([{"id": f"warm-{i}", "op": "ping"} for i in range(n_peer)])
        self.assertEqual(len(crowd.collect(n_peer)), n_peer)
        busy = self.client.stats()["counters"]["busy"]
        os.kill(self.daemon.process.pid, signal.SIGSTOP)
        try:
            crowd.send(requests)
        finally:
            os.kill(self.daemon.process.pid, signal.SIGCONT)
        replies = crowd.collect(len(requests))
        self.assertEqual(len(replies), len(requests), "requests without a reply")
        n_busy = sum(not reply["ok"] for reply in replies.values())
        self.assertEqual(self.client.stats()["counters"]["busy"] - busy, n_busy)
        for reply in replies.values():
            if not reply["ok"]:
                self.assertEqual(reply["error"]["code"], "busy", reply)
                self.assertTrue(reply["error"]["retry"])
                self.assertGreaterEqual(reply["error"]["retry_after_ms"], 100)
        return replies


class Overload(OverloadTestCase):
    def test_starts_and_answers_are_taken_or_refused(self):
        starts = [{"id": f"start-{i}", "op": "session.start", "session": f"s-{i}", "test": "test",
                   "examinee": f"e-{i}", "seed": i} for i in range(6000)]
        replies = self.flood(starts)
        taken = {i for i in range(len(starts)) if replies[f"start-{i}"]["ok"]}
        self.assertGreater(len(taken), 10)
        self.assertLess(len(taken), len(starts), "nothing was refused")
        # What was taken is there and asks what it said; what was refused has left no trace.
        for i in list(taken)[:50]:
            state = self.client.call("session.get", session=f"s-{i}")
            self.assertEqual(state["item"], replies[f"start-{i}"]["item"])
        for i in [i for i in range(len(starts)) if i not in taken][:50]:
            with self.assertRaises(ThetadError) as caught:
                self.client.call("session.get", session=f"s-{i}")
            self.assertEqual(caught.exception.code, "unknown_session")
        answers = [{"id": f"answer-{i}", "op": "session.answer", "session": f"s-{i}", "seq": 1,
                    "item": replies[f"start-{i}"]["item"]["id"], "response": i % 2}
                   for i in sorted(taken)]
        more = self.flood(answers)
        for i in list(taken)[:100]:
            reply = more[f"answer-{i}"]
            state = self.client.call("session.get", session=f"s-{i}")
            self.assertEqual(state["seq"], 2 if reply["ok"] else 1)
        self.assertIn('msg="overload: requests are refused"', self.daemon.log())
        n_lines = self.daemon.log().count("overload")
        self.assertLessEqual(n_lines, 3, "the log tells of it once a minute")

    def test_what_a_helper_does_is_refused_too(self):
        curve = {"op": "irt.curve", "bank": "bank", "items": ["q1"], "theta": [0.5]}
        replies = self.flood([{"id": f"c-{i}", **curve} for i in range(5000)])
        good = [reply for reply in replies.values() if reply["ok"]]
        self.assertGreater(len(good), 10)
        self.assertLess(len(good), len(replies))
        for reply in good:
            self.assertEqual(reply["curves"], good[0]["curves"])


class WhoGoesFirst(OverloadTestCase):
    """Where there is not room for all."""

    SETTINGS = ("[limits] queued = 40", "[limits] queue_ms = 60000")

    def test_who_is_in_a_test_goes_before_who_begins_one(self):
        self.client.session_start("test", "e", session="running")
        requests = []
        for i in range(4000):
            requests += [{"id": f"start-{i}", "op": "session.start", "session": f"s-{i}",
                          "test": "test", "examinee": f"e-{i}"},
                         {"id": f"get-{i}", "op": "session.get", "session": "running"}]
        replies = self.flood(requests)
        n_good = {kind: sum(reply["ok"] for name, reply in replies.items() if
                            name.startswith(kind)) for kind in ("start", "get")}
        self.assertGreater(n_good["start"], 100)
        self.assertGreater(n_good["get"], 1.3 * n_good["start"])

    def test_a_ping_is_answered(self):
        requests = []
        for i in range(3000):
            requests.append({"id": f"start-{i}", "op": "session.start", "session": f"s-{i}",
                             "test": "test", "examinee": f"e-{i}"})
            if i % 20 == 0:
                requests += [{"id": f"{op}-{i}", "op": op} for op in ("ping", "hello", "stats")]
        replies = self.flood(requests)
        self.assertFalse(all(reply["ok"] for reply in replies.values()))
        for name, reply in replies.items():
            self.assertTrue(reply["ok"] or name.startswith("start"), name)


class OverloadByTime(Overload):
    """There is room for all, but some would wait too long."""

    SETTINGS = ("[limits] queued = 1000000", "[limits] queue_ms = 1")


class OverloadByOne(unittest.TestCase):
    """A key that sends more than it may does not take the room of others."""

    def test_the_others_are_served(self):
        daemon = Daemon(keys=True, settings=("[limits] queued = 100", "[limits] queue_ms = 60000"))
        self.addCleanup(daemon.close)
        greedy = daemon.keys.add("greedy", requests_per_second=2)
        modest = daemon.keys.add("modest")
        daemon.start()
        crowds = [Crowd(daemon.tcp_endpoint, 50, greedy), Crowd(daemon.tcp_endpoint, 1, modest)]
        for crowd in crowds:
            self.addCleanup(crowd.close)
            crowd.send([{"id": f"warm-{i}", "op": "ping"} for i in range(len(crowd.sockets))])
            crowd.collect(len(crowd.sockets))
        os.kill(daemon.process.pid, signal.SIGSTOP)
        try:
            crowds[1].send([{"id": i, "op": "ping"} for i in range(60)])
            crowds[0].send([{"id": i, "op": "ping"} for i in range(5000)])
        finally:
            os.kill(daemon.process.pid, signal.SIGCONT)
        replies = crowds[0].collect(5000)
        self.assertEqual(len(replies), 5000)
        refused = [reply["error"]["code"] for reply in replies.values() if not reply["ok"]]
        self.assertEqual(set(refused), {"busy"})
        self.assertGreater(len(refused), 4000)
        replies = crowds[1].collect(60)
        self.assertEqual([reply["ok"] for reply in replies.values()], [True] * 60)


class OverloadByGarbage(unittest.TestCase):
    """What is answered at once waits in no queue: a cycle holds only so many replies."""

    N_PEER = 120
    N_EACH = 20000

    def test_a_flood_by_all_sockets(self):
        daemon = Daemon(tcp_roles="frontend", settings=("[limits] queue_ms = 60000",))
        self.addCleanup(daemon.close)
        daemon.start()
        crowds = [Crowd(url, self.N_PEER) for url in (daemon.endpoint, daemon.tcp_endpoint)]
        for crowd in crowds:
            self.addCleanup(crowd.close)
            crowd.send([{"id": i, "op": "ping"} for i in range(self.N_PEER)])
            self.assertEqual(len(crowd.collect(self.N_PEER)), self.N_PEER)
        get = msgpack.packb({"v": 1, "id": 1, "op": "session.get", "session": "nobody"})
        os.kill(daemon.process.pid, signal.SIGSTOP)
        try:
            for i in range(self.N_EACH):
                for crowd in crowds:
                    queues = i // self.N_PEER % 20 == 0
                    crowd.sockets[i % self.N_PEER].send(get if queues else b"\xc1")
        finally:
            os.kill(daemon.process.pid, signal.SIGCONT)
        n = sum(crowd.count(self.N_EACH, daemon.process) for crowd in crowds)
        self.assertIsNone(daemon.process.poll())
        self.assertEqual(n, 2 * self.N_EACH)


class LiveSessions(OverloadTestCase):
    """The daemon's room for sessions: beyond it busy, and room again when some have ended."""

    SETTINGS = ("[sessions] max_live = 10",)

    def test_room_comes_back(self):
        sessions = [self.client.session_start("test", f"e-{i}") for i in range(10)]
        with self.daemon.client(tries=1) as client:
            with self.assertRaises(ThetadError) as caught:
                client.session_start("test", "e-10")
        self.assertEqual(caught.exception.code, "busy")
        self.assertGreater(caught.exception.retry_after_ms, 0)
        sessions[0].answer(score=1)
        for session in sessions:
            session.finish()
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            try:
                self.client.session_start("test", "e-11")
                return
            except ThetadError as error:
                self.assertEqual(error.code, "busy")
        self.fail("no room came back")
