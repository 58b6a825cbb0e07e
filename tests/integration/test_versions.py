# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of banks and tests under running sessions, retired items, and requests sent twice."""

import unittest

from support import reference
from support.daemon import DaemonTestCase, state_of
from support.wire import Peer
from thetad.client import pack

LENGTH = 12


def document(test, bank, length=LENGTH):
    return {"test": test, "bank": bank, "reveal": True,
            "stop": {"any": [{"rule": "length", "at": length}]}}


def score_of(item):
    return int(item["id"][1:]) % 3 % 2


class VersionsTestCase(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.items = reference.bank_items("3pl", "3PL")[:60]
        # Another bank of the same ids: what a session would ask after a change of version differs.
        cls.others = [{**item, "b": -item["b"]} for item in cls.items]
        cls.client.bank_upload("calm", cls.items)
        cls.client.test_put(document("calm", "calm"))

    def publish(self, bank, items=None, test=None, length=LENGTH):
        """A bank and a test of their own for one test case."""
        self.client.bank_upload(bank, items or self.items)
        return self.client.test_put(document(test or bank, bank, length))

    def start(self, test, session):
        return self.client.session_start(test, "e", session=session, seed=11)

    def go_on(self, session, n_answer=1000):
        """Answer up to n questions; what was asked and estimated on the way."""
        path = []
        while session.item and len(path) < n_answer:
            item = session.item["id"]
            session.answer(score=score_of(session.item))
            path.append((item, session.state.get("ability"), session.result))
        return path

    def calm_path(self):
        """The path of a session in whose time nothing happens."""
        return self.go_on(self.client.session_start("calm", "e", seed=11))

    def get_bank(self, bank, **fields):
        return state_of(self.client.call("bank.get", bank=bank, **fields))


class TestVersions(VersionsTestCase):
    def test_published_version_never_changes(self):
        self.publish("fixed")
        first = self.get_bank("fixed")
        self.assertEqual((first["version"], first["items"]), (1, self.items))
        self.assertEqual(self.client.bank_upload("fixed", self.others[:20])["version"], 2)
        self.assertEqual(self.get_bank("fixed", version=1), first)
        second = self.get_bank("fixed")
        self.assertEqual((second["version"], second["items"]), (2, self.others[:20]))
        listed = {bank["bank"]: bank for bank in self.client.call("bank.list")["banks"]}
        self.assertEqual((listed["fixed"]["version"], listed["fixed"]["n_items"]), (2, 20))

    def test_bank_is_read_in_parts(self):
        self.publish("parts")
        for offset, limit, n in ((0, 7, 7), (55, 7, 5), (60, 7, 0)):
            told = self.get_bank("parts", offset=offset, limit=limit)
            self.assertEqual(told["items"], self.items[offset:offset + n])
            self.assertEqual(told["n_items"], 60)

    def test_new_bank_under_a_running_session(self):
        calm = self.calm_path()
        self.publish("moving")
        session = self.start("moving", "moving-1")
        path = self.go_on(session, 3)
        self.client.bank_upload("moving", self.others)
        path += self.go_on(session)
        self.assertEqual(path, calm)
        later = self.go_on(self.start("moving", "moving-2"))
        self.assertNotEqual(later, calm, "a new session takes the new version")
        self.assertEqual(self.client.call("test.get", test="moving")["bank_version"], 2)

    def test_new_test_under_a_running_session(self):
        calm = self.calm_path()
        self.assertEqual(self.publish("longer")["version"], 1)
        session = self.start("longer", "longer-1")
        path = self.go_on(session, 3)
        self.assertEqual(self.client.test_put(document("longer", "longer", 5))["version"], 2)
        path += self.go_on(session)
        self.assertEqual(path, calm)
        self.assertEqual(len(self.go_on(self.start("longer", "longer-2"))), 5)
        first = self.client.call("test.get", test="longer", version=1)["document"]
        self.assertEqual(first["stop"]["any"][0]["at"], LENGTH)

    def test_versions_survive_a_restart(self):
        calm = self.calm_path()
        self.publish("lasting")
        session = self.start("lasting", "lasting-1")
        path = self.go_on(session, 3)
        self.client.bank_upload("lasting", self.others)
        self.client.test_put(document("lasting", "lasting", 5))
        before = [self.get_bank("lasting", version=1), self.get_bank("lasting"),
                  self.client.call("test.list")["tests"]]
        self.daemon.restart()
        after = [self.get_bank("lasting", version=1), self.get_bank("lasting"),
                 self.client.call("test.list")["tests"]]
        self.assertEqual(after, before)
        self.assertEqual(path + self.go_on(session), calm)


class TestRetire(VersionsTestCase):
    def test_retired_item_is_not_asked_again(self):
        calm = [item for item, _, _ in self.calm_path()]
        self.publish("leaky")
        running, untouched = self.start("leaky", "leaky-1"), self.start("leaky", "leaky-2")
        first = [item for item, _, _ in self.go_on(running, 3)]
        reply = self.client.call("bank.retire", bank="leaky", item=calm[5])
        self.assertEqual(reply["n_retired"], 1)
        self.daemon.restart()
        path = first + [item for item, _, _ in self.go_on(running)]
        self.assertEqual(path[:5], calm[:5])
        self.assertEqual(len(path), LENGTH)
        for session in (untouched, self.start("leaky", "leaky-3")):
            path += [item for item, _, _ in self.go_on(session)]
        self.assertNotIn(calm[5], path)
        self.assertEqual(self.get_bank("leaky")["retired"], [calm[5]])

    def test_every_version(self):
        calm = [item for item, _, _ in self.calm_path()]
        self.publish("both")
        old = self.start("both", "both-1")
        self.client.bank_upload("both", self.items[::-1])
        new = self.start("both", "both-2")
        self.client.call("bank.retire", bank="both", item=calm[2])
        for session in (old, new):
            self.assertNotIn(calm[2], [item for item, _, _ in self.go_on(session)])

    def test_item_on_the_screen_still_counts(self):
        calm = self.calm_path()
        self.publish("seen")
        session = self.start("seen", "seen-1")
        path = self.go_on(session, 3)
        self.client.call("bank.retire", bank="seen", item=session.item["id"])
        path += self.go_on(session)
        self.assertEqual(path, calm, "only later picks are without it")

    def test_all_retired(self):
        self.publish("dry", items=self.items[:4])
        session = self.start("dry", "dry-1")
        for item in self.items[:4]:
            self.client.call("bank.retire", bank="dry", item=item["id"])
        session.answer(score=1)
        self.assertEqual((session.state["state"], session.result["stop"]), ("finished", "pool"))
        self.refused("exhausted", "session.start", test="dry", examinee="e")


class TestTwice(VersionsTestCase):
    """The same request again gives the same reply and changes nothing."""

    def twice(self, op, **fields):
        """The reply, after sending the request two times."""
        once = state_of(self.client.call(op, **fields))
        again = state_of(self.client.call(op, **fields))
        self.assertEqual(again, once, f"{op} {fields}")
        return once

    def n_sessions(self):
        return self.client.stats()["counters"]["sessions_started"]

    def test_session(self):
        self.publish("twice")
        n_before = self.n_sessions()
        state = self.twice("session.start", test="twice", examinee="e", session="twice-1", seed=11)
        self.assertEqual(self.n_sessions(), n_before + 1)
        self.assertEqual((state["seq"], state["state"]), (1, "asking"))
        answer = {"session": "twice-1", "seq": 1, "item": state["item"]["id"], "response": 1}
        after = self.twice("session.answer", **answer)
        self.assertEqual((after["seq"], after["progress"]["asked"]), (2, 2))
        self.refused("conflict", "session.answer", **{**answer, "response": 0})
        self.refused("conflict", "session.answer", **{**answer, "response": None})
        self.assertEqual(self.twice("session.suspend", session="twice-1")["state"], "suspended")
        self.assertEqual(self.twice("session.resume", session="twice-1"), after)
        done = self.twice("session.finish", session="twice-1")
        self.assertEqual((done["state"], done["result"]["stop"]), ("finished", "request"))
        self.assertEqual(self.twice("session.answer", **answer), done)
        self.refused("finished", "session.answer", **{**answer, "response": 0})

    def test_start_after_answers(self):
        self.publish("again")
        session = self.start("again", "again-1")
        self.go_on(session, 2)
        again = self.start("again", "again-1")
        self.assertEqual(state_of(again.state), state_of(session.state))
        self.refused("exists", "session.start", test="again", examinee="f", session="again-1")
        self.refused("exists", "session.start", test="calm", examinee="e", session="again-1")

    def test_void(self):
        self.publish("void")
        self.go_on(self.start("void", "void-1"), 2)
        state = self.twice("session.void", session="void-1", reason="left the room")
        self.assertEqual(state["state"], "voided")
        self.assertNotIn("item", state)
        self.assertEqual(self.twice("session.get", session="void-1"), state)
        for op in ("session.suspend", "session.resume", "session.finish"):
            self.refused("finished", op, session="void-1")

    def test_start_without_an_id(self):
        sessions = {self.client.call("session.start", test="calm", examinee="e")["session"]
                    for _ in range(3)}
        self.assertEqual(len(sessions), 3)

    def test_test_put(self):
        self.publish("put")
        self.assertEqual(self.twice("test.put", document=document("put", "put"))["version"], 1)
        shorter = document("put", "put", 5)
        self.assertEqual(self.twice("test.put", document=shorter)["version"], 2)
        self.assertEqual(self.twice("test.put", document=document("put", "put"))["version"], 3)

    def test_upload(self):
        uploads = {self.client.call("bank.begin", bank="up")["upload"] for _ in range(2)}
        self.assertEqual(len(uploads), 2)
        upload, other = uploads
        add = pack({"v": 1, "id": "add-1", "op": "bank.add", "upload": upload,
                    "items": self.items[:7]})
        with Peer(self.daemon.endpoint) as peer:
            for _ in range(2):
                self.assertEqual(peer.exchange(add)[1]["n_items"], 7)
        with Peer(self.daemon.endpoint) as peer:  # as a client does that got no reply
            self.assertEqual(peer.exchange(add)[1]["n_items"], 7)
        more = self.client.call("bank.add", upload=upload, items=self.items[7:9])
        self.assertEqual(more["n_items"], 9)
        self.assertEqual(self.twice("bank.publish", upload=upload),
                         {"bank": "up", "version": 1, "n_items": 9})
        self.twice("bank.abort", upload=other)
        self.assertEqual(self.client.bank_upload("up", self.items)["version"], 2)

    def test_retire(self):
        self.publish("retire")
        self.assertEqual(self.twice("bank.retire", bank="retire", item="i3")["n_retired"], 1)
        self.assertEqual(self.twice("bank.retire", bank="retire", item="i5")["n_retired"], 2)


if __name__ == "__main__":
    unittest.main()
