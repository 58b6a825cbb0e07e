# SPDX-License-Identifier: GPL-3.0-or-later
"""D1: a client that sends and never reads. The replies that wait for it are bounded, and everybody
else is served."""

import zmq

from thetad.client import pack
from torture import crowd
from torture.programme import Tally, rss_kib

PROPERTY = "a client that never reads harms nobody"
METHOD = "thousands of requests unread; memory bounded, others finish their tests"
SHARE = 0.04
N_SESSION, N_ITEM = 6, 10
N_REQUEST = {True: 20000, False: 60000}
HIGH_WATER = 4096  # replies that the daemon keeps for one peer
REPLY_BYTES = 2048
ROOM_KIB = 32 * 1024  # what else may grow, and what sanitizers take for it


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
        before = rss_kib(daemon.process.pid)
        deaf.connect(daemon.endpoint)
        clients = crowd.Crowd(daemon, members)
        n_sent = 0
        try:
            for n_sent in range(N_REQUEST[context.short]):
                deaf.send(pack({"v": 1, "id": n_sent, "op": "hello"}))
        except zmq.Again:
            pass  # the daemon reads no more of it: that is one way to bound it
        found = clients.join() + crowd.Audit(daemon).check(members)
        grown = rss_kib(daemon.process.pid) - before
        if grown > HIGH_WATER * REPLY_BYTES / 1024 + ROOM_KIB:
            found.append(f"memory grew by {grown} KiB after {n_sent} requests unread")
        if not all(examinee.finished() for examinee in members):
            found.append("not every session came to its end")
        daemon.stop()
    finally:
        deaf.close(0)
        daemon.close()
    return found, n_sent, grown


def run(context):
    tally = Tally()
    for i in context.rounds(1):
        found, n_sent, grown = one_round(context, i)
        tally.faults += n_sent
        tally.add(found)
    tally.note = f"memory grew by {grown:,} KiB"
    return tally
