# SPDX-License-Identifier: GPL-3.0-or-later
"""D1: a client that sends and never reads. The replies that wait for it are bounded, everybody else
is served as before, and what was dropped is got again by the same request."""

import zmq

from support.daemon import state_of
from thetad.client import pack
from torture import crowd
from torture.overload import swarm
from torture.programme import Tally, rss_kib

PROPERTY = "a client that never reads harms nobody"
METHOD = "thousands of requests unread; memory bounded, others finish their tests"
SHARE = 0.04
N_SESSION, N_ITEM = 6, 10
N_REQUEST = {True: 20000, False: 60000}
OTHERS = {"rate": 500, "seconds": 1, "warm": 0.2, "students": 200, "connections": 20}
HIGH_WATER = 4096  # replies that the daemon keeps for one peer
REPLY_BYTES = 2048
ROOM_KIB = 32 * 1024  # what else may grow, and what sanitizers take for it


def flood(deaf, n):
    """Ask, and read nothing. How many requests were taken."""
    try:
        for i in range(n):
            deaf.send(pack({"v": 1, "id": i, "op": "hello"}))
    except zmq.Again:
        return i  # the daemon reads no more of it: that is one way to bound it
    return n


def dropped_and_asked_again(daemon, deaf):
    """An answer whose reply nobody has read, and then the same one by somebody else."""
    with daemon.client() as client:
        state = client.call("session.start", session="deaf", test=crowd.TEST["test"],
                            examinee="e", seed=7)
        fields = {"session": "deaf", "seq": state["seq"], "item": state["item"]["id"],
                  "response": 1}
        try:
            deaf.send(pack({"v": 1, "id": "last", "op": "session.answer", **fields}))
        except zmq.Again:
            pass
        first = state_of(client.call("session.answer", **fields))
        again = state_of(client.call("session.answer", **fields))
        now = state_of(client.call("session.get", session="deaf"))
    return [] if first == again == now else [f"{first} then {again} then {now}"]


def one_round(context, i):
    daemon = context.daemon()
    members = crowd.examinees(N_SESSION, f"{i}-")
    deaf = zmq.Context.instance().socket(zmq.DEALER)
    deaf.linger = 0
    deaf.rcvhwm = 1
    deaf.sndtimeo = 1000
    try:
        daemon.start()
        crowd.load(daemon, N_ITEM)
        quiet = swarm(context, daemon, prefix="quiet", **OTHERS)
        before = rss_kib(daemon.process.pid)
        deaf.connect(daemon.endpoint)
        clients = crowd.Crowd(daemon, members)
        n_sent = flood(deaf, N_REQUEST[context.short])
        found = clients.join() + crowd.Audit(daemon).check(members)
        loud = swarm(context, daemon, prefix="loud", **OTHERS)
        found += dropped_and_asked_again(daemon, deaf)
        grown = rss_kib(daemon.process.pid) - before
        if grown > HIGH_WATER * REPLY_BYTES / 1024 + ROOM_KIB:
            found.append(f"memory grew by {grown} KiB after {n_sent} requests unread")
        if not all(examinee.finished() for examinee in members):
            found.append("not every session came to its end")
        daemon.stop()
    finally:
        deaf.close(0)
        daemon.close()
    times = loud["accepted_us"]["p99"] / max(1, quiet["accepted_us"]["p99"])
    return found, n_sent, f"memory grew by {grown:,} KiB, p99 of the others {times:.1f} times"


def run(context):
    tally = Tally()
    for i in context.rounds(1):
        found, n_sent, tally.note = one_round(context, i)
        tally.faults += n_sent
        tally.add(found)
    return tally
