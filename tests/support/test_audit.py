# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of a district finds what it is there for."""

import unittest

from support.audit import KINDS, compare, counts

TOLD = [(1, "a", 1), (2, "b", 0), (3, "c", 1)]


def kept(*answers):
    return [{"seq": seq, "item": item, "response": response} for seq, item, response in answers]


class TestAudit(unittest.TestCase):
    def kinds(self, rows, maybe=()):
        return [text.split(":")[0] for text in compare(TOLD, kept(*rows), maybe)]

    def test_what_is_right(self):
        self.assertEqual(compare(TOLD, kept(*TOLD)), [])
        self.assertEqual(compare([], []), [])
        self.assertEqual(counts([]),
                         "lost 0, doubled 0, out of order 0, another 0, never sent 0")

    def test_what_was_not_acknowledged_may_be_there_or_not(self):
        self.assertEqual(self.kinds(TOLD, {(4, "d", 1)}), [])
        self.assertEqual(self.kinds([*TOLD, (4, "d", 1)], {(4, "d", 1)}), [])
        self.assertEqual(self.kinds([*TOLD, (4, "d", 0)], {(4, "d", 1)}), ["never sent"])
        self.assertEqual(self.kinds([*TOLD[:2], (3, "c", 0)], {(3, "c", 0)}), [])  # a revision

    def test_each_kind_is_found(self):
        for kind, rows in zip(KINDS, ([*TOLD[:2]], [*TOLD, (4, "c", 1)],
                                      [(1, "a", 1), (2, "c", 1), (3, "b", 0)],
                                      [(1, "a", 1), (2, "b", 1), (3, "c", 1)],
                                      [*TOLD, (4, "d", 1)])):
            found = self.kinds(rows)
            self.assertIn(kind, found)
            self.assertIn(f"{kind} 1", counts([f"s-1: {kind}: x"]))

    def test_a_gap(self):
        self.assertIn("lost", self.kinds([(1, "a", 1), (3, "c", 1)]))


if __name__ == "__main__":
    unittest.main()
