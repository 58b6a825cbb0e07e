# SPDX-License-Identifier: GPL-3.0-or-later
"""Several nodes over one PostgreSQL: any node serves any session, at any moment."""

import os
import random
import signal
import subprocess
import threading
import time
import unittest

from support.crowd import Crowd
from support.daemon import Daemon
from support.postgres import Postgres
from thetad import Client, NoReply, ThetadError

BANK = [{"id": f"q{i:02}", "model": "2PL", "a": 0.7 + 0.05 * (i % 9), "b": -2.385 + 0.171 * i}
        for i in range(30)]
TEST = {"test": "t", "bank": "b", "reveal": True, "stop": {"any": [{"rule": "length", "at": 12}]}}
SEED = 2385
STUDENT_S = 60  # within which each request must have been served
NEWS_S = 60
FROZEN_S = 7  # longer than a node waits for an answer


def run_theta(*arguments, code=0):
    done = subprocess.run([os.environ["THETA_BIN"], *arguments], capture_output=True, text=True,
                          check=False)
    if done.returncode != code:
        raise AssertionError(f"theta {arguments}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Anywhere(Client):
    """Each request goes to the next node, but for a bank's upload: that is one node's until it is
    published."""

    def __init__(self, daemons, **options):
        super().__init__(daemons[0].endpoint, **options)
        self.nodes = [daemon.client(**options) for daemon in daemons]
        self.n_call = 0

    def call(self, op, **fields):
        if op not in ("bank.begin", "bank.add", "bank.publish"):
            self.n_call += 1
        return self.nodes[self.n_call % len(self.nodes)].call(op, **fields)

    def close(self):
        for node in self.nodes:
            node.close()
        super().close()


class DistrictTestCase(unittest.TestCase):
    N_NODE = 2
    SETTINGS = ()

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.close)
        cls.postgres.start()
        run_theta("district", "init", cls.postgres.url)
        cls.daemons = [cls.node() for _ in range(cls.N_NODE)]
        cls.client = Anywhere(cls.daemons)
        cls.addClassCleanup(cls.client.close)
        cls.client.bank_upload("b", BANK)
        cls.client.test_put(TEST)

    @classmethod
    def node(cls):
        store = f"[store] kind = postgres\nurl = {cls.postgres.url}"
        daemon = Daemon(settings=(store, *cls.SETTINGS))
        cls.addClassCleanup(daemon.close)
        return daemon.start()

    def clients(self):
        clients = [daemon.client() for daemon in self.daemons]
        for client in clients:
            self.addCleanup(client.close)
        return clients


def score_of(item, examinee=0):
    return (int(item["id"][1:]) * 7 + examinee * 3) % 5 % 2


def take(client, session, examinee=0):
    """The whole test: what each reply said."""
    told = []
    sitting = client.session_start("t", "e", session=session, seed=SEED)
    while sitting.item:
        asked = sitting.item
        sitting.answer(score=score_of(asked, examinee))
        told.append((asked["id"], sitting.state.get("ability"), sitting.state.get("result")))
    return told


class TestDistrict(DistrictTestCase):
    def test_a_session_that_alternates_is_as_on_one_node(self):
        with Daemon_alone() as alone:
            expected = take(alone, "s-alternating")
        self.assertEqual(take(self.client, "s-alternating"), expected)
        self.assertEqual(len(expected), 12)

    def test_the_same_answer_twice_has_one_reply(self):
        one, other = self.clients()
        sitting = one.session_start("t", "e", session="s-twice")
        item = sitting.item["id"]
        answer = {"session": "s-twice", "seq": 1, "item": item, "response": 1}
        first = one.call("session.answer", **answer)
        again = other.call("session.answer", **answer)
        self.assertEqual({**first, "id": 0}, {**again, "id": 0})
        with self.assertRaises(ThetadError) as raised:
            other.call("session.answer", **{**answer, "response": 0})
        self.assertEqual(raised.exception.code, "conflict")
        with self.assertRaises(ThetadError) as raised:
            one.call("session.answer", **{**answer, "response": 0})
        self.assertEqual(raised.exception.code, "conflict")

    def test_of_two_answers_at_once_one_is_taken(self):
        """Both nodes have a warm copy of each session."""
        outcomes = []
        before = self.n_counted()
        for i in range(40):
            clients = self.clients()
            sitting = clients[0].session_start("t", "e", session=f"s-race-{i}")
            clients[1].call("session.get", session=f"s-race-{i}")
            said = [None, None]

            def answer(k, item=sitting.item["id"], name=f"s-race-{i}", clients=clients, said=said):
                try:
                    clients[k].call("session.answer", session=name, seq=1, item=item, response=k)
                    said[k] = "ok"
                except ThetadError as error:
                    said[k] = error.code

            threads = [threading.Thread(target=answer, args=(k,)) for k in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            outcomes.append(sorted(said))
            n = self.postgres.sql(f"SELECT count(*) FROM event WHERE session = 's-race-{i}'")
            self.assertEqual(n, [["2"]])
        self.assertEqual(outcomes, [["conflict", "ok"]] * 40)
        # What the store has refused was served again, and counts once.
        self.assertEqual([now - then for now, then in zip(self.n_counted(), before)],
                         [40, 40, 40])

    def n_counted(self):
        """Sessions started, answers and errors at all nodes."""
        stats = [client.call("stats")["counters"] for client in self.clients()]
        return [sum(each[name] for each in stats)
                for name in ("sessions_started", "answers", "errors")]

    def test_what_is_done_once_is_in_the_audit_once(self):
        """Proctors void a session at both nodes at once, which both have a copy of."""
        n_done = 0
        for i in range(20):
            session, clients = f"s-void-{i}", self.clients()
            clients[0].session_start("t", "e", session=session)
            clients[1].call("session.get", session=session)
            threads = [threading.Thread(target=client.call, args=("session.void",),
                                        kwargs={"session": session}) for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            n_done += 2
        entries = [entry for client in self.clients()
                   for entry in client.call("audit.list", limit=500)["entries"]
                   if entry["op"] == "session.void"]
        self.assertEqual(len(entries), n_done)

    def test_a_warm_copy_is_checked_before_it_is_told(self):
        one, other = self.clients()
        sitting = one.session_start("t", "e", session="s-warm")
        self.assertEqual(other.call("session.get", session="s-warm")["seq"], 1)
        sitting.answer(score=1)
        self.assertEqual(other.call("session.get", session="s-warm")["seq"], 2)

    def test_a_start_that_comes_twice(self):
        one, other = self.clients()
        first = one.session_start("t", "e", session="s-start", seed=1)
        again = other.session_start("t", "e", session="s-start", seed=1)
        self.assertEqual(first.item, again.item)
        with self.assertRaises(ThetadError) as raised:
            other.session_start("t", "somebody-else", session="s-start")
        self.assertEqual(raised.exception.code, "exists")
        with self.assertRaises(ThetadError) as raised:
            other.call("session.get", session="s-nobody")
        self.assertEqual(raised.exception.code, "unknown_session")

    def test_an_id_is_made_where_none_is_given(self):
        one, other = self.clients()
        sitting = one.session_start("t", "e")
        self.assertEqual(other.call("session.get", session=sitting.id)["item"], sitting.item)


class TestReports(DistrictTestCase):
    """What is told of sessions is told by every node, wherever they were taken."""

    @staticmethod
    def without(reply, *names):
        return {name: value for name, value in reply.items() if name not in ("id", *names)}

    def test_answers_and_reasons(self):
        with Daemon_alone() as alone:
            take(alone, "s-told")
            take(self.client, "s-told")
            for op, fields, names in (("session.answers", {}, ("started_ms",)),
                                      ("session.explain", {"seq": 7}, ())):
                told = [self.without(client.call(op, session="s-told", **fields), *names)
                        for client in (alone, *self.clients())]
                self.assertEqual(told[0], told[1])
                self.assertEqual(told[0], told[2])

    def test_sessions_are_listed(self):
        """More than one scan, and pages that end in the middle of one."""
        n = 230
        for i in range(n):
            self.client.session_start("t", f"e-{i % 3}", session=f"l-{i:03}")
        for client in self.clients():
            listed, after = [], "l-"
            while after:
                page = client.call("session.list", limit=70, after=after)
                listed += [row["session"] for row in page["sessions"]]
                after = page.get("next")
            self.assertEqual([name for name in listed if name.startswith("l-")],
                             [f"l-{i:03}" for i in range(n)])
            some = client.call("session.list", limit=500, after="l-", examinee="e-1")
            self.assertEqual(len(some["sessions"]), 77)
            self.assertEqual(client.call("session.list", after="l-", state="finished",
                                         test="t", limit=500, examinee="e-1")["sessions"], [])


class TestDocuments(DistrictTestCase):
    """What an author does at one node is so at every other."""

    def wait_until(self, is_so):
        """News are everywhere within a second; the machine may be busy."""
        deadline = time.monotonic() + NEWS_S
        while not is_so():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_banks_and_tests_come_to_all(self):
        one, other = self.clients()
        one.bank_upload("b2", BANK[:20], D=1.702)
        one.test_put({**TEST, "test": "t2", "bank": "b2"})
        self.wait_until(lambda: "t2" in [test["test"]
                                         for test in other.call("test.list")["tests"]])
        for op, fields in (("bank.get", {"bank": "b2", "limit": 50}), ("test.get", {"test": "t2"})):
            told = [{**client.call(op, **fields), "id": 0} for client in (one, other)]
            self.assertEqual(told[0], told[1])
        # The same document again is no new version; another one is, at any node.
        self.assertEqual(other.test_put({**TEST, "test": "t2", "bank": "b2"})["version"], 1)
        self.assertEqual(other.test_put({**TEST, "test": "t2", "bank": "b2", "reveal": False})
                         ["version"], 2)
        self.assertEqual(other.bank_upload("b2", BANK)["version"], 2)

    def test_versions_are_given_once(self):
        """Authors at both nodes at once. A put that was sent again may have two."""
        versions, failures = [], []

        def put(client, i):
            try:
                for k in range(5):
                    document = {**TEST, "test": "t3", "start": {"theta": i + k / 10}}
                    versions.append(client.test_put(document)["version"])
            except ThetadError as error:
                failures.append(error)

        threads = [threading.Thread(target=put, args=(client, i))
                   for i, client in enumerate(self.clients())]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(set(versions)), 10)

    def test_a_session_keeps_its_versions(self):
        one, other = self.clients()
        one.bank_upload("b4", BANK)
        one.test_put({**TEST, "test": "t4", "bank": "b4"})
        sitting = one.session_start("t4", "e", session="s-keeps")
        one.bank_upload("b4", BANK[:5])  # too few for the test's length, and other items
        for _ in range(6):
            item = sitting.item["id"]
            other.call("session.answer", session="s-keeps", seq=sitting.seq, item=item, response=1)
            sitting.get()
        self.assertEqual(sitting.state["progress"]["asked"], 7)

    def test_a_withdrawn_item_is_asked_nowhere(self):
        """From the acknowledgement on, at a node that has not heard of it yet too."""
        one, other = self.clients()
        items = [item["id"] for item in BANK]
        one.bank_upload("b5", BANK)
        one.test_put({**TEST, "test": "t5", "bank": "b5"})
        for i in range(12):
            sitting = other.session_start("t5", "e", session=f"s-withdrawn-{i}", seed=1)
            first = sitting.item["id"]  # the best one: the next session would have it too
            items.remove(first)
            one.call("bank.retire", bank="b5", item=first)
            again = other.session_start("t5", "e", session=f"s-withdrawn-{i}-after", seed=1)
            self.assertIn(again.item["id"], items)
            state = other.call("session.answer", session=sitting.id, seq=1, item=first, response=1)
            self.assertIn(state["item"]["id"], items)
        told = [client.call("bank.get", bank="b5")["retired"] for client in (one, other)]
        self.assertEqual(told[0], told[1])
        self.assertEqual(len(told[0]), 12)

    def test_a_node_that_comes_later_has_all(self):
        one, _ = self.clients()
        one.bank_upload("b6", BANK)
        one.call("bank.retire", bank="b6", item="q07")
        late = self.node()
        with late.client() as client:
            told = [{**each.call("bank.get", bank="b6"), "id": 0} for each in (one, client)]
            self.assertEqual(told[0], told[1])
        late.restart()
        with late.client() as client:
            self.assertEqual(client.call("bank.get", bank="b6")["retired"], ["q07"])

    def test_news_that_nobody_told_of(self):
        """A document that is there without a NOTIFY, as where that was lost."""
        self.client.test_put({**TEST, "test": "t8"})
        self.postgres.sql(
            "INSERT INTO document SELECT newest + 1, kind, tenant, name, 2, head, body "
            "FROM document, district WHERE kind = 'test' AND name = 't8'; "
            "UPDATE district SET newest = newest + 1")
        for client in self.clients():
            self.wait_until(lambda client=client:
                            client.call("test.get", test="t8")["version"] == 2)

    def test_a_node_of_another_kind_is_refused(self):
        daemon = Daemon().start()
        self.addCleanup(daemon.close)
        with daemon.client() as client:
            client.bank_upload("own", BANK)
        daemon.stop()
        daemon.settings = (f"[store] kind = postgres\nurl = {self.postgres.url}",)
        daemon.write_config("info")
        daemon.spawn()
        self.assertEqual(daemon.process.wait(30), 65)
        self.assertIn("not of the district", daemon.log())

    def test_what_is_bad_is_refused_as_ever(self):
        one, _ = self.clients()
        with self.assertRaises(ThetadError) as raised:
            one.bank_upload("b7", [*BANK, {"id": "bad", "model": "2PL", "a": -1, "b": 0}])
        self.assertEqual(raised.exception.code, "invalid_bank")
        with self.assertRaises(ThetadError) as raised:
            one.test_put({**TEST, "test": "t7", "exposure": {"max_uses": -3}})
        self.assertEqual(raised.exception.code, "invalid_test")


class Student(threading.Thread):
    """Takes a test by any node, each request by another, until it is done: what is not
    acknowledged is sent again, by any node."""

    def __init__(self, daemons, number):
        super().__init__()
        self.daemons = daemons
        self.number = number
        self.random = random.Random(number)
        self.state = None
        self.told = []  # theta after each answer
        self.failure = None

    def call(self, op, **fields):
        deadline = time.monotonic() + STUDENT_S
        while True:
            with self.random.choice(self.daemons).client(timeout=1.0, tries=1) as client:
                try:
                    return client.call(op, session=f"s-{self.number}", **fields)
                except NoReply:
                    pass
                except ThetadError as error:
                    if not error.retry:
                        raise
            if time.monotonic() > deadline:
                raise AssertionError(f"{op}: not served in {STUDENT_S} s")
            time.sleep(0.05)

    def run(self):
        try:
            self.state = self.call("session.start", test="t", examinee=f"e-{self.number}",
                                   seed=self.number)
            while "item" in self.state:
                item = self.state["item"]
                self.state = self.call("session.answer", seq=self.state["seq"], item=item["id"],
                                       response=score_of(item, self.number))
                self.told.append((item["id"], self.state["ability"]))
        except (AssertionError, ThetadError) as error:
            self.failure = error


class TestFaults(DistrictTestCase):
    N_STUDENT = 12

    def run_students(self, disturb):
        """Students answer while `disturb` does its work; then what they were told is held against
        the store and against a node that nothing happens to."""
        first = TestFaults.n_student
        TestFaults.n_student += self.N_STUDENT
        students = [Student(self.daemons, first + i) for i in range(self.N_STUDENT)]
        for student in students:
            student.start()
        disturb(students)
        for student in students:
            student.join()
            self.assertIsNone(student.failure)
        self.audit(students)

    n_student = 100

    def audit(self, students):
        with Daemon_alone() as alone:
            for student in students:
                undisturbed = Student([alone.daemon], student.number)
                undisturbed.run()
                self.assertEqual(student.told, undisturbed.told)
                rows = self.postgres.sql("SELECT count(*), min(n), max(n) FROM event "
                                         f"WHERE session = 's-{student.number}'")
                self.assertEqual(rows, [["13", "0", "12"]])

    @staticmethod
    def wait_for(students, n_answer):
        while sum(len(student.told) for student in students) < n_answer and \
                not any(student.failure for student in students):
            time.sleep(0.01)

    def test_a_node_is_killed(self):
        def disturb(students):
            for i, daemon in enumerate(self.daemons):
                self.wait_for(students, 25 + 40 * i)
                daemon.kill()
                time.sleep(0.3)
                daemon.start()
        self.run_students(disturb)

    def test_the_database_is_killed(self):
        def disturb(students):
            for i in range(3):
                self.wait_for(students, 20 + 30 * i)
                self.postgres.restart()
        self.run_students(disturb)

    def test_the_database_falls_silent(self):
        def disturb(students):
            self.wait_for(students, 30)
            self.postgres.freeze()
            try:
                end = time.monotonic() + FROZEN_S
                while time.monotonic() < end:
                    for client in self.clients():
                        client.ping()
                    time.sleep(0.1)
                with self.daemons[0].client(timeout=10, tries=1) as client:
                    with self.assertRaises(ThetadError) as raised:
                        client.call("session.get", session="s-nobody")
                    self.assertEqual(raised.exception.code, "retry")
                    self.assertGreater(raised.exception.retry_after_ms, 0)
            finally:
                self.postgres.thaw()
        self.run_students(disturb)

    def test_a_node_ends_while_the_database_is_silent(self):
        daemon = self.node()
        self.postgres.freeze()
        try:
            daemon.stop()
        finally:
            self.postgres.thaw()


class UpgradeTestCase(unittest.TestCase):
    """A shared store of the present version, and a node over it that has the bank."""

    def setUp(self):
        self.postgres = Postgres()
        self.addCleanup(self.postgres.close)
        self.postgres.start()
        run_theta("district", "init", self.postgres.url)
        settings = f"[store] kind = postgres\nurl = {self.postgres.url}"
        self.daemon = Daemon(settings=(settings,)).start()
        self.addCleanup(self.daemon.close)
        with self.daemon.client() as client:
            client.bank_upload("b", BANK)

    def make_old(self, sql):
        """The tables of an older version: the node, which has stopped, refuses them."""
        self.postgres.sql(sql)
        self.daemon.spawn()
        self.assertNotEqual(self.daemon.process.wait(30), 0)
        self.assertIn("theta district upgrade", self.daemon.log())


class TestParked(DistrictTestCase):
    """Many requests that wait for a database that does not answer."""

    N_NODE = 1
    SETTINGS = ("[limits] queue_ms = 60000",)  # those that are not yet parked wait their turn
    AGE_S = 2.5  # longer than a request may wait
    N_SMALL, N_FIRST, N_LARGE = 8000, 100, 2500

    def crowd(self):
        crowd = Crowd(self.daemons[0].endpoint, 100)
        self.addCleanup(crowd.close)
        crowd.send([{"id": i, "op": "ping"} for i in range(100)])
        crowd.collect(100)
        return crowd

    def codes(self, replies):
        return {reply["error"]["code"] for reply in replies.values()}

    def test_a_node_stands_still_while_it_serves_them(self):
        """They are older then than a request may wait, but their wait is over."""
        crowd = self.crowd()
        requests = [{"id": f"g-{i}", "op": "session.get", "session": f"nobody-{i}"}
                    for i in range(self.N_SMALL)]
        self.postgres.freeze()
        try:
            crowd.send(requests)
            time.sleep(0.5)
        finally:
            self.postgres.thaw()
        replies = crowd.collect(self.N_FIRST)
        os.kill(self.daemons[0].process.pid, signal.SIGSTOP)
        time.sleep(self.AGE_S)
        os.kill(self.daemons[0].process.pid, signal.SIGCONT)
        replies |= crowd.collect(self.N_SMALL - len(replies))
        self.assertEqual(len(replies), self.N_SMALL)
        self.assertLessEqual(self.codes(replies), {"unknown_session", "retry"})
        self.assertTrue(self.client.ping())

    def test_large_ones_have_less_room(self):
        """All of them are there before the node reads the first: the wait of none is over."""
        crowd = self.crowd()
        large = {"op": "session.answer", "seq": 1, "item": "q01", "response": "x" * 60000}
        self.postgres.freeze()
        try:
            os.kill(self.daemons[0].process.pid, signal.SIGSTOP)
            crowd.send([{"id": f"a-{i}", "session": f"nobody-{i}", **large}
                        for i in range(self.N_LARGE)])
            os.kill(self.daemons[0].process.pid, signal.SIGCONT)
            replies = crowd.collect(self.N_LARGE)
        finally:
            self.postgres.thaw()
        self.assertEqual(len(replies), self.N_LARGE)
        codes = [reply["error"]["code"] for reply in replies.values()]
        # How many are refused depends on how many waits end while the rest is read.
        self.assertEqual(set(codes), {"retry", "busy"})
        self.assertGreater(codes.count("retry"), 500)


class Daemon_alone:  # pylint: disable=invalid-name
    """A node with the same bank and test over LMDB, to compare with."""

    def __enter__(self):
        self.daemon = Daemon().start()
        self.client = self.daemon.client()
        self.client.daemon = self.daemon
        self.client.bank_upload("b", BANK)
        self.client.test_put(TEST)
        return self.client

    def __exit__(self, *exc):
        self.client.close()
        self.daemon.close()


if __name__ == "__main__":
    unittest.main()
