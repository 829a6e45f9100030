"""A fixture waits for ever in its tear-down, and a test has not begun."""

import time

import pytest


@pytest.fixture
def waits(db):
    yield
    time.sleep(1000)


def test_1_passes(db):
    pass


def test_2_waits(waits):
    pass


def test_3_has_not_begun(db):
    pass
