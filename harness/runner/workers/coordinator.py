"""Carries out the schedule's commands on the pool of workers, and writes the workers' events to the journal.

One thread and one loop: it waits for events of workers and for ends of processes, and checks the time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from ...errors import ExitCode, HarnessError, Interrupted, ProjectError
from ...protocol import codec, naming
from ...protocol.events import AttemptFinished, AttemptSlow, RetryCalledOff, UnitStarted, WorkerStarted, WorkerStopped
from ...protocol.messages import ALONE, ServerActionDone
from ...protocol.results import Outcome, may_be_hit
from ...protocol.topology import Role
from .. import unpatched
from ..failures import FailureDescriber
from ..host_channel import HostMessages, Journal
from ..processes import gc_thresholds
from ..schedule.commands import (
    GO_ON,
    Assign,
    Assignment,
    Blame,
    Command,
    Examine,
    Finish,
    GiveUp,
    Halt,
    Kill,
    LeaveOut,
    ReportSlow,
    Retire,
    Spawn,
    Terminate,
)
from ..schedule.schedule import Schedule
from ..schedule.units import Place
from ..servers.failover import IN_FIXTURE, Repair
from ..servers.host_requests import HostRequests
from ..servers.reachability import ServerChecks, servers_of
from . import postmortem
from .event_checks import STOPPED, EventChecks
from .pool import WorkerPool
from .postmortem import WorkerRecord
from .short_lines import Accepted, Stretch
from .worker import WorkerContext

TICK_S = 0.25
PACE_S = 0.0005
"""Least seconds between two turns of the loop: where thousands of tests end in a second, one turn reads many of them."""
GRACE_S = 2.0
"""Seconds that running tests may still take when the run is interrupted."""
LOST_GRACE_S = 8.0
"""The same after the loss of a server: no person waits for the end, and the tests that it hit have time to report it."""
FORGED = "a line on a worker's socket that its worker cannot have written"
FORGED_CHARACTERS = 200


@dataclass(slots=True)
class Tally:
    """The number of final attempts, and the red ones among them, each as outcome and test. ``readers`` are the tests that have
    read a mirror, each with the role of its server.
    """

    ran: int = 0
    red: list[str] = field(default_factory=list)
    readers: dict[str, Role] = field(default_factory=dict)


class Listener(Protocol):
    """Takes what workers send for the plugins of the tests' framework. No method raises."""

    def reports_made(self, test: str, reports: str) -> None:
        """A worker has sent the *reports* of an attempt of *test*, which is about to end."""

    def attempt_finished(self, test: str, *, is_final: bool) -> str:
        """An attempt has ended. Returns why no other test may begin; empty if one may."""

    def attempt_blamed(self, event: AttemptFinished) -> None:
        """An attempt whose worker has died was given its final outcome."""

    def property_recorded(self, name: str, value: str) -> None:
        """A test has recorded a property of the suite."""

    def plugin_data_sent(self, output: str, slot: int) -> None:
        """The worker of *slot* has sent the data of its plugins."""


class Coordinator:
    """Runs a schedule to its end on real processes."""

    def __init__(
        self,
        context: WorkerContext,
        schedule: Schedule,
        journal: Journal,
        messages: HostMessages,
        listener: Listener | None = None,
    ) -> None:
        self._context = context
        self._listener = listener
        self._schedule = schedule
        self._journal = journal
        self._messages = messages
        self._tests = context.plan.tests
        self._pool = WorkerPool(context, schedule.slots, (journal, messages))
        self._server_checks = ServerChecks(
            servers_of(context.test_databases, context.replicas),
            {mirror: primary for mirror, primary in context.mirror_pairs.items() if mirror in context.replicas},
            journal,
            lambda slot: self._pool.send(slot, GO_ON + b"\n"),
        )
        self._requests = HostRequests(self._pool.send)
        self._repair = Repair(journal)
        self._records: dict[int, WorkerRecord] = {}
        self._is_done = False
        self._next_turn = self._next_tick = 0.0
        self.tally = Tally()

    def run(self) -> Tally:
        """Run the schedule. Raises ``HarnessError`` when the run cannot go on, ``Interrupted`` when it is interrupted.

        In any case, no process that it started is left.
        """
        self._journal.start_phase("clones")
        gc_thresholds.collect_as_usual()
        with self._messages.deferred():
            try:
                self._run_to_end()
            finally:
                self._journal.finish_phase("tests")
        self._settle()
        return self.tally

    def _run_to_end(self) -> None:
        with self._pool.opened(), contextlib.closing(self._server_checks):
            self._carry_out(self._schedule.start(unpatched.time.perf_counter()))
            while not self._is_done:
                self._turn()
                if (interruption := self._messages.interruption) is not None:
                    self._wind_down(interruption)
                    raise interruption

    def _wind_down(self, why: Interrupted) -> None:
        """Give the running tests a short time to finish, and begin no other."""
        is_lost = why.exit_code is ExitCode.SERVERS
        deadline = unpatched.time.perf_counter() + (LOST_GRACE_S if is_lost else GRACE_S)
        with contextlib.suppress(OSError):  # the host may be gone: then no event can be written
            self._carry_out(self._schedule.halt(why.message))
            while self._schedule.is_testing and self._messages.has_host and unpatched.time.perf_counter() < deadline:
                self._turn()
            for blame in self._schedule.still_running(unpatched.time.perf_counter(), why.message) if is_lost else ():
                _, waiting = self._pool.captures[blame.slot].crash_log.statements()
                if waiting:  # the lost server will not answer this test
                    self._blame(blame)

    def _settle(self) -> None:
        """Report the tests that never ran, and the retries that were called off."""
        left, reason = self._schedule.left_over()
        self._leave_out(left, reason)
        called_off, reason = self._schedule.called_off()
        for index, outcome in called_off.items():
            test = self._tests[index].id
            self._journal.write(RetryCalledOff(test, outcome))
            self._count(test, outcome, True)
        if called_off:
            self._journal.notice("retries-called-off", f"{len(called_off)} tests were not tried again: {reason}.")

    def _turn(self) -> None:
        if (early := self._next_turn - unpatched.time.perf_counter()) > 0:
            unpatched.time.sleep(early)
        slots, may_have_ended = self._pool.wait(TICK_S)
        self._take_answers(self._messages.take_answers())
        self._next_turn = unpatched.time.perf_counter() + PACE_S
        with self._journal.gathered():
            for slot in slots:
                self._read(slot)
        now = unpatched.time.perf_counter()
        is_due = now >= self._next_tick  # events of workers end the wait far more often
        if may_have_ended or is_due:
            self._reap()
        if is_due:
            self._next_tick = now + TICK_S
            self._carry_out(self._schedule.tick(now))
            self._journal.beat()

    def _take_answers(self, answers: Sequence[ServerActionDone]) -> None:
        self._requests.answer(answers)
        self._repair.take(answers)

    # events of workers

    def _read(self, slot: int) -> bool:
        """Read the events of the slot's worker; ``False`` when there are no more for now."""
        lines = self._pool.lines(slot)
        if lines is None:
            return False
        accepted, checks, at = Accepted(self._journal, slot), self._records[slot].checks, 0
        while at < len(lines):
            if not self._schedule.is_decided(slot) and (stretch := checks.stretch(lines, at)).end > at:
                commands = self._take_stretch(slot, stretch, accepted)
                at = stretch.end
            else:
                commands = self._take_line(slot, lines[at], accepted)
                at += 1
            if commands:  # write these events before those of the commands
                accepted.write()
                self._carry_out(commands)
        accepted.write()
        return True

    def _take_stretch(self, slot: int, stretch: Stretch, accepted: Accepted) -> list[Command]:
        """Apply short lines."""
        record, now = self._records[slot], unpatched.time.perf_counter()
        record.last_test, record.is_uncounted = stretch.begun or stretch.tests[-1], True
        commands: list[Command] = []
        if stretch.tests:
            self._repair.begin(slot)
            is_final = self._schedule.tests_passed(slot, stretch.tests, stretch.n, now)
            accepted.add_passed(stretch, is_final=is_final)
            self.tally.ran += is_final * len(stretch.tests)
            for test in stretch.tests if self._listener is not None else ():
                if why := self._listener.attempt_finished(test, is_final=is_final):  # type: ignore[union-attr]  # asked before
                    commands += self._schedule.halt(why)
        if stretch.begun:
            self._schedule.test_began(slot, stretch.begun, now)
            accepted.begin(stretch.begun, stretch.n)
        return commands

    def _take_line(self, slot: int, line: bytes, accepted: Accepted) -> list[Command]:
        """Apply a line with an event, or one that does not fit."""
        whole = self._records[slot].checks.as_event(line)
        try:
            event = codec.peek(whole)
        except codec.CodecError:
            event = {}
        is_accepted, is_final, commands = self._take(slot, line, event)
        if is_accepted:
            accepted.add(whole, event, is_final=is_final)
        return commands

    def _take(self, slot: int, line: bytes, event: dict[str, Any]) -> tuple[bool, bool, list[Command]]:
        """Apply an event. Returns whether it goes to the journal, whether it is final, and the commands that follow."""
        record = self._records[slot]
        if not record.checks.fits(event):
            return False, False, self._take_forgery(slot, line)
        if self._schedule.is_decided(slot):
            if event["type"] == "AttemptFinished" and record.overruled is None:
                record.overruled = codec.from_plain(event)
            return False, False, [Kill(slot)]  # its test has ended by itself: the rest runs in a new worker
        now = unpatched.time.perf_counter()
        match event["type"]:
            case "RunAborted" | "WorkerFailed" | "ReportsMade" | "PluginDataSent" | "ReplicaRead":
                self._keep(slot, event)
                return False, False, []
            case "AttemptStarted":
                self._schedule.test_began(slot, event["test"], now)
                record.last_test, record.is_uncounted = event["test"], True
            case "AttemptPhase":
                self._schedule.phase_began(slot, now, is_call=event.get("is_call", False))
                return False, False, []
            case "ServerActionWanted":
                return self._take_request(slot, event, now)
            case "LateReadJudged":
                self._schedule.unit_goes_on(slot, now)
            case "QueriesCounted":
                record.is_uncounted = False
                self._schedule.forget_fixture(slot)  # the last one has ended
            case "AttemptFinished":
                return True, *self._take_outcome(slot, event, now)
            case "SuitePropertyRecorded" if self._listener is not None:
                self._listener.property_recorded(event["name"], event["value"])
            case "FixtureStarted":
                self._schedule.test_began(slot, event["test"], now, is_fixture=True)
            case "Notice" if event["code"] == STOPPED:
                return True, False, self._schedule.halt(event["text"])
            case "UnitFinished":
                return True, False, self._schedule.unit_finished(slot, now)
            case "SlotRecycled":
                if self._journal.finish_phase("clones"):  # the first worker is ready
                    self._journal.start_phase("tests")
                return True, False, self._schedule.worker_is_ready(slot, now)
        return True, False, []

    def _take_request(self, slot: int, event: dict[str, Any], now: float) -> tuple[bool, bool, list[Command]]:
        """Take a request to the host. One to run alone is refused, or granted, or postpones the test."""
        if event["action"] == ALONE and not self._schedule.is_alone(slot):
            commands = self._schedule.postpone(slot, now)
            if not commands:
                refused = ServerActionDone(event["request"], error=IN_FIXTURE)
                self._pool.send(slot, codec.encode_body(refused).encode())
            return False, False, commands
        if event["action"] == ALONE:
            self._repair.let_through(slot)
        self._requests.take(slot, event["request"])
        return True, False, []

    def _take_outcome(self, slot: int, event: dict[str, Any], now: float) -> tuple[bool, list[Command]]:
        self._repair.begin(slot)
        test, outcome, may_retry = event["test"], Outcome(event["outcome"]), event.get("may_retry", True)
        is_final, commands = self._schedule.test_finished(slot, test, event["n"], outcome, now, may_retry=may_retry)
        self._count(test, outcome, is_final)
        if self._listener is not None and (why := self._listener.attempt_finished(test, is_final=is_final)):
            commands = [*commands, *self._schedule.halt(why)]
        # a failure of unittest is an assertion of the test, whatever its class
        failures = event.get("failures", ()) if naming.is_node_id(test) else ()
        if not event.get("extra") and may_be_hit(outcome, [failure["type"] for failure in failures]):
            self._repair.then(partial(self._server_checks.request, slot))
        return is_final, commands

    def _keep(self, slot: int, event: dict[str, Any]) -> None:
        """Take an event that no journal has: what a worker says of its own end, or sends for plugins."""
        record = self._records[slot]
        match event["type"]:
            case "RunAborted":
                record.abort = event
            case "WorkerFailed":
                record.failure = codec.from_plain(event)
                if event["fault"]:
                    self._schedule.forget_fixture(slot)
            case "ReplicaRead":
                self.tally.readers[event["test"]] = event["role"]
            case "ReportsMade" if self._listener is not None:
                self._listener.reports_made(event["test"], event["reports"])
            case "PluginDataSent" if self._listener is not None:
                self._listener.plugin_data_sent(event["output"], slot)

    def _take_forgery(self, slot: int, line: bytes) -> list[Command]:
        text = f"{FORGED}: {line[:FORGED_CHARACTERS].decode(errors='backslashreplace').rstrip()}"
        if not self._schedule.is_decided(slot):  # one notice is enough
            self._journal.notice("stray-line", f"Slot {slot}: {text}")
        return self._schedule.event_forged(slot, text, unpatched.time.perf_counter())

    def _count(self, test: str, outcome: Outcome, is_final: bool) -> None:
        self.tally.ran += is_final
        if is_final and outcome.is_red:
            self.tally.red.append(f"{outcome.value} {test}")

    def _reap(self) -> None:
        for slot, status in self._pool.reap():
            self._take_death(slot, status)
        # the time limit ends a stopped worker that has a test
        self._pool.continue_stopped([slot for slot in self._schedule.slots if not self._schedule.has_test(slot)])
        self._server_checks.tick()

    def _take_death(self, slot: int, status: int) -> None:
        """Handle the end of a worker: end the processes that it left, read its last events, and inform the schedule."""
        self._pool.end_strays(self._server_checks.processes)  # before reading: they could go on writing to the socket
        while self._read(slot):
            pass
        self._pool.remove(slot)
        self._server_checks.forget(slot)
        self._requests.forget(slot)
        record = self._records[slot]
        record.status = status
        if (abort := record.abort) is not None:
            code = ExitCode(abort["exit_code"])
            raise HarnessError.from_exit_code(code, abort["message"], abort.get("hint", ""), abort.get("evidence", ""))
        self._repair.begin(slot)
        was_asked, is_postponed = self._schedule.is_retiring(slot), self._schedule.is_postponed(slot)
        commands = self._schedule.worker_is_gone(slot, unpatched.time.perf_counter(), self._place(slot))
        if is_postponed or (was_asked and status == 0 and record.failure is None):
            self._journal.write(WorkerStopped(record.pid), slot)
        else:
            blamed = next((command.test for command in commands if isinstance(command, Blame)), None)
            self._journal.write(postmortem.lost_worker(record, blamed, self._pool.captures[slot]), slot)
        if is_postponed:
            self._repair.announce(record.last_test)
        elif record.is_uncounted:
            text = f"The worker of slot {slot} (pid {record.pid}) ended before it had counted its statements."
            self._journal.notice("queries-missing", f"{text} They are missing among all queries.")
        self._carry_out(commands)

    # commands of the schedule

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Spawn | Assign | Finish):
                self._repair.then(partial(self._carry_out_one, command))
            else:
                self._carry_out_one(command)

    def _carry_out_one(self, command: Command) -> None:
        match command:
            case Spawn(slot):
                context = self._context
                checks = EventChecks(context.plan.last_fixtures, is_lag_checked=context.is_lag_checked)
                self._records[slot] = WorkerRecord(self._pool.spawn(slot), checks=checks)
                self._journal.write(WorkerStarted(self._records[slot].pid), slot)
            case Assign(slot, assignment):
                self._assign(slot, assignment)
            case Retire(slot):
                self._pool.retire(slot)
            case Examine(slot):
                self._pool.examine(slot)
            case Terminate(slot):
                self._pool.terminate(slot)
            case Kill(slot):
                self._pool.kill(slot)
            case Blame():
                self._blame(command)
            case LeaveOut(tests, reason):
                self._leave_out(tests, reason)
            case ReportSlow(slot, test, n, elapsed):
                self._journal.write(AttemptSlow(test, n, round(elapsed, 3)), slot)
            case Halt(reason):
                self._context.stop_flag.set()
                self._journal.notice("halted", reason)
            case GiveUp(message):
                hint = "The project's init_worker may end it, or a library of its, or the machine has no more memory."
                raise ProjectError(message, hint, postmortem.evidence(self._pool.captures.values()))
            case Finish():
                self._is_done = True

    def _assign(self, slot: int, assignment: Assignment) -> None:
        unit = self._context.plan.units[assignment.unit]
        ids = tuple(self._tests[index].id for index in assignment.tests)
        self._journal.write(UnitStarted(unit.name, ids, unit.is_part), slot)
        self._records[slot].checks.assign(unit.name, ids, assignment.n, unit.fixtures)
        self._pool.send(slot, assignment.line())

    def _blame(self, blame: Blame) -> None:
        relative = FailureDescriber(self._context.root).relative
        record, capture = self._records[blame.slot], self._pool.captures[blame.slot]
        place = "" if blame.is_fixture else self._place(blame.slot).name
        event = postmortem.blamed_attempt(blame, record, capture, relative, place)
        self._journal.write(event, blame.slot)
        self._count(blame.test, blame.outcome, blame.is_final)
        if self._listener is not None and blame.is_final:
            self._listener.attempt_blamed(event)

    def _place(self, slot: int) -> Place:
        return self._context.plan.place_of(self._pool.captures[slot].note.text())

    def _leave_out(self, tests: tuple[int, ...], reason: str) -> None:
        for index in tests:
            test = self._tests[index].id
            self._journal.write(AttemptFinished(test, 1, Outcome.NOT_RUN, 0.0, reason=reason, final=True))
            self._count(test, Outcome.NOT_RUN, True)
