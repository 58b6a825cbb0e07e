# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole adaptive tests against catR's, each request to another node of a district."""

import unittest

import test_district
import test_golden_traces
from support import reference


class TestTraces(test_golden_traces.TestGoldenTraces):
    """catR's tests, step by step, with each answer to another node."""

    MODELS = ("3pl", "grm")

    @classmethod
    def setUpClass(cls):
        test_district.DistrictTestCase.setUpClass.__func__(cls)

    N_NODE = 2
    SETTINGS = ()
    node = classmethod(test_district.DistrictTestCase.node.__func__)

    def test_synthetic_banks(self):
        for bank in self.MODELS:
            self.run_bank(bank, reference.bank_items(bank, test_golden_traces.MODELS[bank]))

    test_published_banks = test_other_criteria = None
    test_constant_patterns = test_content_balancing = None


if __name__ == "__main__":
    unittest.main()
