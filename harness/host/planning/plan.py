"""Plans the servers of a run and the route of each alias, from the project's settings and the user's options.

Owns the rules: which servers there are, which are replicas, which aliases share one, and the names of test databases
where Django's own do not fit. Decides only; ``host.run.servers`` acts. Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath

from harness.errors import ProjectError, UsageError
from harness.host.config.databases import SQLITE, DbSpec
from harness.host.engines import ENGINES, Engine, for_vendor
from harness.protocol import naming
from harness.protocol.events import AliasMode, AliasRouted, Notice, Role
from harness.protocol.messages import Route
from harness.protocol.topology import (
    DEFAULT_ALIAS,
    Alias,
    Topology,
    creation_order,
    databases,
    dependencies_of,
    primary_of,
)

DUMMY = "dummy"
"""The vendor of ``DATABASES = {}``: a project without a database."""
SQLITE_BACKEND = "django.db.backends.sqlite3"
SPATIALITE_BACKEND = "django.contrib.gis.db.backends.spatialite"
_RELATIONAL = frozenset({"postgresql", "mysql", SQLITE, "oracle", "microsoft", "cockroachdb"})
"""The vendors whose aliases another engine can serve."""


@dataclass(frozen=True, slots=True)
class PlannedServer:
    """A server to be started. ``id`` is its host name too; ``primary`` is the id that a replica streams from.

    ``users`` are the superusers that its aliases connect as, including those of its replicas: roles are replicated.
    """

    id: str
    engine: Engine
    version: str
    role: Role
    primary: str | None
    users: tuple[str, ...]
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """Every server, primaries first, and the route of each alias, in the order of ``DATABASES``."""

    servers: tuple[PlannedServer, ...]
    routes: tuple[Route, ...]
    creation_order: tuple[str, ...]
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """The key of a server of the run: its engine and version, and its address in the settings.

    ``key`` is the primary's address; ``mirror_key`` is the address of a mirror that has another one, which makes it a
    replica.
    """

    engine: str
    version: str
    key: tuple[str, ...]
    mirror_key: tuple[str, ...] | None = None

    @property
    def primary(self) -> _Place:
        return replace(self, mirror_key=None)


def make_plan(topology: Topology, db: Sequence[DbSpec] = ()) -> ServerPlan:
    """The plan for *topology*, tested on the engines in *db*, or on those of the settings where *db* is empty.

    *db* names one backend for all aliases at most, beside those for one alias each.

    Raises ``ProjectError`` for mirrors and dependencies that lead nowhere or form a circle and for a backend that no
    engine can serve, ``UsageError`` for a *db* that contradicts the settings.
    """
    order = creation_order(topology)
    primaries = {alias.name: topology[primary_of(topology, alias.name)] for alias in topology.aliases}
    specs = _specs(topology, primaries, db)
    places = {alias.name: _place(alias, primaries[alias.name], specs[alias.name]) for alias in topology.aliases}
    servers = _servers(topology, places)
    server_of = {alias: server for server in servers for alias in server.aliases}
    names = _database_names(topology, places, specs)
    return ServerPlan(
        servers=servers,
        routes=tuple(
            _route(
                topology,
                alias,
                places[alias.name],
                server_of.get(alias.name),
                names.get(primaries[alias.name].name),
                specs[alias.name],
            )
            for alias in topology.aliases
        ),
        creation_order=order,
        notices=(
            *_effect_notices(topology, db),
            *_notices(topology, primaries, places, names),
            *_sqlite_notices(topology, specs),
        ),
    )


def _specs(topology: Topology, primaries: Mapping[str, Alias], db: Sequence[DbSpec]) -> dict[str, DbSpec | None]:
    """The spec of *db* for each alias. A spec with an alias applies to all aliases on the same test database, mirrors too."""
    everywhere = next((spec for spec in db if spec.alias is None), None)
    group_of = {name: group[0] for group in databases(topology) for name in group}
    asked: dict[str, DbSpec] = {}
    for spec in db:
        if spec.alias is None:
            continue
        if spec.alias not in topology.names:
            raise UsageError(
                f"--db {spec}: there is no alias {spec.alias!r}.",
                hint=f"DATABASES has: {', '.join(topology.names)}.",
            )
        other = asked.setdefault(group_of[primaries[spec.alias].name], spec)
        if (other.engine, other.version) != (spec.engine, spec.version):
            raise UsageError(
                f"--db {other} and --db {spec} contradict each other: both aliases are one test database.",
                hint="Name one of them; the other follows.",
            )
    for alias in topology.aliases:
        if everywhere is not None and group_of[primaries[alias.name].name] not in asked:
            _see_that_it_can_be_replaced(alias, everywhere, topology)
    return {name: asked.get(group_of[primary.name], everywhere) for name, primary in primaries.items()}


def _see_that_it_can_be_replaced(alias: Alias, spec: DbSpec, topology: Topology) -> None:
    """Refuse a *spec* for all aliases if *alias* is not relational: the user may not have meant this alias. Naming it is
    accepted.
    """
    if alias.vendor in _RELATIONAL or alias.vendor == DUMMY:
        return
    raise UsageError(
        f"--db {spec} cannot serve DATABASES[{alias.name!r}]: {alias.backend} ({alias.vendor}) is nothing that"
        " another engine can stand in for.",
        hint=f"Name the aliases that are meant: {_listing(spec, topology)}.",
    )


def _listing(spec: DbSpec, topology: Topology) -> str:
    meant = [alias.name for alias in topology.aliases if alias.vendor in _RELATIONAL and alias.test.mirror is None]
    return " ".join(f"--db {replace(spec, alias=name)}" for name in meant) or f"--db ALIAS={spec}"


def _place(alias: Alias, primary: Alias, spec: DbSpec | None) -> _Place | None:
    """The server of *alias*; ``None`` where it needs none. An alias that mirrors nothing is its own *primary*."""
    if spec is None and alias.vendor != primary.vendor:
        raise ProjectError(
            f"DATABASES[{alias.name!r}] ({alias.backend}) is a mirror of {primary.name!r} ({primary.backend}):"
            " one cannot be a replica of the other.",
            hint=f"Give both the same ENGINE, or test both on one with --db: {', '.join((*ENGINES, SQLITE))}.",
        )
    if primary.vendor == DUMMY or (spec.engine if spec is not None else primary.vendor) == SQLITE:
        return None
    engine = ENGINES[spec.engine] if spec is not None else for_vendor(primary.vendor)
    if engine is None:
        raise ProjectError(
            f"DATABASES[{primary.name!r}] uses {primary.backend}; no server for {primary.vendor} can be started yet.",
            hint=f"Test it on another one with --db: {', '.join((*ENGINES, SQLITE))}.",
        )
    version = spec.version if spec is not None and spec.version is not None else engine.default_version
    place = _Place(engine.name, version, _server_key(primary))
    # a file has no host, so a mirror of one cannot be recognized as being on its primary's server
    if alias is primary or (_server_key(alias) == place.key and alias.vendor != SQLITE):
        return place
    return replace(place, mirror_key=_server_key(alias))


def _server_key(alias: Alias) -> tuple[str, ...]:
    """The address by which aliases share a server. All SQLite files share one: a file has no address."""
    return (SQLITE,) if alias.vendor == SQLITE else alias.server_key


def _servers(topology: Topology, places: Mapping[str, _Place | None]) -> tuple[PlannedServer, ...]:
    members: dict[_Place, list[Alias]] = {}
    for alias in topology.aliases:
        place = places[alias.name]
        if place is not None:
            members.setdefault(place, []).append(alias)
    ids: dict[_Place, str] = {}
    for place in sorted(members, key=lambda place: place.mirror_key is not None):
        names = [alias.name for alias in members[place]]
        ids[place] = naming.server_id(DEFAULT_ALIAS if DEFAULT_ALIAS in names else names[0], set(ids.values()))
    return tuple(
        PlannedServer(
            id=id,
            engine=ENGINES[place.engine],
            version=place.version,
            role="primary" if place.mirror_key is None else "replica",
            primary=None if place.mirror_key is None else ids[place.primary],
            users=_users(place.primary, members),
            aliases=tuple(alias.name for alias in members[place]),
        )
        for place, id in ids.items()
    )


def _users(primary: _Place, members: Mapping[_Place, Sequence[Alias]]) -> tuple[str, ...]:
    user = ENGINES[primary.engine].user
    aliases = (alias for place, group in members.items() if place.primary == primary for alias in group)
    return tuple(dict.fromkeys(user(alias.user) for alias in aliases))


def _database_names(
    topology: Topology, places: Mapping[str, _Place | None], specs: Mapping[str, DbSpec | None]
) -> dict[str, str | None]:
    """The test database's name of each alias that has one on a server, or is moved to SQLite; ``None`` where Django's
    own name fits.
    """
    groups = {group[0]: group for group in databases(topology) if places[group[0]] is not None}
    fitting = {first: _fitting(topology[first], _engine(places[first])) for first in groups}
    names: dict[str, str | None] = {}
    names |= {
        alias.name: _in_memory(alias) for alias in topology.aliases if _is_brought_to_sqlite(alias, specs[alias.name])
    }
    taken: set[tuple[_Place | None, str]] = set()
    for first, name in fitting.items():
        place = places[first]
        neighbours = {fitting[other] for other in groups if other != first and places[other] == place}
        clone = naming.parse_clone(name)
        # a worker's clone with the same name (another name and a worker's number) would replace this database
        if (place, name) in taken or (clone is not None and clone[0] in neighbours):
            name = naming.database_apart(name, first, _engine(place).name_bytes)
        taken.add((place, name))
        ours = name != topology[first].test_name or _is_replaced(topology[first], place)
        names.update(dict.fromkeys(groups[first], name if ours else None))
    return names


def _fitting(alias: Alias, engine: Engine) -> str:
    """A name for *alias*'s test database that the server and Django can both write, as near Django's as can be."""
    wanted = alias.test_name
    if alias.vendor == SQLITE:
        wanted = _stem(alias.test.name) or f"test_{_stem(alias.database) or alias.name}"
    elif not alias.database and alias.test.name is None:
        wanted = f"test_{alias.name}"
    written = re.sub(f"[{re.escape(engine.unquotable)}]", "_", wanted)
    if written != wanted or written in engine.reserved_databases:
        return naming.database_apart(written, wanted, engine.name_bytes)
    return naming.database(written, engine.name_bytes)


def _in_memory(alias: Alias) -> str:
    """Django's name of *alias*'s database in memory: each alias has its own."""
    return f"file:memorydb_{alias.name}?mode=memory&cache=shared"


def _is_brought_to_sqlite(alias: Alias, spec: DbSpec | None) -> bool:
    """Whether *alias* is tested on SQLite, but has another vendor in the settings."""
    return spec is not None and spec.engine == SQLITE and alias.vendor not in (SQLITE, DUMMY)


def _stem(path: str | None) -> str:
    """The name of a file without its folder and ending; empty for a database in memory."""
    if not path or path == ":memory:" or path.startswith("file:"):
        return ""
    return PureWindowsPath(path).stem


def _engine(place: _Place | None) -> Engine:
    assert place is not None
    return ENGINES[place.engine]


def _is_replaced(alias: Alias, place: _Place | None) -> bool:
    """Whether *alias* was written for another vendor than the one that it is tested on."""
    return place is not None and alias.vendor != ENGINES[place.engine].vendor


def _route(
    topology: Topology,
    alias: Alias,
    place: _Place | None,
    server: PlannedServer | None,
    test_name: str | None,
    spec: DbSpec | None,
) -> Route:
    """The route of *alias* to *server*. *test_name* is that of its primary's test database, unless it is Django's own."""
    primary = topology[primary_of(topology, alias.name)]
    return Route(
        alias.name,
        None if server is None else server.id,
        _backend(alias, place, spec),
        _user(alias, place, spec),
        test_name=None if place is None else test_name,
        drop_options=() if place is None else _engine(place).server_options,
        role="primary" if server is None else server.role,
        mode=_mode(topology, alias, primary, spec),
        mirror_of=None if alias is primary else primary.name,
        database=test_name or primary.test_name,
        dependencies=dependencies_of(topology, alias),
    )


def _backend(alias: Alias, place: _Place | None, spec: DbSpec | None) -> str:
    is_gis = ".gis." in alias.backend
    if place is None:
        sqlite = SPATIALITE_BACKEND if is_gis else SQLITE_BACKEND
        return sqlite if _is_brought_to_sqlite(alias, spec) else alias.backend
    if not _is_replaced(alias, place):
        return alias.backend
    return _engine(place).gis_backend if is_gis else _engine(place).backend


def _user(alias: Alias, place: _Place | None, spec: DbSpec | None) -> str:
    if place is None:
        return "" if _is_brought_to_sqlite(alias, spec) else alias.user
    return _engine(place).user(alias.user)


def _mode(topology: Topology, alias: Alias, primary: Alias, spec: DbSpec | None) -> AliasMode:
    if alias is not primary:
        return "mirror"
    creators = {group[0] for group in databases(topology)}
    return "primary" if alias.name in creators or _is_brought_to_sqlite(alias, spec) else "shared"


def routed(route: Route) -> AliasRouted:
    """The event that reports *route*."""
    return AliasRouted(route.alias, route.server, route.database, route.mirror_of, route.dependencies, route.mode)


def _notices(
    topology: Topology,
    primaries: Mapping[str, Alias],
    places: Mapping[str, _Place | None],
    names: Mapping[str, str | None],
) -> Iterator[Notice]:
    for alias in topology.aliases:
        primary, place = primaries[alias.name], places[alias.name]
        if place is None:
            continue
        if alias is not primary and place.mirror_key is None:
            yield Notice(
                "mirror-without-replica",
                f"{alias.name} is a mirror of {primary.name} on the same host and port, so it reads from the primary"
                " itself. Another HOST or PORT in the settings gives it a replica.",
            )
        engine = ENGINES[place.engine]
        if alias.user and engine.user(alias.user) != alias.user:
            yield Notice(
                "user-replaced",
                f"{alias.name}: {engine.title} takes no role called {alias.user!r}; it is {engine.user(alias.user)!r}.",
            )
        name = names.get(alias.name)
        if alias is primary and name is not None and not _is_replaced(alias, place):
            yield Notice(
                "database-renamed",
                f"{alias.name}: the test database is called {name!r} and not {alias.test_name!r}, which is empty, too"
                f" long for {engine.title} with a worker's number behind it, another database's, or cannot be quoted.",
            )


def _effect_notices(topology: Topology, db: Sequence[DbSpec]) -> Iterator[Notice]:
    if db and all(alias.vendor == DUMMY for alias in topology.aliases):
        flags = " ".join(f"--db {spec}" for spec in db)
        yield Notice(
            "db-without-effect",
            f"{flags} has no effect: DATABASES of the settings is empty, so the tests have no database.",
        )


def _sqlite_notices(topology: Topology, specs: Mapping[str, DbSpec | None]) -> Iterator[Notice]:
    for first, *others in databases(topology):
        if others and _is_brought_to_sqlite(topology[first], specs[first]):
            yield Notice(
                "database-not-shared",
                f"{', '.join((first, *others))} share a test database by the settings; on SQLite, each has one of its own.",
            )
