"""Forty classes each of whose only test kills its worker."""

import os
import unittest


class LoopTests:
    def test_dies(self):
        os._exit(1)


for _number in range(40):
    _name = f"Loop{_number}Tests"
    globals()[_name] = type(_name, (LoopTests, unittest.TestCase), {"__module__": __name__})
