"""Makes the key of the test databases' content of the facts that it depends on. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from ...protocol.seed_events import SeedWanted

_CHARACTERS = 32
"""Length of the digests of parts and migrations, in characters of hexadecimal."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that the content depends on: ``parts`` are texts by their names. ``migrations`` are those of all apps in order,
    each a name with a digest of its file and all that it reaches. ``doubts`` are sentences, each a reason to cache nothing.
    """

    parts: tuple[tuple[str, str], ...]
    migrations: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()


def digest(texts: Iterable[str]) -> str:
    """One digest of *texts*, in which each has its own place."""
    whole = hashlib.sha256()
    for text in texts:
        data = text.encode(errors="surrogatepass")
        whole.update(b"%d:" % len(data))
        whole.update(data)
    return whole.hexdigest()


def wanted(facts: Facts, slots: int) -> SeedWanted:
    """The event that asks for a seed of the content; without a key where there is a doubt."""
    if facts.doubts:
        return SeedWanted("", slots=slots, reason=facts.doubts[0])
    base = digest(text for part in facts.parts for text in part)
    migrations = tuple(f"{name}:{content[:_CHARACTERS]}" for name, content in facts.migrations)
    parts = tuple(f"{name}:{digest([text])[:_CHARACTERS]}" for name, text in facts.parts)
    return SeedWanted(digest([base, *migrations]), base, migrations, slots, parts=parts)
