"""The second run of the tests that have read a replica, with replicas that are late."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

from ...protocol import codec
from ...protocol.events import AttemptFinished, Event, ServerActionWanted
from ...protocol.messages import Lag
from ...protocol.replica_events import LagChecked, LateReadJudged
from ...protocol.results import Outcome
from ..host_channel import HostMessages, Journal
from ..processes.children import StopFlag
from ..schedule.schedule import Schedule
from ..schedule.slots import NO_RETRIES, Limits
from ..schedule.units import Place, Plan
from ..workers.coordinator import Coordinator
from ..workers.worker import WorkerContext
from .checking_runner import CheckingRunner

PHASE = "lag check"
_FOR_THE_HOST = frozenset({LateReadJudged.__name__, ServerActionWanted.__name__})
"""The types of the events that the run's journal gets."""


class CheckJournal(Journal):
    """The journal of the second run, of which the run's *journal* gets little: every test has its outcome already.

    ``judged`` has the tests that passed, and those with a verdict.
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
            if event["type"] == LateReadJudged.__name__ or _has_passed(event):
                self.judged.add(event["test"])
        self._journal.forward(kept)

    def start_phase(self, phase: str) -> None:
        """Do nothing: the second run is one phase."""

    def finish_phase(self, phase: str) -> bool:
        return False


def check_lag(
    context: WorkerContext,
    readers: Collection[str],
    sharing: int,
    lag_s: float,
    limits: Limits,
    workers: int,
    channel: tuple[Journal, HostMessages],
) -> None:
    """Run the tests *readers* of the plan again with replicas that are *lag_s* seconds late, and report what they miss.

    *sharing* is the number of tests that have read a mirror through its primary's connection. Raises as ``Coordinator.run``.
    """
    journal, messages = channel
    journal.start_phase(PHASE)
    kept = CheckJournal(journal)
    if plan := part_of(context.plan, readers):
        again = replace(
            context,
            plan=plan,
            make_unit_runner=partial(_checking, context),
            stop_flag=StopFlag(),
            retries=NO_RETRIES,
            is_failfast=False,
            check_isolation=False,
            slots_with_clones=set(),
            lag=Lag("delayed", lag_s),
            is_lag_checked=True,
            are_readers_sent=False,
        )
        ids = [test.id for test in plan.tests]
        schedule = Schedule(plan.units, ids, workers, limits=limits, last_fixtures=plan.last_fixtures)
        Coordinator(again, schedule, kept, messages).run()
    unchecked = tuple(sorted(set(readers) - kept.judged))
    journal.write(LagChecked(lag_s, len(readers), sharing, unchecked))
    journal.finish_phase(PHASE)


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


def _checking(context: WorkerContext, worker: object) -> CheckingRunner:
    return CheckingRunner(worker, context.make_unit_runner)  # type: ignore[arg-type]


def _has_passed(event: dict[str, object]) -> bool:
    return event["type"] == AttemptFinished.__name__ and event["outcome"] == Outcome.PASSED.value
