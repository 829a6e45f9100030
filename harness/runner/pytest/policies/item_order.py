"""The order of items for ``--shuffle`` and ``--reverse``. Pure."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any

SEEDS = 10**10


def new_seed() -> int:
    return random.Random().randrange(SEEDS)  # noqa: S311 - an order of tests, which a project's random.seed leaves alone


def shuffled(items: Sequence[Any], seed: int) -> list[Any]:
    """*items* in a random order: modules, then the classes of each, then their items, so that fixtures of a scope stay together.

    The order of two items is the same whatever other items there are.
    """

    def place(item: Any) -> tuple[bytes, bytes, bytes]:
        module, *inner = item.nodeid.partition("[")[0].split("::")
        cls = "::".join((module, *inner[:-1]))
        return _digest(seed, module), _digest(seed, cls), _digest(seed, item.nodeid)

    return sorted(items, key=place)


def _digest(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed} {name}".encode(errors="surrogatepass"), digest_size=8).digest()
