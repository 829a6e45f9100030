"""The description of a migrated seed: one file for each primary server, and one for each database of SQLite, all with one key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.host.digest import digest_of

FILE_PART = "@"
"""The first character of a part that is the file of an alias; other parts are called as their server."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description in a seed's file. ``part`` is the server, or ``@`` with the alias of a file; ``parts`` has all of the key.

    ``key``, ``base``, ``migrations`` and ``slots`` are those of ``SeedWanted``; clones of the slots 1 to ``slots`` are in it.
    ``source`` has the server's programs and what else its data depends on; a server of another source does not start from it.
    ``servers`` is the digest of the sources of all servers of the run: seeds of one key on other servers stay beside each other.
    ``size`` is that of the unpacked content, in bytes.
    """

    key: str
    base: str
    migrations: tuple[str, ...]
    slots: int
    part: str
    parts: tuple[str, ...]
    source: str
    servers: str
    size: int

    @property
    def seed(self) -> tuple[str, str]:
        """The seed that the file is a part of: the key and the servers."""
        return self.key, self.servers


@dataclass(frozen=True, slots=True)
class StoredSeed:
    """A file of the store. ``digest`` is that of the file, in hexadecimal; ``used_at`` is the time of its last use."""

    manifest: Manifest
    path: Path
    digest: str
    bytes: int
    used_at: float


def servers_of(sources: Mapping[str, str]) -> str:
    """The digest of the *sources* of the primary servers, by server."""
    return digest_of(part.encode() for each in sorted(sources.items()) for part in each)
