"""``python -m ci.benchmark.cloning HOST PORT TEMPLATE SLOTS side-by-side|one-by-one``: prints the seconds of making
clones, side by side as workers make them, or one after the other in the server's own way, as Django makes them.

It is a process with Django set up, as a worker is. User and password come as ``PGUSER`` and ``PGPASSWORD``. The clones
are dropped afterwards.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial

import django
from django.conf import settings
from django.db import connections

from ci.benchmark.forks import seconds_of
from harness.runner.databases.clones import TestDatabase, close_connections, make_clones
from harness.runner.replication.catch_up import server_connection


def main(host: str, port: str, template: str, slots: str, way: str) -> None:
    """Make the clones of *slots* slots in one of the two ways."""
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": template,
                "HOST": host,
                "PORT": port,
                "USER": os.environ["PGUSER"],
                "PASSWORD": os.environ["PGPASSWORD"],
            }
        }
    )
    django.setup()
    connections["default"]  # imports the driver before the measurement, as a worker has done
    numbers = range(1, int(slots) + 1)
    database = TestDatabase("default", template)
    shares = [[number] for number in numbers] if way == "side-by-side" else [list(numbers)]
    in_memory = [database.alias] if way == "side-by-side" else []
    seconds = seconds_of([partial(_clone, database, share, in_memory) for share in shares])
    _drop(database, numbers)
    print(seconds)


def _clone(database: TestDatabase, slots: Sequence[int], in_memory: Sequence[str]) -> None:
    for slot in slots:
        make_clones([database], slot, (), in_memory, {})


def _drop(database: TestDatabase, slots: Sequence[int]) -> None:
    connection = server_connection(database.alias)
    with connection.cursor() as cursor:
        for slot in slots:
            cursor.execute(f'DROP DATABASE "{database.template}_{slot}"')
    connection.close()
    close_connections()


if __name__ == "__main__":
    main(*sys.argv[1:])
