"""Counts the set-ups and tear-downs of fixtures in this process.

With ``SHOP_SCOPES``, a folder, each is written there too: ``PID up|down SCOPE OWNER``, one on a line, in a file for each process.
"""

import contextlib
import os
from collections import Counter
from pathlib import Path

UPS = Counter()
DOWNS = Counter()


@contextlib.contextmanager
def counted(scope, owner):
    """The life of a fixture of *scope* which *owner* asked for: a node id, or nothing for the session."""
    _count(UPS, "up", scope, owner)
    yield
    _count(DOWNS, "down", scope, owner)


def is_up_once(scope, owner):
    """Whether the fixture was set up once in this process and is still there."""
    return (UPS[scope, owner], DOWNS[scope, owner]) == (1, 0)


def still_up(scope, *owners):
    """The fixtures of *scope* of other owners than *owners* that were not torn down once for each set-up."""
    return [
        key for key, number in UPS.items() if key[0] == scope and key[1] not in owners and DOWNS[key] != number
    ]


def _count(counts, word, scope, owner):
    counts[scope, owner] += 1
    if folder := os.environ.get("SHOP_SCOPES"):
        with Path(folder, f"{os.getpid()}").open("a") as file:
            file.write(f"{os.getpid()} {word} {scope} {owner}\n")
