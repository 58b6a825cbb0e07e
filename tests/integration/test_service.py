# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon as a service: configuration, readiness, reload, and an orderly end."""

import os
import shlex
import signal
import socket
import subprocess
import threading
import time
import unittest

from support import reference
from support.daemon import Daemon, program, state_of
from support.wire import Peer
from thetad import NoReply, ThetadError
from thetad.client import pack, unpack

EX_CONFIG = 78
WAIT_S = 60
WATCHDOG_S = 12  # it is fed every 3, so the machine may stand still for 8
ASKS_FOR_TIME = "EXTEND_TIMEOUT_USEC=60000000"


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what}")
        time.sleep(0.01)


class ServiceTestCase(unittest.TestCase):
    def daemon(self, **options):
        daemon = Daemon(**options)
        self.addCleanup(daemon.close)
        return daemon


class TestConfig(ServiceTestCase):
    # What is changed in a sound configuration -> what the message must name.
    BAD = {
        ("log_level = info", "log_level = loud"): "log_level",
        ("log_level = info", "log_lvel = info"): "log_lvel",
        ("[store]", "[stor]"): "stor",
        ("map_size_mib = 256", "map_size_mib = many"): "map_size_mib",
        ("map_size_mib = 256", "map_size_mib = -1"): "map_size_mib",
        ("roles = frontend", "roles = frontend, king"): "king",
        ("endpoint = tcp://127.0.0.1", "endpoint = 127.0.0.1"): "endpoint",
        ("endpoint = tcp://127.0.0.1", "endpoint = tcp://192.0.2.1"): "loopback",
        ("[thetad]", "[thetad"): "line 1",
    }

    def check_config(self, path, *options):
        done = subprocess.run([program(), "--config", path, *options], capture_output=True,
                              text=True, timeout=WAIT_S, check=False)
        return done.returncode, done.stderr

    def test_good(self):
        daemon = self.daemon(tcp_roles="frontend")
        self.assertEqual(self.check_config(daemon.config_path, "--check-config")[0], 0)
        self.assertFalse(os.path.exists(f"{daemon.folder}/thetad.sock"), "it only looks")

    def test_bad(self):
        daemon = self.daemon(tcp_roles="frontend")
        with open(daemon.config_path, encoding="utf-8") as file:
            good = file.read()
        for (was, now), named in self.BAD.items():
            with self.subTest(now):
                self.assertIn(was, good)
                with open(daemon.config_path, "w", encoding="utf-8") as file:
                    file.write(good.replace(was, now))
                for options in (("--check-config",), ()):
                    code, errors = self.check_config(daemon.config_path, *options)
                    self.assertEqual(code, EX_CONFIG, errors)
                    self.assertIn(named, errors)

    def test_missing(self):
        code, errors = self.check_config("/nonexistent/thetad.conf", "--check-config")
        self.assertEqual(code, EX_CONFIG)
        self.assertIn("/nonexistent/thetad.conf", errors)


class TestNotify(ServiceTestCase):
    def test_ready_watchdog_stopping(self):
        daemon = self.daemon()
        path = f"{daemon.folder}/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(WAIT_S)
            daemon.spawn({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(WATCHDOG_S * 1000000)})
            seen = self.read_until(notify, "READY=1")
            self.assertNotIn("WATCHDOG=1", seen)
            with daemon.client(timeout=WAIT_S, tries=1) as client:
                client.ping()  # ready means that it serves
            for _ in range(2):
                start = time.monotonic()
                self.read_until(notify, "WATCHDOG=1")
                self.assertLess(time.monotonic() - start, WATCHDOG_S, "often enough")
            daemon.process.send_signal(signal.SIGTERM)
            self.read_until(notify, "STOPPING=1")
            daemon.wait_stopped()

    def test_a_start_that_takes_long_asks_for_time(self):
        daemon = self.daemon()
        daemon.start()
        with daemon.client() as client:
            client.bank_upload("bank", reference.bank_items("2pl", "2PL")[:20])
            client.test_put({"test": "test", "bank": "bank"})
            client.session_start("test", "e")
        daemon.stop()
        path = f"{daemon.folder}/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(WAIT_S)
            daemon.spawn({"NOTIFY_SOCKET": path})
            # One for the bank, one for the first events.
            self.assertEqual(self.read_until(notify, "READY=1").count(ASKS_FOR_TIME), 2)
            daemon.process.send_signal(signal.SIGTERM)
            self.assertTrue(self.read_until(notify, "EXTEND_TIMEOUT_USEC=5100000"))
            daemon.wait_stopped()

    def read_until(self, notify, line):
        """The lines up to the one that is waited for."""
        seen = []
        while line not in seen:
            seen += notify.recv(4096).decode().splitlines()
        return seen


class TestActivation(ServiceTestCase):
    """Sockets that are open before the daemon is, as systemd hands them over."""

    def listen(self, daemon):
        local = socket.socket(socket.AF_UNIX)
        local.bind(daemon.endpoint.removeprefix("ipc://"))
        network = socket.socket()
        network.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        network.bind(("127.0.0.1", int(daemon.tcp_endpoint.rpartition(":")[2])))
        for listener in (local, network):
            listener.listen()
            self.addCleanup(listener.close)
        return local, network

    def hand_over(self, daemon, *listeners):
        """Start the daemon with these as descriptors 3, 4, ..., told by its process id."""
        def prepare():
            kept = [os.dup(listener.fileno()) for listener in listeners]
            for i, descriptor in enumerate(kept):
                os.dup2(os.dup2(descriptor, 100 + i), 3 + i)

        script = (f"LISTEN_PID=$$ LISTEN_FDS={len(listeners)} exec "
                  + shlex.join([program(), "--config", daemon.config_path]))
        with open(daemon.log_path, "ab") as log:
            daemon.process = subprocess.Popen(
                ["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=prepare, pass_fds=range(3, 3 + len(listeners)))

    def test_no_connection_is_refused_while_it_starts_anew(self):
        daemon = self.daemon(tcp_roles="frontend")
        listeners = self.listen(daemon)
        self.hand_over(daemon, *listeners)
        daemon.wait_ready()
        self.assertEqual(daemon.log().count("by=systemd"), 2)
        with daemon.tcp_client() as client:
            client.ping()
        daemon.stop()
        self.assertTrue(os.path.exists(daemon.endpoint.removeprefix("ipc://")), "it is systemd's")
        with daemon.tcp_client(timeout=WAIT_S, tries=1) as network, \
                daemon.client(timeout=WAIT_S, tries=1) as local:
            early = [threading.Thread(target=client.ping) for client in (network, local)]
            for thread in early:
                thread.start()
            time.sleep(0.2)  # they are connected, and nobody is there yet
            self.hand_over(daemon, *listeners)
            for thread in early:
                thread.join(WAIT_S)
            self.assertFalse(any(thread.is_alive() for thread in early))
            network.ping()
            local.ping()
        daemon.stop()

    def test_what_is_not_configured_is_refused(self):
        daemon = self.daemon(tcp_roles="frontend")
        listeners = self.listen(daemon)
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            for listener, named in ((other, "no socket that listens"),
                                    (other, f"127.0.0.1:{other.getsockname()[1]}")):
                with self.subTest(named):
                    self.hand_over(daemon, *listeners, listener)
                    self.assertEqual(daemon.process.wait(WAIT_S), EX_CONFIG, daemon.log())
                    self.assertIn(named, daemon.log())
                other.listen()
        self.hand_over(daemon, listeners[1], listeners[1])
        self.assertEqual(daemon.process.wait(WAIT_S), EX_CONFIG, "two for one endpoint")


class TestReload(ServiceTestCase):
    def reload(self, daemon, log_level):
        daemon.write_config(log_level)
        daemon.process.send_signal(signal.SIGHUP)

    def test_log_level(self):
        daemon = self.daemon(log_level="warn")
        daemon.start()
        with daemon.client() as client:
            self.assertNotIn("level=info", daemon.log())
            self.reload(daemon, "info")
            wait_for(lambda: client.ping() and "level=info" in daemon.log(), "info lines")
            self.reload(daemon, "loud")
            wait_for(lambda: client.ping() and "loud" in daemon.log(), "what is wrong")
            n_info = daemon.log().count("level=info")
            client.bank_upload("bank", reference.bank_items("2pl", "2PL")[:20])
            self.assertGreater(daemon.log().count("level=info"), n_info, "the old level stays")
            self.reload(daemon, "error")
            wait_for(lambda: client.ping() and self.is_silent(client, daemon), "no more info lines")

    def is_silent(self, client, daemon):
        """Whether publishing a bank, which is told at level info, is not."""
        n_info = daemon.log().count("level=info")
        client.bank_upload("bank", reference.bank_items("2pl", "2PL")[:20])
        return daemon.log().count("level=info") == n_info

    def test_sessions_go_on(self):
        daemon = self.daemon()
        daemon.start()
        with daemon.client() as client:
            client.bank_upload("bank", reference.bank_items("2pl", "2PL")[:20])
            client.test_put({"test": "test", "bank": "bank"})
            session = client.session_start("test", "e")
            daemon.process.send_signal(signal.SIGHUP)
            before = state_of(session.answer(score=1))
            self.assertEqual(state_of(session.get()), before)


class TestGeneral(ServiceTestCase):
    def test_hello(self):
        daemon = self.daemon(tcp_roles="teacher")
        daemon.start()
        with daemon.tcp_client() as client:
            hello = client.hello()
            self.assertEqual((hello["protocol"], hello["draining"]), (1, False))
            self.assertRegex(hello["version"], r"^\d+\.\d+\.\d+")
            self.assertAlmostEqual(hello["server_time_ms"] / 1000, time.time(), delta=5)
            kinds = {"models": {"1PL", "2PL", "3PL", "4PL", "GRM", "GPCM"},
                     "estimators": {"EAP", "MAP", "ML", "WLE"},
                     "priors": {"normal", "uniform", "jeffreys", "table"},
                     "criteria": {"MFI", "random"},
                     "stop_rules": {"length", "se", "time"}}
            for kind, names in kinds.items():
                self.assertLessEqual(names, set(hello["kinds"][kind]), kind)
            ping = client.ping()
            self.assertFalse(ping["draining"])
            self.assertGreaterEqual(ping["server_time_ms"], hello["server_time_ms"])

    def test_stats_count(self):
        daemon = self.daemon()
        daemon.start()
        with daemon.client() as client:
            before = client.stats()
            client.bank_upload("bank", reference.bank_items("2pl", "2PL")[:20])
            client.test_put({"test": "test", "bank": "bank"})
            session = client.session_start("test", "e")
            for _ in range(3):
                session.answer(score=1)
            session.finish()
            with self.assertRaises(ThetadError):
                client.call("bank.retire", bank="nobody", item="i1")
            after = client.stats()
        counted = {name: after["counters"][name] - n for name, n in before["counters"].items()}
        self.assertEqual({name: counted[name] for name in ("requests", "errors", "answers")},
                         {"requests": 11, "errors": 1, "answers": 3})
        self.assertEqual((counted["sessions_started"], counted["sessions_finished"]), (1, 1))
        self.assertEqual((after["gauges"]["banks"], after["gauges"]["tests"]), (1, 1))
        self.assertGreaterEqual(counted["commits"], 6)
        latency = after["latency_us"]
        self.assertTrue(0 < latency["p50"] <= latency["p99"] <= latency["p999"] <= latency["max"])


class TestFullStore(ServiceTestCase):
    N_BANK = 6

    def publish(self, daemon, number, errors):
        items = [{"id": f"i{i}", "model": "2PL", "a": 1.1, "b": i / 400 - 0.5,
                  "content": f"bank {number} " + "x" * 2000} for i in range(400)]
        try:
            with daemon.client(timeout=30) as client:
                client.bank_upload(f"bank{number}", items)
        except (NoReply, ThetadError) as error:
            errors.append(error)

    def test_map_grows_while_it_serves(self):
        """Five times more than the map holds, from several clients, while a session goes on."""
        daemon = self.daemon(map_mib=1)
        daemon.start()
        errors = []
        with daemon.client(timeout=30) as client:
            client.bank_upload("bank", reference.bank_items("2pl", "2PL"))
            client.test_put({"test": "test", "bank": "bank",
                             "stop": {"any": [{"rule": "length", "at": 150}]}})
            session = client.session_start("test", "e")
            threads = [threading.Thread(target=self.publish, args=(daemon, i, errors))
                       for i in range(self.N_BANK)]
            for thread in threads:
                thread.start()
            while session.item and any(thread.is_alive() for thread in threads):
                session.answer(score=session.seq % 2)
            for thread in threads:
                thread.join()
            self.assertEqual(errors, [])
            before = state_of(session.state)
            daemon.restart()
            self.assertEqual(state_of(session.get()), before)
            for i in range(self.N_BANK):
                told = client.call("bank.get", bank=f"bank{i}", offset=399)
                self.assertEqual((told["n_items"], told["items"][0]["content"][:7]),
                                 (400, f"bank {i} "))

    def flood(self, daemon, upload, replies):
        """More than one cycle takes: work for the helpers, items that fill the map, pings."""
        curve = pack({"v": 1, "id": 1, "op": "irt.curve", "bank": "bank", "theta": [0.1, 0.2]})
        ping = pack({"v": 1, "id": 2, "op": "ping"})
        with Peer(daemon.endpoint) as peer:
            for part in range(6):
                items = [{"id": f"i{part}-{i}", "model": "2PL", "a": 1.1, "b": 0.385,
                          "content": "x" * 1500} for i in range(100)]
                add = pack({"v": 1, "id": 3 + part, "op": "bank.add", "upload": upload,
                            "items": items})
                for body in [curve] * 8 + [add] + [ping] * 700:
                    peer.send(body)
            while peer.socket.poll(1000):
                replies.append(unpack(peer.socket.recv_multipart()[-1]))

    def test_map_grows_in_a_full_cycle(self):
        # All are to be served, however long it takes while the map grows.
        daemon = self.daemon(map_mib=1, settings=(
            "[limits] queue_ms = 60000", "[limits] queued = 1000000"))
        daemon.start()
        with daemon.client(timeout=30) as client:
            items = [{"id": f"i{i}", "model": "2PL", "a": 1.1, "b": 0.385} for i in range(2000)]
            client.bank_upload("bank", items)
            uploads = [client.call("bank.begin", bank="new")["upload"] for _ in range(6)]
            replies = []
            threads = [threading.Thread(target=self.flood, args=(daemon, upload, replies))
                       for upload in uploads]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertIsNone(daemon.process.poll(), daemon.log()[-2000:])
            self.assertIn("doubled", daemon.log())
            self.assertTrue(all(reply["ok"] for reply in replies))
            for upload in uploads:
                self.assertEqual(client.call("bank.publish", upload=upload)["n_items"], 600)


class TestEnd(ServiceTestCase):
    def setUp(self):
        self.server = self.daemon()
        self.server.start()
        with self.server.client() as client:
            client.bank_upload("bank", reference.bank_items("2pl", "2PL"))
            client.test_put({"test": "test", "bank": "bank",
                             "stop": {"any": [{"rule": "length", "at": 150}]}})

    def answer(self, number, states, errors):
        """Answer until the daemon takes no more; keep the last acknowledged state."""
        with self.server.client(timeout=5, tries=1) as client:
            try:
                session = client.session_start("test", "e", session=f"s{number}")
                while session.item:
                    states[number] = state_of(session.state)
                    session.answer(score=session.seq % 2)
            except NoReply:
                pass
            except ThetadError as error:
                errors.append(error.code)

    def test_sigterm_loses_nothing(self):
        states, errors = {}, []
        threads = [threading.Thread(target=self.answer, args=(i, states, errors)) for i in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: sum(state["seq"] for state in states.copy().values()) > 40, "answers")
        self.server.stop()
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(errors), {"draining"})
        self.assertEqual(len(states), 4)
        self.server.start()
        with self.server.client() as client:
            for number, last in states.items():
                now = state_of(client.call("session.get", session=f"s{number}"))
                # The reply to the last answer may have been cut off; nothing before it may be.
                self.assertIn(now["seq"] - last["seq"], (0, 1))
                if now["seq"] == last["seq"]:
                    self.assertEqual(now, last)

    def test_sigint_is_an_orderly_end_too(self):
        self.server.process.send_signal(signal.SIGINT)
        self.server.wait_stopped()

    def test_idle_stop_is_quick(self):
        start = time.monotonic()
        self.server.stop()
        self.assertLess(time.monotonic() - start, 5)

    def test_second_daemon_on_the_same_store_is_refused(self):
        second = self.daemon()
        with open(second.config_path, encoding="utf-8") as file:
            text = file.read().replace(f"{second.folder}/data", f"{self.server.folder}/data")
        with open(second.config_path, "w", encoding="utf-8") as file:
            file.write(text)
        second.spawn()
        self.assertNotEqual(second.process.wait(WAIT_S), 0)
        self.assertIn(f"{self.server.folder}/data", second.log())
        with self.server.client() as client:
            self.assertTrue(client.ping()["ok"])


if __name__ == "__main__":
    unittest.main()
