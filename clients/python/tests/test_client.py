# SPDX-License-Identifier: Apache-2.0
"""The client against a ROUTER in a thread that answers as each test tells it to."""

import json
import os
import sys
import tempfile
import threading
import time
import unittest

import zmq

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from thetad import Client, NoReply, ThetadError  # noqa: E402
from thetad import client as client_module  # noqa: E402
from thetad.client import batches, pack, unpack  # noqa: E402

VECTORS = os.path.join(HERE, "..", "..", "..", "proto", "vectors", "vectors.json")


class FakeDaemon:
    """Answers request number n with script[n](request): a list of bodies to send, none to drop it.

    The last entry serves all further requests. A body of None hangs up on everybody."""

    def __init__(self, *script):
        self.script = script
        self.seen = []  # (routing id, body) of every request
        self.folder = tempfile.TemporaryDirectory(prefix="thetad-")
        self.endpoint = f"ipc://{self.folder.name}/s"
        self._stop = threading.Event()
        self._bind()
        self._thread = threading.Thread(target=self._run)

    def _bind(self):
        self._socket = zmq.Context.instance().socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.bind(self.endpoint)

    def _hang_up(self):
        self._socket.close()
        self._bind()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join()
        self._socket.close()
        self.folder.cleanup()

    def _run(self):
        while not self._stop.is_set():
            if not self._socket.poll(20):
                continue
            frames = self._socket.recv_multipart()
            step = self.script[min(len(self.seen), len(self.script) - 1)]
            self.seen.append((frames[0], frames[-1]))
            for body in step(unpack(frames[-1])):
                if body is None:
                    self._hang_up()
                else:
                    self._socket.send_multipart(frames[:-1] + [body])


def drop(request):
    return []


def hang_up(request):
    return [None]


def accept(request, **fields):
    return [pack({"v": 1, "id": request["id"], "ok": True, **fields})]


def refuse(code, retry=False, **more):
    def step(request):
        error = {"code": code, "message": "because", "retry": retry, **more}
        return [pack({"v": 1, "id": request["id"], "ok": False, "error": error})]
    return step


class TestRetries(unittest.TestCase):
    def setUp(self):
        self.addCleanup(setattr, client_module, "BACKOFF_FIRST_S", client_module.BACKOFF_FIRST_S)
        client_module.BACKOFF_FIRST_S = 0.01

    def test_dropped_reply_is_asked_for_again(self):
        with FakeDaemon(drop, drop, accept) as fake, Client(fake.endpoint, timeout=0.2) as client:
            self.assertTrue(client.call("ping")["ok"])
        bodies = [body for _, body in fake.seen]
        self.assertEqual(bodies, [bodies[0]] * 3, "the same bytes")
        self.assertEqual(len({peer for peer, _ in fake.seen}), 3, "each on a socket of its own")

    def test_socket_is_kept_while_all_is_well(self):
        with FakeDaemon(accept) as fake, Client(fake.endpoint) as client:
            for _ in range(3):
                client.ping()
        self.assertEqual(len({peer for peer, _ in fake.seen}), 1)
        self.assertEqual(len({unpack(body)["id"] for _, body in fake.seen}), 3)

    def test_ids_of_two_clients_differ(self):
        with FakeDaemon(accept) as fake:
            for _ in range(2):
                with Client(fake.endpoint) as client:
                    client.ping()
        self.assertEqual(len({unpack(body)["id"] for _, body in fake.seen}), 2)

    def test_retry_true_is_sent_again(self):
        with FakeDaemon(refuse("busy", retry=True, retry_after_ms=1), accept) as fake:
            with Client(fake.endpoint) as client:
                self.assertTrue(client.call("ping")["ok"])
        self.assertEqual(fake.seen[0], fake.seen[1])

    def test_a_daemon_that_drains_is_left(self):
        with FakeDaemon(refuse("draining", retry=True), accept) as fake:
            with Client(fake.endpoint) as client:
                self.assertTrue(client.call("ping")["ok"])
        self.assertEqual(fake.seen[0][1], fake.seen[1][1])
        self.assertNotEqual(fake.seen[0][0], fake.seen[1][0])

    def test_a_long_wait_is_the_callers(self):
        with FakeDaemon(refuse("busy", retry=True, retry_after_ms=3600000)) as fake:
            with Client(fake.endpoint) as client, self.assertRaises(ThetadError) as caught:
                client.ping()
        self.assertEqual((caught.exception.code, caught.exception.retry_after_ms),
                         ("busy", 3600000))
        self.assertEqual(len(fake.seen), 1)

    def test_retry_true_to_the_end_is_raised(self):
        with FakeDaemon(refuse("draining", retry=True)) as fake:
            with Client(fake.endpoint, tries=3) as client:
                with self.assertRaises(ThetadError) as caught:
                    client.ping()
        self.assertEqual((caught.exception.code, caught.exception.retry), ("draining", True))
        self.assertEqual(len(fake.seen), 3)

    def test_retry_false_is_raised_at_once(self):
        step = refuse("conflict", field="response", item="q17")
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            with self.assertRaises(ThetadError) as caught:
                client.ping()
        error = caught.exception
        self.assertEqual((error.code, error.message, error.field, error.item, error.retry),
                         ("conflict", "because", "response", "q17", False))
        self.assertFalse(error.reply["ok"])
        self.assertEqual(len(fake.seen), 1)

    def test_silence_ends_in_no_reply(self):
        with FakeDaemon(drop) as fake, Client(fake.endpoint, timeout=0.1, tries=3) as client:
            with self.assertRaises(TimeoutError) as caught:
                client.ping()
        self.assertIsInstance(caught.exception, NoReply)
        self.assertEqual(len(fake.seen), 3)

    def test_nobody_listens(self):
        with tempfile.TemporaryDirectory(prefix="thetad-") as folder:
            with Client(f"ipc://{folder}/nobody", timeout=0.1, tries=2) as client:
                start = time.monotonic()
                with self.assertRaises(NoReply):
                    client.ping()
                self.assertLess(time.monotonic() - start, 2.0)

    def test_pauses_grow_and_differ(self):
        client_module.BACKOFF_FIRST_S = 0.05
        for n_tried in range(1, 9):
            bound = min(client_module.BACKOFF_MAX_S, 0.05 * 2 ** (n_tried - 1))
            pauses = [Client._pause(n_tried, None) for _ in range(200)]
            self.assertTrue(all(0 <= pause <= bound for pause in pauses), n_tried)
            # Full jitter: 200 draws reach into both outer tenths, but for one run in 10^9.
            self.assertLess(min(pauses), bound / 10)
            self.assertGreater(max(pauses), bound * 0.9)
        told = Client._pause(1, {"error": {"retry_after_ms": 1700}})
        self.assertTrue(1.7 <= told <= 1.75, told)

    def test_a_wait_that_is_none(self):
        """What a peer tells that is no daemon, or not one of ours."""
        for wait in (None, "soon", b"1", [1], {}, -5, float("nan"), -float("inf"), True):
            with self.subTest(wait):
                pause = Client._pause(1, {"error": {"retry_after_ms": wait}})
                self.assertTrue(0 <= pause <= 0.02, pause)
                with FakeDaemon(refuse("busy", retry=True, retry_after_ms=wait)) as fake:
                    with Client(fake.endpoint, tries=2) as client:
                        with self.assertRaises(ThetadError):
                            client.ping()

    def test_a_peer_that_says_something_else_for_ever(self):
        n_reply, seen = 1000, []

        def slow(body):
            seen.append(body)
            time.sleep(0.005)
            return unpack(body)

        self.addCleanup(setattr, client_module, "unpack", unpack)
        client_module.unpack = slow
        others = [pack({"v": 1, "id": "another's", "ok": True})] * n_reply
        with FakeDaemon(lambda request: others) as fake:
            with Client(fake.endpoint, timeout=0.05, tries=1) as client:
                with self.assertRaises(NoReply):
                    client.ping()
        self.assertLess(len(seen), n_reply // 2)

    def test_a_broken_connection_is_noticed(self):
        # Without the look at the connection the only try would wait for all of the deadline.
        with FakeDaemon(hang_up, accept) as fake:
            with Client(fake.endpoint, timeout=20, deadline=20) as client:
                self.assertTrue(client.call("ping")["ok"])
        self.assertEqual(fake.seen[0][1], fake.seen[1][1], "the same bytes")

    def test_no_try_outlasts_the_deadline(self):
        with FakeDaemon(drop) as fake, Client(fake.endpoint, timeout=60, deadline=0.3) as client:
            with self.assertRaises(NoReply):
                client.ping()
        self.assertEqual(len(fake.seen), 1)

    def test_retries_for_as_long_as_the_deadline_allows(self):
        script = [refuse("retry", retry=True)] * 12 + [accept]
        client_module.BACKOFF_FIRST_S = 0.0001
        with FakeDaemon(*script) as fake, Client(fake.endpoint, timeout=30) as client:
            self.assertTrue(client.call("ping")["ok"])
        self.assertEqual(len(fake.seen), 13)

    def test_a_daemon_that_says_retry_twice_is_left(self):
        step = refuse("retry", retry=True)
        with FakeDaemon(step, step, accept) as fake, Client(fake.endpoint) as client:
            client.ping()
        peers = [peer for peer, _ in fake.seen]
        self.assertEqual(peers[0], peers[1])
        self.assertNotEqual(peers[1], peers[2])

    def test_an_old_connection_is_made_anew(self):
        with FakeDaemon(accept) as fake:
            with Client(fake.endpoint, reconnect=0.001) as client:
                client.ping()
                time.sleep(0.01)
                client.ping()
        self.assertEqual(len({peer for peer, _ in fake.seen}), 2)


class TestEndpoints(unittest.TestCase):
    """Several nodes of one district. Where a client begins is drawn: 16 of them begin at the same
    one of two once in 2^15 runs."""

    def test_a_node_that_is_not_there_is_passed_over(self):
        with FakeDaemon(accept) as fake:
            endpoints = f"ipc://{fake.folder.name}/nobody,{fake.endpoint}"
            for _ in range(4):
                with Client(endpoints, timeout=20, deadline=20) as client:
                    client.ping()
                    self.assertEqual(client.endpoint, fake.endpoint)
        self.assertEqual(len(fake.seen), 4)

    def test_another_node_takes_the_session_that_a_draining_one_refuses(self):
        with FakeDaemon(refuse("draining", retry=True)) as one, FakeDaemon(accept) as other:
            for _ in range(16):
                with Client([one.endpoint, other.endpoint]) as client:
                    client.ping()
                    self.assertEqual(client.endpoint, other.endpoint)
                    client.ping()
        self.assertEqual(len(other.seen), 32, "and stays there")
        self.assertTrue(0 < len(one.seen) < 16)

    def test_no_endpoint_is_refused(self):
        with self.assertRaises(ValueError):
            Client([])


class TestReplies(unittest.TestCase):
    def test_other_ids_are_passed_over(self):
        def step(request):
            return [pack({"v": 1, "id": "another", "ok": True, "n": 1}),
                    pack({"v": 1, "id": 7, "ok": False, "error": {"code": "busy"}}),
                    pack({"v": 1, "id": None, "ok": True, "n": 2}),
                    *accept(request, n=3)]
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            self.assertEqual(client.call("ping")["n"], 3)
        self.assertEqual(len(fake.seen), 1)

    def test_garbage_is_passed_over(self):
        def step(request):
            return [b"", b"\xc1", b"\x81\xa1a", b"\x93\x01\x02\x03", b"\xa2\xff\xfe",
                    b"\xdf\xff\xff\xff\xff", pack("text"), *accept(request, n=3)]
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            self.assertEqual(client.call("ping")["n"], 3)
        self.assertEqual(len(fake.seen), 1)

    def test_error_without_an_id_is_ours(self):
        def step(request):
            return [pack({"v": 1, "id": None, "ok": False,
                          "error": {"code": "too_large", "message": "m", "retry": False}})]
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            with self.assertRaises(ThetadError) as caught:
                client.ping()
        self.assertEqual(caught.exception.code, "too_large")

    def test_malformed_error_is_internal(self):
        def step(request):
            return [pack({"v": 1, "id": request["id"], "ok": False, "error": "no map"})]
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            with self.assertRaises(ThetadError) as caught:
                client.ping()
        self.assertEqual(caught.exception.code, "internal")


class TestHelpers(unittest.TestCase):
    def requests(self, fake):
        return [{key: value for key, value in unpack(body).items() if key not in ("v", "id")}
                for _, body in fake.seen]

    def test_bank_upload_in_parts(self):
        def step(request):
            return accept(request, upload=5, version=2)
        items = [{"id": f"i{i}"} for i in range(5)]
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            self.assertEqual(client.bank_upload("b", items, D=1.702, batch=2)["version"], 2)
        self.assertEqual(self.requests(fake), [
            {"op": "bank.begin", "bank": "b", "D": 1.702},
            {"op": "bank.add", "upload": 5, "items": items[0:2]},
            {"op": "bank.add", "upload": 5, "items": items[2:4]},
            {"op": "bank.add", "upload": 5, "items": items[4:5]},
            {"op": "bank.publish", "upload": 5}])

    def test_parts_stay_below_the_message_limit(self):
        items = [{"id": f"i{i}", "content": "x" * 16000} for i in range(150)]
        parts = list(batches(items, 500))
        self.assertEqual([item for part in parts for item in part], items)
        self.assertLess(max(len(pack({"items": part})) for part in parts), 2 ** 20)
        self.assertEqual(len(parts), 3)

    def test_refused_upload_is_given_up(self):
        faults = [{"item": "i0", "field": "a", "message": "a <= 0"}]

        def step(request):
            if request["op"] == "bank.publish":
                return refuse("invalid_bank", faults=faults)(request)
            return accept(request, upload=5)
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            with self.assertRaises(ThetadError) as caught:
                client.bank_upload("b", [{"id": "i0"}])
        self.assertEqual(caught.exception.faults, faults)
        self.assertEqual(self.requests(fake)[-1], {"op": "bank.abort", "upload": 5})

    def test_upload_that_another_node_knows_nothing_of(self):
        said = []

        def step(request):
            said.append(request["op"])
            lost = request["op"] == "bank.publish" and len(said) < 6 or \
                self.lost and request["op"] == "bank.add"
            if lost:
                return refuse("bad_request", field="upload")(request)
            return accept(request, upload=5, version=1)
        for self.lost in (False, True):
            said.clear()
            with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
                if not self.lost:
                    self.assertEqual(client.bank_upload("b", [{"id": "i0"}])["version"], 1)
                    self.assertEqual(said, ["bank.begin", "bank.add", "bank.publish", "bank.abort",
                                            "bank.begin", "bank.add", "bank.publish"])
                    continue
                with self.assertRaises(ThetadError):
                    client.bank_upload("b", [{"id": "i0"}])
                self.assertEqual(said, ["bank.begin", "bank.add", "bank.abort"] * 3)

    def test_session(self):
        def step(request):
            n = len(fake.seen)
            if n == 4:
                return accept(request, session="s", seq=3, state="finished", result={"theta": 0.3})
            return accept(request, session=request["session"], seq=n, state="asking",
                          item={"id": f"q{n}"})
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            session = client.session_start("t", "e", session="s", seed=9)
            self.assertEqual((session.id, session.seq, session.item), ("s", 1, {"id": "q1"}))
            self.assertIsNone(session.result)
            session.answer(score=0, elapsed_ms=12)
            session.answer(raw="B")
            session.answer()
            self.assertIsNone(session.item)
            self.assertEqual(session.result, {"theta": 0.3})
            with self.assertRaises(ValueError):
                session.answer(score=1)
        self.assertEqual(self.requests(fake), [
            {"op": "session.start", "test": "t", "examinee": "e", "session": "s", "seed": 9},
            {"op": "session.answer", "session": "s", "seq": 1, "item": "q1", "response": 0,
             "elapsed_ms": 12},
            {"op": "session.answer", "session": "s", "seq": 2, "item": "q2", "response": "B"},
            {"op": "session.answer", "session": "s", "seq": 3, "item": "q3", "response": None}])

    def test_revision_and_score(self):
        def step(request):
            return accept(request, session="s", seq=3, state="asking", item={"id": "q3"},
                          revisable=2, pending=1)
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            session = client.session("s")
            self.assertEqual((session.revisable, session.pending), (2, 1))
            session.revise(2, "q2", score=1, elapsed_ms=12)
            session.revise(1, "q1", raw="B")
            session.revise(1, "q1")
            client.session_score("s", 1, 2)
            with self.assertRaises(ValueError):
                session.revise(1, "q1", score=1, raw="B")
        self.assertEqual(self.requests(fake)[1:], [
            {"op": "session.revise", "session": "s", "seq": 2, "item": "q2", "response": 1,
             "elapsed_ms": 12},
            {"op": "session.revise", "session": "s", "seq": 1, "item": "q1", "response": "B"},
            {"op": "session.revise", "session": "s", "seq": 1, "item": "q1", "response": None},
            {"op": "session.score", "session": "s", "seq": 1, "score": 2}])

    def test_answers_are_put_together(self):
        def step(request):
            offset = request.get("offset", 0)
            return accept(request, session="s", n_answers=5,
                          answers=[{"seq": i + 1} for i in range(offset, min(offset + 2, 5))])
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            whole = client.session_answers("s")
        self.assertEqual([answer["seq"] for answer in whole["answers"]], [1, 2, 3, 4, 5])
        self.assertEqual([request.get("offset") for request in self.requests(fake)], [None, 2, 4])

    def test_sessions_come_page_by_page(self):
        pages = {None: (["a", "b"], "b"), "b": ([], "f"), "f": (["g"], None)}

        def step(request):
            ids, after = pages[request.get("after")]
            fields = {} if after is None else {"next": after}
            return accept(request, sessions=[{"session": i} for i in ids], **fields)
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            found = [row["session"] for row in client.sessions(state="asking")]
        self.assertEqual(found, ["a", "b", "g"])
        self.assertTrue(all(request["state"] == "asking" for request in self.requests(fake)))

    def test_nothing_to_revise_or_to_score(self):
        def step(request):
            return accept(request, session="s", seq=1, state="asking", item={"id": "q1"})
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            session = client.session("s")
            self.assertEqual((session.revisable, session.pending), (0, 0))

    def test_session_ids_are_made_by_the_client(self):
        def step(request):
            return accept(request, session=request["session"])
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            ids = {client.session_start("t", "e").id for _ in range(2)}
        self.assertEqual(len(ids), 2)

    def test_irt(self):
        def step(request):
            return accept(request, curves=[], ranked=[])
        with FakeDaemon(step) as fake, Client(fake.endpoint) as client:
            client.irt_curve([0.5], bank="b", items=["i1"])
            client.irt_estimate([("i1", 1)], bank="b", method="ML")
            client.irt_rank(items=[{"id": "i1"}], theta=0.5)
        self.assertEqual(self.requests(fake), [
            {"op": "irt.curve", "bank": "b", "items": ["i1"], "theta": [0.5]},
            {"op": "irt.estimate", "bank": "b", "responses": [["i1", 1]], "method": "ML"},
            {"op": "irt.rank", "items": [{"id": "i1"}], "theta": 0.5}])


class TestVectors(unittest.TestCase):
    def test_packer_and_unpacker_agree_with_the_vectors(self):
        with open(VECTORS, encoding="utf-8") as file:
            vectors = json.load(file)
        self.assertGreater(len(vectors), 0)
        for vector in vectors:
            with self.subTest(vector["name"]):
                body = bytes.fromhex(vector["hex"])
                self.assertEqual(unpack(body), vector["message"])
                self.assertEqual(pack(vector["message"]), body)


if __name__ == "__main__":
    unittest.main()
