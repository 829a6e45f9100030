"""The differences between backends."""

import pytest

from harness.protocol.results import Outcome
from harness.report.backends.differences import compared, differences, red_everywhere
from harness.report.backends.merge import Run, merge
from tests.golden.backends import ADDS, BAD, FIXTURE, HIDDEN, merged, on_mariadb, on_postgres, passed, run_of, started
from tests.golden.journals import failure


def ran(backend: str, outcome: Outcome, duration: float = 0.02) -> Run:
    journal = started(backend).plan(ADDS, BAD)
    journal.attempt(ADDS, outcome, duration, reason="why" if outcome is Outcome.SKIPPED else "")
    return run_of(journal.attempt(BAD, Outcome.PASSED).end())


def kinds(*runs: Run) -> list[tuple[str, str, list[str]]]:
    return [(found.kind, found.test, [cell.word for cell in found.cells]) for found in differences(merge(runs))]


class TestOutcomes:
    @pytest.mark.parametrize(
        ("outcomes", "kind", "words"),
        [
            ((Outcome.PASSED, Outcome.FAILED), "fails", ["PASS", "FAIL"]),
            ((Outcome.CRASHED, Outcome.SKIPPED), "fails", ["CRASH", "SKIP"]),
            ((Outcome.XPASSED, Outcome.XFAILED), "fails", ["XPASS", "XFAIL"]),
            ((Outcome.PASSED, Outcome.SKIPPED), "skipped", ["PASS", "SKIP"]),
            ((Outcome.XFAILED, Outcome.PASSED), "expected", ["XFAIL", "PASS"]),
        ],
    )
    def test_outcomes_that_differ(self, outcomes: tuple[Outcome, Outcome], kind: str, words: list[str]) -> None:
        assert kinds(ran("a", outcomes[0]), ran("b", outcomes[1])) == [(kind, ADDS.id, words)]

    @pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.SKIPPED, Outcome.XFAILED])
    def test_an_outcome_on_every_backend_is_no_difference(self, outcome: Outcome) -> None:
        assert kinds(ran("a", outcome), ran("b", outcome)) == []

    def test_ways_of_being_red_are_no_difference(self) -> None:
        both = merge([ran("a", Outcome.FAILED), ran("b", Outcome.ERRORED)])
        assert differences(both) == ()
        assert red_everywhere(both) == (ADDS.id,)

    def test_a_test_that_is_absent_on_one_backend(self) -> None:
        assert kinds(passed("a", ADDS, BAD), passed("b", BAD)) == [("absent", ADDS.id, ["PASS", "-"])]

    @pytest.mark.parametrize(
        ("slow", "expected"), [(0.3, []), (0.9, []), (1.4, ["slower"])], ids=["times", "seconds", "both"]
    )
    def test_much_slower_is_both_many_times_and_a_second(self, slow: float, expected: list[str]) -> None:
        found = kinds(ran("a", Outcome.PASSED, 0.2), ran("b", Outcome.PASSED, slow))
        assert [kind for kind, _, _ in found] == expected
        assert kinds(ran("a", Outcome.PASSED, 20.0), ran("b", Outcome.PASSED, 30.0)) == []

    def test_a_fixture_without_a_report_passed_on_that_backend(self) -> None:
        journal = started("a").plan(HIDDEN)
        journal.attempt(FIXTURE, Outcome.ERRORED, extra=FIXTURE, failures=(failure("no", kind="error"),))
        broken = run_of(journal.attempt(HIDDEN, Outcome.NOT_RUN, reason="setUpClass failed").end(1))
        assert kinds(broken, passed("b", HIDDEN)) == [("fails", FIXTURE.id, ["ERROR", "-"])]


class TestBackends:
    def test_a_suite_that_is_alike_everywhere_has_no_differences(self) -> None:
        assert kinds(passed("a", ADDS, BAD), passed("b", ADDS, BAD)) == []

    def test_one_backend_differs_from_nothing(self) -> None:
        assert kinds(run_of(on_postgres())) == []

    def test_a_backend_that_ran_no_test_is_not_compared(self) -> None:
        both = merge([passed("a", ADDS), passed("b", ADDS), run_of(on_mariadb())])
        assert [column.label for column in compared(both)] == ["a", "b"]
        assert differences(both) == ()

    def test_kinds_come_in_the_order_of_their_weight(self) -> None:
        found = [(each.kind, each.test.rpartition("_")[2].rpartition(".")[2]) for each in differences(merged())]
        assert found == [
            ("fails", "fails"),
            ("fails", "setUpClass"),
            ("absent", "only"),
            ("skipped", "skips"),
            ("expected", "expected"),
            ("flaky", "flaky"),
            ("slower", "slow"),
        ]
        assert red_everywhere(merged()) == (BAD.id,)
