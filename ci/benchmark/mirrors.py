"""Figures ``mirror-read`` and ``replica-read``: what a read of a mirror costs beside the same read of its primary.

In a ``TestCase`` a mirror reads through its primary's connection, in a ``TransactionTestCase`` it waits until its replica has
what the test has committed. Both sides are measured in one test, on local servers: a row by its primary key, without the ORM.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from ci.benchmark import scale
from ci.benchmark.empty import MANAGE
from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import ROOT, Ground, environment, harness_command
from ci.benchmark.race import Sides, timed

PARTS, READS = 200, 20
UNIT = "µs/read"
MIRROR_READ = Comparison(
    "mirror-read",
    "a read of a mirror in a TestCase, through its primary's connection",
    "the same of the primary",
    unit=UNIT,
    aim=Aim(ratio=1.2),
)
REPLICA_READ = Comparison(
    "replica-read",
    "a read of a replica in a TransactionTestCase, which waits until it has what was committed",
    "the same of the primary",
    unit=UNIT,
)
SETTINGS = """\
SECRET_KEY = "mirrors"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes"]
DATABASES = {
    name: {
        "ENGINE": "django.db.backends.postgresql", "NAME": "mirrors", "USER": "mirrors", "HOST": name,
        "TEST": {"MIRROR": "default"} if name == "replica" else {},
    }
    for name in ("default", "replica")
}
"""
TESTS = """\
import json
import os
import time
from statistics import median

from django.db import connections
from django.test import {base}

PARTS = {parts}
READS = {reads}


class ReadTests({base}):
    databases = {{"default", "replica"}}

    def seconds(self, alias):
        with connections[alias].cursor() as cursor:
            start = time.perf_counter()
            for _ in range(READS):
                cursor.execute("SELECT app_label FROM django_content_type WHERE id = %s", [1])
                cursor.fetchall()
            return (time.perf_counter() - start) / READS

    def test_reads(self):
        # in turn and in small parts, of which the median counts: other work on the machine affects both alike
        parts = {{alias: [] for alias in ("replica", "default")}}
        for _ in range(PARTS):
            for alias, seconds in parts.items():
                seconds.append(self.seconds(alias))
        found = {{alias: median(seconds) for alias, seconds in parts.items()}}
        with open(os.environ["MIRROR_TIMES"], "w") as file:
            json.dump(found, file)
"""


def reads(base: str) -> Callable[[Ground], AbstractContextManager[Sides]]:
    """Both sides, in a test of the class *base*."""

    @contextlib.contextmanager
    def prepare(ground: Ground) -> Iterator[Sides]:
        folder, times = ground.work / "mirrors", ground.work / "mirrors.json"
        scale.write(
            folder,
            {
                "manage.py": MANAGE,
                "settings.py": SETTINGS,
                "tests.py": TESTS.format(base=base, parts=PARTS, reads=READS),
            },
        )
        where = ("--servers=local", "--db=postgres", "--parallel=1", f"--project={folder}")
        command = harness_command(*where, f"--artifacts={ground.work / 'mirrors-artifacts'}")
        variables = environment(MIRROR_TIMES=str(times))

        found: dict[str, float] = {}

        def seconds(alias: str) -> float:
            if alias not in found:  # one run has both sides of a round
                timed(command, ROOT, variables)
                found.update(json.loads(times.read_bytes()))
            return found.pop(alias) * 1e6

        yield Sides(lambda: seconds("replica"), lambda: seconds("default"))

    return prepare


FIGURES = ((MIRROR_READ, reads("TestCase")), (REPLICA_READ, reads("TransactionTestCase")))
