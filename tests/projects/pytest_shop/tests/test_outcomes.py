"""Every way in which the call of a test may end."""

import sys

import pytest


def test_assertion_is_explained():
    """Fails, and pytest shows the two lists and where they differ."""
    names = ["tea", "coffee"]
    assert names == ["tea", "cocoa"]


def test_assertion_with_a_message():
    assert 1 == 2, "the message of the assertion"


def test_raises_an_error():
    raise ValueError("an error of the test")


def test_chained_errors():
    try:
        raise KeyError("the cause")
    except KeyError as error:
        raise RuntimeError("the effect") from error


def test_group_of_errors():
    raise ExceptionGroup("a group", [ValueError("the first"), TypeError("the second")])


def test_pytest_fail():
    pytest.fail("failed on purpose")


def test_pytest_fail_without_a_traceback():
    pytest.fail("failed without a traceback", pytrace=False)


def test_raises_passes():
    with pytest.raises(ValueError, match="no number"):
        raise ValueError("no number at all")


def test_raises_fails():
    with pytest.raises(ValueError):
        pass


def test_raises_with_another_message():
    with pytest.raises(ValueError, match="no number"):
        raise ValueError("something else")


def test_exits_the_interpreter():
    """Fails: pytest catches SystemExit."""
    sys.exit(3)


def test_helper_frames():
    """The helper hides itself from the traceback."""

    def check(value):
        __tracebackhide__ = True
        if value != 1:
            pytest.fail(f"{value} is not 1")

    check(2)


def test_returns_a_value():
    """Passes on pytest 8 and 9, with a warning."""
    return 1


@pytest.mark.xfail(reason="known")
def test_xfail():
    assert 0


@pytest.mark.xfail
def test_xfail_without_a_reason():
    raise RuntimeError


@pytest.mark.xfail(reason="mended meanwhile")
def test_xpass():
    assert True


@pytest.mark.xfail(reason="known", strict=True)
def test_strict_xfail():
    assert 0


@pytest.mark.xfail(reason="mended meanwhile", strict=True)
def test_strict_xpass():
    assert True


@pytest.mark.xfail(raises=KeyError, reason="of one kind")
def test_xfail_of_the_error_that_it_names():
    raise KeyError


@pytest.mark.xfail(raises=KeyError, reason="of one kind")
def test_xfail_of_another_error():
    raise ValueError("not the error that the mark names")


@pytest.mark.xfail(run=False, reason="would end the process")
def test_xfail_that_is_not_run():
    import os

    os._exit(1)


@pytest.mark.xfail(sys.version_info < (3, 0), reason="not so here")
def test_xfail_whose_condition_is_false():
    assert True


@pytest.mark.xfail(sys.version_info > (3, 0), reason="so here")
def test_xfail_whose_condition_is_true():
    assert 0


def test_imperative_xfail():
    pytest.xfail("found out while it ran")


@pytest.fixture
def fixture_that_errs():
    raise RuntimeError("the fixture errs")


@pytest.mark.xfail(reason="its fixture errs")
def test_xfail_in_set_up(fixture_that_errs):
    raise AssertionError("not reached")


@pytest.mark.skip
def test_skip():
    raise AssertionError("not reached")


@pytest.mark.skip(reason="not now")
def test_skip_with_a_reason():
    raise AssertionError("not reached")


@pytest.mark.skipif(sys.version_info > (3, 0), reason="not on Python 3")
def test_skipif():
    raise AssertionError("not reached")


@pytest.mark.skipif(sys.version_info < (3, 0), reason="not on Python 2")
def test_skipif_whose_condition_is_false():
    assert True


def test_imperative_skip():
    pytest.skip("found out while it ran")


def test_importorskip():
    pytest.importorskip("there_is_no_such_module", reason="a module that is missing")


@pytest.fixture
def fixture_that_skips():
    pytest.skip("the fixture skips")


def test_skip_in_set_up(fixture_that_skips):
    raise AssertionError("not reached")


@pytest.mark.skip(reason="the whole class")
class TestSkippedClass:
    def test_first(self):
        raise AssertionError("not reached")

    def test_second(self):
        raise AssertionError("not reached")
