"""The routing report of a run with mirrors: which statements went to which server, and the tests to look at. Pure.

Counts are sums of all workers. Without the counts of a worker that died, nothing is said of mirrors that were not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from harness.protocol.events import AliasRouted
from harness.protocol.replica_events import (
    AliasUse,
    CrossedTransaction,
    MirrorDeclared,
    ReadAfterWrite,
    StatementsRouted,
    TableUse,
)
from harness.report.model.text import listed, one_line, plural

ROWS = 5000
"""Limit of the rows of each kind."""
NAMED = 2
NAMED_VERBOSELY = 20
"""Tests that a finding names in the terminal; ``summary.json`` has them all."""
MODELS = 100
"""Models that a verbose summary lists."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: its ``kind`` in ``summary.json``, what it is, what to do next, and the names that it concerns."""

    kind: str
    text: str
    next_step: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """``uses`` and ``tables`` have their counts; ``servers`` names the server of an alias and a role. ``unread`` are the mirrors
    that no test read. ``is_complete``: no worker died, so all statements were counted.
    """

    uses: tuple[AliasUse, ...]
    tables: tuple[TableUse, ...]
    after_writes: tuple[ReadAfterWrite, ...]
    crossed: tuple[CrossedTransaction, ...]
    declared: tuple[MirrorDeclared, ...]
    unread: tuple[str, ...]
    mirrors: Mapping[str, str]
    servers: Mapping[tuple[str, str], str]
    left_out: int = 0
    is_complete: bool = True

    def server(self, alias: str, role: str) -> str:
        """The name of the server of *role* behind *alias*; empty if it has none, as SQLite."""
        return self.servers.get((alias, role), "")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the gravest first."""
        kinds = (self._after_writes(), self._crossed(), self._declared(), self._unread())
        return tuple(finding for found in kinds for finding in found)

    def _after_writes(self) -> Iterable[Finding]:
        for alias, found in _by(self.after_writes, lambda each: each.alias).items():
            primary = self.mirrors.get(alias, "")
            ordered = sorted(found, key=lambda each: (not each.tables, each.test))
            same = sum(bool(each.tables) for each in found)
            where = f"{primary!r}, {same} of them to the same table" if same else repr(primary)
            yield Finding(
                "read_after_write",
                f"{_clause(len({each.test for each in found}), 'read')} the mirror {alias!r} after a write to"
                f" {f'the same table of {primary!r}' if same == len(found) else where}",
                f"in production a replica may not have the write yet: code that must see it reads {primary!r}",
                _distinct(f"{each.test} ({', '.join(each.tables)})" if each.tables else each.test for each in ordered),
            )

    def _crossed(self) -> Iterable[Finding]:
        for (alias, other), found in _by(self.crossed, lambda each: (each.transaction, each.other)).items():
            next_step = "one may be undone without the other: end the transaction before"
            if self.mirrors.get(other) == alias:
                next_step = f"a replica shows nothing of an open transaction: read {alias!r} there, or end it before"
            yield Finding(
                "crossed_transactions",
                f"{_clause(len({each.test for each in found}), 'use')} {other!r} inside a transaction of {alias!r}, which"
                " is on another server",
                next_step,
                _distinct(sorted(each.test for each in found)),
            )

    def _declared(self) -> Iterable[Finding]:
        for alias, found in _by(self.declared, lambda each: each.alias).items():
            number = sum(each.tests for each in found)
            yield Finding(
                "declared_unread",
                f"{_clause(number, 'name')} the mirror {alias!r} in databases and never {_verb(number, 'read')} it",
                "take it out there, or look why the router sends no read to it",
                _distinct(each.owner for each in found),
            )

    def _unread(self) -> Iterable[Finding]:
        for alias in self.unread:
            yield Finding(
                "unread_mirrors",
                f"no test of this run reads the mirror {alias!r}",
                "look at DATABASE_ROUTERS and using(): nothing sends a read there, or no test does what production does",
                (),
            )


def rows(routing: Routing, *, is_verbose: bool) -> list[str]:
    """The report as lines of a summary: one for each alias on each server, one for each finding, and *is_verbose* the models."""
    lines = [f"{_place(routing, use)}: {_counts(use)}" for use in routing.uses]
    lines += [_finding_line(finding, NAMED_VERBOSELY if is_verbose else NAMED) for finding in routing.findings]
    if not routing.is_complete:
        lines.append("a worker died, and its statements are not counted")
    if is_verbose:
        models = _by(routing.tables, lambda row: row.model or row.table)
        for model, found in list(models.items())[:MODELS]:
            places = "; ".join(f"{_place(routing, row)} {_counts(row)}" for row in found)
            lines.append(f"{model}: {places}")
        if len(models) > MODELS:
            lines.append(f"and {len(models) - MODELS} more models, see summary.json")
    return [one_line(line, 1000) for line in lines]


def _finding_line(finding: Finding, most: int) -> str:
    names = f" ({listed(finding.names, most)})" if finding.names else ""
    return f"{finding.text}{names}; {finding.next_step}"


def _place(routing: Routing, use: AliasUse | TableUse) -> str:
    """``replica on default (primary)``: the alias, its server and the server's role; the alias alone where it has no server."""
    server = routing.server(use.alias, use.role)
    return f"{use.alias} on {server} ({use.role})" if server else use.alias


def _counts(use: AliasUse | TableUse) -> str:
    failed = use.failed if isinstance(use, AliasUse) else 0
    parts = [plural(use.reads, "read"), *([plural(use.writes, "write")] if use.writes else [])]
    return ", ".join([*parts, *([f"{failed} failed"] if failed else [])])


def fold(events: Sequence[StatementsRouted], routes: Mapping[str, AliasRouted], *, is_complete: bool) -> Routing | None:
    """The report of the workers' *events*; ``None`` without any: a run without mirrors. *routes* are those of the aliases."""
    if not events:
        return None
    mirrors = {route.alias: route.mirror_of for route in routes.values() if route.mirror_of}
    uses, tables, declared = _summed(events)
    after_writes = dict.fromkeys(each for event in events for each in event.after_writes)
    crossed = dict.fromkeys(each for event in events for each in event.crossed)
    read = {use.alias for use in uses if use.reads or use.failed}
    return Routing(
        uses,
        tables[:ROWS],
        tuple(after_writes)[:ROWS],
        tuple(crossed)[:ROWS],
        tuple(each for each in declared if each.tests and not each.readers)[:ROWS] if is_complete else (),
        tuple(sorted(mirrors.keys() - read)) if is_complete else (),
        mirrors,
        _servers(routes),
        sum(event.left_out for event in events)
        + sum(max(len(rows) - ROWS, 0) for rows in (tables, after_writes, crossed, declared)),
        is_complete,
    )


def _summed(
    events: Sequence[StatementsRouted],
) -> tuple[tuple[AliasUse, ...], tuple[TableUse, ...], tuple[MirrorDeclared, ...]]:
    uses: dict[tuple[str, str], AliasUse] = {}
    tables: dict[tuple[str, str, str], TableUse] = {}
    declared: dict[tuple[str, str], MirrorDeclared] = {}
    for event in events:
        for use in event.aliases:
            known = uses.get((use.alias, use.role), AliasUse(use.alias, use.role))
            uses[use.alias, use.role] = replace(
                known, reads=known.reads + use.reads, writes=known.writes + use.writes, failed=known.failed + use.failed
            )
        for row in event.tables:
            key = (row.table, row.alias, row.role)
            before = tables.get(key, TableUse(row.table, row.model, row.alias, row.role))
            tables[key] = replace(before, reads=before.reads + row.reads, writes=before.writes + row.writes)
        for each in event.declared:
            own = declared.get((each.owner, each.alias), MirrorDeclared(each.owner, each.alias))
            declared[each.owner, each.alias] = replace(
                own, tests=own.tests + each.tests, readers=own.readers + each.readers
            )
    return (
        tuple(uses[key] for key in sorted(uses)),
        tuple(sorted(tables.values(), key=lambda row: (row.model or row.table, row.alias, row.role))),
        tuple(declared[key] for key in sorted(declared)),
    )


def _servers(routes: Mapping[str, AliasRouted]) -> dict[tuple[str, str], str]:
    """The server of each alias by its role: that of a mirror, and that of its primary, through which a ``TestCase`` reads it."""
    servers = {}
    for route in routes.values():
        primary = routes.get(route.mirror_of or "", route)
        for role, server in (("replica", route.server), ("primary", primary.server)):
            if server is not None:
                servers[route.alias, role] = server
    return servers


def _by(found: Iterable[T], key: Callable[[T], Any]) -> dict[Any, list[T]]:
    groups: dict[Any, list[T]] = {}
    for each in found:
        groups.setdefault(key(each), []).append(each)
    return groups


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _clause(number: int, verb: str) -> str:
    """``1 test reads``, ``2 tests read``."""
    return f"{plural(number, 'test')} {_verb(number, verb)}"


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
