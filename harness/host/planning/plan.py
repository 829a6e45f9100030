"""Plans the servers of a run and the route of each alias, from the project's settings and the user's options.

Owns the rules: which servers there are, which are replicas, which aliases share one, and the names of test databases
where Django's own do not fit. Decides only; ``host.run.servers`` acts. Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath
from types import MappingProxyType

from harness.errors import ProjectError, UsageError
from harness.host.config.databases import SQLITE, DbSpec
from harness.host.engines import ENGINES, Engine, for_vendor
from harness.host.planning.advice import advise
from harness.protocol import naming
from harness.protocol.events import Advice, AliasRouted, FrameworkChosen, Notice
from harness.protocol.messages import Lag, Route
from harness.protocol.topology import (
    DEFAULT_ALIAS,
    Alias,
    Role,
    Topology,
    creation_order,
    databases,
    dependencies_of,
    primary_of,
)

DUMMY = "dummy"
"""The vendor of an empty alias, such as ``dj_database_url.config()`` returns it where its variable is not set."""
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
    """Every server, primaries first, and the route of each alias, in the order of ``DATABASES``; and the runner's own choice."""

    servers: tuple[PlannedServer, ...]
    routes: tuple[Route, ...]
    creation_order: tuple[str, ...]
    notices: tuple[Notice, ...] = ()
    framework: FrameworkChosen | None = None
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """The key of a server of the run: its engine and version, and its address in the settings.

    ``key`` is the primary's address; ``mirror_key`` is the address of a mirror that has another one, which makes it a
    replica.
    """

    engine: Engine
    version: str
    key: tuple[str, ...]
    mirror_key: tuple[str, ...] | None = None

    @property
    def primary(self) -> _Place:
        return replace(self, mirror_key=None)


@dataclass(frozen=True, slots=True)
class _Target:
    """An alias with the place where it is tested, ``None`` without a server. An alias that mirrors nothing is its own primary.

    ``is_moved_to_sqlite``: it is tested on SQLite, and has another vendor in the settings.
    """

    alias: Alias
    primary: Alias
    place: _Place | None
    is_moved_to_sqlite: bool

    @property
    def is_replaced(self) -> bool:
        """Whether the alias is tested on a server of another vendor than the settings'."""
        return self.place is not None and self.alias.vendor != self.place.engine.vendor

    @property
    def backend(self) -> str:
        is_gis = ".gis." in self.alias.backend
        if self.is_moved_to_sqlite:
            return SPATIALITE_BACKEND if is_gis else SQLITE_BACKEND
        if self.place is None or not self.is_replaced:
            return self.alias.backend
        return self.place.engine.gis_backend if is_gis else self.place.engine.backend

    @property
    def user(self) -> str:
        if self.place is None:
            return "" if self.is_moved_to_sqlite else self.alias.user
        return self.place.engine.user(self.alias.user)


def make_plan(
    topology: Topology, db: Sequence[DbSpec] = (), versions: Mapping[str, str] = MappingProxyType({})
) -> ServerPlan:
    """The plan for *topology*, tested on the engines in *db*, or on those of the settings where *db* is empty.

    *db* names one backend for all aliases at most, beside those for one alias each. *versions* are taken, by engine, where
    *db* names none, in place of the engine's default.

    Raises ``ProjectError`` for mirrors and dependencies that lead nowhere or form a circle and for a backend that no
    engine can serve, ``UsageError`` for a *db* that contradicts the settings.
    """
    order = creation_order(topology)
    primaries = {alias.name: topology[primary_of(topology, alias.name)] for alias in topology.aliases}
    specs = _specs(topology, primaries, db)
    targets = {
        alias.name: _target(alias, primaries[alias.name], specs[alias.name], versions) for alias in topology.aliases
    }
    servers = _servers(targets.values())
    server_of = {alias: server for server in servers for alias in server.aliases}
    names = _database_names(topology, targets)
    return ServerPlan(
        servers=servers,
        routes=tuple(_route(topology, target, server_of.get(name), names) for name, target in targets.items()),
        creation_order=order,
        notices=tuple(_notices(topology, db, targets, names)),
        advice=tuple(advise(topology)),
    )


def _specs(topology: Topology, primaries: Mapping[str, Alias], db: Sequence[DbSpec]) -> dict[str, DbSpec | None]:
    """The spec of *db* for each alias. A spec with an alias applies to all aliases on the same test database, mirrors too."""
    everywhere = next((spec for spec in db if spec.alias is None), None)
    creator_of = {name: group[0] for group in databases(topology) for name in group}
    named: dict[str, DbSpec] = {}
    for spec in db:
        if spec.alias is None:
            continue
        if spec.alias not in topology.names:
            raise UsageError(
                f"--db {spec}: there is no alias {spec.alias!r}.",
                hint=f"DATABASES has: {', '.join(topology.names)}.",
            )
        other = named.setdefault(creator_of[primaries[spec.alias].name], spec)
        if (other.engine, other.version) != (spec.engine, spec.version):
            raise UsageError(
                f"--db {other} and --db {spec} contradict each other: both aliases are one test database.",
                hint="Name one of them; the other follows.",
            )
    specs = {name: named.get(creator_of[primary.name], everywhere) for name, primary in primaries.items()}
    if any(alias.vendor != DUMMY for alias in topology.aliases):
        # an empty alias beside others is meant: a router keeps everything away from it
        for name, primary in primaries.items():
            if primary.vendor == DUMMY and specs[name] is everywhere:
                specs[name] = None
    for alias in topology.aliases:
        # the spec for all aliases may not be meant for this one; naming the alias is accepted
        if everywhere is not None and specs[alias.name] is everywhere and alias.vendor not in (*_RELATIONAL, DUMMY):
            raise _not_relational(alias, everywhere, topology)
    return specs


def _not_relational(alias: Alias, spec: DbSpec, topology: Topology) -> UsageError:
    meant = [other.name for other in topology.aliases if other.vendor in _RELATIONAL and other.test.mirror is None]
    flags = " ".join(f"--db {replace(spec, alias=name)}" for name in meant) or f"--db ALIAS={spec}"
    return UsageError(
        f"--db {spec} cannot serve DATABASES[{alias.name!r}]: no other engine can replace {alias.backend} ({alias.vendor}).",
        hint=f"Name the aliases that are meant: {flags}.",
    )


def _target(alias: Alias, primary: Alias, spec: DbSpec | None, versions: Mapping[str, str]) -> _Target:
    if spec is None and alias.vendor != primary.vendor:
        raise ProjectError(
            f"DATABASES[{alias.name!r}] ({alias.backend}) is a mirror of {primary.name!r} ({primary.backend}):"
            " one cannot be a replica of the other.",
            hint=f"Give both the same ENGINE, or test both on one with --db: {', '.join((*ENGINES, SQLITE))}.",
        )
    if (spec.engine if spec is not None else primary.vendor) in (SQLITE, DUMMY):
        is_moved = spec is not None and alias.vendor != SQLITE
        return _Target(alias, primary, None, is_moved)
    engine = ENGINES[spec.engine] if spec is not None else for_vendor(primary.vendor)
    if engine is None:
        raise ProjectError(
            f"DATABASES[{primary.name!r}] uses {primary.backend}; no server for {primary.vendor} can be started yet.",
            hint=f"Test it on another one with --db: {', '.join((*ENGINES, SQLITE))}.",
        )
    version = (spec.version if spec is not None else None) or versions.get(engine.name) or engine.default_version
    key, primary_key = _server_key(alias), _server_key(primary)
    # a file has no host, so a mirror of one cannot be recognized as being on its primary's server
    is_same = alias is primary or (key == primary_key and alias.vendor != SQLITE)
    return _Target(alias, primary, _Place(engine, version, primary_key, None if is_same else key), False)


def _server_key(alias: Alias) -> tuple[str, ...]:
    """The address by which aliases share a server. All SQLite files share one: a file has no address."""
    return (SQLITE,) if alias.vendor == SQLITE else alias.server_key


def _servers(targets: Iterable[_Target]) -> tuple[PlannedServer, ...]:
    members: dict[_Place, list[Alias]] = {}
    for target in targets:
        if target.place is not None:
            members.setdefault(target.place, []).append(target.alias)
    users: dict[_Place, dict[str, None]] = {}
    for place, aliases in members.items():
        users.setdefault(place.primary, {}).update(dict.fromkeys(place.engine.user(alias.user) for alias in aliases))
    ids: dict[_Place, str] = {}
    for place in sorted(members, key=lambda place: place.mirror_key is not None):
        names = [alias.name for alias in members[place]]
        ids[place] = naming.server_id(DEFAULT_ALIAS if DEFAULT_ALIAS in names else names[0], set(ids.values()))
    return tuple(
        PlannedServer(
            id=id,
            engine=place.engine,
            version=place.version,
            role="primary" if place.mirror_key is None else "replica",
            primary=None if place.mirror_key is None else ids[place.primary],
            users=tuple(users[place.primary]),
            aliases=tuple(alias.name for alias in members[place]),
        )
        for place, id in ids.items()
    )


def _database_names(topology: Topology, targets: Mapping[str, _Target]) -> dict[str, str]:
    """The name of each alias's test database, except where Django's own name fits.

    In memory, Django gives each alias a database of its own.
    """
    names = {
        name: f"file:memorydb_{name}?mode=memory&cache=shared"
        for name, target in targets.items()
        if target.is_moved_to_sqlite
    }
    groups = {group[0]: group for group in databases(topology)}
    wanted = {
        first: (place, _fitting(targets[first].alias, place.engine))
        for first in groups
        if (place := targets[first].place) is not None
    }
    taken: set[tuple[_Place, str]] = set()
    for first, (place, name) in wanted.items():
        clone = naming.parse_clone(name)
        # a worker's clone with the same name (another name and a worker's number) would replace this database
        if (place, name) in taken or (clone is not None and (place, clone[0]) in wanted.values()):
            name = naming.database_apart(name, first, place.engine.name_bytes)
        taken.add((place, name))
        if name != targets[first].alias.test_name or targets[first].is_replaced:
            names |= dict.fromkeys(groups[first], name)
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


def _stem(path: str | None) -> str:
    """The name of a file without its folder and ending; empty for a database in memory."""
    if not path or path == ":memory:" or path.startswith("file:"):
        return ""
    return PureWindowsPath(path).stem


def _route(topology: Topology, target: _Target, server: PlannedServer | None, names: Mapping[str, str]) -> Route:
    alias, primary = target.alias, target.primary
    name = names.get(primary.name)
    is_creator = target.is_moved_to_sqlite or any(alias.name == group[0] for group in databases(topology))
    return Route(
        alias.name,
        server.id if server else None,
        target.backend,
        target.user,
        test_name=name if server else None,
        drop_options=server.engine.server_options if server else (),
        role=server.role if server else "primary",
        mode="mirror" if alias is not primary else "primary" if is_creator else "shared",
        mirror_of=None if alias is primary else primary.name,
        database=name or primary.test_name,
        dependencies=dependencies_of(topology, alias),
    )


def routed(route: Route) -> AliasRouted:
    """The event that reports *route*."""
    return AliasRouted(route.alias, route.server, route.database, route.mirror_of, route.dependencies, route.mode)


def lag_notices(plan: ServerPlan, lag: Lag, checked_s: float | None = None) -> tuple[Notice, ...]:
    """The notice on a *lag*, or on that of ``--lag-check`` in seconds, that meets no replica in *plan*."""
    option = f"--replica-lag {lag}" if checked_s is None else "--lag-check"
    if (lag.mode == "sync" and checked_s is None) or any(server.role == "replica" for server in plan.servers):
        return ()
    text = (
        f"{option} has no effect: no alias has a replica."
        " TEST = {'MIRROR': 'default'} of an alias on another HOST or PORT gives it one."
    )
    return (Notice("lag-without-effect", text),)


def _notices(
    topology: Topology, db: Sequence[DbSpec], targets: Mapping[str, _Target], names: Mapping[str, str]
) -> Iterator[Notice]:
    if db and not topology.aliases:
        flags = " ".join(f"--db {spec}" for spec in db)
        yield Notice(
            "db-without-effect",
            f"{flags} has no effect: DATABASES of the settings is empty, so the tests have no database.",
        )
    for target in targets.values():
        if target.place is not None:
            yield from _server_notices(target, target.place, names)
    for first, *others in databases(topology):
        if others and targets[first].is_moved_to_sqlite:
            yield Notice(
                "database-not-shared",
                f"{', '.join((first, *others))} share a test database by the settings; on SQLite, each has one of its own.",
            )


def _server_notices(target: _Target, place: _Place, names: Mapping[str, str]) -> Iterator[Notice]:
    alias, primary, engine = target.alias, target.primary, place.engine
    if alias is not primary and place.mirror_key is None:
        yield Notice(
            "mirror-without-replica",
            f"{alias.name} is a mirror of {primary.name} on the same host and port, so it reads from the primary"
            " itself. Another HOST or PORT in the settings gives it a replica.",
        )
    if alias.user and target.user != alias.user:
        yield Notice(
            "user-replaced",
            f"{alias.name}: {engine.title} takes no role called {alias.user!r}; it is {target.user!r}.",
        )
    if alias is primary and alias.name in names and not target.is_replaced:
        yield Notice(
            "database-renamed",
            f"{alias.name}: the test database is called {names[alias.name]!r} and not {alias.test_name!r}, which is empty,"
            f" too long for {engine.title} with a worker's number behind it, another database's, or cannot be quoted.",
        )
