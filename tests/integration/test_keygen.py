# SPDX-License-Identifier: GPL-3.0-or-later
"""theta keygen, and a daemon and clients that use what it made."""

import os
import shutil
import stat
import subprocess
import tempfile
import unittest

import zmq.auth

from support.daemon import Daemon
from thetad import Client

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE, EX_CANTCREAT, EX_NOPERM = 64, 65, 66, 69, 73, 77


class KeygenTestCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="theta-keys-")
        self.addCleanup(shutil.rmtree, self.folder)

    def theta(self, *arguments, code=0, **environment):
        run = subprocess.run([os.environ["THETA_BIN"], *arguments], capture_output=True, text=True,
                             timeout=120, env={**os.environ, **environment}, cwd=self.folder)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def client_key(self, name, *more, role="frontend", **options):
        return self.theta("keygen", "client", "--name", name, "--role", role, "--tenant", "north",
                          "--out", name, *more, **options)


class Files(KeygenTestCase):
    def test_pairs_that_pyzmq_reads(self):
        self.theta("keygen", "server", "--out", "server")
        self.client_key("quiz", "--role", "proctor", "--expires", "2097-08-01")
        for name in ("server", "quiz"):
            public, none = zmq.auth.load_certificate(self.path(name))
            again, secret = zmq.auth.load_certificate(self.path(name + "_secret"))
            self.assertEqual(public, again)
            self.assertIsNone(none)
            self.assertEqual(zmq.curve_public(secret), public)
            self.assertEqual(stat.S_IMODE(os.stat(self.path(name + "_secret")).st_mode), 0o600)
            self.assertNotIn(secret.decode(), self.text(name))
        text = self.text("quiz")
        for line in ('name = "quiz"', 'role = "frontend proctor"', 'tenant = "north"',
                     'expires = "2097-08-01"'):
            self.assertIn(line, text)

    def test_the_secret_is_not_told(self):
        said = self.theta("keygen", "server", "--out", "server")
        public, _ = zmq.auth.load_certificate(self.path("server"))
        _, secret = zmq.auth.load_certificate(self.path("server_secret"))
        self.assertIn(public.decode(), said)
        self.assertNotIn(secret.decode(), said)

    def test_a_file_that_is_there_is_left_alone(self):
        self.client_key("quiz")
        before = self.text("quiz_secret")
        self.assertIn("File exists", self.client_key("quiz", code=EX_CANTCREAT))
        self.assertEqual(self.text("quiz_secret"), before)
        os.remove(self.path("quiz_secret"))
        self.client_key("quiz", code=EX_CANTCREAT)
        self.assertFalse(os.path.exists(self.path("quiz_secret")))

    def test_what_is_refused(self):
        good = {"--name": "n", "--role": "author", "--tenant": "t", "--out": "x"}
        for option, value, part in (("--name", None, "--name is missing"),
                                    ("--name", "a b", "--name must be"),
                                    ("--tenant", None, "--tenant is missing"),
                                    ("--tenant", "a/b", "--tenant must be"),
                                    ("--role", None, "say with --role"),
                                    ("--role", "boss", 'not "boss"'),
                                    ("--role", "author,all", 'not "all"'),
                                    ("--out", None, "say with --out"),
                                    ("--expires", "2097-02-30", "takes a day"),
                                    ("--expires", "soon", "takes a day"),
                                    ("--expires", "2020-01-01", "is past")):
            with self.subTest(option=option, value=value):
                options = {**good, option: value}
                words = [word for pair in options.items() if pair[1] is not None for word in pair]
                self.assertIn(part, self.theta("keygen", "client", *words, code=EX_USAGE))
                self.assertEqual(os.listdir(self.folder), [])


class Use(KeygenTestCase):
    """The keys that it makes, from the daemon's start to a question."""

    def setUp(self):
        super().setUp()
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        keys = self.daemon.keys
        self.theta("keygen", "server", "--out", "server")
        os.replace(self.path("server_secret"), keys.server_file)
        self.client_key("quiz")
        self.client_key("desk", role="author")
        self.client_key("late")
        for name in ("quiz", "desk"):
            shutil.copy(self.path(name), keys.public_folder)
        self.daemon.start()
        self.server_key = zmq.auth.load_certificate(self.path("server"))[0].decode()

    def options(self, name, server_key=None):
        return ("--endpoint", self.daemon.tcp_endpoint, "--server-key",
                server_key or self.server_key, "--key", f"{name}_secret")

    def test_theta_with_keys(self):
        self.assertIn("answers in", self.theta(*self.options("quiz"), "ping"))
        self.assertIn("answers in", self.theta("ping", *self.options("quiz", "server")))
        self.theta(*self.options("desk"), "bank", "list")
        self.assertIn("forbidden", self.theta(*self.options("quiz"), "bank", "list",
                                              code=EX_NOPERM))
        self.theta("ping", THETAD_ENDPOINT=self.daemon.tcp_endpoint,
                   THETAD_SERVER_KEY=self.server_key, THETAD_KEY=self.path("quiz_secret"))

    def test_a_key_that_the_daemon_does_not_know(self):
        said = self.theta(*self.options("late"), "ping", code=EX_UNAVAILABLE)
        self.assertIn("a key that the daemon does not know", said)
        shutil.copy(self.path("late"), self.daemon.keys.public_folder)
        self.daemon.reload()
        self.theta(*self.options("late"), "ping")

    def test_what_is_wrong_with_the_keys_is_told(self):
        endpoint = ("--endpoint", self.daemon.tcp_endpoint)
        self.assertIn("go together", self.theta(*endpoint, "--key", "quiz_secret", "ping",
                                                code=EX_USAGE))
        self.assertIn("nowhere", self.theta(*self.options("nowhere"), "ping", code=EX_NOINPUT))
        self.assertIn("no secret key", self.theta(*endpoint, "--server-key", self.server_key,
                                                  "--key", "quiz", "ping", code=EX_DATAERR))
        os.chmod(self.path("quiz_secret"), 0o644)
        self.assertIn("chmod 0600", self.theta(*self.options("quiz"), "ping", code=EX_DATAERR))

    def test_python_with_keys(self):
        for server_key in (self.server_key, self.path("server")):
            with Client(self.daemon.tcp_endpoint, server_key=server_key,
                        key=self.path("quiz_secret")) as client:
                client.ping()
        with self.assertRaises(ValueError):
            Client(self.daemon.tcp_endpoint, key=self.path("quiz_secret"))
        with self.assertRaises(ValueError):
            Client(self.daemon.tcp_endpoint, server_key=self.server_key, key=self.path("quiz"))
        os.chmod(self.path("quiz_secret"), 0o644)
        with self.assertRaises(PermissionError):
            Client(self.daemon.tcp_endpoint, server_key=self.server_key,
                   key=self.path("quiz_secret"))
