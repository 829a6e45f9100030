"""Differences between backends: tests that fail on some, are skipped on some, are much slower on some.

Owns what counts as a difference. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.protocol.results import Outcome
from harness.report.backends.merge import Column, Merged
from harness.report.model.phrases import FLAKY, LABELS, case_headline
from harness.report.model.run_report import Case

SLOWER_TIMES = 4.0
SLOWER_S = 1.0
"""A test is much slower if it takes this many times as long as on the fastest backend, and this many seconds longer."""

TITLES = {
    "fails": "fails on some backends only",
    "absent": "there on some backends only",
    "skipped": "skipped on some backends only",
    "expected": "expected to fail on some backends only",
    "flaky": "flaky on some backends only",
    "slower": "much slower on some backends",
}
"""Each kind of difference, in the order of the reports; a test gets the first kind that fits."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The result of a test on one backend: ``outcome`` is ``None`` if the test is absent, ``seconds`` covers all attempts."""

    label: str
    outcome: Outcome | None = None
    seconds: float = 0.0
    reason: str = ""
    is_flaky: bool = False

    @property
    def word(self) -> str:
        if self.outcome is None:
            return "-"
        return FLAKY if self.is_flaky else LABELS[self.outcome]


@dataclass(frozen=True, slots=True)
class Difference:
    """A test that differs between backends: ``kind`` is a key of ``TITLES``."""

    kind: str
    test: str
    cells: tuple[Cell, ...]


def differences(merged: Merged) -> tuple[Difference, ...]:
    """The differences between the backends that ran any test, by kind, then in the order of the plan."""
    columns = compared(merged)
    if len(columns) < 2:
        return ()
    tests = dict.fromkeys(id for column in columns for id in column.cases)
    found = [difference for id in tests if (difference := _difference(id, columns)) is not None]
    order = list(TITLES)
    return tuple(sorted(found, key=lambda difference: order.index(difference.kind)))


def compared(merged: Merged) -> tuple[Column, ...]:
    """The backends on which at least one test ran: an earlier breakdown says nothing about a test."""
    return tuple(column for column in merged.columns if any(_ran(case) for case in column.cases.values()))


def red_everywhere(merged: Merged) -> tuple[str, ...]:
    """The tests that are red on every backend that they ran on, and not among the differences."""
    known = {difference.test for difference in differences(merged)}
    tests = dict.fromkeys(
        id for column in merged.columns for id, case in column.cases.items() if case.is_red and _ran(case)
    )
    return tuple(id for id in tests if id not in known)


def _difference(id: str, columns: Sequence[Column]) -> Difference | None:
    cases = [column.cases.get(id) for column in columns]
    if (kind := _kind(cases)) is None:
        return None
    cells = [
        Cell(column.label, case.outcome, case.duration, case_headline(case), case.is_flaky)
        if case
        else Cell(column.label)
        for column, case in zip(columns, cases, strict=True)
    ]
    return Difference(kind, id, tuple(cells))


def _kind(cases: Sequence[Case | None]) -> str | None:
    # a test that did not run has its reason elsewhere: the fixture that failed, or the run's own abort
    known = [case for case in cases if case is not None and _ran(case)]
    absent = sum(case is None for case in cases)
    if not known:
        return None
    # a fixture is reported only where it failed or was skipped: where it is absent, it passed
    is_fixture = not known[0].is_planned
    outcomes = [case.outcome for case in known]
    red = sum(outcome.is_red for outcome in outcomes)
    if red and (red < len(known) or absent):
        return "fails"
    if absent and not is_fixture:
        return "absent"
    if _some_only(outcome is Outcome.SKIPPED for outcome in outcomes) or (is_fixture and absent):
        return "skipped"
    if _some_only(outcome is Outcome.XFAILED for outcome in outcomes):
        return "expected"
    if _some_only(case.is_flaky for case in known):
        return "flaky"
    return "slower" if not red and _is_much_slower([case.duration for case in known]) else None


def _some_only(holds: Iterable[bool]) -> bool:
    return len(set(holds)) > 1


def _is_much_slower(seconds: Sequence[float]) -> bool:
    return max(seconds) >= SLOWER_TIMES * min(seconds) and max(seconds) - min(seconds) >= SLOWER_S


def _ran(case: Case) -> bool:
    return case.outcome is not Outcome.NOT_RUN
