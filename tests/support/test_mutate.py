# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mutants are made of a piece of C."""

import unittest

from support.mutate import mutants_of

TEXT = """\
/* a < b in a comment */
static const int table[] = {1 + 2};

static int f(int a, int b)
{
    static int n = 1 + 2;
    const char *text = "a < b";

    if (a < b && b != 3) return a + 1;  // a < b
    assert(a < b);
    g(a, b);
    a = b;
    return 7;
}
"""


class Mutants(unittest.TestCase):
    def test_of_every_kind(self):
        self.assertEqual([mutant[1].strip() for mutant in mutants_of(TEXT)], [
            "if (!(a < b && b != 3)) return a + 1;",
            "if (a <= b && b != 3) return a + 1;",
            "if (a < b && b == 3) return a + 1;",
            "if (a < b || b != 3) return a + 1;",
            "if (a < b && b != 3) return a - 1;",
            ";", ";"])

    def test_a_line_keeps_its_place(self):
        lines = TEXT.split("\n")
        for i, _, _ in mutants_of(TEXT):
            self.assertRegex(lines[i], "if|g|a = b")


if __name__ == "__main__":
    unittest.main()
