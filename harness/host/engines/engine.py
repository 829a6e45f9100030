"""What the host knows of a kind of database server, as data and a few plain functions.

Owns the shape alone: the modules beside it fill it in. Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["primary", "replica"]

Replication = Literal["gtid", "position"]
"""How a replica finds its place in what its primary sends, where an engine has both ways."""

PASSWORD_VARIABLE = "HARNESS_PASSWORD"  # noqa: S105 - the name of a variable
"""Of a server's container: the run's password."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version that can be asked for: its official image, and the Debian suite whose packages have it."""

    version: str
    image: str
    suite: str


@dataclass(frozen=True, slots=True)
class Boot:
    """What one server is told at its start. ``users`` are made superusers on a primary; a replica has them from it.

    ``primary_host`` is the name under which a replica reaches its primary, ``replication`` the way it follows it, for an
    engine that has more than one. A server that ``is_held`` ends with this process.
    """

    role: Role
    password: str
    users: tuple[str, ...] = ()
    primary_host: str = ""
    is_held: bool = True
    replication: Replication = "gtid"

    def __repr__(self) -> str:
        return f"Boot(role={self.role!r}, password='***', users={self.users!r}, primary_host={self.primary_host!r})"


@dataclass(frozen=True, slots=True)
class Engine:
    """A kind of database server.

    ``name`` is what users type, ``title`` what they read, ``vendor`` what Django's backends call themselves.
    ``backend`` and ``gis_backend`` replace the ENGINE of an alias that was written for another vendor.
    ``unquotable`` are the characters that Django cannot quote in a name. ``server_options`` are the keys of OPTIONS
    that name the old server, or how to reach it.
    ``environment`` is that of a server's container. ``ready`` is the line of its log that says that it serves; a
    replica, that it streams too. ``version_line`` finds the exact version in the log, as its first group.
    ``user`` is the role that stands for a USER of the settings. ``dump_schema`` is the command line that prints a
    database's schema inside its server's container, and ``schema_noise`` what differs in it from time to time.
    ``memory_folder`` is where a server's databases are made if a file system in memory is mounted there, and
    ``memory_bytes`` what one server then takes beside the tests' databases: itself and its seed.
    ``hint`` says what to look at when a server does not come up.
    """

    name: str
    title: str
    vendor: str
    backend: str
    gis_backend: str
    releases: tuple[Release, ...]
    default_version: str
    port: int
    name_bytes: int
    unquotable: str
    reserved_databases: frozenset[str]
    server_options: tuple[str, ...]
    environment: Callable[[Boot], Mapping[str, str]]
    ready: re.Pattern[str]
    version_line: re.Pattern[str]
    user: Callable[[str], str]
    dump_schema: Callable[[str], tuple[str, ...]]
    schema_noise: re.Pattern[str]
    memory_folder: str
    memory_bytes: int
    hint: str

    @property
    def versions(self) -> tuple[str, ...]:
        return tuple(release.version for release in self.releases)

    def release(self, version: str) -> Release:
        """The release of *version*; ``KeyError`` if there is none."""
        for release in self.releases:
            if release.version == version:
                return release
        raise KeyError(version)
