# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries: keys, parameters, answers and pseudonyms that stand nowhere but where they belong."""

import os
import resource
import subprocess
import unittest

import msgpack

from support.daemon import Daemon
from thetad import ThetadError

KEY, OTHER = "canary-key", "canary-distractor"
RAW = "canary-answer"
EXAMINEE = "canary-examinee"
PARAMETER = 0.7319284655
TEST = {"test": "test", "bank": "bank", "stop": {"any": [{"rule": "length", "at": 4}]}}
ALWAYS = (KEY, RAW, EXAMINEE, repr(PARAMETER))


def items():
    """With options and key, with a key alone, and without a key."""
    return [{"id": "i1", "model": "2PL", "a": PARAMETER, "b": 0.1, "options": [KEY, OTHER],
             "key": KEY},
            {"id": "i2", "model": "2PL", "a": PARAMETER, "b": 0.2, "key": KEY},
            {"id": "i3", "model": "2PL", "a": PARAMETER, "b": 0.3},
            {"id": "i4", "model": "3PL", "a": PARAMETER, "b": -0.1, "c": 0.2, "key": KEY},
            {"id": "i5", "model": "2PL", "a": PARAMETER, "b": 0.4, "key": KEY}]


class TestCore(unittest.TestCase):
    def test_a_daemon_that_dies_leaves_no_core(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        if hard == 0:
            self.skipTest("nobody may have a core file here")
        # AddressSanitizer would see to it by itself.
        daemon = Daemon(environment={"ASAN_OPTIONS": "disable_coredump=0"})
        self.addCleanup(daemon.close)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        daemon.start()
        self.assertEqual(resource.prlimit(daemon.process.pid, resource.RLIMIT_CORE), (0, hard))
        daemon.stop()


class TestPrivacy(unittest.TestCase):
    def daemon_of(self, level, roles="frontend"):
        daemon = Daemon(tcp_roles=roles, log_level=level, idle_s=1)
        self.addCleanup(daemon.close)
        daemon.start()
        client = daemon.client(tries=1)
        self.addCleanup(client.close)
        client.bank_upload("bank", items())
        client.test_put(TEST)
        return daemon, client

    def exercise(self, client):
        """Much of what a frontend may do, right and wrong; every reply."""
        replies = []

        def call(op, **fields):
            try:
                replies.append(client.call(op, **fields))
            except ThetadError as error:
                replies.append(error.reply)

        call("session.start", test="test", examinee=EXAMINEE, session="s", seed=3)
        call("session.start", test="test", examinee="another", session="s")
        for _ in range(4):
            state = client.call("session.get", session="s")
            replies.append(state)
            if "item" not in state:
                break
            raw = OTHER if "options" in state["item"] else RAW
            answer = {"session": "s", "seq": state["seq"], "item": state["item"]["id"]}
            call("session.answer", **answer, response="x" * 300)
            call("session.answer", **answer, response=99)
            call("session.answer", **answer, response=raw)
            call("session.answer", **answer, response=0)
        call("session.finish", session="s")
        for op in ("bank.get", "session.explain", "examinee.export", "audit.list", "log.verify",
                   "admin.backup", "irt.curve", "test.get", "session.void"):
            call(op, bank="bank", session="s", examinee=EXAMINEE, test="test", theta=[0])
        return replies

    def told(self, reply):
        """The bytes of a reply, without the options of an item: the key is one of those."""
        if isinstance(reply.get("item"), dict):
            reply = {**reply, "item": {**reply["item"], "options": None}}
        return msgpack.packb(reply)

    def test_replies_to_frontends(self):
        daemon, _ = self.daemon_of("info")
        with daemon.tcp_client(tries=1) as client:
            replies = self.exercise(client)
        self.assertGreater(len(replies), 15)
        for reply in replies:
            for canary in (KEY, RAW, EXAMINEE):
                self.assertNotIn(canary.encode(), self.told(reply))
            self.assertNotIn(msgpack.packb(PARAMETER), self.told(reply))

    def test_replies_to_others(self):
        """Whoever is not an author sees no key and no parameter, an admin neither but by export."""
        for roles in ("proctor", "teacher", "metrics", "admin"):
            daemon, local = self.daemon_of("info", roles)
            self.exercise(local)
            with daemon.tcp_client(tries=1) as client:
                for op in ("session.get", "session.void", "stats", "bank.get", "session.explain",
                           "audit.list", "log.verify", "irt.curve", "hello"):
                    try:
                        reply = client.call(op, session="s", bank="bank", theta=[0])
                    except ThetadError as error:
                        reply = error.reply
                    for canary in (KEY, RAW, EXAMINEE):
                        self.assertNotIn(canary.encode(), self.told(reply), (roles, op))
                    self.assertNotIn(msgpack.packb(PARAMETER), self.told(reply), (roles, op))
            daemon.close()

    def test_an_item_that_was_not_asked_tells_nothing(self):
        """Neither whether a text is one of its options, nor how it is scored."""
        daemon, local = self.daemon_of("info")
        local.test_put({**TEST, "test": "other", "start": {"items": ["i5"]}})
        with daemon.tcp_client(tries=1) as client:
            client.call("session.start", test="other", examinee=EXAMINEE, session="s")
            for op, seq, code in (("session.answer", 1, "wrong_item"),
                                  ("session.answer", 2, "stale_seq"),
                                  ("session.revise", 1, "conflict")):
                for response in (KEY, OTHER, "nonsense", "x" * 300, 0, 99, [], None):
                    with self.subTest(op, seq=seq, response=response):
                        with self.assertRaises(ThetadError) as caught:
                            client.call(op, session="s", seq=seq, item="i1", response=response)
                        self.assertEqual(caught.exception.code, code)

    def test_log(self):
        for level in ("info", "warn"):
            daemon, client = self.daemon_of(level)
            self.exercise(client)
            with daemon.tcp_client(tries=1) as frontend:
                self.exercise(frontend)
            client.call("examinee.erase", examinee=EXAMINEE)
            daemon.stop()
            for canary in ALWAYS + (OTHER,):
                self.assertNotIn(canary, daemon.log(), level)
            self.assertIn("stopped" if level == "info" else "", daemon.log())
            daemon.close()

    def test_audit_has_no_pseudonym(self):
        daemon, client = self.daemon_of("info")
        self.exercise(client)
        client.call("examinee.erase", examinee=EXAMINEE, reason="asked for")
        entries = client.call("audit.list", examinee=EXAMINEE)["entries"]
        self.assertEqual([entry["op"] for entry in entries], ["examinee.export", "examinee.erase"])
        self.assertNotIn(EXAMINEE, str(client.call("audit.list")))
        daemon.close()

    def test_export_tells_all(self):
        """Every dimension, the examinee's own prior, and no score where none has been given."""
        daemon, client = self.daemon_of("info")
        prior = {"mean": [0.5, -1.0], "cov": [[1.0, 0.25], [0.25, 2.0]]}
        client.bank_upload("plane", [{"id": f"i{k}", "model": "M2PL", "a": [1, k / 2], "d": 0,
                                      "scored": "later"} for k in range(3)])
        client.test_put({"test": "plane", "bank": "plane"})
        state = client.call("session.start", test="plane", examinee="e", session="p", prior=prior)
        client.call("session.answer", session="p", seq=1, item=state["item"]["id"], response="")
        client.call("session.score", session="p", seq=1, score=1)
        ability = client.call("session.get", session="p")["ability"]
        told = client.call("examinee.export", examinee="e")["sessions"][0]
        self.assertEqual(told["prior"], prior)
        _, answered, scored = told["events"]
        self.assertEqual((answered["response"], answered["score"]), (None, None))
        self.assertEqual(scored["score"], 1)
        self.assertEqual({key: scored[key] for key in ("theta", "se")}, ability)
        daemon.close()

    def test_erased_and_compacted(self):
        """After an erasure and a compaction not a byte of it is in the file."""
        daemon, client = self.daemon_of("info")
        self.exercise(client)
        client.session_start("test", "someone", session="other").answer(score=1)
        path = os.path.join(daemon.folder, "data", "data.mdb")
        while client.call("examinee.erase", examinee=EXAMINEE).get("after"):
            pass
        daemon.stop()
        told = subprocess.run([os.environ["THETA_BIN"], "compact", os.path.dirname(path)],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(told.returncode, 0, told)
        with open(path, "rb") as file:
            data = file.read()
        self.assertNotIn(EXAMINEE.encode(), data)
        self.assertNotIn(RAW.encode(), data)
        self.assertIn(b"someone", data)
        daemon.start()
        with daemon.client() as again:
            self.assertEqual(again.call("session.get", session="other")["state"], "asking")
            reply = again.call("log.verify")
            self.assertEqual((reply["n_faults"], reply["n_erased"]), (0, 1))
        daemon.close()


if __name__ == "__main__":
    unittest.main()
