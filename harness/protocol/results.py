"""The results that events carry: outcomes of tests, failures, statements, counts. Frozen data."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


class Outcome(enum.Enum):
    """The outcome of a test. Each planned test has exactly one; flaky is not one of them but follows from the attempts."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    ERRORED = "ERRORED"
    SKIPPED = "SKIPPED"
    XFAILED = "XFAILED"
    XPASSED = "XPASSED"
    TIMED_OUT = "TIMED_OUT"
    CRASHED = "CRASHED"
    NOT_RUN = "NOT_RUN"

    def __init__(self, word: str) -> None:
        # read many times for every test: set once, and members are hashed by identity
        self.is_red = word not in ("PASSED", "SKIPPED", "XFAILED")

    __hash__ = object.__hash__


_ASSERTIONS = frozenset({"AssertionError", "Failed", "_pytest.outcomes.Failed"})


def may_be_hit(outcome: Outcome, types: Iterable[str]) -> bool:
    """Whether the loss of a server may be why a test ended so. *types* are those of its exceptions.

    pytest calls each exception of a test's call a failure.
    """
    return outcome is Outcome.ERRORED or (outcome is Outcome.FAILED and not _ASSERTIONS.issuperset(types))


@dataclass(frozen=True, slots=True)
class PlannedTest:
    """A test that discovery found. ``file`` is relative to the project's root, ``line`` that of its definition.

    ``classname`` is the dotted class, ``name`` the method; ``id`` is unique in the run.
    """

    id: str
    classname: str
    name: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a traceback, outermost first in a tuple of them. ``file`` as in ``PlannedTest`` where it can be."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class BriefLine:
    """A line of a shortened traceback: a ``frame`` of the project's, ``folded`` frames, or the text of the ``error``."""

    text: str
    kind: Literal["frame", "folded", "error"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that went wrong in an attempt; ``kind`` distinguishes failures from errors as unittest does.

    ``type`` is the exception's dotted class, ``message`` its text, ``traceback`` the formatted whole, chained causes too.
    ``subtest`` holds the parameters of the subTest that raised, as unittest prints them. ``brief`` is the traceback with the
    project's frames in a line each and all others folded; empty if it was not made. ``missing_files`` are the places,
    relative to the folder of the tests' files, where the exception or its cause did not find a file. ``blamed`` is the line of
    the project to look at, where it is known to be another than the test's own.
    """

    kind: Literal["failure", "error"]
    type: str
    message: str
    traceback: str
    frames: tuple[Frame, ...] = ()
    subtest: str = ""
    brief: tuple[BriefLine, ...] = ()
    missing_files: tuple[str, ...] = ()
    blamed: Frame | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """A name and a value that a test has recorded about itself."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that a test sent. ``sql`` has its parameters rendered; ``at`` and ``duration`` are in seconds, ``at`` from
    the start of the attempt. ``role`` is that of the server that ran it. ``error`` is the exception's text.

    ``parameters`` has them as Python prints them if they could not be rendered: ``sql`` then has its placeholders.
    ``is_partial``: ``sql`` was too long, and its middle is left out.
    """

    at: float
    alias: str
    role: str
    sql: str
    duration: float
    error: str = ""
    is_partial: bool = False
    parameters: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether ``sql`` is the statement that the server ran."""
        return not self.is_partial and not self.parameters


@dataclass(frozen=True, slots=True)
class QueryCount:
    """All executions of one fingerprint by one worker: seconds of all and of the slowest, and some of the tests that ran it."""

    fingerprint: str
    alias: str
    count: int
    total: float
    slowest: float
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatabaseMade:
    """A test database of an alias: its template's name and those of the clones by slot (1 first; empty without clones)."""

    alias: str
    template: str
    clones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimedStep:
    """A step of the templates: its name, its start in seconds since the epoch, and its duration in seconds."""

    name: str
    at: float
    duration: float


@dataclass(frozen=True, slots=True)
class WarningCount:
    """The warnings of a category, by its dotted name without ``builtins``, that one process showed."""

    category: str
    count: int


@dataclass(frozen=True, slots=True)
class ShownWarning:
    """A warning by its place, and how often it was shown there. ``file`` as in ``PlannedTest`` where it can be."""

    category: str
    message: str
    file: str
    line: int
    count: int
