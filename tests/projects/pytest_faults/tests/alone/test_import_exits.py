"""A module that exits at its import."""

import sys

sys.exit(0)


def test_1():
    pass
