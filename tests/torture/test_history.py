# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of histories finds each of the faults planted here, and takes what is right."""

import unittest

from torture.history import Call, violations


def asking(seq, item=None):
    return {"seq": seq, "state": "asking", "item": {"id": item or f"q{seq}"}}


FINISHED = {"seq": 2, "state": "finished"}


def answer(client, start, end, seq, response, told):
    """`told` is a state, the code of an error, or None where no reply came."""
    call = Call(client, "answer", start, end, seq=seq, item=f"q{seq}", response=response)
    if isinstance(told, dict):
        call.state = told
    else:
        call.error = told
    return call


def get(client, start, end, state):
    return Call(client, "get", start, end, state=state)


GOOD = [
    get("a", 0, 1, asking(1)),
    answer("a", 2, 4, 1, 1, asking(2)),
    answer("b", 2, 5, 1, 0, "conflict"),
    answer("b", 3, 6, 1, 1, asking(2)),
    answer("a", 7, None, 2, 0, None),
    get("b", 8, 9, asking(2)),
    answer("b", 10, 11, 2, 1, "conflict"),
    answer("a", 12, 13, 2, 0, FINISHED),
    answer("b", 14, 15, 1, 1, "stale_seq"),
    get("b", 16, 17, FINISHED),
]


class TestHistory(unittest.TestCase):
    def found(self, calls, text):
        texts = violations(calls)
        self.assertTrue(any(text in one for one in texts), texts)

    def test_what_is_right(self):
        self.assertEqual(violations(GOOD), [])
        for n in range(len(GOOD)):
            self.assertEqual(violations(GOOD[:n]), [])

    def test_a_lost_answer(self):
        self.found(GOOD + [get("a", 18, 19, asking(2))], "went back")
        self.found([answer("a", 0, 1, 1, 1, asking(2)), get("b", 2, 3, asking(1))], "went back")

    def test_two_answers_taken(self):
        self.found([answer("a", 0, 1, 1, 1, asking(2)), answer("b", 0, 2, 1, 0, asking(2))],
                   "two answers were taken")

    def test_two_replies(self):
        self.found([answer("a", 0, 1, 1, 1, asking(2, "q8")),
                    answer("a", 2, 3, 1, 1, asking(2, "q9"))], "two replies")

    def test_an_item_twice(self):
        self.found([get("a", 0, 1, asking(1, "q7")), answer("a", 2, 3, 1, 1, asking(2, "q7"))],
                   "was asked as")

    def test_a_move_that_nobody_made(self):
        self.found([get("a", 0, 1, asking(1)), get("a", 2, 3, asking(2))], "nobody answered")
        self.found([answer("a", 0, 1, 1, 1, asking(3))], "leads to the next")

    def test_a_refusal_without_a_reason(self):
        self.found([answer("a", 0, 1, 1, 1, asking(2)), answer("a", 2, 3, 1, 1, "conflict")],
                   "nothing to conflict with")
        self.found([get("a", 0, 1, asking(1)), answer("a", 2, 3, 1, 1, "stale_seq")], "not stale")

    def test_no_reply_may_mean_anything(self):
        lost = answer("a", 0, None, 1, 1, None)
        self.assertEqual(violations([lost, get("b", 1, 2, asking(1)), get("b", 3, 4, asking(2))]),
                         [])


if __name__ == "__main__":
    unittest.main()
