"""Sums up where the statements of a worker's tests went, in a run with mirrors: by alias and table, and by test where it matters.

A statement costs a few look-ups: its tables are found once for each text. Statements outside of tests and their fixtures, and
those of Django's flush after a test, are not counted.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.apps import apps

from ...protocol.replica_events import (
    AliasUse,
    CrossedTransaction,
    MirrorDeclared,
    ReadAfterWrite,
    StatementsRouted,
    TableUse,
)
from ...protocol.topology import Role
from .. import private_apis
from .table_names import tables_of
from .transactions import Transactions

TEXTS = 20_000
"""Texts that are known at a time; more are summed up and forgotten."""
MOST = 1000
"""Limit of a worker's rows of each kind that have a test's name, or a table's."""


_NAMES = (set, frozenset, list, tuple)


class _Use:
    """A text that was sent by an alias to a server of a role. ``database`` is the alias that owns its rows."""

    __slots__ = ("alias", "count", "database", "failed", "has_rows", "is_mirror", "reads", "role", "writes")

    def __init__(self, alias: str, role: str, text: str, database: str, *, is_mirror: bool) -> None:
        self.alias, self.role, self.database, self.is_mirror = alias, role, database, is_mirror
        self.reads, self.writes = tables_of(text)
        self.has_rows = bool(self.reads or self.writes)
        self.count = self.failed = 0


class Routing:
    """Counts the statements of the running test; ``StatementLog`` calls it. *databases* are the settings of each alias.

    ``on_read`` is called with each test that has passed and whose body has read a mirror, and the role of the server that it was.
    """

    def __init__(self, databases: Mapping[str, Mapping[str, Any]]) -> None:
        self._databases = databases
        self._mirrors: dict[str, str] = {}
        self._uses: dict[tuple[str, str, str], _Use] = {}
        self._aliases: dict[tuple[str, str], Counter[str]] = {}
        self._tables: dict[tuple[str, str, str], Counter[str]] = {}
        self._declared: dict[tuple[str, str], Counter[str]] = {}
        self._after_writes: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._crossed: dict[tuple[str, str, str], None] = {}
        self._left_out = 0
        self._named: WeakKeyDictionary[type, Any] = WeakKeyDictionary()
        self._owner, self._expected = "", frozenset[str]()
        self._is_paused = self._is_left_out = False
        self._test = ""
        self._is_in_body = False
        self._read: set[str] = set()
        self._roles_read: set[str] = set()
        self.on_read: Callable[[str, Role], None] | None = None
        self._written: dict[str, set[str]] = {}
        self._stale: dict[tuple[str, str], set[str]] = {}
        self._transactions = Transactions()

    def install(self) -> None:
        """Hook the flush after a test and the beginning of each test's body, once in this process."""
        private_apis.hook_flush(self._paused)
        private_apis.hook_test_bodies(self.begin_body)

    def add_mirrors(self, pairs: Mapping[str, str]) -> None:
        """Take the mirrors *pairs*, each with its primary."""
        self._mirrors.update(pairs)

    def declare(self, cls: type | None, owner: str) -> None:
        """The next tests are of *cls*, whose ``databases`` may name mirrors; *owner* is the name to report for it.

        Call it before ``setUpClass``, by which Django replaces ``__all__`` with all aliases.
        """
        named = self._databases_of(cls) if cls is not None else ()
        self._owner = owner
        # "__all__" names no mirror
        self._expected = frozenset(named) & self._mirrors.keys() if isinstance(named, _NAMES) else frozenset()

    def begin(self, test: str) -> None:
        """The next statements are those of *test*, or of the fixture of that name."""
        self._test, self._is_in_body, self._is_left_out = test, False, False
        self._stale, self._written = {}, {}
        self._transactions.begin()

    def begin_body(self) -> None:
        """The test's set-up has ended. What set-up wrote is not what a read of the body may miss."""
        self._is_in_body = True
        self._stale, self._written = {}, {}
        self._roles_read.clear()

    def leave_out(self) -> None:
        """The running test disturbs servers: what it reads after its writes is what it is about. Its statements are counted."""
        self._is_left_out = True

    def end(self, *, has_passed: bool) -> None:
        """The test has ended. One that has not passed may have ended before it read a mirror."""
        if not self._is_left_out:
            self._report(has_passed=has_passed)
        self._read.clear()
        self._roles_read.clear()
        self.begin("")

    def _report(self, *, has_passed: bool) -> None:
        """Note what there is to say of the test."""
        for alias in self._expected:
            is_read = alias in self._read
            if (has_passed or is_read) and (row := self._row(self._declared, (self._owner, alias))) is not None:
                row["tests"] += 1
                row["readers"] += is_read
        for (alias, role), tables in self._stale.items():
            self._name(self._after_writes, (self._test, alias, role), tuple(sorted(tables)))
        for pair in sorted(self._transactions.crossed):
            self._name(self._crossed, (self._test, *pair), None)
        if has_passed and self._roles_read and self.on_read is not None:
            self.on_read(self._test, "replica" if "replica" in self._roles_read else "primary")

    def note(self, db: Any, role: str, text: str, *, has_failed: bool) -> None:
        """Count a statement of the running test."""
        if self._is_paused:
            return
        key = (db.alias, role, text)
        use = self._uses.get(key)
        if use is None:
            use = self._add(key, db)
        if has_failed:
            use.failed += 1
            if use.is_mirror and use.reads:
                self._read.add(use.alias)
            return
        use.count += 1
        self._transactions.note(db, has_rows=use.has_rows)
        if use.is_mirror:
            if use.reads:
                self._read.add(use.alias)
                self._roles_read.add(role)
                if (written := self._written.get(use.database)) is not None:
                    self._stale.setdefault((use.alias, role), set()).update(written.intersection(use.reads))
        elif use.writes and self._is_in_body:
            self._written.setdefault(use.database, set()).update(use.writes)

    def result(self, models: Mapping[str, str]) -> StatementsRouted:
        """All that was counted; *models* has the model of each table."""
        self._sum_up()
        tables = [
            TableUse(table, _model_of(table, models), alias, role, row["reads"], row["writes"])
            for (table, alias, role), row in self._tables.items()
        ]
        return StatementsRouted(
            aliases=tuple(
                AliasUse(*key, row["reads"], row["writes"], row["failed"]) for key, row in self._aliases.items()
            ),
            tables=tuple(tables),
            declared=tuple(MirrorDeclared(*key, row["tests"], row["readers"]) for key, row in self._declared.items()),
            after_writes=tuple(ReadAfterWrite(*key, tables) for key, tables in self._after_writes.items()),
            crossed=tuple(CrossedTransaction(*key) for key in self._crossed),
            left_out=self._left_out,
        )

    def _add(self, key: tuple[str, str, str], db: Any) -> _Use:
        if len(self._uses) >= TEXTS:
            self._sum_up()
        alias, role, text = key
        use = self._uses[key] = _Use(alias, role, text, self._database_of(db), is_mirror=alias in self._mirrors)
        return use

    def _database_of(self, db: Any) -> str:
        """The alias that owns the rows of *db*: the primary of a mirror, or of aliases that share a database."""
        if (primary := self._mirrors.get(db.alias)) is not None:
            return primary
        shared = (name for name in self._mirrors.values() if _place(self._databases[name]) == _place(db.settings_dict))
        return next(shared, db.alias)

    def _sum_up(self) -> None:
        for use in self._uses.values():
            if not use.has_rows:
                continue
            kind = "writes" if use.writes else "reads"
            counts = self._aliases.setdefault((use.alias, use.role), Counter())
            counts[kind] += use.count
            counts["failed"] += use.failed
            for kind, tables in (("reads", use.reads), ("writes", use.writes)) if use.count else ():
                for table in tables:
                    if (row := self._row(self._tables, (table, use.alias, use.role))) is not None:
                        row[kind] += use.count
        self._uses.clear()

    def _row(self, rows: dict[Any, Counter[str]], key: Any) -> Counter[str] | None:
        """The row of *key*; ``None`` if there are too many others."""
        if key not in rows and len(rows) >= MOST:
            self._left_out += 1
            return None
        return rows.setdefault(key, Counter())

    def _name(self, rows: dict[Any, Any], key: Any, value: Any) -> None:
        if key in rows or len(rows) < MOST:
            rows[key] = value
        else:
            self._left_out += 1

    def _databases_of(self, cls: type) -> Any:
        """The ``databases`` of *cls* as its author has written them: an earlier class may have been set up, and so changed."""
        if cls not in self._named:
            owner = next((each for each in cls.__mro__ if "databases" in vars(each)), cls)
            self._named[cls] = self._named.get(owner, vars(owner).get("databases", ()))
        return self._named[cls]

    @contextlib.contextmanager
    def _paused(self) -> Iterator[None]:
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False


def _place(settings: Mapping[str, Any]) -> tuple[Any, ...]:
    return settings.get("HOST"), settings.get("PORT"), settings.get("NAME")


def models_by_table() -> dict[str, str]:
    """The model of each table, as ``shop.Order``: the first that is no proxy."""
    found: dict[str, str] = {}
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy:
            found.setdefault(model._meta.db_table.replace('"', ""), model._meta.label)
    return found


def _model_of(table: str, models: Mapping[str, str]) -> str:
    """The model of *table*, whose name may have its schema or database before it; empty if there is none."""
    return models.get(table) or models.get(table.rpartition(".")[2], "")
