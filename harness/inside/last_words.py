"""What is told of a test whose worker died or was killed: how, with its stacks, its output, its SQL and the servers' view."""

from __future__ import annotations

from ..contract.events import AttemptFinished, Failure, Outcome, PlannedTest, Statement
from .commands import Blame
from .output import Capture
from .processes import signal_name

STATEMENTS = 1000
"""How many of a dead worker's statements are told, of the first and of the last."""


def of(blame: Blame, pid: int, status: int, capture: Capture) -> AttemptFinished:
    """The end of the attempt that *blame* is about. *status* is that of the worker, negative for a signal."""
    sql, waiting = capture.trail.statements()
    evidence = [capture.stacks.taken()]
    if blame.outcome is Outcome.TIMED_OUT:
        kind, message = "TestTimeout", blame.why
        evidence += [*map(_told, waiting), capture.sessions.everything()]
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
        stdout=capture.stdout.taken(),
        stderr=capture.stderr.taken(),
        sql=sql[:STATEMENTS] + sql[STATEMENTS:][-STATEMENTS:],
        extra=extra,
        final=blame.is_final,
    )


def _told(waiting: Statement) -> str:
    text = f"waiting for {waiting.alias} ({waiting.role}) since {waiting.at:.3f} s: {waiting.sql}"
    return f"{text}\n  parameters: {waiting.parameters}" if waiting.parameters else text
