"""A collection error: one item, the module, which is red."""

import there_is_no_such_module


def test_not_collected():
    assert there_is_no_such_module
