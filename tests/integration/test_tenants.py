# SPDX-License-Identifier: GPL-3.0-or-later
"""Two tenants with keys of every role: neither sees, touches or learns of what is the other's; and
every op with a key of every role, on sessions of its own and of others."""

import unittest

from support import fields
from support.daemon import Daemon, state_of
from thetad import ThetadError

ITEMS = [{"id": f"q{i}", "model": "2PL", "a": 1.385, "b": i / 7 - 1.2, "key": "r"}
         for i in range(8)]
TEST = {"test": "test", "bank": "bank", "stop": {"any": [{"rule": "length", "at": 6}]}}
NOWHERE = "no-such-thing"  # what nobody has
NO_UPLOAD = 10 ** 9

# Every op that names a thing, with the thing's name as {0}: what must look as if it were not there.
NAMED = {
    "bank.begin": None, "bank.list": None, "test.list": None, "hello": None, "ping": None,
    "stats": None, "session.list": None, "log.verify": None, "admin.backup": None,
    "audit.list": None, "admin.drain": None,
    "bank.add": {"upload": "upload", "items": ITEMS}, "bank.publish": {"upload": "upload"},
    "bank.abort": {"upload": "upload"},
    "bank.get": {"bank": "bank"}, "bank.retire": {"bank": "bank", "item": "q1"},
    "test.put": {"document": {"test": "new", "bank": "bank"}},
    "test.get": {"test": "test"},
    "session.start": {"test": "test", "examinee": "e"},
    "session.answer": {"session": "session", "seq": 1, "item": "q1", "response": 1},
    "session.get": {"session": "session"}, "session.suspend": {"session": "session"},
    "session.resume": {"session": "session"}, "session.finish": {"session": "session"},
    "session.void": {"session": "session"}, "session.explain": {"session": "session"},
    "session.revise": {"session": "session", "seq": 1, "item": "q1", "response": 1},
    "session.score": {"session": "session", "seq": 1, "score": 1},
    "session.answers": {"session": "session"},
    "examinee.export": {"examinee": "examinee"}, "examinee.erase": {"examinee": "examinee"},
    "irt.curve": {"bank": "bank", "items": ["q1"], "theta": [0.5]},
    "irt.estimate": {"bank": "bank", "responses": [["q1", 1]]},
    "irt.rank": {"bank": "bank", "theta": 0.5},
}


def put(values, kind, name):
    """The fields with the thing of that kind named."""
    if isinstance(values, dict):
        return {key: put(value, kind, name) for key, value in values.items()}
    return name if values == kind else values


def unnamed(message, name):
    """The message without the name that it quotes from the request."""
    return message.replace(f'"{name}"' if isinstance(name, str) else str(name), "*")


class TenantTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(keys=True, idle_s=1)
        cls.addClassCleanup(cls.daemon.close)
        options = {tenant: cls.daemon.keys.add(tenant, "all", tenant)
                   for tenant in ("north", "south")}
        for role in fields.ROLES:
            options[role] = cls.daemon.keys.add(role, role, "north")
            options["operator " + role] = cls.daemon.keys.add("operator-" + role, role, "local")
        cls.daemon.start()
        cls.peers = {}
        for name, option in options.items():
            cls.peers[name] = cls.daemon.tcp_client(**option)
            cls.addClassCleanup(cls.peers[name].close)
        cls.peers["local"] = cls.daemon.client()
        cls.addClassCleanup(cls.peers["local"].close)
        cls.north, cls.south = cls.peers["north"], cls.peers["south"]

    @staticmethod
    def fill(client, prefix="", items=None):
        """A bank, a test, an upload and sessions of every state."""
        client.bank_upload("bank", items or ITEMS)
        client.test_put(TEST)
        for name in ("asking", "resting", "ended", "void"):
            session = client.session_start("test", "pupil", session=prefix + name, seed=7)
            session.answer(score=1)
        client.call("session.suspend", session=prefix + "resting")
        client.call("session.finish", session=prefix + "ended")
        client.call("session.void", session=prefix + "void")
        return client.call("bank.begin", bank="next")["upload"]

    @staticmethod
    def error_of(client, op, **values):
        try:
            return client.call(op, **values), None
        except ThetadError as error:
            return None, error

    @staticmethod
    def everything(client, prefix=""):
        call = client.call
        return [state_of(call("session.get", session=prefix + name))
                for name in ("asking", "resting", "ended", "void")] + [
            state_of(call("bank.get", bank="bank")), state_of(call("test.get", test="test")),
            state_of(call("bank.list")), state_of(call("test.list"))]


class Tenants(TenantTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upload = cls.fill(cls.north)
        cls.things = {"bank": ["bank", "next"], "test": ["test"], "upload": [cls.upload],
                      "session": ["asking", "resting", "ended", "void"], "examinee": ["pupil"]}

    def test_every_op_is_here(self):
        self.assertEqual(set(NAMED), set(fields.OPS))

    def test_what_is_anothers_is_as_if_it_were_not(self):
        before = self.everything(self.north)
        for peer in ("south", "local"):
            client = self.peers[peer]
            for op, values in NAMED.items():
                if values is None:
                    continue
                kind = next(kind for kind in self.things if put(values, kind, NOWHERE) != values)
                nowhere = NO_UPLOAD if kind == "upload" else NOWHERE
                _, want = self.error_of(client, op, **put(values, kind, nowhere))
                for name in self.things[kind]:
                    with self.subTest(peer=peer, op=op, name=name):
                        _, got = self.error_of(client, op, **put(values, kind, name))
                        self.assert_same_error(got, want, name, nowhere)
        self.assertEqual(self.everything(self.north), before)
        self.north.call("bank.add", upload=self.upload, items=[{**ITEMS[0], "id": "more"}])

    def assert_same_error(self, got, want, name, nowhere):
        if want is None:  # an op that does not mind: it gave up an upload that was not there
            self.assertIsNone(got)
            return
        self.assertIsNotNone(got, "it was carried out")
        self.assertEqual((got.code, got.field, got.item, got.retry, len(got.faults)),
                         (want.code, want.field, want.item, want.retry, len(want.faults)))
        self.assertEqual(unnamed(got.message, name), unnamed(want.message, nowhere))

    def test_lists_are_ones_own(self):
        for peer in ("south", "local"):
            self.assertEqual(self.peers[peer].call("bank.list")["banks"], [])
            self.assertEqual(self.peers[peer].call("test.list")["tests"], [])
            self.assertEqual(self.peers[peer].call("session.list")["sessions"], [])
            export = self.peers[peer].call("examinee.export", examinee="pupil")
            self.assertEqual(export["sessions"], [])

    def test_errors_tell_no_examinee(self):
        """Ids of examinees are in no reply to another tenant's key."""
        for session in self.things["session"]:
            _, error = self.error_of(self.south, "session.get", session=session)
            self.assertNotIn("pupil", str(error.reply))


class SameNames(TenantTestCase):
    """Both tenants, and the peers of the socket, have things of the same names."""

    def test_each_has_its_own(self):
        others = [{**item, "b": item["b"] + 0.5} for item in ITEMS]
        self.fill(self.north)
        north = self.everything(self.north)
        self.fill(self.south, items=others)
        self.fill(self.peers["local"], items=ITEMS[:7])
        south, local = self.everything(self.south), self.everything(self.peers["local"])
        self.assertEqual(self.everything(self.north), north)
        self.assertEqual(north[4]["items"][0]["b"] + 0.5, south[4]["items"][0]["b"])
        self.assertEqual((north[4]["n_items"], local[4]["n_items"]), (8, 7))
        self.assertEqual([bank["version"] for bank in north[6]["banks"]], [1])
        self.south.call("session.void", session="asking")
        self.south.call("bank.retire", bank="bank", item="q1")
        self.south.bank_upload("bank", ITEMS)
        self.assertEqual(self.everything(self.north), north)
        self.assertEqual(self.everything(self.peers["local"]), local)
        self.daemon.restart()
        self.assertEqual(self.everything(self.north), north)
        self.assertEqual(self.everything(self.peers["local"]), local)
        self.assertEqual(self.everything(self.south)[0]["state"], "voided")
        explained = self.north.call("session.explain", session="ended", seq=1)
        self.assertEqual(explained["n_items"], 8)
        self.assertNotEqual(south[4], north[4])


class Roles(TenantTestCase):
    """Every op with a key of every role, over the socket: on a session of its own tenant, of
    another tenant, and of nobody."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.uploads = {"own": cls.fill(cls.north, "own-"), "foreign": cls.fill(cls.south, "far-")}

    def test_every_op_with_every_role(self):
        session = {"own": "own-asking", "foreign": "far-asking", "nobody's": NOWHERE}
        for op, values in NAMED.items():
            for role in fields.ROLES:
                for whose, name in session.items():
                    with self.subTest(op=op, role=role, whose=whose):
                        self.check(op, put(values or self.own_fields(op), "session", name), role,
                                   whose)

    @staticmethod
    def own_fields(op):
        return {"bank": "mine"} if op == "bank.begin" else {}

    def check(self, op, values, role, whose):
        before = state_of(self.peers["proctor"].call("session.get", session="own-ended"))
        if op in ("bank.publish", "bank.abort", "bank.add"):
            values = put(values, "upload", NO_UPLOAD)
        _, error = self.error_of(self.peers[role], op, **values)
        code = error.code if error else None
        if role not in fields.MAY[op]:
            self.assertEqual(code, "forbidden")
            self.assertEqual(error.message, f"the peer's roles do not allow {op}")
        elif op in fields.WHOLE:
            self.assertEqual(code, "forbidden")
            self.assertEqual(error.message,
                             f"{op} is of all tenants, for keys of tenant local only")
        else:
            self.assertNotEqual(code, "forbidden")
        if "session" in values and role in fields.MAY[op] and whose != "own":
            self.assertEqual(code, "unknown_session")
        if whose != "own":
            self.assertEqual(
                state_of(self.peers["proctor"].call("session.get", session="own-ended")), before)

    def test_what_is_of_all_tenants_is_the_operators(self):
        for op in fields.WHOLE:
            values = {"on": False} if op == "admin.drain" else {}
            for role in fields.ROLES:
                with self.subTest(op=op, role=role):
                    _, error = self.error_of(self.peers["operator " + role], op, **values)
                    code = error.code if error else None
                    if op == "admin.backup" and role == "admin":
                        self.assertEqual(code, "bad_request", "there is no folder for it")
                    else:
                        self.assertEqual(code, None if role in fields.MAY[op] else "forbidden")

    def test_roles_do_not_come_from_the_message(self):
        for claim in ({"role": "author"}, {"roles": ["author"]}, {"tenant": "south"},
                      {"user": "north"}, {"key": "north"}):
            _, error = self.error_of(self.peers["frontend"], "bank.list", **claim)
            self.assertEqual(error.code, "forbidden")
            state = self.peers["frontend"].call("session.get", session="own-ended", **claim)
            self.assertEqual(state["session"], "own-ended")
            _, error = self.error_of(self.peers["frontend"], "session.get", session="far-ended",
                                     **claim)
            self.assertEqual(error.code, "unknown_session")

    def test_ability_is_shown_by_role(self):
        for role, shown in (("frontend", False), ("proctor", True)):
            state = self.peers[role].call("session.get", session="own-resting")
            self.assertEqual("ability" in state, shown, role)
