# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd/district tells an administrator to type, against a real PostgreSQL: its files are
taken as they are, and the steps of "Restore from backup" go back to a moment. HAProxy judges its
file and runs by it; promtool judges those of Prometheus in test_metrics."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, free_port
from support.district import POSTGRES_CONFIG, Server
from support.postgres import until
from thetad import ThetadError

DISTRICT = os.path.dirname(POSTGRES_CONFIG)
BANK = [{"id": f"q{i}", "model": "2PL", "a": 1.1, "b": (i - 9) / 4} for i in range(20)]
TEST = {"test": "t", "bank": "b", "stop": {"any": [{"rule": "length", "at": 12}]}}
DATA, ARCHIVE, MOMENT = "/var/lib/postgresql/15/main", "/srv", "2027-03-01 10:15:00 UTC"
SMALL = ("shared_buffers = 32MB", "listen_addresses = '127.0.0.1'", "ssl = off",
         "synchronous_standby_names = ''", "wal_keep_size = 64MB")


def text_of(name):
    with open(os.path.join(DISTRICT, name), encoding="utf-8") as file:
        return file.read()


def blocks_of(section):
    """What is to be typed there, block by block."""
    text = text_of("README.md").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```$", text, flags=re.M | re.S)


class TestRunbook(unittest.TestCase):
    def setUp(self):
        self.srv = tempfile.mkdtemp(prefix="thetad-srv-")
        self.addCleanup(shutil.rmtree, self.srv, ignore_errors=True)
        os.chmod(self.srv, 0o755)
        for name in ("wal", "backup"):
            os.mkdir(os.path.join(self.srv, name))
            os.chmod(os.path.join(self.srv, name), 0o777)
        self.server = self.database("pg1")
        self.config = os.path.join(self.srv, "thetad.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text_of("postgresql.conf").replace(ARCHIVE, self.srv))
        self.server.set(f"include = '{self.config}'", *SMALL)
        self.server.start()

    def database(self, name):
        server = Server(name)
        self.addCleanup(server.close)
        return server

    def node(self):
        url = self.server.url
        daemon = Daemon(settings=(f"[store] kind = postgres\nurl = {url}",))
        self.addCleanup(daemon.close)
        return daemon.start()

    def test_the_server_takes_the_files(self):
        server = self.server
        names = re.findall(r"^(\w+) = ", text_of("postgresql.conf"), flags=re.M)
        self.assertEqual(sorted([name] for name in names), sorted(server.sql(
            f"SELECT name FROM pg_file_settings WHERE sourcefile = '{self.config}'")))
        self.assertEqual(server.sql("SELECT name, error FROM pg_file_settings "
                                    "WHERE error IS NOT NULL"), [])
        with open(os.path.join(server.data, "pg_hba.conf"), "a", encoding="utf-8") as file:
            file.write(text_of("pg_hba.conf"))
        self.assertEqual(server.sql("SELECT error FROM pg_hba_file_rules WHERE error IS NOT NULL "
                                    "AND error NOT LIKE '%SSL is disabled'"), [])
        self.assertEqual(server.sql("SELECT database, user_name, auth_method FROM "
                                    "pg_hba_file_rules WHERE type = 'hostssl'"),
                         [["{thetad}", "{thetad}", "scram-sha-256"],
                          ["{replication}", "{replicator}", "scram-sha-256"]])

    def archived(self):
        return [name for name in os.listdir(os.path.join(self.srv, "wal"))
                if re.fullmatch("[0-9A-F]{24}", name)]

    def test_the_log_is_archived_once(self):
        self.server.sql("SELECT pg_switch_wal()")
        until(self.archived, why="nothing is archived")
        name = self.archived()[0]
        command = self.server.sql("SHOW archive_command")[0][0].replace("%f", name)

        def again(path):
            return subprocess.run(command.replace("%p", path), shell=True, capture_output=True,
                                  check=False).returncode

        target = os.path.join(self.srv, "wal", name)
        other = os.path.join(self.srv, "other")
        shutil.copyfile(target, other)
        self.assertEqual(again(other), 0)
        with open(other, "ab") as file:
            file.write(b"x")
        size = os.path.getsize(target)
        self.assertNotEqual(again(other), 0)
        self.assertEqual(os.path.getsize(target), size)

    def answer(self, client, session, n):
        sitting = client.session_start("t", "e", session=session)
        for _ in range(n):
            sitting.answer(score=1)

    def typed(self, block, backup, moment):
        """A block of the runbook with the places of this test."""
        owner = self.server.who.get("user", os.getuid()), self.server.who.get("group", os.getgid())
        for what, new in ((DATA, self.server.data), (f"{ARCHIVE}/backup/2027-03-01", backup),
                          (ARCHIVE, self.srv), (MOMENT, moment),
                          ("-o postgres -g postgres", f"-o {owner[0]} -g {owner[1]}"),
                          ("systemctl start postgresql@15-main\n", "")):
            self.assertIn(what, block)
            block = block.replace(what, new)
        done = subprocess.run(["bash", "-e", "-c", block], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_back_to_a_moment(self):
        _, unpack, resume = blocks_of("Restore from backup")
        backup = os.path.join(self.srv, "backup", "a")
        subprocess.run([os.environ["THETA_BIN"], "district", "init", self.server.url], check=True,
                       capture_output=True)
        node = self.node()
        with node.client() as client:
            client.bank_upload("b", BANK)
            client.test_put(TEST)
            self.server.run("pg_basebackup", "-c", "fast", "-Ft", "-z", "-D", backup, "-d",
                            self.server.url)
            self.answer(client, "before", 4)
            moment = self.server.sql("SELECT clock_timestamp()")[0][0]
            self.answer(client, "after", 3)
        node.stop()
        self.server.stop()
        self.typed(unpack, backup, moment)
        self.server.start()
        until(lambda: self.server.sql("SELECT pg_get_wal_replay_pause_state()") == [["paused"]])
        for line in resume.splitlines():
            self.server.sql(line)
        until(lambda: self.server.sql("SELECT pg_is_in_recovery()") == [["f"]])

        standby = self.database("pg2")
        standby.follow(self.server)
        self.server.require("pg2")
        with self.node().client() as client:
            self.assertEqual(len(client.call("session.answers", session="before")["answers"]), 4)
            with self.assertRaises(ThetadError) as caught:
                client.call("session.answers", session="after")
            self.assertEqual(caught.exception.code, "unknown_session")
            self.answer(client, "later", 5)
        count = "SELECT count(*) FROM event WHERE session = 'later'"
        until(lambda: standby.sql(count) == self.server.sql(count), seconds=20,
              why="the standby does not go on beyond the moment")
        self.assertNotEqual(standby.sql(count), [["0"]])


class TestBalancer(unittest.TestCase):
    """HAProxy itself with its file."""

    def setUp(self):
        self.program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
        if not self.program:
            self.skipTest("HAProxy is not installed")
        self.folder = tempfile.mkdtemp(prefix="thetad-haproxy-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_it_takes_its_configuration(self):
        done = subprocess.run([self.program, "-c", "-f", os.path.join(DISTRICT, "haproxy.cfg")],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("WARNING", done.stderr)

    @unittest.skipIf(os.getuid() != 0, "only root can become another")
    def test_it_gives_up_its_rights(self):
        config, socket = (os.path.join(self.folder, name) for name in ("haproxy.cfg", "socket"))
        text = text_of("haproxy.cfg")
        for what, new in (("bind :7350", f"bind 127.0.0.1:{free_port()}"), ("40000", "100"),
                          ("/run/haproxy/admin.sock", socket), ("10.0.0.", "127.0.0.")):
            self.assertIn(what, text)
            text = text.replace(what, new)
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        process = subprocess.Popen([self.program, "-db", "-q", "-f", config],
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until(lambda: os.path.exists(socket) and
              os.stat(f"/proc/{process.pid}").st_uid != 0, why="it stays root")
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file)
        owner = str(pwd.getpwnam("haproxy").pw_uid)
        self.assertEqual(status["Uid"].split(), [owner] * 4)
        self.assertEqual(int(status["CapPrm"], 16), 0)
        self.assertEqual(os.readlink(f"/proc/{process.pid}/root"), "/var/lib/haproxy")


if __name__ == "__main__":
    unittest.main()
