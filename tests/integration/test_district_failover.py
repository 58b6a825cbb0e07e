# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary that another has taken the place of, and that does not know it."""

import threading
import unittest

from support.daemon import Daemon
from support.district import Server
from support.postgres import until
from test_district import BANK, TEST, run_theta
from thetad import NoReply, ThetadError

# What is asked of the node, and what is right in a reply. The session, its answer and the test came
# to be at the other node, after the promotion.
ASKED = {
    "a session that was started": (
        "session.get", {"session": "s-new"}, lambda reply: reply["seq"] == 1),
    "a start that comes again": (
        "session.start", {"session": "s-again", "test": "t", "examinee": "e", "seed": 1},
        lambda reply: reply["seq"] == 1),
    "a session that was answered": (
        "session.get", {"session": "s-old"}, lambda reply: reply["seq"] == 2),
    "its answers": (
        "session.answers", {"session": "s-old"}, lambda reply: len(reply["answers"]) == 1),
    "why its item": (
        "session.explain", {"session": "s-old", "seq": 2}, lambda reply: reply["seq"] == 2),
    "all sessions": (
        "session.list", {}, lambda reply: "s-new" in [row["session"] for row in reply["sessions"]]),
    "a session that was erased": (
        "session.get", {"session": "s-erased"}, lambda reply: False),
    "a test that was published": (
        "test.get", {"test": "t-new"}, lambda reply: reply["version"] == 1),
}
GONE = {"a session that was erased": "unknown_session"}


class TestStaleReads(unittest.TestCase):
    def setUp(self):
        self.servers = [self.own(Server(name)) for name in ("pg1", "pg2")]
        self.old, self.new = self.servers
        self.old.start()
        run_theta("district", "init", self.old.url)
        self.new.follow(self.old)
        self.old.require(self.new.name)

    def own(self, thing):
        self.addCleanup(thing.close)
        return thing

    def node(self, servers):
        ports = ",".join(str(server.port) for server in servers)
        url = (f"host=127.0.0.1,127.0.0.1 port={ports} user=thetad dbname=postgres "
               f"passfile={self.old.passfile}")
        return self.own(Daemon(settings=(f"[store] kind = postgres\nurl = {url}",))).start()

    @staticmethod
    def ask(node, name):
        """Nothing where the node does not know, else what is wrong with its answer, or "right"."""
        op, fields, is_right = ASKED[name]
        with node.client(timeout=4.0, tries=1) as client:
            try:
                return "right" if is_right(client.call(op, **fields)) else "a state as it was"
            except NoReply:
                return None
            except ThetadError as error:
                if error.retry:
                    return None
                return "right" if error.code == GONE.get(name) else error.code

    def ask_all(self, node):
        """All at once: what fails by one would leave another a new connection."""
        told = {}

        def ask(name):
            told[name] = self.ask(node, name)

        threads = [threading.Thread(target=ask, args=(name,)) for name in ASKED]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told

    def test_none_is_told(self):
        node = self.node(self.servers)
        with node.client() as client:
            client.bank_upload("b", BANK)
            client.test_put(TEST)
            for name in ("s-old", "s-erased"):
                client.session_start("t", f"e-{name}", session=name, seed=1)
        self.ask_all(node)  # now it has connections for all of that
        self.old.freeze()
        self.new.promote()
        with self.node(self.servers[::-1]).client() as client:
            for session in ("s-new", "s-again"):
                client.session_start("t", "e", session=session, seed=1)
            item = client.call("session.get", session="s-old")["item"]["id"]
            client.call("session.answer", session="s-old", seq=1, item=item, response=1)
            client.call("examinee.erase", examinee="e-s-erased")
            client.test_put({**TEST, "test": "t-new"})
        self.old.thaw()
        wrong = {name: told for name, told in self.ask_all(node).items()
                 if told not in (None, "right")}
        self.assertEqual(wrong, {})
        self.old.kill()
        until(lambda: set(self.ask_all(node).values()) == {"right"}, why="it is not told either")


if __name__ == "__main__":
    unittest.main()
