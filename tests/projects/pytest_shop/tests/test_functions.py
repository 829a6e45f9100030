"""Functions and classes, and names as people choose them. All pass."""

import pytest

from shop.fixture_state import RUNNING
from shop.models import Product


def test_passes():
    assert 1 + 1 == 2


def test_gets_the_autouse_fixture_of_the_root():
    assert RUNNING == ["every_test"]


def test_gets_a_fixture_of_a_plugin_of_the_project(product):
    assert Product.objects.get(name="cake") == product


def test_gets_the_fixture_that_the_ini_names(request):
    assert "fixture_of_the_ini" in request.fixturenames


class TestClass:
    value = 3

    def test_method(self):
        assert self.value == 3

    def test_gets_an_instance_of_its_own(self):
        self.value = 4

    def test_sees_no_change_of_another_method(self):
        assert self.value == 3

    @staticmethod
    def test_static_method():
        assert TestClass.value == 3

    @classmethod
    def test_class_method(cls):
        assert cls.value == 3

    class TestNested:
        def test_method(self):
            assert TestClass.value == 3


class TestInherited(TestClass):
    value = 3


class NotCollected:
    def test_method(self):
        raise AssertionError("pytest collects classes whose name begins with Test")


class TestWithConstructor:
    """Not collected, and pytest warns."""

    def __init__(self):
        pass

    def test_method(self):
        raise AssertionError("pytest collects no class with a constructor")


def test_in_a_variable(monkeypatch):
    monkeypatch.setenv("SHOP", "1")


test_alias = test_passes  # a test of its own


@pytest.mark.slow
def test_carries_a_mark(request):
    assert request.node.get_closest_marker("slow")


def helper_test():
    raise AssertionError("not collected")
