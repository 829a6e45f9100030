"""Makes the events for a worker that died or was killed, and for its test: with stacks, output, SQL and the servers' sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...protocol import naming
from ...protocol.events import AttemptFinished, WorkerFailed, WorkerLost
from ...protocol.results import BriefLine, Failure, Outcome, PlannedTest, Statement
from .. import excerpt
from ..processes.children import signal_name
from ..schedule.commands import Blame
from .event_checks import EventChecks
from .output_capture import Capture

STATEMENTS = 1000
"""Limit of the statements of a dead worker: this many of the first, and as many of the last."""


@dataclass(slots=True)
class WorkerRecord:
    """The reports of one worker, and its exit status, negative for a signal.

    ``abort`` is the ``RunAborted`` that it sent, ``failure`` the exception that ended it, ``overruled`` its report of a test
    whose outcome the schedule had decided before. ``is_uncounted``: it has run tests, and has not sent the counts of their
    statements.
    """

    pid: int
    status: int = 0
    checks: EventChecks = field(default_factory=EventChecks)
    last_test: str = ""
    is_uncounted: bool = False
    failure: WorkerFailed | None = None
    abort: dict[str, Any] | None = None
    overruled: AttemptFinished | None = None


def blamed_attempt(
    blame: Blame, record: WorkerRecord, capture: Capture, relative: excerpt.Relative, place: str = ""
) -> AttemptFinished:
    """The ``AttemptFinished`` for *blame*. *relative* gives a file's name in the project; *place* is the part of the test.

    Where the worker's own report was overruled, it has gone on since and its marks have moved: the output is the report's.
    """
    sql, waiting = capture.crash_log.statements()
    overruled = record.overruled
    if overruled is None:
        stacks, stdout, stderr = capture.stacks.since_mark(), capture.stdout.since_mark(), capture.stderr.since_mark()
    else:
        stacks, stdout, stderr = capture.stacks.text(), overruled.stdout, overruled.stderr
    kind, message = _cause(blame, record)
    message += f", in {place}" if place and kind in ("TestTimeout", "WorkerCrash") else ""
    evidence = [] if kind in ("ForgedEvent", "WorkerCrash") else [_waiting_text(statement) for statement in waiting]
    uncounted: tuple[Failure, ...] = ()
    if kind == "TestTimeout":
        evidence.append(capture.sessions.text())
        if overruled is not None:
            evidence.append(f"It came to an end after that, as {overruled.outcome.value}, which does not count.")
            uncounted = overruled.failures
    brief = (
        BriefLine(message, "error"),
        *excerpt.of_stacks(stacks, relative),
        *(BriefLine(line, "error") for text in evidence for line in text.splitlines()),
        *(line for failure in uncounted for line in failure.brief),
    )
    text = "\n".join(filter(None, [message, stacks, *evidence, *(failure.traceback for failure in uncounted)]))
    return AttemptFinished(
        blame.test,
        blame.n,
        blame.outcome,
        round(blame.elapsed, 6),
        (Failure("error", kind, message, text, brief=brief),),
        stdout=stdout,
        stderr=stderr,
        sql=sql[:STATEMENTS] + sql[STATEMENTS:][-STATEMENTS:],
        extra=PlannedTest(blame.test, *naming.class_and_name(blame.test)) if blame.is_fixture else None,
        final=blame.is_final,
    )


def lost_worker(record: WorkerRecord, blamed: str | None, capture: Capture) -> WorkerLost:
    """The ``WorkerLost`` for an unrequested end of a worker; *blamed* is the test that is reported as running then."""
    status, failure = record.status, record.failure
    exit, name = (status, None) if status >= 0 else (None, signal_name(-status))
    if not failure.fault if failure else blamed is not None:
        return WorkerLost(record.pid, exit, name, blamed)
    when = f"after {record.last_test}" if record.last_test else "before its first test"
    when = f"while it ran {blamed}" if blamed else f"while no test ran, {when}"
    parts = [failure.traceback if failure else "", capture.stacks.text(), capture.stderr.since_mark()]
    return WorkerLost(
        record.pid,
        exit,
        name,
        blamed,
        fault=failure.fault if failure else "project",
        message=when + (f": {failure.message}" if failure else ""),
        evidence="\n".join(filter(None, parts)),
    )


def evidence(captures: Iterable[Capture]) -> str:
    """The captured errors and stacks of all slots."""
    return "\n".join(filter(None, (capture.stderr.text() + capture.stacks.text() for capture in captures)))


def _cause(blame: Blame, record: WorkerRecord) -> tuple[str, str]:
    """The type of the failure, and its message."""
    if blame.outcome is Outcome.TIMED_OUT:
        return "TestTimeout", blame.why
    if blame.is_forger:
        return "ForgedEvent", blame.why
    if blame.outcome is Outcome.ERRORED:
        return "ServerLost", f"waited for an answer when the run was ended: {blame.why}"
    status = record.status
    how = f"died with {signal_name(-status)}" if status < 0 else f"exited with status {status}"
    return "WorkerCrash", f"worker {blame.slot} (pid {record.pid}) {how} while running this test"


def _waiting_text(waiting: Statement) -> str:
    text = f"waiting for {waiting.alias} ({waiting.role}) since {waiting.at:.3f} s: {waiting.sql}"
    return f"{text}\n  parameters: {waiting.parameters}" if waiting.parameters else text
