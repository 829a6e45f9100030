"""Prices: every line is run by a test, in a worker or in a process that a test starts."""


def rounded(price):
    """The price in whole units.

    >>> rounded(2.4)
    2
    """
    if price < 0:
        return 0
    return round(price)


def in_a_process_of_its_own():
    return "seen"
