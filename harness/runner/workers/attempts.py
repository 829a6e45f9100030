"""The frame of each attempt and each fixture in a worker: events, output, statements and time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...protocol.events import AttemptFinished, AttemptStarted, Event, FixtureStarted
from ...protocol.results import Failure, Outcome, PlannedTest, Property
from .. import unpatched
from ..sql.statement_log import StatementLog


class Output(Protocol):
    """Captures output by test."""

    def begin(self) -> None:
        """Assign the output from here on to the test that begins."""

    def end(self) -> tuple[str, str]:
        """The output since the beginning: stdout and stderr."""


@dataclass(frozen=True, slots=True)
class Result:
    """The end of an attempt, as the test's framework has it; the fields are those of ``AttemptFinished``.

    ``stderr`` are texts that the framework adds to the error output. ``log`` are log records. ``is_output_hidden``: the
    output is not reported.
    """

    outcome: Outcome
    failures: tuple[Failure, ...] = ()
    reason: str = ""
    subtests: int = 0
    stderr: str = ""
    log: str = ""
    properties: tuple[Property, ...] = ()
    attributes: tuple[Property, ...] = ()
    may_retry: bool = True
    is_output_hidden: bool = False
    shared_s: float = 0.0


PASSED = Result(Outcome.PASSED)
"""The end of most attempts: the test passed, and has nothing else to report."""


class ShortSender(Protocol):
    """Sends events of planned tests in a short form."""

    def send_begun(self, test: str) -> None:
        """Send that an attempt of *test* is about to begin."""

    def send_passed(self, test: str, seconds: float) -> None:
        """Send that it has passed, together with the beginning of the next test at the latest."""


_NOTHING = ("", "")


class Attempts:
    """Sends the events of attempts and fixtures, one after the other.

    *short* sends the beginning of an attempt, and the end of one whose result is ``PASSED`` and that has no output.
    """

    def __init__(
        self,
        send: Callable[[Event], None],
        output: Output,
        statement_log: StatementLog,
        short: ShortSender | None = None,
    ) -> None:
        self._send = send
        self._short = short
        self._output = output
        self._statement_log = statement_log
        self._test, self._n = "", 1
        self._start = 0.0
        self.output = ("", "")
        """The output of the last attempt, as reported."""

    def begin(self, test: str, n: int) -> None:
        """Begin the *n*-th attempt of *test*, which is about to be called."""
        if self._short is not None:
            self._short.send_begun(test)
        else:
            self._send(AttemptStarted(test, n))
        self._output.begin()
        self._test, self._n = test, n
        self._start = unpatched.time.perf_counter()
        self._statement_log.begin(test)  # after the attempt's clock, so that no statement is timed after the test's end

    def end(self, result: Callable[[], Result]) -> Outcome:
        """End the attempt: the call has returned; *result* is then evaluated. Returns the outcome."""
        duration = unpatched.time.perf_counter() - self._start
        found = result()
        stdout, stderr = self._output.end()
        self.output = ("", found.stderr) if found.is_output_hidden else (stdout, stderr + found.stderr)
        if self._short is not None and self.output == _NOTHING and (found is PASSED or found == PASSED):
            self._short.send_passed(self._test, duration)
            self._statement_log.end(has_passed=True)
            return Outcome.PASSED
        self._send(
            AttemptFinished(
                self._test,
                self._n,
                found.outcome,
                round(duration, 6),
                found.failures,
                found.reason,
                found.subtests,
                *self.output,
                self._statement_log.statements() if found.outcome.is_red else (),
                log=found.log,
                properties=found.properties,
                attributes=found.attributes,
                may_retry=found.may_retry,
                shared_s=found.shared_s,
            )
        )
        self._statement_log.end(has_passed=found.outcome is Outcome.PASSED)
        return found.outcome

    def begin_fixture(self, test: str) -> None:
        """Begin a fixture of several tests, which is about to run; *test* is the id to blame for it."""
        self._send(FixtureStarted(test))
        self._output.begin()
        self._start = unpatched.time.perf_counter()
        self._statement_log.begin(test)

    def end_fixture(self, failed: Iterable[tuple[PlannedTest, Sequence[Failure]]]) -> None:
        """End the fixture, and report the failures in *failed*: a clean-up may fail besides the fixture that it cleans up
        after.
        """
        for test, failures in failed:
            duration = round(unpatched.time.perf_counter() - self._start, 6)
            stdout, stderr = self._output.end()
            self.report_extra(test, failures, duration, stdout, stderr)

    def report_extra(
        self, test: PlannedTest, failures: Sequence[Failure], duration: float, stdout: str, stderr: str, log: str = ""
    ) -> None:
        """Report an error of *test*, which is in no plan, with the last statements."""
        self._send(
            AttemptFinished(
                test.id,
                1,
                Outcome.ERRORED,
                duration,
                tuple(failures),
                stdout=stdout,
                stderr=stderr,
                sql=self._statement_log.statements(),
                extra=test,
                log=log,
            )
        )

    def leave_out(self, test: str, n: int, outcome: Outcome, reason: str) -> None:
        """Report a planned test that is not called."""
        self._send(AttemptFinished(test, n, outcome, 0.0, reason=reason))
