# SPDX-License-Identifier: GPL-3.0-or-later
"""D2, D3, D4: ten thousand peers that say nothing, ten thousand with keys that take tests, and more
than there are descriptors for. Who is connected is served all the while."""

import multiprocessing
import os
import resource
import socket
import statistics
import time

import zmq

from thetad.client import pack, read_keys, unpack
from torture import crowd
from torture.programme import Tally, quiet_close, rss_kib, wait_for

PROPERTY = "thousands of connections, or none left: the others are served"
METHOD = "idle raw sockets; CURVE clients in two processes; RLIMIT_NOFILE of 200"
SHARE = 0.05
N_IDLE = {True: 400, False: 10000}
N_KEYED = {True: 60, False: 10000}
N_ITEM = 20
RATE = {True: 100, False: 2000}  # answers by the second, of all keyed clients
ANSWER_S = {True: 1, False: 5}
HANDSHAKE_S = 15
SOON_S = 30
RSS_KIB = 512 * 1024
FEW, N_OVER = 200, 400


def more_descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def percentile(times, q):
    return statistics.quantiles(times, n=100)[q - 1] if len(times) > 1 else float("nan")


def raw_sockets(daemon, n):
    port = int(daemon.tcp_endpoint.rsplit(":", 1)[1])
    return [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(n)]


def idle(context, found):
    """Peers that never say anything are there for a while, and then no more."""
    n = N_IDLE[context.short]
    daemon = context.daemon(keys=True, settings=(f"[limits] connections = {n + 100}",))
    options = daemon.keys.add("good")
    peers = []
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM)
        before, rss = daemon.n_descriptor(), rss_kib(daemon.process.pid)
        peers = raw_sockets(daemon, n)
        wait_for(lambda: daemon.n_descriptor() >= before + n - 8, SOON_S)
        start = time.monotonic()
        with daemon.tcp_client(timeout=SOON_S, **options) as client:
            client.ping()
        served_ms = (time.monotonic() - start) * 1000
        grown = rss_kib(daemon.process.pid) - rss
        if not wait_for(lambda: daemon.n_descriptor() <= before + 4, HANDSHAKE_S + SOON_S):
            found.append(f"{daemon.n_descriptor() - before} idle peers are still there")
        daemon.stop()
    finally:
        for peer in peers:
            peer.close()
        quiet_close(daemon)
    return f"{n:,} idle: {served_ms:.0f} ms to serve another one, {grown:,} KiB"


class Pupil:
    """One client with a key, of one test."""

    def __init__(self, context, endpoint, keys, name):
        self.name, self.state, self.sent = name, None, 0.0
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        (self.socket.curve_serverkey, self.socket.curve_publickey,
         self.socket.curve_secretkey) = keys
        self.socket.connect(endpoint)

    def ask(self):
        fields = {"v": 1, "id": 1, "session": self.name}
        if self.state is None or "item" not in self.state:
            fields |= {"op": "session.start", "test": "torture", "examinee": "e"}
        else:
            fields |= {"op": "session.answer", "seq": self.state["seq"],
                       "item": self.state["item"]["id"], "response": 1}
        self.sent = time.monotonic()
        self.socket.send(pack(fields))

    def take(self):
        self.state = unpack(self.socket.recv())
        return (time.monotonic() - self.sent) * 1000 if self.state.get("ok") else None


class School:
    """The clients of one process."""

    def __init__(self, endpoint, options, names):
        more_descriptors()
        self.context = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, len(names) + 16)
        keys = read_keys(**options)
        self.pupils = [Pupil(self.context, endpoint, keys, name) for name in names]
        self.open = set()  # those that wait for a reply
        self.times, self.n_bad = [], 0

    def ask(self, pupil):
        pupil.ask()
        self.open.add(pupil)

    def collect(self):
        """Look at those only that wait for a reply: zmq_poll would look at all."""
        come = [pupil for pupil in self.open if pupil.socket.events & zmq.POLLIN]
        for pupil in come:
            took = pupil.take()
            self.n_bad += took is None
            self.times.append(took or 0)
        self.open.difference_update(come)
        time.sleep(0.0005)

    def wait(self, seconds):
        """How many still have no reply after so long."""
        end = time.monotonic() + seconds
        while self.open and time.monotonic() < end:
            self.collect()
        return len(self.open)

    def begin(self, seconds):
        """Everybody's session. How many have not begun after so long."""
        for pupil in self.pupils:
            self.ask(pupil)
        return self.wait(seconds)

    def answer(self, rate, seconds):
        """Answers by the clock, of one after the other. How many replies are missing. Handshakes
        are over: what is measured is what many connections cost."""
        self.times = []
        start, n_asked = time.monotonic(), 0
        while (now := time.monotonic() - start) < seconds:
            while n_asked < now * rate and n_asked < len(self.pupils) * (N_ITEM - 1):
                pupil = self.pupils[n_asked % len(self.pupils)]
                if pupil not in self.open:
                    self.ask(pupil)
                n_asked += 1
            self.collect()
        return self.wait(SOON_S)


def attend(pipe, endpoint, options, names, rate, seconds):
    school = School(endpoint, options, names)
    start = time.monotonic()
    silent = school.begin(4 * SOON_S)
    pipe.send((silent, time.monotonic() - start))
    pipe.recv()
    silent = school.answer(rate, seconds)
    pipe.send((silent, school.n_bad, school.times))
    school.context.destroy(linger=0)


def keyed(context, found):
    """All with a key of CURVE, in two processes."""
    n = N_KEYED[context.short]
    daemon = context.daemon(keys=True, settings=(f"[limits] connections = {n + 100}",))
    options = daemon.keys.add("school", tenant="local", requests_per_second=1000000,
                              sessions_per_hour=1000000, sessions_per_day=1000000,
                              items_per_day=100000000)
    fork = multiprocessing.get_context("spawn")
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM, reveal=False)
        names = [f"pupil-{i}" for i in range(n)]
        pipes, schools = [], []
        for i in range(2):
            ours, theirs = fork.Pipe()
            schools.append(fork.Process(target=attend, daemon=True, args=(
                theirs, daemon.tcp_endpoint, options, names[i::2], RATE[context.short] / 2,
                ANSWER_S[context.short])))
            schools[-1].start()
            pipes.append(ours)
        begun = [pipe.recv() for pipe in pipes]
        rss = rss_kib(daemon.process.pid)
        for pipe in pipes:
            pipe.send("answer")
        answered = [pipe.recv() for pipe in pipes]
        for school in schools:
            school.join()
        daemon.stop()
    finally:
        quiet_close(daemon)
    silent = sum(part[0] for part in begun + answered)
    bad = sum(part[1] for part in answered)
    times = [t for part in answered for t in part[2]]
    if silent or bad:
        found.append(f"{silent} requests with keys have no reply, {bad} are refused")
    if not context.short and rss > RSS_KIB:
        found.append(f"{rss} KiB for {n} clients with keys")
    p50, p99 = (percentile(times, q) for q in (50, 99))
    return (f"{n:,} with keys: all in after {max(part[1] for part in begun):.0f} s, {rss:,} KiB; "
            f"then {RATE[context.short]:,} answers a second, p50 {p50:.1f}, p99 {p99:.1f} ms")


def exhausted(context, found):
    """No descriptor is left for who comes, for a while."""
    daemon = context.daemon(tcp_roles="frontend", settings=("[limits] connections = 100",))
    members = crowd.examinees(8)
    peers = []
    try:
        daemon.start(descriptors=FEW)
        crowd.load(daemon, N_ITEM)
        clients = crowd.Crowd(daemon, members, n_thread=4)
        clients.wait(10, SOON_S)
        peers = raw_sockets(daemon, N_OVER)
        time.sleep(1)
        if daemon.process.poll() is not None:
            found.append(f"it ended with {daemon.process.poll()} for want of descriptors")
        for peer in peers:
            peer.close()
        start = time.monotonic()
        with daemon.tcp_client(timeout=SOON_S, tries=1) as client:
            client.ping()
        recovered_s = time.monotonic() - start
        found += clients.join() + crowd.Audit(daemon).check(members)
        daemon.stop()
    finally:
        for peer in peers:
            peer.close()
        quiet_close(daemon)
    return f"{FEW} descriptors for {N_OVER} peers: served {recovered_s:.1f} s after they left"


def run(context):
    more_descriptors()
    tally = Tally()
    notes = []
    for part, n in ((idle, N_IDLE), (keyed, N_KEYED), (exhausted, {context.short: N_OVER})):
        found = []
        notes.append(part(context, found))
        tally.faults += n[context.short]
        tally.add(found)
    tally.note = "; ".join(notes)
    return tally
