"""The deadlines of tests and workers."""

from typing import Any

import pytest

from harness.runner.schedule.commands import (
    Blame,
    Examine,
    Finish,
    Halt,
    Kill,
    LeaveOut,
    ReportSlow,
    Retire,
    Spawn,
    Terminate,
)
from harness.runner.schedule.slots import EXAMINE_S, RETIRE_S, SLOW_S, START_S, TERM_S, Limits
from tests.unit.runner.schedule.driver import PASSED, TIMED_OUT, TIMEOUT_S, Driver, assign


class TestTestLimit:
    def test_a_slow_test_is_reported_at_doubling_intervals(self) -> None:
        driver = Driver(1)
        driver.start()
        driver.begin("t0")
        assert driver.tick(SLOW_S) == []
        assert driver.tick(1) == [ReportSlow(1, "t0", 1, SLOW_S + 1)]
        assert driver.tick(1) == []
        assert driver.tick(SLOW_S) == [ReportSlow(1, "t0", 1, 2 * SLOW_S + 2)]

    def test_a_late_test_is_examined_then_terminated_then_killed(self) -> None:
        driver = Driver(2)
        driver.start()
        driver.begin("t0")
        assert [type(command) for command in driver.tick(TIMEOUT_S)] == [ReportSlow]
        assert driver.tick(0.1) == [Examine(1)]
        assert driver.tick(EXAMINE_S) == []
        assert driver.tick(0.1) == [Terminate(1)]
        assert driver.tick(TERM_S) == []
        assert driver.tick(0.1) == [Kill(1)]
        elapsed: Any = pytest.approx(TIMEOUT_S + EXAMINE_S + TERM_S + 0.3)
        blame = Blame(1, "t0", 1, TIMED_OUT, elapsed, is_fixture=False, is_final=True, why="timed out after 60 s")
        assert driver.gone() == [blame, Spawn(1)]
        assert driver.ready() == [assign(0, 1)]

    def test_a_worker_that_ends_on_SIGTERM_is_not_killed(self) -> None:
        driver = Driver(2)
        driver.start()
        driver.begin("t0")
        driver.tick(TIMEOUT_S + 1)
        assert driver.tick(EXAMINE_S + 1) == [Terminate(1)]
        assert [type(command) for command in driver.gone()] == [Blame, Spawn]
        driver.ready()
        driver.begin("t1")
        assert driver.tick(TERM_S + 1) == []

    def test_a_test_and_a_fixture_may_have_limits_of_their_own(self) -> None:
        driver = Driver(2, limits=Limits(TIMEOUT_S, {"t0": 5.0, "shop.T.setUpClass": 100.0}))
        driver.start()
        driver.begin_fixture("shop.T.setUpClass")
        assert Examine(1) not in driver.tick(TIMEOUT_S + 1)
        driver.begin("t0")
        assert driver.tick(6) == [Examine(1)]
        driver.end("t0")
        driver.begin("t1")
        assert Examine(1) not in driver.tick(6)

    def test_a_limit_may_be_that_of_the_call_alone(self) -> None:
        driver = Driver(2, limits=Limits(TIMEOUT_S, {"t0": 5.0}, calls=frozenset({"t0"})))
        driver.start()
        driver.begin("t0")
        assert driver.tick(50) == [ReportSlow(1, "t0", 1, 50.0)]
        driver.schedule.phase_began(1, driver.now, is_call=True)
        assert driver.tick(4) == []
        driver.schedule.phase_began(1, driver.now, is_call=False)
        assert Examine(1) not in driver.tick(30)
        driver.schedule.phase_began(1, driver.now, is_call=True)
        assert driver.tick(6) == [Examine(1)]

    def test_a_worker_cannot_move_another_limit(self) -> None:
        driver = Driver(1)
        driver.start()
        driver.begin("t0")
        driver.tick(TIMEOUT_S - 1)
        driver.schedule.phase_began(1, driver.now, is_call=True)
        assert driver.tick(2) == [Examine(1)]

    def test_a_late_fixture_leaves_its_class_out(self) -> None:
        driver = Driver(2)
        driver.start()
        driver.begin_fixture("shop.T.setUpClass")
        driver.tick(TIMEOUT_S + 1)
        driver.tick(EXAMINE_S + 1)
        blame, (left_out, finish) = driver.blamed()
        assert (blame.outcome, blame.is_fixture) == (TIMED_OUT, True)
        assert (left_out, finish) == (LeaveOut((0, 1), "setUpClass timed out"), Finish())

    def test_a_test_that_ends_after_its_limit_has_timed_out(self) -> None:
        driver = Driver(2, retries=1)
        driver.start()
        driver.begin("t0")
        assert not driver.schedule.is_decided(1)
        assert driver.tick(TIMEOUT_S + 1) == [Examine(1)]
        assert driver.schedule.is_decided(1)
        blame, (spawn,) = driver.blamed()
        assert (blame.test, blame.outcome, blame.is_final, spawn) == ("t0", TIMED_OUT, False, Spawn(1))
        assert not driver.schedule.is_decided(1)
        assert driver.ready() == [assign(0, 1)]

    def test_a_fixture_that_ends_late_leaves_its_class_out(self) -> None:
        driver = Driver(1, maxfail=1)
        driver.start()
        driver.begin_fixture("shop.T.setUpClass")
        assert driver.tick(TIMEOUT_S + 1) == [Examine(1)]
        blame, (left_out, *_) = driver.blamed()
        assert (blame.test, blame.outcome) == ("shop.T.setUpClass", TIMED_OUT)
        assert left_out == LeaveOut((0,), "setUpClass timed out")

    def test_a_test_is_blamed_though_its_worker_is_killed_twice(self) -> None:
        driver = Driver(1)
        driver.start()
        driver.begin("t0")
        driver.tick(TIMEOUT_S + 1)
        assert driver.tick(EXAMINE_S + 1) == [Terminate(1)]
        assert driver.tick(TERM_S + 1) == [Kill(1)]
        assert driver.tick(1) == [Kill(1)]
        assert driver.blamed()[0].outcome is TIMED_OUT

    def test_the_time_of_a_test_starts_with_it(self) -> None:
        driver = Driver(2)
        driver.start()
        for test in ("t0", "t1"):
            driver.now += TIMEOUT_S - 1
            driver.begin(test)
            driver.tick(1)
            driver.end(test)
        assert driver.finals == {"t0": PASSED, "t1": PASSED}


class TestWorkerLimits:
    def test_a_worker_that_does_not_start_in_time_is_ended(self) -> None:
        driver = Driver(1)
        driver.schedule.start(0.0)
        assert driver.tick(START_S) == []
        assert driver.tick(1) == [Examine(1)]
        assert driver.tick(EXAMINE_S + 1) == [Terminate(1)]
        assert driver.tick(TERM_S + 1) == [Kill(1)]
        assert driver.gone() == [Spawn(1)]

    def test_a_worker_stuck_between_tests_is_killed(self) -> None:
        driver = Driver(2)
        driver.start()
        driver.run("t0")
        assert driver.tick(START_S) == []
        assert driver.tick(1) == [Examine(1)]
        assert driver.tick(EXAMINE_S + 1) == [Terminate(1)]
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 1)]

    @pytest.mark.parametrize(("timeout_s", "patience"), [(1000.0, RETIRE_S), (2.0, 2.0)])
    def test_a_worker_that_does_not_retire_in_time_is_killed(self, timeout_s: float, patience: float) -> None:
        driver = Driver(1, limits=Limits(timeout_s))
        driver.start()
        driver.run("t0")
        assert driver.done() == [Retire(1)]
        assert driver.tick(patience) == []
        assert driver.tick(0.1) == [Examine(1)]
        assert driver.tick(EXAMINE_S + 1) == [Terminate(1)]
        assert driver.tick(TERM_S + 1) == [Kill(1)]
        assert driver.gone() == [Finish()]

    def test_the_end_of_the_runs_time_ends_every_worker(self) -> None:
        driver = Driver(1, 2, 1, workers=2, limits=Limits(TIMEOUT_S, run_s=50.0))
        driver.start()
        driver.begin("t0", slot=1)
        driver.run("t1", slot=2)  # between two tests when the time is over
        assert [type(command) for command in driver.tick(50)] == [ReportSlow]
        assert driver.tick(1) == [Halt("the run's 50 s are over"), Examine(1), Kill(2)]
        assert driver.schedule.is_decided(2)  # a test that begins before the signal comes does not count
        assert driver.tick(1) == []
        assert driver.gone(2) == []
        assert driver.tick(EXAMINE_S + 1) == [Terminate(1)]
        blame, (finish,) = driver.blamed(1)
        assert (blame.test, blame.outcome, blame.why) == ("t0", TIMED_OUT, "timed out: the run's 50 s are over")
        assert finish == Finish()
        assert driver.schedule.left_over() == ((2, 3), "the run's 50 s are over")
