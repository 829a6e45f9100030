"""A module whose import does not end."""

import time

time.sleep(1000)


def test_1():
    pass
