"""The tear-down of the module's fixture dies."""

import pytest

from tests import ways


@pytest.fixture(scope="module", autouse=True)
def thing():
    yield
    ways.is_killed()


def test_1():
    pass


def test_2():
    pass


def test_3():
    pass
