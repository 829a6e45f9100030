"""Compares the end of the runner's process with the last event of its journal. Pure."""

from __future__ import annotations

import signal

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host.launch.conversation import Ended
from harness.protocol.events import RunAborted, RunFinished

OUT_OF_MEMORY = "Processes of the runner's container were killed because its memory was used up; --parallel takes less."


def end_error(end: RunFinished | RunAborted | None, ended: Ended, stderr: str) -> HarnessError | None:
    """The error for a runner that *ended* without an *end* in its journal, or with another status than *end* asks for.

    *stderr* is the end of the runner's standard error. The exit code of the run comes from the outcomes in the journal
    (``report.model.verdict``): after ``RunFinished``, the runner's status is 0.
    """
    if end is not None:
        expected = end.exit_code if isinstance(end, RunAborted) else ExitCode.GREEN
        if ended.code == expected:
            return None
        return HarnessError(
            f"The runner reported {type(end).__name__} and then ended with status {ended.code}.", evidence=stderr
        )
    if ended.oom_killed:
        return ServerError(
            "The runner's container ran out of memory.",
            hint="--parallel with fewer workers takes less; so does an engine that has more.",
            evidence=stderr,
        )
    if ended.code < 0:
        return ServerError(
            f"The runner was ended by {signal.Signals(-ended.code).name} before it reported the end of the run.",
            hint="Another process did that, or the machine ran out of memory; run it again.",
            evidence=stderr,
        )
    hint = "The end of its error stream is part of this message; " if stderr else ""
    return HarnessError(
        f"The runner ended with status {ended.code} before it reported the end of the run.",
        hint=f"{hint}journal.ndjson has its last events.",
        evidence=stderr,
    )
