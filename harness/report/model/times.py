"""The times of a run beside those of its tests: phases, servers, migrations, units, fixtures. Pure; the ledger feeds it.

Owns the division of the time before the first test and after the last one by what the run waited for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from harness.protocol import events
from harness.protocol.events import Envelope
from harness.protocol.replica_events import LAG_CHECK
from harness.report.model.text import one_line

Kind = Literal["phase", "server", "step", "clones", "unit", "fixture", "mark"]
UNITS = 50_000
"""Limit of the units and fixtures that are kept."""
UNNAMED = "other"
"""The name of time in which no phase was open."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a run: its beginning and its end are in seconds since the epoch, equal for a mark. ``details`` are for people.

    ``slot`` is 0 for none.
    """

    kind: Kind
    name: str
    start: float
    end: float
    slot: int = 0
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """The seconds of one part of a run in which it waited for the phase ``name``."""

    name: str
    seconds: float


@dataclass(slots=True)
class Times:
    """The spans of a run, in the order of their ends, and the moments of its tests, in seconds since the epoch.

    ``first_test`` and ``last_test`` are the beginning of the first attempt and the end of the last one, 0 for none;
    ``left_out`` counts units and fixtures beyond the limit.
    """

    spans: list[Span] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0
    first_test: float = 0.0
    last_test: float = 0.0
    left_out: int = 0

    @property
    def phases(self) -> list[Span]:
        return [span for span in self.spans if span.kind == "phase"]

    @property
    def before_tests(self) -> tuple[Wait, ...]:
        """The phases that the run waited for until its first test; until its end if none began."""
        return waits(self.phases, self.began, self.first_test or self.ended)

    @property
    def after_tests(self) -> tuple[Wait, ...]:
        """The phases that it waited for after its last test."""
        return waits(self.phases, self.last_test, self.ended) if self.last_test else ()


def waits(phases: Iterable[Span], start: float, end: float) -> tuple[Wait, ...]:
    """The time from *start* to *end*, each moment given to the one open phase that ends last: the others ended before it, so
    that the run waited for this one. In the order in which the phases come first; they add up to the whole time.
    """
    open_phases = [span for span in phases if span.start < end and span.end > start]
    cuts = {start, end, *(at for span in open_phases for at in (span.start, span.end) if start < at < end)}
    moments = sorted(cuts)
    seconds: dict[str, float] = {}
    for low, high in itertools.pairwise(moments):
        around = [span for span in open_phases if span.start <= low and span.end >= high]
        name = max(around, key=lambda span: span.end).name if around else UNNAMED
        seconds[name] = seconds.get(name, 0.0) + high - low
    return tuple(Wait(name, value) for name, value in seconds.items())


class Timeline:
    """Takes the events of a run one by one, and keeps their times."""

    def __init__(self) -> None:
        self._times = Times()
        self._open_phases: dict[str, float] = {}
        self._open_units: dict[int, tuple[str, float]] = {}
        self._open_fixtures: dict[int, tuple[str, float]] = {}

    @property
    def began(self) -> float:
        """The beginning of the run, in seconds since the epoch."""
        return self._times.began

    def fold(self, envelope: Envelope) -> None:
        """Take one event."""
        times, at, slot = self._times, envelope.at, envelope.slot
        times.began = times.began or at
        times.ended = max(times.ended, at)
        match envelope.event:
            case events.AttemptStarted():
                times.first_test = times.first_test or at
                self._end_fixture(slot, at)
            case events.AttemptFinished() as event:
                times.last_test = max(times.last_test, at)
                if event.at_once:
                    times.first_test = times.first_test or at - event.duration
                    self._end_fixture(slot, at - event.duration)
                if event.extra is not None:
                    self._end_fixture(slot, at)
            case events.AttemptsPassed() as event:
                times.last_test = max(times.last_test, at)
                start = at - sum(event.durations)
                times.first_test = times.first_test or start
                self._end_fixture(slot, start)
            case events.UnitStarted() as event:
                self._end_unit(slot, at)
                self._open_units[slot] = (event.unit, at)
            case events.FixtureStarted() as event:
                self._end_fixture(slot, at)
                self._open_fixtures[slot] = (event.test, at)
            case events.UnitFinished():
                self._end_unit(slot, at)
            case _:
                self._fold_rare(envelope)

    def _fold_rare(self, envelope: Envelope) -> None:
        at, slot = envelope.at, envelope.slot
        match envelope.event:
            case events.PhaseStarted() as event:
                self._open_phases[event.phase] = at
            case events.PhaseFinished() as event:
                # the command's start precedes the journal, and has no event of its own
                start = self._open_phases.pop(event.phase, at - event.duration)
                self._times.began = min(self._times.began, start)
                self._add(Span("phase", event.phase, start, at))
                if event.phase == LAG_CHECK and self._times.last_test:  # tests run in it, without events of their own
                    self._times.last_test = max(self._times.last_test, at)
            case events.ServerReady() as event:
                self._add(Span("server", event.server, at - event.ready_s, at, 0, _server(event)))
            case events.TemplateTimed() as event:
                for step in event.steps:
                    self._add(Span("step", step.name, step.at, step.at + step.duration))
            case events.SlotRecycled() as event:
                self._add(Span("clones", "clones", at - event.duration, at, slot))
            case events.WorkerStarted() as event:
                self._mark(f"worker started (pid {event.pid})", at, slot)
            case events.WorkerStopped() as event:
                self._mark(f"worker ended (pid {event.pid})", at, slot)
                self._end_unit(slot, at)
            case events.WorkerLost() as event:
                self._mark(f"worker lost (pid {event.pid})", at, slot)
                self._end_unit(slot, at)
            case events.RunAborted(is_echo=False) as event:
                self._mark(one_line(event.message), at, 0)

    def times(self) -> Times:
        """The times so far; what is open ends with the last event. To be called again after further events."""
        known = self._times
        spans = list(known.spans)
        spans += [Span("phase", name, start, known.ended) for name, start in self._open_phases.items()]
        for kind, opened in (("unit", self._open_units), ("fixture", self._open_fixtures)):
            spans += [Span(kind, name, start, known.ended, slot) for slot, (name, start) in opened.items()]  # type: ignore[arg-type]  # kind is a literal
        return Times(spans, known.began, known.ended, known.first_test, known.last_test, known.left_out)

    def _end_unit(self, slot: int, at: float) -> None:
        self._end_fixture(slot, at)
        if opened := self._open_units.pop(slot, None):
            self._add_bounded(Span("unit", opened[0], opened[1], at, slot))

    def _end_fixture(self, slot: int, at: float) -> None:
        opened = self._open_fixtures.pop(slot, None)
        if opened and at > opened[1]:  # else both events came together, and the times say nothing
            self._add_bounded(Span("fixture", opened[0], opened[1], at, slot))

    def _mark(self, name: str, at: float, slot: int) -> None:
        self._add(Span("mark", name, at, at, slot))

    def _add_bounded(self, span: Span) -> None:
        if len(self._times.spans) < UNITS:
            self._add(span)
        else:
            self._times.left_out += 1

    def _add(self, span: Span) -> None:
        self._times.spans.append(span)


def _server(event: events.ServerReady) -> tuple[tuple[str, str], ...]:
    role = f"replica of {event.primary}" if event.primary else event.role
    return (("role", role), ("engine", f"{event.engine} {event.version}"), ("image", event.image))
