"""Faults of the tests themselves: workers that die, tests that take too long, results that resist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness.report.model.run_report import Attempt
from tests.e2e.command import Ended
from tests.faults import declared
from tests.faults.declared import Declared
from tests.faults.row import Row, told
from tests.faults.running import PROJECT, Running


def scene(module: str, db: str, folder: Path) -> Iterator[Row]:
    """A row for each class of *module* of the project's tests, all of them in one run, which must exit with 1."""
    classes = declared.read(PROJECT / "tests" / f"{module}.py")
    with Running(db, folder / module, f"tests.{module}", "--parallel", "2") as running:
        ended = running.finish()
        left = running.left()
    yield from rows(classes, ended, left, lambda id: id.removeprefix(f"tests.{module}.").rpartition(".")[::2])


def rows(
    classes: Iterable[Declared], ended: Ended, left: tuple[str, ...], parts_of: Callable[[str], tuple[str, str]]
) -> Iterator[Row]:
    """A row for each of *classes*, whose tests have run, in a run that must exit with 1. *parts_of* an id are the class's name
    and the test's.
    """
    seen: dict[str, dict[str, str]] = {}
    reports: dict[tuple[str, str], str] = {}
    if ended.code == 1:
        for case in ended.report.cases:
            owner, name = parts_of(case.test.id)
            seen.setdefault(owner, {})[name] = case.outcome.value
            reports[owner, name] = "\n".join(text for attempt in case.attempts for text in _texts(attempt))
    for one in classes:
        expected, found = told(one.expected), told(seen.get(one.name, {}))
        for test, texts in one.shows.items():
            for text in texts:
                expected += f"; it shows {text!r}"
                if text in reports.get((one.name, test), ""):
                    found += f"; it shows {text!r}"
        if ended.code != 1:
            found = f"exit {ended.code}: {ended.out[-300:]}"
        yield Row(one.fault, expected, found, left)


def _texts(attempt: Attempt) -> Iterator[str]:
    for failure in attempt.failures:
        yield from (failure.message, failure.traceback)
    yield from (attempt.stdout, attempt.stderr)
    yield from (f"{statement.sql} {statement.parameters}" for statement in attempt.sql)
