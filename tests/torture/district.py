# SPDX-License-Identifier: GPL-3.0-or-later
"""G: a district. Three nodes over PostgreSQL with a synchronous standby behind HAProxy; students
answer through the balancer while nodes, balancer and database are killed and stopped, and the
network between them stalls, delays and resets. The audit is the clients'."""

import os
import time
import unittest

from support.district import District, until
from support.relay import TO_CLIENT, TO_SERVER
from torture import crowd
from torture.programme import Tally

PROPERTY = "any node serves any student, whatever goes"
METHOD = "3 nodes, 2 databases, HAProxy; kill -9, SIGSTOP, failover, stall, delay, reset; audit"
SHARE = 0.5
N_SESSION, N_ITEM = 24, 30
HOLD_S = (0.2, 2.5)  # how long a fault stays
QUIET_S = 1.0  # for what a stalled way held to arrive


class Behind:
    """What a crowd takes for the daemon: the balancer, which is never gone."""

    class Process:
        @staticmethod
        def poll():
            return None

    process = Process

    def __init__(self, district):
        self.district = district

    def client(self, **options):
        return self.district.client(**options)


class Faults:
    """Each holds a fault for some time and takes it back."""

    def __init__(self, district, random):
        self.district = district
        self.random = random
        self.counts = {}

    def hold(self):
        time.sleep(self.random.uniform(*HOLD_S))

    def node_killed(self):
        i = self.random.randrange(len(self.district.nodes))
        self.district.nodes[i].kill()
        self.hold()
        self.district.nodes[i].start()

    def node_stopped(self):
        self._stopped([self.random.choice(self.district.nodes).process.pid])

    def balancer_killed(self):
        self.district.balancer.kill()
        self.hold()
        self.district.balancer.start()

    def balancer_stopped(self):
        self._stopped([self.district.balancer.process.pid])

    def _stopped(self, pids):
        for pid in pids:
            os.kill(pid, 19)  # SIGSTOP
        self.hold()
        for pid in pids:
            os.kill(pid, 18)  # SIGCONT

    def primary_stopped(self):
        self.district.primary.freeze()
        self.hold()
        self.district.primary.thaw()

    def standby_stopped(self):
        self.district.standby.freeze()
        self.hold()
        self.district.standby.thaw()

    def primary_restarted(self):
        self.district.primary.kill()
        self.hold()
        self.district.primary.start()

    def failover(self):
        self.district.fail_over()
        self.hold()
        self.district.make_standby()

    def _ways(self):
        """To one node, or of one node to the databases."""
        i = self.random.randrange(len(self.district.nodes))
        return self.random.choice((self.district.to_node, self.district.to_server))[i]

    def partition(self):
        for relay in self._ways():
            relay.stall()
        self.hold()
        self.district.heal()

    def partition_one_way(self):
        way = self.random.choice((TO_SERVER, TO_CLIENT))
        for relay in self._ways():
            relay.stall(way)
        self.hold()
        self.district.heal()

    def connections_reset(self):
        for relay in self._ways():
            relay.reset()

    def connections_refused(self):
        for relay in self._ways():
            relay.refuse()
        self.hold()
        self.district.heal()

    def delay(self):
        for relay in self._ways():
            relay.delay_s = self.random.uniform(0.01, 0.2)
        self.hold()
        self.district.heal()

    def one(self):
        kinds = (self.node_killed, self.node_stopped, self.balancer_killed, self.balancer_stopped,
                 self.primary_stopped, self.standby_stopped, self.primary_restarted,
                 self.partition, self.partition_one_way, self.connections_reset,
                 self.connections_refused, self.delay)
        kind = self.failover if self.random.random() < 0.05 else self.random.choice(kinds)
        name = kind.__name__
        self.counts[name] = self.counts.get(name, 0) + 1
        kind()


def one_round(district, faults, members):
    """(what is wrong, answers, seconds until students were served again after the fault)."""
    clients = crowd.Crowd(Behind(district), members, refusals=True)
    time.sleep(0.2)
    faults.one()
    healed, before = time.monotonic(), clients.n_answer
    try:
        until(lambda: clients.n_answer > before or not clients.alive(),
              why="nobody is served after the fault")
        found = []
    except AssertionError as error:
        found = [str(error)]
    again = time.monotonic() - healed
    found += clients.leave()
    time.sleep(QUIET_S)
    return found, clients.n_answer, again


def play(context, district, tally):
    faults = Faults(district, context.random)
    audit = crowd.Audit(Behind(district))
    members = crowd.examinees(N_SESSION, "0-")
    n_answer, longest = 0, 0.0
    for i in context.rounds(6):
        found, n, again = one_round(district, faults, members)
        n_answer += n
        longest = max(longest, again)
        tally.faults += 1
        tally.add(found + audit.check(members))
        if all(examinee.finished() for examinee in members):
            members = crowd.examinees(N_SESSION, f"{i + 1}-")
    gaps = district.primary.sql("SELECT session FROM event GROUP BY session "
                                "HAVING min(n) <> 0 OR max(n) + 1 <> count(*)")
    tally.violations += [f"{row[0]}: a gap in its events" for row in gaps]
    tally.note = (f"{n_answer:,} acknowledged, {audit.n_pending} requests cut off; served again "
                  f"after at most {longest:.1f} s; " +
                  ", ".join(f"{n} {name}" for name, n in sorted(faults.counts.items())))


def run(context):
    tally = Tally()
    try:
        district = District(relays=True, binary=context.binary("plain"),
                            environment=context.environment())
    except unittest.SkipTest as reason:
        return Tally(skipped=str(reason))
    try:
        district.start(theta=str(context.theta()))
        district.publish(crowd.BANK, crowd.bank_items(), crowd.document(N_ITEM))
        play(context, district, tally)
    finally:
        district.close()
    return tally
