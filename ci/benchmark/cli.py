"""Figure ``cli``: the command line prints its help, or Python imports the part of Django that every ``manage.py`` imports."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import ROOT, Ground, environment
from ci.benchmark.race import Side, Sides, timed

TIMES = 10
CLI = Comparison(
    "cli",
    f"harness --help, {TIMES} times",
    f"python -c 'import django.core.management', {TIMES} times",
    aim=Aim(ratio=1.5),
)


@contextlib.contextmanager
def cli(_ground: Ground) -> Iterator[Sides]:
    """Both sides: processes of the same interpreter."""
    yield Sides(_side("-m", "harness", "--help"), _side("-c", "import django.core.management"))


def _side(*arguments: str) -> Side:
    command = [sys.executable, *arguments]
    return lambda: sum(timed(command, ROOT, environment())[0] for _ in range(TIMES))
