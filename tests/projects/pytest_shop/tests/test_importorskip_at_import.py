"""One skipped item, the module."""

import pytest

missing = pytest.importorskip("there_is_no_such_module", reason="the module is missing")


def test_not_collected():
    raise AssertionError
