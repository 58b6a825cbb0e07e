# SPDX-License-Identifier: GPL-3.0-or-later
"""A district on loopback: PostgreSQL with a synchronous standby, nodes over it, HAProxy before them
with the configuration of systemd/district, and faults of every kind.

With `relays` the ways from balancer to node and from node to database go through relays, which can
stall, delay and reset them. Start everything from the main thread: processes end with the thread
that started them.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, _die_with_parent, free_port
from support.disk import Disk
from support.postgres import USER, Postgres, until
from support.relay import FaultyRelay
from thetad import Client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HAPROXY_CONFIG = os.path.join(ROOT, "systemd", "district", "haproxy.cfg")
POSTGRES_CONFIG = os.path.join(ROOT, "systemd", "district", "postgresql.conf")
KEEP = ("wal_level", "max_wal_senders", "hot_standby", "synchronous_commit", "fsync",
        "full_page_writes", "synchronous_standby_names", "wal_receiver_timeout",
        "wal_sender_timeout", "wal_retrieve_retry_interval", "tcp_keepalives_idle",
        "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout",
        "client_connection_check_interval")
RESERVE_MIB = 8
NODE_DISK_MIB, SERVER_DISK_MIB = 48, 512
WAL_MIB = 128  # what is kept of the log, for its disk may be small


def postgres_settings():
    """What the example says about durability and failover; sizes are for larger machines."""
    with open(POSTGRES_CONFIG, encoding="utf-8") as file:
        lines = file.read().splitlines()
    return [line for line in lines if line.split(" ", 1)[0] in KEEP]


class Server(Postgres):
    """A database server that can be primary or standby."""

    def __init__(self, name, disk_mib=None):
        self.name = name
        self.frozen = []
        super().__init__(settings=(*postgres_settings(), f"cluster_name = '{name}'",
                                   "max_connections = 50", f"wal_keep_size = {WAL_MIB}MB",
                                   f"max_wal_size = {WAL_MIB}MB",
                                   "synchronous_standby_names = ''"), disk_mib=disk_mib)

    def kill(self):
        """kill -9 of all its processes at once, as when the machine goes."""
        self.freeze()
        for pid in self.frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.frozen = []
        self.process.wait()

    def freeze(self):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            super().freeze()

    def thaw(self):
        for pid in self.frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.frozen = []

    def require(self, names):
        """From now on a commit is done when one of these servers has it too; '' is none."""
        value = f"ANY 1 ({names})" if names else ""
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{value}'")
        self.sql("SELECT pg_reload_conf()")

    def follow(self, primary):
        """Become a new standby of `primary`."""
        if self.running():
            self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        self.run("pg_basebackup", "-D", self.data, "-R", "-d", primary.url, "-c", "fast")
        self.set(f"port = {self.port}", f"unix_socket_directories = '{self.folder}'",
                 f"cluster_name = '{self.name}'")
        self.start()
        until(lambda: ["streaming"] in primary.sql(
            f"SELECT state FROM pg_stat_replication WHERE application_name = '{self.name}'"),
              why=f"{self.name} does not follow")

    def promote(self):
        """The standby takes writes. Nobody stands behind it until another follows it."""
        self.run("pg_ctl", "-D", self.data, "-w", "promote")
        self.require("")

    def close(self):
        self.thaw()
        if self.running():
            self.kill()
        self.remove()


class Balancer:
    """HAProxy with systemd/district/haproxy.cfg, its addresses and ports replaced."""

    def __init__(self, addresses, port, metrics_port):
        """`addresses` of the nodes, all of which listen at the same two ports."""
        program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            raise unittest.SkipTest("HAProxy is not installed")
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="thetad-lb-")
        self.endpoint = f"tcp://127.0.0.1:{free_port()}"
        self.socket_path = os.path.join(self.folder, "admin.sock")
        self.config_path = os.path.join(self.folder, "haproxy.cfg")
        self.process = None
        with open(HAPROXY_CONFIG, encoding="utf-8") as file:
            text = file.read()
        servers = "".join(f"    server n{i} {address}:{port} check\n"
                          for i, address in enumerate(addresses, 1))
        for what, new in ((r"^    (log|chroot|user|group) .*\n", ""),
                          (r"/run/haproxy/admin\.sock", self.socket_path),
                          (r"bind :7350", "bind " + self.endpoint.removeprefix("tcp://")),
                          (r"port 9735", f"port {metrics_port}"), (r"maxconn \d+", "maxconn 2000"),
                          (r"(^    server .*\n)+", servers)):
            text, n = re.subn(what, new, text, flags=re.M)
            if not n:
                raise AssertionError(f"{HAPROXY_CONFIG} has no {what}")
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-db", "-f", self.config_path], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, preexec_fn=_die_with_parent)
        until(lambda: os.path.exists(self.socket_path) or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise AssertionError(self.log())
        return self

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as file:
            return file.read()

    def ask(self, command):
        """What HAProxy's runtime API answers."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(self.socket_path)
            peer.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: peer.recv(65536), b"")).decode(errors="replace")

    def states(self):
        """{node: (UP, DOWN, ..., connections, what its last check said)}."""
        rows = [line.split(",") for line in self.ask("show stat nodes 4 -1").splitlines()]
        head = {name.lstrip("# "): i for i, name in enumerate(rows[0])}
        return {row[head["svname"]]: (row[head["status"]], int(row[head["scur"]]),
                                      row[head["last_chk"]])
                for row in rows[1:] if len(row) > 17}

    def is_up(self, name):
        return self.states().get(name, ("", 0))[0] == "UP"  # "UP 1/2": was not asked, or not well

    def has_connections(self, name):
        """Of students, whatever the checks say."""
        return self.states()[name][1] > 0

    def kill(self):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.socket_path)

    def close(self):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def ports_at(addresses, n):
    """n ports that are free at all the addresses."""
    found = []
    while len(found) < n:
        port = free_port()
        with contextlib.ExitStack() as stack:
            try:
                for address in addresses:
                    probe = stack.enter_context(socket.socket())
                    probe.bind((address, port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Node(Daemon):
    """A node at an address of its own."""

    def __init__(self, address, ports, url, disk=False, **options):
        settings = [f"[metrics] endpoint = http://{address}:{ports[1]}",
                    f"[store] reserve_mib = {RESERVE_MIB}\nkind = postgres\nurl = {url}"]
        super().__init__(tcp_roles="all", settings=settings, **options)
        self.disk = Disk(f"{self.folder}/data", NODE_DISK_MIB) if disk else None
        self.address = address
        self.tcp_endpoint = f"tcp://{address}:{ports[0]}"
        self.metrics_port = ports[1]
        self.write_config("info")

    def close(self):
        try:
            if self.disk:
                self.disk.make_room()
            super().close()
        finally:
            if self.disk:
                self.disk.close()
                shutil.rmtree(self.folder, ignore_errors=True)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def knows(self, test):
        with self.client() as client:
            return test in [row["test"] for row in client.call("test.list")["tests"]]


class District:
    """All of it. `relays`: ways that can fail; then self.to_node[i] (two, of its two ports) and
    self.to_server[i][k] (from node i to server k). `disks`: nodes and servers have small ones of
    their own, which can fill up. `options`: of each node."""

    def __init__(self, n_node=3, relays=False, disks=False, **options):
        self.stack = contextlib.ExitStack()
        self.relays, self.disks = relays, disks
        self.to_node, self.to_server = [], []
        try:
            self._make(n_node, options)
        except BaseException:
            self.close()
            raise

    def _make(self, n_node, options):
        base = os.getpid() % 200 + 20
        addresses = [f"127.{base}.0.{11 + i}" for i in range(n_node)]
        ports = ports_at(addresses, 2)
        size = SERVER_DISK_MIB if self.disks else None
        self.servers = [self._own(Server(f"pg{k}", size)) for k in (1, 2)]
        self.primary, self.standby = self.servers
        self.nodes = [self._own(Node(address, ports, self._url_for(), self.disks, **options))
                      for address in addresses]
        if self.relays:
            addresses = [self._relay_to(address, ports) for address in addresses]
        self.balancer = self._own(Balancer(addresses, *ports))

    def _relay_to(self, address, ports):
        """Relays for both ports of a node, at another address, which is told."""
        other = address.replace(".0.", ".1.")
        self.to_node.append([self._own(FaultyRelay(port, address, (other, port)))
                             for port in ports])
        return other

    def _own(self, thing):
        self.stack.callback(thing.close)
        return thing

    def _url_for(self):
        """libpq's way to whichever server takes writes, through relays of this node's own."""
        ports = [server.port for server in self.servers]
        if self.relays:
            self.to_server.append([self._own(FaultyRelay(port)) for port in ports])
            ports = [relay.port for relay in self.to_server[-1]]
        return (f"host=127.0.0.1,127.0.0.1 port={ports[0]},{ports[1]} user={USER} "
                f"dbname=postgres passfile={self.primary.passfile}")

    def start(self, theta=None):
        self.primary.start()
        done = subprocess.run([theta or os.environ["THETA_BIN"], "district", "init",
                               self.primary.url], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        self.standby.follow(self.primary)
        self.primary.require(self.standby.name)
        for node in self.nodes:
            node.start()
        self.balancer.start()
        for i in range(len(self.nodes)):
            self.wait_up(i)
        return self

    def wait_up(self, i):
        until(lambda: self.balancer.is_up(f"n{i + 1}"), why=f"node {i + 1} is not up")

    def client(self, **options):
        return Client(self.balancer.endpoint, **options)

    def publish(self, bank, items, document):
        """A bank and a test, by one node for all of them."""
        with self.nodes[0].client() as author:
            author.bank_upload(bank, items)
            author.test_put(document)
        until(lambda: all(node.knows(document["test"]) for node in self.nodes),
              why="not every node has the test")

    def replace(self, i, binary=None):
        """As in an upgrade: the node is drained, its balancer and clients leave it, it is told to
        end, and started anew, as another program where one is named. Nobody notices."""
        node = self.nodes[i]
        with node.client() as client:
            client.call("admin.drain")
        until(lambda: not self.balancer.has_connections(f"n{i + 1}"), why="a drained node is used")
        node.stop()
        node.binary = binary or node.binary
        node.start()
        self.wait_up(i)

    def fail_over(self):
        """The primary goes, at once and for good; the standby takes its place."""
        self.primary.kill()
        self.promote_standby()

    def promote_standby(self):
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def make_standby(self):
        """The server that was lost comes back, empty, as the standby."""
        self.standby.follow(self.primary)
        self.primary.require(self.standby.name)

    def heal(self):
        for ways in self.to_node + self.to_server:
            for relay in ways:
                relay.heal()

    def close(self):
        self.stack.close()
