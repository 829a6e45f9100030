import unittest


def tearDownModule():
    raise unittest.SkipTest("in tearDownModule")


class Tests(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        raise unittest.SkipTest("in tearDownClass")

    def test_one(self):
        pass
