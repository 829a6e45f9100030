"""The second run of the tests that have read a replica, with replicas that are late."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...protocol import codec
from ...protocol.events import Event, ServerActionWanted
from ...protocol.messages import Lag
from ...protocol.replica_events import LAG_CHECK, LagChecked, LateReadJudged
from ...protocol.results import Outcome
from ...protocol.topology import Role
from ..host_channel import HostMessages, Journal
from ..processes.children import StopFlag
from ..schedule.schedule import Schedule
from ..schedule.slots import NO_RETRIES, Limits
from ..schedule.units import Place, Plan
from ..workers.coordinator import Coordinator
from ..workers.worker import UnitRunner, Worker, WorkerContext
from .checking_runner import EXAMINE_S, CheckingRunner

_FAILED = frozenset({Outcome.FAILED, Outcome.ERRORED})
_FOR_THE_HOST = frozenset({LateReadJudged.__name__, ServerActionWanted.__name__})
"""The types of the events that the run's journal gets."""


class CheckJournal(Journal):
    """The journal of the second run, of which the run's *journal* gets little: every test has its outcome already.

    ``judged`` has the tests that have a verdict.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.fd = journal.fd
        self.forget = journal.forget  # type: ignore[method-assign]  # a fork closes the one channel
        self.beat = journal.beat  # type: ignore[method-assign]  # the host hears of the same life
        self.gathered = journal.gathered  # type: ignore[method-assign]  # what is gathered is written there
        self.judged: set[str] = set()

    def write(self, event: Event, slot: int = 0) -> None:
        if type(event).__name__ in _FOR_THE_HOST:
            self._journal.write(event, slot)

    def forward(self, stamped: Sequence[tuple[bytes, int, Iterable[str]]]) -> None:
        kept = []
        for each in stamped:
            event = codec.peek(each[0])
            if event["type"] in _FOR_THE_HOST:
                kept.append(each)
            if event["type"] == LateReadJudged.__name__:
                self.judged.add(event["test"])
        self._journal.forward(kept)

    def start_phase(self, phase: str) -> None:
        """Do nothing: the second run is one phase."""

    def finish_phase(self, phase: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class LagCheck:
    """The check of a run: its context, limits and number of workers, its journal and the host's messages, and the lag, in
    seconds.
    """

    context: WorkerContext
    limits: Limits
    workers: int
    journal: Journal
    messages: HostMessages
    lag_s: float

    def run(self, readers: Mapping[str, Role]) -> None:
        """Run those tests of the plan again that have read a real replica, and report what they miss when it is late. *readers*
        have the role of the server that each has read. Raises as ``Coordinator.run``.

        Those that fail are tried again by one worker: another one's lag would hold up the replicas that it lets catch up.
        """
        self.journal.start_phase(LAG_CHECK)
        tests = {test for test, role in readers.items() if role == "replica"}
        outcomes, _ = self._run(tests, self.context.make_unit_runner, self.limits, self.workers)
        suspects = {test for test, outcome in outcomes.items() if outcome in _FAILED}
        longest_s = max(self.limits.test_s, *self.limits.own_s.values(), 0.0)
        _, judged = self._run(suspects, self._checking, Limits(EXAMINE_S + longest_s), 1)
        passed = {test for test, outcome in outcomes.items() if outcome is Outcome.PASSED}
        unchecked = tuple(sorted(tests - passed - judged))
        self.journal.write(LagChecked(self.lag_s, len(tests), len(readers) - len(tests), unchecked))
        self.journal.finish_phase(LAG_CHECK)

    def _run(
        self, tests: Collection[str], make: Callable[[Worker], UnitRunner], limits: Limits, workers: int
    ) -> tuple[Mapping[str, Outcome], set[str]]:
        """Run *tests*. Returns their outcomes, and those that have a verdict."""
        plan, journal = part_of(self.context.plan, tests), CheckJournal(self.journal)
        if plan is None:
            return {}, set()
        context = replace(
            self.context,
            plan=plan,
            make_unit_runner=make,
            stop_flag=StopFlag(),
            retries=NO_RETRIES,
            is_failfast=False,
            check_isolation=False,
            slots_with_clones=set(),
            lag=Lag("delayed", self.lag_s),
            is_lag_checked=True,
            are_readers_sent=False,
        )
        ids = [test.id for test in plan.tests]
        schedule = Schedule(plan.units, ids, workers, limits=limits, last_fixtures=plan.last_fixtures)
        Coordinator(context, schedule, journal, self.messages).run()
        return schedule.outcomes, journal.judged

    def _checking(self, worker: Worker) -> CheckingRunner:
        return CheckingRunner(worker, self.context.make_unit_runner)


def part_of(plan: Plan, tests: Collection[str]) -> Plan | None:
    """The part of *plan* that runs *tests*; ``None`` without any."""
    kept = [index for index, test in enumerate(plan.tests) if test.id in tests]
    places = {index: place for place, index in enumerate(kept)}
    units = (replace(unit, tests=tuple(places[n] for n in unit.tests if n in places)) for unit in plan.units)
    if not kept:
        return None
    return Plan(
        tuple(plan.tests[index] for index in kept),
        tuple(plan.instances[index] for index in kept),
        tuple(unit for unit in units if unit.tests),
        plan.last_fixtures,
        lambda _: Place(),
    )
