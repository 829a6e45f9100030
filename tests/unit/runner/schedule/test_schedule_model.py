"""Random suites under random faults: every run ends, and every test has one outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.protocol.results import Outcome
from harness.runner.schedule.commands import (
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
from harness.runner.schedule.schedule import Schedule
from harness.runner.schedule.slots import FailureLimit, Limits, Retries
from harness.runner.schedule.units import FLUSHED, Place, Unit

TIMEOUT_S = 20.0
STEPS = 20_000

# the choices for a worker's next step: a fate that is listed more often is chosen more often
FATES = ["pass"] * 6 + ["fail", "skip", "crash", "hang", "late"]
STOPPING_FATES = ["stop"] + FATES * 3
FIXTURE_FATES = ["pass"] * 8 + ["fail", "crash", "hang", "late"]
BETWEEN_FATES = ["pass"] * 12 + ["crash", "stuck"]
START_FATES = ["pass"] * 8 + ["crash", "stuck"]
END_FATES = ["pass"] * 4 + ["stuck"]
LAST_FIXTURES = ("package::teardown", "session::teardown")
"""Fixtures that end after their units: before the next one, and when the worker ends."""
SHARED_BY = 3
"""Every so many tests need one fixture, in whose set-up they die where it is deadly."""


Step = tuple[str, Any, int, str]
"""A step of a worker: (action, test or unit, number of the attempt, fate)."""


@dataclass
class Worker:
    """A worker process: its phase and its next steps."""

    phase: str = "starting"  # starting, waiting, busy, ending
    script: list[Step] = field(default_factory=list)
    running: str | None = None
    began_at: float = 0.0
    is_stuck: bool = False
    is_late_at: float | None = None
    left: set[str] = field(default_factory=set)
    is_doomed: bool = False
    place: Place = field(default_factory=Place)


class World:
    """Carries out commands as the coordinator does; its workers fail, hang and die at random."""

    def __init__(
        self,
        units: Sequence[Unit],
        workers: int,
        retries: int,
        is_failfast: bool,
        random: Random,
        run_s: float | None,
        repeat: int,
        faults: frozenset[str] = frozenset(),
    ) -> None:
        self.units, self.retries, self.random, self.run_s, self.repeat = units, retries, random, run_s, repeat
        self.ids = [f"t{index}" for unit in units for index in unit.tests]
        limits = Limits(TIMEOUT_S, run_s=run_s)
        self.schedule = Schedule(
            units,
            self.ids,
            workers,
            limits=limits,
            retries=Retries(retries),
            repeat=repeat,
            failure_limit=FailureLimit(int(is_failfast)),
            last_fixtures=LAST_FIXTURES,
        )
        self.faults = faults
        users = frozenset(index for unit in units for index in unit.tests if index % SHARED_BY == 0)
        self.shared = Place("the set-up of a fixture", users)
        self.now = 0.0
        self.workers: dict[int, Worker] = {}
        self.finals = Counter[str]()
        self.is_stopping = False
        self.end: GiveUp | Finish | None = None
        self.failed_starts = Counter[int]()

    def run(self) -> None:
        self.obey(self.schedule.start(self.now))
        for _ in range(STEPS):
            if self.end is not None:
                return
            self.step()
        raise AssertionError(f"the run does not end: {self.workers}")

    def step(self) -> None:
        self.now += self.random.choice([0.01, 0.1, 1.0])
        able = [slot for slot, worker in self.workers.items() if self.can_go_on(worker)]
        if able:
            self.go_on(self.random.choice(able))
        else:
            self.now += 5
        if self.end is None:
            self.obey(self.schedule.tick(self.now))

    def can_go_on(self, worker: Worker) -> bool:
        if worker.is_late_at is not None and self.now >= worker.is_late_at:
            worker.is_stuck, worker.is_late_at = False, None
        return worker.phase != "waiting" and not worker.is_stuck

    # the coordinator's part

    def obey(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(self.end, GiveUp):
                return
            assert self.end is None, f"{command} after the end"
            match command:
                case Spawn(slot):
                    assert slot not in self.workers, "two workers in one slot"
                    self.workers[slot] = Worker()
                case Assign(slot, assignment):
                    self.assign(slot, assignment)
                case Retire(slot):
                    assert self.workers[slot].phase == "waiting"
                    self.workers[slot].phase = "ending"
                    self.workers[slot].script = self.fixture_steps(LAST_FIXTURES[1])
                case Examine(slot):
                    worker = self.workers[slot]
                    if worker.running is not None:
                        assert self.now - worker.began_at > TIMEOUT_S or self.now > (self.run_s or inf)
                    else:
                        assert worker.phase in ("starting", "busy", "ending")
                case Terminate(slot):
                    if self.random.choice([True, True, False]):
                        self.kill(slot)
                case Kill(slot):
                    self.kill(slot)
                case Blame():
                    self.blame(command)
                case LeaveOut(tests, reason):
                    assert reason
                    assert self.died_running not in LAST_FIXTURES, "left out because of a fixture of other tests"
                    begins = [step for worker in self.workers.values() for step in worker.script if step[0] == "begin"]
                    left_out = {self.ids[index] for index in tests}
                    assert not left_out & {test for _, test, _, _ in begins}, "left out while a worker has it"
                    self.finals.update(self.ids[index] for index in tests)
                case Halt():
                    self.is_stopping = True
                case ReportSlow(slot, test, _, _):
                    assert self.workers[slot].running == test
                case GiveUp() | Finish():
                    self.end = command

    def assign(self, slot: int, assignment: Assignment) -> None:
        worker = self.workers[slot]
        assert worker.phase == "waiting", f"work for a worker that is {worker.phase}"
        unit = self.units[assignment.unit]
        assert assignment.tests
        assert set(assignment.tests) <= set(unit.tests)
        assert 1 <= assignment.n <= max(self.retries + 1, self.repeat)
        assert not any(self.finals[self.ids[index]] for index in assignment.tests), "a test with an outcome runs again"
        assert not (unit.needs_data and FLUSHED in worker.left), "the rows of migrations are gone"
        if unit.needs_data or unit.flushes:
            assert worker.left - {FLUSHED} <= {unit.own_data}, "there are other rows"
        worker.phase, worker.script = "busy", self.script(assignment, unit)

    def script(self, assignment: Assignment, unit: Unit) -> list[Step]:
        """The worker's steps for *assignment*."""
        steps: list[Step] = [("between", None, 0, self.random.choice(BETWEEN_FATES))]
        steps += self.fixture_steps(LAST_FIXTURES[0])
        fixture = self.random.choice(FIXTURE_FATES)
        steps += [("begin fixture", f"{unit.name}.setUpClass", 1, fixture)]
        if fixture == "fail":
            steps += [("end fixture", f"{unit.name}.setUpClass", 1, fixture)]
            steps += [("left out", self.ids[index], assignment.n, "") for index in assignment.tests]
        else:
            for index in assignment.tests:
                fate = self.random.choice(STOPPING_FATES if "stop" in self.faults else FATES)
                if index in self.shared.users and "set-up" in self.faults:
                    fate = self.random.choice(["crash", "hang"])
                steps += [("begin", self.ids[index], assignment.n, fate), ("end", self.ids[index], assignment.n, fate)]
                steps += [("between", None, 0, self.random.choice(BETWEEN_FATES))]
        return [*steps, *self.fixture_steps(f"{unit.name}.tearDownClass"), ("done", unit, 0, "")]

    def fixture_steps(self, name: str) -> list[Step]:
        """The steps of a fixture that is torn down. Its end is told only if it fails."""
        fate = self.random.choice(FIXTURE_FATES)
        return [("begin fixture", name, 1, fate), *([("end fixture", name, 1, fate)] if fate == "fail" else [])]

    def kill(self, slot: int) -> None:
        worker = self.workers[slot]
        worker.is_doomed = True
        for _ in range(self.random.choice([0, 0, 1, 2, 3])):  # it goes on until the signal arrives
            if self.workers.get(slot) is not worker or not self.can_go_on(worker):
                break
            self.go_on(slot)
        if self.workers.get(slot) is worker:
            self.die(slot)

    def blame(self, blame: Blame) -> None:
        """Check that the test ran when its worker died."""
        assert blame.test == self.died_running
        assert blame.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT)
        assert (blame.outcome is Outcome.TIMED_OUT) == self.died_by_kill
        if blame.is_final and not blame.is_fixture:
            self.finals[blame.test] += 1

    # the workers' part

    def go_on(self, slot: int) -> None:
        worker = self.workers[slot]
        if worker.phase == "starting":
            self.start_up(slot, worker)
        elif worker.phase == "ending" and worker.script:
            self.take_step(slot, worker, *worker.script.pop(0))
        elif worker.phase == "ending":
            worker.running = None  # the counts of its statements are told
            self.schedule.forget_fixture(slot)
            if not worker.is_doomed and self.random.choice(END_FATES) == "stuck":
                worker.is_stuck = True
            else:
                self.die(slot)
        else:
            self.take_step(slot, worker, *worker.script.pop(0))

    def start_up(self, slot: int, worker: Worker) -> None:
        fate = self.random.choice(START_FATES)
        if fate == "crash":
            self.die(slot)
        elif fate == "stuck":
            worker.is_stuck = True
        else:
            worker.phase = "waiting"
            self.obey(self.schedule.worker_is_ready(slot, self.now))

    def take_step(self, slot: int, worker: Worker, action: str, test: Any, n: int, fate: str) -> None:
        if action != "between" and self.schedule.is_decided(slot):
            worker.is_stuck = action == "done"  # it waits for an assignment that will not come
            self.obey([Kill(slot)])
        elif action in ("begin", "begin fixture"):
            if action == "begin" and self.is_stopping:
                worker.script = [step for step in worker.script if step[0] in ("begin fixture", "end fixture", "done")]
                return
            assert action == "begin fixture" or not self.finals[test], "a test with an outcome begins"
            worker.running, worker.began_at = test, self.now
            is_user = action == "begin" and test in {self.ids[index] for index in self.shared.users}
            worker.place = self.shared if is_user and "set-up" in self.faults else Place()
            self.schedule.test_began(slot, test, self.now, is_fixture=action == "begin fixture")
            self.suffer(slot, worker, fate)
        elif action == "between":
            worker.running = None if action == "end" else worker.running
            self.suffer(slot, worker, fate)
        elif action == "done":
            worker.running, worker.phase = None, "waiting"
            worker.left |= test.leaves
            self.obey(self.schedule.unit_finished(slot, self.now))
        else:
            self.report_end(slot, worker, action, test, n, fate)

    def report_end(self, slot: int, worker: Worker, action: str, test: str, n: int, fate: str) -> None:
        worker.running = None
        outcome = {"fail": Outcome.FAILED, "skip": Outcome.SKIPPED}.get(fate, Outcome.PASSED)
        outcome = Outcome.ERRORED if fate == "stop" else outcome
        outcome = Outcome.NOT_RUN if action == "left out" else Outcome.ERRORED if action == "end fixture" else outcome
        if (action, outcome) == ("end", Outcome.PASSED) and int(test[1:]) % 2:  # several may be reported together
            is_final, commands = self.schedule.tests_passed(slot, [test], n, self.now), list[Command]()
        else:
            is_final, commands = self.schedule.test_finished(slot, test, n, outcome, self.now)
        if action != "end fixture":
            self.finals[test] += is_final
            assert is_final or (outcome.is_red and n <= self.retries) or (outcome is Outcome.PASSED and n < self.repeat)
        self.obey(commands)
        if fate == "stop":  # it has called pytest.exit, and no other test may run in its process
            self.obey(self.schedule.halt("stopped by a test"))
            self.die(slot)

    def suffer(self, slot: int, worker: Worker, fate: str) -> None:
        if fate == "crash":
            self.die(slot)
        elif fate in ("hang", "stuck"):
            worker.is_stuck = True
        elif fate == "late":
            worker.is_stuck = True
            worker.is_late_at = self.now + TIMEOUT_S + self.random.choice([0.1, 0.9, 1.1])

    def die(self, slot: int) -> None:
        worker = self.workers.pop(slot)
        self.died_running = worker.running
        self.died_by_kill = worker.is_doomed
        self.failed_starts[slot] = self.failed_starts[slot] + 1 if worker.phase == "starting" else 0
        commands = self.schedule.worker_is_gone(slot, self.now, worker.place if worker.running else Place())
        assert any(isinstance(command, Blame) for command in commands) == (worker.running is not None)
        self.obey(commands)


@st.composite
def suites(draw: st.DrawFn) -> list[Unit]:
    units, first = list[Unit](), 0
    for number in range(draw(st.integers(0, 6))):
        size = draw(st.integers(1, 4))
        kind = draw(st.sampled_from("df-"))
        own_data = draw(st.sampled_from(["", "", "a", "b"])) if kind in "df" else ""
        numbers = tuple(range(first, first + size))
        units.append(Unit(f"U{number}", numbers, kind == "d", kind == "f", own_data=own_data))
        first += size
    return units


@settings(max_examples=300)
@given(
    suites(),
    st.integers(1, 4),
    st.sampled_from([(0, 1), (1, 1), (2, 1), (0, 3)]),
    st.booleans(),
    st.sampled_from([None, None, 10.0, 100.0]),
    st.integers(0, 2**32),
    st.frozensets(st.sampled_from(["stop", "set-up"])),
)
# the run's time ends while a worker starts, which becomes ready, and retires, before it is killed
@example(
    [Unit("U0", (0, 1, 2, 3), True, False), Unit("U1", (4,), True, False, own_data="a"), Unit("U2", (5,), True, False)],
    3,
    (0, 1),
    False,
    10.0,
    5429,
    frozenset(),
)
def test_every_run_ends_with_one_outcome_for_each_test(
    units: list[Unit],
    workers: int,
    again: tuple[int, int],
    is_failfast: bool,
    run_s: float | None,
    seed: int,
    faults: frozenset[str],
) -> None:
    retries, repeat = again
    world = World(units, workers, retries, is_failfast, Random(seed), run_s, repeat, faults)
    world.run()
    assert max(world.finals.values(), default=0) <= 1, "a test has two outcomes"
    if isinstance(world.end, GiveUp):
        assert max(world.failed_starts.values()) >= 3
        return
    assert world.workers == {}, "a worker outlives the run"
    finals = {test for test, count in world.finals.items() if count}
    left, _ = world.schedule.left_over()
    off, _ = world.schedule.called_off()
    assert sorted([*finals, *(world.ids[i] for i in left), *(world.ids[i] for i in off)]) == sorted(world.ids)
    assert repeat > 1 or all(outcome.is_red for outcome in off.values())
    if not world.is_stopping:
        assert left == ()
