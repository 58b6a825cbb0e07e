# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a question was asked, who may see which item, and what stands beside a score."""

import collections
import os
import unittest

from support import reference
from support.daemon import DaemonTestCase

ITEMS = 60
TCALS = os.path.join(reference.PUBLISHED, "tcals.csv")


def item(n):
    """Items of two strands; the steep ones are to be shown to three sessions in ten."""
    a = 0.6 + 0.031 * (n * 7 % 60)
    return {"id": f"i{n}", "model": "3PL", "a": a, "b": -2.4 + 0.081 * (n * 11 % 60), "c": 0.17,
            "tags": {"strand": "odd" if n % 2 else "even"}, "rapid_ms": 1500,
            "exposure": 0.3 if a > 2.0 else 1.0}


class TestExplain(DaemonTestCase):
    def setUp(self):
        super().setUp()
        self.bank = self.id().rpartition(".")[2].replace("_", "-")  # a bank for each test
        self.client.bank_upload(self.bank, [item(n) for n in range(1, ITEMS + 1)])

    def sit(self, name, session=None, seed=5, elapsed_ms=None, **document):
        """A whole session with answers in turn; the items asked and the last state."""
        session = session or name
        self.client.test_put({"test": name, "bank": self.bank, "reveal": True, **document})
        state = self.client.call("session.start", test=name, examinee="e", session=session,
                                 seed=seed)
        asked = []
        while state["state"] == "asking":
            asked.append(state["item"]["id"])
            state = self.client.call("session.answer", session=session, seq=state["seq"],
                                     item=asked[-1], response=len(asked) % 2,
                                     elapsed_ms=elapsed_ms)
        return asked, state

    def parts(self, session, seq):
        why = self.client.call("session.explain", session=session, seq=seq)
        ids = [row[0] for row in why["items"]]
        self.assertEqual(sorted(ids), sorted(f"i{n}" for n in range(1, ITEMS + 1)))
        return why, collections.Counter(row[1] for row in why["items"])

    def test_enemies_and_sets(self):
        bank = self.bank + ".sets"
        self.client.bank_upload(bank, [{**item(n), "set": f"p{n % 12}",
                                        "enemies": [f"i{n % ITEMS + 1}"]}
                                       for n in range(1, ITEMS + 1)])
        asked, _ = self.sit("together", bank=bank, blueprint={"sets": "together"},
                            stop={"any": [{"rule": "length", "at": 9}]})
        numbers = [int(name[1:]) for name in asked]
        self.assertFalse([n for n in numbers if n % ITEMS + 1 in numbers], "enemies met")
        self.assertEqual([n % 12 for n in numbers], [numbers[0] % 12] * 5 + [numbers[5] % 12] * 4)
        for seq in range(2, 10):
            _, parts = self.parts("together", seq)
            self.assertEqual(parts["enemy"], 2 * (seq - 1))
            self.assertEqual(parts["given"], seq - 1)
            self.assertEqual(parts["other_set"] > 0, seq != 6, "nothing is left of the first set")

    def test_every_item_once_and_the_pick_first(self):
        asked, _ = self.sit("plain", select={"randomesque": 4},
                            stop={"any": [{"rule": "length", "at": 7}]})
        for seq, wanted in enumerate(asked, 1):
            why, parts = self.parts("plain", seq)
            self.assertEqual((why["item"], why["items"][0][:2]), (wanted, [wanted, "asked"]))
            self.assertEqual(parts, {"asked": 1, "drawn_from": 3, "given": seq - 1,
                                     "candidate": ITEMS - 3 - seq} if seq > 1 else
                             {"asked": 1, "drawn_from": 3, "candidate": ITEMS - 4})
            values = [row[2] for row in why["items"] if row[1] in ("drawn_from", "candidate")]
            self.assertEqual(values, sorted(values, reverse=True))
        with self.assertRaises(Exception) as caught:
            self.client.call("session.explain", session="plain", seq=8)
        self.assertEqual(caught.exception.code, "stale_seq")

    def test_values_are_those_of_irt_rank(self):
        asked, _ = self.sit("rank", stop={"any": [{"rule": "length", "at": 5}]})
        why, _ = self.parts("rank", 5)
        responses = [[id_, n % 2] for n, id_ in enumerate(asked[:4], 1)]
        ranked = self.client.call("irt.rank", bank=self.bank, responses=responses,
                                  top=ITEMS)["ranked"]
        self.assertEqual([row[0] for row in why["items"] if row[2] is not None],
                         [id_ for id_, _ in ranked])

    def test_groups_retired_and_start_items(self):
        targets = [{"value": "odd", "proportion": 0.5}, {"value": "even", "proportion": 0.5}]
        self.client.call("bank.retire", bank=self.bank, item="i60")
        asked, _ = self.sit("groups", start={"items": ["i9"]},
                            blueprint={"proportions": {"tag": "strand", "targets": targets}},
                            stop={"any": [{"rule": "length", "at": 4}]})
        why, parts = self.parts("groups", 1)
        self.assertEqual((asked[0], why["criterion"], parts["not_compared"]), ("i9", None, 58))
        why, parts = self.parts("groups", 2)
        self.assertEqual(why["group"], "even")
        self.assertEqual((parts["other_group"], parts["retired"], parts["given"]), (29, 1, 1))

    def test_explained_after_a_kill_and_from_the_archive(self):
        asked, _ = self.sit("again", stop={"any": [{"rule": "length", "at": 3}]})
        before = self.client.call("session.explain", session="again", seq=2)
        self.daemon.kill()
        self.daemon.start()
        after = self.client.call("session.explain", session="again", seq=2)
        self.assertEqual({**before, "id": 0}, {**after, "id": 0})
        self.assertEqual(after["item"], asked[1])

    def test_start_thetas(self):
        asked, _ = self.sit("thetas", start={"thetas": [-1.5, 1.5]},
                            stop={"any": [{"rule": "length", "at": 2}]})
        low = self.client.call("irt.rank", bank=self.bank, theta=-1.5, top=1)["ranked"][0][0]
        high = self.client.call("irt.rank", bank=self.bank, theta=1.5, top=1, exclude=[low])
        self.assertEqual(asked, [low, high["ranked"][0][0]])

    def test_sympson_hetter_keeps_items_rare(self):
        seen = collections.Counter()
        for n in range(150):
            asked, _ = self.sit("sh", session=f"s{n}", seed=n,
                                exposure={"rule": "sympson-hetter"},
                                stop={"any": [{"rule": "length", "at": 8}]})
            seen.update(asked)
        steep = [f"i{n}" for n in range(1, ITEMS + 1) if item(n)["exposure"] < 1]
        # 0.3 and four standard errors of a binomial of 150: a false alarm in 30,000 an item.
        self.assertLess(max(seen[id_] for id_ in steep) / 150, 0.3 + 4 * (0.21 / 150) ** 0.5)
        self.assertGreater(max(seen[id_] for id_ in steep), 0)
        self.assertGreater(self.parts("s3", 4)[1]["not_admitted"], 0)

    def test_strata_go_from_flat_to_steep(self):
        asked, _ = self.sit("strata", exposure={"rule": "a-stratified", "strata": 3},
                            stop={"any": [{"rule": "length", "at": 9}]})
        slopes = sorted(item(n)["a"] for n in range(1, ITEMS + 1))
        stage = [sum(item(int(id_[1:]))["a"] >= slopes[20 * s] for s in (1, 2)) for id_ in asked]
        self.assertEqual(stage, [0, 0, 0, 1, 1, 1, 2, 2, 2])
        self.assertEqual(self.parts("strata", 5)[1]["other_stratum"], 40 - 3)

    def test_quality_beside_the_score(self):
        _, slow = self.sit("slow", session="slow", elapsed_ms=1500,
                           final={"method": "MAP"}, stop={"any": [{"rule": "length", "at": 6}]})
        _, fast = self.sit("fast", session="fast", elapsed_ms=1499,
                           stop={"any": [{"rule": "length", "at": 6}]})
        quality = slow["result"]["quality"]
        self.assertEqual((quality["timed"], quality["rapid"]), (6, 0))
        self.assertTrue(-6 < quality["lz"] < 6 and -6 < quality["lz_star"] < 6)
        self.assertEqual(fast["result"]["quality"]["rapid"], 6)
        self.assertIsNone(fast["result"]["quality"]["lz_star"])

    def test_lz_is_mirts_zh(self):
        grid = {"min": -6, "max": 6, "nodes": 61, "rule": "sum"}
        for name, model in (("3pl", "3PL"), ("grm", "GRM"), ("gpcm", "GPCM")):
            items = reference.items_of(
                reference.rows(reference.GOLDEN, "mirt", f"score_{name}_items.csv"), model)
            for row in reference.rows(reference.GOLDEN, "mirt", f"score_{name}.csv"):
                responses = [[one["id"], int(score)]
                             for one, score in zip(items, row["responses"]) if score != "."]
                got = self.client.call("irt.estimate", items=items, responses=responses,
                                       method="EAP", grid=grid)
                self.assertAlmostEqual(got["person_fit"]["lz"], float(row["Zh"]), delta=1e-8)

    @unittest.skipUnless(os.path.exists(TCALS), "the tcals bank is not beside this tree")
    def test_strata_and_start_items_of_catr(self):
        self.client.bank_upload("tcals", reference.items_of(reference.rows(TCALS), "3PL"))
        wanted = {reference.item_id(row["item"]): row
                  for row in reference.rows(reference.GOLDEN, "select", "tcals_astratified.csv")}
        for strata in (4, 5):
            self.client.test_put({"test": "t", "bank": "tcals",
                                  "exposure": {"rule": "a-stratified", "strata": strata},
                                  "stop": {"any": [{"rule": "length", "at": 1}]}})
            self.client.call("session.start", test="t", examinee="e", session=f"t{strata}")
            why = self.client.call("session.explain", session=f"t{strata}", seq=1)
            first = {row[0] for row in why["items"] if row[1] != "other_stratum"}
            self.assertEqual(first, {id_ for id_, row in wanted.items()
                                     if row[f"stratum_K{strata}"] == "Group1"})
        starts = reference.rows(reference.GOLDEN, "select", "tcals_start_items.csv")
        for n, row in enumerate(starts):
            thetas = [float(theta) for theta in row["thetas"].split()]
            self.client.test_put({"test": "u", "bank": "tcals",
                                  "start": {"thetas": thetas, "criterion": row["rule"]}})
            state = self.client.call("session.start", test="u", examinee="e", session=f"u{n}")
            for number in row["items"].split():
                self.assertEqual(state["item"]["id"], reference.item_id(number))
                state = self.client.call("session.answer", session=f"u{n}", seq=state["seq"],
                                         item=state["item"]["id"], response=1)


if __name__ == "__main__":
    unittest.main()
