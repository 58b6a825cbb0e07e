#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual pages are well formed and say neither less nor more than the programs: theta(1) every
command and its options, thetad(8) every option and the exit codes after which systemd does not
start it again, thetad.conf(5) every key. The ops and error codes of thetad-protocol(7) are held
against the daemon's table by tests/unit/server/test_manual.c."""

import os
import re
import shutil
import subprocess
import sys

import tree

MANUAL = "systemd/man"
NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0", "LC_ALL": "C.UTF-8"}
COMMAND = re.compile(r"^  theta ([a-z]+(?: [a-z]+)?)(?:  | [\[A-Z]|$)", re.MULTILINE)
OPTION = re.compile(r"^ +(?:-\S, )?--([A-Za-z-]+)", re.MULTILINE)
KEY = re.compile(r'\bis\(setting, "(\w+)", "(\w+)"\)')


def differ(path, what, shown, known):
    for name in sorted(shown ^ known):
        how = "is not described" if name in known else "is described, and is not there"
        yield path, 1, f"{what} {name} {how}"


def items(text, macro):
    return re.findall(rf"^\.It {macro} (.*)$", text, re.MULTILINE)


def options_of(text):
    """The long options that are items of a list."""
    return {name for item in items(text, "Fl")
            for name in re.findall(r"(?:^|Fl )-([A-Za-z-]+)", item)}


def parts_of(text):
    """The text of each command, by its name; "" is what comes before them."""
    head, *parts = re.split(r"^\.It Ic ", text, flags=re.MULTILINE)
    found = {"": head}
    for part in parts:
        name = re.split(r" (?:Op )?Ar ", part.split("\n", 1)[0])[0]
        found[name] = part
    return found


def check_theta(root, help_of):
    path = root / MANUAL / "theta.1"
    parts = parts_of(tree.read(path))
    main = help_of(["theta"])
    commands = set(COMMAND.findall(main))
    common = set(OPTION.findall(main))
    yield from differ(path, "the command", parts.keys() - {""}, commands)
    yield from differ(path, "the option", options_of(parts[""]), common)
    for name in sorted(commands & parts.keys()):
        options = set(OPTION.findall(help_of(["theta", *name.split()]))) - common
        yield from differ(path, f"{name}: the option", options_of(parts[name]), options)


def check_thetad(root, help_of):
    path = root / MANUAL / "thetad.8"
    known = set(OPTION.findall(help_of(["thetad"])))
    yield from differ(path, "the option", options_of(tree.read(path)), known)


def check_exits(root):
    unit = root / "systemd/thetad.service"
    manual = tree.read(root / MANUAL / "thetad.8")
    known = set(re.findall(r"^\.It ([0-9]+)$", manual, re.MULTILINE))
    named = re.search(r"^RestartPreventExitStatus=(.*)$", tree.read(unit), re.MULTILINE)
    for code in sorted(set(named[1].split()) - known):
        yield unit, 1, f"the exit code {code} is not one of thetad(8)"


def check_config(root):
    path = root / MANUAL / "thetad.conf.5"
    shown = set()
    for section in re.split(r"^\.Ss ", tree.read(path), flags=re.MULTILINE)[1:]:
        name = re.match(r"\[(\w+)\]", section)[1]
        shown |= {f"{name}.{key}" for key in items(section, "Cm")}
    known = {".".join(key) for key in KEY.findall(tree.read(root / "engine/server/config.c"))}
    yield from differ(path, "the key", shown, known)


def check_form(root):
    """The formatter's own complaints."""
    for path in tree.files(root, MANUAL):
        run = subprocess.run([*FORMATTER, str(path)], capture_output=True, text=True, check=False)
        for line in (run.stdout + run.stderr).splitlines():
            if "date in the future" not in line:  # it is the machine's that is in the past
                yield path, 1, line.split(path.name, 1)[-1].strip(": ")


def formatter():
    if shutil.which("mandoc"):
        return ["mandoc", "-T", "lint", "-W", "warning"]
    if shutil.which("groff"):
        return ["groff", "-mdoc", "-Tutf8", "-ww", "-z"]
    return None


FORMATTER = formatter()
NO_FORMATTER = None if FORMATTER else "neither mandoc nor groff is there: the form is unchecked"


def check(root, help_of):
    yield from check_theta(root, help_of)
    yield from check_thetad(root, help_of)
    yield from check_exits(root)
    yield from check_config(root)
    if FORMATTER:
        yield from check_form(root)


def page(title, *lines):
    name = title.split()[0].lower()
    head = f".Dd January 1, 2020\n.Dt {title}\n.Os\n.Sh NAME\n.Nm {name}\n.Nd a page\n"
    return head + ".Sh DESCRIPTION\n.Bl -tag -width Ds\n" + "\n".join(lines) + "\n.El\n"


THETA = (".It Fl -json\nA.", ".It Ic bank list\nB.", ".It Ic verify Op Ar folder\nC.",
         ".Bl -tag -width Ds\n.It Fl -head Ns = Ns Ar x\nD.\n.El")
HELP = {
    "theta": "  theta bank list       The banks\n  theta verify [STORE]  All\n  --json     Print\n",
    "theta bank list": "      --json     Print\n",
    "theta verify": "      --head=X   A head\n      --json     Print\n",
    "thetad": "  -c, --config=FILE   Read\n",
}
CONFIG = page("THETAD.CONF 5", ".It x\nA.\n.El\n.Ss [ipc]\n.Bl -tag -width Ds\n.It Cm roles\nB.")
CLEAN = {
    f"{MANUAL}/theta.1": page("THETA 1", *THETA),
    f"{MANUAL}/thetad.8": page("THETAD 8", ".It Fl c , Fl -config Ns = Ns Ar file\nA.",
                               ".It 65\nB."),
    f"{MANUAL}/thetad.conf.5": CONFIG,
    "engine/server/config.c": 'is(setting, "ipc", "roles")',
    "systemd/thetad.service": "RestartPreventExitStatus=65\n",
}
VIOLATIONS = [
    ({f"{MANUAL}/theta.1": page("THETA 1", THETA[0], *THETA[2:])}, "bank list is not described"),
    ({f"{MANUAL}/theta.1": page("THETA 1", *THETA[:3])}, "verify: the option head is not"),
    ({f"{MANUAL}/theta.1": page("THETA 1", *THETA[1:])}, "the option json is not described"),
    ({f"{MANUAL}/theta.1": page("THETA 1", *THETA, ".It Ic fly\nE.")}, "fly is described, and"),
    ({f"{MANUAL}/thetad.8": page("THETAD 8", ".It 65\nA.")}, "config is not described"),
    ({"systemd/thetad.service": "RestartPreventExitStatus=65 66\n"}, "code 66 is not one of"),
    ({f"{MANUAL}/thetad.conf.5": CONFIG.replace("roles", "rolls"),
      "engine/server/config.c": ""}, "ipc.rolls is described"),
    ({"engine/server/config.c": 'is(setting, "ipc", "roles") is(setting, "tcp", "roles")'},
     "tcp.roles is not described"),
]
FORM_VIOLATIONS = [({f"{MANUAL}/thetad.8": CLEAN[f"{MANUAL}/thetad.8"] + ".El\n"}, "El")]


def main():
    if sys.argv[1:] == ["--self-test"]:
        violations = VIOLATIONS + (FORM_VIOLATIONS if FORMATTER else [])
        tree.self_test(lambda root: check(root, lambda words: HELP[" ".join(words)]), CLEAN,
                       violations)
        return
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} ROOT THETA THETAD | --self-test")
    programs = {"theta": sys.argv[2], "thetad": sys.argv[3]}

    def help_of(words):  # argp leaks a little as it ends the program
        return subprocess.run([programs[words[0]], *words[1:], "--help"], capture_output=True,
                              text=True, check=True, env={**os.environ, **NO_LEAKS}).stdout

    root = tree.Path(sys.argv[1]).resolve()
    tree.report(root, check(root, help_of))
    if NO_FORMATTER:
        tree.skip(NO_FORMATTER)


if __name__ == "__main__":
    main()
