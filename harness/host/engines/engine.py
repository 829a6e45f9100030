"""The host's description of a kind of database server, as data and a few plain functions.

Owns only the data classes; the modules beside it fill them in. Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from harness.host.engines.driver import Driver
from harness.protocol.topology import Role

Replication = Literal["gtid", "position"]
"""The ways by which a replica finds its place in its primary's log, where an engine has both."""

READY = re.compile(r"^harness: ready$", re.MULTILINE)
"""Matches the log line of a server that accepts connections; a replica that prints it streams too."""

DEFAULT_USER = "harness"
"""The user of an alias whose USER is empty or not accepted by the server."""

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
    password: str = field(repr=False)
    users: tuple[str, ...] = ()
    primary_host: str = ""
    is_held: bool = True
    replication: Replication = "gtid"

    @property
    def environment(self) -> dict[str, str]:
        """The environment that ``images/entry.sh`` and the engine's ``server.sh`` read."""
        is_replica = self.role == "replica"
        return {
            "HARNESS_ROLE": self.role,
            PASSWORD_VARIABLE: self.password,
            "HARNESS_HELD": "1" if self.is_held else "",
            "HARNESS_REPLICATION": self.replication,
            **({"HARNESS_PRIMARY": self.primary_host} if is_replica else {"HARNESS_USERS": "\n".join(self.users)}),
        }


HOME_VARIABLE = "HARNESS_HOME"
"""The variable with the folder of a server that is in no container, which its supervisor makes."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a server that is in no container: the folder with the scripts, the tar of the seed, its name, address and
    port, for a replica those of its primary, and options of the server's command line.
    """

    parts: str
    seed: str
    host: str
    address: tuple[str, int]
    primary: tuple[str, int] | None = None
    options: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The environment that ``images/entry.sh`` reads besides that of ``Boot``, whose primary this one's replaces."""
        variables = {"PARTS": self.parts, "SEED": self.seed, "HOST": self.host, "OPTIONS": self.options}
        variables |= {"ADDRESS": self.address[0], "PORT": str(self.address[1])}
        if self.primary is not None:
            variables |= {"PRIMARY": self.primary[0], "PRIMARY_PORT": str(self.primary[1])}
        return {f"HARNESS_{name}": value for name, value in variables.items()}


@dataclass(frozen=True, slots=True)
class Login:
    """The address of a database with the user and the password of one of its users."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str = ""


def seed_variables(path: str, size: int) -> dict[str, str]:
    """The environment by which ``images/entry.sh`` starts on the tar in *path*, unless it has another *size* in bytes."""
    return {"HARNESS_SEED": path, "HARNESS_SEED_BYTES": str(size)}


@dataclass(frozen=True, slots=True)
class Engine:
    """A kind of database server.

    ``name`` is what users type, ``title`` what they read, ``vendor`` the vendor of its Django backends. ``driver`` is
    added to a project that has none. ``backend`` and
    ``gis_backend`` replace the ENGINE of an alias that was written for another vendor. ``unquotable`` are the characters
    that Django cannot quote in a name. ``server_options`` are the keys of OPTIONS that name the old server, or how to
    reach it.
    ``account`` is the system's user that the server runs as, in its image. ``version_line`` finds the exact version in the
    log, as its first group.
    ``user`` gives the role that replaces a USER of the settings. ``dump_schema`` is the command line that prints a
    database's schema where ``Server.execute`` runs it, and ``schema_noise`` matches the parts that differ from dump to dump.
    ``create_database`` is the one that makes a database for an owner unless there is one.
    ``schemes`` are those of a URL for Django, the second with GIS. ``client`` is the command line of the engine's own
    client.
    ``memory_bytes`` is the memory of one server besides the tests' databases: itself and its seed.
    ``be_patient`` is the command line that prepares a replica for lag: it bears a silent primary, which keeps all that it has not
    got.
    ``hint`` is the next step when a server does not come up.
    """

    name: str
    title: str
    vendor: str
    driver: Driver
    backend: str
    gis_backend: str
    releases: tuple[Release, ...]
    default_version: str
    port: int
    name_bytes: int
    unquotable: str
    reserved_databases: frozenset[str]
    server_options: tuple[str, ...]
    account: str
    version_line: re.Pattern[str]
    user: Callable[[str], str]
    dump_schema: Callable[[str], tuple[str, ...]]
    schema_noise: re.Pattern[str]
    create_database: Callable[[str, str], tuple[str, ...]]
    schemes: tuple[str, str]
    client: Callable[[Login], tuple[str, ...]]
    memory_bytes: int
    be_patient: tuple[str, ...]
    hint: str

    @property
    def versions(self) -> tuple[str, ...]:
        return tuple(release.version for release in self.releases)

    def url(self, backend: str, login: Login) -> str:
        """The address of a database as a ``DATABASE_URL``, for the ``ENGINE`` *backend*."""
        scheme = self.schemes[".gis." in backend]
        user, password, database = (quote(each, safe="") for each in (login.user, login.password, login.database))
        return f"{scheme}://{user}:{password}@{login.host}:{login.port}/{database}"

    def release(self, version: str) -> Release:
        """The release of *version*. Raises ``KeyError`` if there is none."""
        for release in self.releases:
            if release.version == version:
                return release
        raise KeyError(version)
