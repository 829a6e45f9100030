import math
from dataclasses import replace

import pytest

from harness.protocol.events import (
    AttemptFinished,
    AttemptStarted,
    Envelope,
    Event,
    FixtureStarted,
    PhaseFinished,
    PhaseStarted,
    RunPlanned,
    RunStarted,
    ServerReady,
    SlotRecycled,
    TemplateTimed,
    UnitFinished,
    UnitStarted,
    WorkerLost,
    WorkerStarted,
)
from harness.protocol.results import Outcome, PlannedTest, Statement, TimedStep
from harness.report.formats import trace
from harness.report.model import ledger, times
from harness.report.model.run_report import RunReport
from tests.golden.journals import JOURNALS
from tests.trace_check import Trace

UNIT = "shop.tests.OrderTests"


def at(seconds: float, event: Event, slot: int = 0) -> Envelope:
    return Envelope(1, 0, 1000.0 + seconds, slot, event)


def report(*envelopes: Envelope) -> RunReport:
    return folded(0.5, "postgres-17", *envelopes)


def folded(start: float, backend: str, *envelopes: Envelope) -> RunReport:
    """The report of a run with these events, whose tests are all planned."""
    begun = [envelope.event.test for envelope in envelopes if isinstance(envelope.event, AttemptStarted)]
    tests = tuple(PlannedTest(test, UNIT, test.rpartition(".")[2]) for test in dict.fromkeys(begun))
    planned = [at(start, RunPlanned(tests, 2))] if tests else []
    return ledger.fold([at(start, RunStarted(backend)), *planned, *envelopes])


def trace_of(*envelopes: Envelope) -> Trace:
    return Trace(trace.build([("postgres-17", report(*envelopes))]))


def attempt(start: float, end: float, name: str = "test_a", slot: int = 1, **more: object) -> list[Envelope]:
    fields: dict[str, object] = {"outcome": Outcome.PASSED, "duration": end - start, "final": True, **more}
    test = f"{UNIT}.{name}"
    return [
        at(start, AttemptStarted(test), slot),
        at(end, AttemptFinished(test, 1, **fields), slot),  # type: ignore[arg-type]  # the keywords are the callee's fields
    ]


@pytest.mark.parametrize("name", JOURNALS)
def test_every_journal_gives_a_valid_trace(name: str) -> None:
    envelopes = JOURNALS[name]().envelopes
    made = Trace(trace.build([(name, ledger.fold(envelopes))]))
    assert made.processes == [name]
    for end in range(0, len(envelopes), 7):  # and so does any beginning of it
        Trace(trace.build([(name, ledger.fold(envelopes[:end]))]))


class TestTracks:
    def test_a_run_without_an_event_is_a_trace(self) -> None:
        assert trace_of().spans == {}

    def test_the_command_begins_before_its_first_event(self) -> None:
        made = trace_of(at(0.5, PhaseFinished("start", 0.5)))
        ((track, (start,)),) = made.spans.items()
        assert track == ("postgres-17", "command")
        assert (start["ts"], start["dur"]) == (0, 500_000)

    def test_each_server_has_a_track_with_its_role(self) -> None:
        made = trace_of(
            at(1.0, PhaseStarted("servers")),
            at(1.8, ServerReady("default", "postgres", "17.4", "primary", None, "image", 0.7)),
            at(1.9, ServerReady("replica", "postgres", "17.4", "replica", "default", "image", 0.8)),
            at(1.9, PhaseFinished("servers", 0.9)),
        )
        assert [track for _, track in made.spans] == [
            "servers",
            "server default (primary)",
            "server replica (replica of default)",
        ]
        (replica,) = made.spans["postgres-17", "server replica (replica of default)"]
        assert replica["args"] == {"role": "replica of default", "engine": "postgres 17.4", "image": "image"}

    def test_migrations_are_within_their_database(self) -> None:
        made = trace_of(
            at(1.0, PhaseStarted("template")),
            at(
                3.0,
                TemplateTimed(
                    (
                        TimedStep("default: shop.0001_initial", 1001.2, 0.3),
                        TimedStep("default: shop.0002_prices", 1001.5, 0.4),
                        TimedStep("default: database", 1001.1, 1.0),
                    )
                ),
            ),
            at(3.0, PhaseFinished("template", 2.0)),
        )
        second = made.of("step")[2]
        assert second["name"] == "default: shop.0002_prices"
        assert made.around(second) == ["template", "default: database"]

    def test_a_test_is_within_its_unit_and_its_statements_within_it(self) -> None:
        sql = (Statement(0.1, "default", "primary", "SELECT 1 FROM shop", 0.05, error="no such table"),)
        made = trace_of(
            at(1.0, WorkerStarted(7), 1),
            at(1.4, SlotRecycled(0.3), 1),
            at(1.5, UnitStarted(UNIT, ()), 1),
            at(1.6, FixtureStarted(f"{UNIT}.setUpClass"), 1),
            *attempt(1.7, 2.0, outcome=Outcome.FAILED, sql=sql),
            at(2.2, UnitFinished(UNIT), 1),
        )
        assert [event["cat"] for event in made.spans["postgres-17", "slot 1"]] == [
            *("clones", "unit", "fixture", "test", "query"),
        ]
        (query,) = made.of("query")
        assert made.around(query) == [UNIT, "test_a"]
        assert query["name"] == "default: SELECT"
        assert query["args"] == {
            "alias": "default",
            "role": "primary",
            "seconds": 0.05,
            "sql": "SELECT 1 FROM shop",
            "error": "no such table",
        }
        assert made.marks == ["worker started (pid 7)"]

    def test_each_slot_has_a_track(self) -> None:
        made = trace_of(*attempt(1.0, 2.0), *attempt(1.0, 1.5, "test_b", slot=2))
        assert [track for _, track in made.spans] == ["slot 1", "slot 2"]

    def test_a_worker_that_was_lost_is_marked(self) -> None:
        made = trace_of(at(1.0, UnitStarted(UNIT, ()), 1), at(2.0, WorkerLost(7, None, "SIGKILL", None), 1))
        assert made.marks == ["worker lost (pid 7)"]
        assert [unit["dur"] for unit in made.of("unit")] == [1_000_000]


class TestClocks:
    def test_a_test_whose_events_came_together_has_its_duration(self) -> None:
        test = f"{UNIT}.test_a"
        made = trace_of(
            at(1.0, UnitStarted(UNIT, ()), 1),
            at(1.5, AttemptStarted(test), 1),
            at(1.5, AttemptFinished(test, 1, Outcome.PASSED, 0.2, final=True), 1),
            at(1.6, UnitFinished(UNIT), 1),
        )
        (test_event,) = made.of("test")
        assert (test_event["ts"], test_event["dur"]) == (800_000, 200_000)

    def test_tests_that_overlap_are_cut(self) -> None:
        made = trace_of(*attempt(1.0, 2.0), *attempt(1.9, 3.0, "test_b"))
        first, second = made.of("test")
        assert first["ts"] + first["dur"] == second["ts"]
        assert first["args"]["seconds"] == 1.0

    @pytest.mark.parametrize("duration", [1e12, math.inf, math.nan, -1.0])
    def test_a_duration_that_no_test_has_spoils_nothing(self, duration: float) -> None:
        made = trace_of(
            at(1.0, UnitStarted(UNIT, ()), 1), *attempt(1.1, 1.2, duration=duration), at(1.3, UnitFinished(UNIT), 1)
        )
        assert made.names("test") == ["test_a"]

    @pytest.mark.parametrize("duration", [1e12, math.inf, math.nan])
    def test_a_slot_that_lies_about_its_clones_spoils_nothing(self, duration: float) -> None:
        trace_of(at(1.0, SlotRecycled(duration), 1))


class TestLimits:
    def test_more_tests_than_the_limit_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trace, "TESTS", 2)
        made = trace_of(*(event for number in range(5) for event in attempt(number, number + 0.5, f"test_{number}")))
        assert len(made.of("test")) == 2
        assert made.marks == ["left out: 3 tests"]

    def test_more_statements_than_the_limit_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trace, "STATEMENTS", 3)
        sql = tuple(Statement(number / 100, "default", "primary", "SELECT 1", 0.001) for number in range(10))
        made = trace_of(*attempt(1.0, 2.0, outcome=Outcome.FAILED, sql=sql))
        assert len(made.of("query")) == 3
        assert made.marks == ["left out: 7 statements"]

    def test_more_units_than_the_limit_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(times, "UNITS", 1)
        units = [(at(1.0, UnitStarted(UNIT, ()), 1), at(2.0, UnitFinished(UNIT), 1)) for _ in range(3)]
        made = trace_of(*(event for unit in units for event in unit))
        assert len(made.of("unit")) == 1
        assert made.marks == ["left out: 2 units"]

    def test_ten_thousand_tests_take_a_few_megabytes(self) -> None:
        test = PlannedTest(f"{UNIT}.test_a", UNIT, "test_a", "shop/tests.py", 10)
        events = [event for number in range(10_000) for event in attempt(number, number + 0.5, f"test_{number}")]
        found = report(*events)
        found.cases = tuple(replace(case, test=replace(test, id=case.test.id)) for case in found.cases)
        assert len(trace.build([("sqlite", found)])) < 4_000_000

    def test_a_long_statement_is_cut(self) -> None:
        sql = (Statement(0.0, "default", "primary", f"SELECT {'x' * 20_000}", 0.001),)
        (query,) = trace_of(*attempt(1.0, 2.0, outcome=Outcome.FAILED, sql=sql)).of("query")
        assert len(query["args"]["sql"]) == trace.SQL_CHARACTERS


def test_each_backend_is_a_process_on_the_same_clock() -> None:
    first, second = report(*attempt(1.0, 2.0)), folded(3.0, "sqlite", *attempt(4.0, 5.0))
    made = Trace(trace.build([("postgres-17", first), ("sqlite", second)]))
    assert made.processes == ["postgres-17", "sqlite"]
    assert [event["ts"] for event in made.of("test")] == [500_000, 3_500_000]
