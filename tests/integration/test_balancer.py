# SPDX-License-Identifier: GPL-3.0-or-later
"""A district behind HAProxy: each answer over a connection of its own, and so to another node."""

import http.client
import os
import threading
import unittest

import test_golden_traces
from support import audit, reference
from support.district import District, until
from thetad import NoReply, ThetadError

SILENT_S = 60
# THETAD_TEST_TRACES=all: every trace that one node has, some minutes of a new connection for each
# answer. These two otherwise.
ALL = os.environ.get("THETAD_TEST_TRACES") == "all"
BANKS = test_golden_traces.MODELS if ALL else ("3pl", "grm")


class TestBalancer(test_golden_traces.TestGoldenTraces):
    """catR's traces, as test_golden_traces has them on one node."""

    @classmethod
    def setUpClass(cls):
        cls.district = District(environment={"UBSAN_OPTIONS": "print_stacktrace=1"})
        cls.addClassCleanup(cls.district.close)
        cls.district.start(theta=os.environ["THETA_BIN"])
        cls.client = cls.district.client(reconnect=0.0)
        cls.addClassCleanup(cls.client.close)
        author = cls.district.nodes[0].client()  # an upload goes to one node from begin to end
        cls.addClassCleanup(author.close)
        cls.client.bank_upload = author.bank_upload

    def answers_of(self, node):
        with node.client() as client:
            return client.stats()["counters"]["answers"]

    def test_synthetic_banks(self):
        for bank in BANKS:
            self.run_bank(bank, reference.bank_items(bank, test_golden_traces.MODELS[bank]))
        answers = [self.answers_of(node) for node in self.district.nodes]
        self.assertGreater(min(answers), sum(answers) / 10, "every node has served some")

    def test_all_nodes_are_upgraded_under_load(self):
        """No request fails: each is sent again, where its node has gone, within its deadline."""
        self.client.bank_upload("up", reference.bank_items("3pl", "3PL"))
        self.client.test_put({"test": "up", "bank": "up",
                              "stop": {"any": [{"rule": "length", "at": 60}]}})
        until(lambda: all(node.knows("up") for node in self.district.nodes))
        over, failures, told = threading.Event(), [], []

        def n_told():
            return sum(len(answers) for _, answers in told)

        def take(name):
            with self.district.client(timeout=2.0, deadline=60.0) as client:
                try:
                    while not over.is_set():
                        sitting = client.session_start("up", name)
                        answers = []
                        told.append((sitting.id, answers))
                        while sitting.item and not over.is_set():
                            answer = (sitting.seq, sitting.item["id"], len(answers) % 2)
                            sitting.answer(score=answer[2])
                            answers.append(answer)
                except (NoReply, ThetadError) as error:
                    failures.append(error)

        students = [threading.Thread(target=take, args=(f"student-{i}",)) for i in range(8)]
        for student in students:
            student.start()
        try:
            for i in range(len(self.district.nodes)):
                until(lambda n=n_told() + 50: n_told() > n or failures)
                self.district.replace(i)
        finally:
            over.set()
            for student in students:
                student.join()
        self.assertEqual(failures, [])
        with self.district.client(deadline=60.0) as client:
            for session, answers in told:
                self.assertEqual(audit.session(client, session, answers), [])

    def test_what_is_on_one_disk_alone_is_not_told(self):
        """A primary that has crashed shows the answer whose commit was waiting for the standby."""
        self.client.bank_upload("one", reference.bank_items("3pl", "3PL")[:9])
        self.client.test_put({"test": "one", "bank": "one"})
        until(lambda: all(node.knows("one") for node in self.district.nodes))
        with self.district.nodes[0].client(timeout=5.0, tries=1) as client:
            item = client.session_start("one", "e", session="one").item["id"]
            answer = {"session": "one", "seq": 1, "item": item, "response": 1}
            self.district.standby.kill()
            with self.assertRaises((NoReply, ThetadError)):
                client.call("session.answer", **answer)
        until(lambda: self.district.primary.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
            "AND query LIKE '%INSERT INTO event%'") != [["0"]], why="it waits for no standby")
        self.district.primary.restart()
        kept = self.district.primary.sql("SELECT count(*) FROM event WHERE session = 'one'")
        self.assertEqual(kept, [["2"]], "it was on the primary's disk")
        for node in self.district.nodes:
            with node.client(timeout=4.0, tries=1) as client:
                with self.assertRaises((NoReply, ThetadError)) as raised:
                    client.call("session.answer", **answer)
                self.assertEqual(getattr(raised.exception, "code", "retry"), "retry")
        self.district.standby.start()
        with self.district.client(deadline=SILENT_S) as client:
            self.assertEqual(client.call("session.answer", **answer)["seq"], 2)

    if not ALL:
        test_published_banks = test_other_criteria = test_constant_patterns = None
        test_content_balancing = None

    def readyz(self, node):
        connection = http.client.HTTPConnection(node.address, node.metrics_port, timeout=SILENT_S)
        connection.request("GET", "/readyz")
        return connection.getresponse().read().decode()

    def test_a_node_without_its_database_is_not_ready(self):
        node = self.district.nodes[0]
        self.assertEqual(self.readyz(node), "ok\n")
        self.district.primary.freeze()
        try:
            until(lambda: self.readyz(node) == "the store does not answer\n", SILENT_S)
            with node.client(timeout=5) as client:
                try:
                    client.ping()
                except NoReply as error:
                    raise AssertionError("a silent database stops ping") from error
        finally:
            self.district.primary.thaw()
        until(lambda: self.readyz(node) == "ok\n", SILENT_S)


del test_golden_traces.TestGoldenTraces  # it has a test of its own

if __name__ == "__main__":
    unittest.main()
