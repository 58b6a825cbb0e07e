#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real_systemd.sh runs in its container: thetad is installed there and systemd is process 1.
Prints a line for each thing that holds and, at the end, "all is well"."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from thetad import Client, NoReply, ThetadError

IPC = "/run/thetad/thetad.sock"
TCP = ("127.0.0.1", 7350)
STATE = "/var/lib/private/thetad"
CONFIG = Path("/etc/thetad/thetad.conf")
DROP_IN = Path("/etc/systemd/system/thetad.service.d/test.conf")
ITEMS = [{"id": f"q{i}", "model": "2PL", "a": 0.83 + 0.04 * i, "b": -1.617 + 0.11 * i,
          "options": ["x", "y"], "key": "x"} for i in range(30)]
HOME = "/srv/keys"
WAIT_S = 60
START = time.monotonic()


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    if check and done.returncode:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def systemctl(*arguments, **options):
    return run("systemctl", *arguments, **options)


def tell(text):
    print(f"{time.monotonic() - START:6.1f} s  {text}", flush=True)


def show(name, unit="thetad.service"):
    return systemctl("show", "--value", "--property", name, unit).strip()


def main_pid():
    return int(show("MainPID"))


def wait_for(condition, what):
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never: {what}\n{journal()}")
        time.sleep(0.05)


def journal():
    return run("journalctl", "--unit=thetad", "--no-pager", "--output=cat", check=False)


def local(**options):
    return Client(f"ipc://{IPC}", **options)


def drop_in(*lines):
    """More lines for the unit; none takes them away."""
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text("\n".join(("[Service]", *lines, "")), encoding="utf-8")
    systemctl("daemon-reload")


def answer(session, n):
    for _ in range(n):
        session.answer(session.item["options"][session.seq % 2])


def starts():
    systemctl("enable", "--now", "thetad.service")
    with local() as client:
        client.bank_upload("bank", ITEMS)
        client.test_put({"test": "test", "bank": "bank",
                         "stop": {"any": [{"rule": "length", "at": 12}]}})
        answer(client.session_start("test", "e1", session="s1"), 5)
    about = os.stat(IPC)
    assert oct(about.st_mode & 0o777) == "0o660", "the socket's mode"
    tell("enabled and started; a bank, a test and five answers through ipc")


def is_confined():
    pid = main_pid()
    status = dict(line.split(":", 1) for line in
                  Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
    status = {name: value.split() for name, value in status.items()}
    assert status["Seccomp"] == ["2"], status["Seccomp"]
    assert status["NoNewPrivs"] == ["1"]
    assert int(status["CapEff"][0], 16) == int(status["CapBnd"][0], 16) == 0
    uid, gid = status["Uid"][0], status["Gid"][0]
    assert uid != "0" and "0" not in status["Uid"]
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    assert re.search(r"Max core file size\s+0\s+0", limits), limits
    inside = ("nsenter", f"--target={pid}", "--mount", f"--setuid={uid}", f"--setgid={gid}")
    refused = [folder for folder in ("/", "/etc", "/etc/thetad", "/usr/bin", "/run", "/run/thetad",
                                     "/var/lib", "/var/cache", "/home", "/root", "/opt", "/srv")
               if subprocess.run((*inside, "touch", f"{folder}/planted"), check=False,
                                 stderr=subprocess.DEVNULL).returncode]
    assert len(refused) == 12, refused
    run(*inside, "touch", f"{STATE}/planted")
    os.remove(f"{STATE}/planted")
    written = run("find", "/", "-xdev", "-uid", uid, "-not", "-path", f"{STATE}*",
                  "-not", "-path", "/proc/*", "-not", "-path", "/tmp/systemd-private*",
                  "-not", "-path", "/var/tmp/systemd-private*").split()
    assert not written, written
    tell(f"seccomp mode 2, no capability, no core; user {uid} can write in {STATE} and in none of "
         f"{len(refused)} other folders, and has written nowhere else")


def knocks(end, refused, count):
    """Connect again and again, to both sockets."""
    while not end.is_set():
        for family, address in ((socket.AF_UNIX, IPC), (socket.AF_INET, TCP)):
            with socket.socket(family) as knock:
                try:
                    knock.connect(address)
                    count.append(1)
                except OSError as error:
                    refused.append(error)
        time.sleep(0.002)


def restarts():
    end, refused, count = threading.Event(), [], []
    thread = threading.Thread(target=knocks, args=(end, refused, count))
    thread.start()
    for _ in range(3):
        systemctl("restart", "thetad.service")
    end.set()
    thread.join()
    assert not refused, f"{len(refused)} of {len(count)}: {refused[0]}"
    assert journal().count("by=systemd") == 8, "both sockets, four starts"
    with local() as client:
        assert client.session("s1").seq == 6
    tell(f"3 restarts: {len(count)} connections meanwhile, none refused; the session is there")


def wait_restarted(n_before, pid):
    wait_for(lambda: int(show("NRestarts")) > n_before and main_pid() not in (0, pid)
             and show("ActiveState") == "active", "started again")


def hangs():
    drop_in("WatchdogSec=4", "RestartSec=100ms")
    systemctl("restart", "thetad.service")
    n_before, pid = int(show("NRestarts")), main_pid()
    time.sleep(6)
    assert main_pid() == pid, "fed while it is well"
    os.kill(pid, signal.SIGSTOP)
    start = time.monotonic()
    wait_restarted(n_before, pid)
    assert "Watchdog timeout" in journal()
    with local() as client:
        answer(client.session("s1"), 1)
    tell(f"SIGSTOP: killed by the watchdog (4 s) and serving again after "
         f"{time.monotonic() - start:.1f} s; the session goes on")


def has_a_stuck_thread():
    drop_in("WatchdogSec=4", "RestartSec=100ms", 'Environment="THETA_PLANTED=helper stuck"',
            "ExecStart=", "ExecStart=/opt/stuck/thetad --config /etc/thetad/thetad.conf")
    systemctl("restart", "thetad.service")
    n_before, pid = int(show("NRestarts")), main_pid()
    start = time.monotonic()
    with local(timeout=1, tries=1) as client:
        with contextlib.suppress(NoReply):
            client.irt_curve([0.5], items=ITEMS[:1])
        client.ping()  # the loop is well
    wait_restarted(n_before, pid)
    assert 'msg="a thread is stuck" thread=helper' in journal()
    tell(f"a helper that is stuck: killed by the watchdog after {time.monotonic() - start:.1f} s")
    drop_in()
    systemctl("restart", "thetad.service")


def keygen(*arguments):
    return run("theta", "keygen", *arguments)


def has_keys():
    os.makedirs("/etc/thetad/keys")
    os.makedirs("/etc/credstore", mode=0o700, exist_ok=True)
    os.makedirs(HOME, mode=0o700)
    os.chdir(HOME)
    keygen("server", "--out", "thetad.key")
    os.rename("thetad.key_secret", "/etc/credstore/thetad.key_secret")
    for name in ("quiz", "late"):
        keygen("client", "--name", name, "--role", "frontend", "--tenant", "local", "--out",
               f"{name}.key")
    run("cp", "quiz.key", "/etc/thetad/keys/")
    text = CONFIG.read_text(encoding="utf-8")
    text = text.replace("server_key =\n", "server_key = thetad.key_secret\n")
    text = text.replace("keys =\n", "keys = /etc/thetad/keys\n")
    text = re.sub(r"(?m)^roles = frontend$", "", text)
    CONFIG.write_text(text, encoding="utf-8")
    systemctl("restart", "thetad.service")
    with client_of("quiz") as client:
        session = client.session_start("test", "e2", session="s2")
        answer(session, 12)
        assert session.result
    assert not knows("late")
    tell("a test through CURVE, the daemon's key being a credential; another key is refused")
    run("cp", "late.key", "/etc/thetad/keys/")
    os.remove("/etc/thetad/keys/quiz.key")
    pid = main_pid()
    systemctl("reload", "thetad.service")
    wait_for(lambda: knows("late"), "the new key works")
    assert not knows("quiz") and main_pid() == pid
    tell("reload: the new key works, the one that is gone does not")


def client_of(name, **options):
    return Client(f"tcp://{TCP[0]}:{TCP[1]}", server_key=f"{HOME}/thetad.key",
                  key=f"{HOME}/{name}.key_secret", **options)


def knows(name):
    with client_of(name, timeout=1, tries=1) as client:
        try:
            client.ping()
            return True
        except (NoReply, ThetadError):
            return False


def refuses_bad_configuration():
    text = CONFIG.read_text(encoding="utf-8")
    CONFIG.write_text(text + "\nnonsense = 1\n", encoding="utf-8")
    systemctl("reload", "thetad.service", check=False)
    with local() as client:
        client.ping()
    run("systemctl", "restart", "thetad.service", check=False)
    assert show("ExecMainStatus") == "78", show("ExecMainStatus")
    time.sleep(3)
    assert show("ActiveState") == "failed" and "nonsense" in journal()
    CONFIG.write_text(text, encoding="utf-8")
    systemctl("reset-failed", "thetad.service")
    systemctl("restart", "thetad.socket", "thetad.service")
    with local() as client:
        assert client.session("s1").seq == 7
    tell("a bad configuration: the reload fails and changes nothing, a start ends with 78 and is "
         "not tried again")


def stops():
    start = time.monotonic()
    systemctl("stop", "thetad.socket", "thetad.service")
    seconds = time.monotonic() - start
    assert show("Result") == "success" and show("ActiveState") == "inactive"
    assert not os.path.exists(IPC)
    cores = [*Path("/").glob("core*"), *Path("/var/lib/systemd/coredump").glob("*")]
    assert not cores, cores
    tell(f"stopped in {seconds:.1f} s; the sockets are gone, no core is left")


def main():
    run("systemd-sysusers")
    tell(run("systemctl", "--version").splitlines()[0])
    starts()
    is_confined()
    restarts()
    hangs()
    has_a_stuck_thread()
    has_keys()
    refuses_bad_configuration()
    stops()
    run("theta", "verify", STATE)
    print("all is well", flush=True)


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        print(journal(), flush=True)
        raise
    sys.exit(0)
