"""What is told of a test whose worker died or was killed: how, with its stacks, its output, its SQL and the servers' view."""

from __future__ import annotations

from ..contract.events import AttemptFinished, Failure, Outcome, PlannedTest, Statement, WorkerLost
from .commands import Blame
from .output import Capture
from .processes import Child, signal_name

STATEMENTS = 1000
"""How many of a dead worker's statements are told, of the first and of the last."""


def of(
    blame: Blame, pid: int, status: int, capture: Capture, overruled: AttemptFinished | None = None
) -> AttemptFinished:
    """The end of the attempt that *blame* is about. *status* is that of the worker, negative for a signal; *overruled* is
    what the worker said of the attempt, where that does not count: the worker has gone on since, and its marks have moved.
    """
    sql, waiting = capture.trail.statements()
    evidence = [capture.stacks.everything() if overruled else capture.stacks.taken()]
    stdout, stderr = (
        (overruled.stdout, overruled.stderr) if overruled else (capture.stdout.taken(), capture.stderr.taken())
    )
    if blame.outcome is Outcome.TIMED_OUT:
        kind, message = "TestTimeout", blame.why
        evidence += [*map(_told, waiting), capture.sessions.everything()]
        if overruled is not None:
            evidence.append(f"It came to an end after that, as {overruled.outcome.value}, which does not count.")
            evidence += [failure.traceback for failure in overruled.failures]
    elif blame.is_forger:
        kind, message = "ForgedEvent", blame.why
    elif blame.outcome is Outcome.ERRORED:
        kind, message = "ServerLost", f"waited for an answer when the run was ended: {blame.why}"
        evidence += map(_told, waiting)
    else:
        how = f"died with {signal_name(-status)}" if status < 0 else f"exited with status {status}"
        kind, message = "WorkerCrash", f"worker {blame.slot} (pid {pid}) {how} while running this test"
    extra = None
    if blame.is_fixture:
        owner, _, name = blame.test.rpartition(".")
        extra = PlannedTest(blame.test, owner, name)
    return AttemptFinished(
        blame.test,
        blame.n,
        blame.outcome,
        round(blame.elapsed, 6),
        (Failure("error", kind, message, "\n".join([message, *filter(None, evidence)])),),
        stdout=stdout,
        stderr=stderr,
        sql=sql[:STATEMENTS] + sql[STATEMENTS:][-STATEMENTS:],
        extra=extra,
        final=blame.is_final,
    )


def of_worker(process: Child, status: int, blamed: str | None, capture: Capture) -> WorkerLost:
    """The end of a worker that nobody asked for; *blamed* is the test that is told to have run then. *status* as above."""
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


def _told(waiting: Statement) -> str:
    text = f"waiting for {waiting.alias} ({waiting.role}) since {waiting.at:.3f} s: {waiting.sql}"
    return f"{text}\n  parameters: {waiting.parameters}" if waiting.parameters else text
