# SPDX-License-Identifier: GPL-3.0-or-later
"""C2, C4, C5: who has no key, a wrong one or one that is no more gets no request in; who has one
gets no further than its role and tenant; and a request that was recorded says nothing again."""

import contextlib
import os
import re
import socket
import struct

import msgpack
import zmq

from support.daemon import state_of
from support.raw_peer import Raw, Relay, greeting
from thetad import Client, NoReply, ThetadError
from thetad.client import pack, read_keys
from torture import crowd
from torture.garbage import command
from torture.programme import Tally

PROPERTY = "no key, no entry; a key opens what is its own"
METHOD = "wrong, unknown, revoked keys; recorded bytes; ids of others; requests again"
SHARE = 0.05
N_TRY = {True: 60, False: 1000}  # of each kind of peer without a key of its own, by round
AT_ONCE = 50
SILENCE_MS = 400
N_ITEM = 6
LINES = 40  # in the log, of refusals: one by kind and key each minute


class Door:
    """A daemon with keys, and how many requests have come through to it."""

    def __init__(self, context):
        self.daemon = context.daemon(keys=True)
        keys = self.daemon.keys
        self.good = keys.add("good", tenant="local", requests_per_second=100000)
        self.other = keys.add("other", tenant="local", requests_per_second=100000)
        self.foreign = keys.add("foreign", tenant="elsewhere", requests_per_second=100000)
        self.gone = keys.add("gone", tenant="local")
        self.stranger = keys.stranger("stranger")
        self.wrong = {**self.good, "server_key": zmq.curve_keypair()[0].decode()}

    def n_request(self):
        """All that a handler has seen, without this one."""
        with self.daemon.client() as client:
            return client.stats()["counters"]["requests"]

    def client(self, options):
        return self.daemon.tcp_client(timeout=5, tries=1, **options)


def knock(context, door, keys, n):
    """Connect n times and ask each time. How many replies came."""
    n_reply = 0
    while n > 0:
        peers = []
        for _ in range(min(n, AT_ONCE)):
            peer = context.socket(zmq.DEALER)
            peer.linger = 0
            if keys:
                peer.curve_serverkey, peer.curve_publickey, peer.curve_secretkey = keys
            peer.connect(door.daemon.tcp_endpoint)
            with contextlib.suppress(zmq.Again):  # who is refused already has nowhere to send
                peer.send(pack({"v": 1, "id": 1, "op": "ping"}), zmq.DONTWAIT)
            peers.append(peer)
        poller = zmq.Poller()
        for peer in peers:
            poller.register(peer, zmq.POLLIN)
        n_reply += len(poller.poll(SILENCE_MS))
        for peer in peers:
            peer.close()
        n -= len(peers)
    return n_reply


def replay(door, n):
    """A connection of a good client, recorded, is sent again byte for byte."""
    relay = Relay(door.daemon.tcp_endpoint)
    try:
        with Client(relay.endpoint, timeout=5, tries=1, **door.good) as client:
            client.call("session.start", session="recorded", test="torture", examinee="e")
    finally:
        relay.close()
    for _ in range(n):
        peer = Raw(door.daemon.tcp_endpoint)
        peer.send(relay.sent)
        peer.close()


def outside(context, door):
    """Peers that must not come in. What was found, and how many tries there were."""
    n = N_TRY[context.short]
    found = []
    with contextlib.suppress(FileNotFoundError):  # of an earlier round
        door.daemon.keys.remove("gone")
    door.daemon.reload()
    replay(door, 1)
    before = door.n_request()
    zmq_context = zmq.Context()
    kinds = {"an unknown key": door.stranger, "a revoked key": door.gone,
             "a wrong server key": door.wrong, "no key": None}
    for name, options in kinds.items():
        got = knock(zmq_context, door, options and read_keys(**options), n)
        if got:
            found.append(f"{got} replies to {name}")
    replay_from = door.n_request()
    replay(door, n)
    n_through = door.n_request() - replay_from - 2  # its own start, and this count
    zmq_context.destroy(linger=0)
    if n_through or replay_from - before != 1:
        found.append(f"{n_through} recorded requests came in, "
                     f"and {replay_from - before - 1} others")
    lines = re.findall("connection refused|handshake failed", door.daemon.log())
    if len(lines) > LINES or not lines:
        found.append(f"{len(lines)} lines of the log tell of it")
    return found, 5 * n


def squat(door):
    """Ids that a client sets itself, of all lengths: two peers that set the same have each its own
    reply. And one of 16 KiB, which ZMTP does not have."""
    found = []
    for routing_id in (b"me", b"\1" * 5, b"\0" * 5, os.urandom(254), b"x" * 255):
        peers = [zmq.Context.instance().socket(zmq.DEALER) for _ in range(2)]
        for i, peer in enumerate(peers):
            peer.linger = 0
            peer.routing_id = routing_id
            peer.curve_serverkey, peer.curve_publickey, peer.curve_secretkey = read_keys(
                **door.good)
            peer.connect(door.daemon.tcp_endpoint)
            peer.send(pack({"v": 1, "id": i, "op": "ping"}))
        for i, peer in enumerate(peers):
            if not peer.poll(5000) or msgpack.unpackb(peer.recv())["id"] != i:
                found.append(f"a routing id of {len(routing_id)} bytes is another's")
            peer.close()
    port = int(door.daemon.tcp_endpoint.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(greeting(b"CURVE") + b"\x06" + struct.pack(">Q", 16384) + bytes(16384))
            peer.sendall(command(b"READY", b"\x08Identity" + struct.pack(">I", 200) + bytes(200)))
    with door.client(door.good) as client:
        client.ping()
    return found


def code_of(client, fields):
    try:
        client.call(**fields)
        return "ok"
    except ThetadError as error:
        return error.code


def again(context, door, i):
    """Every request of a session once more, by its own key, by others, and after its end."""
    examinee = crowd.Examinee(i, "again-")
    found, n = [], 0
    with door.client(door.good) as own, door.client(door.other) as other, \
            door.client(door.foreign) as foreign:
        while not examinee.finished():
            examinee.step(own)
            last, fields = examinee.states[-1], examinee.done[-1]
            for client in (own, other):  # keys of one tenant are one school's
                n += 1
                if state_of(client.call(**fields)) != last:
                    found.append(f"{fields} again has another reply")
            n += 2
            if fields["op"] != "session.start" and code_of(foreign, fields) != "unknown_session":
                found.append(f"another tenant's key is heard: {fields}")
            elsewhere = {**fields, "session": "none-such"}
            if fields["op"] != "session.start" and code_of(own, elsewhere) != "unknown_session":
                found.append(f"a session that there is not is answered: {fields}")
        for fields in examinee.done[1:-1]:
            n += 1
            if code_of(own, fields) not in ("stale_seq", "finished", "conflict"):
                found.append(f"after the end: {fields} is {code_of(own, fields)}")
        now = state_of(own.call("session.get", session=examinee.id))
    if now != examinee.states[-1]:
        found.append(f"{examinee.states[-1]} has become {now}")
    return found, n


def revoked_later(door):
    """A key that is taken away while its connection stands is refused from then on."""
    options = door.daemon.keys.add("late", tenant="local")
    door.daemon.reload()
    with door.client(options) as client:
        client.ping()
        door.daemon.keys.remove("late")
        door.daemon.reload()
        code = code_of(client, {"op": "ping"})
    return [] if code == "forbidden" else [f"a key that was taken away is {code}"]


def is_closed(door):
    """Of a handler that is broken on purpose: whether nobody at all gets in."""
    zmq_context = zmq.Context()
    got = sum(knock(zmq_context, door, read_keys(**options), 20)
              for options in (door.good, door.stranger, door.gone))
    zmq_context.destroy(linger=0)
    return [] if got else ["closed to all"]


def run(context):
    tally = Tally()
    door = Door(context)
    try:
        door.daemon.start()
        if (context.planted or "").startswith("ZAP"):
            tally.add(is_closed(door))
            return tally
        crowd.load(door.daemon, N_ITEM)
        for i in context.rounds(1, 2):
            found, n_out = outside(context, door) if i == 0 or not context.short else ([], 0)
            more, n_again = again(context, door, i)
            found += more + squat(door) + revoked_later(door)
            tally.faults += n_out + n_again
            tally.add(found)
        door.daemon.stop()
    except NoReply as error:
        tally.violations.append(f"a good client has no reply: {error}")
    finally:
        with contextlib.suppress(AssertionError):
            door.daemon.close()
    return tally
