"""Chooses which ``django_db_setup`` runs before the fork, and which run in the workers. Pure: a definition is any object.

A project may override the fixture in several folders. A chain has the definitions that a test sees, the outermost first, as
pytest has them; the last one is set up, and sets up the one before it if it asks for its own name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any


def executed(chain: Sequence[Any], calls_overridden: Callable[[Any], bool]) -> Sequence[Any]:
    """The definitions of *chain* that are set up, the outermost first."""
    start = len(chain)
    while start > 0:
        start -= 1
        if not calls_overridden(chain[start]):
            break
    return chain[start:]


def shared(chains: Sequence[Sequence[Any]], calls_overridden: Callable[[Any], bool]) -> Any:
    """The definition to set up before the fork: of those that most tests set up the innermost, of several the first. *chains*
    has the chain of each test that uses databases. ``None`` without one.
    """
    uses: Counter[Any] = Counter()
    depths: dict[Any, int] = {}
    for chain in chains:
        found = executed(chain, calls_overridden)
        uses.update(found)
        depths.update((definition, len(chain) - len(found) + number) for number, definition in enumerate(found))
    return max(uses, key=lambda definition: (uses[definition], depths[definition]), default=None)
