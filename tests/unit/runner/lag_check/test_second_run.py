"""The part of a plan that runs again, and what the run's journal hears of it."""

from __future__ import annotations

from typing import Any

from harness.protocol import codec
from harness.protocol.events import AttemptFinished, Event, ServerActionWanted
from harness.protocol.replica_events import LateReadJudged
from harness.protocol.results import Outcome, PlannedTest
from harness.runner.lag_check.second_run import CheckJournal, part_of
from harness.runner.schedule.units import Plan, Unit

TESTS = tuple(PlannedTest(f"app.T.test_{n}", "app.T", f"test_{n}") for n in range(5))
PLAN = Plan(TESTS, tuple("abcde"), (Unit("app.T", (0, 1, 2), flushes=True), Unit("app.U", (3,)), Unit("app.V", (4,))))


class Inner:
    """The journal of the run."""

    fd = 3

    def __init__(self) -> None:
        self.types: list[str] = []

    def write(self, event: Event, slot: int = 0) -> None:
        self.types.append(type(event).__name__)

    def forward(self, stamped: list[Any]) -> None:
        self.types += [codec.peek(line)["type"] for line, _, _ in stamped]

    def beat(self) -> None: ...

    forget = gathered = beat


def forwarded(*events: Event) -> tuple[CheckJournal, Inner]:
    inner: Any = Inner()
    journal = CheckJournal(inner)
    journal.forward([(codec.encode_body(event).encode(), 1, ()) for event in events])
    return journal, inner


def test_a_part_has_the_units_of_its_tests() -> None:
    plan = part_of(PLAN, {"app.T.test_1", "app.T.test_4"})
    assert plan is not None
    assert (plan.tests, plan.instances) == ((TESTS[1], TESTS[4]), ("b", "e"))
    assert plan.units == (Unit("app.T", (0,), flushes=True), Unit("app.V", (1,)))


def test_there_is_no_part_without_tests() -> None:
    assert part_of(PLAN, ()) is None


def test_no_outcome_of_a_trial_reaches_the_journal_of_the_run() -> None:
    journal, inner = forwarded(
        AttemptFinished("app.T.test_0", 1, Outcome.PASSED, 0.1),
        AttemptFinished("app.T.test_1", 1, Outcome.FAILED, 0.1),
        ServerActionWanted("1.1", "lag", "db2", "0.5"),
        LateReadJudged("app.T.test_2", "bug"),
    )
    assert inner.types == ["ServerActionWanted", "LateReadJudged"]
    assert journal.judged == {"app.T.test_2"}


def test_nor_that_of_a_worker_that_died() -> None:
    inner: Any = Inner()
    journal = CheckJournal(inner)
    journal.write(AttemptFinished("app.T.test_0", 1, Outcome.CRASHED, 0.1))
    journal.write(ServerActionWanted("1.1", "lag", "db2", "0.5"))
    assert inner.types == ["ServerActionWanted"]
    assert journal.judged == set()
