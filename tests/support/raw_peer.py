# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers that do not speak as libzmq does: raw bytes at a TCP port, and a relay that records."""

import contextlib
import random
import socket
import threading

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"


def greeting(mechanism, version=b"\x03\x00", as_server=0):
    """The 64 bytes with which a peer of ZMTP 3 begins."""
    return SIGNATURE + version + mechanism.ljust(20, b"\0") + bytes([as_server]) + bytes(31)


def command(name, body):
    """A short command frame of ZMTP 3."""
    text = bytes([len(name)]) + name + body
    return b"\x04" + bytes([len(text)]) + text


def ready_as(routing_id):
    """READY with a routing id of the peer's own: also one that no socket option would take."""
    length = len(routing_id).to_bytes(4, "big")
    return command(b"READY", SOCKET_TYPE + b"\x08Identity" + length + routing_id)


def noise(n, seed=7):
    return random.Random(seed).randbytes(n)


SOCKET_TYPE = b"\x0bSocket-Type\0\0\0\x06DEALER"
READY = command(b"READY", SOCKET_TYPE)
HELLO = b"\x01\x00" + bytes(72) + noise(32) + bytes(8) + noise(80)  # version, padding, key, ...

# What comes at a port that is open to the world.
SHAPES = {
    "nothing": b"",
    "noise": noise(4096),
    "half a greeting": greeting(b"CURVE")[:31],
    "NULL": greeting(b"NULL") + READY + b"\x00\x05hello",
    "PLAIN": greeting(b"PLAIN") + command(b"HELLO", b"\x05admin\x05admin"),
    "another mechanism": greeting(b"KERBEROS") + noise(200),
    "ZMTP 1": b"\x01\x00" + b"\x06\x00hello" * 50,
    "ZMTP 2": SIGNATURE + b"\x01\x05\x00\x00" + b"\x00\x05hello" * 50,
    "HELLO of a wrong length": greeting(b"CURVE") + command(b"HELLO", HELLO[:100]),
    "HELLO with noise": greeting(b"CURVE") + command(b"HELLO", HELLO),
    "a frame without end": greeting(b"NULL") + READY + b"\x02" + b"\x7f" + b"\xff" * 7,
    "an endless command": greeting(b"CURVE") + b"\x06" + b"\x7f" + b"\xff" * 7 + noise(500),
    "HTTP": b"POST / HTTP/1.1\r\nHost: theta\r\nContent-Length: 99999\r\n\r\n{}",
    "early INITIATE": greeting(b"CURVE") + command(b"INITIATE", noise(240)),
}


class Raw:
    """One TCP connection."""

    def __init__(self, endpoint):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)

    def send(self, data):
        """False where the daemon has hung up."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)
            return True
        return False

    def receive(self):
        """What has come; b"" where the daemon has hung up."""
        with contextlib.suppress(OSError):
            return self.socket.recv(65536)
        return b""

    def close(self):
        self.socket.close()


class Relay(threading.Thread):
    """Passes one connection on to a daemon, and keeps what the client sent."""

    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.server = Raw(endpoint).socket
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.sent = b""
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        with client:
            back = threading.Thread(target=self.copy, args=(self.server, client), daemon=True)
            back.start()
            self.copy(client, self.server, record=True)

    def copy(self, source, target, record=False):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if record:
                    self.sent += data
                target.sendall(data)

    def close(self):
        for end in (self.listener, self.server):
            end.close()
