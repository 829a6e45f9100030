"""Figure ``routers``: an alias of which the routers allow nothing gets its migrations recorded, or Django walks through each.

``python -m ci.benchmark.routers FOLDER ours|theirs`` makes the databases of two aliases in memory, and prints the seconds of the
second one. The migrations are those of ``tests.runner.random_migrations``; Django walks through them for the first alias.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator

from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import ROOT, Ground, environment
from ci.benchmark.race import Side, Sides, timed

MIGRATIONS = 150
ROUTERS = Comparison(
    "routers",
    f"the test database of an alias of which the routers allow nothing, with {MIGRATIONS} generated migrations",
    "the same by Django alone",
    aim=Aim(ratio=0.25),
)


@contextlib.contextmanager
def routers(_ground: Ground) -> Iterator[Sides]:
    """Both sides, each in a process of its own."""
    yield Sides(_side("ours"), _side("theirs"))


def _side(way: str) -> Side:
    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return float(timed([sys.executable, "-m", __name__, folder, way], ROOT, environment())[1])

    return run


def main(folder: str, way: str) -> None:
    """Make both databases in one of the two ways."""
    from django.db import connections

    from harness.runner.templates import denied
    from tests.runner import random_migrations

    random_migrations.configure(folder, [random_migrations.Router()])
    random_migrations.generate(folder, 0, MIGRATIONS)
    with denied.recorded(lambda _name: contextlib.nullcontext()) if way == "ours" else contextlib.nullcontext():
        connections["default"].creation.create_test_db(verbosity=0)
        start = time.perf_counter()
        connections["other"].creation.create_test_db(verbosity=0)
        print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
