"""The journal of a worker that dies: wherever its lines end, the tests that passed and the one that runs are told apart."""

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.protocol import codec
from harness.protocol.events import (
    AttemptFinished,
    AttemptsPassed,
    AttemptStarted,
    Envelope,
    RunPlanned,
    UnitStarted,
    WorkerLost,
    WorkerStarted,
)
from harness.protocol.results import Outcome, PlannedTest
from harness.report.model import ledger
from harness.runner.workers import short_lines
from harness.runner.workers.event_checks import EventChecks
from harness.runner.workers.short_lines import Accepted

IDS = [f"app.T.test_{number}" for number in range(6)]
PLAN = RunPlanned(tuple(PlannedTest(id, "app.T", id.rpartition(".")[2]) for id in IDS), 1)


class Written:
    """A journal in memory."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.write(PLAN)
        self.write(WorkerStarted(7))
        self.write(UnitStarted("app.T", tuple(IDS)))

    def write(self, event: Any) -> None:
        self.envelopes.append(Envelope(1, len(self.envelopes) + 1, 9.0, 1, event))

    def forward(self, stamped: Sequence[tuple[bytes, int, Iterable[str]]]) -> None:
        for body, slot, flags in stamped:
            self.envelopes.append(codec.decode(codec.stamp(body, len(self.envelopes) + 1, 9.0, slot, flags)))


def read(journal: Written, checks: EventChecks, lines: list[bytes]) -> None:
    """Take *lines* as the coordinator does."""
    accepted, at = Accepted(journal, 1), 0  # type: ignore[arg-type]  # it only forwards
    while at < len(lines):
        stretch = checks.stretch(lines, at)
        if stretch.end > at:
            if stretch.tests:
                accepted.add_passed(stretch, is_final=True)
            if stretch.begun:
                accepted.begin(stretch.begun, stretch.n)
            at = stretch.end
        else:
            event = codec.peek(lines[at])
            assert checks.fits(event)
            accepted.add(lines[at], event, is_final=True)
            at += 1
    accepted.write()


@given(st.lists(st.booleans(), min_size=6, max_size=6), st.integers(0, 12), st.lists(st.integers(1, 12), max_size=6))
def test_a_death_at_any_line_is_told_truly(are_short: list[bool], sent: int, sizes: list[int]) -> None:
    journal, checks = Written(), EventChecks()
    assert checks.fits({"type": "SlotRecycled", "duration": 0.1})
    checks.assign("app.T", IDS, 1, [])
    lines: list[bytes] = []
    for place, is_short in enumerate(are_short):
        failed = codec.encode_body(AttemptFinished(IDS[place], 1, Outcome.FAILED, 0.1)).encode()
        lines += [short_lines.begun(place), short_lines.passed(place, 0.1) if is_short else failed]
    lines = lines[:sent]
    at = 0
    for size in [*sizes, len(lines)]:
        read(journal, checks, lines[at : at + size])
        at += size
    running = IDS[sent // 2] if sent % 2 else None
    begun = [each.event.test for each in journal.envelopes if isinstance(each.event, AttemptStarted)]
    assert running is None or begun[-1] == running
    journal.write(WorkerLost(7, None, "SIGKILL", running))
    cases = ledger.fold(journal.envelopes).cases
    expected = [Outcome.PASSED if is_short else Outcome.FAILED for is_short in are_short[: sent // 2]]
    expected += [Outcome.CRASHED] if running else []
    assert [case.outcome for case in cases] == expected + [Outcome.NOT_RUN] * (6 - len(expected))


def test_several_that_passed_in_one_chunk_are_one_event() -> None:
    journal, checks = Written(), EventChecks()
    assert checks.fits({"type": "SlotRecycled", "duration": 0.1})
    checks.assign("app.T", IDS, 1, [])
    read(journal, checks, [b"b0\n", b"p0 41\n", b"b1\n"])
    read(journal, checks, [b"p1 5\n", b"b2\n", b"p2 6\n", b"b3\n"])
    read(journal, checks, [b"p3 1000000\n"])
    assert [each.event for each in journal.envelopes[3:]] == [
        AttemptFinished(IDS[0], 1, Outcome.PASSED, 0.000041, final=True, at_once=True),
        AttemptStarted(IDS[1]),
        AttemptsPassed((IDS[1], IDS[2]), (0.000005, 0.000006), final=True),
        AttemptStarted(IDS[3]),
        AttemptFinished(IDS[3], 1, Outcome.PASSED, 1.0, final=True),
    ]
