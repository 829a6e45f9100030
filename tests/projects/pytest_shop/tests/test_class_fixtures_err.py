"""Set-up and tear-down of a class err."""

import pytest


class TestSetUpErrs:
    @classmethod
    def setup_class(cls):
        raise RuntimeError("setup_class errs")

    def test_first(self):
        raise AssertionError("not reached")

    def test_second(self):
        raise AssertionError("not reached")


@pytest.mark.ordered
class TestTearDownErrs:
    @classmethod
    def teardown_class(cls):
        raise RuntimeError("teardown_class errs")

    def test_first(self):
        pass

    def test_last(self):
        pass


@pytest.fixture(scope="class")
def class_fixture_that_errs():
    raise RuntimeError("the fixture of the class errs")


@pytest.mark.usefixtures("class_fixture_that_errs")
class TestFixtureErrs:
    def test_first(self):
        raise AssertionError("not reached")

    def test_second(self):
        raise AssertionError("not reached")
