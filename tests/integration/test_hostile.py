# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers that mean harm, at both kinds of TCP endpoint. Each test ends with a good client being
served, and with memory and descriptors where they were."""

import contextlib
import ctypes
import os
import time
import unittest

import msgpack
import zmq

from support.daemon import Daemon
from support.raw_peer import READY, SHAPES, Raw, Relay, greeting, ready_as
from support.wire import Peer
from thetad import NoReply, ThetadError

MIB = 1 << 20
WAIT_S = 60
ITEMS = [{"id": f"q{i}", "model": "1PL", "b": i / 7 - 1.2, "options": ["A", "canary-answer"],
          "key": "canary-answer", "content": "x" * 16000} for i in range(8)]
# The sanitizer keeps what is freed for a while, which would hide what is not.
SMALL_QUARANTINE = {
    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "abort_on_error=1") + ":quarantine_size_mb=4"}


class HostileTestCase(unittest.TestCase):
    KEYS = True
    SETTINGS = ()
    DESCRIPTORS = None

    def setUp(self):
        self.daemon = Daemon(keys=self.KEYS, tcp_roles=None if self.KEYS else "frontend",
                             settings=self.SETTINGS)
        self.addCleanup(self.daemon.close)
        self.options = self.daemon.keys.add("good", tenant="local") if self.KEYS else {}
        self.daemon.start(SMALL_QUARANTINE, self.DESCRIPTORS)
        self.author = self.daemon.client(timeout=30)
        self.addCleanup(self.author.close)
        self.author.bank_upload("bank", ITEMS)
        self.author.test_put({"test": "test", "bank": "bank"})

    def serve_a_good_client(self):
        with self.daemon.tcp_client(timeout=30, **self.options) as client:
            session = client.session_start("test", "e")
            session.answer(raw="A")
            session.finish()

    def wait_for_descriptors(self, most):
        """libzmq gives a handshake its time."""
        deadline = time.monotonic() + WAIT_S
        while self.daemon.n_descriptor() > most:
            if time.monotonic() > deadline:
                self.fail(f"{self.daemon.n_descriptor()} descriptors, not {most}")
            time.sleep(0.1)

    @contextlib.contextmanager
    def bounded(self, growth_bytes):
        """What happens inside leaves no descriptors behind, nor more memory than that."""
        self.serve_a_good_client()
        descriptors, rss = self.daemon.n_descriptor(), self.daemon.rss_bytes()
        yield
        self.serve_a_good_client()
        self.wait_for_descriptors(descriptors + 4)
        self.assertLess(self.daemon.rss_bytes() - rss, growth_bytes)
        self.assertIsNone(self.daemon.process.poll())


class Garbage(HostileTestCase):
    def open_all(self, shapes, n):
        peers = []
        for shape in shapes:
            for _ in range(n):
                peers.append(Raw(self.daemon.tcp_endpoint))
                peers[-1].send(shape)
        return peers

    def test_every_shape(self):
        for shape in SHAPES.values():  # once, so that what is made at first use is there
            self.open_all([shape], 1)[0].close()
        with self.bounded(24 * MIB):
            peers = self.open_all(SHAPES.values(), 8)
            self.serve_a_good_client()  # while they are there
            for peer in peers[::2]:
                peer.close()
            self.wait_for_descriptors(60)  # those that stay are hung up on
            for peer in peers[1::2]:
                peer.close()

    def test_no_garbage_is_a_request(self):
        before = self.author.stats()["counters"]
        for peer in self.open_all(SHAPES.values(), 2):
            peer.close()
        self.wait_for_descriptors(60)
        after = self.author.stats()["counters"]
        n_request, n_error = (after[name] - before[name] for name in ("requests", "errors"))
        self.assertEqual(n_request - 1, n_error)  # all but these stats
        if self.KEYS:
            self.assertEqual(n_error, 0)

    def test_a_byte_at_a_time(self):
        with self.bounded(16 * MIB):
            peers = [Raw(self.daemon.tcp_endpoint) for _ in range(30)]
            data = greeting(b"CURVE" if self.KEYS else b"NULL")
            for i in range(len(data) - 1):
                for peer in peers:
                    peer.send(data[i:i + 1])
            self.serve_a_good_client()
            self.wait_for_descriptors(60)
            for peer in peers:
                peer.close()

    def test_a_flood_of_connections(self):
        with self.bounded(24 * MIB):
            for _ in range(40):
                peers = [Raw(self.daemon.tcp_endpoint) for _ in range(25)]
                for peer in peers:
                    peer.close()
            self.serve_a_good_client()


class GarbageWithoutKeys(Garbage):
    KEYS = False


class Replay(HostileTestCase):
    def test_a_recorded_connection_says_nothing_again(self):
        relay = Relay(self.daemon.tcp_endpoint)
        self.addCleanup(relay.close)
        options = {**self.options, "timeout": 30}
        with self.daemon.tcp_client(**options) as client:
            client.endpoints = [relay.endpoint]
            session = client.session_start("test", "e", session="recorded")
            state = session.get()
        self.assertGreater(len(relay.sent), 500)
        before = self.author.stats()["counters"]["requests"]
        for _ in range(20):
            peer = Raw(self.daemon.tcp_endpoint)
            peer.send(relay.sent)
            peer.close()
        self.serve_a_good_client()
        after = self.author.stats()["counters"]["requests"]
        self.assertEqual(after - before, 4)  # the good client's three, and stats itself
        with self.daemon.tcp_client(**options) as client:
            self.assertEqual(client.call("session.get", session="recorded")["item"],
                             state["item"])

    def test_strangers_keep_nobody_out(self):
        with self.bounded(32 * MIB):
            strangers = [self.daemon.keys.stranger(f"s-{i}") for i in range(15)]
            clients = [self.daemon.tcp_client(timeout=0.05, tries=1, **stranger)
                       for stranger in strangers for _ in range(4)]
            for client in clients:
                with self.assertRaises(NoReply):
                    client.ping()
            self.serve_a_good_client()
            for client in clients:
                client.close()
        refused = self.daemon.log().count("connection refused")
        self.assertTrue(1 <= refused <= 30, refused)


class Bodies(HostileTestCase):
    KEYS = False
    NESTED = {
        "maps": b"\x81\xa1k" * 21845, "arrays": b"\x91" * 65536, "both": b"\x81\xa1k\x91" * 16384,
        "map of maps": b"\x81" * 65536, "claims": b"\xdd\xff\xff\xff\xff" * 13107,
        "map claims": b"\xdf\xff\xff\xff\xff" * 13107, "bytes": b"\xc6\xff\xff\xff\xff" * 13107,
        "nothing": b"", "nil": b"\xc0" * 65536, "never": b"\xc1" * 65536,
    }

    def test_nested_to_no_end(self):
        with self.bounded(24 * MIB), Peer(self.daemon.tcp_endpoint) as peer:
            for name, body in self.NESTED.items():
                for tail in (b"", b"\xc0"):
                    with self.subTest(name, tail=tail):
                        _, reply = peer.exchange(body + tail)
                        self.assertFalse(reply["ok"])
                        self.assertIsNone(reply["id"])
                        self.assertEqual(reply["error"]["code"], "bad_request")

    def test_a_message_without_end_closes_the_connection(self):
        with self.bounded(48 * MIB), Peer(self.daemon.tcp_endpoint) as peer:
            peer.send(bytes(2 * MIB + 1))
            self.assertTrue(peer.silent(500))

    def test_frames_without_end_close_the_connection(self):
        """Each frame is within the limits; that another one follows is said for ever."""
        frame = b"\3" + (MIB // 4).to_bytes(8, "big") + bytes(MIB // 4)
        with self.bounded(160 * MIB):
            peers = [Raw(self.daemon.tcp_endpoint) for _ in range(3)]
            for peer in peers:
                peer.send(greeting(b"NULL") + READY)
                for _ in range(24):
                    peer.send(frame)
            self.serve_a_good_client()
            for peer in peers:
                while peer.receive():
                    pass
            self.wait_for_descriptors(60)
            for peer in peers:
                self.assertFalse(all(peer.send(frame) for _ in range(9)))
                peer.close()
        self.assertIn("a message without end", self.daemon.log())

    def test_much_at_once_is_no_message_without_end(self):
        """Whole messages, as many as there may be under way."""
        body = msgpack.packb({"v": 1, "id": 7, "op": "ping", "x": bytes(60000)})
        with Peer(self.daemon.tcp_endpoint) as peer:
            for _ in range(4):
                for _ in range(300):
                    peer.send(body)
                for _ in range(300):
                    self.assertTrue(peer.receive()[1]["ok"])
                time.sleep(0.7)
        self.assertNotIn("a message without end", self.daemon.log())

    def test_a_reader_that_does_not_read(self):
        """A reply that a peer does not take waits for it, but only so many do."""
        with self.bounded(160 * MIB):
            self.author.call("session.start", test="test", examinee="e", session="slow")
            request = msgpack.packb({"v": 1, "id": 7, "op": "session.get", "session": "slow"})
            context = zmq.Context()
            peers = []
            for _ in range(5):
                peer = context.socket(zmq.DEALER)
                peer.linger, peer.rcvhwm, peer.rcvbuf, peer.sndhwm = 0, 1, 4096, 0
                peer.connect(self.daemon.tcp_endpoint)
                peers.append(peer)
            for _ in range(5000):
                for peer in peers:
                    peer.send(request)
            deadline = time.monotonic() + WAIT_S
            while self.author.stats()["counters"]["dropped"] < 10000:
                self.assertLess(time.monotonic(), deadline, "replies are kept without end")
                time.sleep(0.1)
            context.destroy(linger=0)


class RoutingIds(HostileTestCase):
    """libzmq numbers its peers by a number that goes up, and ends the process where a peer has
    taken the next one for its own: where it begins must be nobody's to know."""
    KEYS = False

    @staticmethod
    def guesses():
        """Where it begins in a process that has not seeded its random numbers."""
        libc = ctypes.CDLL(None)
        libc.srand(1)
        draws = [libc.rand() for _ in range(20)]
        return {(low | high << 31) % 2**32 for low, high in zip(draws, draws[1:])}

    def test_the_next_peer_s_is_not_known(self):
        peers = []
        for first in self.guesses():
            for i in range(2, 5):  # behind those that there are already
                peer = Raw(self.daemon.tcp_endpoint)
                peers.append(peer)
                peer.send(greeting(b"NULL"))
                peer.receive()
                peer.send(ready_as(b"\0" + ((first + i) % 2**32).to_bytes(4, "big")) + b"\0\1x")
        for _ in range(6):
            with self.daemon.tcp_client(timeout=10, tries=1) as client:
                client.ping()
        for peer in peers:
            peer.close()


class Descriptors(HostileTestCase):
    SETTINGS = ("[limits] connections = 50",)
    DESCRIPTORS = 120

    def test_none_are_left(self):
        for _ in range(3):
            peers = [Raw(self.daemon.tcp_endpoint) for _ in range(200)]
            for peer in peers:
                peer.close()
            self.serve_a_good_client()


class Silence(HostileTestCase):
    """A student thinks. A heartbeat to each of ten thousand would cost what they all ask."""

    KEYS = False
    THINK_S = 12

    def test_who_is_silent_is_not_asked(self):
        peer = Raw(self.daemon.tcp_endpoint)
        self.addCleanup(peer.close)
        peer.send(greeting(b"NULL") + READY)
        peer.socket.settimeout(self.THINK_S)
        seen = b""
        with self.assertRaises(TimeoutError):
            while data := peer.socket.recv(4096):
                seen += data
        self.assertIn(b"READY", seen)
        self.assertNotIn(b"PING", seen)


class TooFewDescriptors(unittest.TestCase):
    def test_it_says_so(self):
        daemon = Daemon(settings=("[limits] connections = 1000",))
        self.addCleanup(daemon.close)
        daemon.spawn(descriptors=500)
        self.assertEqual(daemon.process.wait(30), os.EX_CONFIG)
        self.assertIn("too few file descriptors", daemon.log())
        self.assertIn("need=1064 most=500", daemon.log())


class Log(HostileTestCase):
    """What a peer says is not the log's to repeat, and cannot pass for the log's own words."""

    def test_no_examinee_and_no_answer(self):
        with self.daemon.tcp_client(**self.options) as client:
            session = client.session_start("test", "canary-examinee", session="canary-session")
            session.answer(raw="canary-answer")
            with self.assertRaises(ThetadError):
                session.answer(raw="canary-wrong")
            session.suspend()
        self.author.call("session.void", session="canary-session", reason="canary-reason")
        self.daemon.restart()
        self.assertNotIn("canary", self.daemon.log())

    def test_a_line_cannot_be_forged(self):
        forged = "x\" \ntime=2026 level=error msg=\"forged"
        with self.daemon.tcp_client(tries=1, **self.options) as client:
            for fields in ({"op": forged}, {"op": "session.get", "session": forged},
                           {"op": "session.start", "test": forged, "examinee": "e"}):
                with self.assertRaises(ThetadError):
                    client.call(**fields)
        self.daemon.stop()
        for line in self.daemon.log().splitlines():
            self.assertRegex(line, r'^time=\S+ level=(info|warn) msg="')
            self.assertNotIn("forged", line)
