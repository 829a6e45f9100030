"""Figures ``pair``, ``pair-mysql``, ``pair-mariadb``: a primary and its replica, from their start until the replica
streams.

Both sides are started by ``harness.host.run.servers`` and report in the same way that they are ready; only the image differs: a
seed, or an image that makes its data directory at the start, with the same settings and binaries: ``without_seed`` with
``initdb`` and ``pg_basebackup``, ``without_seed_mysql`` as the official images of MySQL and MariaDB do it, in memory too.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import Ground, pair_plan
from ci.benchmark.race import Side, Sides
from harness.host.engines import Engine
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL
from harness.host.engines.postgres import POSTGRES

PAIR = Comparison(
    "pair",
    "a primary and its replica from the seed, until the replica streams",
    "the same with initdb and pg_basebackup at the start",
    aim=Aim(ratio=0.3),
)


def comparison(engine: Engine) -> Comparison:
    """The figure of *engine*, MySQL or MariaDB."""
    return Comparison(
        f"pair-{engine.name}",
        f"a {engine.title} primary and its replica from the seed, until the replica applies",
        "the same with the data directory made at the start",
        aim=Aim(ratio=0.2),
    )


FIGURES = (
    (PAIR, POSTGRES, "without_seed"),
    (comparison(MYSQL), MYSQL, "without_seed_mysql"),
    (comparison(MARIADB), MARIADB, "without_seed_mysql"),
)
"""Each figure with its engine and the folder of its other side's image."""


def pair(engine: Engine, other: str) -> Callable[[Ground], AbstractContextManager[Sides]]:
    """Both sides on one network, which is made before the measurement."""

    @contextlib.contextmanager
    def prepare(ground: Ground) -> Iterator[Sides]:
        with ground.network() as network:
            yield Sides(
                _start(ground, network, engine, ground.seeded_image(engine)),
                _start(ground, network, engine, ground.image_on_seeded(other, engine)),
            )

    return prepare


def _start(ground: Ground, network: str, engine: Engine, image: str) -> Side:
    def run() -> float:
        stack = ground.stack(pair_plan(has_replica=True, engine=engine), network, image=image)
        try:
            begin = time.perf_counter()
            stack.start()
            return time.perf_counter() - begin
        finally:
            stack.close()

    return run
