"""Advice on the aliases of a project: replicas that are not declared, chains of mirrors, databases with two names. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.host.config.databases import SQLITE
from harness.protocol.events import Advice
from harness.protocol.topology import DEFAULT_ALIAS, Alias, Topology, databases, primary_of

_WITHOUT_SERVER = frozenset({SQLITE, "dummy"})


def advise(topology: Topology) -> Iterator[Advice]:
    """The advice on *topology*, whose mirrors lead somewhere. An alias that the tests write to needs none of it that names it."""
    for alias in topology.aliases:
        mirror = alias.test.mirror
        if mirror is not None and topology[mirror].test.mirror is not None:
            yield _mirror_of_mirror(alias.name, mirror, primary_of(topology, mirror))
    groups = [group for group in databases(topology) if topology[group[0]].vendor not in _WITHOUT_SERVER]
    for first, *others in groups:
        for name in others:
            yield Advice(
                "same-database",
                f"{name} and {first} are one database with two connections: in a TestCase, each has a transaction of its own,"
                " and neither sees what the other writes.",
                _mirror(name, first),
                name,
            )
    leaders = sorted((topology[group[0]] for group in groups), key=lambda alias: alias.name != DEFAULT_ALIAS)
    for number, alias in enumerate(leaders):
        primary = next((other for other in leaders[:number] if _looks_like_a_replica(alias, other)), None)
        if primary is not None:
            yield Advice(
                "undeclared-replica",
                f"{alias.name} has the NAME and the ENGINE of {primary.name}, and another host: is it a replica? Without MIRROR"
                f" it gets a database of its own, in which no test sees the rows of {primary.name}.",
                _mirror(alias.name, primary.name),
                alias.name,
            )


def _looks_like_a_replica(alias: Alias, other: Alias) -> bool:
    """Whether *alias* may be a replica of *other*. A TEST NAME or DEPENDENCIES of its own say that it is another database."""
    is_apart = alias.test.name is not None or alias.test.dependencies is not None
    is_same = (alias.backend, alias.database) == (other.backend, other.database)
    return bool(alias.database) and is_same and not is_apart and alias.server_key != other.server_key


def _mirror_of_mirror(name: str, mirror: str, primary: str) -> Advice:
    return Advice(
        "mirror-of-mirror",
        f"{name} is a mirror of {mirror}, itself a mirror of {primary}. Here it is a replica of {primary}; manage.py test gives"
        f" it the real database of {mirror} where {name} comes first in DATABASES.",
        _mirror(name, primary),
    )


def _mirror(name: str, primary: str) -> str:
    return f'DATABASES["{name}"]["TEST"] = {{"MIRROR": "{primary}"}}'
