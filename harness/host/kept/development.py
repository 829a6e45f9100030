"""Decides the database for development of each alias on the kept servers: the one that the settings name, beside the tests' own.

Pure: ``up`` beside this module makes them.
"""

from __future__ import annotations

from harness.host.planning.plan import PlannedServer, ServerPlan
from harness.host.retention.kept_servers import KeptAlias
from harness.protocol import naming
from harness.protocol.messages import Route
from harness.protocol.topology import Alias, Topology


def kept_aliases(topology: Topology, plan: ServerPlan) -> tuple[KeptAlias, ...]:
    """Each alias of *topology* with its database for development; that of a mirror is its primary's."""
    servers = {server.id: server for server in plan.servers}
    routes = {route.alias: route for route in plan.routes}
    names = {
        alias.name: _database(alias, routes[alias.name], servers, plan)
        for alias in topology.aliases
        if routes[alias.name].mirror_of is None
    }
    return tuple(
        _kept(alias, routes[alias.name], names[routes[alias.name].mirror_of or alias.name])
        for alias in topology.aliases
    )


def wanted_databases(aliases: tuple[KeptAlias, ...]) -> dict[tuple[str, str], str]:
    """The server and the name of each database to be made, with its owner."""
    wanted: dict[tuple[str, str], str] = {}
    for alias in aliases:
        if alias.server is not None and alias.mirror_of is None:
            wanted.setdefault((alias.server, alias.database), alias.user)
    return wanted


def _kept(alias: Alias, route: Route, database: str) -> KeptAlias:
    return KeptAlias(
        alias=alias.name,
        server=route.server,
        backend=route.backend,
        database=database,
        user=route.user,
        mirror_of=route.mirror_of,
        original=(alias.backend, alias.database),
    )


def _database(alias: Alias, route: Route, servers: dict[str, PlannedServer], plan: ServerPlan) -> str:
    """``NAME`` of the settings, or a name like it: the server must take it, and the tests must not use it."""
    if route.server is None:
        return alias.database
    engine = servers[route.server].engine
    is_usable = bool(alias.database) and route.backend == alias.backend
    name = alias.database if is_usable else (route.test_name or route.database).removeprefix("test_")
    tests = {other.database for other in plan.routes if other.server == route.server}
    clone = naming.parse_clone(name)
    if name in tests or (clone is not None and clone[0] in tests):
        return naming.database_apart(name, alias.name, engine.name_bytes)
    return name
