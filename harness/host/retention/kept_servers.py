"""Records of the servers that outlive their command (``harness up``, ``--keepdb``): a file for each set of them, in the user's
folder of states.

A record has no password: the servers have it. A file that cannot be read counts as absent.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class KeptServer:
    """A server, and its address as this machine reaches it; ``primary`` is the id of the server that a replica streams from.
    ``title`` is its engine with the version, as people read it. ``programs`` are the folders with its client, which needs
    ``variables``; none for that of this machine.
    """

    id: str
    engine: str
    title: str
    primary: str | None
    host: str
    port: int
    programs: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptAlias:
    """An alias and its database for development. ``server`` is ``None`` where the backend needs none.

    ``original`` is the ``ENGINE`` and the ``NAME`` of the settings, ``backend`` the ``ENGINE`` here.
    """

    alias: str
    server: str | None
    backend: str
    database: str
    user: str
    mirror_of: str | None
    original: tuple[str, str]


@dataclass(frozen=True, slots=True)
class KeptServers:
    """The servers of one project that outlive their command.

    ``run`` is the id by which ``kind`` (``docker`` or ``local``) finds them. ``is_up``: ``harness up`` made them, with
    databases for development. ``made_at`` is in seconds of the epoch. ``settings`` is the settings module, empty without one.
    ``choices`` has the flags that decide what is in the databases, with their values.
    """

    run: str
    kind: str
    project: str
    is_up: bool
    made_at: float
    settings: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[KeptServer, ...] = ()
    aliases: tuple[KeptAlias, ...] = ()

    def server_of(self, alias: KeptAlias) -> KeptServer | None:
        """The server of *alias*; ``None`` where it needs none."""
        return next((server for server in self.servers if server.id == alias.server), None)


def state_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the records; for a user without a home, one that cannot be made."""
    try:
        home = Path(environ.get("HOME") or Path.home())
    except RuntimeError:  # a container's user need not be in its list of users
        home = Path(os.devnull)
    return Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "django-ci-harness" / "kept"


class KeptRecords:
    """The records in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, kept: KeptServers) -> None:
        """Write the record of *kept* in place of an earlier one. Raises ``OSError``."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False) as file:
            json.dump(asdict(kept), file)
        Path(file.name).replace(self._path(kept.run))

    def read(self, run: str) -> KeptServers | None:
        """The record of *run*; ``None`` if there is none."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            return _parsed(json.loads(self._path(run).read_text()))
        return None

    def all(self) -> list[KeptServers]:
        """Every record, the oldest first."""
        found = [self.read(path.stem) for path in self._folder.glob("*.json")]
        return sorted(filter(None, found), key=lambda kept: kept.made_at)

    def forget(self, run: str) -> None:
        """Remove the record of *run*, if there is one."""
        with contextlib.suppress(OSError):
            self._path(run).unlink()

    def _path(self, run: str) -> Path:
        return self._folder / f"{run}.json"


def _parsed(plain: Any) -> KeptServers:
    """The record in *plain*. Raises ``TypeError``, ``KeyError`` or ``AttributeError`` for one of another form."""
    servers = tuple(KeptServer(**_tupled(server)) for server in plain["servers"])
    aliases = tuple(KeptAlias(**_tupled(alias)) for alias in plain["aliases"])
    return KeptServers(**_tupled(plain) | {"servers": servers, "aliases": aliases})


def _tupled(plain: Any) -> dict[str, Any]:
    """*plain* with tuples for its lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
