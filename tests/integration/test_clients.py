# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python and the C client against a real daemon behind a network that fails.

The C client is in `theta`. What a session came to is compared with one that nothing disturbed.
"""

import contextlib
import os
import subprocess
import threading
import unittest
import unittest.mock

import msgpack
import zmq

from support.daemon import SANITIZER_SPOKE, Daemon, free_port
from support.relay import TO_CLIENT, TO_SERVER, FaultyRelay
from thetad import Client, NoReply, ThetadError

BANK = [{"id": f"i{i}", "model": "2PL", "a": 0.7 + 0.09 * (i % 9), "b": (i - 20) / 9.0}
        for i in range(40)]
DOCUMENT = {"test": "t", "bank": "b", "select": {"criterion": "MFI"}, "reveal": True,
            "stop": {"any": [{"rule": "length", "at": 20}]}}
SCORES = [1, 0, 1, 1, 0, 1, 0, 0, 1, 1] * 2
PATIENT = {"timeout": 1.0, "deadline": 120.0}


class TestClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(tcp_roles="all")
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.start()
        with cls.daemon.client() as author:
            author.bank_upload("b", BANK)
            author.test_put(DOCUMENT)
            cls.undisturbed = cls.take(author, "undisturbed", lambda seq: None)

    def setUp(self):
        port = int(self.daemon.tcp_endpoint.rsplit(":", 1)[1])
        self.relay = FaultyRelay(port)
        self.addCleanup(self.relay.close)

    @staticmethod
    def take(client, name, disturb):
        """What was asked and how it ended. `disturb` is called before each answer."""
        session = client.session_start("t", "e", session=name, seed=7)
        asked = []
        while session.item:
            asked.append(session.item["id"])
            disturb(session.seq)
            session.answer(score=SCORES[session.seq - 1])
        return asked, session.result

    def answers(self, name):
        with self.daemon.client() as client:
            return [(answer["seq"], answer["item"], answer["response"])
                    for answer in client.session_answers(name)["answers"]]

    def expect_undisturbed(self, name, taken):
        self.assertEqual(taken, self.undisturbed)
        asked = self.undisturbed[0]
        self.assertEqual(self.answers(name), list(zip(range(1, 21), asked, SCORES)))

    def test_resets(self):
        def disturb(seq):
            if seq % 3 == 0:
                self.relay.reset()
        with Client(self.relay.endpoint, **PATIENT) as client:
            self.expect_undisturbed("resets", self.take(client, "resets", disturb))

    def test_resets_while_a_reply_is_under_way(self):
        """Nothing comes back from the daemon: the answer is on its disk, and the reply lost."""
        def disturb(seq):
            if seq % 5:
                return
            self.relay.stall(TO_CLIENT)
            threading.Timer(0.2, lambda: (self.relay.reset(), self.relay.heal())).start()
        with Client(self.relay.endpoint, **PATIENT) as client:
            self.expect_undisturbed("lost-replies", self.take(client, "lost-replies", disturb))

    def test_requests_that_arrive_long_after_they_were_given_up(self):
        def disturb(seq):
            if seq % 7:
                return
            self.relay.stall(TO_SERVER)
            threading.Timer(1.5, self.relay.heal).start()
        with Client(self.relay.endpoint, **PATIENT) as client:
            self.expect_undisturbed("late", self.take(client, "late", disturb))

    def test_a_slow_network(self):
        self.relay.delay_s = 0.03
        with Client(self.relay.endpoint, **PATIENT) as client:
            self.expect_undisturbed("slow", self.take(client, "slow", lambda seq: None))

    def test_one_of_two_ways_refuses(self):
        with FaultyRelay(self.relay.server[1]) as other:
            relays = [self.relay, other]

            def disturb(seq):
                if seq % 4 == 0:
                    relays[seq // 4 % 2].heal()
                    relays[(seq // 4 + 1) % 2].refuse()
            with Client([relay.endpoint for relay in relays], **PATIENT) as client:
                self.expect_undisturbed("two-ways", self.take(client, "two-ways", disturb))

    def test_a_daemon_that_is_replaced(self):
        """SIGTERM and kill -9 in turn, under the same address."""
        def disturb(seq):
            if seq % 6 == 0:
                self.daemon.restart()
            elif seq % 6 == 3:
                self.daemon.kill()
                self.daemon.start()
        with Client(self.relay.endpoint, **PATIENT) as client:
            self.expect_undisturbed("replaced", self.take(client, "replaced", disturb))

    def test_a_reply_that_goes_with_its_connection(self):
        # What libzmq says is there to be read is dropped where the connection breaks just then.
        outcome = []

        def ask(client):
            try:
                outcome.append(client.ping())
            except NoReply as error:
                outcome.append(error)

        with zmq.Context.instance().socket(zmq.ROUTER) as silent:
            port = silent.bind_to_random_port("tcp://127.0.0.1")
            client = Client(f"tcp://127.0.0.1:{port}", timeout=0.5, tries=2)
            self.addCleanup(client.close)
            with unittest.mock.patch.object(Client, "_wait_reply", lambda *_: True):
                asking = threading.Thread(target=ask, args=[client], daemon=True)
                asking.start()
                asking.join(20)
            self.assertFalse(asking.is_alive(), "it waits for ever")
            self.assertIsInstance(outcome[0], NoReply)

    def test_the_c_client(self):
        """A test taken by `theta` while its connection breaks again and again, of two endpoints
        one that nobody is at."""
        stop = threading.Event()
        breaks = []

        def break_connections():
            """Not twice while the same answer is under way, however slow the machine is."""
            with self.daemon.client() as client:
                while not stop.wait(0.002):
                    with contextlib.suppress(ThetadError):
                        seq = client.session("from-c").state["seq"]
                        if not breaks or seq >= breaks[-1] + 2:
                            self.relay.reset()
                            breaks.append(client.session("from-c").state["seq"])
        breaker = threading.Thread(target=break_connections)
        nobody = f"tcp://127.0.0.1:{free_port()}"
        command = [os.environ["THETA_BIN"], "--endpoint", f"{nobody},{self.relay.endpoint}",
                   "take", "t", "--session", "from-c", "--simulate", "0.4", "--no-hint"]
        breaker.start()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        finally:
            stop.set()
            breaker.join()
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertGreater(len(breaks), 3)
        self.assertEqual([seq for seq, _, _ in self.answers("from-c")], list(range(1, 21)))


class Liar(threading.Thread):
    """A peer at the end of `theta` that is no daemon: every field of every reply is `value`."""

    FIELDS = """after answers bank banks bytes criterion document draining entries events examinee
    head item items kinds n_answers n_events n_items n_total name next progress protocol retired run
    sessions state test tests theta version""".split()

    def __init__(self, value):
        super().__init__()
        self.value = value
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 0
        self.endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.quit = threading.Event()
        self.start()

    def run(self):
        while not self.quit.is_set():
            if not self.socket.poll(50):
                continue
            *envelope, body = self.socket.recv_multipart()
            reply = dict.fromkeys(self.FIELDS, self.value)
            reply.update(v=1, id=msgpack.unpackb(body)["id"], ok=True)
            self.socket.send_multipart([*envelope, msgpack.packb(reply)])
        self.socket.close()

    def close(self):
        self.quit.set()
        self.join()


class TestLies(unittest.TestCase):
    """`theta` ends, by itself and with a code of its own, and no reply steers the terminal."""

    ESCAPE = "\x1b]0;title\x07"
    VALUES = (None, -7, 2**53 - 1, ESCAPE, [None, 7, ESCAPE, [], {}], {"theta": ESCAPE})
    COMMANDS = ("ping", "hello", "bank list", "bank show b", "test list", "test show t",
                "take t --simulate 0.5", "session list", "session answers s", "session show s",
                "explain s", "plot session s", "plot test t", "audit", "verify", "drain",
                "examinee export e", "backup --name x")

    def test_nothing_that_is_said_is_believed(self):
        for value in self.VALUES:
            liar = Liar(value)
            try:
                for command in self.COMMANDS:
                    with self.subTest(command, value=value):
                        self.theta(command, liar.endpoint)
            finally:
                liar.close()

    def theta(self, command, endpoint):
        ran = subprocess.run([os.environ["THETA_BIN"], "--endpoint", endpoint, *command.split()],
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                             check=False)
        said = (ran.stdout + ran.stderr).decode(errors="replace")
        self.assertGreaterEqual(ran.returncode, 0, said)
        self.assertIsNone(SANITIZER_SPOKE.search(said), said)
        self.assertNotIn("\x1b", said)


if __name__ == "__main__":
    unittest.main()
