# SPDX-License-Identifier: GPL-3.0-or-later
"""/metrics, /livez and /readyz of the real daemon."""

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest

from support import prometheus
from support.daemon import Daemon, free_port, program
from thetad import ThetadError

WAIT_S = 60
BANK = [{"id": f"secret-item-{i}", "model": "2PL", "a": 1.2, "b": (i - 9) / 4} for i in range(20)]
DISTRICT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "systemd",
                        "district")
WORDS = ("secret-item", "secret-bank", "secret-test", "secret-pupil", "secret-session", "local")


class TestMetrics(unittest.TestCase):
    def daemon(self, *settings):
        self.port = free_port()
        daemon = Daemon(settings=(f"[metrics] endpoint = http://127.0.0.1:{self.port}", *settings))
        self.addCleanup(daemon.close)
        return daemon.start()

    def get(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        with contextlib.closing(connection):
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8")

    def metrics(self):
        code, text = self.get("/metrics")
        self.assertEqual(code, 200)
        return prometheus.Metrics(text)

    def until(self, what, path):
        """Samples are taken twice a second."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            got = self.get(path)
            if what(*got):
                return got
            time.sleep(0.05)
        raise AssertionError(f"{path} stays {got}")

    def take_a_test(self, client):
        client.bank_upload("secret-bank", BANK)
        client.test_put({"test": "secret-test", "bank": "secret-bank",
                         "stop": {"any": [{"rule": "length", "at": 5}]}})
        session = client.session_start("secret-test", "secret-pupil", session="secret-session")
        while session.item:
            session.answer(score=1)
        with self.assertRaises(ThetadError):
            client.call("session.get", session="no-such")
        with self.assertRaises(ThetadError):
            client.call("no.such")

    def test_what_is_counted(self):
        with self.daemon().client() as client:
            self.take_a_test(client)
            stats = client.stats()
        self.until(lambda code, text: "thetad_answers_total 5\n" in text and
                   'op="none"' in text and 'op="stats"' in text, "/metrics")
        metrics = self.metrics()

        def replies(op, code):
            return metrics.value("thetad_requests_total", op=op, code=code)
        self.assertEqual(replies("session.answer", "ok"), 5)
        self.assertEqual(replies("session.start", "ok"), 1)
        self.assertEqual(replies("bank.publish", "ok"), 1, "counted when its helper is done")
        self.assertEqual(replies("session.get", "unknown_session"), 1)
        self.assertEqual(replies("none", "unknown_op"), 1)
        total = sum(value for (name, _), value in metrics.series.items()
                    if name == "thetad_requests_total")
        self.assertEqual(total, metrics.value("thetad_request_seconds_count"))
        errors = sum(value for (name, labels), value in metrics.series.items()
                     if name == "thetad_requests_total" and dict(labels)["code"] != "ok")
        self.assertEqual(errors, stats["counters"]["errors"])
        self.assertEqual(metrics.value("thetad_sessions_finished_total"), 1)
        self.assertEqual(metrics.value("thetad_commits_total"),
                         metrics.value("thetad_commit_seconds_count"))
        self.assertGreater(metrics.value("thetad_commit_seconds_sum"), 0)
        for name in ("process_resident_memory_bytes", "process_open_fds", "process_max_fds",
                     "process_cpu_seconds_total", "thetad_disk_free_bytes", "thetad_store_up"):
            self.assertGreater(metrics.value(name), 0, name)

    def test_nothing_about_students_or_items(self):
        with self.daemon().client() as client:
            self.take_a_test(client)
        _, text = self.until(lambda code, text: 'op="none"' in text, "/metrics")
        for word in WORDS:
            self.assertNotIn(word, text)

    def test_promtool(self):
        with self.daemon().client() as client:
            self.take_a_test(client)
        found = prometheus.promtool("check", "metrics", text=self.get("/metrics")[1])
        if found is None:
            self.skipTest("no promtool (package prometheus)")
        self.assertEqual(found, "")

    def test_alerts_and_dashboard_name_what_is_there(self):
        with self.daemon().client() as client:
            client.ping()
        _, text = self.until(lambda code, text: 'op="ping"' in text, "/metrics")
        known = prometheus.Metrics(text).names()
        for file in ("alerts.yml", "dashboard.json"):
            path = os.path.join(DISTRICT, file)
            with open(path, encoding="utf-8") as source:
                named = set(re.findall(r"\b(?:thetad|process)_[a-z_]+", source.read()))
            self.assertGreater(len(named), 5)
            self.assertLessEqual(named, known, file)
        found = prometheus.promtool("check", "rules", os.path.join(DISTRICT, "alerts.yml"))
        if found is None:
            self.skipTest("no promtool (package prometheus)")
        self.assertEqual(found, "")

    def test_the_dashboard_is_json(self):
        with open(os.path.join(DISTRICT, "dashboard.json"), encoding="utf-8") as file:
            panels = json.load(file)["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        shown = [target["expr"] for panel in panels for target in panel["targets"]]
        rules = [{"record": f"x{i}", "expr": text} for i, text in enumerate(shown)]
        self.assertGreater(len(rules), 5)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            found = prometheus.promtool("check", "rules", file.name)
        if found is None:
            self.skipTest("no promtool (package prometheus)")
        self.assertEqual(found, "")

    def test_ready_and_alive(self):
        daemon = self.daemon("[store] reserve_mib = 0")
        self.assertEqual(self.get("/readyz"), (200, "ok\n"))
        self.assertEqual(self.get("/livez"), (200, "ok\n"))
        self.assertEqual(self.get("/readyz", "HEAD")[0], 200)
        self.assertEqual(self.get("/readyz", "POST")[0], 405)
        self.assertEqual(self.get("/")[0], 404)
        self.assertEqual(self.get("/metrics/")[0], 404)
        daemon.close()

    def test_who_was_asked_to_drain_is_not_ready(self):
        daemon = self.daemon("[store] reserve_mib = 0")
        with daemon.client() as client:
            client.call("admin.drain")
            code, text = self.until(lambda code, text: code == 503, "/readyz")
            self.assertEqual(text, "draining\n")
            client.call("admin.drain", on=False)
            self.until(lambda code, text: code == 200, "/readyz")

    def test_a_full_disk_is_not_ready(self):
        self.daemon("[store] reserve_mib = 60000000")
        code, text = self.until(lambda code, text: code == 503, "/readyz")
        self.assertEqual(text, "the disk is nearly full\n")
        self.assertEqual(self.get("/livez")[0], 200)

    def test_slow_and_rude_readers_hold_up_nobody(self):
        daemon = self.daemon()
        rude = []
        for bytes_ in (b"", b"GET /metrics HTTP/1.1\r\n", b"\xff" * 9000, b"GET " + b"/" * 20000):
            for _ in range(8):
                with contextlib.suppress(OSError):
                    peer = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)
                    rude.append(peer)
                    peer.sendall(bytes_)
        with daemon.client() as client:
            for _ in range(50):
                client.ping()
        for peer in rude:
            peer.close()
        self.until(lambda code, text: code == 200, "/livez")

    def test_idle_connections_keep_out_nobody(self):
        """Far more of them than there are places, and none is given up by its owner."""
        self.daemon()
        idle = []
        self.addCleanup(lambda: [peer.close() for peer in idle])
        for i in range(300):
            idle.append(socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S))
            if i % 2:
                idle[-1].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
            if i % 20 == 19:
                self.assertEqual(self.get("/livez"), (200, "ok\n"))
        self.assertEqual(self.get("/readyz"), (200, "ok\n"))
        self.assertEqual(idle[0].recv(1), b"", "the oldest had to go")
        idle[-1].sendall(b"\r\n")
        self.assertIn(b"200 OK", idle[-1].recv(100), "the newest is still served")

    def test_loopback_only_unless_it_is_said(self):
        daemon = Daemon(settings=("[metrics] endpoint = http://0.0.0.0:9",))
        self.addCleanup(daemon.close)
        check = [program(), "--check-config", "--config", daemon.config_path]
        refused = subprocess.run(check, capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, os.EX_CONFIG)
        self.assertIn("metrics.endpoint", refused.stderr)
        self.assertIn("metrics.open", refused.stderr)
        daemon.settings = ("[metrics] endpoint = http://0.0.0.0:9", "[metrics] open = yes")
        daemon.write_config("info")
        allowed = subprocess.run(check, capture_output=True, text=True, check=False)
        self.assertEqual(allowed.returncode, 0, allowed.stderr)

    def test_a_taken_port_is_told(self):
        self.daemon()
        other = Daemon(settings=(f"[metrics] endpoint = http://127.0.0.1:{self.port}",))
        self.addCleanup(other.close)
        other.spawn()
        self.assertEqual(other.process.wait(60), os.EX_UNAVAILABLE)
        self.assertIn("metrics.endpoint", other.log())


if __name__ == "__main__":
    unittest.main()
