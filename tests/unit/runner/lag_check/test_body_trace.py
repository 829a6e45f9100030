"""The statements of a body: which reads wait, and which write a read may have missed."""

from __future__ import annotations

from typing import Any

import pytest

from harness.protocol.results import Failure, Frame, Statement
from harness.runner.lag_check.body_trace import BodyTrace
from harness.runner.lag_check.checking_runner import judged
from harness.runner.lag_check.examination import ALL_WAIT, NONE_WAITS, Judgement, Trial

MIRRORS = {"replica": "default", "far": "other"}
ITEMS, SALES = 'SELECT 1 FROM "item"', 'SELECT 1 FROM "sale"'
SAVE_ITEM, SAVE_SALE = 'INSERT INTO "item" VALUES (1)', 'INSERT INTO "sale" VALUES (1)'
FAILURE = Failure("failure", "AssertionError", "0 != 1", "")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


class Body:
    """A body whose statements take no time, a second after each other. Each write is sent by the line of its number."""

    def __init__(self, clock: Clock, trial: Trial = NONE_WAITS) -> None:
        self.clock, self.line = clock, 0
        self.trace = BodyTrace(MIRRORS, self._place, lambda alias: f"using({alias!r})", render)
        self.trace.begin(trial)

    def _place(self) -> Frame:
        self.line += 1
        return Frame("shop/views.py", self.line, "view")

    def send(self, alias: str, sql: str) -> None:
        self.clock.now += 1
        self.trace.note((None, alias, "primary", sql, False, (), True, self.clock.now, 0.0, ""))

    def read(self, alias: str, sql: str, waits_s: float = 0.0) -> bool:
        self.clock.now += 1
        start = self.clock.now
        if waits := self.trace.read_begins(alias):
            self.clock.now += waits_s
            self.trace.read_waited()
        self.trace.note((None, alias, "replica", sql, False, (), True, start, 0.0, ""))
        return waits


def render(entry: tuple[Any, ...]) -> Statement:
    return Statement(0.0, entry[1], entry[2], entry[3], 0.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("harness.runner.lag_check.body_trace.unpatched.time", clock)
    return clock


@pytest.mark.parametrize(
    ("trial", "waits"), [(NONE_WAITS, [False, False]), (ALL_WAIT, [True, True]), (Trial(1), [False, True])]
)
def test_reads_wait_from_a_number_on(clock: Clock, trial: Trial, waits: list[bool]) -> None:
    body = Body(clock, trial)
    with body.trace.body():
        assert [body.read("replica", ITEMS), body.read("far", ITEMS)] == waits


def test_replicas_catch_up_at_once_but_for_the_measured_read(clock: Clock) -> None:
    body = Body(clock, Trial(1, is_measured=True))
    with body.trace.body():
        prompt = []
        for _ in range(3):
            body.trace.read_begins("replica")
            prompt.append(body.trace.is_prompt)
    assert prompt == [True, False, True]
    body.trace.begin(ALL_WAIT)
    with body.trace.body():
        body.trace.read_begins("replica")
        assert body.trace.is_prompt


def test_candidates_come_after_a_write_to_their_database(clock: Clock) -> None:
    body = Body(clock)
    body.send("default", SAVE_ITEM)  # before the body
    with body.trace.body():
        body.read("replica", ITEMS)
        body.send("default", ITEMS)
        body.send("default", SAVE_SALE)
        body.read("replica", ITEMS)
        body.read("far", ITEMS)
    assert body.trace.candidates() == [1]


def test_without_a_write_every_read_is_a_candidate(clock: Clock) -> None:
    body = Body(clock)
    with body.trace.body():
        body.read("replica", ITEMS)
        body.read("replica", ITEMS)
    assert body.trace.candidates() == [0, 1]


def test_a_bug_has_the_last_write_to_the_table_of_its_read(clock: Clock) -> None:
    body = Body(clock, ALL_WAIT)
    with body.trace.body():
        body.send("default", SAVE_ITEM)
        body.send("default", SAVE_ITEM)
        body.send("default", SAVE_SALE)
        body.read("replica", ITEMS, waits_s=0.5)
        body.send("default", SAVE_ITEM)
    bug = judged("t", Judgement("bug", 0), body.trace, FAILURE).bug
    assert bug is not None
    assert bug.write is not None
    assert (bug.read.sql, bug.read.at, bug.read.route) == (ITEMS, 4.0, "using('replica')")
    assert (bug.write.sql, bug.write.at, bug.write.frame) == (SAVE_ITEM, 2.0, Frame("shop/views.py", 2, "view"))
    assert (bug.arrived_s, bug.failure) == (2.5, FAILURE)


def test_a_write_to_another_table_if_none_is_to_the_same(clock: Clock) -> None:
    body = Body(clock)
    with body.trace.body():
        body.send("default", SAVE_SALE)
        body.read("replica", ITEMS)
    (read,) = body.trace.reads
    assert body.trace.missed_by(read) is body.trace.writes[0]


@pytest.mark.parametrize(("number", "waits_s"), [(0, 0.0), (1, 0.5)])
def test_a_read_that_is_not_late_or_not_there_is_no_bug(clock: Clock, number: int, waits_s: float) -> None:
    body = Body(clock, ALL_WAIT)
    with body.trace.body():
        body.read("replica", ITEMS, waits_s)
    assert judged("t", Judgement("bug", number), body.trace, None).verdict == "unstable"


def test_a_read_outside_of_the_body_waits_and_is_not_noted(clock: Clock) -> None:
    body = Body(clock)
    assert body.read("replica", ITEMS)
    with body.trace.body():
        body.read("replica", ITEMS)
    assert body.read("replica", ITEMS)
    assert not body.trace.is_prompt
    assert len(body.trace.reads) == 1


def test_a_new_body_forgets_the_last_one(clock: Clock) -> None:
    body = Body(clock)
    for _ in range(2):
        with body.trace.body():
            body.send("default", SAVE_ITEM)
            body.read("replica", ITEMS)
    assert (len(body.trace.reads), len(body.trace.writes)) == (1, 1)
