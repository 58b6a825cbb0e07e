#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a newcomer would stumble over: paths of one machine, dead links, a lost first step."""

import re
from urllib.parse import unquote

import tree

MACHINE_PATH = re.compile(
    r"(?:^|[^\w.~-])(/(?:work|home|root|Users)/\w|/tmp/bash_[j]obs)", re.MULTILINE
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#")
FIRST_STEPS = ("./run demo", "./run test")


def check_paths(path, text):
    for match in MACHINE_PATH.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        yield path, line, f"a path of one machine: {match[1]}"


def check_links(path, text):
    prose = CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for match in LINK.finditer(prose):
        if ELSEWHERE.match(match[1]):
            continue
        target = path.parent / unquote(match[1].split("#")[0])
        if not target.exists():
            line = prose.count("\n", 0, match.start()) + 1
            yield path, line, f"a link that leads nowhere: {match[1]}"


def check(root):
    for path in tree.files(root):
        text = tree.read(path)
        yield from check_paths(path, text)
        if path.suffix == ".md":
            yield from check_links(path, text)
    readme = root / "README.md"
    text = tree.read(readme) if readme.is_file() else ""
    for step in FIRST_STEPS:
        if step not in text:
            yield readme, 1, f"does not name {step}"


README = "Say `./run demo`, then ./run test. [Here](engine/a.c), [there](https://a.org/home/b).\n"
CLEAN = {
    "README.md": README + "`[no](link)` [up](#top) ![picture](engine/a.c#L1) ~/home/me\n",
    "engine/a.c": '"https://example.org/home/me" "lib/work/x" "/proc/self" "/var/lib/thetad"\n',
}
VIOLATIONS = [
    ({"README.md": "./run test\n"}, "does not name ./run demo"),
    ({"README.md": "./run demo\n"}, "does not name ./run test"),
    ({"README.md": README + "\n[gone](docs/gone.md)\n"}, "a link that leads nowhere: docs/gone.md"),
    ({"engine/a.c": '"/' + 'work/main"\n'}, "a path of one machine"),
    ({"engine/a.c": "// /" + "home/me\n"}, "a path of one machine"),
    ({"engine/a.sh": "cd /" + "root/x\n"}, "a path of one machine"),
    ({"engine/a.sh": "/tmp" + "/bash_jobs.0/1\n"}, "a path of one machine"),
]

if __name__ == "__main__":
    tree.main(check, CLEAN, VIOLATIONS)
