"""Translates ``unittest.TestResult`` calls to events: each call of a test becomes one attempt with one outcome.

Owns the outcome of an attempt for which unittest reports several things, or nothing. An attempt is the whole call of the test,
not the part between ``startTest`` and ``stopTest``: Django sets up before the one and flushes after the other, and Python
3.12.1 calls neither for skipped tests.
"""

from __future__ import annotations

import re
import unittest
from dataclasses import dataclass, field
from typing import Any, Literal

from ...protocol.results import Failure, Outcome, PlannedTest
from ..failures import ExcInfo, FailureDescriber
from ..legacy.doctest_failures import with_examples
from ..private_apis import doctest_of, subtest_contexts, subtest_description
from ..workers.attempts import PASSED, Attempts, Result

_FIXTURE = re.compile(r"(\w+) \((.+)\)$")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@dataclass(slots=True)
class Attempt:
    """One attempt, with everything that unittest has reported of it so far: its failures, and the *others* with their reason."""

    failures: list[Failure] = field(default_factory=list)
    others: dict[Outcome, tuple[tuple[Failure, ...], str]] = field(default_factory=dict)
    subtest_skip: str | None = None
    subtests_passed: int = 0
    subtests_not_passed: dict[int, Any] = field(default_factory=dict)

    def note_subtest(self, subtest: Any, *, has_passed: bool) -> None:
        """Count *subtest*. unittest does not report a subTest around one that has not passed: it is counted with that one."""
        if has_passed:
            self.subtests_passed += 1
        else:  # the context is kept, so that no other object gets the same id
            self.subtests_not_passed.update((id(context), context) for context in subtest_contexts(subtest))

    def result(self) -> Result:
        """The outcome with its failures, the reason of a skip, and the number of subtests."""
        outcome, failures, reason = self._verdict()
        subtests = self.subtests_passed + len(self.subtests_not_passed)
        return PASSED if outcome is Outcome.PASSED and not subtests else Result(outcome, failures, reason, subtests)

    def _verdict(self) -> tuple[Outcome, tuple[Failure, ...], str]:
        if self.failures:
            erred = any(failure.kind == "error" for failure in self.failures)
            return (Outcome.ERRORED if erred else Outcome.FAILED), tuple(self.failures), ""
        for outcome in (Outcome.XPASSED, Outcome.XFAILED, Outcome.SKIPPED, Outcome.PASSED):
            if outcome in self.others:
                return outcome, *self.others[outcome]
        if self.subtest_skip is not None:
            return Outcome.SKIPPED, (), self.subtest_skip
        silent = Failure("error", "NoOutcome", "the test ended without an outcome", "The test reported nothing.\n")
        return Outcome.ERRORED, (silent,), ""


class AttemptResult(unittest.TestResult):
    """The ``TestResult`` of a worker: gives each attempt its result."""

    def __init__(self, attempts: Attempts, describer: FailureDescriber) -> None:
        super().__init__()
        self._attempts = attempts
        self._describer = describer
        self._attempt: Attempt | None = None
        self.fixture_failure: str | None = None
        self.fixture_skip: str | None = None
        self._fixture_failures: dict[tuple[str, str], list[Failure]] = {}

    # called by the worker's loop

    def begin(self, test: str, n: int) -> None:
        """Begin the attempt: the test is about to be called."""
        self._attempts.begin(test, n)
        self._attempt = Attempt()

    def end(self) -> Outcome:
        """End the attempt: the call has returned. Returns the outcome."""
        attempt, self._attempt = self._attempt, None
        assert attempt is not None
        return self._attempts.end(attempt.result)

    def begin_fixture(self, test: str) -> None:
        """Begin a fixture of a class or module, which is about to run; *test* is the id to blame for it."""
        self._attempts.begin_fixture(test)

    def end_fixture(self) -> None:
        """End the fixture, and report its failures."""
        self._attempts.end_fixture(
            (PlannedTest(f"{owner}.{name}", owner, name), failures)
            for (owner, name), failures in self._fixture_failures.items()
        )
        self._fixture_failures.clear()

    def leave_out(self, test: str, n: int) -> None:
        """Report a test that its class's fixture kept from running."""
        if self.fixture_skip is not None:
            self._attempts.leave_out(test, n, Outcome.SKIPPED, self.fixture_skip)
        else:
            self._attempts.leave_out(test, n, Outcome.NOT_RUN, f"{self.fixture_failure} failed")

    # called by unittest

    def startTest(self, test: Any) -> None:
        """Do nothing: the attempt began before."""

    def stopTest(self, test: Any) -> None:
        """Do nothing: the attempt ends after."""

    def addSuccess(self, test: Any) -> None:
        self._note(Outcome.PASSED)

    def addFailure(self, test: Any, err: Any) -> None:
        self._add("failure", err)
        if self._attempt is not None and doctest_of(test) is not None:
            self._attempt.failures[-1] = with_examples(self._attempt.failures[-1], self._describer.relative)

    def addError(self, test: Any, err: Any) -> None:
        if self._attempt is None:
            self._fail_fixture(str(test), err)
        else:
            self._add("error", err)

    def addSkip(self, test: Any, reason: str) -> None:
        if self._attempt is None:
            self.fixture_skip = str(reason)
        elif hasattr(test, "test_case"):  # a subTest
            self._attempt.subtest_skip = str(reason)
            self._attempt.note_subtest(test, has_passed=False)
        else:
            self._note(Outcome.SKIPPED, str(reason))

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        failure = self._describer.describe(err, "failure")
        self._note(Outcome.XFAILED, failure.message, failure)

    def addUnexpectedSuccess(self, test: Any) -> None:
        self._note(Outcome.XPASSED, "the test passed, and is marked as an expected failure")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if self._attempt is None:
            return
        self._attempt.note_subtest(subtest, has_passed=err is None)
        if err is not None:
            is_failure = issubclass(err[0], test.failureException)
            description = _ADDRESS.sub("", subtest_description(subtest))
            self._add("failure" if is_failure else "error", err, description)

    def addDuration(self, test: Any, elapsed: float) -> None:
        """Do nothing: an attempt's duration is that of the whole call."""

    def _note(self, outcome: Outcome, reason: str = "", *failures: Failure) -> None:
        if self._attempt is not None:
            self._attempt.others[outcome] = failures, reason

    def _add(self, kind: Literal["failure", "error"], err: ExcInfo, subtest: str = "") -> None:
        if self._attempt is not None:
            self._attempt.failures.append(self._describer.describe(err, kind, subtest))

    def _fail_fixture(self, description: str, err: ExcInfo) -> None:
        """Record a failure of a fixture. *description* is unittest's: ``setUpClass (app.tests.Class)``."""
        match = _FIXTURE.match(description)
        fixture = (match[2], match[1]) if match else (description, "fixture")
        self.fixture_failure = fixture[1]
        self._fixture_failures.setdefault(fixture, []).append(self._describer.describe(err, "error"))
