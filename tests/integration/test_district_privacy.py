# SPDX-License-Identifier: GPL-3.0-or-later
"""Export, erasure, retention and verification where the events are in PostgreSQL: all nodes know of
it at once."""

import hashlib
import random
import threading
import time
import unittest

from test_district import (BANK, SEED, TEST, DistrictTestCase, UpgradeTestCase, run_theta,
                           take)
from support.daemon import Daemon
from support.postgres import Postgres, until
from thetad import ThetadError

REASON = "asked for by the parents"
DAY_MS = 24 * 3600 * 1000


def code_of(call, *arguments, **fields):
    try:
        call(*arguments, **fields)
    except ThetadError as error:
        return error.code
    return "ok"


def pages(client, op, **fields):
    """The replies of all pages."""
    reply = client.call(op, **fields)
    told = [reply]
    while "after" in reply:
        reply = client.call(op, after=reply["after"], **fields)
        told.append(reply)
    return told


class TestDistrictPrivacy(DistrictTestCase):
    def start(self, client, session, examinee, n_answer=0):
        sitting = client.session_start("t", examinee, session=session, seed=SEED)
        for _ in range(n_answer):
            sitting.answer(score=1)
        return sitting

    def rows_with(self, text):
        """What the database has of it in any row."""
        return sum(int(self.postgres.sql(f"SELECT count(*) FROM {table} t "
                                         f"WHERE strpos(t::text, '{text}') > 0 OR "
                                         f"strpos(t::text, '{text.encode().hex()}') > 0")[0][0])
                   for table in ("event", "sitting", "document", "district", "exposure", "asked"))

    def test_what_is_exported_is_all_of_it(self):
        one, other = self.clients()
        for i in range(30):
            self.start(self.client, f"x-{i:02}", "e-export", n_answer=i % 3)
        self.start(one, "x-another", "e-another", n_answer=1)
        for client in (one, other):
            told = pages(client, "examinee.export", examinee="e-export")
            sessions = [session for page in told for session in page["sessions"]]
            self.assertEqual([session["session"] for session in sessions],
                             [f"x-{i:02}" for i in range(30)])
            self.assertGreater(len(told), 1)
            for i, session in enumerate(sessions):
                self.assertEqual([event["kind"] for event in session["events"]],
                                 ["started"] + ["answered"] * (i % 3))
                self.assertEqual(session["events"][0]["asks"][0], "q")
        self.assertEqual(one.call("examinee.export", examinee="e-nobody")["sessions"], [])

    def test_erased_is_erased_on_every_node(self):
        one, other = self.clients()
        for i in range(3):
            self.start(self.client, f"z-{i}", "canary-1", n_answer=4)
        self.start(self.client, "z-other", "canary-2", n_answer=4)
        for i in range(3):  # a copy in the memory of either node
            for client in (one, other):
                self.assertEqual(client.call("session.get", session=f"z-{i}")["seq"], 5)
        self.assertGreater(self.rows_with("canary-1"), 0)
        n = sum(page["n_sessions"] for page in
                pages(one, "examinee.erase", examinee="canary-1", reason=REASON))
        self.assertEqual(n, 3)
        self.assertEqual(self.rows_with("canary-1"), 0)
        self.assertGreater(self.rows_with("canary-2"), 0)
        for client in (other, one):
            for i in range(3):
                for op, fields in (("session.get", {}), ("session.suspend", {}),
                                   ("session.answers", {}), ("session.void", {}),
                                   ("session.answer", {"seq": 5, "item": "q01", "response": 1})):
                    self.assertEqual(code_of(client.call, op, session=f"z-{i}", **fields),
                                     "unknown_session", op)
                self.assertEqual(code_of(client.session_start, "t", "e", session=f"z-{i}"),
                                 "exists")
            self.assertEqual(client.call("examinee.export", examinee="canary-1")["sessions"], [])
            self.assertEqual(client.call("examinee.erase", examinee="canary-1")["n_sessions"], 0)
            self.assertEqual(client.call("session.get", session="z-other")["seq"], 5)
            listed = client.call("session.list", limit=500)["sessions"]
            self.assertNotIn("z-0", [row["session"] for row in listed])
            self.assertIn("z-other", [row["session"] for row in listed])
        self.assertEqual(self.postgres.sql("SELECT session, n FROM event WHERE session IN "
                                           "('z-0', 'z-1') ORDER BY session, n"),
                         [["z-0", "0"], ["z-0", "5"], ["z-1", "0"], ["z-1", "5"]])

    def test_an_answer_on_its_way_is_refused(self):
        """Answers and the erasure race: what was acknowledged before it is gone, and nothing comes
        after it."""
        for i in range(12):
            one, other = self.clients()
            sitting = self.start(one, f"race-{i}", f"e-race-{i}")
            other.call("session.get", session=f"race-{i}")
            done = threading.Event()

            def answer(sitting=sitting, done=done):
                while sitting.item:
                    if code_of(sitting.answer, score=1) != "ok":
                        break
                done.set()

            thread = threading.Thread(target=answer)
            thread.start()
            time.sleep(random.Random(i).random() * 0.02)
            n = 0
            while n == 0:
                if code_of(other.call, "examinee.erase", examinee=f"e-race-{i}") == "ok":
                    n = 1
            thread.join()
            self.assertTrue(done.is_set())
            rows = self.postgres.sql(f"SELECT n FROM event WHERE session = 'race-{i}' ORDER BY n")
            self.assertEqual(len(rows), 2, rows)
            self.assertEqual(rows[0], ["0"])
            self.assertEqual(self.rows_with(f"e-race-{i}"), 0)
            for client in (one, other):
                self.assertEqual(code_of(client.call, "session.get", session=f"race-{i}"),
                                 "unknown_session")

    def test_a_damaged_session_hides_no_other(self):
        one, other = self.clients()
        for i in range(3):
            self.start(one, f"d-{i}", "e-damaged", n_answer=2)
        self.postgres.sql("UPDATE event SET record = record || '\\x00' WHERE session = 'd-1' "
                          "AND n = 1")
        told = one.call("examinee.export", examinee="e-damaged")
        self.assertEqual([session["session"] for session in told["sessions"]], ["d-0", "d-2"])
        self.assertEqual(told["damaged"], ["d-1"])
        listed = one.call("session.list", examinee="e-damaged")
        self.assertEqual([row["session"] for row in listed["sessions"]], ["d-0", "d-2"])
        self.assertEqual(listed["damaged"], ["d-1"])
        self.assertEqual(other.call("examinee.erase", examinee="e-damaged")["n_sessions"], 3)
        self.assertEqual(self.rows_with("e-damaged"), 0)


    def verify(self, client, **fields):
        reply = client.call("log.verify", **fields)
        while not reply["done"]:
            reply = client.call("log.verify", run=reply["run"])
        return reply

    def expect_fault(self, client, session, text):
        faults = [fault for fault in self.verify(client)["faults"]
                  if fault.get("session") == session]
        self.assertTrue(any(text in fault["message"] for fault in faults), faults)

    def test_z_verification(self):
        """The last, as it leaves damage behind. Every change is made past the daemon."""
        sql = self.postgres.sql
        sql("DELETE FROM event WHERE session LIKE 'd-%'")  # of another test, damaged
        sql("DELETE FROM sitting WHERE session LIKE 'd-%'")
        one, other = self.clients()
        for name in ("cut", "seal", "swap", "gone", "headless", "bury", "late", "dig"):
            self.start(self.client, f"v-{name}", "e-verify", n_answer=4)
        self.start(self.client, "v-erased", "e-verify-erased", n_answer=4)
        other.call("examinee.erase", examinee="e-verify-erased", reason=REASON)
        for client in (one, other):
            reply = self.verify(client)
            self.assertEqual(reply["n_faults"], 0, reply["faults"])
            self.assertGreaterEqual(reply["n_events"], 8 * 5)
            self.assertGreaterEqual(reply["n_erased"], 1)
            tomb = [each for each in reply["erased"] if each["session"] == "v-erased"][0]
            self.assertEqual((tomb["who"], tomb["reason"], tomb["tenant"]),
                             ("local", REASON, "local"))
            self.assertLess(abs(tomb["erased_ms"] / 1000 - time.time()), 600)
            with self.assertRaises(ThetadError) as raised:
                client.call("log.verify", head={"event": 1, "seal": "00" * 16})
            self.assertEqual(raised.exception.field, "head")
        sql("DELETE FROM event WHERE session = 'v-cut' AND n = 2")
        self.expect_fault(one, "v-cut", "not the next")
        sql("UPDATE event SET record = set_byte(record, length(record) - 1, 7) "
            "WHERE session = 'v-seal' AND n = 3")
        self.expect_fault(one, "v-seal", "number 3: its seal does not hold")
        sql("UPDATE event SET n = 9 WHERE session = 'v-swap' AND n = 3; "
            "UPDATE event SET n = 3 WHERE session = 'v-swap' AND n = 4; "
            "UPDATE event SET n = 4 WHERE session = 'v-swap' AND n = 9")
        self.expect_fault(one, "v-swap", "its seal does not hold")
        sql("DELETE FROM event WHERE session = 'v-gone'")
        self.expect_fault(one, "v-gone", "its events are gone")
        sql("DELETE FROM event WHERE session = 'v-headless' AND n = 0")
        self.expect_fault(one, "v-headless", "does not begin")
        sql("UPDATE event SET record = (SELECT record FROM event WHERE session = 'v-erased' "
            "AND n = 0) WHERE session = 'v-bury' AND n = 0")
        self.expect_fault(one, "v-bury", "its seal does not hold")
        sql("DELETE FROM event WHERE session = 'v-erased' AND n > 0")
        self.expect_fault(one, "v-erased", "but for the tombstone behind")
        sql("INSERT INTO event SELECT tenant, 'v-erased', 3, seal, record FROM event "
            "WHERE session = 'v-dig' AND n = 3")
        self.expect_fault(one, "v-erased", "its seal does not hold")
        self.assertEqual(self.verify(other)["n_faults"], self.verify(one)["n_faults"])


def make_older(postgres, session, days):
    """Its last event, with a seal that holds."""
    key = bytes.fromhex(postgres.sql("SELECT encode(key, 'hex') FROM district")[0][0])
    n, record = postgres.sql("SELECT n, encode(record, 'hex') FROM event WHERE session = "
                             f"'{session}' ORDER BY n DESC LIMIT 1")[0]
    record = bytes.fromhex(record)
    now_ms = int(time.time() * 1000)
    for at in range(len(record) - 8):
        time_ms = int.from_bytes(record[at + 1:at + 9], "big")
        if record[at] == 0xcf and abs(time_ms - now_ms) < DAY_MS:
            then = (time_ms - days * DAY_MS).to_bytes(8, "big")
            record = record[:at + 1] + then + record[at + 9:]
            break
    head = bytes([len("local"), len(session)]) + int(n).to_bytes(4, "big")
    seal = hashlib.blake2b(head + b"local" + session.encode() + record, key=key,
                           digest_size=16).hexdigest()
    postgres.sql(f"UPDATE event SET record = '\\x{record.hex()}', seal = '\\x{seal}' "
                 f"WHERE session = '{session}' AND n = {n}")


class TestRetention(unittest.TestCase):
    def test_every_node_erases_what_is_old(self):
        postgres = Postgres()
        self.addCleanup(postgres.close)
        postgres.start()
        run_theta("district", "init", postgres.url)
        url = f"[store] kind = postgres\nurl = {postgres.url}"
        nodes = [Daemon(settings=(url + "\nretain_days = 10",)) for _ in range(2)]
        for node in nodes:
            self.addCleanup(node.close)
            node.start()
        with nodes[0].client() as client:
            client.bank_upload("b", BANK)
            client.test_put(TEST)
            for i in range(4):
                take(client, f"s-{i}")
        for node in nodes:
            node.stop()
        make_older(postgres, "s-1", 11)
        make_older(postgres, "s-2", 9)
        make_older(postgres, "s-3", 30)
        for node in nodes:
            node.start()
        left = "SELECT session FROM sitting ORDER BY session"
        until(lambda: len(postgres.sql(left)) <= 2, seconds=60)
        self.assertEqual(postgres.sql(left), [["s-0"], ["s-2"]])
        with nodes[1].client() as client:
            for session, code in (("s-1", "unknown_session"), ("s-3", "unknown_session"),
                                  ("s-0", "ok")):
                self.assertEqual(code_of(client.call, "session.get", session=session), code)
            reply = client.call("log.verify")
            self.assertEqual([(tomb["session"], tomb["who"], tomb["reason"])
                              for tomb in reply["erased"]],
                             [("s-1", "thetad", "retain_days"), ("s-3", "thetad", "retain_days")])
        told = run_theta("verify", "--endpoint", nodes[0].endpoint)
        self.assertIn("2 sessions are erased", told)
        self.assertRegex(told, r"local +s-3 +\S.* thetad +retain_days")
        told = run_theta("examinee", "erase", "e", "--endpoint", nodes[0].endpoint)
        self.assertIn("2 sessions erased", told)
        postgres.sql("UPDATE event SET seal = 'x' WHERE session = 's-1' AND n = 0")
        self.assertIn("s-1", run_theta("verify", "--endpoint", nodes[1].endpoint, code=65))


class TestUpgrade(UpgradeTestCase):
    def test_a_store_of_version_1_is_brought_up_to_date(self):
        postgres, daemon = self.postgres, self.daemon
        with daemon.client() as client:
            client.test_put(TEST)
            for i in range(3):
                client.session_start("t", f"e-{i}", session=f"s-{i}", seed=SEED)
            take(client, "s-whole")
        daemon.stop()
        postgres.sql("INSERT INTO event SELECT tenant, session || '-' || i, n, seal, record "
                     "FROM event, generate_series(100, 499) i WHERE n = 0")
        self.make_old("DROP TABLE sitting, exposure, asked; UPDATE district SET format = 1")
        self.assertIn("1", run_theta("district", "upgrade", postgres.url))
        sittings = postgres.sql("SELECT examinee, number, session FROM sitting ORDER BY 1, 2")
        names = ["s-0"] + [f"s-0-{i}" for i in range(100, 500)]
        self.assertEqual([row for row in sittings if row[0] == "e-0"],
                         [["e-0", str(i + 1), name] for i, name in enumerate(names)])
        self.assertEqual(len(sittings), 4 * 401)
        postgres.sql("DELETE FROM sitting WHERE session LIKE 's-1-%'")
        daemon.start()
        with daemon.client() as client:
            self.assertEqual(client.call("examinee.erase", examinee="e-1")["n_sessions"], 1)
        run_theta("district", "upgrade", postgres.url)


if __name__ == "__main__":
    unittest.main()
