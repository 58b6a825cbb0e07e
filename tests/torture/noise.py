# SPDX-License-Identifier: GPL-3.0-or-later
"""D5: the machine is busy with something else: processors, memory, disk. Nothing is lost, and the
watchdog is fed all the while, or systemd would kill a daemon that is only slow."""

import shutil
import socket
import subprocess
import threading
import time

from torture import crowd
from torture.programme import Tally, quiet_close

PROPERTY = "on a noisy host nothing is lost and the watchdog is fed"
METHOD = "stress-ng: processors, memory, disk, io; sessions taken meanwhile, audit"
SHARE = 0.03
N_MEMBER, N_ITEM = 8, 30
NOISE_S = {True: 3, False: 20}
WATCHDOG_S = {True: 30, False: 6}  # the unit has 30 s
NOISE = ("--cpu", "2", "--vm", "1", "--vm-bytes", "128M", "--hdd", "1", "--hdd-bytes", "64M",
         "--io", "2")


class Feeds(threading.Thread):
    """The longest time between two feeds of the watchdog."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.longest_s, self.n = 0.0, 0
        self.start()

    def run(self):
        last = None
        while True:
            text = self.socket.recv(4096).decode()
            if "WATCHDOG=1" in text:
                now = time.monotonic()
                self.longest_s = max(self.longest_s, now - last if last else 0.0)
                last = now
                self.n += 1
            if "STOPPING" in text:
                return


def one_round(context, i):
    daemon = context.daemon()
    members = crowd.examinees(N_MEMBER, f"{i}-")
    path = f"{daemon.folder}/notify"
    watchdog_s = WATCHDOG_S[context.short]
    try:
        feeds = Feeds(path)
        daemon.start({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(watchdog_s * 1000000)})
        crowd.load(daemon, N_ITEM)
        noise = subprocess.Popen(
            ["stress-ng", *NOISE, "--timeout", f"{NOISE_S[context.short]}s", "--temp-path",
             daemon.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            clients = crowd.Crowd(daemon, members)
            found = clients.join()
        finally:
            noise.wait()
        found += crowd.Audit(daemon).check(members)
        if not all(member.finished() for member in members):
            found.append("not every session came to its end")
        daemon.stop()
        feeds.join(10)
        if feeds.longest_s > watchdog_s:
            found.append(f"the watchdog was not fed for {feeds.longest_s:.1f} s")
    finally:
        quiet_close(daemon)
    return found, feeds.longest_s


def run(context):
    tally = Tally()
    if not shutil.which("stress-ng"):
        tally.skipped = "stress-ng is not installed"
        return tally
    longest_s = 0.0
    for i in context.rounds(1):
        found, longest = one_round(context, i)
        longest_s = max(longest_s, longest)
        tally.faults += 1
        tally.add(found)
    tally.note = (f"at most {longest_s:.1f} s between feeds, "
                  f"of the watchdog's {WATCHDOG_S[context.short]} s")
    return tally
