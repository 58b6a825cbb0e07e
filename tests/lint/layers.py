#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folder may include which, no include cycles, licences, and every source named in CMake.

    base < num < irt < estimate < {select, content, calibrate, report} < session
         < store < server < tools

A folder of engine/ includes itself and folders before it; the four in braces never include each
other. proto/ includes base only and is open from store upward. Clients include proto, base and the
C client; clients/cli the whole engine but the server. bench and tests include anything.
"""

import re
from pathlib import PurePosixPath

import scan
import tree

RANK = {
    "base": 0,
    "num": 1,
    "irt": 2,
    "estimate": 3,
    "select": 4,
    "content": 4,
    "calibrate": 4,
    "report": 4,
    "session": 5,
    "store": 6,
    "server": 7,
    "tools": 8,
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
LIBRARY_HOME = {"gsl/": "engine/num", "lmdb.h": "engine/store"}

SPDX = re.compile(r"SPDX-License-Identifier: (\S+)")
SOURCE_NAMES = {"CMakeLists.txt", "run", "thetad.conf"}
SOURCE_SUFFIXES = {".c", ".h", ".py", ".sh", ".js", ".service", ".socket", ".cmake"}


def room(path):
    """The unit that the rules speak of: engine/irt, proto, clients/cli, bench, tests."""
    parts = PurePosixPath(path).parts
    return "/".join(parts[:2]) if parts[0] in ("engine", "clients") else parts[0]


def may_include(user, used):
    if user == used or user in ("bench", "tests"):
        return used != "tests" or user == "tests"
    engine = used.startswith("engine/")
    if user == "proto":
        return used == "engine/base"
    if user.startswith("engine/"):
        floor = RANK[user[7:]]
        return (engine and RANK[used[7:]] < floor) or (used == "proto" and floor >= RANK["store"])
    if used in ("proto", "engine/base", "clients/c"):
        return True
    return user == "clients/cli" and engine and used != "engine/server"


def resolve(root, path, name):
    """The file that #include "name" in `path` takes: its own folder first, then -I's order."""
    for base in (path.parent, root / "engine", root):
        target = (base / name).resolve()
        if target.is_file() and target.is_relative_to(root):
            return target
    return None


def check_library(root, path, line, name):
    for prefix, home in LIBRARY_HOME.items():
        where = room(path.relative_to(root))
        if name.startswith(prefix) and where not in (home, "tests", "bench"):
            yield path, line, f"<{name}> is used in {home} only"


def check_includes(root, graph):
    for path in tree.c_files(root):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            line = scan.line_of(text, match.start())
            if match[1] == "<":
                yield from check_library(root, path, line, match[2])
                continue
            target = resolve(root, path, match[2])
            if not target:
                yield path, line, f'"{match[2]}" is not in the tree'
                continue
            used = target.relative_to(root).as_posix()
            graph.setdefault(name, []).append(used)
            if not may_include(room(name), room(used)):
                yield path, line, f"{room(name)} must not include {used}"


def check_cycles(root, graph):
    """Depth first; a header met while it is still open closes a cycle."""
    state = {}

    def visit(name, trail):
        state[name] = "open"
        for used in graph.get(name, []):
            if state.get(used) == "open":
                yield root / name, 1, "include cycle: " + " > ".join(trail + [name, used])
            elif used not in state:
                yield from visit(used, trail + [name])
        state[name] = "done"

    for name in sorted(graph):
        if name not in state:
            yield from visit(name, [])


def licence(name):
    where = room(name)
    if where in ("engine/base", "proto") or (where[:8] == "clients/" and where != "clients/cli"):
        return "Apache-2.0"
    return "GPL-3.0-or-later"


def check_licences(root):
    for path in tree.files(root):
        if path.name not in SOURCE_NAMES and path.suffix not in SOURCE_SUFFIXES:
            continue
        head = path.read_text(encoding="utf-8").splitlines()[:2]
        at = 1 if head and head[0].startswith("#!") else 0
        found = SPDX.search(head[at]) if at < len(head) else None
        want = licence(path.relative_to(root).as_posix())
        if not found:
            yield path, at + 1, "no SPDX line at the top"
        elif found[1] != want:
            yield path, at + 1, f"the licence of this folder is {want}"


def cmake_names(root, path, text):
    """Every path named in a CMakeLists.txt, as a path from the root."""
    for word in re.findall(r'[^\s()"]+\.c\b', text):
        base = path.parent
        if word.startswith("${"):
            variable, _, word = word[2:].partition("}/")
            base = root if variable in ("PROJECT_SOURCE_DIR", "CMAKE_SOURCE_DIR") else base
        yield (base / word).resolve()


def check_cmake(root):
    named = set()
    for path in tree.files(root):
        if path.name != "CMakeLists.txt" and path.suffix != ".cmake":
            continue
        text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
        named.update(cmake_names(root, path, text))
        for match in re.finditer(r"\bGLOB(_RECURSE)?\b", text):
            yield path, scan.line_of(text, match.start()), "sources are listed by name, no GLOB"
    for path in tree.c_files(root):
        if path.suffix == ".c" and path not in named:
            yield path, 1, "named in no CMakeLists.txt"


def check(root):
    root = root.resolve()
    graph = {}
    yield from check_includes(root, graph)
    yield from check_cycles(root, graph)
    yield from check_licences(root)
    yield from check_cmake(root)


APACHE = "/* SPDX-License-Identifier: Apache-2.0 */\n"
GPL = "/* SPDX-License-Identifier: GPL-3.0-or-later */\n"
CMAKE = "# SPDX-License-Identifier: GPL-3.0-or-later\nadd_library(core STATIC\n  irt/bank.c)\n"
CLEAN = {
    "engine/CMakeLists.txt": CMAKE,
    "engine/base/slice.h": APACHE,
    "engine/irt/bank.h": GPL + '#include "base/slice.h"\n',
    "engine/irt/bank.c": GPL + '#include "bank.h"\n',
    "engine/select/pick.h": GPL + '#include "irt/bank.h"\n',
    "engine/content/plan.h": GPL + '#include "irt/bank.h"\n',
    "engine/server/loop.h": GPL + '#include "proto/reader.h"\n#include "select/pick.h"\n',
    "proto/reader.h": APACHE + '#include "base/slice.h"\n',
    "clients/c/thetad.h": APACHE + '#include "proto/reader.h"\n',
    "clients/cli/cli.h": GPL + '#include "irt/bank.h"\n#include "clients/c/thetad.h"\n',
    "run": "#!/bin/bash\n# SPDX-License-Identifier: GPL-3.0-or-later\n",
}
VIOLATIONS = [
    ({"engine/base/up.h": APACHE + '#include "irt/bank.h"\n'}, "engine/base must not include"),
    ({"engine/select/side.h": GPL + '#include "content/plan.h"\n'}, "engine/select must not"),
    ({"engine/irt/wire.h": GPL + '#include "proto/reader.h"\n'}, "engine/irt must not include"),
    ({"proto/writer.h": APACHE + '#include "irt/bank.h"\n'}, "proto must not include"),
    ({"clients/c/deep.h": APACHE + '# include "irt/bank.h"\n'}, "clients/c must not include"),
    ({"clients/cli/in.h": GPL + '#include "server/loop.h"\n'}, "clients/cli must not include"),
    ({"engine/irt/gone.h": GPL + '#include "irt/nothing.h"\n'}, "is not in the tree"),
    ({"engine/irt/sum.h": GPL + "#include <gsl/gsl_math.h>\n"}, "used in engine/num only"),
    ({"engine/base/slice.h": APACHE + '#include "base/b.h"\n',
      "engine/base/b.h": APACHE + '#include "base/slice.h"\n'}, "include cycle"),
    ({"engine/base/x.h": GPL}, "the licence of this folder is Apache-2.0"),
    ({"engine/irt/x.h": APACHE}, "the licence of this folder is GPL"),
    ({"engine/irt/x.h": "/* Nothing. */\n"}, "no SPDX line"),
    ({"run": "#!/bin/bash\n"}, "no SPDX line"),
    ({"engine/irt/lost.c": GPL}, "named in no CMakeLists.txt"),
    ({"engine/CMakeLists.txt": CMAKE + "file(GLOB all *.h)\n"}, "no GLOB"),
]

if __name__ == "__main__":
    tree.main(check, CLEAN, VIOLATIONS)
