# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node and `theta district init` ask of the database server."""

import unittest

from support.daemon import Daemon
from support.postgres import Postgres
from test_district import run_theta


class TestServerSettings(unittest.TestCase):
    """What a node refuses to start with."""

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.close)
        cls.postgres.start()
        cls.postgres.sql("CREATE DATABASE empty")
        cls.empty = cls.postgres.url + " dbname=empty"

    def refused(self, url=None):
        daemon = Daemon(settings=(f"[store] kind = postgres\nurl = {url or self.postgres.url}",))
        self.addCleanup(daemon.close)
        daemon.spawn()
        self.assertNotEqual(daemon.process.wait(30), 0)
        return daemon.log()

    def refused_by_both(self, begin):
        """A node and, in a database that has no tables yet, `district init` say it in one way."""
        said = run_theta("district", "init", self.empty, code=65)
        self.assertIn(begin, said)
        self.assertIn(said[said.index(begin):].splitlines()[0], self.refused())

    def test_what_would_lose_answers_is_refused(self):
        self.assertIn("theta district init", self.refused())
        run_theta("district", "init", self.postgres.url)
        self.assertIn("already", run_theta("district", "init", self.postgres.url, code=65))
        for name, value in (("fsync", "off"), ("full_page_writes", "off"),
                            ("synchronous_commit", "off"), ("synchronous_commit", "local"),
                            ("synchronous_commit", "remote_write")):
            with self.subTest(name=name, value=value):
                self.postgres.sql(f"ALTER SYSTEM SET {name} = {value}")
                self.postgres.restart()
                self.refused_by_both(f"the server has {name} = {value}: ")
                self.postgres.sql(f"ALTER SYSTEM RESET {name}")
        self.postgres.stop()
        self.postgres.run("pg_checksums", "--disable", "--no-sync", "-D", self.postgres.data)
        self.postgres.start()
        self.refused_by_both("the server has data_checksums = off: ")
        self.postgres.stop()
        self.postgres.run("pg_checksums", "--enable", "--no-sync", "-D", self.postgres.data)
        self.postgres.start()
        run_theta("district", "init", self.empty)  # nothing was made before
        self.postgres.sql("UPDATE district SET format = 99")
        self.assertIn("newer", self.refused())
        self.assertIn("99", run_theta("district", "upgrade", self.postgres.url, code=65))
        self.postgres.sql("UPDATE district SET format = 0")
        self.assertIn("theta district upgrade", self.refused())

    def test_a_url_that_is_no_good(self):
        self.assertIn("passfile", self.refused("postgresql://user:secret@127.0.0.1/x"))
        self.assertNotIn("secret", self.refused("postgresql://user:secret@127.0.0.1/x"))
        self.assertIn("PostgreSQL", self.refused("host=127.0.0.1 port=1 user=nobody"))


if __name__ == "__main__":
    unittest.main()
