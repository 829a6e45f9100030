"""The result of a run as data: ``ledger`` makes it, every report is made from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from harness.errors import ExitCode, worst
from harness.protocol import events, seed_events
from harness.protocol.replica_events import LAG_CHECK
from harness.protocol.results import Failure, Outcome, PlannedTest, Property, QueryCount, ShownWarning, Statement
from harness.report.model.replicas.lag_check import FoundBug, LagCheck
from harness.report.model.replicas.routing import Routing
from harness.report.model.times import Times

PHASES = (
    *("start", "images", "runner", "servers", "setup", "template", "clones", "tests"),
    *(LAG_CHECK, "reports", "removal"),
)
"""The phases in their usual order: ``start`` is that of the command until its first event, ``runner`` that of the
runner's process or container, ``removal`` that of containers and network.
"""
INTERRUPTS = (ExitCode.SIGINT, ExitCode.SIGTERM)


@dataclass(slots=True)  # not frozen: with so many fields, that takes nine times as long, and there is one for each test
class Attempt:
    """One execution of one test, never changed. Only red attempts keep output, log and SQL, which may be cut.

    ``duration`` is in seconds, ``started_at`` in seconds since the epoch, ``None`` if the journal does not say.
    """

    n: int
    outcome: Outcome
    duration: float
    slot: int = 0
    started_at: float | None = None
    failures: tuple[Failure, ...] = ()
    reason: str = ""
    subtests: int = 0
    stdout: str = ""
    stderr: str = ""
    sql: tuple[Statement, ...] = ()
    log: str = ""
    properties: tuple[Property, ...] = ()
    attributes: tuple[Property, ...] = ()
    shared_s: float = 0.0


@dataclass(slots=True)  # not frozen, as Attempt
class Case:
    """A test and its one final outcome, never changed. A red one that ran has a red attempt.

    ``reason`` says why it was skipped or not run.
    ``is_planned`` is false for a fixture of a class or module that was skipped or went wrong: discovery does not know it.
    """

    test: PlannedTest
    outcome: Outcome
    attempts: tuple[Attempt, ...] = ()
    reason: str = ""
    is_planned: bool = True

    @property
    def is_red(self) -> bool:
        return self.outcome.is_red

    @property
    def is_flaky(self) -> bool:
        """Whether it ended well after a red attempt."""
        return len(self.attempts) > 1 and not self.outcome.is_red and any(a.outcome.is_red for a in self.attempts)

    @property
    def red_attempts(self) -> tuple[Attempt, ...]:
        if len(self.attempts) == 1:
            return self.attempts if self.attempts[0].outcome.is_red else ()
        return tuple([attempt for attempt in self.attempts if attempt.outcome.is_red])

    @property
    def properties(self) -> tuple[Property, ...]:
        """The properties that its last attempt has recorded."""
        return self.attempts[-1].properties if self.attempts else ()

    @property
    def attributes(self) -> tuple[Property, ...]:
        """The attributes that its last attempt has recorded for its element in JUnit."""
        return self.attempts[-1].attributes if self.attempts else ()

    @property
    def duration(self) -> float:
        """Seconds that all its attempts took."""
        if len(self.attempts) == 1:
            return self.attempts[0].duration
        return sum(attempt.duration for attempt in self.attempts)

    @property
    def started_at(self) -> float | None:
        """The start of its first attempt, in seconds since the epoch; ``None`` if that is not known."""
        return self.attempts[0].started_at if self.attempts else None


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the run and its seconds: the sum if it came more than once; up to the journal's end if unfinished."""

    name: str
    seconds: float
    is_finished: bool = True


@dataclass(frozen=True, slots=True)
class LostWorker:
    """A worker that died, and its slot."""

    slot: int
    event: events.WorkerLost

    @property
    def message(self) -> str:
        """The worker's end, as a clause: ``worker 2 (pid 812) died with SIGSEGV``."""
        end = "was lost"
        if self.event.signal is not None:
            end = f"died with {self.event.signal}"
        elif self.event.exit is not None:
            end = f"exited with status {self.event.exit}"
        return f"worker {self.slot} (pid {self.event.pid}) {end}"


@dataclass(frozen=True, slots=True)
class Counts:
    """The cases by outcome. ``flaky`` ones are counted under their outcome too; the rest but ``planned`` add up."""

    planned: int
    passed: int
    failed: int
    errors: int
    skipped: int
    expected_failures: int
    unexpected_successes: int
    flaky: int
    timed_out: int
    crashed: int
    not_run: int


@dataclass(slots=True)
class RunReport:
    """A whole run, or the known part of it. ``ledger`` fills it in; all others only read it.

    ``cases`` are the planned tests in the order of the plan, then the fixtures that were skipped or went wrong.
    ``is_finished``: the suite ran to its end; ``tally`` is the failures that the project's own runner counted.
    ``last_events``: the newest events of the journal, one a line. ``started_at`` is in seconds since the epoch. ``asked`` is
    the request of the host. ``orders``: for each of the first failures that came after other tests of the same worker, the
    ids of the tests that the worker had run, the failed one last. ``warnings``: the number of each category that was shown.
    ``properties`` are those that tests have recorded of the whole suite. ``plugins`` is the text of pytest's plugins at its end.
    ``routing`` is ``None`` without mirrors, ``lag_check`` without ``--lag-check``. ``shown_warnings`` are the first warnings by
    their place. ``parts`` names, for each test of a class that ran in parts, that class.
    """

    cases: tuple[Case, ...] = ()
    is_planned: bool = False
    is_finished: bool = False
    tally: int = 0
    aborts: tuple[events.RunAborted, ...] = ()
    started_at: float = 0.0
    total_s: float = 0.0
    phases: tuple[Phase, ...] = ()
    servers: tuple[events.ServerReady, ...] = ()
    aliases: tuple[events.AliasRouted, ...] = ()
    notices: tuple[events.Notice, ...] = ()
    advice: tuple[events.Advice, ...] = ()
    lost: tuple[LostWorker, ...] = ()
    recycles: int = 0
    recycle_s: float = 0.0
    queries: tuple[QueryCount, ...] = ()
    routing: Routing | None = None
    lag_check: LagCheck | None = None
    warnings: dict[str, int] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    plugins: str = ""
    shown_warnings: tuple[ShownWarning, ...] = ()
    workers: int = 0
    seed: int | None = None
    settings: str = ""
    python: str = ""
    django: str = ""
    framework: events.FrameworkChosen | None = None
    cache: seed_events.SeedUsed | None = None
    last_events: str = ""
    asked: events.RunStarted | None = None
    orders: tuple[tuple[str, ...], ...] = ()
    is_longest_first: bool = False
    parts: dict[str, str] = field(default_factory=dict)
    times: Times = field(default_factory=Times)

    @property
    def abort(self) -> events.RunAborted | None:
        """The abort whose exit code weighs most, the first of equals."""
        if not self.aborts:
            return None
        code = worst(*(abort.exit_code for abort in self.aborts))
        return next(abort for abort in self.aborts if abort.exit_code == code)

    @property
    def left_behind(self) -> tuple[str, ...]:
        """The notices on files that the run lacked and that are on the host's machine."""
        return tuple(notice.text for notice in self.notices if notice.code == events.LEFT_BEHIND)

    @property
    def red(self) -> tuple[Case, ...]:
        return tuple([case for case in self.cases if case.outcome.is_red])

    @property
    def failures(self) -> tuple[Case, ...]:
        """The red cases that ran."""
        return tuple(case for case in self.red if case.outcome is not Outcome.NOT_RUN)

    @property
    def not_run(self) -> dict[str, list[Case]]:
        """The tests that did not run, by reason."""
        found: dict[str, list[Case]] = {}
        for case in self.red:
            if case.outcome is Outcome.NOT_RUN:
                found.setdefault(case.reason, []).append(case)
        return found

    @property
    def flaky(self) -> tuple[Case, ...]:
        return tuple([case for case in self.cases if len(case.attempts) > 1 and case.is_flaky])

    @property
    def late_reads(self) -> tuple[FoundBug, ...]:
        """The reads that missed a write of the check of late reads."""
        return self.lag_check.bugs if self.lag_check else ()

    @property
    def fails_on_lag(self) -> bool:
        """Whether one of them makes the run red."""
        return self.lag_check is not None and bool(self.lag_check.failing)

    def phase_seconds(self, name: str) -> float:
        """The seconds of the phase *name*; 0.0 if it never came."""
        return next((phase.seconds for phase in self.phases if phase.name == name), 0.0)

    def counts(self) -> Counts:
        outcomes = Counter([case.outcome for case in self.cases])
        return Counts(
            planned=sum([case.is_planned for case in self.cases]),
            passed=outcomes[Outcome.PASSED],
            failed=outcomes[Outcome.FAILED],
            errors=outcomes[Outcome.ERRORED],
            skipped=outcomes[Outcome.SKIPPED],
            expected_failures=outcomes[Outcome.XFAILED],
            unexpected_successes=outcomes[Outcome.XPASSED],
            flaky=len(self.flaky),
            timed_out=outcomes[Outcome.TIMED_OUT],
            crashed=outcomes[Outcome.CRASHED],
            not_run=outcomes[Outcome.NOT_RUN],
        )
