"""Marks of a module."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skip(reason="every test of the module")]


def test_first():
    raise AssertionError


class TestSecond:
    def test_method(self):
        raise AssertionError
