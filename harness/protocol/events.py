"""The events of a run, as frozen data. The journal holds them, one JSON line each; every report is a fold of them.

Owns the vocabulary of outcomes and events; the coordinator alone stamps ``seq`` and decides ``final``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from ..errors import ExitCode
from .topology import Topology

Role = Literal["primary", "replica"]
"""The role of a server."""
AliasMode = Literal["primary", "shared", "mirror"]
"""How an alias has its test database: it makes it, another alias makes it, or it reads that of the alias that it mirrors."""


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
    relative to the folder of the tests' files, where the exception or its cause did not find a file.
    """

    kind: Literal["failure", "error"]
    type: str
    message: str
    traceback: str
    frames: tuple[Frame, ...] = ()
    subtest: str = ""
    brief: tuple[BriefLine, ...] = ()
    missing_files: tuple[str, ...] = ()


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


class Event:
    """The base of all events below: one class for each ``type`` of a line in the journal."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """The host's request: the first event of a journal, by which runs are distinguished when they are merged.

    ``backend`` is its name, as of a folder (``postgres-17``); ``project`` the folder below its repository's root, with a slash
    at its end unless it is empty; ``python`` the version that was asked for, ``django`` too, empty for the project's own.
    """

    backend: str
    project: str = ""
    settings: str = ""
    python: str = ""
    fail_on_flaky: bool = False
    django: str = ""


@dataclass(frozen=True, slots=True)
class TopologyFound(Event):
    """The settings were read: their topology and their module, with the versions of Python and Django."""

    topology: Topology
    settings: str
    python: str
    django: str


@dataclass(frozen=True, slots=True)
class PhaseStarted(Event):
    """A part of the run began: ``images servers setup template clones tests reports``."""

    phase: str


@dataclass(frozen=True, slots=True)
class PhaseFinished(Event):
    """A part of the run ended after ``duration`` seconds."""

    phase: str
    duration: float


@dataclass(frozen=True, slots=True)
class PhaseProgressed(Event):
    """A long part of the run is at step ``n`` of ``total``, called ``step``: ``default: migration shop.0003_x``."""

    phase: str
    step: str
    n: int
    total: int


@dataclass(frozen=True, slots=True)
class RunPlanned(Event):
    """Discovery ended: every test, in order; each gets one final outcome. ``seed`` is that of ``--shuffle``."""

    tests: tuple[PlannedTest, ...]
    workers: int
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class DatabasesReady(Event):
    """The templates are made, and are on every replica; the clones have their names, and workers make them."""

    databases: tuple[DatabaseMade, ...]


@dataclass(frozen=True, slots=True)
class WorkerStarted(Event):
    """A worker started in the envelope's slot."""

    pid: int


@dataclass(frozen=True, slots=True)
class UnitStarted(Event):
    """The slot's worker began a unit: the dotted class, and those of its tests that will run, in their order."""

    unit: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FixtureStarted(Event):
    """``setUpClass``, ``tearDownClass``, ``setUpModule`` or ``tearDownModule`` begins, to be blamed as ``test``."""

    test: str


@dataclass(frozen=True, slots=True)
class UnitFinished(Event):
    """The slot's worker finished the unit."""

    unit: str


@dataclass(frozen=True, slots=True)
class AttemptStarted(Event):
    """The test begins its ``n``-th attempt (1 first). Flushed before the test runs."""

    test: str
    n: int = 1


@dataclass(frozen=True, slots=True)
class AttemptSlow(Event):
    """The test has been running for ``elapsed`` seconds."""

    test: str
    n: int
    elapsed: float


@dataclass(frozen=True, slots=True)
class AttemptFinished(Event):
    """An attempt ended. ``reason`` is why it was skipped, expected to fail, or not run. ``subtests`` counts those that ran.

    ``extra`` describes a test that is in no plan (``setUpClass`` of a class).
    """

    test: str
    n: int
    outcome: Outcome
    duration: float
    failures: tuple[Failure, ...] = ()
    reason: str = ""
    subtests: int = 0
    stdout: str = ""
    stderr: str = ""
    sql: tuple[Statement, ...] = ()
    extra: PlannedTest | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class RetryCalledOff(Event):
    """The test was to have another attempt and gets none: the ``outcome`` of its last attempt is final."""

    test: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class QueriesCounted(Event):
    """The sums of a worker's statements, sent before it ends."""

    queries: tuple[QueryCount, ...]


@dataclass(frozen=True, slots=True)
class WarningCount:
    """The warnings of a category, by its dotted name without ``builtins``, that one process showed."""

    category: str
    count: int


@dataclass(frozen=True, slots=True)
class WarningsCounted(Event):
    """The warnings that a worker showed in a unit, or the runner while it loaded the project and made the databases."""

    warnings: tuple[WarningCount, ...]


@dataclass(frozen=True, slots=True)
class WorkerFailed(Event):
    """A worker's report of the exception that ends it: whose ``fault`` that is, its message, its traceback.

    ``fault`` is empty where the outcome of a test reports it. The coordinator puts this into the worker's ``WorkerLost``.
    """

    fault: Literal["", "project", "harness"]
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class WorkerLost(Event):
    """A worker died unexpectedly. ``test`` is the one that ran then, if any.

    Where no test's outcome reports the death, ``fault`` says whose it is, ``message`` what is known of it, and ``evidence``
    holds the worker's last output: a traceback, stacks, its error stream.
    """

    pid: int
    exit: int | None
    signal: str | None
    test: str | None
    fault: Literal["", "project", "harness"] = ""
    message: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class WorkerStopped(Event):
    """A worker ended as it was asked to."""

    pid: int


@dataclass(frozen=True, slots=True)
class SlotRecycled(Event):
    """The slot's clones were made anew, which took ``duration`` seconds."""

    duration: float


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """Information that is not a failure. ``code`` is a stable word, by which programs recognise it."""

    code: str
    text: str


LEFT_BEHIND = "left-behind"
"""The code of a notice on a file that the run lacked and that is on the host's machine, with the key that brings it."""


@dataclass(frozen=True, slots=True)
class ServerReady(Event):
    """The host saw a server answer (and, as a replica, stream), ``ready_s`` seconds after its start began."""

    server: str
    engine: str
    version: str
    role: Role
    primary: str | None
    image: str
    ready_s: float


@dataclass(frozen=True, slots=True)
class AliasRouted(Event):
    """The host chose a route for an alias; the fields are those of ``messages.Route``."""

    alias: str
    server: str | None
    database: str
    mirror_of: str | None
    dependencies: tuple[str, ...]
    mode: AliasMode


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """The suite ran to its end, and the runner exits with status 0. The host computes the run's exit code from the outcomes.

    ``failures`` is the number of red tests, or that of the project's own runner where it counted more.
    """

    failures: int


@dataclass(frozen=True, slots=True)
class RunAborted(Event):
    """The run ended early: ``exit_code`` and the three parts of a ``HarnessError``.

    ``is_echo``: the runner repeats the reason of the host's ``Stop``, which the host has recorded itself. ``missing_files``
    are as those of a ``Failure``.
    """

    exit_code: ExitCode
    message: str
    hint: str = ""
    evidence: str = ""
    is_echo: bool = False
    missing_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event with its place: protocol version, number in the journal, seconds since the epoch, slot (0 for none)."""

    v: int
    seq: int
    at: float
    slot: int
    event: Event
