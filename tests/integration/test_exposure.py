# SPDX-License-Identifier: GPL-3.0-or-later
"""Items that sessions owe to each other, over the socket: a limit of uses that holds for sessions
side by side and across kill -9, rates that hold for a thousand sessions, and no repeats."""

import os
import random
import threading
import unittest
from collections import Counter

from support import reference
from support.daemon import Daemon
from thetad import NoReply, ThetadError

N_THREAD = 6
N_ITEM = 100
LENGTH = 12
MOST = 9  # uses of an item
SEED = int(os.environ.get("THETAD_TEST_SEED", random.randrange(2**32)))
STOP = {"any": [{"rule": "length", "at": LENGTH}]}


def load(daemon, exposure):
    with daemon.client() as client:
        client.bank_upload("bank", reference.bank_items("3pl", "3PL")[:N_ITEM])
        client.test_put({"test": "t", "bank": "bank", "stop": STOP, "exposure": exposure})


class Sitting(threading.Thread):
    """Sessions one after the other until no item is left or the daemon goes away."""

    def __init__(self, daemon, name, seed):
        super().__init__()
        self.daemon_under_test = daemon
        self.title = name
        self.dice = random.Random(seed)
        self.asked = Counter()  # items that a reply has shown, by (session, seq)
        self.error = None

    def run(self):
        try:
            with self.daemon_under_test.client(timeout=0.5, tries=1) as client:
                self.sit(client)
        except NoReply:
            pass
        except ThetadError as error:
            if error.code != "exhausted":
                self.error = error

    def sit(self, client):
        for number in range(10000):
            session = client.session_start("t", f"{self.title}-{number}",
                                           session=f"{self.title}-{number}")
            while session.item:
                self.asked[session.id, session.seq, session.item["id"]] = 1
                if self.dice.random() < 0.02:
                    session.finish()
                else:
                    session.answer(score=self.dice.randrange(2))


class TestMaxUses(unittest.TestCase):
    def test_never_passed(self):
        print(f"seed {SEED}")
        dice = random.Random(SEED)
        daemon = Daemon(idle_s=1)
        self.addCleanup(daemon.close)
        daemon.start()
        load(daemon, {"max_uses": MOST})
        shown = Counter()
        for round_number in range(4):
            sittings = [Sitting(daemon, f"r{round_number}-{i}", dice.random())
                        for i in range(N_THREAD)]
            for sitting in sittings:
                sitting.start()
            if round_number < 3:
                sittings[0].join(dice.uniform(0.2, 1.0))
                daemon.kill()
            for sitting in sittings:
                sitting.join()
                self.assertIsNone(sitting.error)
                shown.update(item for _, _, item in sitting.asked)
            if round_number < 3:
                daemon.start()
        self.assertLessEqual(max(shown.values()), MOST)
        # The last round went on until nothing was left. What a kill kept from being shown had been
        # recorded and is used up all the same: at most one question of each session at each kill.
        self.assertGreaterEqual(sum(shown.values()), N_ITEM * MOST - 3 * N_THREAD)
        with daemon.client() as client, self.assertRaises(ThetadError) as caught:
            client.session_start("t", "late")
        self.assertEqual(caught.exception.code, "exhausted")


class TestEligibility(unittest.TestCase):
    """A thousand sessions, six at a time, with a kill -9 half way."""

    RATE = 0.25
    N_SESSION = 1002

    def sit_all(self, daemon, first, last):
        asked, lock = [], threading.Lock()

        def work(own):
            dice = random.Random(SEED + own)
            with daemon.client() as client:
                for number in range(first + own, last, N_THREAD):
                    items = []
                    session = client.session_start("t", f"e-{number}", seed=number)
                    while session.item:
                        items.append(session.item["id"])
                        session.answer(score=dice.randrange(2))
                    with lock:
                        asked.append(items)

        threads = [threading.Thread(target=work, args=(own,)) for own in range(N_THREAD)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return asked

    def test_rates_hold(self):
        print(f"seed {SEED}")
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        load(daemon, {"rule": "eligibility", "max_rate": self.RATE, "cuts": [-0.5, 0.5]})
        asked = self.sit_all(daemon, 0, self.N_SESSION // 2)
        daemon.kill()
        daemon.start()
        asked += self.sit_all(daemon, self.N_SESSION // 2, self.N_SESSION)
        self.assertEqual(len(asked), self.N_SESSION)
        count = Counter(item for items in asked for item in items)
        # A share of 1,002 has SD 0.0137: of some 50 items at the rate one passes it by 0.06 by
        # chance with 3e-4. Without the rule everybody is asked the same first item.
        self.assertLess(max(count.values()) / self.N_SESSION, self.RATE + 0.06)
        self.assertGreater(max(count.values()) / self.N_SESSION, self.RATE - 0.06)


class TestRepeats(unittest.TestCase):
    def test_not_again(self):
        daemon = Daemon(idle_s=1)
        self.addCleanup(daemon.close)
        daemon.start()
        load(daemon, {"repeat_after_days": 7})
        seen = set()
        for number in range(4):
            with daemon.client() as client:
                session = client.session_start("t", "e-1", session=f"s-{number}")
                while session.item:
                    self.assertNotIn(session.item["id"], seen)
                    seen.add(session.item["id"])
                    session.answer(score=number % 2)
                why = client.call("session.explain", session=session.id)
                parts = Counter(part for _, part, _ in why["items"])
                self.assertEqual(parts["seen_before"], number * LENGTH)
            if number % 2:
                daemon.kill()
                daemon.start()


if __name__ == "__main__":
    unittest.main()
