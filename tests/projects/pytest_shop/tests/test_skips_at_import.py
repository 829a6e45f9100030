"""One skipped item, the module."""

import pytest

pytest.skip("the whole module", allow_module_level=True)


def test_not_collected():
    raise AssertionError
