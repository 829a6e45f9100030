"""What fails before or after a test, and for a whole class."""

import unittest

from django.test import SimpleTestCase, TestCase, TransactionTestCase

from bank.models import Account
from expectations import expect


class SetUpFailsTests(unittest.TestCase):
    def setUp(self):
        self.fail("in setUp")

    @expect("FAILED")
    def test_never_runs(self):
        raise RuntimeError("never")


class SetUpErrsTests(unittest.TestCase):
    def setUp(self):
        raise RuntimeError("in setUp")

    @expect("ERRORED")
    def test_never_runs(self):
        raise AssertionError("never")


class SetUpSkipsTests(unittest.TestCase):
    def setUp(self):
        self.skipTest("in setUp")

    @expect("SKIPPED")
    def test_never_runs(self):
        raise RuntimeError("never")


class TearDownFailsTests(unittest.TestCase):
    def tearDown(self):
        self.fail("in tearDown")

    @expect("FAILED")
    def test_passes_until_then(self):
        pass


class TearDownErrsTests(unittest.TestCase):
    def tearDown(self):
        raise RuntimeError("in tearDown")

    @expect("ERRORED")
    def test_passes_until_then(self):
        pass

    @expect("ERRORED")
    def test_fails_before_that(self):
        self.fail("in the test")

    @expect("ERRORED")
    @unittest.expectedFailure
    def test_was_expected_to_fail_but_not_there(self):
        self.fail("in the test")


class CleanupTests(unittest.TestCase):
    @expect("FAILED")
    def test_cleanup_fails(self):
        self.addCleanup(self.fail, "in a cleanup")

    @expect("ERRORED")
    def test_cleanup_errs(self):
        self.addCleanup(lambda: 1 / 0)

    @expect("ERRORED")
    def test_several_cleanups_err(self):
        self.addCleanup(lambda: 1 / 0)
        self.addCleanup(self.fail, "in a cleanup")

    @expect("ERRORED")
    def test_skips_and_a_cleanup_errs(self):
        self.addCleanup(lambda: 1 / 0)
        self.skipTest("but the cleanup goes on")


class SetUpClassErrsTests(SimpleTestCase):
    expected_cases = {"setUpClass": "ERRORED"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        raise RuntimeError("in setUpClass")

    @expect("NOT_RUN")
    def test_one(self):
        pass

    @expect("NOT_RUN")
    def test_two(self):
        pass


class SetUpClassFailsTests(unittest.TestCase):
    expected_cases = {"setUpClass": "ERRORED"}

    @classmethod
    def setUpClass(cls):
        raise AssertionError("in setUpClass")

    @expect("NOT_RUN")
    def test_one(self):
        pass


class SetUpClassSkipsTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("in setUpClass")

    @expect("SKIPPED")
    def test_one(self):
        self.fail("never")

    @expect("SKIPPED")
    def test_two(self):
        self.fail("never")


class TearDownClassErrsTests(SimpleTestCase):
    expected_cases = {"tearDownClass": "ERRORED"}

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        raise RuntimeError("in tearDownClass")

    @expect("PASSED")
    def test_one(self):
        pass

    @expect("FAILED")
    def test_two(self):
        self.fail("on its own account")


class ClassCleanupErrsTests(SimpleTestCase):
    expected_cases = {"tearDownClass": "ERRORED"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(lambda: 1 / 0)

    @expect("PASSED")
    def test_one(self):
        pass


class SetUpTestDataErrsTests(TestCase):
    expected_cases = {"setUpClass": "ERRORED"}

    @classmethod
    def setUpTestData(cls):
        Account.objects.create(owner="ada")
        Account.objects.create(owner="ada")

    @expect("NOT_RUN")
    def test_one(self):
        pass


class MissingFixtureTests(TestCase):
    expected_cases = {"setUpClass": "ERRORED"}
    fixtures = ["there is no such file.json"]

    @expect("NOT_RUN")
    def test_one(self):
        pass


class MissingFixtureInTransactionTests(TransactionTestCase):
    expected_cases = {"setUpClass": "ERRORED"}
    fixtures = ["there is no such file.json"]

    @expect("NOT_RUN")
    def test_one(self):
        pass
