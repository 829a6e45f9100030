"""Who runs what next, told by hand: no process, no clock."""

import pytest

from harness.protocol.events import Outcome
from harness.runner.schedule import schedule
from harness.runner.schedule.commands import (
    Assign,
    Assignment,
    Blame,
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
from harness.runner.schedule.slots import EXAMINE_S, RETIRE_S, SLOW_S, START_S, TERM_S, Limits
from harness.runner.schedule.units import Unit

TIMEOUT_S = 60.0
LIMITS = Limits(TIMEOUT_S)
PASSED, FAILED, CRASHED, TIMED_OUT = Outcome.PASSED, Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT


class Told:
    """A schedule whose workers are played by hand: ``t0``, ``t1`` ... are the tests, in units of the sizes given."""

    def __init__(self, *sizes, workers=1, units=None, limits=LIMITS, **options) -> None:
        self.now = 0.0
        if units is None:
            starts = [sum(sizes[:number]) for number in range(len(sizes))]
            units = [
                Unit(f"U{number}", tuple(range(start, start + size)))
                for number, (start, size) in enumerate(zip(starts, sizes, strict=True))
            ]
        ids = [f"t{index}" for index in range(sum(len(unit.tests) for unit in units))]
        self.schedule = Schedule(units, ids, workers, limits=limits, **options)
        self.finals = {}

    def start(self):
        """Every worker sits down; what they are told."""
        spawned = self.schedule.start(self.now)
        assert spawned == [Spawn(slot) for slot in self.schedule.slots]
        return [command for slot in self.schedule.slots for command in self.ready(slot)]

    def ready(self, slot=1):
        return self.schedule.worker_is_ready(slot, self.now)

    def begin(self, test, slot=1) -> None:
        self.schedule.test_began(slot, test, self.now)

    def begin_fixture(self, test, slot=1) -> None:
        self.schedule.test_began(slot, test, self.now, is_fixture=True)

    def end(self, test, outcome=PASSED, slot=1, n=1):
        is_final, commands = self.schedule.test_finished(slot, test, n, outcome, self.now)
        if is_final and test.startswith("t"):
            assert test not in self.finals
            self.finals[test] = outcome
        return commands

    def run(self, *tests, outcome=PASSED, slot=1, n=1):
        """Each of *tests* begins and ends; what came of the last."""
        commands = []
        for test in tests:
            self.begin(test, slot)
            commands = self.end(test, outcome, slot, n)
        return commands

    def done(self, slot=1):
        return self.schedule.unit_finished(slot, self.now)

    def gone(self, slot=1):
        commands = self.schedule.worker_is_gone(slot, self.now)
        for command in commands:
            if isinstance(command, Blame) and command.is_final and not command.is_fixture:
                self.finals[command.test] = command.outcome
            if isinstance(command, LeaveOut):
                self.finals.update((f"t{index}", Outcome.NOT_RUN) for index in command.tests)
        return commands

    def tick(self, seconds=0.0):
        self.now += seconds
        return self.schedule.tick(self.now)


def assign(unit, *tests, slot=1, n=1):
    return Assign(slot, Assignment(unit, tests, n))


# an assignment on its way


@pytest.mark.parametrize("given", [Assignment(0, (0,)), Assignment(3, (1, 2, 5), 2)])
def test_an_assignment_crosses_to_the_worker_as_it_is(given) -> None:
    assert given.line().endswith(b"\n")
    assert Assignment.parse(given.line()) == given


# order


def test_units_are_handed_out_in_order_to_whoever_is_free() -> None:
    told = Told(1, 2, 1, workers=2)
    assert told.start() == [assign(0, 0, slot=1), assign(1, 1, 2, slot=2)]
    told.run("t1", "t2", slot=2)
    assert told.done(2) == [assign(2, 3, slot=2)]


def test_there_are_no_more_workers_than_units() -> None:
    assert Told(1, 1, workers=8).schedule.slots == (1, 2)


def test_a_run_ends_when_the_last_worker_has_gone() -> None:
    told = Told(1, 1, workers=2)
    told.start()
    told.run("t0", slot=1)
    assert told.done(1) == [Retire(1)]
    assert told.schedule.is_retiring(1)
    assert told.gone(1) == []
    told.run("t1", slot=2)
    assert told.done(2) == [Retire(2)]
    assert told.gone(2) == [Finish()]
    assert told.finals == {"t0": PASSED, "t1": PASSED}
    assert told.schedule.left_over()[0] == ()


def test_a_suite_without_units_ends() -> None:
    told = Told()
    assert told.start() == [Retire(1)]
    assert told.gone() == [Finish()]


# crashes


def test_a_crash_is_blamed_on_the_running_test_and_the_rest_of_its_class_stays_in_the_slot() -> None:
    told = Told(3, 1, workers=1)
    told.start()
    told.run("t0")
    told.begin("t1")
    told.now += 2.5
    assert told.gone() == [
        Blame(1, "t1", 1, CRASHED, 2.5, is_fixture=False, is_final=True),
        Spawn(1),
    ]
    assert told.ready() == [assign(0, 2)]
    told.run("t2")
    assert told.done() == [assign(1, 3)]
    assert told.finals == {"t0": PASSED, "t1": CRASHED, "t2": PASSED}


def test_a_crash_is_no_other_workers_business() -> None:
    told = Told(2, 2, workers=2)
    told.start()
    told.begin("t0", slot=1)
    told.begin("t2", slot=2)
    told.gone(1)
    told.end("t2", slot=2)
    told.begin("t3", slot=2)
    assert told.end("t3", slot=2) == []
    assert told.done(2) == [Retire(2)]
    assert told.ready(1) == [assign(0, 1, slot=1)]


def test_a_crash_in_the_last_test_of_all_ends_the_run_without_another_worker() -> None:
    told = Told(1)
    told.start()
    told.begin("t0")
    blame, finish = told.gone()
    assert (blame.test, finish) == ("t0", Finish())


def test_a_crash_in_a_classs_set_up_leaves_its_tests_out() -> None:
    told = Told(2, 1)
    told.start()
    told.now = 1.0
    told.begin_fixture("shop.T.setUpClass")
    told.now = 4.0
    assert told.gone() == [
        Blame(1, "shop.T.setUpClass", 1, CRASHED, 3.0, is_fixture=True, is_final=True),
        LeaveOut((0, 1), "setUpClass crashed"),
        Spawn(1),
    ]
    assert told.ready() == [assign(1, 2)]


def test_a_crash_in_a_classs_tear_down_takes_no_outcome_back() -> None:
    told = Told(1)
    told.start()
    told.run("t0")
    told.begin_fixture("shop.T.tearDownClass")
    blame, finish = told.gone()
    assert (blame.test, blame.outcome, finish) == ("shop.T.tearDownClass", CRASHED, Finish())
    assert told.finals == {"t0": PASSED}


def test_a_worker_that_dies_before_any_test_began_is_replaced_and_its_tests_run() -> None:
    told = Told(2)
    told.start()
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(0, 0, 1)]


def test_a_worker_that_dies_between_two_tests_is_replaced_and_the_rest_runs() -> None:
    told = Told(3)
    told.start()
    told.run("t0")
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(0, 1, 2)]


def test_tests_whose_workers_die_before_any_begins_are_left_out_in_the_end() -> None:
    told = Told(2, 1)
    told.start()
    for _ in range(schedule.MAX_DEATHS_WITHOUT_PROGRESS - 1):
        assert told.gone() == [Spawn(1)]
        assert told.ready() == [assign(0, 0, 1)]
    assert told.gone() == [LeaveOut((0, 1), "its worker died 3 times before it could run"), Spawn(1)]
    assert told.ready() == [assign(1, 2)]


def test_workers_that_die_one_after_the_other_end_the_run() -> None:
    told = Told(30)
    told.start()
    for index in range(schedule.MAX_DEATHS_IN_A_ROW - 1):
        told.begin(f"t{index}")
        assert told.gone()[-1] == Spawn(1)
        told.ready()
    told.begin("t19")
    assert told.gone()[1:] == [Halt("20 workers in a row died"), Finish()]
    assert told.schedule.left_over() == (tuple(range(20, 30)), "20 workers in a row died")


def test_a_test_that_ends_breaks_the_row_of_deaths() -> None:
    told = Told(60)
    told.start()
    for index in range(0, 60, 2):
        told.run(f"t{index}")
        told.begin(f"t{index + 1}")
        assert not any(isinstance(command, Halt) for command in told.gone())
        told.ready()
    assert len(told.finals) == 60


def test_a_worker_that_cannot_start_is_given_up() -> None:
    told = Told(1)
    told.schedule.start(0.0)
    assert told.gone() == [Spawn(1)]
    assert told.gone() == [Spawn(1)]
    assert told.gone() == [GiveUp("The worker of slot 1 died 3 times before it could begin.")]


def test_deaths_at_work_do_not_count_as_failed_starts() -> None:
    told = Told(1)
    told.start()
    for _ in range(schedule.MAX_DEATHS_WITHOUT_PROGRESS - 1):
        told.gone()
        assert told.gone() == [Spawn(1)]  # at its start, this time
        told.ready()


def test_fixtures_that_crash_cost_the_next_class_no_try() -> None:
    told = Told(1, 1, 1, 1)
    told.start()
    for number in range(schedule.MAX_DEATHS_WITHOUT_PROGRESS):
        told.begin_fixture(f"shop.T{number}.setUpClass")
        told.gone()
        told.ready()
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(3, 3)]


def test_a_worker_that_does_not_start_in_time_is_looked_at_and_ended() -> None:
    told = Told(1)
    told.schedule.start(0.0)
    assert told.tick(START_S) == []
    assert told.tick(1) == [Examine(1)]
    assert told.tick(EXAMINE_S + 1) == [Terminate(1)]
    assert told.tick(TERM_S + 1) == [Kill(1)]
    assert told.gone() == [Spawn(1)]


# time


def test_a_slow_test_is_told_at_ever_longer_intervals() -> None:
    told = Told(1)
    told.start()
    told.begin("t0")
    assert told.tick(SLOW_S) == []
    assert told.tick(1) == [ReportSlow(1, "t0", 1, SLOW_S + 1)]
    assert told.tick(1) == []
    assert told.tick(SLOW_S) == [ReportSlow(1, "t0", 1, 2 * SLOW_S + 2)]


def test_a_test_that_is_out_of_time_is_looked_at_then_told_to_end_and_then_killed() -> None:
    told = Told(2)
    told.start()
    told.begin("t0")
    assert [type(command) for command in told.tick(TIMEOUT_S)] == [ReportSlow]
    assert told.tick(0.1) == [Examine(1)]
    assert told.tick(EXAMINE_S) == []
    assert told.tick(0.1) == [Terminate(1)]
    assert told.tick(TERM_S) == []
    assert told.tick(0.1) == [Kill(1)]
    elapsed = pytest.approx(TIMEOUT_S + EXAMINE_S + TERM_S + 0.3)
    blame = Blame(1, "t0", 1, TIMED_OUT, elapsed, is_fixture=False, is_final=True, why="timed out after 60 s")
    assert told.gone() == [blame, Spawn(1)]
    assert told.ready() == [assign(0, 1)]


def test_a_test_that_ends_when_it_is_told_to_is_not_killed() -> None:
    told = Told(2)
    told.start()
    told.begin("t0")
    told.tick(TIMEOUT_S + 1)
    assert told.tick(EXAMINE_S + 1) == [Terminate(1)]
    assert [type(command) for command in told.gone()] == [Blame, Spawn]
    told.ready()
    told.begin("t1")
    assert told.tick(TERM_S + 1) == []


def test_a_test_and_a_fixture_may_have_limits_of_their_own() -> None:
    told = Told(2, limits=Limits(TIMEOUT_S, {"t0": 5.0, "shop.T.setUpClass": 100.0}))
    told.start()
    told.begin_fixture("shop.T.setUpClass")
    assert Examine(1) not in told.tick(TIMEOUT_S + 1)
    told.begin("t0")
    assert told.tick(6) == [Examine(1)]
    told.end("t0")
    told.begin("t1")
    assert Examine(1) not in told.tick(6)


def test_when_the_runs_time_is_over_what_runs_has_timed_out_and_the_rest_does_not_run() -> None:
    told = Told(1, 2, 1, workers=2, limits=Limits(TIMEOUT_S, run_s=50.0))
    told.start()
    told.begin("t0", slot=1)
    told.run("t1", slot=2)  # between two tests when the time is over
    assert [type(command) for command in told.tick(50)] == [ReportSlow]
    assert told.tick(1) == [Halt("the run's 50 s are over"), Examine(1), Kill(2)]
    assert told.schedule.is_decided(2)  # what it begins before the signal comes does not count
    assert told.tick(1) == []
    assert told.gone(2) == []
    assert told.tick(EXAMINE_S + 1) == [Terminate(1)]
    blame, finish = told.gone(1)
    assert (blame.test, blame.outcome, blame.why) == ("t0", TIMED_OUT, "timed out: the run's 50 s are over")
    assert finish == Finish()
    assert told.schedule.left_over() == ((2, 3), "the run's 50 s are over")


# again and again


def test_what_passes_runs_again_behind_everything_else() -> None:
    told = Told(2, 1, repeat=2)
    told.start()
    assert told.run("t0", "t1") == []
    assert told.done() == [assign(1, 2)]
    told.run("t2")
    assert told.done() == [assign(0, 0, 1, n=2)]
    assert told.finals == {}
    told.run("t0", "t1", n=2)
    assert told.done() == [assign(1, 2, n=2)]
    told.run("t2", n=2)
    assert told.done() == [Retire(1)]
    assert told.finals == {"t0": PASSED, "t1": PASSED, "t2": PASSED}


def test_what_fails_once_is_not_repeated() -> None:
    told = Told(2, repeat=3)
    told.start()
    told.run("t0")
    told.run("t1", outcome=FAILED)
    assert told.finals == {"t1": FAILED}
    assert told.done() == [assign(0, 0, n=2)]


def test_what_passed_before_its_worker_died_is_repeated_too() -> None:
    told = Told(3, repeat=2)
    told.start()
    told.run("t0")
    told.begin("t1")
    told.gone()
    assert told.ready() == [assign(0, 2)]
    told.run("t2")
    assert told.done() == [assign(0, 0, n=2)]
    told.run("t0", n=2)
    assert told.done() == [assign(0, 2, n=2)]


def test_a_run_that_is_halted_keeps_what_its_repeated_tests_came_to() -> None:
    told = Told(1, 1, repeat=5)
    told.start()
    told.run("t0")
    told.done()
    told.schedule.halt("enough")
    assert told.schedule.called_off() == ({0: PASSED}, "enough")
    assert told.schedule.left_over()[0] == (1,)


def test_a_fixture_that_is_out_of_time_leaves_its_class_out() -> None:
    told = Told(2)
    told.start()
    told.begin_fixture("shop.T.setUpClass")
    told.tick(TIMEOUT_S + 1)
    told.tick(EXAMINE_S + 1)
    blame, left_out, finish = told.gone()
    assert (blame.outcome, blame.is_fixture) == (TIMED_OUT, True)
    assert (left_out, finish) == (LeaveOut((0, 1), "setUpClass timed out"), Finish())


def test_a_test_that_ends_after_its_limit_has_timed_out_and_the_rest_runs_in_a_new_worker() -> None:
    told = Told(2, retries=1)
    told.start()
    told.begin("t0")
    assert not told.schedule.is_decided(1)
    assert told.tick(TIMEOUT_S + 1) == [Examine(1)]
    assert told.schedule.is_decided(1)
    blame, spawn = told.gone()
    assert (blame.test, blame.outcome, blame.is_final, spawn) == ("t0", TIMED_OUT, False, Spawn(1))
    assert not told.schedule.is_decided(1)
    assert told.ready() == [assign(0, 1)]


def test_a_fixture_that_ends_after_its_limit_leaves_its_class_out() -> None:
    told = Told(1, is_failfast=True)
    told.start()
    told.begin_fixture("shop.T.setUpClass")
    assert told.tick(TIMEOUT_S + 1) == [Examine(1)]
    blame, left_out, *_ = told.gone()
    assert (blame.test, blame.outcome) == ("shop.T.setUpClass", TIMED_OUT)
    assert left_out == LeaveOut((0,), "setUpClass timed out")


# forged events


def test_what_runs_where_an_event_was_forged_is_red_and_the_rest_runs_in_a_new_worker() -> None:
    told = Told(2)
    told.start()
    told.begin("t0")
    told.now = 1.0
    assert told.schedule.has_forged(1, "a line", told.now) == [Kill(1)]
    assert told.schedule.is_decided(1)
    blame = Blame(1, "t0", 1, Outcome.ERRORED, 1.0, is_fixture=False, is_final=True, why="a line", is_forger=True)
    assert told.gone() == [blame, Spawn(1)]
    assert told.ready() == [assign(0, 1)]


def test_nobody_is_blamed_for_what_was_forged_while_nothing_ran() -> None:
    told = Told(2)
    told.start()
    assert told.schedule.has_forged(1, "a line", told.now) == [Kill(1)]
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(0, 0, 1)]


def test_a_test_that_is_late_and_forges_has_timed_out() -> None:
    told = Told(1)
    told.start()
    told.begin("t0")
    told.tick(TIMEOUT_S + 1)
    told.schedule.has_forged(1, "a line", told.now)
    assert told.gone()[0].outcome is TIMED_OUT


def test_a_test_that_is_killed_is_to_blame_though_its_worker_is_killed_again() -> None:
    told = Told(1)
    told.start()
    told.begin("t0")
    told.tick(TIMEOUT_S + 1)
    assert told.tick(EXAMINE_S + 1) == [Terminate(1)]
    assert told.tick(TERM_S + 1) == [Kill(1)]
    assert told.tick(1) == [Kill(1)]
    assert told.gone()[0].outcome is TIMED_OUT


def test_the_clock_of_a_test_starts_with_it() -> None:
    told = Told(2)
    told.start()
    for test in ("t0", "t1"):
        told.now += TIMEOUT_S - 1
        told.begin(test)
        told.tick(1)
        told.end(test)
    assert told.finals == {"t0": PASSED, "t1": PASSED}


def test_a_worker_that_is_stuck_between_tests_is_killed_and_the_rest_runs() -> None:
    told = Told(2)
    told.start()
    told.run("t0")
    assert told.tick(START_S) == []
    assert told.tick(1) == [Examine(1)]
    assert told.tick(EXAMINE_S + 1) == [Terminate(1)]
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(0, 1)]


@pytest.mark.parametrize(("timeout_s", "patience"), [(1000.0, RETIRE_S), (2.0, 2.0)])
def test_a_worker_that_was_asked_to_end_and_does_not_is_killed(timeout_s: float, patience) -> None:
    told = Told(1, limits=Limits(timeout_s))
    told.start()
    told.run("t0")
    assert told.done() == [Retire(1)]
    assert told.tick(patience) == []
    assert told.tick(0.1) == [Examine(1)]
    assert told.tick(EXAMINE_S + 1) == [Terminate(1)]
    assert told.tick(TERM_S + 1) == [Kill(1)]
    assert told.gone() == [Finish()]


# retries


def test_a_failed_test_is_tried_again_at_the_end_by_a_fresh_worker() -> None:
    told = Told(2, 1, retries=1)
    told.start()
    told.run("t0", outcome=FAILED)
    told.run("t1")
    assert told.done() == [assign(1, 2)]
    told.run("t2")
    assert told.done() == [Retire(1)]
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(0, 0, n=2)]
    assert told.finals == {"t1": PASSED, "t2": PASSED}
    told.run("t0", n=2)
    told.done()
    assert told.gone() == [Finish()]
    assert told.finals["t0"] is PASSED


def test_each_retry_has_a_worker_of_its_own() -> None:
    told = Told(2, retries=1)
    told.start()
    told.run("t0", "t1", outcome=FAILED)
    told.done()
    told.gone()
    assert told.ready() == [assign(0, 0, n=2)]
    told.run("t0", n=2)
    assert told.done() == [Retire(1)]
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(0, 1, n=2)]


def test_the_last_retry_is_final_whatever_comes_of_it() -> None:
    told = Told(1, retries=2)
    told.start()
    for n in (1, 2, 3):
        told.run("t0", outcome=FAILED, n=n)
        told.done()
        following = told.gone()
        if n < 3:
            assert following == [Spawn(1)]
            assert told.ready() == [assign(0, 0, n=n + 1)]
    assert following == [Finish()]
    assert told.finals == {"t0": FAILED}


def test_a_crash_and_a_time_out_are_tried_again_too() -> None:
    told = Told(2, retries=1)
    told.start()
    told.begin("t0")
    assert told.gone()[0].is_final is False
    told.ready()
    told.begin("t1")
    told.tick(TIMEOUT_S + 1)
    told.tick(EXAMINE_S + 1)
    assert told.gone()[0] == Blame(
        1, "t1", 1, TIMED_OUT, pytest.approx(64), is_fixture=False, is_final=False, why="timed out after 60 s"
    )
    assert told.ready() == [assign(0, 0, n=2)]
    told.begin("t0")
    assert told.gone()[0] == Blame(1, "t0", 2, CRASHED, 0.0, is_fixture=False, is_final=True)
    assert told.ready() == [assign(0, 1, n=2)]


def test_a_retry_whose_worker_dies_before_it_begins_is_handed_out_again() -> None:
    told = Told(1, retries=1)
    told.start()
    told.run("t0", outcome=FAILED)
    told.done()
    told.gone()
    assert told.ready() == [assign(0, 0, n=2)]
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(0, 0, n=2)]


def test_retries_wait_until_all_others_are_through() -> None:
    told = Told(1, 1, workers=2, retries=1)
    told.start()
    told.run("t0", outcome=FAILED, slot=1)
    assert told.done(1) == [Retire(1)]
    assert told.gone(1) == []
    told.run("t1", slot=2)
    assert told.done(2) == [Retire(2)]
    assert told.gone(2) == [Spawn(2)]
    assert told.ready(2) == [assign(0, 0, n=2, slot=2)]


@pytest.mark.parametrize(
    ("tests", "failures", "are_retried"), [(20, 10, True), (20, 11, False), (300, 30, True), (300, 31, False)]
)
def test_when_much_fails_nothing_is_tried_again(tests: int, failures: int, are_retried: bool) -> None:
    told = Told(tests, retries=1)
    told.start()
    told.run(*[f"t{index}" for index in range(failures)], outcome=FAILED)
    told.run(*[f"t{index}" for index in range(failures, tests)])
    told.done()
    assert told.gone() == ([Spawn(1)] if are_retried else [Finish()])


def test_tests_whose_retry_was_called_off_are_left_with_what_they_had() -> None:
    told = Told(12, retries=1)
    told.start()
    told.run(*[f"t{index}" for index in range(11)], outcome=FAILED)
    told.run("t11")
    told.done()
    assert told.gone() == [Finish()]
    assert told.schedule.left_over()[0] == ()
    assert told.schedule.called_off() == (dict.fromkeys(range(11), FAILED), "too many failed (11 of 12)")


def test_what_never_ran_counts_among_what_failed() -> None:
    told = Told(6, 6, retries=1)
    told.start()
    for index in range(6):
        told.end(f"t{index}", Outcome.NOT_RUN)
    told.done()
    told.run(*[f"t{index}" for index in range(6, 11)], outcome=FAILED)
    told.run("t11")
    told.done()
    assert told.gone() == [Finish()]
    assert told.schedule.called_off()[1] == "too many failed (11 of 12)"


def test_a_worker_that_is_late_takes_no_retry_while_others_run() -> None:
    told = Told(1, 1, workers=2, retries=1)
    told.schedule.start(0.0)
    told.ready(1)
    told.run("t0", outcome=FAILED, slot=1)
    assert told.done(1) == [assign(1, 1, slot=1)]
    assert told.ready(2) == [Retire(2)]


def test_a_class_that_could_not_be_set_up_is_not_tried_again() -> None:
    told = Told(1, retries=1)
    told.start()
    told.end("t0", Outcome.NOT_RUN)
    assert told.finals == {"t0": Outcome.NOT_RUN}


@pytest.mark.parametrize("outcome", [PASSED, Outcome.SKIPPED, Outcome.XFAILED])
def test_what_is_not_red_is_not_tried_again(outcome) -> None:
    told = Told(1, retries=1)
    told.start()
    told.run("t0", outcome=outcome)
    assert told.finals == {"t0": outcome}


# ends before the end


def test_failfast_ends_the_run_after_what_runs_now() -> None:
    told = Told(2, 2, 1, workers=2, is_failfast=True)
    told.start()
    told.begin("t2", slot=2)
    told.begin("t0", slot=1)
    assert told.end("t0", FAILED, slot=1) == [Halt("--failfast: t0 FAILED")]
    assert told.done(1) == [Retire(1)]
    assert told.gone(1) == []
    assert told.end("t2", FAILED, slot=2) == []  # once is enough
    assert told.done(2) == [Retire(2)]
    assert told.gone(2) == [Finish()]
    assert told.schedule.left_over() == ((1, 3, 4), "--failfast: t0 FAILED")


@pytest.mark.parametrize("outcome", [PASSED, Outcome.SKIPPED, Outcome.XFAILED])
def test_failfast_is_for_failures(outcome) -> None:
    told = Told(2, is_failfast=True)
    told.start()
    assert told.run("t0", outcome=outcome) == []


def test_failfast_counts_a_crash() -> None:
    told = Told(2, is_failfast=True)
    told.start()
    told.begin("t0")
    assert told.gone()[1:] == [Halt("--failfast: t0 CRASHED"), Finish()]


def test_failfast_counts_a_fixture() -> None:
    told = Told(2, is_failfast=True)
    told.start()
    told.begin_fixture("shop.T.setUpClass")
    assert told.end("shop.T.setUpClass", Outcome.ERRORED) == [Halt("--failfast: shop.T.setUpClass ERRORED")]


def test_failfast_waits_for_the_last_attempt() -> None:
    told = Told(2, retries=1, is_failfast=True)
    told.start()
    assert told.run("t0", outcome=FAILED) == []
    told.run("t1")
    told.done()
    told.gone()
    told.ready()
    assert told.run("t0", outcome=FAILED, n=2) == [Halt("--failfast: t0 FAILED")]


def test_a_halt_calls_retries_off() -> None:
    told = Told(3, retries=1)
    told.start()
    told.run("t0", outcome=FAILED)
    assert told.schedule.halt("enough") == [Halt("enough")]
    told.begin("t1")
    assert told.gone()[0] == Blame(1, "t1", 1, CRASHED, 0.0, is_fixture=False, is_final=True)
    assert told.schedule.left_over() == ((2,), "enough")
    assert told.schedule.called_off() == ({0: FAILED}, "enough")


def test_a_halt_leaves_no_retry_to_run() -> None:
    told = Told(2, retries=1)
    told.start()
    told.run("t0", outcome=FAILED)
    told.schedule.halt("enough")
    assert told.done() == [Retire(1)]
    assert told.gone() == [Finish()]


def test_a_second_outcome_of_a_test_changes_nothing() -> None:
    told = Told(2, is_failfast=True)
    told.start()
    told.run("t0")
    assert told.schedule.test_finished(1, "t0", 1, FAILED, 1.0) == (False, [])


# migrated data


def units(*kinds):
    """Units of one test each: ``d`` needs migrated data, ``f`` flushes, ``-`` neither."""
    return [Unit(f"U{i}", (i,), needs_data=kind == "d", flushes=kind == "f") for i, kind in enumerate(kinds)]


def test_a_class_that_needs_migrated_data_gets_new_clones_where_one_has_flushed() -> None:
    told = Told(units=units("f", "d"))
    told.start()
    told.run("t0")
    assert told.done() == [Retire(1)]
    assert told.gone() == [Spawn(1)]
    assert told.ready() == [assign(1, 1)]
    told.run("t1")
    assert told.done() == [Retire(1)]
    assert told.gone() == [Finish()]


def test_clones_stay_flushed_until_they_are_made_anew() -> None:
    told = Told(units=units("f", "-", "d"))
    told.start()
    told.run("t0")
    assert told.done() == [assign(1, 1)]
    told.run("t1")
    assert told.done() == [Retire(1)]


@pytest.mark.parametrize("kinds", ["df", "ff", "f-", "dd", "d-"])
def test_no_other_order_costs_new_clones(kinds: str) -> None:
    told = Told(units=units(*kinds))
    told.start()
    told.run("t0")
    assert told.done() == [assign(1, 1)]


def test_a_worker_that_died_leaves_no_flushed_clones() -> None:
    told = Told(units=units("f", "f", "d"))
    told.start()
    told.run("t0")
    told.done()
    told.begin("t1")
    told.gone()
    assert told.ready() == [assign(2, 2)]


def test_what_runs_when_a_server_is_lost_is_said_of_each_worker_that_has_a_test_in_hand() -> None:
    told = Told(2, 2, 1, workers=3)
    told.start()
    told.begin("t0", slot=1)
    told.begin_fixture("U1.setUpClass", slot=2)
    told.run("t4", slot=3)
    told.schedule.halt("gone")
    assert told.schedule.still_running(5.0, "gone") == [
        Blame(1, "t0", 1, Outcome.ERRORED, 5.0, is_fixture=False, is_final=True, why="gone"),
        Blame(2, "U1.setUpClass", 1, Outcome.ERRORED, 5.0, is_fixture=True, is_final=True, why="gone"),
    ]
