"""Runs the schedule's commands on real processes, pipes and signals, and forwards the workers' events.

One thread and one loop: a selector over the workers' sockets, and a pipe that SIGCHLD writes to.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ...errors import ExitCode, HarnessError, Interrupted, ProjectError
from ...protocol import codec
from ...protocol.events import (
    AttemptFinished,
    AttemptSlow,
    Notice,
    Outcome,
    RetryCalledOff,
    UnitStarted,
    WorkerStarted,
    WorkerStopped,
)
from .. import gc_thresholds, unpatched
from ..failures import FailureDescriber
from ..host_channel import HostMessages, Journal, held_back
from ..processes import tree
from ..processes.children import Child, StopFlag, Strays, child_signals, end_children, has_ended
from ..schedule.commands import (
    GO_ON,
    Assign,
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
from . import postmortem, server_reachability, server_sessions, worker
from .event_checks import Claims
from .output_capture import Capture, flush
from .server_checks import Lookout

TICK_S = 0.25
PACE_S = 0.0005
"""Least seconds between two turns of the loop: where thousands of tests end in a second, one turn reads many of them."""
GRACE_S = 2.0
"""Seconds that running tests may still take when the run is interrupted."""
LOST_GRACE_S = 8.0
"""The same after the loss of a server: no person waits for the end, and the tests that it hit have time to report it."""
TERM_S = 1.0
"""Seconds that workers have to end after SIGTERM, before they are killed."""
FORGED = "a line on a worker's socket that its worker cannot have written"
FORGED_CHARACTERS = 200


@dataclass(slots=True)
class Tally:
    """The number of final attempts, and the red ones among them, each as outcome and test."""

    ran: int = 0
    red: list[str] = field(default_factory=list)


class Coordinator:
    """Runs a schedule to its end on real processes."""

    def __init__(
        self,
        context: worker.WorkerContext,
        schedule: Schedule,
        journal: Journal,
        stop_flag: StopFlag,
        messages: HostMessages,
    ) -> None:
        self._context = context
        self._schedule = schedule
        self._journal = journal
        self._stop_flag = stop_flag
        self._messages = messages
        self._tests = context.plan.tests
        self._processes: dict[int, Child] = {}
        self._inspectors: set[int] = set()
        self._lookout = Lookout(
            server_reachability.servers_of(context.test_databases, context.replicas),
            {mirror: primary for mirror, primary in context.mirror_pairs.items() if mirror in context.replicas},
            journal,
            lambda slot: self._say(slot, GO_ON + b"\n"),
        )
        self._captures = {slot: Capture(slot) for slot in schedule.slots}
        self._selector = unpatched.selectors.DefaultSelector()
        self._is_done = False
        self._is_testing = False
        self._claims: dict[int, Claims] = {}
        self._starting = set(schedule.slots)
        self._last_death: tuple[int, int, AttemptFinished | None] = (0, 0, None)
        self._next_turn = self._next_tick = 0.0
        self._private_fds: tuple[int, ...] = ()
        self.tally = Tally()

    def run(self) -> Tally:
        """Run the schedule. Raises ``HarnessError`` when the run cannot go on, ``Interrupted`` when it is interrupted.

        In any case, no process that it started is left.
        """
        self._journal.start_phase("clones")
        gc_thresholds.collect_as_usual()
        self._strays = Strays()
        with self._messages.deferred(), child_signals() as (children, writing):
            self._private_fds = (children, writing)
            self._selector.register(children, selectors.EVENT_READ, None)
            try:
                self._carry_out(self._schedule.start(unpatched.time.perf_counter()))
                while not self._is_done:
                    self._turn(children)
                    if (interruption := self._messages.interruption) is not None:
                        self._wind_down(children, interruption)
                        raise interruption
            finally:
                self._kill_everything()
                self._selector.close()
                self._journal.finish_phase("tests")
        self._settle()
        return self.tally

    def _wind_down(self, children: int, why: Interrupted) -> None:
        """Give the running tests a short time to finish, and begin no other."""
        is_lost = why.exit_code is ExitCode.SERVERS
        deadline = unpatched.time.perf_counter() + (LOST_GRACE_S if is_lost else GRACE_S)
        with contextlib.suppress(OSError):  # the host may be gone: then no event can be written
            self._carry_out(self._schedule.halt(why.message))
            while self._schedule.is_testing and self._messages.has_host and unpatched.time.perf_counter() < deadline:
                self._turn(children)
            for blame in self._schedule.still_running(unpatched.time.perf_counter(), why.message) if is_lost else ():
                if self._captures[blame.slot].crash_log.statements()[
                    1
                ]:  # it waits for a server's answer: the loss hit it
                    self._blame(blame)

    def _settle(self) -> None:
        """Report the tests that never ran, and the retries that were called off."""
        left, reason = self._schedule.left_over()
        self._leave_out(LeaveOut(left, reason))
        called_off, reason = self._schedule.called_off()
        for index, outcome in called_off.items():
            test = self._tests[index].id
            self._journal.write(RetryCalledOff(test, outcome))
            self._count(test, outcome, True)
        if called_off:
            self._journal.notice("retries-called-off", f"{len(called_off)} tests were not tried again: {reason}.")

    def _turn(self, children: int) -> None:
        if (early := self._next_turn - unpatched.time.perf_counter()) > 0:
            unpatched.time.sleep(early)
        ready = self._selector.select(TICK_S)
        self._next_turn = unpatched.time.perf_counter() + PACE_S
        for key, _ in ready:
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    unpatched.os.read(children, 4096)
                self._reap()
            elif key.data in self._processes:
                self._read(key.data)
        now = unpatched.time.perf_counter()
        if now >= self._next_tick:  # events of workers end the select far more often
            self._next_tick = now + TICK_S
            self._reap()
            self._carry_out(self._schedule.tick(now))
            self._journal.beat()

    # events of workers

    def _read(self, slot: int) -> bool:
        """Read the events of the slot's worker; ``False`` when there are no more for now."""
        process = self._processes[slot]
        try:
            lines = process.lines()
        except EOFError:
            with contextlib.suppress(KeyError):
                self._selector.unregister(process.link)
            return False
        if lines is None:
            return False
        forward: list[tuple[bytes, int, bool]] = []
        for line in lines:
            self._hear(slot, process, line, forward)
        self._journal.forward(forward)
        return True

    def _hear(self, slot: int, process: Child, line: bytes, forward: list[tuple[bytes, int, bool]]) -> None:
        now = unpatched.time.perf_counter()
        commands: list[Command] = []
        is_final = False
        try:
            event = codec.peek(line)
        except codec.CodecError:
            event = {}
        if not self._claims[slot].fits(event):
            commands = self._hear_forgery(slot, line, now)
        elif self._schedule.is_decided(slot):
            self._overrule(process, event)
            commands = [Kill(slot)]  # its test has ended by itself: the rest runs in a new worker
        elif event["type"] == "RunAborted":
            process.abort = event
        elif event["type"] == "WorkerFailed":
            process.failure = codec.from_plain(event)
            if event["fault"]:
                self._schedule.forget_fixture(slot)
        else:
            is_final, commands = self._take(slot, event, now)
            forward.append((line, slot, is_final))
        if commands:  # write these events before those of the commands
            self._journal.forward(forward)
            forward.clear()
            self._carry_out(commands)

    def _take(self, slot: int, event: dict[str, Any], now: float) -> tuple[bool, list[Command]]:
        """Apply an accepted event; return whether it is final, and the commands that follow."""
        match event["type"]:
            case "AttemptStarted":
                self._schedule.test_began(slot, event["test"], now)
                self._processes[slot].last_test, self._processes[slot].is_uncounted = event["test"], True
            case "QueriesCounted":
                self._processes[slot].is_uncounted = False
            case "AttemptFinished":
                test, outcome = event["test"], Outcome(event["outcome"])
                is_final, commands = self._schedule.test_finished(slot, test, event["n"], outcome, now)
                self._count(test, outcome, is_final)
                if outcome is Outcome.ERRORED and not event.get("extra"):
                    self._lookout.ask(slot)
                return is_final, commands
            case "FixtureStarted":
                self._schedule.test_began(slot, event["test"], now, is_fixture=True)
            case "UnitFinished":
                return False, self._schedule.unit_finished(slot, now)
            case "SlotRecycled":
                self._clones_are_made(slot)
                return False, self._schedule.worker_is_ready(slot, now)
        return False, []

    def _hear_forgery(self, slot: int, line: bytes, now: float) -> list[Command]:
        what = f"{FORGED}: {line[:FORGED_CHARACTERS].decode(errors='backslashreplace').rstrip()}"
        if not self._schedule.is_decided(slot):  # one notice is enough
            self._journal.notice("stray-line", f"Slot {slot}: {what}")
        return self._schedule.has_forged(slot, what, now)

    def _overrule(self, process: Child, event: dict[str, Any]) -> None:
        """Keep the worker's report of a test whose outcome is already decided, as evidence."""
        if event["type"] == "AttemptFinished" and process.overruled is None:
            process.overruled = event

    def _count(self, test: str, outcome: Outcome, is_final: bool) -> None:
        self.tally.ran += is_final
        if is_final and outcome.is_red:
            self.tally.red.append(f"{outcome.value} {test}")

    def _clones_are_made(self, slot: int) -> None:
        """End the phase ``clones`` when the first worker is ready: from then on tests run."""
        if self._starting:
            self._starting.discard(slot)
            self._journal.finish_phase("clones")
        if not self._is_testing:
            self._is_testing = True
            self._journal.start_phase("tests")

    def _reap(self) -> None:
        for slot, process in list(self._processes.items()):
            pid, status = unpatched.os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
            if pid and unpatched.os.WIFSTOPPED(status):
                process.is_stopped = True
            elif pid:
                self._bury(slot, process, unpatched.os.waitstatus_to_exitcode(status))
            if process.is_stopped and not self._schedule.has_test(slot):  # with a test, the time limit ends it
                process.is_stopped = False
                tree.send(process.pid, signal.SIGCONT)
        self._inspectors = {pid for pid in self._inspectors if not has_ended(pid)}
        self._lookout.tick()

    def _bury(self, slot: int, process: Child, status: int) -> None:
        """Handle the end of a worker: end the processes that it left, read its last events, and inform the schedule."""
        self._end_strays()  # before reading: one of them could go on writing to the socket
        while self._read(slot):
            pass
        process.link.close()
        del self._processes[slot]
        self._lookout.forget(slot)
        if process.abort is not None:
            self._abort(process.abort)
        self._last_death = process.pid, status, codec.from_plain(process.overruled) if process.overruled else None
        was_asked = self._schedule.is_retiring(slot)
        commands = self._schedule.worker_is_gone(slot, unpatched.time.perf_counter())
        if was_asked and status == 0 and process.failure is None:
            self._journal.write(WorkerStopped(process.pid), slot)
        else:
            blamed = next((command.test for command in commands if isinstance(command, Blame)), None)
            self._journal.write(postmortem.of_worker(process, status, blamed, self._captures[slot]), slot)
        if process.is_uncounted:
            text = (
                f"The worker of slot {slot} (pid {process.pid}) ended before it had told what its statements add up to."
            )
            self._journal.notice("queries-missing", f"{text} They are missing among all queries.")
        self._carry_out(commands)

    def _abort(self, event: dict[str, Any]) -> None:
        code = ExitCode(event["exit_code"])
        raise HarnessError.of(code, event["message"], event.get("hint", ""), event.get("evidence", ""))

    # commands of the schedule

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Spawn(slot):
                    self._spawn(slot)
                case Assign(slot, assignment):
                    unit = self._context.plan.units[assignment.unit]
                    ids = tuple(self._tests[index].id for index in assignment.tests)
                    self._journal.write(UnitStarted(unit.name, ids), slot)
                    cls = type(self._context.plan.instances[unit.tests[0]])
                    self._claims[slot].assign(unit.name, ids, assignment.n, (unit.name, cls.__module__))
                    self._say(slot, assignment.line())
                case Retire(slot):
                    with contextlib.suppress(OSError):
                        self._processes[slot].link.shutdown(socket.SHUT_WR)
                case Examine(slot):
                    self._examine(slot)
                case Terminate(slot):
                    if slot in self._processes:
                        tree.send(self._processes[slot].pid, signal.SIGTERM)
                case Kill(slot):
                    if slot in self._processes:
                        tree.end([self._processes[slot].pid])
                case Blame():
                    self._blame(command)
                case LeaveOut():
                    self._leave_out(command)
                case ReportSlow(slot, test, n, elapsed):
                    self._journal.write(AttemptSlow(test, n, round(elapsed, 3)), slot)
                case Halt(reason):
                    self._stop_flag.set()
                    self._journal.write(Notice("halted", reason))
                case GiveUp(message):
                    hint = (
                        "The project's init_worker may end it, or a library of its, or the machine has no more memory."
                    )
                    raise ProjectError(message, hint, self._all_last_words())
                case Finish():
                    self._is_done = True

    def _say(self, slot: int, line: bytes) -> None:
        # a worker that has just died: _bury handles it and its tests
        with contextlib.suppress(OSError):
            self._processes[slot].say(line)

    def _spawn(self, slot: int) -> None:
        self._stop_flag.clear(slot)
        ours, theirs = unpatched.socket.socketpair()
        # text left in Python's buffers would be printed by both processes
        flush(sys.stdout, sys.stderr)
        with held_back():  # a child that is not registered would never be ended
            pid = unpatched.os.fork()
            if pid == 0:
                self._be_worker(slot, ours, theirs)
            self._processes[slot], self._claims[slot] = Child(pid, ours), Claims()
        with contextlib.suppress(OSError):  # both processes set it; the second call may fail
            unpatched.os.setpgid(pid, pid)
        theirs.close()
        ours.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, slot)
        self._journal.write(WorkerStarted(pid), slot)

    def _examine(self, slot: int) -> None:
        self._stop_flag.set(slot)
        with contextlib.suppress(ProcessLookupError):
            unpatched.os.kill(self._processes[slot].pid, signal.SIGUSR1)
        with held_back():
            context, sessions = self._context, self._captures[slot].sessions
            self._inspectors.add(server_sessions.start(context.test_databases, context.replicas, slot, sessions))

    def _be_worker(self, slot: int, ours: unpatched.Socket, theirs: unpatched.Socket) -> NoReturn:
        """Run the worker in the forked child. It must never return: it would be a second coordinator."""
        try:
            # close the descriptors of the coordinator and other workers: an inherited end would hide a hang-up
            ours.close()
            self._selector.close()
            for process in self._processes.values():
                process.link.close()
            for fd in (*self._private_fds, *self._context.private_fds):
                unpatched.os.close(fd)
            for mine in (self._journal, self._messages, self._stop_flag):
                mine.forget()
            for other, capture in self._captures.items():
                if other != slot:
                    capture.close()
            worker.run(self._context, slot, theirs, self._captures[slot])
        finally:
            unpatched.os._exit(ExitCode.INTERNAL)

    def _blame(self, blame: Blame) -> None:
        pid, status, overruled = self._last_death
        relative = FailureDescriber(self._context.root).relative
        event = postmortem.of(blame, pid, status, self._captures[blame.slot], relative, overruled)
        self._journal.write(event, blame.slot)
        self._count(blame.test, blame.outcome, blame.is_final)

    def _leave_out(self, command: LeaveOut) -> None:
        for index in command.tests:
            test = self._tests[index].id
            event = AttemptFinished(test, 1, Outcome.NOT_RUN, 0.0, reason=command.reason, final=True)
            self._journal.write(event)
            self._count(test, Outcome.NOT_RUN, True)

    def _all_last_words(self) -> str:
        """The captured errors and stacks of all slots."""
        words = [capture.stderr.everything() + capture.stacks.everything() for capture in self._captures.values()]
        return "\n".join(filter(None, words))

    def _kill_everything(self) -> None:
        """End every process of the run: inspectors, the look at the servers, workers, and the processes that they left."""
        with held_back():
            for pid in self._inspectors:
                unpatched.os.kill(pid, signal.SIGKILL)
                unpatched.os.waitpid(pid, 0)
            self._inspectors.clear()
            self._lookout.close()
            end_children([process.pid for process in self._processes.values()], TERM_S)
            for process in self._processes.values():
                process.link.close()
            self._processes.clear()
            self._end_strays()

    def _end_strays(self) -> None:
        """End the processes that dead workers have left behind, in any group or session."""
        known = {process.pid for process in self._processes.values()}
        self._strays.end(known | self._inspectors | self._lookout.processes)
