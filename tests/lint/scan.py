# SPDX-License-Identifier: GPL-3.0-or-later
"""Just enough of C to find its functions: comments and literals out, then braces matched."""

import re

NOISE = re.compile(
    r"""/\*.*?\*/ | //(?:\\\n|[^\n])* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.VERBOSE | re.DOTALL,
)
DIRECTIVE = re.compile(r"^[ \t]*\#(?:\\\n|[^\n])*", re.MULTILINE)


def blank(match):
    """The same number of lines and columns, with nothing on them; a literal keeps its quotes."""
    text = re.sub(r"[^\n]", " ", match.group())
    if match.group()[0] in "\"'":
        text = match.group()[0] + text[1:-1] + match.group()[0]
    return text


def c_code(text):
    """C source without comments, contents of literals and preprocessor lines, positions kept."""
    return DIRECTIVE.sub(blank, NOISE.sub(blank, text))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def split_outside(text, separator):
    """`text` cut at each separator that stands in no parentheses or brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def signature(head):
    """(name, parameters) where `head`, the text before a `{`, ends a function's signature."""
    head = head.rstrip()
    if not head.endswith(")"):
        return None
    depth = 0
    for at in range(len(head) - 1, -1, -1):
        depth += (head[at] == ")") - (head[at] == "(")
        if depth == 0:
            name = re.search(r"(\w+)\s*\Z", head[:at])
            return name and (name[1], split_outside(head[at + 1 : -1], ","))
    return None


def is_block(code, at):
    """Whether the `{` at `at` opens statements and not an initialiser or a compound literal."""
    before = code[max(0, at - 2000) : at].rstrip()
    if before.endswith((";", "{", "}", ":")) or re.search(r"\b(?:else|do)\Z", before):
        return True
    found = before.endswith(")") and signature(before)
    return bool(found) and found[0] != "return"  # `for (...) {`, and `HASH_ITER(...) {` too


def functions(code):
    """(name, parameters, first line, last line, deepest nesting, its line) of each function."""
    braces = []  # what each open brace is: "function", "block" or "other"
    start = 0  # where the present declaration begins
    current = None
    for match in re.finditer(r"[{};]", code):
        at, char = match.start(), match.group()
        if char == "{":
            found = signature(code[start:at]) if not braces else None
            if found:
                first = start + len(code[start:at]) - len(code[start:at].lstrip())
                current = [*found, line_of(code, first), 0, 0, line_of(code, at)]
            inside = current and "other" not in braces
            kind = "function" if found else "block" if inside and is_block(code, at) else "other"
            braces.append(kind)
            depth = braces.count("block")
            if current and depth > current[4]:
                current[4:] = [depth, line_of(code, at)]
        elif char == "}" and braces and braces.pop() == "function":
            current[3] = line_of(code, at)
            yield tuple(current)
            current = None
        if not braces:
            start = at + 1
