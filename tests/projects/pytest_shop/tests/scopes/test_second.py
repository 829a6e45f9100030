"""Each test asserts what was set up and torn down before it in its process. All pass."""

import pytest

from tests.scopes.counts import is_up_once, still_up


def check(of_module, of_class, of_function):
    assert is_up_once("session", "")
    assert is_up_once("module", of_module)
    assert is_up_once("class", of_class)
    assert is_up_once("function", of_function)
    assert not still_up("module", of_module)
    assert not still_up("class", of_class)
    assert not still_up("function", of_function)


def test_function(of_module, of_class, of_function):
    check(of_module, of_class, of_function)


def test_second_function(of_module, of_class, of_function):
    check(of_module, of_class, of_function)


class TestFirst:
    def test_first(self, of_module, of_class, of_function):
        assert of_class.endswith("::TestFirst")
        check(of_module, of_class, of_function)

    def test_second(self, of_module, of_class, of_function):
        check(of_module, of_class, of_function)


class TestSecond:
    @pytest.mark.parametrize("number", range(3))
    def test_parameters(self, number, of_module, of_class, of_function):
        assert of_class.endswith("::TestSecond")
        check(of_module, of_class, of_function)


@pytest.mark.parametrize("parametrized_session", ["one", "two"], indirect=True)
def test_parameters_of_the_session(parametrized_session):
    assert is_up_once("parametrized", parametrized_session)
    assert not still_up("parametrized", parametrized_session)


@pytest.mark.parametrize("parametrized_session", ["one", "two"], indirect=True)
def test_more_with_parameters_of_the_session(parametrized_session):
    """pytest runs the tests of a parameter one after the other, so that it is set up once."""
    assert is_up_once("parametrized", parametrized_session)
    assert not still_up("parametrized", parametrized_session)
