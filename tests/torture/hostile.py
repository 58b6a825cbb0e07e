# SPDX-License-Identifier: GPL-3.0-or-later
"""C7: well-framed messages whose bodies are hostile: good requests with bytes changed, cut,
doubled, nested, with lengths that lie. After each burst a good client is served."""

import json
import struct
from pathlib import Path

import msgpack

from support.wire import Peer
from thetad.client import unpack
from torture import crowd
from torture.programme import Tally, rss_kib

PROPERTY = "a hostile body is refused and harms nobody"
METHOD = "mutated requests, lying lengths, nesting, at a daemon with ASan; a good client after"
SHARE = 0.05
BURST = 100
ROUNDS = {True: 8, False: 50}
ROOM_KIB = 64 * 1024
VECTORS = Path(__file__).resolve().parents[2] / "proto" / "vectors" / "vectors.json"
BOMBS = (b"\xdf\x01\x00\x00\x00", b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
         b"\x91" * 100000, b"\xc6\xff\xff\xff\xff", b"\xc1", b"",
         b"\x81\xa1v\xcb\x7f\xf8" + bytes(6))


def good_bodies():
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    bodies = [bytes.fromhex(v["hex"]) for v in vectors if v["kind"] == "request"]
    session = {"v": 1, "id": 1, "op": "session.answer", "session": "session-0", "seq": 1,
               "item": "q1", "response": 1}
    return bodies + [msgpack.packb(session)]


def mutate(random, body):
    data = bytearray(body)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        kind = random.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << random.randrange(8)
        elif kind == 1:
            data[at:at] = random.randbytes(random.randint(1, 9))
        elif kind == 2:
            del data[at:at + random.randint(1, 9)]
        elif kind == 3:
            data[at:at] = random.choice(BOMBS)[:64]
        elif kind == 4:
            data[at:at] = bytes([random.choice((0xdd, 0xdf, 0xdb, 0xc6))]) + struct.pack(
                ">I", random.choice((0, 1, 2**16, 2**31, 2**32 - 1)))
        else:
            data[at:at] = data[:at][-40:]
    return bytes(data)


def one_burst(context, daemon, bodies):
    found = []
    with Peer(daemon.endpoint) as peer:
        for i in range(BURST):
            body = (context.random.choice(BOMBS) if i % 10 == 0 else
                    mutate(context.random, context.random.choice(bodies)))
            peer.send(body)
        for _ in range(BURST):
            try:
                *_, reply = peer.receive_raw()
            except AssertionError:
                return [f"a hostile body has no reply; the daemon's exit code is "
                        f"{daemon.process.poll()}"]
            message = unpack(reply)
            if message is None or "ok" not in message:
                found.append(f"no reply of ours: {reply!r}")
    return found


def run(context):
    tally = Tally()
    daemon = context.daemon("asan")
    bodies = good_bodies()
    try:
        daemon.start()
        crowd.load(daemon, 5)
        before = rss_kib(daemon.process.pid)
        with daemon.client(timeout=5, tries=1) as client:
            good = crowd.Examinee(0, "good-")  # one at a time: many would be what memory is for
            for i in context.rounds(ROUNDS[True], ROUNDS[False]):
                found = one_burst(context, daemon, bodies)
                if not found:
                    good = crowd.Examinee(i, "good-") if good.finished() else good
                    good.step(client)
                tally.faults += BURST
                tally.add(found)
                if found:
                    break
        if not tally.violations:
            grown = rss_kib(daemon.process.pid) - before
            tally.note = f"memory grew by {grown:,} KiB"
            if grown > ROOM_KIB:
                tally.violations.append(f"memory grew by {grown} KiB")
            daemon.stop()
        else:
            tally.violations.append(daemon.log()[-3000:])
    finally:
        daemon.close()
    return tally
