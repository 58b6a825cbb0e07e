# SPDX-License-Identifier: GPL-3.0-or-later
"""C1: bytes at the TCP port that are no ZMTP, or nearly so. After each a good client is served, and
at the end memory and descriptors are where they were."""

import os
import socket
import statistics
import struct
import time

from torture import crowd
from torture.programme import Tally, rss_kib

PROPERTY = "garbage at the port stops nobody"
METHOD = "13 shapes of bytes at the TCP port; after each a good client is answered"
SHARE = 0.04
ROUNDS = {True: 10, False: 3847}  # 50,000 connections, where there is time for them
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00"
ROOM_KIB = {True: 24 * 1024, False: 10 * 1024}  # the sanitizer keeps what is freed for a while
BACK_S = 16  # the handshake's time, and a second


def greeting(mechanism, version=b"\x03\x00"):
    return b"\xff" + bytes(8) + b"\x7f" + version + mechanism.ljust(20, b"\0") + bytes(32)


def command(name, data):
    body = bytes([len(name)]) + name + data
    return b"\x04" + bytes([len(body)]) + body


SHAPES = {
    "random": lambda random: random.randbytes(random.randint(1, 4096)),
    "nothing": lambda random: b"",
    "half a greeting": lambda random: GREETING[:random.randint(1, 11)],
    "a whole greeting": lambda random: greeting(b"NULL"),
    "PLAIN": lambda random: greeting(b"PLAIN") + command(b"HELLO", b"\x01a\x01b"),
    "CURVE, short hello": lambda random: greeting(b"CURVE") + command(b"HELLO", bytes(10)),
    "CURVE, noise": lambda random: greeting(b"CURVE") + command(b"HELLO", random.randbytes(194)),
    "no such mechanism": lambda random: greeting(b"MAGIC") + random.randbytes(100),
    "version 1": lambda random: b"\x01\x00" + random.randbytes(20),
    "version 2": lambda random: greeting(b"NULL", b"\x01\x05"),
    "a frame of 2^63": lambda random: greeting(b"NULL") + command(
        b"READY", b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER") + b"\x02"
        + struct.pack(">Q", 2**63 - 1) + b"x",
    "HTTP": lambda random: b"POST / HTTP/1.1\r\nHost: x\r\n\r\n{}",
    "ready, then noise": lambda random: greeting(b"NULL") + command(
        b"READY", b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER") + random.randbytes(500),
}


def throw(port, data, how):
    """Send it whole, byte by byte, or without an end; then hang up, or stay for a moment."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=5)
    try:
        if how == "slowly":
            for i in range(min(len(data), 20)):
                peer.sendall(data[i:i + 1])
        else:
            peer.sendall(data)
    except OSError:
        pass  # it was cut off, which is right
    if how != "stay":
        peer.close()
    return peer


def n_open(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def come_back(daemon, n):
    """Whether there are so many descriptors again, or fewer, in time."""
    end = time.monotonic() + BACK_S
    while n_open(daemon.process.pid) > n and time.monotonic() < end:
        time.sleep(0.05)
    return n_open(daemon.process.pid) <= n


def ping_ms(good):
    """How long the good client waits, and whether it is served."""
    start = time.monotonic()
    served = good.ping().get("ok") is True
    return (time.monotonic() - start) * 1000, served


def one_round(context, daemon, good, left, times, quiet):
    """Every shape once, and before each a moment without one: what else is done on this machine is
    then in both. What stays open goes into `left`. What was found."""
    port = int(daemon.tcp_endpoint.rsplit(":", 1)[1])
    found = []
    for name, shape in SHAPES.items():
        how = context.random.choice(("at once", "slowly", "stay"))
        quiet.append(ping_ms(good)[0])
        left.append(throw(port, shape(context.random), how))
        ms, served = ping_ms(good)
        times.append(ms)
        if not served:
            found.append(f"{name} {how}: the good client is not served")
    while len(left) > 100:
        left.pop(0).close()
    return found


def p99(times):
    return statistics.quantiles(times, n=100)[98]


def run(context):
    tally = Tally()
    daemon = context.daemon("asan" if context.short else "plain", tcp_roles="frontend")
    left, times, quiet = [], [], []
    try:
        daemon.start()
        crowd.load(daemon, 5)
        with daemon.tcp_client(timeout=5, tries=1) as good:
            good.ping()
            before, open_before = rss_kib(daemon.process.pid), n_open(daemon.process.pid)
            for i in context.rounds(ROUNDS[True]):
                if i == ROUNDS[context.short]:
                    break
                tally.add(one_round(context, daemon, good, left, times, quiet))
                tally.faults += len(SHAPES)
            for peer in left:
                peer.close()
            if not come_back(daemon, open_before):
                tally.violations.append(f"{n_open(daemon.process.pid)} descriptors, "
                                        f"not {open_before}")
        grown = rss_kib(daemon.process.pid) - before
        if grown > ROOM_KIB[context.short]:
            tally.violations.append(f"memory grew by {grown} KiB")
        tally.note = (f"memory grew by {grown:,} KiB; the good client's p99 {p99(times):.2f} ms, "
                      f"{p99(quiet):.2f} between: {p99(times) / p99(quiet):.1f} times")
        daemon.stop()
    finally:
        for peer in left:
            peer.close()
        daemon.close()
    return tally
