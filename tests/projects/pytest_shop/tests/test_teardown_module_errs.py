"""The tests pass; the tear-down of the last one errs, which is an item of its own."""

import pytest

pytestmark = pytest.mark.ordered


def teardown_module():
    raise RuntimeError("teardown_module errs")


def test_first():
    pass


def test_last():
    pass
