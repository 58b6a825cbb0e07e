# SPDX-License-Identifier: GPL-3.0-or-later
"""The real daemon in a temporary folder: start it, kill it, start it again, read its log.

The program is the one that THETAD_BIN names. It binds ipc in the folder and, where a test asks
for it, TCP on a free loopback port. Each stop checks the exit code and that no sanitizer spoke.
"""

import contextlib
import ctypes
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from support.keys import Keys
from thetad import Client, NoReply, ThetadError

READY_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30
PR_SET_PDEATHSIG = 1
SANITIZER_SPOKE = re.compile(
    r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|runtime error:")
_libc = ctypes.CDLL(None)


def program():
    path = os.environ.get("THETAD_BIN")
    if not path:
        raise unittest.SkipTest("THETAD_BIN does not name the daemon")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Daemon:
    def __init__(self, tcp_roles=None, log_level="info", map_mib=256, idle_s=3600, keys=False,
                 settings=(), binary=None, environment=None):
        """`keys`: TCP takes peers with keys only, those of self.keys. `settings`: more lines of
        the configuration, each with its section: "[limits] queued = 5"."""
        self.folder = tempfile.mkdtemp(prefix="thetad-")
        self.endpoint = f"ipc://{self.folder}/thetad.sock"
        has_tcp = tcp_roles or keys
        self.tcp_endpoint = f"tcp://127.0.0.1:{free_port()}" if has_tcp else None
        self.tcp_roles = tcp_roles
        self.keys = Keys(self.folder) if keys else None
        self.settings = settings
        self.map_mib = map_mib
        self.idle_s = idle_s
        self.config_path = os.path.join(self.folder, "thetad.conf")
        self.log_path = os.path.join(self.folder, "log")
        self.binary = binary  # None: THETAD_BIN
        self.environment = environment or {}  # of every start
        self.process = None
        os.mkdir(os.path.join(self.folder, "data"))
        self.write_config(log_level)

    def write_config(self, log_level):
        lines = ["[thetad]", f"data_dir = {self.folder}/data", f"log_level = {log_level}",
                 "[ipc]", f"endpoint = {self.endpoint}", "[store]",
                 f"map_size_mib = {self.map_mib}", "[sessions]", f"idle_s = {self.idle_s}"]
        # An empty endpoint is off; without a line the daemon would take its usual port.
        lines += ["[tcp]", f"endpoint = {self.tcp_endpoint or ''}"]
        if self.tcp_roles:
            lines.append(f"roles = {self.tcp_roles}")
        if self.keys:
            lines += ["[access]", f"server_key = {self.keys.server_file}",
                      f"keys = {self.keys.public_folder}"]
        for setting in self.settings:
            lines += setting.split(" ", 1)
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def spawn(self, environment=None, descriptors=None, options=()):
        """Start the process and do not wait for it to serve. `descriptors`: how many it gets;
        `options`: of the command line."""
        def prepare():
            _die_with_parent()
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary or program(), "--config", self.config_path, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.environment, **(environment or {})},
                preexec_fn=prepare)

    def start(self, environment=None, descriptors=None):
        self.spawn(environment, descriptors)
        self.wait_ready()
        return self

    def wait_ready(self):
        deadline = time.monotonic() + READY_TIMEOUT_S
        with self.client(timeout=0.2, tries=1) as client:
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    break
                with contextlib.suppress(NoReply, ThetadError):
                    client.ping()
                    return
        raise AssertionError(f"thetad does not serve, exit code {self.process.poll()}:\n"
                             + self.log())

    def client(self, **options):
        return Client(self.endpoint, **options)

    def tcp_client(self, **options):
        return Client(self.tcp_endpoint, **options)

    def reload(self):
        """SIGHUP, and the wait until the log says that it was taken: the keys, where there are any,
        come when all their files have been read."""
        said = re.compile(r"keys (not )?read" if self.keys else r"configuration re(loaded|fused)")
        before = len(said.findall(self.log()))
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while len(said.findall(self.log())) == before:
            if time.monotonic() > deadline:
                raise AssertionError("thetad did not take SIGHUP:\n" + self.log())
            time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM, and everything that must hold of an orderly end."""
        self.process.send_signal(signal.SIGTERM)
        self.wait_stopped()

    def wait_stopped(self):
        try:
            code = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("thetad did not stop on SIGTERM:\n" + self.log()) from None
        self.check_log()
        if code != 0:
            raise AssertionError(f"thetad ended with {code}:\n" + self.log())

    def restart(self):
        self.stop()
        self.start()

    def rss_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def n_descriptor(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def check_log(self):
        log = self.log()
        if SANITIZER_SPOKE.search(log):
            raise AssertionError("a sanitizer spoke:\n" + log)

    def close(self):
        """The end of a test: an orderly stop where it still runs, and the folder is gone."""
        try:
            if self.process and self.process.poll() is None:
                self.stop()
            elif self.process:
                self.check_log()
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            self.process = None
            shutil.rmtree(self.folder, ignore_errors=True)


class DaemonTestCase(unittest.TestCase):
    """One daemon and one ipc client for all tests of a class."""

    TCP_ROLES = None

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(tcp_roles=cls.TCP_ROLES)
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.start()
        cls.client = cls.daemon.client()
        cls.addClassCleanup(cls.client.close)

    def refused(self, code, op, client=None, **fields):
        """Call, expect one of the codes in `code` (a text or several), return the error."""
        codes = (code,) if isinstance(code, str) else code
        with self.assertRaises(ThetadError) as caught:
            (client or self.client).call(op, **fields)
        self.assertIn(caught.exception.code, codes, f"{op} {fields}: {caught.exception}")
        return caught.exception


def state_of(reply):
    """The state in a reply, without what belongs to the message."""
    return {key: value for key, value in reply.items() if key not in ("v", "id", "ok")}
