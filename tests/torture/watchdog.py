# SPDX-License-Identifier: GPL-3.0-or-later
"""The watchdog is fed while every thread does its work. That it is not where one is stuck is what
the planted faults show: systemd would then start the daemon anew."""

import contextlib
import socket
import time

from thetad import NoReply, ThetadError
from torture.programme import Tally, quiet_close

PROPERTY = "the watchdog is fed while all threads are alive"
METHOD = "work for both helpers and handshakes; every feed is awaited"
SHARE = 0.01
WATCHDOG_S = 4
WATCH_S = 10  # a stuck thread is found after 5 s, and then nothing comes


def work(daemon, options):
    """Something to do for every thread. One that is stuck gives no reply."""
    requests = (("irt.curve", {"items": [{"id": "x", "model": "2PL", "a": 1.385, "b": 0.271}],
                               "theta": [-0.618, 1.414]}),
                ("log.verify", {}))
    with daemon.tcp_client(timeout=1, tries=1, **options) as client:
        for op, fields in requests:
            with contextlib.suppress(NoReply, ThetadError):
                client.call(op, **fields)


def watch(notify):
    """Seconds until the watchdog would have bitten, None where it was fed all the time."""
    start = time.monotonic()
    end = start + WATCH_S
    notify.settimeout(WATCHDOG_S)
    while time.monotonic() < end:
        try:
            while "WATCHDOG=1" not in notify.recv(4096).decode():
                pass
        except TimeoutError:
            return time.monotonic() - start
    return None


def one_round(context):
    daemon = context.daemon(keys=True)
    options = daemon.keys.add("school", role="author admin")
    path = f"{daemon.folder}/notify"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            daemon.start({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(WATCHDOG_S * 1000000)})
            work(daemon, options)
            hungry = watch(notify)
        if hungry is not None:
            return [f"not fed for {WATCHDOG_S} s, {hungry:.1f} s after the work:\n" + daemon.log()]
        daemon.stop()
    finally:
        quiet_close(daemon)
    return []


def run(context):
    tally = Tally()
    for _ in context.rounds(1):
        tally.add(one_round(context))
    return tally
