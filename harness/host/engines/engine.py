"""The host's description of a kind of database server, as data and a few plain functions.

Owns only the data classes; the modules beside it fill them in. Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.protocol.events import Role

Replication = Literal["gtid", "position"]
"""The ways by which a replica finds its place in its primary's log, where an engine has both."""

PASSWORD_VARIABLE = "HARNESS_PASSWORD"  # noqa: S105 - the name of a variable
"""The variable of a server's container with the run's password."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version that users can choose: its official image, and the Debian suite whose packages have it."""

    version: str
    image: str
    suite: str


@dataclass(frozen=True, slots=True)
class Boot:
    """The start parameters of one server. ``users`` are made superusers on a primary; a replica replicates them.

    ``primary_host`` is the name under which a replica reaches its primary, ``replication`` how it follows the primary,
    for an engine that has more than one way. A server that ``is_held`` ends with this process.
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

    ``name`` is what users type, ``title`` what they read, ``vendor`` the vendor of its Django backends. ``backend`` and
    ``gis_backend`` replace the ENGINE of an alias that was written for another vendor. ``unquotable`` are the characters
    that Django cannot quote in a name. ``server_options`` are the keys of OPTIONS that name the old server, or how to
    reach it.
    ``environment`` gives the variables of a server's container. ``ready`` matches the log line of a server that accepts
    connections; for a replica, that it streams too. ``version_line`` finds the exact version in the log, as its first
    group.
    ``user`` gives the role that replaces a USER of the settings. ``dump_schema`` is the command line that prints a
    database's schema inside its server's container, and ``schema_noise`` matches the parts that differ from dump to dump.
    ``memory_folder`` is the folder of a server's databases if a file system in memory is mounted there, and
    ``memory_bytes`` the memory of one server besides the tests' databases: itself and its seed.
    ``hint`` is the next step when a server does not come up.
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
        """The release of *version*. Raises ``KeyError`` if there is none."""
        for release in self.releases:
            if release.version == version:
                return release
        raise KeyError(version)
