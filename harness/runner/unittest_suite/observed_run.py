"""A suite that a runner class of the project's own runs in this process, seen through unittest's suites and results.

Such a class has ``run_tests()`` alone, and it decides itself which tests there are and how they run. Everything is in one
process, one test after the other. Output and a test that hangs or ends the process are not told apart by test.
"""

from __future__ import annotations

import contextlib
import dataclasses
import unittest
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...protocol.events import AttemptFinished, Event, RunPlanned
from ..failures import FailureDescriber
from ..private_apis import iter_test_cases
from ..schedule.units import identify
from ..sql.statement_log import StatementLog
from ..workers.attempts import Attempts
from .result import AttemptResult

SLOT = 1
_REPORTS = (
    "addSuccess",
    "addFailure",
    "addError",
    "addSkip",
    "addExpectedFailure",
    "addUnexpectedSuccess",
    "addSubTest",
)


class NoCapture:
    """Takes the place of a worker's capture: output goes where the project's runner sends it."""

    def begin(self) -> None:
        pass

    def end(self) -> tuple[str, str]:
        return "", ""


class ObservedRun:
    """Plans the tests of each suite as it begins, and reports each test as its results come.

    ``planned`` has the ids of the tests in order, each with whether it has an outcome; ``red`` counts red outcomes.
    """

    def __init__(self, write: Callable[[Event, int], None], describer: FailureDescriber, log: StatementLog) -> None:
        self.planned: dict[str, bool] = {}
        self.red = 0
        self._write = write
        self._describer = describer
        self._ids: dict[int, tuple[unittest.TestCase, str]] = {}
        self._attempts = AttemptResult(Attempts(self._send, NoCapture(), log), describer)
        self._current: tuple[unittest.TestCase, unittest.TestResult] | None = None

    @contextlib.contextmanager
    def observed(self) -> Iterator[None]:
        """Observe the suites and results of the block. A test begins and ends in it; after it, the last one ends."""
        before = {name: getattr(unittest.TestResult, name) for name in ("startTest", *_REPORTS)}
        run: Any = unittest.TestSuite.run

        def observed_run(suite: unittest.TestSuite, *args: Any, **options: Any) -> Any:
            if self._current is None:  # else a test runs tests of its own
                self._plan(iter_test_cases(suite))
            return run(suite, *args, **options)

        def observer(name: str) -> Callable[..., Any]:
            def observe(result: unittest.TestResult, test: Any, *args: Any) -> Any:
                self._note(name, result, test, args)
                return before[name](result, test, *args)

            return observe

        unittest.TestSuite.run = observed_run  # type: ignore[method-assign, assignment]  # undone below
        for name in before:
            setattr(unittest.TestResult, name, observer(name))
        try:
            yield
        finally:
            unittest.TestSuite.run = run  # type: ignore[method-assign]  # the method from before
            for name, method in before.items():
                setattr(unittest.TestResult, name, method)
            self._end()

    def _note(self, name: str, result: unittest.TestResult, test: Any, args: tuple[Any, ...]) -> None:
        if self._current is not None and self._current[1] is not result:
            return  # of tests that the running test runs itself
        if isinstance(test, unittest.TestCase):
            if self._current is None or self._current[0] is not test:
                self._begin(test, result)
        elif name == "addError":  # unittest's stand-in for a fixture of a class or module
            self._end()
            self._attempts.begin_fixture(str(test))
        if name != "startTest" and (self._current is not None or name == "addError"):
            getattr(self._attempts, name)(test, *args)
        if self._current is None:
            self._attempts.end_fixture()

    def _plan(self, tests: Iterable[unittest.TestCase]) -> None:
        new = [test for test in tests if id(test) not in self._ids]
        if not new:
            return
        found = identify([unittest.TestSuite(new)], self._describer, frozenset(self.planned))
        self._ids.update((id(case), (case, test.id)) for test, case in found)
        self.planned.update((test.id, False) for test, _ in found)
        self._write(RunPlanned(tuple(test for test, _ in found), 1), 0)

    def _begin(self, test: unittest.TestCase, result: unittest.TestResult) -> None:
        self._end()
        self._plan([test])
        self._current = test, result
        self._attempts.begin(self._ids[id(test)][1], 1)

    def _end(self) -> None:
        """End the attempt that has begun, if any: Django reports failures of a test even after ``stopTest``."""
        if self._current is not None:
            self._current = None
            self._attempts.end()

    def _send(self, event: Event) -> None:
        if isinstance(event, AttemptFinished):
            event = dataclasses.replace(event, final=True)
            self.red += event.outcome.is_red
            if event.test in self.planned:
                self.planned[event.test] = True
        self._write(event, SLOT)
