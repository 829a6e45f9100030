"""The routing report of several workers: sums, findings, and the lines of the summary."""

from __future__ import annotations

from typing import Any

from harness.protocol.events import AliasRouted
from harness.protocol.replica_events import (
    AliasUse,
    CrossedTransaction,
    MirrorDeclared,
    ReadAfterWrite,
    StatementsRouted,
    TableUse,
)
from harness.report.model.replicas.routing import Routing, fold, rows

ROUTES = {
    "default": AliasRouted("default", "default", "test_shop", None, (), "primary"),
    "replica": AliasRouted("replica", "replica", "test_shop", "default", (), "mirror"),
    "other": AliasRouted("other", "other", "test_other", None, (), "primary"),
}
READ = AliasUse("replica", "replica", 1)


def routing(*events: StatementsRouted, is_complete: bool = True) -> Routing:
    found = fold(events, ROUTES, is_complete=is_complete)
    assert found is not None
    return found


def lines(verbose: bool = False, **fields: Any) -> list[str]:
    """Those of a worker that has read the replica once."""
    return rows(routing(StatementsRouted(**{"aliases": (READ,), **fields})), is_verbose=verbose)[1:]


def test_a_run_without_mirrors_has_no_report() -> None:
    assert fold([], ROUTES, is_complete=True) is None


def test_workers_are_summed_up() -> None:
    first = StatementsRouted(
        (AliasUse("default", "primary", 2, 1, 3), READ),
        (TableUse("shop_item", "shop.Item", "replica", "replica", 1),),
        (MirrorDeclared("shop.Tests", "replica", 2, 1), MirrorDeclared("shop.Others", "replica", 1)),
        (ReadAfterWrite("a", "replica", "replica"),),
        left_out=1,
    )
    found = routing(first, first, StatementsRouted(declared=(MirrorDeclared("shop.Tests", "replica", 1),)))
    assert found.uses == (AliasUse("default", "primary", 4, 2, 6), AliasUse("replica", "replica", 2))
    assert found.tables == (TableUse("shop_item", "shop.Item", "replica", "replica", 2),)
    assert found.declared == (MirrorDeclared("shop.Others", "replica", 2),)  # the other class has a reader
    assert (len(found.after_writes), found.left_out, found.unread) == (1, 2, ())


def test_nothing_is_said_of_absent_reads_if_a_worker_died() -> None:
    event = StatementsRouted(declared=(MirrorDeclared("shop.Tests", "replica", 2),))
    assert [each.kind for each in routing(event).findings] == ["declared_unread", "unread_mirrors"]
    incomplete = routing(event, is_complete=False)
    assert incomplete.findings == ()
    assert rows(incomplete, is_verbose=False) == ["a worker died, and its statements are not counted"]


class TestLines:
    def test_one_for_each_alias_on_each_server(self) -> None:
        uses = (AliasUse("default", "primary", 12, 1), READ, AliasUse("replica", "primary", 3, failed=2))
        assert rows(routing(StatementsRouted(uses)), is_verbose=False) == [
            "default on default (primary): 12 reads, 1 write",
            "replica on default (primary): 3 reads, 2 failed",
            "replica on replica (replica): 1 read",
        ]

    def test_an_alias_without_a_server(self) -> None:
        found = fold([StatementsRouted((READ,))], {}, is_complete=True)
        assert found is not None
        assert rows(found, is_verbose=False) == ["replica: 1 read"]

    def test_reads_after_writes(self) -> None:
        found = (ReadAfterWrite("a", "replica", "replica"), ReadAfterWrite("b", "replica", "primary", ("shop_item",)))
        assert lines(after_writes=found) == [
            "2 tests read the mirror 'replica' after a write to 'default', 1 of them to the same table (b"
            " (shop_item), a); in production a replica may not have the write yet: code that must see it reads 'default'"
        ]

    def test_reads_of_the_same_table_after_writes(self) -> None:
        (line,) = lines(after_writes=(ReadAfterWrite("b", "replica", "primary", ("shop_item",)),))
        assert line.startswith(
            "1 test reads the mirror 'replica' after a write to the same table of 'default' (b (shop_item))"
        )

    def test_transactions_that_cross_servers(self) -> None:
        found = (CrossedTransaction("a", "default", "replica"), CrossedTransaction("a", "default", "other"))
        assert lines(crossed=found) == [
            "1 test uses 'replica' inside a transaction of 'default', which is on another server (a); a replica shows"
            " nothing of an open transaction: read 'default' there, or end it before",
            "1 test uses 'other' inside a transaction of 'default', which is on another server (a); one may be undone"
            " without the other: end the transaction before",
        ]

    def test_mirrors_that_are_not_read(self) -> None:
        found = (MirrorDeclared("shop.Tests", "replica", 1),)
        assert lines(declared=found) == [
            "1 test names the mirror 'replica' in databases and never reads it (shop.Tests); take it out there, or look"
            " why the router sends no read to it"
        ]
        assert lines(aliases=(AliasUse("default", "primary", 1),)) == [
            "no test of this run reads the mirror 'replica'; look at DATABASE_ROUTERS and using(): nothing sends a read"
            " there, or no test does what production does"
        ]

    def test_names_are_limited_and_models_verbose(self) -> None:
        found = tuple(ReadAfterWrite(f"t{number}", "replica", "replica") for number in range(9))
        models = (
            TableUse("shop_item", "shop.Item", "default", "primary", 0, 4),
            TableUse("shop_item", "shop.Item", "replica", "replica", 1),
        )
        (brief,) = lines(after_writes=found, tables=models)
        assert "(t0, t1 and 7 more)" in brief
        full, model = lines(verbose=True, after_writes=found, tables=models)
        assert "t8)" in full
        assert model == "shop.Item: default on default (primary) 0 reads, 4 writes; replica on replica (replica) 1 read"
