# SPDX-License-Identifier: GPL-3.0-or-later
"""Export, erasure, retention and verification where the events are in PostgreSQL: all nodes know of
it at once."""

import random
import threading
import time
import unittest

from test_district import BANK, SEED, TEST, DistrictTestCase, run_theta, take
from support.daemon import Daemon
from support.postgres import Postgres
from thetad import ThetadError

REASON = "asked for by the parents"


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
                   for table in ("event", "sitting", "document", "district"))

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


class TestUpgrade(unittest.TestCase):
    def test_a_store_of_version_1_is_brought_up_to_date(self):
        postgres = Postgres()
        self.addCleanup(postgres.close)
        postgres.start()
        run_theta("district", "init", postgres.url)

        daemon = Daemon(settings=(f"[store] kind = postgres\nurl = {postgres.url}",)).start()
        self.addCleanup(daemon.close)
        with daemon.client() as client:
            client.bank_upload("b", BANK)
            client.test_put(TEST)
            for i in range(1200):
                client.session_start("t", f"e-{i % 400}", session=f"s-{i:04}", seed=SEED)
            take(client, "s-whole")
        daemon.stop()
        ordered = "SELECT tenant, examinee, session FROM sitting ORDER BY 1, 2, 3"
        was = postgres.sql(ordered)
        self.assertEqual(len(was), 1201)
        postgres.sql("DROP TABLE sitting; UPDATE district SET format = 1")
        daemon.spawn()
        self.assertNotEqual(daemon.process.wait(30), 0)
        self.assertIn("theta district upgrade", daemon.log())
        self.assertIn("1", run_theta("district", "upgrade", postgres.url))
        self.assertEqual(postgres.sql(ordered), was)
        self.assertEqual(postgres.sql("SELECT max(number), min(number) FROM sitting"),
                         [["3", "1"]])
        daemon.start()
        with daemon.client() as client:
            self.assertEqual(client.call("examinee.erase", examinee="e-7")["n_sessions"], 3)
        run_theta("district", "upgrade", postgres.url)


if __name__ == "__main__":
    unittest.main()
