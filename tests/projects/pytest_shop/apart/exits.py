"""``pytest.exit`` in the second of three tests: the first has passed, the third does not run, and the run is red."""

import pytest


def test_before():
    pass


def test_exits():
    pytest.exit("enough for today", returncode=3)


def test_after():
    pass
