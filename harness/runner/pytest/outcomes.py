"""Folds pytest's reports of one call of an item into one outcome. Pure: no pytest, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...protocol.results import Failure, Outcome
from ..workers.attempts import Result

XPASS = "[XPASS(strict)] "
"""The beginning of the text with which pytest fails a test that was expected to fail, and has passed."""
UNEXPECTED_SUCCESS = "Unexpected success"
"""The whole text with which pytest fails a test of unittest that was expected to fail, and has passed."""
_SKIPPED = "Skipped: "
_SILENT = "NoOutcome"
_LOG = "Captured log"
_OUTPUT = ("Captured stdout", "Captured stderr")
"""The beginnings of the titles of output that pytest has captured, which the worker captures as well."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One report: of the set-up, the call, the tear-down, or a subtest of the call.

    ``outcome`` is pytest's word. ``reason`` is that of a skip, ``xfail`` that of an expected failure (``None`` without the mark).
    ``failure`` is set if it has failed, or failed as expected. ``sections`` are captured texts, each with its title. ``subtest``
    describes the subtest, ``None`` for the test itself.
    """

    when: Literal["setup", "call", "teardown"]
    outcome: str
    reason: str = ""
    xfail: str | None = None
    failure: Failure | None = None
    sections: Sequence[tuple[str, str]] = ()
    subtest: str | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """The result of a call of an item. ``teardown`` has the failures of the tear-down, which are an item of their own."""

    result: Result
    teardown: tuple[Failure, ...] = ()


def fold(phases: Sequence[Phase], *, is_captured: bool = True) -> Folded:
    """The result of the reports *phases* in their order. If the item has run more than once, the last call counts.

    As in pytest's own report, captured text is shown for failures alone. *is_captured*: the output is.
    """
    starts = [number for number, phase in enumerate(phases) if phase.when == "setup" and phase.subtest is None]
    phases = phases[starts[-1] :] if starts else phases
    teardown = tuple(_failure(phase) for phase in phases if phase.when == "teardown" and phase.outcome == "failed")
    outcome, failures, reason = _verdict([phase for phase in phases if phase.when != "teardown"])
    is_quiet = not (outcome.is_red or teardown)
    stderr, log = ("", "") if is_quiet else _shown(phases)
    subtests = sum(phase.subtest is not None for phase in phases)
    result = Result(outcome, failures, reason, subtests, stderr, log, is_output_hidden=is_quiet and is_captured)
    return Folded(result, teardown)


def is_silent(folded: Folded) -> bool:
    """Whether pytest has not reported the end of the test: something has taken its protocol away."""
    return any(failure.type == _SILENT for failure in folded.result.failures)


def _verdict(phases: Sequence[Phase]) -> tuple[Outcome, tuple[Failure, ...], str]:
    failed = [phase for phase in phases if phase.outcome == "failed"]
    if failed:
        # the test's own report repeats that its subtests have failed
        own = [phase for phase in failed if phase.subtest is not None] or failed
        if len(own) < len(failed):
            own += [phase for phase in failed if phase.subtest is None and not _only_counts_subtests(phase)]
        failures = tuple(map(_failure, own))
        if any(phase.when == "setup" for phase in failed):
            return Outcome.ERRORED, failures, ""
        if any(map(_is_xpass, failed)):
            return Outcome.XPASSED, (), failures[0].message
        return Outcome.FAILED, failures, ""
    own = [phase for phase in phases if phase.subtest is None]
    for phase in own:
        if phase.outcome == "skipped":
            if phase.xfail is None:
                return Outcome.SKIPPED, (), phase.reason.removeprefix(_SKIPPED)
            return Outcome.XFAILED, (phase.failure,) if phase.failure else (), phase.xfail
    if not own or own[-1].when != "call":
        silent = Failure("error", _SILENT, "the test ended without an outcome", "pytest reported nothing.\n")
        return Outcome.ERRORED, (silent,), ""
    return Outcome.PASSED, (), "" if own[-1].xfail is None else f"xpass: {own[-1].xfail}"


def _is_xpass(phase: Phase) -> bool:
    failure = phase.failure
    return failure is not None and (
        failure.message.startswith(XPASS.rstrip()) or failure.traceback.strip() == UNEXPECTED_SUCCESS
    )


def _only_counts_subtests(phase: Phase) -> bool:
    return phase.failure is not None and phase.failure.message.startswith("contains ")


def _failure(phase: Phase) -> Failure:
    """The failure of a failed phase: an error, unless the test itself has failed."""
    failure = phase.failure or Failure("failure", "Failed", "failed without an exception", "")
    kind: Literal["failure", "error"] = "failure" if phase.when == "call" else "error"
    return replace(failure, kind=kind, subtest=phase.subtest or "")


def _shown(phases: Sequence[Phase]) -> tuple[str, str]:
    """The sections of plugins, each under its title, and the log records; the output itself is the worker's.

    Reports of later phases repeat the sections of earlier ones.
    """
    found: dict[tuple[str, str], None] = {}
    for phase in phases:
        found.update(((title, text), None) for title, text in phase.sections if not title.startswith(_OUTPUT))
    shown: list[str] = []
    log: list[str] = []
    for title, text in found:
        ended = text if text.endswith("\n") else f"{text}\n"
        if title.startswith(_LOG):
            log.append(ended)
        else:
            shown.append(f"--- {title} ---\n{ended}")
    return "".join(shown), "".join(log)
