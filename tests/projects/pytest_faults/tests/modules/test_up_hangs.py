"""The set-up of the module's fixture hangs."""

import pytest

from tests import ways


@pytest.fixture(scope="module", autouse=True)
def thing():
    ways.hangs()


def test_1():
    pass


def test_2():
    pass


def test_3():
    pass
