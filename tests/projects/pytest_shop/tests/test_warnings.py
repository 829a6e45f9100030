"""Warnings are listed, ignored, or errors."""

import warnings

import pytest


def test_warns():
    warnings.warn("the price is going to change", DeprecationWarning, stacklevel=1)


def test_recwarn(recwarn):
    warnings.warn("seen by the test itself", UserWarning, stacklevel=1)
    assert len(recwarn) == 1


def test_pytest_warns():
    with pytest.warns(UserWarning, match="expected"):
        warnings.warn("an expected one", UserWarning, stacklevel=1)


def test_pytest_warns_fails():
    with pytest.warns(UserWarning):
        pass


@pytest.mark.filterwarnings("error::UserWarning")
def test_warning_is_an_error():
    warnings.warn("not allowed here", UserWarning, stacklevel=1)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_warning_is_ignored():
    warnings.warn("never shown", UserWarning, stacklevel=1)


@pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")
def test_unraisable():
    class Broken:
        def __del__(self):
            raise ValueError("raised in a destructor")

    broken = Broken()
    del broken


@pytest.mark.filterwarnings("default::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_raises():
    import threading

    def run():
        raise ValueError("raised in a thread")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
