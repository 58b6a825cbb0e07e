# SPDX-License-Identifier: GPL-3.0-or-later
"""Banks with faults: refused whole, every fault told by item and field, nothing changed."""

import unittest

import msgpack

from support.daemon import DaemonTestCase
from support.wire import Peer
from thetad import ThetadError

NAN, INF = float("nan"), float("inf")
LOGISTIC = {"model": "2PL", "a": 1.2, "b": 0.385}
STEPS = {"model": "GRM", "a": 1.2, "b": [-1.0, 0.385, 1.1]}


def logistic(**changes):
    return {**LOGISTIC, **changes}


def steps(**changes):
    return {**STEPS, **changes}


def without(item, key):
    return {name: value for name, value in item.items() if name != key}


# What is wrong -> (the item, the field that must be named).
FAULTS = {
    "a NaN": (logistic(a=NAN), "a"),
    "a infinite": (logistic(a=INF), "a"),
    "a zero": (logistic(a=0), "a"),
    "a negative": (logistic(a=-0.3), "a"),
    "a too large": (logistic(a=100.5), "a"),
    "a text": (logistic(a="1.2"), "a"),
    "a missing": (without(LOGISTIC, "a"), "a"),
    "b NaN": (logistic(b=NAN), "b"),
    "b too large": (logistic(b=-100.5), "b"),
    "b an array": (logistic(b=[0.1]), "b"),
    "b missing": (without(LOGISTIC, "b"), "b"),
    "c of a 2PL": (logistic(c=0.2), "c"),
    "c negative": (logistic(model="3PL", c=-0.01), "c"),
    "c one": (logistic(model="3PL", c=1), "c"),
    "c missing": (logistic(model="3PL"), "c"),
    "c above d": (logistic(model="4PL", c=0.8, d=0.7), "c d"),
    "c equal to d": (logistic(model="4PL", c=0.7, d=0.7), "c d"),
    "d above one": (logistic(model="4PL", c=0.1, d=1.01), "d"),
    "model unknown": (logistic(model="5PL"), "model"),
    "model in lower case": (logistic(model="2pl"), "model"),
    "model no text": (logistic(model=2), "model"),
    "model missing": (without(LOGISTIC, "model"), "model"),
    "thresholds unordered": (steps(b=[0.5, 0.385, 1.1]), "b"),
    "thresholds equal": (steps(b=[-1.0, 0.385, 0.385]), "b"),
    "threshold NaN": (steps(b=[-1.0, NAN, 1.1]), "b"),
    "threshold a text": (steps(b=[-1.0, "0.1", 1.1]), "b"),
    "thresholds empty": (steps(b=[]), "b"),
    "threshold a number": (steps(b=0.385), "b"),
    "too many categories": (steps(b=[i / 10 for i in range(16)]), "b"),
    "too many steps": (steps(model="GPCM", b=[i / 10 for i in range(16)]), "b"),
    "key misspelt": (logistic(opptions=["A", "B"]), "opptions"),
    "parameter misspelt": ({**without(LOGISTIC, "a"), "A": 1.2}, "A"),
    "key no option": (logistic(options=["A", "B"], key="C"), "key"),
    "key no text": (logistic(options=["A", "B"], key=1), "key"),
    "key of a polytomous item": (steps(key="A"), "key"),
    "one option": (logistic(options=["A"], key="A"), "options"),
    "27 options": (logistic(options=[str(i) for i in range(27)], key="1"), "options"),
    "an option twice": (logistic(options=["A", "B", "A"], key="A"), "options"),
    "an option no text": (logistic(options=["A", 2], key="A"), "options"),
    "options and categories differ": (steps(options=["A", "B", "C"]), "options"),
    "33 tags": (logistic(tags={f"t{i}": "x" for i in range(33)}), "tags"),
    "a tag no text": (logistic(tags={"strand": 1}), "tags"),
    "set no id": (logistic(set="a b"), "set"),
    "enemy unknown": (logistic(enemies=["nobody"]), "enemies"),
    "enemy no id": (logistic(enemies=[7]), "enemies"),
    "content too large": (logistic(content="x" * 16400), "content"),
}
# Faults that the message's own limits may catch before the item is read.
EARLY = ("bad_request", "too_large", "invalid_bank")


class TestBadBanks(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client.bank_upload("bank", [{"id": "good", **LOGISTIC}])

    def setUp(self):
        self.before = self.client.call("bank.list")["banks"]
        self.n_upload = self.client.stats()["gauges"]["uploads"]

    def tearDown(self):
        self.assertEqual(self.client.call("bank.list")["banks"], self.before)
        self.assertEqual(self.client.stats()["gauges"]["uploads"], self.n_upload)

    def upload_refused(self, items, **options):
        """[(item, field)] of the faults; the fault's message is never empty."""
        with self.assertRaises(ThetadError) as caught:
            self.client.bank_upload("bank", items, **options)
        error = caught.exception
        self.assertIn(error.code, EARLY, error)
        if error.code != "invalid_bank":
            return [(error.item, error.field)]
        self.assertTrue(all(fault["message"] for fault in error.faults), error.faults)
        n_faults = error.reply["error"].get("n_faults")
        self.assertEqual(n_faults, len(error.faults))
        return [(fault.get("item"), fault.get("field")) for fault in error.faults]

    def check_named(self, told, item, wanted):
        names = [field.split(".")[0] for who, field in told if who == item and field]
        self.assertTrue(set(names) & set(wanted.split()), f"{item}: {told} does not name {wanted}")

    def test_each_fault_alone(self):
        for name, (item, wanted) in FAULTS.items():
            with self.subTest(name):
                told = self.upload_refused([{"id": "before", **LOGISTIC}, {**item, "id": "bad"},
                                            {"id": "after", **LOGISTIC}])
                self.check_named(told, "bad", wanted)
                self.assertEqual({who for who, _ in told}, {"bad"})

    def test_all_faults_are_told_at_once(self):
        items = []
        for i, (item, _) in enumerate(FAULTS.values()):
            items += [{**item, "id": f"bad-{i}"}, {"id": f"good-{i}", **LOGISTIC}]
        told = self.upload_refused(items)
        for i, (name, (_, wanted)) in enumerate(FAULTS.items()):
            with self.subTest(name):
                self.check_named(told, f"bad-{i}", wanted)
        self.assertFalse([who for who, _ in told if who.startswith("good")])

    def test_two_faults_of_one_item(self):
        told = self.upload_refused([{"id": "bad", **logistic(a=-1, b=NAN, options=["A"], key="C")},
                                    {"id": "worse", **logistic(a=-1, b=200, options=["A", "A"])}])
        for field in ("b", "options"):
            self.check_named(told, "bad", field)
        for field in ("a", "b", "options"):
            self.check_named(told, "worse", field)

    def test_faults_beyond_the_list_are_counted(self):
        items = [{"id": f"bad-{i}", **logistic(a=-1)} for i in range(1200)]
        with self.assertRaises(ThetadError) as caught:
            self.client.bank_upload("bank", items)
        error = caught.exception.reply["error"]
        self.assertEqual((len(error["faults"]), error["n_faults"]), (1000, 1200))

    def test_ids(self):
        told = self.upload_refused([{"id": "i1", **LOGISTIC}, {"id": "i2", **LOGISTIC},
                                    {"id": "i1", **STEPS}])
        self.assertEqual(told, [("i1", "id")])
        for bad in ("", "a b", "x" * 65, 7, None):
            with self.subTest(id=bad):
                fields = {field for _, field in self.upload_refused([{"id": bad, **LOGISTIC}])}
                self.assertTrue([field for field in fields if field.endswith("id")], fields)

    def test_duplicate_id_in_another_part(self):
        told = self.upload_refused([{"id": "i1", **LOGISTIC}, {"id": "i2", **LOGISTIC},
                                    {"id": "i1", **LOGISTIC}], batch=1)
        self.assertEqual(told, [("i1", "id")])

    def test_enemy_of_itself(self):
        told = self.upload_refused([{"id": "i1", **logistic(enemies=["i1"])},
                                    {"id": "i2", **LOGISTIC}])
        self.check_named(told, "i1", "enemies")

    def test_item_is_no_map(self):
        for item in (7, "i1", ["i1"], None):
            with self.subTest(item=item):
                self.assertTrue(self.upload_refused([{"id": "i1", **LOGISTIC}, item]))

    def test_empty_bank(self):
        self.upload_refused([])

    def test_D(self):
        for D in (0, -1.702, NAN, INF, 1e9):
            with self.subTest(D=D):
                error = self.refused("bad_request", "bank.begin", bank="bank", D=D)
                self.assertEqual(error.field, "D")
        told = self.upload_refused([{"id": "i1", **logistic(a=99)}], D=1.702)
        self.check_named(told, "i1", "a")

    def test_bad_utf8(self):
        """A text that is no UTF-8 makes the whole message unreadable: the reply names the byte."""
        upload = self.client.call("bank.begin", bank="bank")["upload"]
        body = msgpack.packb({"v": 1, "id": 7, "op": "bank.add", "upload": upload,
                              "items": [{"id": "i1", **logistic(content="caf\u00e9")}]})
        broken = body.replace("caf\u00e9".encode(), b"caf\xc3\x28")
        self.assertNotEqual(body, broken)
        with Peer(self.daemon.endpoint) as peer:
            reply = peer.exchange(broken)[1]
        self.assertEqual(reply["error"]["code"], "bad_request")
        self.assertRegex(reply["error"]["message"], r"\d")
        self.refused(EARLY, "bank.publish", upload=upload)  # nothing was added: an empty bank
        self.client.call("bank.abort", upload=upload)

    def test_refused_upload_stays_refused(self):
        upload = self.client.call("bank.begin", bank="bank")["upload"]
        self.client.call("bank.add", upload=upload, items=[{"id": "bad", **logistic(a=-1)}])
        for _ in range(2):
            self.refused("invalid_bank", "bank.publish", upload=upload)
        self.refused((*EARLY, "conflict"), "bank.add", upload=upload,
                     items=[{"id": "good", **LOGISTIC}])
        for _ in range(2):
            self.client.call("bank.abort", upload=upload)

    def test_what_is_allowed(self):
        """The values next to the refused ones are accepted."""
        items = [logistic(a=100), logistic(a=1e-9), logistic(b=-100), logistic(a=1, b=100),
                 logistic(model="4PL", c=0, d=1), logistic(model="1PL"), {"model": "1PL", "b": 0},
                 steps(b=[i / 10 for i in range(15)]), steps(model="GPCM", b=[1, 0, 0.5]),
                 logistic(options=["A", "B"], key="A"), steps(options=["A", "B", "C", "D"]),
                 logistic(enemies=["i0"]), logistic(content={"any": [None, b"x", 1.5]}),
                 logistic(set="s", tags={"strand": "x"})]
        items = [{**item, "id": f"i{i}"} for i, item in enumerate(items)]
        self.assertEqual(self.client.bank_upload("allowed", items)["n_items"], len(items))
        told = self.client.call("bank.get", bank="allowed")
        self.assertEqual(told["items"], items)
        self.before = self.client.call("bank.list")["banks"]
        self.n_upload = self.client.stats()["gauges"]["uploads"]


if __name__ == "__main__":
    unittest.main()
