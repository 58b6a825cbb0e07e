# SPDX-License-Identifier: GPL-3.0-or-later
"""Every op with every field missing, of the wrong type, too large, of somebody else: refused with
a named code and the field, nothing changed, the daemon serves on. And bytes that are no request."""

import copy
import unittest

import msgpack
import zmq

from support import fields
from support.daemon import Daemon, DaemonTestCase, state_of
from support.wire import Peer
from thetad import ThetadError

CODES = set("""bad_request unknown_op forbidden too_large unknown_bank unknown_test unknown_session
unknown_item wrong_item bad_response stale_seq conflict finished exists invalid_bank invalid_test
exhausted busy retry draining internal""".split())
SESSIONS = ("asking", "other", "done", "resting")


def items():
    """Twelve items with options and a key, in two strands."""
    return [{"id": f"i{i}", "model": "3PL", "a": 0.9 + i / 10, "b": i / 4 - 1.385, "c": 0.15,
             "options": ["A", "B", "C"], "key": "B", "tags": {"strand": "one" if i % 2 else "two"},
             "content": {"stem": f"question {i}"}} for i in range(1, 13)]


def changed(document, path, value):
    """A copy of the document with one value changed or deleted."""
    document = copy.deepcopy(document)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = document
    for part in parents:
        place = place[part]
    if value is fields.DELETE:
        del place[last]
    else:
        place[last] = value
    return document


class FieldsTestCase(DaemonTestCase):
    TCP_ROLES = "frontend"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client.bank_upload("bank", items())
        cls.client.test_put({"test": "test", "bank": "bank", "revise": 1})
        sessions = {name: cls.client.session_start("test", "e", session=name, seed=5)
                    for name in SESSIONS}
        for score in (1, 0):
            cls.answered = sessions["asking"].item["id"]
            sessions["asking"].answer(score=score)
        sessions["other"].answer(score=0)
        sessions["done"].answer(score=1)
        sessions["done"].finish()
        sessions["resting"].suspend()
        cls.upload = cls.client.call("bank.begin", bank="new")["upload"]

    def snapshot(self):
        call = self.client.call
        stats = call("stats")
        gauges = {**stats["gauges"], "started": stats["counters"]["sessions_started"]}
        del gauges["store_used_bytes"]  # a refusal may be in the audit
        del gauges["sessions_live"]  # one that has ended leaves memory when there is time
        return [[state_of(call("session.get", session=name)) for name in SESSIONS],
                call("bank.list")["banks"], call("test.list")["tests"],
                state_of(call("bank.get", bank="bank")), gauges]

    def setUp(self):
        self.before = self.snapshot()

    def tearDown(self):
        self.assertEqual(self.snapshot(), self.before, "something changed")

    def sound(self, op):
        """Fields with which the op would be accepted."""
        state = self.before[0][0]
        values = {
            "bank": "bank", "D": 1.0, "upload": self.upload, "items": [], "version": 1,
            "offset": 0, "limit": 10, "item": "i1", "document": fields.DOCUMENT, "test": "test",
            "examinee": "e", "session": "asking", "group": "g", "prior": {"mean": 0, "sd": 1},
            "seed": 5, "seq": state["seq"], "response": 1, "score": 1, "elapsed_ms": 10,
            "reason": "why", "state": "asking", "after": "a",
            "theta": 0.5, "responses": [["i1", 1]], "method": "EAP", "grid": {}, "bounds": {},
            "criterion": "MFI", "pace": {}, "max_items": 10, "exclude": [], "top": 3}
        values.update({"run": None, "head": None, "from": 1, "subject": "bank",
                       "name": "copy", "after": "a", "on": False})
        sound = {name: values[name] for name in fields.OPS[op]}
        special = {"bank.begin": {"bank": "new"}, "session.answer": {"item": state["item"]["id"]},
                   "session.start": {"session": "never"}, "irt.curve": {"theta": [0.5]},
                   "session.suspend": {"session": "resting"},
                   "session.revise": {"seq": 2, "item": self.answered, "response": 0},
                   "examinee.erase": {"examinee": "nobody"}}
        sound.update(special.get(op, {}))
        if op.startswith("irt."):
            sound["items"] = ["i1", "i2"]
        if op == "irt.rank":
            del sound["theta"]
        return sound


class TestFields(FieldsTestCase):
    def check(self, op, values, name, case):
        """The op is refused with one of the case's codes, and the field where that is the code."""
        error = self.refused(case.codes, op, **values)
        self.assertIsInstance(error.message, str)
        self.assertTrue(error.message)
        if error.code == "bad_request":
            where = f"{name}.{case.below}" if case.below else name
            self.assertTrue(error.field and (error.field + ".").startswith(where + "."),
                            f"{op} {values}: {error} names {error.field}, not {where}")

    def test_missing(self):
        for op, table in fields.OPS.items():
            for name, field in table.items():
                sound = self.sound(op)
                for values in ({**sound, name: None}, {k: sound[k] for k in sound if k != name}):
                    if field.required:
                        with self.subTest(op=op, missing=name, nil=name in values):
                            self.check(op, values, name, fields.At(None))

    def test_wrong_type(self):
        for op, table in fields.OPS.items():
            for name, field in table.items():
                for value in field.wrong_types():
                    with self.subTest(op=op, field=name, value=value):
                        values = {**self.sound(op), name: value}
                        self.check(op, values, name, fields.At(value, codes=("bad_response",)
                                   if name == "response" else ()))

    def test_out_of_range(self):
        for op, table in fields.OPS.items():
            for name, field in table.items():
                for case in field.out_of_range():
                    with self.subTest(op=op, field=name, value=str(case.value)[:80]):
                        self.check(op, {**self.sound(op), name: case.value}, name, case)

    def test_unknown_session(self):
        for op in fields.OPS:
            if op.startswith("session.") and op not in ("session.start", "session.list"):
                with self.subTest(op):
                    self.refused("unknown_session", op, **{**self.sound(op), "session": "nobody"})

    def test_document(self):
        for path, value, where in fields.DOCUMENT_FAULTS:
            with self.subTest(path=path, value=value):
                error = self.refused(("invalid_test", "unknown_bank"), "test.put",
                                     document=changed(fields.DOCUMENT, path, value))
                if error.code == "unknown_bank":
                    self.assertEqual(path, "bank")
                    continue
                told = [fault["field"] for fault in error.faults]
                self.assertTrue(any((field + ".").startswith(where + ".") for field in told),
                                f"{path}={value}: {told}")
                self.assertTrue(all(fault["message"] for fault in error.faults))

    def test_document_faults_are_told_together(self):
        document = changed(fields.DOCUMENT, "estimate.prior.sd", -1)
        document = changed(document, "stop.any.1.at", "x")
        document = changed(document, "omit", "sometimes")
        error = self.refused("invalid_test", "test.put", document=document)
        self.assertEqual({fault["field"] for fault in error.faults},
                         {"estimate.prior.sd", "stop.any.1.at", "omit"})


class TestAnswers(FieldsTestCase):
    """Answers that do not fit the question that is being asked."""

    def answer(self, code, **changes):
        return self.refused(code, "session.answer", **{**self.sound("session.answer"), **changes})

    def test_of_another_question(self):
        asking, other, done, resting = self.before[0]
        self.assertNotEqual(asking["item"]["id"], other["item"]["id"])
        self.answer("wrong_item", item=other["item"]["id"])
        self.answer("stale_seq", seq=asking["seq"] + 1)
        self.answer("stale_seq", seq=1)
        self.answer("stale_seq", seq=other["seq"] - 1, item=other["item"]["id"])
        self.answer("conflict", session="resting", seq=resting["seq"], item="i1")
        self.answer("finished", session="done", seq=done["seq"] + 1)

    def test_revised_out_of_reach(self):
        def revise(code, **changes):
            return self.refused(code, "session.revise", **{**self.sound("session.revise"),
                                                           **changes})
        self.assertIn("question", revise("stale_seq", seq=1, response=0).message)
        revise("stale_seq", seq=3)
        revise("wrong_item", item="i1" if self.answered != "i1" else "i2")
        revise("bad_response", response=2)
        revise("conflict", session="resting", seq=1)

    def test_bad_responses(self):
        for response in (2, -1, "D", "", "b", "AB"):
            with self.subTest(response=response):
                self.answer(("bad_response", "bad_request"), response=response)

    def test_moves_that_a_state_does_not_allow(self):
        for op in ("session.suspend", "session.resume"):
            self.refused("finished", op, session="done")
        self.refused("exists", "session.start", test="test", examinee="another", session="asking")


class TestRoles(FieldsTestCase):
    def test_frontend_over_tcp(self):
        with self.daemon.tcp_client(tries=1) as client:
            for op, may in fields.MAY.items():
                if "frontend" not in may:
                    with self.subTest(op):
                        error = self.refused("forbidden", op, client=client, **self.sound(op))
                        self.assertFalse(error.retry)

    def test_frontend_sees_no_keys(self):
        with self.daemon.tcp_client(tries=1) as client:
            state = state_of(client.call("session.get", session="asking"))
        self.assertLessEqual(set(state), {"session", "test", "seq", "state", "item", "progress",
                                          "revisable"})
        self.assertLessEqual(set(state["item"]), {"id", "content", "set", "options"})

    def test_every_op_with_every_role(self):
        for role in fields.ROLES:
            daemon = Daemon(tcp_roles=role)
            self.addCleanup(daemon.close)
            daemon.start()
            with daemon.tcp_client(tries=1) as client:
                for op, may in fields.MAY.items():
                    with self.subTest(role=role, op=op):
                        self.check_role(client, op, role in may)
            daemon.close()

    def check_role(self, client, op, allowed):
        try:
            client.call(op)
            code = None
        except ThetadError as error:
            code = error.code
        self.assertEqual(code != "forbidden", allowed, code)


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


PING = {"v": 1, "id": 7, "op": "ping"}
NO_REQUESTS = {
    "empty": b"", "nil": b"\xc0", "int": b"\x07", "text": b"\xa4ping", "array": b"\x91\x07",
    "never used": b"\xc1", "map32 bomb": b"\xdf\xff\xff\xff\xff",
    "array32 bomb": b"\xdd\xff\xff\xff\xff", "str32 bomb": b"\xdb\xff\xff\xff\xff",
    "bin32 bomb": b"\xc6\xff\xff\xff\xff", "ext": b"\x81\xa1v\xd4\x01\x00",
    "map bomb inside": b"\x81\xa1v\xdf\x7f\xff\xff\xff", "arrays 60000 deep": b"\x91" * 60000,
    "maps deep": b"\x81\xa1a" * 20000, "maps 17 deep": b"\x81\xa1a" * 17 + b"\xc0",
    "key twice": b"\x84" + pack({"v": 1, "id": 7, "op": "ping"})[1:] + b"\xa1v\x01",
    "nested key twice": b"\x84" + pack(PING)[1:] + b"\xa1x\x82\xa1a\x01\xa1a\x02",
    "key is no str": b"\x84" + pack(PING)[1:] + b"\x01\x01",
    "65 entries": pack({**PING, **{f"k{i}": i for i in range(62)}}),
    "long key": pack({**PING, "k" * 65: 1}), "bytes behind": pack(PING) + b"\x00",
    "bad UTF-8 text": b"\x84" + pack(PING)[1:] + b"\xa1x\xa2\xc3\x28",
    "bad UTF-8 key": b"\x84" + pack(PING)[1:] + b"\xa2\xff\xfe\x01",
    "overlong UTF-8": b"\x84" + pack(PING)[1:] + b"\xa1x\xa2\xc0\x80",
    "surrogate": b"\x84" + pack(PING)[1:] + b"\xa1x\xa3\xed\xa0\x80",
    "130000 values in 65 bytes": b"\x81\xa1a" + b"\xdc\xff\xff" * 20,
}


class TestBytes(FieldsTestCase):
    def check_error(self, reply, codes, ids=(None,)):
        self.assertIs(reply["ok"], False)
        self.assertEqual(reply["v"], 1)
        self.assertIn(reply["id"], ids)
        self.assertIn(reply["error"]["code"], codes)
        self.assertTrue(reply["error"]["message"])
        self.assertIs(reply["error"]["retry"], False)

    def check_ping(self, reply):
        self.assertEqual((reply["v"], reply["id"], reply["ok"]), (1, 7, True))

    def test_no_request(self):
        with Peer(self.daemon.endpoint) as peer:
            for name, body in NO_REQUESTS.items():
                with self.subTest(name):
                    self.check_error(peer.exchange(body)[1], ("bad_request", "too_large"),
                                     ids=(None, 7))
                    self.check_ping(peer.exchange(pack(PING))[1])

    def test_truncated(self):
        body = pack({"v": 1, "id": 7, "op": "session.start", "test": "test", "examinee": "e",
                     "prior": {"mean": 0.5, "sd": 1.25}, "seed": 2**40})
        with Peer(self.daemon.endpoint) as peer:
            for n in range(len(body)):
                with self.subTest(bytes=n):
                    self.check_error(peer.exchange(body[:n])[1], ("bad_request",))

    def test_head(self):
        cases = [("v", None), ("v", 2), ("v", "1"), ("v", 1.5), ("id", None), ("id", 1.5),
                 ("id", []), ("id", {}), ("id", -1), ("id", 2**53), ("id", "x" * 65),
                 ("op", None), ("op", 7), ("op", []), ("op", "x" * 65)]
        with Peer(self.daemon.endpoint) as peer:
            for name, value in cases:
                with self.subTest(name=name, value=value):
                    reply = peer.exchange(pack({**PING, name: value}))[1]
                    self.check_error(reply, ("bad_request", "unknown_op"), ids=(None, 7))
                    if reply["error"]["code"] == "bad_request":
                        self.assertEqual(reply["error"].get("field"), name)
            reply = peer.exchange(pack({**PING, "op": "ping.pong"}))[1]
            self.check_error(reply, ("unknown_op",), ids=(7,))

    def test_unknown_keys_are_ignored(self):
        with Peer(self.daemon.endpoint) as peer:
            self.check_ping(peer.exchange(pack({**PING, "later": [1, {"x": None}]}))[1])

    def test_ids_come_back_as_they_were(self):
        with Peer(self.daemon.endpoint) as peer:
            for request_id in (0, 2**53 - 1, "a", "x" * 64, "\u00e4 /"):
                with self.subTest(request_id):
                    self.assertEqual(peer.exchange(pack({**PING, "id": request_id}))[1]["id"],
                                     request_id)

    def test_envelopes(self):
        with Peer(self.daemon.endpoint) as peer:
            for n in range(9):
                with self.subTest(frames=n):
                    frames = [bytes([i]) * i for i in range(n)]
                    envelope, reply = peer.exchange(*frames, pack(PING))
                    self.assertEqual(envelope, frames)
                    self.check_ping(reply)

    def test_too_many_frames(self):
        with Peer(self.daemon.endpoint) as peer:
            for n in (9, 20, 500):
                with self.subTest(frames=n):
                    peer.send(*[b"x"] * n, pack(PING))
                    self.check_ping(peer.exchange(pack(PING))[1])  # the other one is dropped
                    self.assertTrue(peer.silent(for_ms=100))

    def test_req_socket(self):
        with Peer(self.daemon.endpoint, zmq.REQ) as peer:
            self.check_ping(peer.exchange(pack(PING))[1])
            self.check_error(peer.exchange(b"")[1], ("bad_request",))
            self.check_error(peer.exchange(b"frame", b"\xc1")[1], ("bad_request",))
            envelope, reply = peer.exchange(b"frame", pack(PING))
            self.assertEqual(envelope, [b"frame"])
            self.check_ping(reply)

    def test_body_over_64_kib(self):
        with Peer(self.daemon.endpoint) as peer:
            fits = pack({**PING, "x": b"x" * 65000})
            self.check_ping(peer.exchange(fits)[1])
            large = pack({**PING, "x": b"x" * 66000})
            self.check_error(peer.exchange(large)[1], ("too_large",), ids=(None, 7))

    def test_message_over_1_mib(self):
        with Peer(self.daemon.endpoint) as peer:
            for n in (2**20 + 1, 2 * 2**20):
                with self.subTest(bytes=n):
                    self.check_error(peer.exchange(b"\xc6" * n)[1], ("too_large",))
                    self.check_ping(peer.exchange(pack(PING))[1])


if __name__ == "__main__":
    unittest.main()
