# SPDX-License-Identifier: GPL-3.0-or-later
"""A district behind HAProxy: each answer over a connection of its own, and so to another node."""

import http.client
import os
import unittest

import test_golden_traces
from support import reference
from support.district import District, until
from thetad import NoReply

SILENT_S = 30


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
        self.run_bank("3pl", reference.bank_items("3pl", "3PL"))
        answers = [self.answers_of(node) for node in self.district.nodes]
        self.assertGreater(min(answers), sum(answers) / 10, "every node has served some")

    test_published_banks = test_other_criteria = test_constant_patterns = None
    test_content_balancing = None

    def readyz(self, node):
        connection = http.client.HTTPConnection(node.address, node.metrics_port, timeout=10)
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
