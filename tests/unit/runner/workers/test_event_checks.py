"""The events of a worker that are believed: all of an honest worker's, and none about a test that it was not given."""

import pytest

from harness.protocol import codec
from harness.protocol.events import AttemptFinished, Failure, Outcome, PlannedTest
from harness.runner.workers.event_checks import EventChecks

TESTS = ("app.T.test_1", "app.T.test_2")
FAILURE = Failure("error", "ValueError", "no", "Traceback")


def recycled():
    return {"type": "SlotRecycled", "duration": 0.1}


def fixture(name="setUpClass", owner="app.T"):
    return {"type": "FixtureStarted", "test": f"{owner}.{name}"}


def began(test=TESTS[0], n=1):
    return {"type": "AttemptStarted", "test": test, **({} if n == 1 else {"n": n})}


def ended(test=TESTS[0], outcome="PASSED", n=1, **fields):
    return {"type": "AttemptFinished", "test": test, "n": n, "outcome": outcome, "duration": 0.1, **fields}


def fixture_failed(test="app.T.setUpClass", outcome=Outcome.ERRORED, **fields):
    extra = PlannedTest(test, "app.T", "setUpClass")
    return codec.peek(
        codec.encode_body(AttemptFinished(test, 1, outcome, 0.1, (FAILURE,), extra=extra, **fields)).encode()
    )


def done(unit="app.T"):
    return {"type": "UnitFinished", "unit": unit}


@pytest.fixture
def claims():
    """The claims of a worker that has begun, and was given two tests."""
    claims = EventChecks()
    assert claims.fits(recycled())
    claims.assign("app.T", TESTS, 1, ("app.T", "app"))
    return claims


def test_an_honest_worker_is_believed_to_its_end(claims) -> None:
    said = [
        fixture("setUpModule", "app"),
        fixture(),
        began(),
        ended(),
        began(TESTS[1]),
        ended(TESTS[1], "FAILED", failures=[codec.to_plain(FAILURE)], stdout="printed"),
        fixture("tearDownClass"),
        {"type": "Notice", "code": "soiled", "text": "app.T leaves rows"},
        done(),
        {"type": "QueriesCounted", "queries": []},
    ]
    assert [event for event in said if not claims.fits(event)] == []


def test_a_class_that_cannot_be_set_up_leaves_its_tests_out(claims) -> None:
    said = [fixture(), fixture_failed(), ended(outcome="NOT_RUN"), ended(TESTS[1], "SKIPPED"), done()]
    assert [event for event in said if not claims.fits(event)] == []


def test_a_worker_that_is_told_to_stop_leaves_the_rest_unsaid(claims) -> None:
    assert claims.fits(began())
    assert claims.fits(ended())
    assert claims.fits(done())


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
def test_between_two_tests_nothing_else_fits(claims, event) -> None:
    assert not claims.fits(event)


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
def test_while_a_test_runs_only_its_end_fits(claims, event) -> None:
    assert claims.fits(began())
    assert not claims.fits(event)
    assert claims.fits(ended())


def test_nothing_fits_before_the_clones_are_made_but_an_abort() -> None:
    for event in (began(), fixture(), ended(), done(), {"type": "Notice", "code": "soiled", "text": ""}):
        assert not EventChecks().fits(event)
    assert EventChecks().fits({"type": "RunAborted", "exit_code": 4, "message": "init_worker failed"})


def failed(fault="harness"):
    return {"type": "WorkerFailed", "fault": fault, "message": "KeyError: 1", "traceback": "Traceback"}


@pytest.mark.parametrize("is_running", [False, True])
def test_a_worker_may_say_at_any_time_that_it_fails_and_nothing_after_that(claims, is_running: bool) -> None:
    assert not is_running or claims.fits(began())
    assert claims.fits(failed())
    assert not any(map(claims.fits, (failed(), began(), ended(), recycled(), fixture("tearDownClass"), done())))


def test_a_worker_blames_the_project_or_the_harness_and_nobody_else(claims) -> None:
    assert not claims.fits(failed("somebody"))
