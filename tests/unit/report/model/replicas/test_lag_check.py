"""The fold of the check of late reads: bugs by the line of their read, and the lines of the summary."""

from __future__ import annotations

import dataclasses

import pytest

from harness.protocol.events import AliasRouted
from harness.protocol.replica_events import LagChecked, LagVerdict, LateReadJudged, ReadAfterWriteBug, TracedStatement
from harness.protocol.results import Failure, Frame
from harness.report.model.replicas.lag_check import LagCheck, duration, fold, joined, rows, sum_line

ROUTES = {
    "default": AliasRouted("default", "default", "test_shop", None, (), "primary"),
    "replica": AliasRouted("replica", "replica", "test_shop", "default", (), "mirror"),
}


def read(line: int = 4, alias: str = "replica", sql: str = "SELECT 1") -> TracedStatement:
    return TracedStatement(alias, sql, 0.01, Frame("shop/code.py", line, "rename") if line else None)


def bug(test: str, line: int = 4, **fields: str) -> LateReadJudged:
    return LateReadJudged(test, "bug", ReadAfterWriteBug(read(line, **fields), None, 0.5))


def check(*judged: LateReadJudged, tests: int = 9, sharing: int = 0, unchecked: tuple[str, ...] = ()) -> LagCheck:
    found = fold(judged, [LagChecked(0.5, tests, sharing, unchecked)], ROUTES)
    assert found is not None
    return found


class TestBugs:
    def test_a_run_without_the_check_has_none(self) -> None:
        assert fold([], [], ROUTES) is None

    def test_tests_of_one_line_have_one_bug(self) -> None:
        first, second = check(bug("c", 9), bug("b"), bug("a")).bugs
        assert (first.title, first.tests) == ("shop/code.py:4 in rename", ("a", "b"))
        assert (second.title, second.tests) == ("shop/code.py:9 in rename", ("c",))
        assert (first.server, first.primary) == ("replica", "default")
        assert ".using('default')" in first.next_step

    def test_without_a_line_the_statement_is_the_place(self) -> None:
        first, second = check(bug("a", 0, sql="SELECT 2"), bug("b", 0), bug("c", 0)).bugs
        assert (first.title, first.tests, second.title) == ("SELECT 1", ("b", "c"), "SELECT 2")

    def test_an_alias_without_a_route_has_no_server(self) -> None:
        (found,) = check(bug("a", alias="gone")).bugs
        assert (found.server, found.primary) == ("", "")
        assert "read its primary there" in found.next_step

    def test_each_test_has_the_bug_as_it_met_it(self) -> None:
        other = LateReadJudged("b", "bug", ReadAfterWriteBug(read(), None, 0.9))
        found = check(bug("a"), other)
        assert [each.first.arrived_s for each in found.buggy.values()] == [0.5, 0.9]
        assert found.failing == {}

    def test_a_second_round_counts_too(self) -> None:
        events = [bug("a"), LateReadJudged("a", "pause"), LateReadJudged("b", "pause")]
        found = fold(events, [LagChecked(0.5, 2, 1, ("c",)), LagChecked(0.5, 3, 1, ("c",))], ROUTES)
        assert found is not None
        assert found.checked == LagChecked(0.5, 5, 2, ("c",))
        assert [each.verdict for each in found.judged] == ["bug", "pause"]

    def test_a_long_failure_is_cut(self) -> None:
        long = Failure("failure", "AssertionError", "m" * 10**6, "t" * 10**6)
        (found,) = check(LateReadJudged("a", "bug", ReadAfterWriteBug(read(), None, 0.5, long))).bugs
        assert found.first.failure is not None
        assert len(found.first.failure.message) + len(found.first.failure.traceback) < 50_000

    def test_no_text_has_a_second_line_or_a_control_character(self) -> None:
        statement = TracedStatement("a\nb", "SELECT\n\x1b[2J", 0.1, Frame("a\nb.py", 1, "f\x00"), "Router\n::error::x")
        failure = Failure("failure", "Odd\nError", "\x1bone\ntwo", "")
        (found,) = check(LateReadJudged("a\nb", "bug", ReadAfterWriteBug(statement, statement, 0.5, failure))).bugs
        texts = [found.title, found.named(), *(text for _, text in found.lines)]
        assert [text for text in texts if not text.isprintable()] == []

    def test_of_several_backends(self) -> None:
        found = joined([("pg", check(bug("a"))), ("mysql", check(bug("a")))])
        assert found is not None
        assert [each.tests for each in found.bugs] == [("a (pg)", "a (mysql)")]
        assert joined([]) is None


class TestRows:
    @pytest.mark.parametrize(
        ("judged", "end"),
        [
            ((), "no read-after-write bug"),
            ((bug("a"),), "1 read-after-write bug in 1 test"),
            ((bug("a"), bug("b"), bug("c", 9)), "2 read-after-write bugs in 3 tests"),
            ((bug("a"), LateReadJudged("b", "unstable")), "1 read-after-write bug in 1 test, 1 unstable"),
            ((LateReadJudged("a", "pause"),), "no read-after-write bug, 1 fails for the pause alone"),
            (
                tuple(LateReadJudged(test, "pause") for test in "ab"),
                "no read-after-write bug, 2 fail for the pause alone",
            ),
        ],
    )
    def test_the_sum(self, judged: tuple[LateReadJudged, ...], end: str) -> None:
        assert sum_line(check(*judged)) == f"late by 500 ms: 9 tests that read a replica ran again: {end}"

    def test_no_test_read_a_replica(self) -> None:
        assert rows(check(tests=0)) == ["late by 500 ms: no test that passed has read a replica, so none ran again"]

    def test_a_check_that_did_not_end(self) -> None:
        found = fold([bug("a")], [], ROUTES)
        assert found is not None
        assert rows(found) == ["the check did not end; so far: 1 read-after-write bug in 1 test"]

    def test_a_check_that_has_begun(self) -> None:
        found = fold([], [], ROUTES, has_begun=True)
        assert found is not None
        assert rows(found) == ["the check did not end; so far: no read-after-write bug"]

    @pytest.mark.parametrize("server", [None, "default"])
    def test_a_mirror_without_a_server_of_its_own(self, server: str | None) -> None:
        routes = {"default": ROUTES["default"], "replica": dataclasses.replace(ROUTES["replica"], server=server)}
        found = fold([], [LagChecked(0.5, 0, 2)], routes)
        assert found is not None
        assert rows(found)[1] == "2 tests read a mirror that has no server of its own here: no lag can show there"

    @pytest.mark.parametrize("verdict", ["unstable", "pause", "unknown"])
    def test_reasons_name_their_tests(self, verdict: LagVerdict) -> None:
        judged = [LateReadJudged(test, verdict, reason="why") for test in "dcba"]
        assert rows(check(*judged))[1:] == [f"{verdict}: a, b, c and 1 more: why"]

    def test_unchecked_tests(self) -> None:
        assert rows(check(unchecked=("a", "b")))[1] == "did not run again to an end: a, b"

    @pytest.mark.parametrize(("number", "clause"), [(1, "1 test reads"), (12, "12 tests read")])
    def test_tests_that_share_the_connection(self, number: int, clause: str) -> None:
        assert rows(check(sharing=number))[1] == (
            f"{clause} a mirror through its primary's connection (TestCase): no lag can show there;"
            ' @harness.testing.mirrors("replica") or TransactionTestCase connects it to its replica'
        )

    def test_durations(self) -> None:
        assert [duration(seconds) for seconds in (0.0, 0.05, 0.5, 1, 2.5)] == [
            "0 ms",
            "50 ms",
            "500 ms",
            "1 s",
            "2.5 s",
        ]
