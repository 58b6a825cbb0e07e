# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP relay on loopback that can fail as a network does: stall one way or both, delay, reset,
refuse.

A stalled way holds what was sent until the way is open again, as TCP does, which sends again what a
network lost: requests that were given up long ago arrive then.
"""

import contextlib
import socket
import struct
import threading
import time

CHUNK = 65536
TO_SERVER, TO_CLIENT = "to_server", "to_client"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of 0 seconds


class FaultyRelay:
    """Relays to a server's port from `listen`, or a free one. Faults may change at any time."""

    def __init__(self, server_port, address="127.0.0.1", listen=("127.0.0.1", 0)):
        self.server = address, server_port
        self.delay_s = 0.0
        self._open_ways = {TO_SERVER: threading.Event(), TO_CLIENT: threading.Event()}
        for way in self._open_ways.values():
            way.set()
        self._lock = threading.Lock()
        self._ends = set()
        self._closed = False
        self._refusing = False
        self._listener = socket.create_server(listen, backlog=512)
        self.port = self._listener.getsockname()[1]
        self.endpoint = f"tcp://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self, *ways):
        """Let nothing through these ways (both, where none is named) until heal()."""
        for way in ways or (TO_SERVER, TO_CLIENT):
            self._open_ways[way].clear()

    def heal(self):
        self.delay_s = 0.0
        self._refusing = False
        for way in self._open_ways.values():
            way.set()

    def reset(self):
        """Break all connections, as a firewall does that has forgotten them."""
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._close(end)

    def refuse(self):
        """Break all connections and take no new one until heal()."""
        self._refusing = True
        self.reset()

    def close(self):
        self._closed = True
        self.heal()
        self._close(self._listener)
        self.reset()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _close(self, end):
        with self._lock:
            self._ends.discard(end)
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
        end.close()

    def _accept(self):
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        if self._refusing:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            client.close()
            return
        try:
            server = socket.create_connection(self.server, timeout=10)
        except OSError:
            client.close()
            return
        for end in (client, server):
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._ends |= {client, server}
        threading.Thread(target=self._copy, args=(server, client, TO_CLIENT), daemon=True).start()
        self._copy(client, server, TO_SERVER)

    def _copy(self, source, target, way):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._open_ways[way].wait()
                if self.delay_s:
                    time.sleep(self.delay_s)
                target.sendall(data)
        self._open_ways[way].wait()  # the end of a connection does not get through either
        self._close(source)
        self._close(target)
