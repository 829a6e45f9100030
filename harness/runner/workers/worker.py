"""A worker: a fork of the coordinator that sits in a slot, runs units on the slot's clones, and reports events.

Owns the state of the process from its fork to its end: its group, its signals, its streams. It receives assignments and sends
events over one socket, a JSON line each. It ends by ``os._exit``, so that none of the coordinator's exit handlers runs twice.
"""

from __future__ import annotations

import contextlib
import random
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, NoReturn, Protocol

from django.db import Error

from ... import testing
from ...errors import ExitCode, HarnessError, ServerError
from ...protocol import codec
from ...protocol.events import (
    AttemptFinished,
    Event,
    Notice,
    QueriesCounted,
    RunAborted,
    ServerActionWanted,
    SlotRecycled,
    UnitFinished,
    WorkerFailed,
)
from ...protocol.messages import SYNC, Lag, MirrorMode, ServerActionDone
from ...protocol.replica_events import ReplicaRead
from ...protocol.results import Outcome
from ...protocol.topology import Role
from .. import private_apis, unpatched
from ..databases import clones, flush, spawned
from ..databases.mysql_schema import Schema
from ..descriptors import duplicate_high
from ..failures import MESSAGE_CHARACTERS, FailureDescriber, format_error, message_of, type_name
from ..host_channel import INTERRUPTS
from ..processes import prctl, warning_counts
from ..processes.children import StopFlag
from ..replication import mirrors
from ..replication.lag import ReplicaLag
from ..schedule.commands import GO_ON, Assignment
from ..schedule.slots import NO_RETRIES, Retries
from ..schedule.units import Plan
from ..servers.failover import Failover
from ..sql.routing import models_by_table
from ..sql.statement_log import StatementLog
from ..text import cut
from . import isolation, short_lines
from .attempts import Attempts
from .output_capture import Capture

QUERIES_AN_EVENT = 500
_CHUNK = 1 << 16


class UnitRunner(Protocol):
    """Runs the units of a worker by the framework of the tests."""

    def run(self, assignment: Assignment) -> None:
        """Run the tests of *assignment*, each with one outcome, until ``Worker.is_stopped``. Raises ``CutOff``."""

    def between_tests(self) -> AbstractContextManager[None]:
        """The context in which the harness uses the connections of the tests."""

    def end(self) -> None:
        """End fixtures of more than one unit: no other follows."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Data that every worker of a run inherits from the coordinator by its fork.

    ``replica_servers`` are the ids of the replicas by mirror alias, ``in_memory`` the aliases whose server has its databases in
    memory; ``init_worker`` is the project's own hook, if it has one.
    ``make_unit_runner`` is for the tests' framework.
    ``is_failfast``: a worker ends after the last attempt of a red test. ``retries`` has the number of attempts after the first.
    ``stop_flag`` ends a worker before its next test. ``slots_with_clones`` are the slots whose clones are there, and unused: the
    coordinator takes a slot out as it starts a worker in it. ``schemas`` has the templates on MySQL and MariaDB that were read,
    by alias. ``servers`` has the id and the role of each alias's server. ``are_readers_sent``: each test that has read a mirror
    is sent, for a check of late reads; ``is_lag_checked``: this is that check.
    """

    plan: Plan
    test_databases: tuple[clones.TestDatabase, ...]
    mirror_pairs: dict[str, str]
    replica_servers: dict[str, str]
    in_memory: frozenset[str]
    mirror_mode: MirrorMode
    root: str
    workdir: str
    statement_log: StatementLog
    init_worker: Callable[[int], None] | None
    make_unit_runner: Callable[[Worker], UnitRunner]
    stop_flag: StopFlag
    retries: Retries = NO_RETRIES
    is_failfast: bool = False
    check_isolation: bool = False
    slots_with_clones: set[int] = field(default_factory=set)
    servers: Mapping[str, tuple[str, Role]] = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)
    lag: Lag = SYNC
    is_lag_checked: bool = False
    are_readers_sent: bool = False

    @property
    def replicas(self) -> frozenset[str]:
        """The mirror aliases with a server of their own."""
        return frozenset(self.replica_servers)


class CutOff(BaseException):
    """A test was interrupted before its tear-down: no other test may run in this process, whose databases are not clean."""


def run(context: WorkerContext, slot: int, link: unpatched.Socket, capture: Capture) -> NoReturn:
    """Run the worker of *slot* until the coordinator closes its end. Never returns and never raises."""
    status: int = ExitCode.INTERNAL
    try:
        _become_worker(slot, capture)
        own_link = unpatched.Socket(fileno=duplicate_high(link.fileno()))
        own_link.setblocking(True)  # the project may have set a default
        link.close()
        worker = Worker(context, slot, own_link, capture)
        try:
            status = worker.serve() or worker.end()
        except BaseException as error:  # noqa: BLE001 - the coordinator reports it
            status = worker.fail(error)
    except BaseException as error:  # noqa: BLE001 - it cannot send: its error stream is the only evidence
        unpatched.os.write(2, format_error(error).encode(errors="backslashreplace"))
    finally:
        capture.flush()
        unpatched.os._exit(status)


def _become_worker(slot: int, capture: Capture) -> None:
    unpatched.os.setpgid(0, 0)
    prctl.adopt_orphans()  # processes that a test leaves behind stay below its worker, and end with it
    prctl.hide(is_hidden=False)
    unpatched.signal.set_wakeup_fd(-1)
    for signum in (signal.SIGTERM, signal.SIGCHLD, signal.SIGIO):
        unpatched.signal.signal(signum, signal.SIG_DFL)
    # Python's default, for the tests and their processes: the terminal's Ctrl-C goes to the host's group alone
    unpatched.signal.signal(signal.SIGINT, signal.default_int_handler)
    unpatched.signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
    private_apis.forget_exit_handlers()
    capture.redirect()
    unpatched.faulthandler.enable(capture.stacks.fd, all_threads=True)
    unpatched.faulthandler.register(signal.SIGUSR1, capture.stacks.fd, all_threads=True)
    private_apis.set_worker_id(slot)
    random.seed()


def start_code(error: Exception, fault: Literal["project", "harness"]) -> ExitCode:
    """The exit code for a worker that could not start: ``SERVERS`` for a database error in code of the harness."""
    if fault == "project":
        return ExitCode.PROJECT
    return ExitCode.SERVERS if isinstance(error, Error) else ExitCode.INTERNAL


class Worker:
    """The worker's state between units. ``observer`` takes each event before it is sent, and decides whether it is."""

    def __init__(self, context: WorkerContext, slot: int, link: unpatched.Socket, capture: Capture) -> None:
        self.context = context
        self.slot = slot
        self._link = link
        self.capture = capture
        self.describer = FailureDescriber(context.root)
        self.attempts = Attempts(self.send, capture, context.statement_log, self)
        self._unit_runner: UnitRunner
        self._unsent = self._received = b""
        self._places: dict[str, int] = {}
        self._is_sent = True
        self.observer: Callable[[Event], bool] | None = None
        self._asking = unpatched.threading.Lock()
        self._asked = 0
        self._early: list[bytes] = []
        self._pid = unpatched.os.getpid()
        self._path = tuple(sys.path)
        self._umask = unpatched.os.umask(0o22)
        unpatched.os.umask(self._umask)
        self.mirrors: mirrors.Mirrors
        self._isolation: isolation.IsolationCheck | None = None

    def serve(self) -> int:
        """Make the clones, then run assignments until the coordinator closes its end. Returns the exit status."""
        try:
            self._start()
            while line := self._receive():
                if line != GO_ON:
                    self._run_assignment(Assignment.parse(line))
            self._unit_runner.end()
        except HarnessError as error:
            self.send(RunAborted(error.exit_code, error.message, error.hint, error.evidence))
            return int(error.exit_code)
        finally:
            unsent, self._unsent = self._unsent, b""  # a failure is sent after this, and would send it again
            self._link.sendall(unsent)
        if (routing := self.context.statement_log.routing) is not None:
            self.send(routing.result(models_by_table()))
        counts = self.context.statement_log.counts()
        for start in range(0, max(1, len(counts)), QUERIES_AN_EVENT):  # an event also without counts
            self.send(QueriesCounted(counts[start : start + QUERIES_AN_EVENT]))
        self.mirrors.close()
        clones.close_connections()
        return 0

    def end(self) -> int:
        """Run the exit handlers that tests registered, not those from before the fork. Returns the exit status."""
        raised = private_apis.run_exit_handlers()
        if raised:  # the first is reported; the others are in the error stream
            self._send_failure("project", "an exit handler raised ", raised[0])
        return int(bool(raised))

    def fail(self, error: BaseException) -> int:
        """Report that *error* ends this process. Returns the exit status."""
        if isinstance(error, CutOff):
            self.send(WorkerFailed("", "a test was cut off"))
            return 1
        fault = self.describer.fault_of(error)
        self._send_failure(fault, "", error)
        return 1 if fault == "project" else int(ExitCode.INTERNAL)

    def _send_failure(self, fault: Literal["project", "harness"], prefix: str, error: BaseException) -> None:
        message = f"{prefix}{type_name(type(error))}: {message_of(error)}"
        self.send(WorkerFailed(fault, cut(message, MESSAGE_CHARACTERS), format_error(error)))

    def _start(self) -> None:
        """Enter the slot. Raises ``HarnessError`` for any exception: of the project's init_worker, of a driver, or a bug."""
        try:
            self._enter_slot()
        except HarnessError:
            raise
        except Exception as error:
            code = start_code(error, self.describer.fault_of(error))
            message = f"The worker of slot {self.slot} could not start: {type_name(type(error))}: {message_of(error)}"
            raise HarnessError.from_exit_code(
                code, cut(message, MESSAGE_CHARACTERS), evidence=format_error(error)
            ) from error

    def _enter_slot(self) -> None:
        context = self.context
        start = unpatched.time.perf_counter()
        self._unit_runner = context.make_unit_runner(self)
        lag = ReplicaLag(context.lag, context.replica_servers, self.ask_host, f"slot {self.slot}")
        lag.end()  # an earlier worker may have died in the body of a test
        with self._unit_runner.between_tests():
            are_made = self.slot in context.slots_with_clones
            clones.make_clones(
                context.test_databases,
                self.slot,
                context.replicas,
                context.in_memory,
                context.schemas,
                are_made=are_made,
            )
            if context.init_worker is not None:
                context.init_worker(self.slot)
            clones.enter_clones(context.test_databases, self.slot)
        spawned.rename()
        flush.quicken()
        context.statement_log.reset()
        context.statement_log.use(self.capture.crash_log)
        with self._unit_runner.between_tests():
            self.mirrors = mirrors.Mirrors(context.mirror_pairs, set(context.replicas), context.statement_log, lag)
            if context.are_readers_sent and context.statement_log.routing is not None:
                context.statement_log.routing.on_read = lambda test, role: self.send(ReplicaRead(test, role))
            testing.control = Failover(context.servers, self.ask_host, self.mirrors)
            if context.check_isolation:
                self._isolation = isolation.IsolationCheck(context.test_databases)
        self.capture.clear()
        warning_counts.take()  # the coordinator's, from before the fork
        self.send(SlotRecycled(round(unpatched.time.perf_counter() - start, 6)))

    def _receive(self) -> bytes:
        """The next line from the coordinator that answers no request; empty once it has closed its end."""
        return self._early.pop(0) if self._early else self._next_line()

    def _next_line(self) -> bytes:
        while b"\n" not in self._received:
            if not (chunk := self._link.recv(_CHUNK)):
                return b""
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    def await_server_checks(self) -> None:
        """Wait after an error until the coordinator has checked the servers, if it was sent."""
        if self._is_sent:
            self._receive()

    def ask_host(self, action: str, server: str, value: str = "") -> str:
        """Have the host carry out *action* on *server*, an id of the plan, and return its answer. From any thread of a test.

        Raises ``ServerError`` where the host cannot, and where it is gone.
        """
        with self._asking:
            self._asked += 1
            request = f"{self._pid}.{self._asked}"
            self.send(ServerActionWanted(request, action, server, value))
            while (line := self._next_line()) and not line.startswith(b"{"):
                self._early.append(line)  # such as an assignment
        if not line:
            raise ServerError(f"The host has not carried out {action!r} on {server}: the run ends.")
        done: ServerActionDone = codec.decode_body(line)
        if done.error:
            raise ServerError(done.error, done.hint, done.evidence)
        return done.answer

    @property
    def is_stopped(self) -> bool:
        """Whether no other test may begin."""
        return self.context.stop_flag.is_set(self.slot)

    def ends_run(self, test: str, outcome: Outcome, n: int) -> bool:
        """Whether this *outcome* of an *n*-th attempt of *test* ends the run: the coordinator's message may come too late."""
        context = self.context
        return context.is_failfast and outcome.is_red and n > context.retries.of(test)

    def send(self, event: Event) -> None:
        if self.observer is not None and type(event) is not ServerActionWanted:
            self._is_sent = self.observer(event)
            if not self._is_sent:
                return
        line = self._unsent + codec.encode_body(event).encode()
        if type(event) is AttemptFinished and event.outcome is Outcome.PASSED:
            self._unsent = line
            return
        if unpatched.os.getpid() != self._pid:
            unpatched.os._exit(ExitCode.INTERNAL)  # a test forked, and its child returned to the worker's code
        self._unsent = b""
        self._link.sendall(line)

    def send_begun(self, test: str) -> None:
        """Send that an attempt of *test* is about to begin."""
        if self.observer is not None:
            return
        line = self._unsent + short_lines.begun(self._places[test])
        if unpatched.os.getpid() != self._pid:
            unpatched.os._exit(ExitCode.INTERNAL)  # a test forked, and its child returned to the worker's code
        self._unsent = b""
        self._link.sendall(line)

    def send_passed(self, test: str, seconds: float) -> None:
        """Send that it has passed, together with the next test's beginning, which follows at once."""
        if self.observer is not None:
            self.send(AttemptFinished(test, 1, Outcome.PASSED, seconds))
            return
        self._unsent += short_lines.passed(self._places[test], seconds)

    def _run_assignment(self, assignment: Assignment) -> None:
        unit = self.context.plan.units[assignment.unit]
        tests = self.context.plan.tests
        self._places = {tests[index].id: place for place, index in enumerate(assignment.tests)}
        self._tidy()
        self.capture.clear()
        self._unit_runner.run(assignment)
        with self._unit_runner.between_tests():
            clones.end_transactions()
            if self._isolation is not None:
                for text in self._isolation.changes(is_flushed=not unit.needs_data):
                    self.send(Notice("soiled", f"{unit.name}: {text}"))
        if (counted := warning_counts.take()) is not None:
            self.send(counted)
        self.send(UnitFinished(unit.name))

    def _tidy(self) -> None:
        """Restore what other classes' tests may have changed: working directory, umask, streams, import path, exception hook."""
        with contextlib.suppress(OSError):  # a test removed it: a test that needs it will fail
            unpatched.os.chdir(self.context.workdir)
        unpatched.os.umask(self._umask)
        sys.stdout, sys.stderr = self.capture.streams
        if not (isinstance(sys.path, list) and all(folder in sys.path for folder in self._path)):
            sys.path = list(self._path)  # folders that a class adds may be meant to stay
        if sys.excepthook is None:
            sys.excepthook = sys.__excepthook__
