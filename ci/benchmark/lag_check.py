"""Figures ``lag-check`` and ``replica-suite``: what it costs to look for late reads, and to have a real replica at all.

Both are of the storefront on local servers, whose databases are cached: the time from the start of the command to its end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from ci.benchmark.figures import Comparison
from ci.benchmark.ground import STOREFRONT, WORKERS, Ground, environment, harness_command
from ci.benchmark.race import Sides, timed

LAG = "500ms"
LAG_CHECK = Comparison(
    "lag-check",
    f"the storefront by harness ci --lag-check {LAG}",
    f"two runs of it, one of them with --replica-lag {LAG}",
)
REPLICA_SUITE = Comparison(
    "replica-suite",
    "the storefront by harness ci, with a real replica",
    "the same with --mirrors primary, where the mirror leads to the primary as it does for Django",
)


def _run(ground: Ground, name: str, *options: str) -> Callable[[], float]:
    """A run of the storefront, which may fail: some of its tests need a replica that is not late."""
    command = harness_command(
        *("--servers=local", "--runner=host", "--db=postgres", f"--project={STOREFRONT}", f"--parallel={WORKERS}"),
        f"--artifacts={ground.work / name}",
        *options,
    )
    return lambda: timed(command, STOREFRONT, environment(), statuses=(0, 1))[0]


def _sides(ours: str, *theirs: str) -> Callable[[Ground], AbstractContextManager[Sides]]:
    @contextlib.contextmanager
    def prepare(ground: Ground) -> Iterator[Sides]:
        one = _run(ground, "lag-ours", *ours.split())
        others = [_run(ground, "lag-theirs", *each.split()) for each in theirs]
        yield Sides(one, lambda: sum(run() for run in others))

    return prepare


FIGURES = (
    (LAG_CHECK, _sides(f"--lag-check {LAG}", "", f"--replica-lag {LAG}")),
    (REPLICA_SUITE, _sides("", "--mirrors primary --exclude-tag topology")),
)
