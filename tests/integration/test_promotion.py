# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd/district tells an administrator to type when the primary is lost, with three real
PostgreSQL servers and two nodes that are never told of it."""

import os
import shlex
import shutil
import subprocess
import tempfile
import unittest

from support import audit
from support.daemon import Daemon
from support.district import Server, until
from support.postgres import USER
from test_runbook import BANK, DATA, blocks_of

TEST = {"test": "t", "bank": "b", "stop": {"any": [{"rule": "length", "at": 20}]}}
HOSTS = "host=10.0.0.21,10.0.0.22,10.0.0.23 target_session_attrs=read-write user=replicator " \
    "sslmode=require"
FOLLOWING = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming' ORDER BY 1"


class TestPromotion(unittest.TestCase):
    def setUp(self):
        self.servers = [Server(f"pg{k}") for k in (1, 2, 3)]
        for server in self.servers:
            self.addCleanup(server.close)
        self.scratch = tempfile.mkdtemp(prefix="thetad-promotion-")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        ports = ",".join(str(server.port) for server in self.servers)
        self.hosts = (f"host=127.0.0.1,127.0.0.1,127.0.0.1 port={ports} user={USER} "
                      f"passfile={self.servers[0].passfile}")
        primary, *standbys = self.servers
        primary.start()
        for server in standbys:
            self.make_standby(server)
        primary.require("pg1, pg2, pg3")
        self.wait_for(primary, "pg2", "pg3")
        subprocess.run([os.environ["THETA_BIN"], "district", "init", primary.url], check=True,
                       capture_output=True)

    def typed(self, block, server, *changes):
        """A block of the runbook on the machine of that server; what it says."""
        who = [f"{server.bin}/"]
        if server.who:
            who = ["setpriv", f"--reuid={server.who['user']}", f"--regid={server.who['group']}",
                   "--clear-groups", *who]
        for what, new in (*changes, ("sudo -u postgres ", shlex.join(who))):
            self.assertIn(what, block)
            block = block.replace(what, new)
        done = subprocess.run(["bash", "-e", "-c", block], capture_output=True, text=True,
                              cwd=server.folder, check=False, env={**os.environ, "LC_ALL": "C"})
        self.assertEqual(done.returncode, 0, block + done.stderr)
        return done.stdout

    def make_standby(self, server):
        """As pg2 is made, and whatever was lost later."""
        block = next(block for block in blocks_of("Set up") if "pg_basebackup" in block)
        self.typed(block, server, (DATA, server.data),
                   (HOSTS, self.hosts + " target_session_attrs=read-write"),
                   ("systemctl start postgresql@15-main\n", ""))
        server.set(f"port = {server.port}", f"unix_socket_directories = '{server.folder}'",
                   f"cluster_name = '{server.name}'")
        server.start()

    def wait_for(self, primary, *names):
        until(lambda: primary.sql(FOLLOWING) == [[name] for name in names],
              why=f"{names} do not follow {primary.name}")

    def node(self, url):
        daemon = Daemon(settings=(f"[store] kind = postgres\nurl = {url} dbname=postgres",))
        self.addCleanup(daemon.close)
        return daemon

    def answer(self, client, sitting, told, n):
        for _ in range(n):
            answer = (sitting.seq, sitting.item["id"], len(told) % 2)
            sitting.answer(score=answer[2])
            told.append(answer)

    def furthest(self, standbys):
        """By what the runbook has the administrator look at."""
        ask = blocks_of("Lose the primary")[0]
        far = {server.name: int(self.typed(ask, server, ("psql ", f'psql -d "{server.url}" ')))
               for server in standbys}
        return max(standbys, key=lambda server: far[server.name])

    def promote(self, server):
        self.typed(blocks_of("Lose the primary")[1], server,
                   ("pg_ctlcluster 15 main promote",
                    f"sudo -u postgres pg_ctl -D {server.data} -w promote"))

    def test_the_furthest_standby_takes_over(self):
        old, *standbys = self.servers
        nodes = [self.node(self.hosts + " target_session_attrs=read-write").start()
                 for _ in range(2)]
        with nodes[0].client(deadline=60) as one, nodes[1].client(deadline=60) as two:
            one.bank_upload("b", BANK)
            one.test_put(TEST)
            sitting = one.session_start("t", "e", session="s")
            told = []
            self.answer(one, sitting, told, 2)
            standbys[0].kill()  # what comes now is on pg1 and pg3 alone
            self.answer(one, sitting, told, 2)
            old.kill()
            standbys[0].start()
            new = self.furthest(standbys)
            self.assertEqual(new.name, "pg3")
            self.promote(new)
            self.wait_for(new, "pg2")  # by itself
            self.answer(one, sitting, told, 2)
            self.assertEqual(audit.session(two, "s", told), [])
            self.answer(two, two.session_start("t", "f", session="f"), [], 3)

            self.old_one_tells_nothing(old)
            self.answer(one, sitting, told, 2)
            self.make_standby(old)
            self.wait_for(new, "pg1", "pg2")
            standbys[0].kill()  # and what comes now is on pg3 and pg1
            self.answer(one, sitting, told, 2)
            self.assertEqual(audit.session(two, "s", told), [])
            self.assertEqual(old.sql("SELECT pg_is_in_recovery()"), [["t"]])

    def old_one_tells_nothing(self, old):
        """It comes back as it was, a primary, and nobody follows it: a node that has only it does
        not start."""
        old.start()
        self.assertEqual(old.sql("SELECT pg_is_in_recovery()"), [["f"]])
        lost = self.node(old.url)
        lost.spawn()
        self.assertEqual(lost.process.wait(60), os.EX_IOERR)
        self.assertEqual(old.sql(FOLLOWING), [])
        old.kill()


if __name__ == "__main__":
    unittest.main()
