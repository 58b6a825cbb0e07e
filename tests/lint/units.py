#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd takes the units and finds their exposure small; thetad.conf names every key."""

import configparser
import re
import shutil
import subprocess
import tempfile

import tree

EXPOSURE = 15  # tenths, of systemd-analyze security: 1.5 is one step from the best in Debian


def analyze(*arguments):
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def copies(units, scratch):
    """Copies whose programs exist: the daemon is not installed while it is built."""
    for path in units:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", text, flags=re.MULTILINE)
        copy = tree.Path(scratch) / path.name
        copy.write_text(text, encoding="utf-8")
        yield path, copy


def check_units(units):
    """They name each other, so they are read together."""
    with tempfile.TemporaryDirectory() as scratch:
        pairs = list(copies(units, scratch))
        run = analyze("verify", "--man=no", *(str(copy) for _, copy in pairs))
        faults = run.stderr.strip().replace(scratch, "systemd")
        if run.returncode or faults:
            yield units[0], 1, faults or f"systemd-analyze verify ends with {run.returncode}"
        for path, copy in pairs:
            if path.suffix != ".service":
                continue
            run = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", str(copy))
            if run.returncode:
                verdict = (run.stdout + run.stderr).strip().splitlines()[-1]
                yield path, 1, f"too exposed: {verdict}"


def check_config(root):
    """The example names exactly the keys that the daemon's reader knows."""
    example = root / "systemd/thetad.conf"
    reader = configparser.ConfigParser()
    reader.read(example, encoding="utf-8")
    shown = {(section, key) for section in reader.sections() for key in reader[section]}
    code = (root / "engine/server/config.c").read_text(encoding="utf-8")
    known = set(re.findall(r'\bis\(setting, "(\w+)", "(\w+)"\)', code))
    for section, key in sorted(shown ^ known):
        what = "is not shown" if (section, key) in known else "is no key of the daemon"
        yield example, 1, f"{section}.{key} {what}"


def check(root):
    yield from check_config(root)
    if not why_not():
        yield from check_units([path for path in tree.files(root, "systemd")
                                if path.suffix in (".service", ".socket")])


def why_not():
    """Why units cannot be checked here, or None."""
    if not shutil.which("systemd-analyze"):
        return "systemd-analyze is not installed, the units were not checked"
    if "--offline" not in analyze("--help").stdout:
        return "systemd-analyze is older than 250, the units were not checked"
    return None


UNITS = tree.Path(__file__).parents[2] / "systemd"
TIGHT = (UNITS / "thetad.service").read_text(encoding="utf-8")
SOCKET = (UNITS / "thetad.socket").read_text(encoding="utf-8")
CLEAN = {
    "systemd/thetad.service": TIGHT,
    "systemd/thetad.socket": SOCKET,
    "systemd/thetad.conf": "# A comment.\n[ipc]\nroles = all\n[tcp]\nroles =\n",
    "engine/server/config.c": 'is(setting, "ipc", "roles") is(setting, "tcp", "roles")',
}
VIOLATIONS = [
    ({"systemd/thetad.conf": "[ipc]\nroles = all\n"}, "tcp.roles is not shown"),
    ({"engine/server/config.c": 'is(setting, "ipc", "roles")'}, "tcp.roles is no key"),
]
UNIT_VIOLATIONS = [
    ({"systemd/thetad.service": "[Service]\nExecStart=/usr/bin/a\n"}, "too exposed"),
    ({"systemd/thetad.service": TIGHT.replace("UMask=", "Unmask=")}, "Unknown key"),
    ({"systemd/thetad.service": TIGHT.replace("=notify", "=notice")},
     "Failed to parse service type"),
    ({"systemd/thetad.socket": SOCKET.replace("RemoveOnStop", "RemoveOnStopp")}, "Unknown key"),
]

if __name__ == "__main__":
    tree.main(check, CLEAN, VIOLATIONS + ([] if why_not() else UNIT_VIOLATIONS), why_not())
