"""Faults of the tests themselves: workers that die, tests that take too long, results that resist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.report.model.run_report import Attempt
from tests.faults import declared
from tests.faults.row import Row, told
from tests.faults.running import PROJECT, Running


def scene(module: str, db: str, folder: Path) -> Iterator[Row]:
    """A row for each class of *module* of the project's tests, all of them in one run, which must exit with 1."""
    classes = declared.read(PROJECT / "tests" / f"{module}.py")
    with Running(db, folder / module, f"tests.{module}", "--parallel", "2") as running:
        ended = running.finish()
        left = running.left()
    seen: dict[str, dict[str, str]] = {}
    reports: dict[str, str] = {}
    if ended.code == 1:
        for case in ended.report.cases:
            owner, _, name = case.test.id.rpartition(".")
            seen.setdefault(owner.rpartition(".")[2], {})[name] = case.outcome.value
            reports[case.test.id] = "\n".join(text for attempt in case.attempts for text in _texts(attempt))
    for one in classes:
        expected, found = told(one.expected), told(seen.get(one.name, {}))
        for test, texts in one.shows.items():
            report = reports.get(f"tests.{module}.{one.name}.{test}", "")
            for text in texts:
                expected += f"; it shows {text!r}"
                if text in report:
                    found += f"; it shows {text!r}"
        if ended.code != 1:
            found = f"exit {ended.code}: {ended.out[-300:]}"
        yield Row(one.fault, expected, found, left)


def _texts(attempt: Attempt) -> Iterator[str]:
    for failure in attempt.failures:
        yield from (failure.message, failure.traceback)
    yield from (attempt.stdout, attempt.stderr)
    yield from (f"{statement.sql} {statement.parameters}" for statement in attempt.sql)
