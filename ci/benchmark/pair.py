"""Figure ``pair``: a primary and its replica, from their start until the replica streams.

Both sides are started by ``harness.host.stack`` in the same way, and say in the same way that they are ready; only the image
differs: a seed, or ``initdb`` and ``pg_basebackup`` at the start, with the same settings and binaries (``without_seed``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import Ground, pair_plan
from ci.benchmark.race import Side, Sides

PAIR = Comparison(
    "pair",
    "a primary and its replica from the seed, until the replica streams",
    "the same with initdb and pg_basebackup at the start",
    aim=Aim(ratio=0.3),
)


@contextlib.contextmanager
def pair(ground: Ground) -> Iterator[Sides]:
    """Both sides on one network, which is there before."""
    with ground.network() as network:
        yield Sides(
            _start(ground, network, ground.seeded),
            _start(ground, network, ground.image_on_seeded("without_seed")),
        )


def _start(ground: Ground, network: str, image: str) -> Side:
    def run() -> float:
        stack = ground.stack(pair_plan(has_replica=True), network, image=image)
        try:
            begin = time.perf_counter()
            stack.bring_up()
            return time.perf_counter() - begin
        finally:
            stack.close()

    return run
