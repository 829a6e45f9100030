"""set-up and tear-down as nose and unittest name them; each asserts what ran before it."""

import pytest

pytestmark = pytest.mark.ordered

EVENTS = []


def setup_module(module):
    EVENTS.append("setup_module")
    assert module.EVENTS is EVENTS


def teardown_module():
    assert EVENTS[0] == "setup_module"
    assert EVENTS.count("setup_module") == 1
    assert EVENTS.count("setup_class") == EVENTS.count("teardown_class") == 1


def setup_function(function):
    EVENTS.append(f"setup {function.__name__}")


def teardown_function(function):
    EVENTS.append(f"teardown {function.__name__}")


def test_first():
    assert EVENTS == ["setup_module", "setup test_first"]


def test_second():
    assert EVENTS[1:] == ["setup test_first", "teardown test_first", "setup test_second"]


class TestClass:
    @classmethod
    def setup_class(cls):
        EVENTS.append("setup_class")
        cls.methods = []

    @classmethod
    def teardown_class(cls):
        EVENTS.append("teardown_class")
        assert cls.methods == ["test_first", "teardown", "test_second", "teardown"]

    def setup_method(self, method):
        self.methods.append(method.__name__)

    def teardown_method(self):
        self.methods.append("teardown")

    def test_first(self):
        assert self.methods == ["test_first"]
        assert EVENTS.count("setup_class") == 1

    def test_second(self):
        assert self.methods == ["test_first", "teardown", "test_second"]
        assert EVENTS.count("setup_class") == 1
        assert EVENTS.count("setup_module") == 1


def test_third():
    assert EVENTS.count("teardown_class") == 1
