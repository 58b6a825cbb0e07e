# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 in the middle of fifty sessions, several times: what was acknowledged is there.

Every examinee's answer is a function of the session and the item, so a run without a kill shows
what each session must look like at the end. The seed of the kills is printed; THETAD_TEST_SEED
sets it.
"""

import os
import random
import time
import unittest

from support.daemon import Daemon
from torture import crowd

N_SESSION = 50
N_ROUND = 5
N_ITEM = 50  # of one session
ANSWERS_A_ROUND = (200, 420)  # after how many answers in all a round's kill comes
KILL_DELAY_S = 0.01  # and up to so much later
ROUND_S = 120


class TestKill(unittest.TestCase):
    def setUp(self):
        seed = int(os.environ.get("THETAD_TEST_SEED", time.time_ns() % 10**9))
        print(f"\nTHETAD_TEST_SEED={seed}", flush=True)
        self.random = random.Random(seed)

    def daemon(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        crowd.load(daemon, N_ITEM)
        return daemon

    def run_until_killed(self, daemon, members):
        clients = crowd.Crowd(daemon, members)
        clients.wait(self.random.randint(*ANSWERS_A_ROUND), ROUND_S)
        time.sleep(self.random.uniform(0, KILL_DELAY_S))
        self.assertIsNone(daemon.process.poll(), "thetad ended by itself:\n" + daemon.log())
        daemon.kill()
        self.assertEqual(clients.leave(), [])

    def run_disturbed(self):
        daemon = self.daemon()
        audit = crowd.Audit(daemon)
        members = crowd.examinees(N_SESSION)
        for _ in range(N_ROUND):
            self.run_until_killed(daemon, members)
            self.assertFalse(all(examinee.finished() for examinee in members), "killed too late")
            daemon.start()
            self.assertEqual(audit.check(members), [])
        self.assertEqual(crowd.Crowd(daemon, members).join(), [])
        self.assertEqual(audit.check(members), [])
        daemon.stop()
        print(f"{N_ROUND} kills, {N_SESSION} sessions of {N_ITEM} answers: {audit.n_pending} "
              f"requests cut off, {audit.n_carried_out} of them carried out", flush=True)
        return members

    def run_undisturbed(self):
        daemon = self.daemon()
        members = crowd.examinees(N_SESSION)
        self.assertEqual(crowd.Crowd(daemon, members).join(), [])
        daemon.stop()
        return members

    def test_nothing_acknowledged_is_lost(self):
        disturbed = self.run_disturbed()
        undisturbed = self.run_undisturbed()
        for was, should in zip(disturbed, undisturbed):
            self.assertTrue(was.finished() and should.finished(), was.id)
            self.assertEqual(len(should.items()), N_ITEM)
            self.assertEqual(was.path(), should.path(), was.id)
        self.assertGreater(len({tuple(one.items()) for one in undisturbed}), 1)
        self.assertGreater(sum(one.revisions() for one in disturbed), N_SESSION)


if __name__ == "__main__":
    unittest.main()
