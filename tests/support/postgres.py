# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server in a temporary folder, on a Unix socket there and a free loopback port, which
takes one user by password (SCRAM). Start it from the main thread: it ends with the thread that
started it.
"""

import contextlib
import glob
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from support.daemon import _die_with_parent, free_port
from support.disk import Disk

START_S = 60
USER = "thetad"  # the database's; the system's user is the one that runs the tests, or nobody's
PASSWORD = secrets.token_hex(16)  # of all servers, for a standby has its primary's


def until(what, seconds=START_S, why="it takes too long"):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        got = what()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(why)


def programs():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: path.split("/")[4])
    if not folders:
        raise unittest.SkipTest("PostgreSQL is not installed")
    return folders[-1]


def _as_other():
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise unittest.SkipTest("there is no user to run PostgreSQL as")


class Postgres:
    def __init__(self, settings=(), disk_mib=None):
        """`disk_mib`: on a disk of its own, of that size."""
        self.bin = programs()
        self.who = _as_other()
        self.folder = tempfile.mkdtemp(prefix="thetad-pg-")
        self.disk = Disk(self.folder, disk_mib) if disk_mib else None
        os.chmod(self.folder, 0o755)
        self.data = os.path.join(self.folder, "data")
        self.passfile = os.path.join(self.folder, "pgpass")
        self.port = free_port()
        self.process = None
        if self.who:
            os.chown(self.folder, self.who["user"], self.who["group"])
        self._secret("password", PASSWORD)
        self._secret("pgpass", f"*:*:*:{USER}:{PASSWORD}")
        self.run("initdb", "-D", self.data, "-U", USER, "-A", "scram-sha-256",
                 f"--pwfile={self.folder}/password", "-E", "UTF8", "--locale=C",
                 "--data-checksums", "--no-sync")
        self.set(f"port = {self.port}", "listen_addresses = '127.0.0.1'",
                 f"unix_socket_directories = '{self.folder}'", "max_connections = 50",
                 "shared_buffers = 32MB", *settings)

    def _secret(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(text + "\n")
        if self.who:
            os.chown(path, self.who["user"], self.who["group"])

    @property
    def url(self):
        return (f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres "
                f"passfile={self.passfile}")

    def set(self, *lines):
        """More lines of the configuration; they count from the next start on."""
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")

    def run(self, program, *arguments):
        done = subprocess.run([os.path.join(self.bin, program), *arguments], cwd=self.folder,
                              capture_output=True, text=True, check=False,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **self.who)
        if done.returncode:
            raise AssertionError(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        """As a child of ours, which ends with us."""
        log = os.path.join(self.folder, "log")
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                [os.path.join(self.bin, "postgres"), "-D", self.data], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=_die_with_parent,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **self.who)
        until(self.is_up, why=f"PostgreSQL does not start, see {log}")
        return self

    def is_up(self):
        with contextlib.suppress(AssertionError):
            return self.sql("SELECT 1") == [["1"]]
        return False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def sql(self, text):
        """Rows as lists of texts."""
        out = self.run("psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d",
                       self.url, "-c", text)
        return [line.split("\t") for line in out.splitlines()]

    def stop(self, mode="fast"):
        self.process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        self.process.wait(START_S)

    def restart(self):
        self.stop("immediate")
        self.start()

    def pid(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
            return int(file.readline())

    def _pids(self):
        """The server and the processes that it has."""
        pids = [self.pid()]
        with open(f"/proc/{pids[0]}/task/{pids[0]}/children", encoding="ascii") as file:
            return pids + [int(pid) for pid in file.read().split()]

    def freeze(self):
        os.kill(self.pid(), signal.SIGSTOP)  # first: from then on nobody comes, and the dead stay
        self.frozen = self._pids()
        for pid in self.frozen:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in reversed(self.frozen):
            os.kill(pid, signal.SIGCONT)

    def close(self):
        try:
            if self.running():
                self.stop("immediate")
        finally:
            self.remove()

    def remove(self):
        if self.disk:
            self.disk.close()
        shutil.rmtree(self.folder, ignore_errors=True)
