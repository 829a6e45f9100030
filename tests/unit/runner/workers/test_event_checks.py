"""The events that are accepted: all of an honest worker's, and none about a test that it was not assigned."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol import codec
from harness.protocol.events import AttemptFinished
from harness.protocol.results import Failure, Outcome, PlannedTest
from harness.runner.schedule.units import FIXTURES
from harness.runner.workers import short_lines
from harness.runner.workers.event_checks import EventChecks
from harness.runner.workers.short_lines import Stretch

TESTS = ("app.T.test_1", "app.T.test_2")
Event = dict[str, Any]
FAILURE = Failure("error", "ValueError", "no", "Traceback")


def recycled() -> Event:
    return {"type": "SlotRecycled", "duration": 0.1}


def fixture(name: str = "setUpClass", owner: str = "app.T") -> Event:
    return {"type": "FixtureStarted", "test": f"{owner}.{name}"}


def began(test: str = TESTS[0], n: int = 1) -> Event:
    return {"type": "AttemptStarted", "test": test, **({} if n == 1 else {"n": n})}


def ended(test: str = TESTS[0], outcome: object = "PASSED", n: int = 1, **fields: Any) -> Event:
    return {"type": "AttemptFinished", "test": test, "n": n, "outcome": outcome, "duration": 0.1, **fields}


def fixture_failed(test: str = "app.T.setUpClass", outcome: Outcome = Outcome.ERRORED) -> Event:
    extra = PlannedTest(test, "app.T", "setUpClass")
    return codec.peek(codec.encode_body(AttemptFinished(test, 1, outcome, 0.1, (FAILURE,), extra=extra)).encode())


def done(unit: str = "app.T") -> Event:
    return {"type": "UnitFinished", "unit": unit}


@pytest.fixture
def checks() -> EventChecks:
    """The checks of a worker that is ready and was assigned two tests."""
    checks = EventChecks()
    assert checks.fits(recycled())
    checks.assign("app.T", TESTS, 1, [f"{owner}.{name}" for owner in ("app.T", "app") for name in FIXTURES])
    return checks


def test_all_events_of_an_honest_worker_are_accepted(checks: EventChecks) -> None:
    sent = [
        fixture("setUpModule", "app"),
        fixture(),
        began(),
        {"type": "ReportsMade", "test": TESTS[0], "n": 1, "reports": "[]"},
        {"type": "SuitePropertyRecorded", "name": "arch", "value": "arm"},
        ended(properties=[{"name": "key", "value": "1"}], log="INFO"),
        began(TESTS[1]),
        ended(TESTS[1], "FAILED", failures=[codec.to_plain(FAILURE)], stdout="printed"),
        fixture("tearDownClass"),
        {"type": "Notice", "code": "soiled", "text": "app.T leaves rows"},
        {"type": "WarningsCounted", "warnings": [{"category": "UserWarning", "count": 1}]},
        done(),
        {"type": "PluginDataSent", "output": "{}"},
        {"type": "StatementsRouted", "aliases": []},
        {"type": "QueriesCounted", "queries": []},
    ]
    assert [event for event in sent if not checks.fits(event)] == []


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ReportsMade", "test": TESTS[1], "n": 1, "reports": "[]"},
        {"type": "ReportsMade", "test": TESTS[0], "n": 2, "reports": "[]"},
        {"type": "ReportsMade", "test": TESTS[0], "n": 1, "reports": [1]},
        {"type": "SuitePropertyRecorded", "name": "arch", "value": 1},
        {"type": "PluginDataSent", "output": "{}"},
        ended(log=1),
        ended(properties=[{"name": "key"}]),
        ended(attributes=["key"]),
    ],
)
def test_what_plugins_get_fits_the_running_test_alone(checks: EventChecks, event: Event) -> None:
    assert checks.fits(began())
    assert not checks.fits(event)


def test_late_reads_are_judged_in_a_check_alone(checks: EventChecks) -> None:
    judged = {"type": "LateReadJudged", "test": TESTS[0], "verdict": "pause"}
    assert not checks.fits(judged)
    checking = EventChecks(is_lag_checked=True)
    assert checking.fits({"type": "SlotRecycled", "duration": 0.1})
    checking.assign("app.T", TESTS, 1, ())
    assert checking.fits(judged)
    assert not checking.fits({**judged, "test": "app.Other.test"})
    assert not checking.fits({**judged, "verdict": 1})
    assert checking.fits(began())
    assert not checking.fits(judged)


def test_a_read_of_a_replica_is_that_of_an_assigned_test(checks: EventChecks) -> None:
    read = {"type": "ReplicaRead", "test": TESTS[0], "role": "replica"}
    assert checks.fits(began())
    assert not checks.fits(read)
    assert checks.fits(ended())
    assert checks.fits(read)
    assert not checks.fits({**read, "test": "app.Other.test"})


def test_the_phase_of_the_running_test_fits(checks: EventChecks) -> None:
    event = {"type": "AttemptPhase", "test": TESTS[0], "is_call": True}
    assert not checks.fits(event)
    assert checks.fits(began())
    assert checks.fits(event)
    assert checks.fits({"type": "AttemptPhase", "test": TESTS[0]})
    assert not checks.fits({**event, "test": TESTS[1]})
    assert not checks.fits({**event, "is_call": 1})
    assert not checks.fits(ended(outcome="FAILED", may_retry="no"))
    assert checks.fits(ended(outcome="FAILED", may_retry=False))


misfits = [
    b"\n",
    b"b\n",
    b"p0\n",
    b"b9\n",
    b"b-1\n",
    b"p0 -1\n",
    b"p0 9999999999999\n",
    b"p0 1 2\n",
    b"{}\n",
    b"\xff\n",
]
short = st.one_of(
    st.integers(0, 2).map(short_lines.begun),
    st.builds(short_lines.passed, st.integers(0, 2), st.floats(0, 9)),
    st.sampled_from(misfits),
)


class TestShortLines:
    def test_a_worker_may_send_them(self, checks: EventChecks) -> None:
        lines = [b"b0\n", b"p0 41\n", b"b1\n"]
        assert checks.stretch(lines, 0) == Stretch(3, TESTS[:1], [41], 1, False, TESTS[1])
        assert checks.stretch([b"p1 7\n", b"{}\n"], 0) == Stretch(1, TESTS[1:], [7], 1, True, "")
        assert checks.fits(done())

    def test_none_fits_before_the_clones_are_made(self) -> None:
        assert EventChecks().stretch([b"b0\n"], 0).end == 0

    @given(st.lists(short, max_size=8), st.integers(1, 4))
    def test_they_are_accepted_as_the_events_they_stand_for(self, lines: list[bytes], size: int) -> None:
        one, other = EventChecks(), EventChecks()
        for each in (one, other):
            assert each.fits(recycled())
            each.assign("app.T", TESTS, 1, [])
        expected = []
        for line in lines:
            event = codec.peek(one.as_event(line)) if line[:1] in b"bp" and one.as_event(line) != line else {}
            if not one.fits(event):
                break
            expected.append((event["type"], event["test"]))
        found, accepted = list[tuple[str, str]](), 0
        while accepted < len(lines):
            stretch = other.stretch(lines[: accepted + size], accepted)
            for test in stretch.tests:
                found += [("AttemptStarted", test), ("AttemptFinished", test)]
            found += [("AttemptStarted", stretch.begun)] if stretch.begun else []
            if stretch.end == accepted:
                break
            accepted = stretch.end
        assert accepted == len(expected)
        assert list(dict.fromkeys(found)) == list(dict.fromkeys(expected))


def test_a_class_that_cannot_be_set_up_leaves_its_tests_out(checks: EventChecks) -> None:
    sent = [fixture(), fixture_failed(), ended(outcome="NOT_RUN"), ended(TESTS[1], "SKIPPED"), done()]
    assert [event for event in sent if not checks.fits(event)] == []


def test_a_worker_may_stop_before_its_last_test(checks: EventChecks) -> None:
    assert checks.fits(began())
    assert checks.fits(ended())
    assert checks.fits(done())


@pytest.mark.parametrize(
    "event",
    [
        recycled(),
        fixture(owner="app.Other"),
        fixture("test_1"),
        began(TESTS[1]),
        began(n=2),
        began("other.T.test"),
        ended(),
        ended(TESTS[1], "SKIPPED"),
        ended(n=2, outcome="SKIPPED"),
        fixture_failed("app.Other.setUpClass"),
        fixture_failed(outcome=Outcome.PASSED),
        done("app.Other"),
        {"type": "QueriesCounted", "queries": []},
        {"type": "WarningsCounted", "warnings": 3},
        {"type": "Notice", "code": "halted", "text": "enough"},
        {"type": "RunAborted", "exit_code": 0, "message": "all is well"},
        {"type": "RunAborted", "exit_code": 70},
        {"type": "RunFinished", "failures": 0},
        {"type": ["a list"]},
        {"type": "AttemptStarted", "test": ["a list"]},
        {"type": "FixtureStarted", "test": ["a list"]},
        {},
    ],
)
def test_between_two_tests_nothing_else_fits(checks: EventChecks, event: Event) -> None:
    assert not checks.fits(event)


@pytest.mark.parametrize(
    "event",
    [
        fixture(),
        began(),
        began(TESTS[1]),
        ended(TESTS[1]),
        ended("app.Other.test"),
        ended(n=2),
        ended(outcome="TIMED_OUT"),
        ended(outcome="GREEN"),
        ended(outcome=[]),
        ended(final=True),
        ended(at_once=True),
        ended(slot=2),
        ended(duration=float("nan")),
        ended(duration="x"),
        ended(stdout=7),
        ended(subtests="x"),
        ended(failures=[{"kind": "error"}]),
        ended(failures=7),
        ended(sql=[1]),
        {"type": "AttemptFinished", "test": TESTS[0]},
        fixture_failed(),
        done(),
        {"type": "RunAborted", "exit_code": 3, "message": "a server is lost"},
    ],
)
def test_while_a_test_runs_only_its_end_fits(checks: EventChecks, event: Event) -> None:
    assert checks.fits(began())
    assert not checks.fits(event)
    assert checks.fits(ended())


def test_only_an_abort_fits_before_the_clones_are_made() -> None:
    for event in (began(), fixture(), ended(), done(), {"type": "Notice", "code": "soiled", "text": ""}):
        assert not EventChecks().fits(event)
    assert EventChecks().fits({"type": "RunAborted", "exit_code": 4, "message": "init_worker failed"})


def failed(fault: str = "harness") -> Event:
    return {"type": "WorkerFailed", "fault": fault, "message": "KeyError: 1", "traceback": "Traceback"}


@pytest.mark.parametrize("is_running", [False, True])
def test_a_worker_may_fail_at_any_time_and_send_no_more(checks: EventChecks, is_running: bool) -> None:
    assert not is_running or checks.fits(began())
    assert checks.fits(failed())
    assert not any(map(checks.fits, (failed(), began(), ended(), recycled(), fixture("tearDownClass"), done())))


def test_a_failure_is_of_the_project_or_the_harness(checks: EventChecks) -> None:
    assert not checks.fits(failed("other"))


class TestLastFixtures:
    """Fixtures that are torn down after their unit: before a test of the next one, or at the worker's end."""

    ID = "session::teardown"

    @pytest.fixture
    def checks(self) -> EventChecks:
        checks = EventChecks([self.ID])
        assert checks.fits(recycled())
        checks.assign("app.T", TESTS, 1, [])
        return checks

    @pytest.mark.parametrize("before", [[], [began(), ended()], [began(), ended(), done()]])
    def test_they_fit_wherever_no_test_runs(self, checks: EventChecks, before: list[Event]) -> None:
        assert all(checks.fits(event) for event in before)
        assert checks.fits({"type": "FixtureStarted", "test": self.ID})
        assert checks.fits(fixture_failed(self.ID))

    def test_they_do_not_fit_while_a_test_runs(self, checks: EventChecks) -> None:
        assert checks.fits(began())
        assert not checks.fits({"type": "FixtureStarted", "test": self.ID})
        assert not checks.fits(fixture_failed(self.ID))

    def test_another_fixture_does_not_fit(self, checks: EventChecks) -> None:
        assert not checks.fits({"type": "FixtureStarted", "test": "package::teardown"})


def test_a_request_to_the_host_fits_until_the_worker_has_failed() -> None:
    wanted = {"type": "ServerActionWanted", "request": "70.1", "action": "freeze", "server": "replica"}
    checks = EventChecks()
    assert checks.fits(wanted)
    assert checks.fits(recycled())
    assert checks.fits(wanted)
    assert not checks.fits({**wanted, "value": 1})
    assert checks.fits({"type": "WorkerFailed", "fault": "project", "message": "no"})
    assert not checks.fits(wanted)
