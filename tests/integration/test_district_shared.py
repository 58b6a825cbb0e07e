# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nodes of a district share beside sessions: uploads, counts of exposure."""

import unittest

from test_district import BANK, DistrictTestCase, take
from thetad import ThetadError


class TestCommits(DistrictTestCase):
    def test_those_to_the_shared_store_count(self):
        one = self.clients()[0]
        before = one.stats()["counters"]["commits"]
        told = take(one, "s-commits")
        self.assertGreater(one.stats()["counters"]["commits"] - before, len(told))


class TestUploads(DistrictTestCase):
    def test_another_node_knows_nothing_of_it(self):
        """Its number says nothing there, not even where that node has as many uploads."""
        one, other = self.clients()
        uploads = [client.call("bank.begin", bank="b2")["upload"] for client in (one, other)]
        self.assertNotEqual(*uploads)
        for op, fields in (("bank.add", {"items": BANK[:3]}), ("bank.publish", {})):
            with self.assertRaises(ThetadError) as raised:
                other.call(op, upload=uploads[0], **fields)
            self.assertEqual((raised.exception.code, raised.exception.field),
                             ("bad_request", "upload"))
            self.assertIn("begun elsewhere", raised.exception.message)
        one.call("bank.add", upload=uploads[0], items=BANK[:3])
        self.assertEqual(one.call("bank.publish", upload=uploads[0])["version"], 1)

    def test_a_node_that_was_begun_at_goes(self):
        """The client takes the upload to the other one."""
        with self.daemons[0].client() as client:
            other = self.daemons[1]
            call, seen = client.call, []

            def interrupted(op, **fields):
                seen.append(op)
                if len(seen) == 3:
                    client.close()
                    client.endpoints = [other.endpoint]
                return call(op, **fields)

            client.call = interrupted
            self.assertEqual(client.bank_upload("b3", BANK, batch=10)["n_items"], len(BANK))
        self.assertEqual(seen.count("bank.begin"), 2)


if __name__ == "__main__":
    unittest.main()
