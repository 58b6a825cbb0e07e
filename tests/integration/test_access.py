# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys: who gets in over TCP, with which roles, for how long."""

import datetime
import os
import signal
import time
import unittest

import zmq
import zmq.auth

from support.daemon import Daemon
from support.keys import write_certificate
from support.wire import Peer
from thetad import Client, NoReply, ThetadError

ITEMS = [{"id": f"q{i}", "model": "2PL", "a": 1.385, "b": i / 7 - 1.2, "key": "r"}
         for i in range(8)]
WAIT_S = 60
REFUSED = {"timeout": 0.4, "tries": 1}  # for those who get no reply


def utc(seconds_from_now):
    moment = datetime.datetime.now(datetime.timezone.utc)
    moment += datetime.timedelta(seconds=seconds_from_now)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class AccessTestCase(unittest.TestCase):
    SETTINGS = ()

    def setUp(self):
        self.daemon = Daemon(keys=True, settings=self.SETTINGS)
        self.addCleanup(self.daemon.close)

    def client(self, options, **more):
        client = self.daemon.tcp_client(**{**options, **more})
        self.addCleanup(client.close)
        return client

    def put_test(self, options):
        author = self.client(options)
        author.bank_upload("bank", ITEMS)
        author.test_put({"test": "test", "bank": "bank",
                         "stop": {"any": [{"rule": "length", "at": 6}]}})

    def assert_kept_out(self, options):
        with self.assertRaises(NoReply):
            self.client(options, **REFUSED).ping()

    def assert_code(self, code, call, *args, **fields):
        with self.assertRaises(ThetadError) as caught:
            call(*args, **fields)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception


class Handshake(AccessTestCase):
    def test_only_a_known_key_gets_in(self):
        keys = self.daemon.keys
        known = keys.add("known")
        expired = keys.add("expired", expires=utc(-5))
        self.daemon.start()
        self.client(known).ping()
        self.assert_kept_out(keys.stranger("stranger"))
        self.assert_kept_out(expired)
        self.assert_kept_out({})  # no key at all
        wrong_server = {**known, "server_key": zmq.curve_keypair()[0].decode()}
        self.assert_kept_out(wrong_server)
        self.client(known).ping()

    def test_refusals_are_logged_once(self):
        stranger = self.daemon.keys.stranger("stranger")
        self.daemon.start()
        for _ in range(5):
            self.assert_kept_out(stranger)
        public, _ = zmq.auth.load_certificate(stranger["key"])
        lines = [line for line in self.daemon.log().splitlines() if "connection refused" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(public.decode(), lines[0])
        self.assertIn('address="127.0.0.1"', lines[0])
        self.assertIn('reason="unknown key"', lines[0])

    def test_failed_handshakes_are_counted_in_the_log(self):
        known = self.daemon.keys.add("known")
        self.daemon.start()
        wrong_server = {**known, "server_key": zmq.curve_keypair()[0].decode()}
        for _ in range(3):
            self.assert_kept_out(wrong_server)
            self.assert_kept_out({})
        self.client(known).ping()
        log = self.daemon.log()
        for reason in ("wrong server key", "no CURVE"):
            self.assertEqual(log.count(f'msg="handshake failed" reason="{reason}"'), 1, log)

    def test_files_of_pyzmq_are_taken(self):
        """zmq.auth writes metadata into the secret file; the public one gets it by hand."""
        keys = self.daemon.keys
        public_file, secret_file = zmq.auth.create_certificates(keys.secret_folder, "made")
        with open(public_file, encoding="utf-8") as file:
            text = file.read()
        text = text.replace("metadata\n",
                            "metadata\n    name = made\n    tenant = north\n    role = author\n")
        with open(keys.public_file("made"), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(secret_file, 0o600)
        self.daemon.start()
        self.client({"server_key": keys.server_key, "key": secret_file}).call("bank.list")

    def test_the_log_tells_what_listens(self):
        self.daemon.keys.add("one")
        self.daemon.start()
        log = self.daemon.log()
        self.assertRegex(log, rf"endpoint={self.daemon.tcp_endpoint} security=CURVE keys=1")
        self.assertRegex(log, r"endpoint=ipc://\S+ security=none .*roles=\"frontend proctor")


class Reload(AccessTestCase):
    def test_keys_come_and_go(self):
        keys = self.daemon.keys
        first = keys.add("first")
        self.daemon.start()
        standing = self.client(first)
        standing.ping()
        second = keys.add("second")
        self.assert_kept_out(second)
        keys.remove("first")
        standing.ping()  # nothing changes before the daemon is told
        self.daemon.reload()
        error = self.assert_code("forbidden", standing.ping)
        self.assertIn("not valid", error.message)
        self.assert_kept_out(first)
        self.client(second).ping()
        self.assertIn('msg="request refused" name="first"', self.daemon.log())

    def test_thousands_of_files(self):
        """They are read between the cycles. What the log says holds from then on, and a reload
        that is asked for meanwhile is not forgotten."""
        keys = self.daemon.keys
        for i in range(3000):
            write_certificate(keys.public_file(f"k-{i}"), zmq.curve_keypair()[0], name=f"k-{i}",
                              role="frontend", tenant="north")
        options = {name: keys.add(name) for name in ("a-first", "first", "z-last")}
        self.daemon.start()
        self.assertIn("security=CURVE keys=3003", self.daemon.log())
        standing = {name: self.client(key) for name, key in options.items()}
        for name, client in standing.items():
            client.ping()
            keys.remove(name)
            self.daemon.reload()
            self.assert_code("forbidden", client.ping)
        late = self.client(keys.add("a-late"))
        self.daemon.reload()
        late.ping()
        self.daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.02)  # the file has been read by now, mostly
        keys.remove("a-late")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.assert_comes_to_be_refused(late)

    def assert_comes_to_be_refused(self, client):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            try:
                client.ping()
            except ThetadError as error:
                self.assertEqual(error.code, "forbidden")
                return
        self.fail("the second reload was forgotten")

    def test_new_roles_hold_for_connections_that_stand(self):
        keys = self.daemon.keys
        options = keys.add("one", role="frontend")
        self.daemon.start()
        standing = self.client(options)
        self.assert_code("forbidden", standing.call, "bank.list")
        public, _ = zmq.auth.load_certificate(options["key"])
        write_certificate(keys.public_file("one"), public, name="one", role="author",
                          tenant="north")
        self.daemon.reload()
        self.assertEqual(standing.call("bank.list")["banks"], [])

    def test_a_bad_file_costs_only_its_own_key(self):
        keys = self.daemon.keys
        good, bad = keys.add("good"), keys.add("bad")
        self.daemon.start()
        for client in (self.client(good), self.client(bad)):
            client.ping()
        with open(keys.public_file("bad"), "a", encoding="utf-8") as file:
            file.write("    what-is = this\n")
        with open(keys.public_file("worse\n level=error"), "w", encoding="utf-8") as file:
            file.write("nonsense")
        os.mkdir(keys.public_file("folder"))
        self.daemon.reload()
        self.client(good).ping()
        self.assert_kept_out(bad)
        left_out = [line for line in self.daemon.log().splitlines() if "left out" in line]
        self.assertEqual(len(left_out), 3, left_out)
        self.assertIn("bad.key\" field=what-is", left_out[0])
        self.assertIn("worse\\x0a level=error.key", left_out[2])

    def test_a_folder_that_is_gone_changes_nothing(self):
        keys = self.daemon.keys
        options = keys.add("one")
        self.daemon.start()
        os.rename(keys.public_folder, keys.public_folder + "-away")
        self.daemon.reload()
        self.client(options).ping()
        self.assertIn("keys not read, the old ones stay", self.daemon.log())
        os.rename(keys.public_folder + "-away", keys.public_folder)

    def test_a_bad_configuration_does_not_keep_a_key_alive(self):
        keys = self.daemon.keys
        options = keys.add("one")
        self.daemon.start()
        standing = self.client(options)
        standing.ping()
        with open(self.daemon.config_path, "a", encoding="utf-8") as file:
            file.write("[nonsense]\nx = y\n")
        keys.remove("one")
        self.daemon.reload()
        self.assert_code("forbidden", standing.ping)

    def test_a_key_expires_on_a_connection_that_stands(self):
        options = self.daemon.keys.add("short", expires=utc(10))
        self.daemon.start()
        standing = self.client(options)
        standing.ping()
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            try:
                standing.ping()
            except ThetadError as error:
                self.assertEqual(error.code, "forbidden")
                self.assertIn("expired", error.message)
                break
            time.sleep(0.1)
        else:
            self.fail("the key outlived its time")
        self.assert_kept_out(options)


class Start(AccessTestCase):
    """What the daemon does not start with, and says why."""

    def assert_refused(self, *parts):
        self.daemon.spawn()
        self.assertNotEqual(self.daemon.process.wait(30), 0)
        for part in parts:
            self.assertIn(part, self.daemon.log())

    def test_a_secret_that_others_may_read(self):
        os.chmod(self.daemon.keys.server_file, 0o640)
        self.assert_refused("access.server_key", "chmod 0600")

    def test_a_server_key_without_its_secret(self):
        public, _ = zmq.curve_keypair()
        write_certificate(self.daemon.keys.server_file, public)
        self.assert_refused("access.server_key", "holds no secret key")

    def test_no_folder_of_keys(self):
        os.rmdir(self.daemon.keys.public_folder)
        self.assert_refused("access.keys", "cannot read the folder")

    def test_a_folder_that_everybody_may_write_to(self):
        os.chmod(self.daemon.keys.public_folder, 0o777)
        self.assert_refused("access.keys", "everybody may write")

    def test_a_credential_of_the_service(self):
        keys = self.daemon.keys
        options = keys.add("one")
        os.mkdir(f"{self.daemon.folder}/credentials")
        os.rename(keys.server_file, f"{self.daemon.folder}/credentials/curve.secret")
        keys.server_file = "curve.secret"
        self.daemon.write_config("info")
        self.daemon.start({"CREDENTIALS_DIRECTORY": f"{self.daemon.folder}/credentials"})
        self.client(options).ping()


class PlainEndpoints(unittest.TestCase):
    """Without keys nothing but this machine is listened to."""

    def test_addresses_that_are_refused(self):
        for address in ("0.0.0.0", "*", "[::]", "127.evil", "localhost", "lo", "192.0.2.7",
                        "[::ffff:127.0.0.1]", "127.0.0.1.example"):
            with self.subTest(address):
                daemon = Daemon(tcp_roles="frontend")
                self.addCleanup(daemon.close)
                daemon.tcp_endpoint = f"tcp://{address}:7399"
                daemon.write_config("info")
                daemon.spawn()
                self.assertEqual(daemon.process.wait(30), os.EX_CONFIG)
                self.assertIn("tcp.endpoint", daemon.log())

    def test_ipv6_loopback(self):
        daemon = Daemon(tcp_roles="frontend")
        self.addCleanup(daemon.close)
        daemon.tcp_endpoint = daemon.tcp_endpoint.replace("127.0.0.1", "[::1]")
        daemon.write_config("info")
        daemon.start()
        context = zmq.Context()
        self.addCleanup(context.destroy)
        context.setsockopt(zmq.IPV6, 1)
        with Client(daemon.tcp_endpoint, context=context) as client:
            client.ping()

    def test_the_socket_of_ipc_is_of_its_group(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        mode = os.stat(daemon.endpoint.removeprefix("ipc://")).st_mode & 0o777
        self.assertEqual(mode, 0o660)

    def test_a_routing_id_of_ones_own(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        for name in (b"mine", b"\x00four", b"x" * 255):
            with self.subTest(name), Peer(daemon.endpoint, routing_id=name) as peer:
                peer.send(b"\x83\xa1v\x01\xa2id\x07\xa2op\xa4ping")
                _, reply = peer.receive()
                self.assertEqual(reply["id"], 7)
                # Five bytes from 0 on are what libzmq makes itself, so those pass for it.
                self.assertEqual(reply["ok"], name == b"\x00four")
                if not reply["ok"]:
                    self.assertEqual(reply["error"]["code"], "bad_request")
                    self.assertIn("routing id", reply["error"]["message"])
        with daemon.client() as client:
            client.ping()
