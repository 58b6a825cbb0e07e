# SPDX-License-Identifier: GPL-3.0-or-later
"""hardening.py [--sanitized] PROGRAM...: how a program was built, as readelf tells it. It can be
loaded anywhere, what the loader has written is read-only from then on, and the stack holds no code;
without sanitizers its frames are guarded and the C library checks the sizes it is given."""

import shutil
import subprocess
import sys

SKIPPED = 77


def readelf(program, *options):
    return subprocess.run(["readelf", "--wide", *options, program], capture_output=True, text=True,
                          check=True).stdout


def faults(headers, dynamic, symbols, sanitized):
    """What is missing, of readelf's -hl, -d and --dyn-syms."""
    found = []
    if "Type:" not in headers or "DYN (" not in headers.split("Type:", 1)[1].splitlines()[0]:
        found.append("is loaded at a fixed place: no PIE")
    if "GNU_RELRO" not in headers:
        found.append("has no RELRO")
    if "BIND_NOW" not in dynamic and "NOW" not in dynamic.split("(FLAGS_1)")[-1]:
        found.append("is bound lazily")
    stack = [line for line in headers.splitlines() if "GNU_STACK" in line]
    if not stack or "E" in stack[0].split()[-2]:
        found.append("has a stack that may hold code")
    if sanitized:
        return found
    if "__stack_chk_fail" not in symbols:
        found.append("has no stack protector")
    if "_chk@" not in symbols.replace("__stack_chk", ""):
        found.append("has no fortified calls: _FORTIFY_SOURCE")
    return found


def self_test():
    headers = "Type: DYN (PIE)\n GNU_STACK 0x0 0x0 0x0 0x0 0x0 RW  0x10\n GNU_RELRO 0x0 R 0x1\n"
    dynamic, symbols = "(FLAGS) BIND_NOW", "__stack_chk_fail@GLIBC __memcpy_chk@GLIBC"
    good = (headers, dynamic, symbols, False)
    assert not faults(*good), faults(*good)
    for i, text, other in ((0, "DYN", "EXEC"), (0, "RELRO", "NOTE"), (0, "RW ", "RWE "),
                           (1, "BIND_NOW", "none"), (2, "__stack_chk_fail", "puts"),
                           (2, "memcpy_chk", "memcpy")):
        bad = list(good)
        bad[i] = bad[i].replace(text, other)
        assert len(faults(*bad)) == 1, (text, faults(*bad))
        assert len(faults(*bad[:3], True)) == (i < 2), text


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        self_test()
        return 0
    if not shutil.which("readelf"):
        print("readelf is not installed")
        return SKIPPED
    sanitized = arguments[0] == "--sanitized"
    n = 0
    for program in arguments[sanitized:]:
        for fault in faults(readelf(program, "-hl"), readelf(program, "-d"),
                            readelf(program, "--dyn-syms"), sanitized):
            print(f"{program}: {fault}")
            n += 1
    print(f"{n} found")
    return 1 if n else 0


if __name__ == "__main__":
    sys.exit(main())
