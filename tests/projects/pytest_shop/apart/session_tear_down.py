"""The tear-down of a session fixture errs: the tests pass, and the run is red."""

import pytest


@pytest.fixture(scope="session")
def errs_at_the_end():
    yield
    raise RuntimeError("the tear-down of the session errs")


def test_first(errs_at_the_end):
    pass


def test_second(errs_at_the_end):
    pass
