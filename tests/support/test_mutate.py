# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mutants are made of a piece of C, which are drawn, and what is said of them."""

import collections
import pathlib
import tempfile
import types
import unittest
import unittest.mock

from support import mutate
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

    def test_a_choice_of_the_larger_has_no_tie(self):
        self.assertEqual(mutants_of("{\n    return x[q] > top ? x[q] : top;\n"), [])
        other = [mutant[1].strip() for mutant in mutants_of("{\n    return a < b ? a : 0;\n")]
        self.assertEqual(other, ["return a <= b ? a : 0;"])

    def test_a_line_keeps_its_place(self):
        lines = TEXT.split("\n")
        for i, _, _ in mutants_of(TEXT):
            self.assertRegex(lines[i], "if|g|a = b")


def tree_of(folder):
    for name in ("engine/num/a.c", "engine/num/b.c", "engine/irt/c.c"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT, encoding="utf-8")
    return types.SimpleNamespace(source=folder)


class Drawn(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = tree_of(pathlib.Path(scratch.name))

    def test_a_seed_has_them_again(self):
        both = ["engine/num", "engine/irt"]
        first = mutate.drawn(self.tree, both, 7, None)
        self.assertEqual(first, mutate.drawn(self.tree, both, 7, None))
        self.assertNotEqual(first, mutate.drawn(self.tree, both, 8, None))
        self.assertEqual(len(first), 3 * len(mutants_of(TEXT)))

    def test_a_folder_alone_has_the_same(self):
        both = mutate.drawn(self.tree, ["engine/num", "engine/irt"], 7, None)
        alone = mutate.drawn(self.tree, ["engine/num"], 7, None)
        self.assertEqual(alone, [mutant for mutant in both if "/num/" in mutant[0]])

    def test_of_one_line(self):
        line = mutate.drawn(self.tree, ["engine/num/a.c:12"], 7, None)
        self.assertEqual([mutant[0] for _, mutant in line], [11])

    def test_folders_take_turns(self):
        few = mutate.drawn(self.tree, ["engine/num", "engine/irt"], 7, 2)
        self.assertEqual([str(pathlib.PurePath(name).parent) for name, _ in few],
                         ["engine/num", "engine/irt"] * 2)


class Kept(unittest.TestCase):
    def test_what_tests_take_is_forgotten_with_their_data(self):
        """Also where the first run with the new ones ends before it has measured anything."""
        with tempfile.TemporaryDirectory() as scratch, \
                unittest.mock.patch.object(mutate, "quiet", return_value=True):
            folder = pathlib.Path(scratch)
            (folder / "unharmed.json").write_text('{"num": ["hash", 1.5, 2.5]}', encoding="utf-8")
            self.assertIn("num", mutate.Build(folder, folder, (), False).known)
            self.assertEqual(mutate.Build(folder, folder, (), True).known, {})
            self.assertEqual(mutate.Build(folder, folder, (), False).known, {})


class Judges(unittest.TestCase):
    def test_own_suite_comes_first(self):
        self.assertEqual(mutate.judges_of("engine/server/wait.c")[0], "server:wait/*")

    def test_some_files_have_one_more(self):
        for name in ("store/shared_uses", "store/pg", "server/district_lines", "server/past"):
            self.assertEqual(mutate.judges_of(f"engine/{name}.c")[-1], mutate.DISTRICT_JUDGE)
        self.assertEqual(mutate.judges_of("engine/server/metrics.c")[-1], mutate.METRICS_JUDGE)
        for name in ("store/env", "server/keeping_lmdb", "server/helper"):
            self.assertNotIn(mutate.DISTRICT_JUDGE, mutate.judges_of(f"engine/{name}.c"))


class Verdicts(unittest.TestCase):
    slow = ()

    def cpu_s(self, judge):
        return 1000 if judge in self.slow else 0.1

    def verdict(self, *of_judges):
        told = iter(of_judges)
        with tempfile.TemporaryDirectory() as scratch:
            tree = tree_of(pathlib.Path(scratch))
            tree.builds = 2 * [types.SimpleNamespace(is_ready=lambda judge: True, cpu_s=self.cpu_s,
                                                     judge=lambda judge: next(told, "same"))]
            found, _ = mutate.try_mutant(tree, "engine/num/a.c", mutants_of(TEXT)[0])
            self.assertEqual((tree.source / "engine/num/a.c").read_text(encoding="utf-8"), TEXT)
        return found

    def test_one_test_that_fails_is_enough(self):
        self.assertEqual(self.verdict("survived", "killed"), "killed")
        self.assertEqual(self.verdict(*8 * ["same", "survived"]), "survived")
        self.assertEqual(self.verdict(*4 * ["survived"], "same", "killed"), "killed")
        self.assertEqual(self.verdict("none"), "none")
        self.assertEqual(self.verdict("same", "same"), "same")

    def test_slow_ones_judge_the_quick_build_only(self):
        judges = mutate.judges_of("engine/num/a.c")
        self.slow = judges[:2]
        few = len(judges) - 2
        killed_last = [*len(judges) * ["survived"], *few * ["survived"], "killed"]
        self.assertEqual(self.verdict(*killed_last), "survived")
        self.assertEqual(self.verdict(*killed_last[1:]), "killed")
        self.slow = judges
        self.assertEqual(self.verdict(*killed_last), "survived")

    def test_what_cannot_be_told_apart_is_not_counted(self):
        count = collections.Counter(killed=19, survived=1, same=50, none=30)
        self.assertGreaterEqual(mutate.share(count), mutate.BAR)
        count["survived"] += 1
        self.assertLess(mutate.share(count), mutate.BAR)


if __name__ == "__main__":
    unittest.main()
