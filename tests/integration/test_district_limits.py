# SPDX-License-Identifier: GPL-3.0-or-later
"""What sessions at different nodes owe to each other: no item that the examinee was asked at
another node a moment ago, and none that was asked as often as it may be."""

import os
import random
import threading
import time
import unittest
from collections import Counter

from support.postgres import until
from test_district import BANK, DistrictTestCase, UpgradeTestCase, run_theta, score_of
from test_district_privacy import code_of, make_older
from thetad import NoReply, ThetadError

LENGTH = 4


def limited(name, exposure, bank="b"):
    return {"test": name, "bank": bank, "reveal": True, "exposure": exposure,
            "stop": {"any": [{"rule": "length", "at": LENGTH}]}}


def answer(client, state):
    return client.call("session.answer", session=state["session"], seq=state["seq"],
                       item=state["item"]["id"], response=score_of(state["item"]))


def asked(client, examinee, n_answer=LENGTH, **fields):
    """A session with so many answers: its id, and the items that it was asked."""
    state = client.call("session.start", **{"test": "again", "examinee": examinee, **fields})
    items = [state["item"]["id"]]
    for _ in range(n_answer):
        state = answer(client, state)
        if "item" in state:
            items.append(state["item"]["id"])
    return state["session"], items


def verified(client):
    reply = client.call("log.verify")
    while not reply["done"]:
        reply = client.call("log.verify", run=reply["run"])
    return reply


class TestRepeats(DistrictTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client.test_put(limited("again", {"repeat_after_days": 7}))

    def seen_before(self, client, session):
        why = client.call("session.explain", session=session)
        return Counter(part for _, part, _ in why["items"])["seen_before"]

    def test_what_was_asked_at_another_node_is_not_asked(self):
        """Every session begins at once where the one before did not end; some have an id from
        the client, some from the node."""
        here, seen, sessions = self.clients(), set(), []
        for number in range(6):
            named = {"session": f"s-again-{number}"} if number % 2 else {}
            session, items = asked(here[number % 2], "e-again", **named)
            self.assertEqual(len(items), LENGTH)
            self.assertFalse(seen & set(items))
            self.assertEqual(self.seen_before(here[1 - number % 2], session), len(seen))
            seen |= set(items)
            sessions.append(session)
        self.assertFalse(seen & set(asked(here[0], "e-again", n_answer=0)[1]))
        self.assertTrue(seen & set(asked(here[0], "e-other")[1]))
        for client in here:
            faults = verified(client)["faults"]
            self.assertFalse([fault for fault in faults if fault["session"] in sessions])

    def test_what_was_shown_and_not_answered_is_seen(self):
        one, other = self.clients()
        items = asked(one, "e-open", n_answer=2)[1]
        self.assertEqual(len(items), 3)
        self.assertFalse(set(items) & set(asked(other, "e-open")[1]))

    def test_days_go_by(self):
        """Of a session that has ended, and of one that is still asked its last question."""
        one, other = self.clients()
        for n_answer in (LENGTH, LENGTH - 1):
            for days, comes_again in ((6, False), (8, True)):
                examinee = f"e-{n_answer}-{days}"
                session, items = asked(one, examinee, n_answer=n_answer)
                make_older(self.postgres, session, days)
                items_2 = asked(other, examinee, n_answer=n_answer)[1]
                self.assertEqual(items_2 == items, comes_again)
                self.assertEqual(bool(set(items) & set(items_2)), comes_again)

    def test_two_starts_at_once(self):
        """The later one knows what the earlier was asked first, wherever that was."""
        for number in range(15):
            first, clients = [None, None], self.clients()
            gate = threading.Barrier(2)

            def start(i, number=number, first=first, clients=clients, gate=gate):
                gate.wait()
                first[i] = asked(clients[i], f"e-both-{number}", n_answer=0)[1][0]

            threads = [threading.Thread(target=start, args=(i,)) for i in (0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertNotEqual(first[0], first[1])
            self.assertNotIn(None, first)

    def test_a_start_that_had_to_wait(self):
        """One node has looked at the past and cannot write yet, for it writes something else; the
        other starts a session of the examinee meanwhile. What was refused was not asked."""
        one, other = self.clients()
        self.client.test_put(limited("counted", {"repeat_after_days": 7, "max_uses": 20}))
        for client in (one, other):
            self.wait_for(client, "counted", 1)
        held = other.call("session.start", test="t", examinee="e-held")
        blocker = "SELECT 1 FROM pg_stat_activity WHERE wait_event"
        insert = ("BEGIN; INSERT INTO event VALUES ('local', "
                  f"'{held['session']}', 1, '', ''); SELECT pg_sleep(1); ROLLBACK")
        said, clients = {}, self.clients() + self.clients()

        def run(name, call, *arguments):
            said[name] = call(*arguments)

        def start(client):
            return asked(client, "e-waits", 0, test="counted")[1]

        threads = [threading.Thread(target=run, args=arguments) for arguments in (
            ("blocker", self.postgres.sql, insert),
            ("answer", answer, clients[1], held),
            ("waits", start, clients[3]))]
        for thread, wait_event in zip(threads, (" = 'PgSleep'", "_type = 'Lock'", None)):
            thread.start()
            if wait_event:
                until(lambda wait_event=wait_event: self.postgres.sql(blocker + wait_event))
        time.sleep(0.2)  # for the look at the past
        first = start(one)
        for thread in threads:
            thread.join()
        self.assertEqual(len(said), 3)
        self.assertNotEqual(said["waits"], first)
        self.assertEqual(self.postgres.sql("SELECT item, uses FROM asked WHERE test = 'counted' "
                                           "ORDER BY item"),
                         sorted([item, "1"] for item in first + said["waits"]))

    def test_another_version_of_the_bank(self):
        """Items go by their ids: in the new version they have other numbers."""
        one, other = self.clients()
        self.client.bank_upload("turned", BANK)
        self.client.test_put(limited("turned", {"repeat_after_days": 7}, bank="turned"))
        self.wait_for(other, "turned", 1)
        items = asked(one, "e-turned", test="turned")[1]
        self.client.bank_upload("turned", BANK[::-1])
        self.wait_for(other, "turned", 2)
        self.assertFalse(set(items) & set(asked(other, "e-turned", test="turned")[1]))
        self.assertTrue(set(items) & set(asked(other, "e-turned")[1]))  # of another bank

    def wait_for(self, client, test, bank_version):
        until(lambda: code_of(client.call, "test.get", test=test) == "ok" and
              client.call("test.get", test=test)["bank_version"] == bank_version)

    def test_what_was_erased_is_not_known(self):
        one, other = self.clients()
        items = asked(one, "e-erased")[1]
        other.call("examinee.erase", examinee="e-erased")
        self.assertEqual(asked(one, "e-erased")[1], items)
        items_2 = asked(other, "e-erased")[1]
        self.assertFalse(set(items) & set(items_2))

    def test_a_damaged_session_is_told(self):
        one, _ = self.clients()
        session, _ = asked(one, "e-damaged")
        self.postgres.sql(f"UPDATE event SET seal = '\\x00' WHERE session = '{session}' AND n = 1")
        self.assertEqual(code_of(one.call, "session.start", test="again", examinee="e-damaged"),
                         "internal")
        self.assertIn('"an earlier session of an examinee is damaged" tenant=local '
                      f'session={session}', self.daemons[0].log())


class Sittings(threading.Thread):
    """Sessions one after the other until no item is left, each request at any of the nodes: what
    it was shown."""

    def __init__(self, daemons, name, seed):
        super().__init__()
        self.daemons, self.title, self.dice = daemons, name, random.Random(seed)
        self.shown = set()  # (session, seq, item)
        self.n_retry, self.error = 0, None

    def call(self, clients, op, **fields):
        while True:
            try:
                return self.dice.choice(clients).call(op, **fields)
            except NoReply:
                self.n_retry += 1
            except ThetadError as error:
                if error.code != "retry":
                    raise
                self.n_retry += 1

    def sit(self, clients, session):
        state = self.call(clients, "session.start", test="limited", examinee=session,
                          session=session)
        while "item" in state:
            self.shown.add((session, state["seq"], state["item"]["id"]))
            if self.dice.random() < 0.05:
                self.call(clients, "session.finish", session=session)
                return
            state = self.call(clients, "session.answer", session=session, seq=state["seq"],
                              item=state["item"]["id"], response=self.dice.randrange(2))

    def run(self):
        clients = [daemon.client(timeout=3, tries=1) for daemon in self.daemons]
        try:
            for number in range(10000):
                self.sit(clients, f"{self.title}-{number}")
        except ThetadError as error:
            self.error = error.code
        finally:
            for client in clients:
                client.close()


class TestMaxUses(DistrictTestCase):
    MOST, N_THREAD = 9, 6
    SEED = int(os.environ.get("THETAD_TEST_SEED", random.randrange(2**32)))

    def test_a_limit_holds_over_all_nodes(self):
        """With one of them killed and started again."""
        print(f"seed {self.SEED}")
        dice, here = random.Random(self.SEED), self.clients()
        self.client.test_put(limited("limited", {"max_uses": self.MOST}))
        for client in here:
            until(lambda client=client: code_of(client.call, "test.get", test="limited") == "ok")
        crowd = [Sittings(self.daemons, f"u-{i}", dice.random()) for i in range(self.N_THREAD)]
        for sittings in crowd:
            sittings.start()
        time.sleep(dice.uniform(0.1, 0.4))
        self.daemons[0].kill()
        self.daemons[0].start()
        for sittings in crowd:
            sittings.join()
            self.assertEqual(sittings.error, "exhausted")
        shown = set().union(*(sittings.shown for sittings in crowd))
        uses = Counter(item for _, _, item in shown)
        print(f"uses {sum(uses.values())}, retries {sum(s.n_retry for s in crowd)}")
        self.assertLessEqual(max(uses.values()), self.MOST)
        # What was asked and not shown: at most what each had under way as the node was killed, and
        # what was counted twice then.
        self.assertGreaterEqual(sum(uses.values()),
                                len(BANK) * self.MOST - 2 * self.N_THREAD)
        self.assertEqual(self.postgres.sql("SELECT min(uses), max(uses), count(*) FROM asked"),
                         [[str(self.MOST), str(self.MOST), str(len(BANK))]])
        with self.node().client() as client:  # that knows nothing of what was asked
            self.assertEqual(code_of(client.call, "session.start", test="limited",
                                     examinee="late"), "exhausted")
        for client in here:
            self.assertEqual(verified(client)["faults"], [])

    def test_another_limit(self):
        """Items that have come to it are out at once, and in again where it is a larger one."""
        one, other = here = self.clients()
        first = None
        for version, (most, again) in enumerate(((3, True), (2, False), (3, True), (3, False)), 1):
            self.client.test_put(limited("changed", {"max_uses": most, "repeat_after_days": 0}))
            version = min(version, 3)
            for client in here:
                until(lambda client=client, version=version:
                      code_of(client.call, "test.get", test="changed", version=version) == "ok")
            if first is None:
                first = asked(one, "e-1", 0, test="changed")[1]
            items = asked(here[version % 2], f"e-{most}-{version}", 0, test="changed")[1]
            self.assertEqual(items == first, again, (version, most))
        session = asked(other, "e-why", 1, test="changed")[0]
        why = one.call("session.explain", session=session)
        self.assertIn("used_up", {part for _, part, _ in why["items"]})


class TestUpgrade(UpgradeTestCase):
    def test_a_store_of_version_3_is_brought_up_to_date(self):
        """What is under way goes on, tallies are as they were, and limits of uses count from
        then on."""
        postgres, daemon = self.postgres, self.daemon
        with daemon.client() as client:
            client.test_put(limited("old", {"rule": "eligibility", "max_rate": 0.9}))
            asked(client, "e-0", session="s-ended", test="old")
            asked(client, "e-1", n_answer=2, session="s-open", test="old")
            before = [client.call("session.get", session=session)
                      for session in ("s-ended", "s-open")]
            until(lambda: postgres.sql("SELECT count(*) FROM exposure") == [["1"]], seconds=30)
        daemon.stop()
        counts = postgres.sql("SELECT * FROM exposure")
        self.make_old("DROP TABLE asked; UPDATE district SET format = 3")
        self.assertIn("was of version 3", run_theta("district", "upgrade", postgres.url))
        self.assertEqual(postgres.sql("SELECT * FROM exposure"), counts)
        daemon.start()
        with daemon.client() as client:
            after = [client.call("session.get", session=session)
                     for session in ("s-ended", "s-open")]
            self.assertEqual([{**reply, "id": 0} for reply in after],
                             [{**reply, "id": 0} for reply in before])
            answer(client, after[1])
            client.test_put(limited("old", {"max_uses": 1}))
            items = asked(client, "e-2", session="s-new", test="old")[1]
            self.assertEqual(sorted(postgres.sql("SELECT item, uses FROM asked")),
                             sorted([item, "1"] for item in items))
            self.assertFalse(set(items) & set(asked(client, "e-3", test="old")[1]))
            self.assertEqual(verified(client)["faults"], [])
        self.assertIn("was of version 4", run_theta("district", "upgrade", postgres.url))


if __name__ == "__main__":
    unittest.main()
