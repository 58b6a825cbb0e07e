# SPDX-License-Identifier: GPL-3.0-or-later
"""G: a district. Three nodes over PostgreSQL with a synchronous standby behind HAProxy; students
answer through the balancer while nodes, balancer and database are killed and stopped, their disks
fill up, the database fails over, and the network between them stalls, delays and resets. Each
student's every answer is held against the record; two frontends that answer for one student are
told "taken" once."""

import collections
import signal
import time
import unittest

from support import audit
from support.disk import can_mount
from support.district import District, until
from support.relay import TO_CLIENT, TO_SERVER
from thetad import NoReply, ThetadError
from torture import crowd
from torture.programme import Tally
from torture.rivals import Rivals

PROPERTY = "any node serves any student, whatever goes"
METHOD = "3 nodes, 2 databases, HAProxy; a fault, then every acknowledged answer against the record"
SHARE = 0.5
N_SESSION, N_ITEM = 24, 30
HOLD_S = (0.2, 2.5)  # how long a fault stays
LONG_HOLD_S = 7.0  # now and then: longer than any wait for a reply, a statement or a connection
LONG_SHARE = 0.1
QUIET_S = 1.0  # for what a stalled way held to arrive
FOUND_BY = {"reads not confirmed": "failover_unseen"}  # a control need not wait for its kind
ROW = "{:24} {:>7} {:>11} {:>14} {:>10}"


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

    def __init__(self, district, random, planted=None):
        self.district = district
        self.random = random
        self.deck = [kind for kind in self.KINDS if kind.__name__ == FOUND_BY.get(planted)]

    def hold(self):
        long = self.random.random() < LONG_SHARE
        time.sleep(LONG_HOLD_S if long else self.random.uniform(*HOLD_S))

    def _node(self):
        return self.random.choice(self.district.nodes)

    def node_killed(self):
        node = self._node()
        node.kill()
        self.hold()
        node.start()

    def node_stopped(self):
        self._stopped(self._node().process)

    def node_disk_full(self):
        disk = self._node().disk
        disk.fill()
        self.hold()
        disk.make_room()

    def node_drained(self):
        """As in an upgrade."""
        self.district.replace(self.random.randrange(len(self.district.nodes)))

    def balancer_killed(self):
        self.district.balancer.kill()
        self.hold()
        self.district.balancer.start()

    def balancer_stopped(self):
        self._stopped(self.district.balancer.process)

    def _stopped(self, process):
        process.send_signal(signal.SIGSTOP)
        self.hold()
        process.send_signal(signal.SIGCONT)

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

    def standby_restarted(self):
        self.district.standby.kill()
        self.hold()
        self.district.standby.start()

    def primary_disk_full(self):
        """Where the log does not fit either the server ends by itself, and is started again."""
        primary = self.district.primary
        primary.disk.fill()
        self.hold()
        primary.disk.make_room()
        if not primary.running():
            primary.start()

    def failover(self):
        self.district.fail_over()
        self.hold()
        self.district.make_standby()

    def failover_unseen(self):
        """The primary is cut off, not dead, and comes back when another has taken its place: it is
        an owner of nothing, for it has no standby. A node that nobody asked meanwhile is still
        connected to it, and must not tell what it has."""
        lost = self.district.primary
        quiet, other = self.random.sample(range(len(self.district.nodes)), 2)
        names = [f"{word}-{self.random.getrandbits(32)}" for word in ("before", "after")]
        with self.district.nodes[quiet].client(deadline=60.0) as here, \
                self.district.nodes[other].client(deadline=60.0) as there:
            for relay in self.district.to_node[quiet]:
                relay.refuse()
            item = there.session_start(crowd.TEST["test"], "e", session=names[0]).item["id"]
            here.call("session.get", session=names[0])
            lost.freeze()
            self.district.promote_standby()
            there.call("session.answer", session=names[0], seq=1, item=item, response=1)
            there.session_start(crowd.TEST["test"], "e", session=names[1])
            lost.thaw()
            told = [self._told(self.district.nodes[quiet], name) for name in names]
        self.hold()
        self.district.heal()
        self.district.make_standby()
        if told[0] not in (None, 2) or told[1] not in (None, 1):
            raise AssertionError(f"a state as it was: {dict(zip(names, told))}")

    @staticmethod
    def _told(node, session):
        """The question that the session is at, or an error; None where the node does not know."""
        with node.client(timeout=4.0, tries=1) as client:
            try:
                return client.call("session.get", session=session)["seq"]
            except NoReply:
                return None
            except ThetadError as error:
                return None if error.retry else error.code

    def primary_restarted_alone(self):
        """What a primary knows after a restart may be on no other disk, and it is then lost."""
        primary, standby = self.district.primary, self.district.standby
        standby.kill()
        time.sleep(1.0)  # answers are on one disk now, and acknowledged to nobody
        primary.kill()
        primary.start()
        self.hold()
        primary.kill()
        standby.start()
        self.district.promote_standby()
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

    def partition_there(self):
        self._one_way(TO_SERVER)

    def partition_back(self):
        self._one_way(TO_CLIENT)

    def _one_way(self, way):
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

    KINDS = (node_killed, node_stopped, node_disk_full, node_drained, balancer_killed,
             balancer_stopped, primary_stopped, standby_stopped, primary_restarted,
             standby_restarted, primary_disk_full, failover, failover_unseen,
             primary_restarted_alone, partition, partition_there, partition_back,
             connections_reset, connections_refused, delay)
    OF_DISKS = (node_disk_full, primary_disk_full)

    def next(self):
        """All kinds, each as often as the others, in an order by chance."""
        if not self.deck:
            self.deck = [kind for kind in self.KINDS
                         if self.district.disks or kind not in self.OF_DISKS]
            self.random.shuffle(self.deck)
        return self.deck.pop()


class Table:
    """What came of the faults, by kind."""

    def __init__(self):
        self.rows = collections.defaultdict(lambda: [0, 0, 0, 0.0])

    def add(self, kind, n_violation, n_answer, pause):
        row = self.rows[kind.__name__.replace("_", " ")]
        row[:] = [row[0] + 1, row[1] + n_violation, row[2] + n_answer, max(row[3], pause)]

    def show(self):
        print(ROW.format("fault", "faults", "violations", "acknowledged", "pause s"))
        for name, (n, n_violation, n_answer, pause) in sorted(self.rows.items()):
            print(ROW.format(name, n, n_violation, f"{n_answer:,}", f"{pause:.1f}"))
        print(ROW.format("all", *(sum(row[k] for row in self.rows.values()) for k in range(3)),
                         f"{max(row[3] for row in self.rows.values()):.1f}"), flush=True)


def told(examinee):
    """The answers that were acknowledged, revised ones as they were last."""
    answers = {fields["seq"]: (fields["seq"], fields["item"], fields["response"])
               for fields in examinee.done if fields["op"] != "session.start"}
    return list(answers.values())


class Play:
    def __init__(self, context, district):
        self.district = district
        self.faults = Faults(district, context.random, context.planted)
        self.audit = crowd.Audit(Behind(district))
        self.table = Table()
        self.is_told = context.n_round is not None  # each round, for those who wait
        self.members = crowd.examinees(N_SESSION, "0-")
        self.n_generation = self.n_answer = self.n_both = self.n_round = 0

    def round(self):
        """What is wrong after one fault, as texts."""
        self.n_round += 1
        kind = self.faults.next()
        clients = crowd.Crowd(Behind(self.district), self.members, refusals=True)
        rivals = Rivals(self.district, crowd.TEST["test"], f"rivals-{self.n_round}")
        time.sleep(0.2)
        try:
            kind(self.faults)
            healed = time.monotonic()
            until(lambda: clients.all_served(healed), why="somebody is not served after the fault")
            found = []
        except AssertionError as error:
            found = [str(error)]
        found += clients.leave() + rivals.leave()
        time.sleep(QUIET_S)
        found += self.audit.check(self.members) + self.check(rivals)
        n_told, n_both = rivals.counts()
        self.n_both += n_both
        self.n_answer += clients.n_answer + n_told
        self.table.add(kind, len(found), clients.n_answer + n_told, clients.longest_s)
        if self.is_told:
            print(f"{self.n_round:4} {kind.__name__.replace('_', ' '):24} {len(found)} violations, "
                  f"{clients.n_answer + n_told:,} acknowledged, longest pause "
                  f"{clients.longest_s:.1f} s", flush=True)
        if all(examinee.finished() for examinee in self.members):
            self.n_generation += 1
            self.members = crowd.examinees(N_SESSION, f"{self.n_generation}-")
        return [f"{kind.__name__}: {text}" for text in found]

    def check(self, rivals):
        """Every answer of the crowd and of the rivals against the record."""
        found = []
        with self.district.client(deadline=60.0) as client:
            for examinee in self.members:
                if not examinee.states:
                    continue
                found += audit.session(client, examinee.id, told(examinee))
            return found + rivals.audit(client)


def play(context, district, tally):
    it = Play(context, district)
    violations = []
    for _ in context.rounds(6):
        violations += it.round()
        tally.faults += 1
        tally.add([])
    gaps = district.primary.sql("SELECT session FROM event GROUP BY session "
                                "HAVING min(n) <> 0 OR max(n) + 1 <> count(*)")
    violations += [f"lost: {row[0]}: a gap in its events" for row in gaps]
    tally.violations += violations
    it.table.show()
    left_out = "" if district.disks else "; full disks are left out: only root mounts small ones"
    tally.note = (f"{it.n_answer:,} acknowledged answers against the record: "
                  f"{audit.counts(violations)}; {it.audit.n_pending} requests cut off, "
                  f"{it.n_both:,} questions answered twice at once{left_out}")


def run(context):
    tally = Tally()
    try:
        district = District(relays=True, disks=can_mount(), binary=context.binary("plain"),
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
