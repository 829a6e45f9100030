"""The events of a run, as frozen data. The journal holds them, one JSON line each; every report is a fold of them.

The coordinator alone stamps ``seq`` and decides ``final``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import ExitCode
from .messages import Framework
from .results import (
    DatabaseMade,
    Failure,
    Outcome,
    PlannedTest,
    Property,
    QueryCount,
    ShownWarning,
    Statement,
    TimedStep,
    WarningCount,
)
from .topology import AliasMode, Role, Topology


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
    fail_on_lag: bool = False


@dataclass(frozen=True, slots=True)
class TopologyFound(Event):
    """The settings were read: their topology and their module, with the versions of Python and Django."""

    topology: Topology
    settings: str
    python: str
    django: str


@dataclass(frozen=True, slots=True)
class FrameworkChosen(Event):
    """The framework that runs the tests was chosen, for ``reason``: ``pytest.ini, and pytest 8.4.2 is installed``.

    ``version`` has the packages that matter, ``pytest 8.4.2, pytest-django 4.11.1``; empty for Django.
    """

    framework: Framework
    reason: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class PhaseStarted(Event):
    """A part of the run began; ``report.model.run_report.PHASES`` has their names."""

    phase: str


@dataclass(frozen=True, slots=True)
class PhaseFinished(Event):
    """A part of the run ended after ``duration`` seconds. The command's start has this event alone."""

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
class TemplateTimed(Event):
    """The steps by which templates were made, in the order of their ends: each database, and each migration in it."""

    steps: tuple[TimedStep, ...]


@dataclass(frozen=True, slots=True)
class RunPlanned(Event):
    """Discovery ended: every test, in order; each gets one final outcome. ``seed`` is that of ``--shuffle``.

    ``is_longest_first``: the units run in the order of their times in earlier runs.
    """

    tests: tuple[PlannedTest, ...]
    workers: int
    seed: int | None = None
    is_longest_first: bool = False


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
    """The slot's worker began a unit: the dotted class, and those of its tests that will run, in their order.

    ``is_part``: the class is split, and other units have its other tests.
    """

    unit: str
    tests: tuple[str, ...]
    is_part: bool = False


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
    """The test begins its ``n``-th attempt (1 first). Its worker has sent this before the test runs."""

    test: str
    n: int = 1


@dataclass(frozen=True, slots=True)
class AttemptPhase(Event):
    """The running test's call, or its tear-down, began, for a limit of the call alone. It stays out of the journal."""

    test: str
    is_call: bool = False


@dataclass(frozen=True, slots=True)
class AttemptSlow(Event):
    """The test has been running for ``elapsed`` seconds."""

    test: str
    n: int
    elapsed: float


@dataclass(frozen=True, slots=True)
class AttemptFinished(Event):
    """An attempt ended. ``reason`` is why it was skipped, expected to fail, or not run. ``subtests`` counts those that ran.

    ``log`` has the log records that pytest has captured. ``properties`` and ``attributes`` are what the test has recorded for its
    element in JUnit. ``extra`` describes a test that is in no plan (``setUpClass`` of a class).
    Without ``may_retry``, a mark of the test's rules out another attempt after this failure. ``shared_s`` is the part of
    ``duration``, in seconds, in which fixtures of several tests were set up. ``at_once``: the attempt began and ended between two
    looks of the coordinator, which has left its ``AttemptStarted`` out.
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
    may_retry: bool = True
    final: bool = False
    log: str = ""
    properties: tuple[Property, ...] = ()
    attributes: tuple[Property, ...] = ()
    shared_s: float = 0.0
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class AttemptsPassed(Event):
    """The ``n``-th attempts of several tests passed, one after the other, with nothing else to report: one event for quick tests.

    ``durations`` has the seconds of each. Only the first can have an ``AttemptStarted``: the others began and ended between two
    looks of the coordinator.
    """

    tests: tuple[str, ...]
    durations: tuple[float, ...]
    n: int = 1
    final: bool = False

    def attempts(self) -> list[AttemptFinished]:
        """The same as an event for each test."""
        pairs = zip(self.tests, self.durations, strict=False)
        return [AttemptFinished(test, self.n, Outcome.PASSED, duration, final=self.final) for test, duration in pairs]


@dataclass(frozen=True, slots=True)
class SuitePropertyRecorded(Event):
    """A test has recorded a property of the whole suite, as by pytest's ``record_testsuite_property``. The last value counts."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class PluginsSummarised(Event):
    """Plugins of pytest have written ``text`` at the end of its report: coverage, snapshots."""

    text: str


@dataclass(frozen=True, slots=True)
class FilesWritten(Event):
    """Plugins of pytest have written files or folders for their users: paths from the folder of all files, or absolute."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportsMade(Event):
    """The reports that pytest has made of an attempt of ``test``, as JSON: for pytest's plugins in the coordinator alone.

    No journal has this event.
    """

    test: str
    n: int
    reports: str


@dataclass(frozen=True, slots=True)
class PluginDataSent(Event):
    """Data of pytest's plugins at a worker's end, as JSON: ``workeroutput`` in the words of pytest-xdist. As ``ReportsMade``."""

    output: str


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
class WarningsCounted(Event):
    """The warnings that a worker showed in a unit, or the runner while it loaded the project and made the databases.

    ``places`` has the first ones by their place.
    """

    warnings: tuple[WarningCount, ...]
    places: tuple[ShownWarning, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Advice(Event):
    """Advice to the project, shown once at the end of a run. ``write`` is the line to write; ``code`` as in ``Notice``.

    With an ``alias``, it holds only if no test has written to that.
    """

    code: str
    text: str
    write: str
    alias: str = ""


LEFT_BEHIND = "left-behind"
"""The code of a notice on a file that the run lacked and that is on the host's machine, with the key that brings it."""


NO_FRAMEWORK = "framework"
"""The code of a notice on packages that the project's own framework lacks where the tests run."""


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
class ServerActionWanted(Event):
    """A worker asks the host to carry out *action* on *server*, an id of the plan; ``messages.ServerActionDone`` answers.

    ``request`` is unique in the run. ``value`` is the argument of an action that has one.
    """

    request: str
    action: str
    server: str
    value: str = ""


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
