"""The ways to reach the databases of kept servers, as text: ``DATABASE_URL``, the client's command, JSON, a shell's variables.

Pure. The only texts of the harness that have a password: they are printed, and written to no file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.host.engines import ENGINES
from harness.host.engines.engine import Login
from harness.host.planning.plan_view import columns
from harness.host.retention.kept_servers import KeptAlias, KeptServer, KeptServers
from harness.protocol import naming

VERSION = 1
"""The version of the document; a new field does not change it."""


@dataclass(frozen=True, slots=True)
class Access:
    """The way to the database of one alias. ``variable`` is the name of the variable for ``url``; ``client`` a command line."""

    alias: KeptAlias
    server: KeptServer
    login: Login
    variable: str
    url: str
    client: tuple[str, ...]

    @property
    def role(self) -> str:
        """The role of the server, in words."""
        return f"replica of {self.server.primary}" if self.server.primary else "primary"


def accesses(kept: KeptServers, password: str, has_program: Callable[[str], bool]) -> list[Access]:
    """The way to each alias that has a server. A client that this machine lacks is the one beside the server."""
    return [
        _access(kept, alias, server, password, has_program)
        for alias in kept.aliases
        if (server := kept.server_of(alias)) is not None
    ]


def variable(alias: str) -> str:
    """The variable with the URL of *alias*: ``DATABASE_URL`` for ``default``, ``REPLICA_DATABASE_URL`` for ``replica``."""
    return "DATABASE_URL" if alias == "default" else f"{re.sub(r'[^A-Z0-9]', '_', alias.upper())}_DATABASE_URL"


def _access(
    kept: KeptServers, alias: KeptAlias, server: KeptServer, password: str, has_program: Callable[[str], bool]
) -> Access:
    engine = ENGINES[server.engine]
    login = Login(server.host, server.port, alias.user, password, alias.database)
    client = engine.client(login)
    if has_program(client[0]):
        pass
    elif kept.kind == "local":
        client = _own_client(server, client, has_program)
    else:
        inside = engine.client(replace(login, host="127.0.0.1", port=engine.port))
        client = ("docker", "exec", "-it", naming.container(kept.run, server.id), *inside)
    return Access(alias, server, login, variable(alias.alias), engine.url(alias.backend, login), client)


def _own_client(server: KeptServer, client: tuple[str, ...], has_program: Callable[[str], bool]) -> tuple[str, ...]:
    """*client* by the server's own program, with the variables that it needs, where there is one."""
    for folder in server.programs:
        if has_program(program := f"{folder}/{client[0]}"):
            variables = [f"{name}={value}" for name, value in server.variables.items()]
            return (*(("env", *variables) if variables else ()), program, *client[1:])
    return client


def document(kept: KeptServers, found: Sequence[Access]) -> dict[str, Any]:
    """The ways for ``--json``."""
    return {
        "version": VERSION,
        "project": kept.project,
        "settings": kept.settings,
        "servers": kept.kind,
        "aliases": [
            {
                "alias": each.alias.alias,
                "server": each.server.id,
                "engine": each.server.engine,
                "role": "replica" if each.server.primary else "primary",
                "mirror_of": each.alias.mirror_of,
                "host": each.login.host,
                "port": each.login.port,
                "user": each.login.user,
                "password": each.login.password,
                "database": each.login.database,
                "variable": each.variable,
                "url": each.url,
                "client": list(each.client),
            }
            for each in found
        ],
    }


def exports(found: Sequence[Access]) -> list[str]:
    """The lines for ``--env``, which a shell can evaluate."""
    return [f"export {each.variable}={shlex.quote(each.url)}" for each in found]


def lines(found: Sequence[Access]) -> Iterator[str]:
    """The ways for people: a table, then the URL and the client's command of each alias."""
    rows = [
        (
            each.alias.alias,
            each.login.database,
            f"{each.server.title}, {each.role}",
            f"{each.login.host}:{each.login.port}",
        )
        for each in found
    ]
    yield from columns(("alias", "database", "server", "address"), rows)
    for each in found:
        yield ""
        yield f"{each.variable}={each.url}"
        yield shlex.join(each.client)
