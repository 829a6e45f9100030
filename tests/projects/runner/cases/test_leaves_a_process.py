"""Python waits for such a child at its end, for ever."""

import multiprocessing
import time
import unittest


class Tests(unittest.TestCase):
    def test_one(self):
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,)).start()
