"""The sums of a worker: statements by alias and table, and tests by what they read and write."""

from __future__ import annotations

from typing import Any

import pytest

from harness.protocol.replica_events import (
    AliasUse,
    CrossedTransaction,
    MirrorDeclared,
    ReadAfterWrite,
    StatementsRouted,
    TableUse,
)
from harness.runner.sql import routing as module
from harness.runner.sql.routing import Routing

DATABASES: dict[str, dict[str, Any]] = {
    "default": {"HOST": "a", "PORT": "1", "NAME": "shop"},
    "twin": {"HOST": "a", "PORT": "1", "NAME": "shop"},
    "replica": {"HOST": "b", "PORT": "1", "NAME": "shop"},
    "other": {"HOST": "c", "PORT": "1", "NAME": "shop"},
}
READ, WRITE, OTHER = 'SELECT 1 FROM "shop_item"', 'INSERT INTO "shop_item" VALUES (1)', 'SELECT 1 FROM "shop_sale"'


class Block:
    """An ``atomic``."""

    def __init__(self, *, of_testcase: bool = False) -> None:
        self._from_testcase = of_testcase


class Connection:
    """A connection of Django's, as far as it is read."""

    def __init__(self, alias: str) -> None:
        self.alias, self.vendor = alias, "postgresql"
        self.settings_dict = DATABASES[alias]
        self.atomic_blocks: list[Block] = []

    @property
    def in_atomic_block(self) -> bool:
        return bool(self.atomic_blocks)


class Suite:
    """A worker that runs tests: its connections, and what they send."""

    def __init__(self) -> None:
        self.routing = Routing(DATABASES)
        self.routing.add_mirrors({"replica": "default"})
        self.connections = {alias: Connection(alias) for alias in DATABASES}

    def send(self, alias: str, *texts: str, role: str = "primary", has_failed: bool = False) -> None:
        for text in texts:
            self.routing.note(self.connections[alias], role, text, has_failed=has_failed)

    def read(self, text: str = READ, role: str = "replica") -> None:
        self.send("replica", text, role=role)

    def begin(self, test: str = "t") -> None:
        self.routing.begin(test)
        self.routing.begin_body()

    def end(self, *, has_passed: bool = True) -> None:
        self.routing.end(has_passed=has_passed)

    @property
    def result(self) -> StatementsRouted:
        return self.routing.result({"shop_item": "shop.Item"})


@pytest.fixture
def suite() -> Suite:
    return Suite()


class TestCounts:
    def test_statements_are_counted_by_alias_and_role(self, suite: Suite) -> None:
        suite.send("default", READ, READ, WRITE, "BEGIN", "SELECT 1")
        suite.read()
        suite.read(role="primary")
        suite.send("replica", WRITE, role="replica", has_failed=True)
        assert set(suite.result.aliases) == {
            AliasUse("default", "primary", 2, 1),
            AliasUse("replica", "replica", 1, 0, failed=1),
            AliasUse("replica", "primary", 1),
        }

    def test_tables_have_their_models(self, suite: Suite) -> None:
        suite.send("default", "INSERT INTO `db`.`shop_item` SELECT 1 FROM own")
        assert set(suite.result.tables) == {
            TableUse("db.shop_item", "shop.Item", "default", "primary", 0, 1),
            TableUse("own", "", "default", "primary", 1, 0),
        }

    def test_the_flush_is_not_counted(self, suite: Suite) -> None:
        with suite.routing._paused():
            suite.send("default", WRITE)
        assert suite.result == StatementsRouted()

    def test_many_texts_are_summed_up(self, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "TEXTS", 2)
        for number in range(7):
            suite.send("default", f"{READ} WHERE x = {number}", READ)
        assert suite.result.aliases == (AliasUse("default", "primary", 14),)

    def test_what_is_too_much_is_counted(self, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MOST", 2)
        for number in range(5):
            suite.send("default", f"SELECT 1 FROM t{number}")
        assert (len(suite.result.tables), suite.result.left_out) == (2, 3)


class TestReadAfterWrite:
    def test_a_read_of_what_the_body_wrote(self, suite: Suite) -> None:
        suite.begin()
        suite.send("default", WRITE)
        suite.read()
        suite.read(OTHER)
        suite.end()
        assert suite.result.after_writes == (ReadAfterWrite("t", "replica", "replica", ("shop_item",)),)

    def test_a_read_of_other_tables(self, suite: Suite) -> None:
        suite.begin()
        suite.send("twin", WRITE)  # of the same database
        suite.read(OTHER, role="primary")
        suite.end()
        assert suite.result.after_writes == (ReadAfterWrite("t", "replica", "primary"),)

    def test_what_set_up_or_another_test_wrote(self, suite: Suite) -> None:
        suite.begin("first")
        suite.send("default", WRITE)
        suite.end()
        suite.routing.begin("second")
        suite.read()
        suite.send("default", WRITE)
        suite.routing.begin_body()
        suite.read()
        suite.send("default", WRITE, has_failed=True)
        suite.send("other", WRITE)
        suite.read()
        suite.send("default", WRITE)
        suite.end()
        assert suite.result.after_writes == ()


class TestDeclared:
    @pytest.fixture
    def declared(self, suite: Suite) -> Suite:
        suite.routing.declare(type("Tests", (), {"databases": {"default", "replica"}}), "shop.Tests")
        return suite

    def test_a_mirror_that_is_not_read(self, declared: Suite) -> None:
        for has_passed in (True, True, False):
            declared.begin()
            declared.send("default", READ)
            declared.end(has_passed=has_passed)
        assert declared.result.declared == (MirrorDeclared("shop.Tests", "replica", 2, 0),)

    @pytest.mark.parametrize("has_failed", [False, True])
    def test_a_red_test_has_read_it(self, declared: Suite, has_failed: bool) -> None:
        declared.begin()
        declared.send("replica", READ, has_failed=has_failed)
        declared.end(has_passed=False)
        assert declared.result.declared == (MirrorDeclared("shop.Tests", "replica", 1, 1),)

    @pytest.mark.parametrize("databases", ["__all__", {"default"}, ()])
    def test_classes_that_name_no_mirror(self, suite: Suite, databases: Any) -> None:
        cls = type("Tests", (), {"databases": databases})
        suite.routing.declare(cls, "shop.Tests")
        cls.databases = frozenset(DATABASES)  # type: ignore[attr-defined]  # as Django's setUpClass does
        suite.routing.declare(type("Derived", (cls,), {}), "shop.Derived")
        suite.begin()
        suite.end()
        assert suite.result.declared == ()


class TestTransactions:
    def test_a_read_of_the_replica_inside_a_transaction(self, suite: Suite) -> None:
        suite.begin()
        suite.send("default", "BEGIN")
        suite.connections["default"].atomic_blocks.append(Block())
        suite.read()
        assert suite.routing._transactions.crossed == set()  # the transaction may be empty
        suite.send("default", WRITE)
        suite.end()
        assert suite.result.crossed == (CrossedTransaction("t", "default", "replica"),)

    def test_a_statement_after_one_of_the_transaction(self, suite: Suite) -> None:
        suite.begin()
        suite.connections["default"].atomic_blocks += [Block(of_testcase=True), Block()]
        suite.send("default", WRITE)
        suite.send("other", "BEGIN")
        suite.send("other", WRITE)
        suite.end()
        assert suite.result.crossed == (CrossedTransaction("t", "default", "other"),)

    def test_databases_of_sqlite_are_on_no_server(self, suite: Suite) -> None:
        for connection in suite.connections.values():
            connection.vendor = "sqlite"
        suite.begin()
        suite.connections["default"].atomic_blocks.append(Block())
        suite.send("default", WRITE)
        suite.send("other", WRITE)
        suite.end()
        assert suite.result.crossed == ()

    def test_statements_that_cross_nothing(self, suite: Suite) -> None:
        default = suite.connections["default"]
        suite.begin()
        default.atomic_blocks.append(Block(of_testcase=True))
        suite.send("default", WRITE)
        suite.send("other", WRITE)
        default.atomic_blocks.append(Block())
        suite.send("default", WRITE)
        suite.send("twin", WRITE)  # on the same server
        default.atomic_blocks.pop()
        suite.send("other", WRITE)
        default.atomic_blocks.append(Block())  # another transaction, and an empty one
        suite.send("other", WRITE)
        default.atomic_blocks.pop()
        suite.send("default", WRITE)
        suite.end()
        assert suite.result.crossed == ()


class TestReaders:
    """The tests that a check of late reads runs again."""

    @staticmethod
    def readers(suite: Suite) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        suite.routing.on_read = lambda test, role: found.append((test, role))
        return found

    def test_a_body_that_reads_a_replica(self, suite: Suite) -> None:
        found = self.readers(suite)
        suite.begin("both")
        suite.read(role="primary")
        suite.read()
        suite.end()
        suite.begin("shared")
        suite.read(role="primary")
        suite.end()
        assert found == [("both", "replica"), ("shared", "primary")]

    def test_none_that_disturbs_servers(self, suite: Suite) -> None:
        found = self.readers(suite)
        suite.begin("failover")
        suite.routing.leave_out()
        suite.send("default", WRITE)
        suite.read()
        suite.end()
        assert found == []
        assert suite.result.after_writes == ()
        suite.begin("next")
        suite.read()
        suite.end()
        assert found == [("next", "replica")]

    def test_none_that_failed_or_read_in_its_set_up_alone(self, suite: Suite) -> None:
        found = self.readers(suite)
        suite.begin("failed")
        suite.read()
        suite.end(has_passed=False)
        suite.routing.begin("set up")
        suite.read()
        suite.routing.begin_body()
        suite.send("default", READ)
        suite.end()
        assert found == []
