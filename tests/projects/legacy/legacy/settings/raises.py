"""Settings that raise."""

from legacy.settings.shared import *


def read_licence():
    raise RuntimeError("the licence of the library has run out")


LICENCE = read_licence()
