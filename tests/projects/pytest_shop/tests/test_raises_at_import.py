"""A collection error: one item, the module, which is red."""

raise RuntimeError("raised while the module is imported")


def test_not_collected():
    pass
