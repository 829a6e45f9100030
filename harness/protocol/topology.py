"""The project's ``DATABASES`` as plain data, and pure functions of it.

Owns the aliases, their test options and the order in which their test databases are made. Knows nothing of servers that run:
``host.planning.plan`` turns a topology into those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from ..errors import ProjectError

Role = Literal["primary", "replica"]
"""The role of a server."""
AliasMode = Literal["primary", "shared", "mirror"]
"""How an alias has its test database: it makes it, another alias makes it, or it reads that of the alias that it mirrors."""

DEFAULT_ALIAS = "default"
DUMMY_BACKEND = "django.db.backends.dummy"
"""Django's backend of an alias without a database."""


@dataclass(frozen=True, slots=True)
class TestOptions:
    """The ``TEST`` dictionary of an alias, old flat spellings folded in. Absent keys are ``None`` (or Django's default)."""

    __test__ = False  # stops pytest from collecting it as a test class

    name: str | None = None
    mirror: str | None = None
    dependencies: tuple[str, ...] | None = None
    charset: str | None = None
    collation: str | None = None
    template: str | None = None
    migrate: bool = True
    serialize: bool | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """One key of ``DATABASES``.

    ``backend`` is the dotted ``ENGINE``; ``vendor`` the attribute of the backend's class (``postgresql``, ``mysql``,
    ``sqlite``, ``oracle``), which is ``mysql`` for MariaDB too. ``test_name`` is the name that Django would give the test
    database before the harness changes it.
    """

    name: str
    backend: str
    vendor: str
    database: str = ""
    host: str = ""
    port: str = ""
    user: str = ""
    test_name: str = ""
    test: TestOptions = field(default_factory=TestOptions)

    @property
    def server_key(self) -> tuple[str, str, str]:
        """The key that aliases on one server share: vendor, host and port as written."""
        return (self.vendor, self.host, self.port)

    @property
    def signature(self) -> tuple[str, str, str, str]:
        """The key that aliases with one test database share: Django's ``test_db_signature`` (host, port, engine, test name)."""
        return (self.host, self.port, self.backend, self.test_name)


@dataclass(frozen=True, slots=True)
class Topology:
    """Every alias, in the order of ``DATABASES``."""

    aliases: tuple[Alias, ...]

    def __getitem__(self, name: str) -> Alias:
        """The alias called *name*; ``KeyError`` if there is none."""
        return {alias.name: alias for alias in self.aliases}[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(alias.name for alias in self.aliases)


def primary_of(topology: Topology, name: str) -> str:
    """The alias at the end of *name*'s chain of mirrors: *name* itself when it mirrors nothing.

    Raises ``ProjectError`` for a mirror of an unknown alias, and for a circular chain, which the message shows.
    """
    chain = [name]
    while (target := topology[chain[-1]].test.mirror) is not None:
        if target not in topology.names:
            raise ProjectError(
                f"DATABASES[{chain[-1]!r}] is a mirror of {target!r}, which is no alias.",
                hint=f"TEST MIRROR must name one of: {', '.join(topology.names)}.",
            )
        if target in chain:
            cycle = [*chain[chain.index(target) :], target]
            raise ProjectError(
                f"TEST MIRROR goes round in a circle: {' -> '.join(cycle)}.",
                hint="One alias of the chain must be a database of its own, with no MIRROR.",
            )
        chain.append(target)
    return chain[-1]


def dependencies_of(topology: Topology, alias: Alias) -> tuple[str, ...]:
    """The aliases whose test databases come before *alias*'s: as written, or ``default`` where Django implies it.

    Raises ``ProjectError`` for an unknown dependency. Source: ``django.test.utils.get_unique_databases_and_mirrors``.
    """
    if alias.test.mirror is not None:
        return ()
    if alias.test.dependencies is not None:
        for dependency in alias.test.dependencies:
            if dependency not in topology.names:
                raise ProjectError(
                    f"DATABASES[{alias.name!r}] depends on {dependency!r}, which is no alias.",
                    hint=f"TEST DEPENDENCIES must name aliases of: {', '.join(topology.names)}.",
                )
        return alias.test.dependencies
    if alias.name == DEFAULT_ALIAS or DEFAULT_ALIAS not in topology.names:
        return ()
    return () if alias.signature == topology[DEFAULT_ALIAS].signature else (DEFAULT_ALIAS,)


def databases(topology: Topology) -> tuple[tuple[str, ...], ...]:
    """The test databases, each as the aliases that share it, first the one that creates it (``default`` if it is there)."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for alias in topology.aliases:
        if alias.test.mirror is None:
            group = groups.setdefault(alias.signature, [])
            group.insert(0, alias.name) if alias.name == DEFAULT_ALIAS else group.append(alias.name)
    return tuple(tuple(group) for group in groups.values())


def creation_order(topology: Topology) -> tuple[str, ...]:
    """The aliases that create a test database, each after all that it depends on.

    Raises ``ProjectError`` for an unknown dependency, and for a circle, which the message shows.
    """
    owner = {name: group[0] for group in databases(topology) for name in group}
    needs: dict[str, set[str]] = {}
    for name, first in owner.items():
        wanted = needs.setdefault(first, set())
        for dependency in dependencies_of(topology, topology[name]):
            wanted.add(owner[primary_of(topology, dependency)])
    try:
        # as in Django, an alias that depends on itself, or on one that shares its database, is a circle of one
        TopologicalSorter({name: sorted(needs[name]) for name in needs}).prepare()
    except CycleError as error:
        raise ProjectError(
            f"TEST DEPENDENCIES go round in a circle: {' -> '.join(reversed(error.args[1]))}.",
            hint="Take one of these out; an alias without DEPENDENCIES depends on 'default', [] means on nothing.",
        ) from None
    order: list[str] = []
    while len(order) < len(needs):
        # pass by pass like Django's dependency_ordered, so that the order is Django's
        for name in needs:
            if name not in order and needs[name] <= set(order):
                order.append(name)
    return tuple(order)


def closure(topology: Topology, names: set[str]) -> set[str]:
    """*names* with all that they need: the primary of each mirror, and dependencies of dependencies."""
    wanted: set[str] = set()
    queue = sorted(names)
    while queue:
        if (name := queue.pop()) not in wanted:
            wanted.add(name)
            queue += [primary_of(topology, name), *dependencies_of(topology, topology[name])]
    return wanted
