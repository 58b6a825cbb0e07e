# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw messages, for what the client would never send."""

import msgpack
import zmq

REPLY_TIMEOUT_MS = 60000


class Peer:
    """A DEALER or REQ socket that sends frames as they are and decodes the reply."""

    def __init__(self, endpoint, kind=zmq.DEALER, routing_id=None):
        self.socket = zmq.Context.instance().socket(kind)
        if routing_id is not None:
            self.socket.routing_id = routing_id
        self.socket.linger = 0
        self.socket.immediate = 1
        self.socket.sndtimeo = REPLY_TIMEOUT_MS
        self.socket.connect(endpoint)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()

    def send(self, *frames):
        self.socket.send_multipart(frames)

    def receive_raw(self):
        """The frames of the next reply; AssertionError where none comes."""
        if not self.socket.poll(REPLY_TIMEOUT_MS):
            raise AssertionError("no reply")
        return self.socket.recv_multipart()

    def receive(self):
        """(envelope, reply map) of the next reply."""
        *envelope, body = self.receive_raw()
        return envelope, msgpack.unpackb(body, raw=False)

    def silent(self, for_ms):
        return not self.socket.poll(for_ms)

    def exchange(self, *frames):
        self.send(*frames)
        return self.receive()
