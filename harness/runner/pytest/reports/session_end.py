"""A session that a plugin of pytest has made red at its end, though each test has its outcome: too little coverage. Pure."""

from __future__ import annotations

from ....protocol.results import BriefLine, Failure, PlannedTest
from ...text import cut

TEST = PlannedTest("session::exit", "session", "exit")
"""Stands for the end of the session."""
_OK = frozenset({0, 1, 5})
_MARKS = ("FAIL ", "ERROR: ", "ERROR ")
_CHARACTERS = 20_000


def failure_of(status: int, failed: int, red: int, summary: str) -> Failure | None:
    """The failure of a session that ended with the exit *status*, and in which pytest has counted *failed* tests, not *red*.

    *summary* is what plugins have written at the end, which says why. ``None`` if no plugin has made the session red.
    """
    if failed <= red and (status == 0 or (status in _OK and (red or status == 5))):
        return None
    marked = [line.removeprefix(mark) for line in summary.splitlines() for mark in _MARKS if line.startswith(mark)]
    message = marked[0].strip() if marked else f"a plugin of pytest has made the session end with exit status {status}"
    text = cut(summary.strip(), _CHARACTERS) + "\n" if summary.strip() else ""
    return Failure("failure", "SessionFailed", message, text, brief=(BriefLine(message, "error"),))
