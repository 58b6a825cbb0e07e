# SPDX-License-Identifier: GPL-3.0-or-later
"""Many peers at once."""

import time

import msgpack
import zmq

from thetad.client import read_keys

WAIT_S = 120


class Crowd:
    """Peers that send without waiting for replies, and then collect them."""

    def __init__(self, endpoint, n, keys=None):
        self.context = zmq.Context()
        self.sockets = []
        self.poller = zmq.Poller()
        for _ in range(n):
            socket = self.context.socket(zmq.DEALER)
            socket.linger = 0
            socket.sndhwm = 0
            if keys:
                (socket.curve_serverkey, socket.curve_publickey,
                 socket.curve_secretkey) = read_keys(**keys)
            socket.connect(endpoint)
            self.sockets.append(socket)
            self.poller.register(socket, zmq.POLLIN)

    def close(self):
        self.context.destroy(linger=0)

    def send(self, requests):
        for i, request in enumerate(requests):
            self.sockets[i % len(self.sockets)].send(msgpack.packb({"v": 1, **request}))

    def collect(self, n):
        """The replies by id, until there are `n` or nothing more comes."""
        replies = {}
        deadline = time.monotonic() + WAIT_S
        while len(replies) < n and time.monotonic() < deadline:
            for socket, _ in self.poller.poll(1000):
                while socket.poll(0):
                    reply = msgpack.unpackb(socket.recv(), raw=False)
                    assert reply["id"] not in replies, f"two replies: {reply}"
                    replies[reply["id"]] = reply
        return replies

    def count(self, n, process):
        """How many replies come, up to `n`, while the daemon lives."""
        got = 0
        deadline = time.monotonic() + WAIT_S
        while got < n and time.monotonic() < deadline and process.poll() is None:
            for socket, _ in self.poller.poll(100):
                while socket.poll(0):
                    socket.recv()
                    got += 1
        return got
