"""A fixture of the session waits for ever in its tear-down."""

import time

import pytest


@pytest.fixture(scope="session")
def waits():
    yield
    time.sleep(1000)


def test_1_passes(db, waits):
    pass
