"""Every test of the module errs, and set-up is tried for each of them."""


def setup_module():
    raise RuntimeError("setup_module errs")


def test_first():
    raise AssertionError("not reached")


class TestClass:
    def test_method(self):
        raise AssertionError("not reached")
