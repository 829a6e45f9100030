"""A test waits for ever in its call, and one has not begun."""

import time


def test_1_passes(db):
    pass


def test_2_waits(db):
    time.sleep(1000)


def test_3_has_not_begun(db):
    pass
