"""Makes the events for a worker that died or was killed, and for its test: with stacks, output, SQL and the servers' view."""

from __future__ import annotations

from ...protocol.events import AttemptFinished, BriefLine, Failure, Outcome, PlannedTest, Statement, WorkerLost
from .. import excerpt
from ..processes.children import Child, signal_name
from ..schedule.commands import Blame
from .output_capture import Capture

STATEMENTS = 1000
"""Limit of the statements of a dead worker: this many of the first, and as many of the last."""


def of(
    blame: Blame,
    pid: int,
    status: int,
    capture: Capture,
    relative: excerpt.Relative,
    overruled: AttemptFinished | None = None,
) -> AttemptFinished:
    """The ``AttemptFinished`` for *blame*. *status* is the worker's exit status, negative for a signal. *overruled* is the
    worker's own report of the attempt, which does not count: the worker has gone on since, and its marks have moved.

    *relative* gives a file's name in the project.
    """
    sql, waiting = capture.crash_log.statements()
    stacks = capture.stacks.everything() if overruled else capture.stacks.taken()
    stdout, stderr = (
        (overruled.stdout, overruled.stderr) if overruled else (capture.stdout.taken(), capture.stderr.taken())
    )
    kind, message = _what(blame, pid, status)
    evidence = [] if kind in ("ForgedEvent", "WorkerCrash") else [_told(statement) for statement in waiting]
    if kind == "TestTimeout":
        evidence.append(capture.sessions.everything())
    if kind == "TestTimeout" and overruled is not None:
        evidence.append(f"It came to an end after that, as {overruled.outcome.value}, which does not count.")
    else:
        overruled = None
    extra = None
    if blame.is_fixture:
        owner, _, name = blame.test.rpartition(".")
        extra = PlannedTest(blame.test, owner, name)
    return AttemptFinished(
        blame.test,
        blame.n,
        blame.outcome,
        round(blame.elapsed, 6),
        (_failure(kind, message, stacks, evidence, relative, overruled.failures if overruled else ()),),
        stdout=stdout,
        stderr=stderr,
        sql=sql[:STATEMENTS] + sql[STATEMENTS:][-STATEMENTS:],
        extra=extra,
        final=blame.is_final,
    )


def of_worker(process: Child, status: int, blamed: str | None, capture: Capture) -> WorkerLost:
    """The ``WorkerLost`` for an unrequested end of a worker; *blamed* is the test reported as running then. *status* as above."""
    exit, name = (status, None) if status >= 0 else (None, signal_name(-status))
    failure = process.failure
    if not failure.fault if failure else blamed is not None:
        return WorkerLost(process.pid, exit, name, blamed)
    when = f"after {process.last_test}" if process.last_test else "before its first test"
    when = f"while it ran {blamed}" if blamed else f"while no test ran, {when}"
    evidence = [failure.traceback if failure else "", capture.stacks.everything(), capture.stderr.taken()]
    return WorkerLost(
        process.pid,
        exit,
        name,
        blamed,
        fault=failure.fault if failure else "project",
        message=when + (f": {failure.message}" if failure else ""),
        evidence="\n".join(filter(None, evidence)),
    )


def _what(blame: Blame, pid: int, status: int) -> tuple[str, str]:
    """The kind of the failure, and its message."""
    if blame.outcome is Outcome.TIMED_OUT:
        return "TestTimeout", blame.why
    if blame.is_forger:
        return "ForgedEvent", blame.why
    if blame.outcome is Outcome.ERRORED:
        return "ServerLost", f"waited for an answer when the run was ended: {blame.why}"
    how = f"died with {signal_name(-status)}" if status < 0 else f"exited with status {status}"
    return "WorkerCrash", f"worker {blame.slot} (pid {pid}) {how} while running this test"


def _failure(
    kind: str,
    message: str,
    stacks: str,
    evidence: list[str],
    relative: excerpt.Relative,
    overruled: tuple[Failure, ...],
) -> Failure:
    """The failure, in full and in short form: the message, the stacks, the evidence, and the failures that do not count."""
    short = [
        BriefLine(message, "error"),
        *excerpt.of_stacks(stacks, relative),
        *(BriefLine(line, "error") for text in evidence for line in text.splitlines()),
        *(line for failure in overruled for line in failure.brief),
    ]
    text = "\n".join(filter(None, [message, stacks, *evidence, *(failure.traceback for failure in overruled)]))
    return Failure("error", kind, message, text, brief=tuple(short))


def _told(waiting: Statement) -> str:
    text = f"waiting for {waiting.alias} ({waiting.role}) since {waiting.at:.3f} s: {waiting.sql}"
    return f"{text}\n  parameters: {waiting.parameters}" if waiting.parameters else text
