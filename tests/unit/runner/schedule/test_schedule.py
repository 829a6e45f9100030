"""The order of units and workers, and the outcome of every test, whatever becomes of its worker."""

import pytest

from harness.protocol.results import Outcome
from harness.runner.schedule import schedule
from harness.runner.schedule.commands import (
    Assign,
    Assignment,
    Blame,
    Command,
    Examine,
    Finish,
    GiveUp,
    Halt,
    Kill,
    LeaveOut,
    Retire,
    Spawn,
)
from harness.runner.schedule.schedule import MAX_DEATHS_IN_A_ROW
from harness.runner.schedule.slots import EXAMINE_S, FailureLimit, Retries
from harness.runner.schedule.units import Place, Unit
from tests.unit.runner.schedule.driver import CRASHED, FAILED, PASSED, TIMED_OUT, TIMEOUT_S, Driver, assign


def units(kinds: str) -> list[Unit]:
    """Units of one test each: ``d`` needs migrated data, ``f`` flushes, ``-`` neither."""
    return [Unit(f"U{i}", (i,), needs_data=kind == "d", flushes=kind == "f") for i, kind in enumerate(kinds)]


class TestOrder:
    def test_units_go_in_order_to_the_next_free_worker(self) -> None:
        driver = Driver(1, 2, 1, workers=2)
        assert driver.start() == [assign(0, 0, slot=1), assign(1, 1, 2, slot=2)]
        driver.run("t1", "t2", slot=2)
        assert driver.done(2) == [assign(2, 3, slot=2)]

    @pytest.mark.parametrize(("repeat", "dies"), [(1, False), (2, False), (1, True)])
    def test_tests_that_passed_together_are_as_those_one_by_one(self, repeat: int, dies: bool) -> None:
        one, other = (Driver(4, 1, repeat=repeat) for _ in range(2))
        assert one.start() == other.start()
        one.begin("t0")
        one.pass_together("t0", "t1", "t2")
        other.run("t0", "t1", "t2")
        for driver in (one, other):
            driver.begin("t3")
        assert one.finals == other.finals == ({} if repeat > 1 else dict.fromkeys(("t0", "t1", "t2"), PASSED))
        if dies:
            assert one.gone() == other.gone()
            assert one.finals == other.finals
            assert one.finals["t3"] is CRASHED
        else:
            assert one.end("t3") == other.end("t3")
            assert one.done() == other.done()

    def test_there_are_no_more_workers_than_units(self) -> None:
        assert Driver(1, 1, workers=8).schedule.slots == (1, 2)

    def test_a_run_ends_when_its_last_worker_has_ended(self) -> None:
        driver = Driver(1, 1, workers=2)
        driver.start()
        driver.run("t0", slot=1)
        assert driver.done(1) == [Retire(1)]
        assert driver.schedule.is_retiring(1)
        assert driver.gone(1) == []
        driver.run("t1", slot=2)
        assert driver.done(2) == [Retire(2)]
        assert driver.gone(2) == [Finish()]
        assert driver.finals == {"t0": PASSED, "t1": PASSED}
        assert driver.schedule.left_over()[0] == ()

    def test_a_suite_without_units_ends(self) -> None:
        driver = Driver()
        assert driver.start() == [Retire(1)]
        assert driver.gone() == [Finish()]

    def test_a_second_outcome_of_a_test_changes_nothing(self) -> None:
        driver = Driver(2, maxfail=1)
        driver.start()
        driver.run("t0")
        assert driver.schedule.test_finished(1, "t0", 1, FAILED, 1.0) == (False, [])


class TestCrashes:
    def test_the_running_test_is_blamed_and_the_slot_keeps_the_rest(self) -> None:
        driver = Driver(3, 1, workers=1)
        driver.start()
        driver.run("t0")
        driver.begin("t1")
        driver.now += 2.5
        assert driver.gone() == [
            Blame(1, "t1", 1, CRASHED, 2.5, is_fixture=False, is_final=True),
            Spawn(1),
        ]
        assert driver.ready() == [assign(0, 2)]
        driver.run("t2")
        assert driver.done() == [assign(1, 3)]
        assert driver.finals == {"t0": PASSED, "t1": CRASHED, "t2": PASSED}

    def test_a_crash_does_not_disturb_other_workers(self) -> None:
        driver = Driver(2, 2, workers=2)
        driver.start()
        driver.begin("t0", slot=1)
        driver.begin("t2", slot=2)
        driver.gone(1)
        driver.end("t2", slot=2)
        driver.begin("t3", slot=2)
        assert driver.end("t3", slot=2) == []
        assert driver.done(2) == [Retire(2)]
        assert driver.ready(1) == [assign(0, 1, slot=1)]

    def test_a_crash_in_the_very_last_test_ends_the_run(self) -> None:
        driver = Driver(1)
        driver.start()
        driver.begin("t0")
        blame, (finish,) = driver.blamed()
        assert (blame.test, finish) == ("t0", Finish())

    def test_a_crash_in_setUpClass_leaves_its_tests_out(self) -> None:
        driver = Driver(2, 1)
        driver.start()
        driver.now = 1.0
        driver.begin_fixture("shop.T.setUpClass")
        driver.now = 4.0
        assert driver.gone() == [
            Blame(1, "shop.T.setUpClass", 1, CRASHED, 3.0, is_fixture=True, is_final=True),
            LeaveOut((0, 1), "setUpClass crashed"),
            Spawn(1),
        ]
        assert driver.ready() == [assign(1, 2)]

    def test_a_crash_in_tearDownClass_revokes_no_outcome(self) -> None:
        driver = Driver(1)
        driver.start()
        driver.run("t0")
        driver.begin_fixture("shop.T.tearDownClass")
        blame, (finish,) = driver.blamed()
        assert (blame.test, blame.outcome, finish) == ("shop.T.tearDownClass", CRASHED, Finish())
        assert driver.finals == {"t0": PASSED}

    def test_a_crash_in_a_fixture_of_earlier_tests_is_theirs(self) -> None:
        driver = Driver(1, 2, last_fixtures=["package::teardown"])
        driver.start()
        driver.run("t0")
        driver.done()
        driver.begin_fixture("package::teardown")
        blame, commands = driver.blamed()
        assert (blame.test, blame.is_fixture, commands) == ("package::teardown", True, [Spawn(1)])
        assert driver.ready() == [assign(1, 1, 2)]

    def test_a_fixture_is_blamed_while_its_worker_ends(self) -> None:
        driver = Driver(1, last_fixtures=["session::teardown"])
        driver.start()
        driver.run("t0")
        driver.done()
        driver.begin_fixture("session::teardown")
        assert driver.schedule.has_test(1)
        assert driver.tick(TIMEOUT_S + 1) == [Examine(1)]
        blame, commands = driver.blamed()
        assert (blame.test, blame.outcome, commands) == ("session::teardown", TIMED_OUT, [Finish()])

    def test_a_worker_that_dies_before_its_first_test_is_replaced(self) -> None:
        driver = Driver(2)
        driver.start()
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 0, 1)]

    def test_a_worker_that_dies_between_two_tests_is_replaced(self) -> None:
        driver = Driver(3)
        driver.start()
        driver.run("t0")
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 1, 2)]

    def test_tests_whose_workers_die_three_times_are_left_out(self) -> None:
        driver = Driver(2, 1)
        driver.start()
        for _ in range(schedule.MAX_DEATHS_WITHOUT_PROGRESS - 1):
            assert driver.gone() == [Spawn(1)]
            assert driver.ready() == [assign(0, 0, 1)]
        assert driver.gone() == [LeaveOut((0, 1), "its worker died 3 times before it could run"), Spawn(1)]
        assert driver.ready() == [assign(1, 2)]

    def test_twenty_deaths_in_a_row_end_the_run(self) -> None:
        driver = Driver(30)
        driver.start()
        for index in range(schedule.MAX_DEATHS_IN_A_ROW - 1):
            driver.begin(f"t{index}")
            assert driver.gone()[-1] == Spawn(1)
            driver.ready()
        driver.begin("t19")
        assert driver.gone()[1:] == [Halt("20 workers in a row died"), Finish()]
        assert driver.schedule.left_over() == (tuple(range(20, 30)), "20 workers in a row died")

    def test_a_finished_test_resets_the_deaths_in_a_row(self) -> None:
        driver = Driver(60)
        driver.start()
        for index in range(0, 60, 2):
            driver.run(f"t{index}")
            driver.begin(f"t{index + 1}")
            assert not any(isinstance(command, Halt) for command in driver.gone())
            driver.ready()
        assert len(driver.finals) == 60

    def test_a_worker_that_cannot_start_aborts_the_run(self) -> None:
        driver = Driver(1)
        driver.schedule.start(0.0)
        assert driver.gone() == [Spawn(1)]
        assert driver.gone() == [Spawn(1)]
        assert driver.gone() == [GiveUp("The worker of slot 1 died 3 times before it could begin.")]

    def test_deaths_at_work_do_not_count_as_failed_starts(self) -> None:
        driver = Driver(1)
        driver.start()
        for _ in range(schedule.MAX_DEATHS_WITHOUT_PROGRESS - 1):
            driver.gone()
            assert driver.gone() == [Spawn(1)]  # at its start, this time
            driver.ready()

    def test_crashed_fixtures_do_not_count_against_the_next_class(self) -> None:
        driver = Driver(1, 1, 1, 1)
        driver.start()
        for number in range(schedule.MAX_DEATHS_WITHOUT_PROGRESS):
            driver.begin_fixture(f"shop.T{number}.setUpClass")
            driver.gone()
            driver.ready()
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(3, 3)]


class TestSharedSetUp:
    """Workers that die in the set-up of a fixture that several tests need."""

    PLACE = Place("the set-up of a fixture", frozenset({0, 1, 2, 4}))

    def die(self, driver: Driver, test: str, slot: int = 1) -> list[Command]:
        driver.begin(test, slot)
        blame, *commands = driver.gone(slot, self.PLACE)
        assert isinstance(blame, Blame)
        assert (blame.test, blame.outcome) == (test, CRASHED)
        return commands

    def test_the_first_death_may_be_chance(self) -> None:
        driver = Driver(3, 2)
        driver.start()
        assert self.die(driver, "t0") == [Spawn(1)]
        assert driver.ready() == [assign(0, 1, 2)]

    def test_after_the_second_one_its_users_are_left_out(self) -> None:
        driver = Driver(3, 2)
        driver.start()
        self.die(driver, "t0")
        driver.ready()
        left_out = LeaveOut((2, 4), "the set-up of a fixture crashed in 2 workers")
        assert self.die(driver, "t1") == [left_out, Spawn(1)]
        assert driver.ready() == [assign(1, 3)]

    def test_the_tests_of_other_workers_are_theirs(self) -> None:
        driver = Driver(2, 1, 2, workers=2)
        driver.start()
        driver.begin("t2", slot=2)
        self.die(driver, "t0")
        driver.ready()
        assert self.die(driver, "t1") == [LeaveOut((4,), "the set-up of a fixture crashed in 2 workers"), Spawn(1)]
        assert driver.ready() == [assign(2, 3)]
        assert driver.end("t2", slot=2) == []
        assert driver.finals["t2"] == PASSED

    @pytest.mark.parametrize("outcome", [PASSED, FAILED])
    def test_a_fixture_that_a_test_has_got_is_tried_again(self, outcome: Outcome) -> None:
        driver = Driver(3, 2)
        driver.start()
        driver.run("t0", outcome=outcome)
        self.die(driver, "t1")
        driver.ready()
        assert self.die(driver, "t2") == [Spawn(1)]
        assert driver.ready() == [assign(1, 3, 4)]

    def test_a_test_that_waits_for_its_retry_keeps_it(self) -> None:
        driver = Driver(3, retries=1)
        driver.start()
        self.die(driver, "t0")
        driver.ready()
        assert self.die(driver, "t1") == [LeaveOut((2,), "the set-up of a fixture crashed in 2 workers"), Spawn(1)]
        assert driver.ready() == [assign(0, 0, n=2)]

    def test_a_place_without_users_leaves_nothing_out(self) -> None:
        driver = Driver(3)
        driver.start()
        for test in ("t0", "t1"):
            driver.begin(test)
            _, *commands = driver.gone(place=Place("its tear-down"))
            assert commands == [Spawn(1)]
            driver.ready()


class TestForgery:
    def test_the_running_test_is_red_and_a_new_worker_runs_the_rest(self) -> None:
        driver = Driver(2)
        driver.start()
        driver.begin("t0")
        driver.now = 1.0
        assert driver.schedule.event_forged(1, "a line", driver.now) == [Kill(1)]
        assert driver.schedule.is_decided(1)
        blame = Blame(1, "t0", 1, Outcome.ERRORED, 1.0, is_fixture=False, is_final=True, why="a line", is_forger=True)
        assert driver.gone() == [blame, Spawn(1)]
        assert driver.ready() == [assign(0, 1)]

    def test_no_test_is_blamed_if_none_ran(self) -> None:
        driver = Driver(2)
        driver.start()
        assert driver.schedule.event_forged(1, "a line", driver.now) == [Kill(1)]
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 0, 1)]

    def test_a_late_test_that_forges_has_timed_out(self) -> None:
        driver = Driver(1)
        driver.start()
        driver.begin("t0")
        driver.tick(TIMEOUT_S + 1)
        driver.schedule.event_forged(1, "a line", driver.now)
        assert driver.blamed()[0].outcome is TIMED_OUT


class TestRepeat:
    def test_a_passed_test_runs_again_after_everything_else(self) -> None:
        driver = Driver(2, 1, repeat=2)
        driver.start()
        assert driver.run("t0", "t1") == []
        assert driver.done() == [assign(1, 2)]
        driver.run("t2")
        assert driver.done() == [assign(0, 0, 1, n=2)]
        assert driver.finals == {}
        driver.run("t0", "t1", n=2)
        assert driver.done() == [assign(1, 2, n=2)]
        driver.run("t2", n=2)
        assert driver.done() == [Retire(1)]
        assert driver.finals == {"t0": PASSED, "t1": PASSED, "t2": PASSED}

    def test_a_failed_test_is_not_repeated(self) -> None:
        driver = Driver(2, repeat=3)
        driver.start()
        driver.run("t0")
        driver.run("t1", outcome=FAILED)
        assert driver.finals == {"t1": FAILED}
        assert driver.done() == [assign(0, 0, n=2)]

    def test_a_test_that_passed_before_a_crash_is_repeated(self) -> None:
        driver = Driver(3, repeat=2)
        driver.start()
        driver.run("t0")
        driver.begin("t1")
        driver.gone()
        assert driver.ready() == [assign(0, 2)]
        driver.run("t2")
        assert driver.done() == [assign(0, 0, n=2)]
        driver.run("t0", n=2)
        assert driver.done() == [assign(0, 2, n=2)]

    def test_a_halt_keeps_the_outcomes_of_repeated_tests(self) -> None:
        driver = Driver(1, 1, repeat=5)
        driver.start()
        driver.run("t0")
        driver.done()
        driver.schedule.halt("enough")
        assert driver.schedule.called_off() == ({0: PASSED}, "enough")
        assert driver.schedule.left_over()[0] == (1,)


def alone(unit: int, test: int, slot: int = 1, n: int = 1) -> Assign:
    return Assign(slot, Assignment(unit, (test,), n, is_alone=True))


class TestAlone:
    def postpone(self, driver: Driver, test: str, slot: int = 1) -> None:
        driver.begin(test, slot)
        assert not driver.schedule.is_alone(slot)
        assert driver.schedule.postpone(slot, driver.now) == [Kill(slot)]
        assert driver.schedule.is_postponed(slot)
        assert driver.schedule.is_decided(slot)

    def test_a_postponed_test_begins_anew_after_all_others(self) -> None:
        driver = Driver(3, 1, workers=2)
        driver.start()
        driver.run("t0")
        self.postpone(driver, "t1")
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 2)]
        driver.run("t2")
        assert driver.done() == [Retire(1)]
        assert driver.gone() == []  # the other slot has a worker still
        driver.run("t3", slot=2)
        assert driver.done(2) == [Retire(2)]
        assert driver.gone(2) == [Spawn(2)]
        assert driver.ready(2) == [alone(0, 1, slot=2)]
        driver.begin("t1", slot=2)
        assert driver.schedule.is_alone(2)
        driver.end("t1", slot=2)
        assert driver.done(2) == [Retire(2)]
        assert driver.gone(2) == [Finish()]
        assert driver.finals == dict.fromkeys(("t0", "t1", "t2", "t3"), PASSED)

    def test_each_has_a_worker_of_its_own(self) -> None:
        driver = Driver(2)
        driver.start()
        self.postpone(driver, "t0")
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 1)]
        self.postpone(driver, "t1")
        for test in (0, 1):
            assert driver.gone() == [Spawn(1)]
            assert driver.ready() == [alone(0, test)]
            driver.run(f"t{test}")
            assert driver.done() == [Retire(1)]
        assert driver.gone() == [Finish()]

    def test_many_in_a_row_are_no_deaths(self) -> None:
        driver = Driver(MAX_DEATHS_IN_A_ROW + 5)
        driver.start()
        for number in range(MAX_DEATHS_IN_A_ROW + 5):
            self.postpone(driver, f"t{number}")
            assert driver.gone() == [Spawn(1)]
            driver.ready()

    def test_one_that_dies_alone_is_blamed(self) -> None:
        driver = Driver(1, 1)
        driver.start()
        self.postpone(driver, "t0")
        driver.gone()
        driver.ready()
        driver.run("t1")
        driver.done()
        driver.gone()
        assert driver.ready() == [alone(0, 0)]
        driver.begin("t0")
        blame, commands = driver.blamed()
        assert (blame.test, blame.outcome, commands) == ("t0", CRASHED, [Finish()])

    def test_a_fixture_is_not_postponed(self) -> None:
        driver = Driver(1)
        driver.start()
        assert driver.schedule.postpone(1, driver.now) == []
        driver.begin_fixture("m.C.setUpClass")
        assert driver.schedule.postpone(1, driver.now) == []

    def test_a_halted_run_leaves_it_out(self) -> None:
        driver = Driver(2)
        driver.start()
        self.postpone(driver, "t0")
        driver.schedule.halt("a server was lost")
        assert driver.gone() == [Finish()]
        assert driver.schedule.left_over() == ((0, 1), "a server was lost")


class TestRetries:
    def test_a_failed_test_runs_again_at_the_end_in_a_fresh_worker(self) -> None:
        driver = Driver(2, 1, retries=1)
        driver.start()
        driver.run("t0", outcome=FAILED)
        driver.run("t1")
        assert driver.done() == [assign(1, 2)]
        driver.run("t2")
        assert driver.done() == [Retire(1)]
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 0, n=2)]
        assert driver.finals == {"t1": PASSED, "t2": PASSED}
        driver.run("t0", n=2)
        driver.done()
        assert driver.gone() == [Finish()]
        assert driver.finals["t0"] is PASSED

    def test_each_retry_has_a_worker_of_its_own(self) -> None:
        driver = Driver(2, retries=1)
        driver.start()
        driver.run("t0", "t1", outcome=FAILED)
        driver.done()
        driver.gone()
        assert driver.ready() == [assign(0, 0, n=2)]
        driver.run("t0", n=2)
        assert driver.done() == [Retire(1)]
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 1, n=2)]

    def test_the_last_retry_is_final(self) -> None:
        driver = Driver(1, retries=2)
        driver.start()
        for n in (1, 2, 3):
            driver.run("t0", outcome=FAILED, n=n)
            driver.done()
            following = driver.gone()
            if n < 3:
                assert following == [Spawn(1)]
                assert driver.ready() == [assign(0, 0, n=n + 1)]
        assert following == [Finish()]
        assert driver.finals == {"t0": FAILED}

    def test_a_crash_and_a_timeout_are_tried_again(self) -> None:
        driver = Driver(2, retries=1)
        driver.start()
        driver.begin("t0")
        assert driver.blamed()[0].is_final is False
        driver.ready()
        driver.begin("t1")
        driver.tick(TIMEOUT_S + 1)
        driver.tick(EXAMINE_S + 1)
        assert driver.gone()[0] == Blame(
            1, "t1", 1, TIMED_OUT, 64.0, is_fixture=False, is_final=False, why="timed out after 60 s"
        )
        assert driver.ready() == [assign(0, 0, n=2)]
        driver.begin("t0")
        assert driver.gone()[0] == Blame(1, "t0", 2, CRASHED, 0.0, is_fixture=False, is_final=True)
        assert driver.ready() == [assign(0, 1, n=2)]

    def test_a_retry_whose_worker_dies_before_it_is_assigned_again(self) -> None:
        driver = Driver(1, retries=1)
        driver.start()
        driver.run("t0", outcome=FAILED)
        driver.done()
        driver.gone()
        assert driver.ready() == [assign(0, 0, n=2)]
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 0, n=2)]

    def test_a_test_has_retries_of_its_own(self) -> None:
        driver = Driver(3, retries=Retries(1, {"t1": 0, "t2": 2}))
        driver.start()
        driver.run("t0", outcome=PASSED)
        driver.run("t1", "t2", outcome=FAILED)
        assert driver.finals == {"t0": PASSED, "t1": FAILED}
        assert driver.done() == [Retire(1)]
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(0, 2, n=2)]

    def test_a_worker_rules_out_a_retry(self) -> None:
        driver = Driver(1, retries=1)
        driver.start()
        driver.begin("t0")
        assert driver.schedule.test_finished(1, "t0", 1, FAILED, 1.0, may_retry=False) == (True, [])

    def test_retries_wait_for_all_other_tests(self) -> None:
        driver = Driver(1, 1, workers=2, retries=1)
        driver.start()
        driver.run("t0", outcome=FAILED, slot=1)
        assert driver.done(1) == [Retire(1)]
        assert driver.gone(1) == []
        driver.run("t1", slot=2)
        assert driver.done(2) == [Retire(2)]
        assert driver.gone(2) == [Spawn(2)]
        assert driver.ready(2) == [assign(0, 0, n=2, slot=2)]

    @pytest.mark.parametrize(
        ("tests", "failures", "are_retried"), [(20, 10, True), (20, 11, False), (300, 30, True), (300, 31, False)]
    )
    def test_nothing_is_tried_again_if_many_tests_failed(self, tests: int, failures: int, are_retried: bool) -> None:
        driver = Driver(tests, retries=1)
        driver.start()
        driver.run(*[f"t{index}" for index in range(failures)], outcome=FAILED)
        driver.run(*[f"t{index}" for index in range(failures, tests)])
        driver.done()
        assert driver.gone() == ([Spawn(1)] if are_retried else [Finish()])

    def test_a_test_without_its_retry_keeps_its_last_outcome(self) -> None:
        driver = Driver(12, retries=1)
        driver.start()
        driver.run(*[f"t{index}" for index in range(11)], outcome=FAILED)
        driver.run("t11")
        driver.done()
        assert driver.gone() == [Finish()]
        assert driver.schedule.left_over()[0] == ()
        assert driver.schedule.called_off() == (dict.fromkeys(range(11), FAILED), "too many failed (11 of 12)")

    def test_tests_that_never_ran_count_as_failed(self) -> None:
        driver = Driver(6, 6, retries=1)
        driver.start()
        for index in range(6):
            driver.end(f"t{index}", Outcome.NOT_RUN)
        driver.done()
        driver.run(*[f"t{index}" for index in range(6, 11)], outcome=FAILED)
        driver.run("t11")
        driver.done()
        assert driver.gone() == [Finish()]
        assert driver.schedule.called_off()[1] == "too many failed (11 of 12)"

    def test_a_worker_takes_no_retry_while_others_run(self) -> None:
        driver = Driver(1, 1, workers=2, retries=1)
        driver.schedule.start(0.0)
        driver.ready(1)
        driver.run("t0", outcome=FAILED, slot=1)
        assert driver.done(1) == [assign(1, 1, slot=1)]
        assert driver.ready(2) == [Retire(2)]

    def test_a_class_that_could_not_be_set_up_is_not_tried_again(self) -> None:
        driver = Driver(1, retries=1)
        driver.start()
        driver.end("t0", Outcome.NOT_RUN)
        assert driver.finals == {"t0": Outcome.NOT_RUN}

    @pytest.mark.parametrize("outcome", [PASSED, Outcome.SKIPPED, Outcome.XFAILED])
    def test_a_test_that_is_not_red_is_not_tried_again(self, outcome: Outcome) -> None:
        driver = Driver(1, retries=1)
        driver.start()
        driver.run("t0", outcome=outcome)
        assert driver.finals == {"t0": outcome}


class TestHalt:
    def test_failfast_ends_the_run_after_the_running_tests(self) -> None:
        driver = Driver(2, 2, 1, workers=2, maxfail=1)
        driver.start()
        driver.begin("t2", slot=2)
        driver.begin("t0", slot=1)
        assert driver.end("t0", FAILED, slot=1) == [Halt("--failfast: t0 FAILED")]
        assert driver.done(1) == [Retire(1)]
        assert driver.gone(1) == []
        assert driver.end("t2", FAILED, slot=2) == []  # once is enough
        assert driver.done(2) == [Retire(2)]
        assert driver.gone(2) == [Finish()]
        assert driver.schedule.left_over() == ((1, 3, 4), "--failfast: t0 FAILED")

    @pytest.mark.parametrize("outcome", [PASSED, Outcome.SKIPPED, Outcome.XFAILED])
    def test_failfast_ignores_outcomes_that_are_not_red(self, outcome: Outcome) -> None:
        driver = Driver(2, maxfail=1)
        driver.start()
        assert driver.run("t0", outcome=outcome) == []

    def test_failfast_counts_a_crash(self) -> None:
        driver = Driver(2, maxfail=1)
        driver.start()
        driver.begin("t0")
        assert driver.gone()[1:] == [Halt("--failfast: t0 CRASHED"), Finish()]

    def test_failfast_counts_a_fixture(self) -> None:
        driver = Driver(2, maxfail=1)
        driver.start()
        driver.begin_fixture("shop.T.setUpClass")
        assert driver.end("shop.T.setUpClass", Outcome.ERRORED) == [Halt("--failfast: shop.T.setUpClass ERRORED")]

    def test_failfast_waits_for_the_last_attempt(self) -> None:
        driver = Driver(2, retries=1, maxfail=1)
        driver.start()
        assert driver.run("t0", outcome=FAILED) == []
        driver.run("t1")
        driver.done()
        driver.gone()
        driver.ready()
        assert driver.run("t0", outcome=FAILED, n=2) == [Halt("--failfast: t0 FAILED")]

    def test_a_run_ends_at_its_number_of_failures(self) -> None:
        driver = Driver(4, maxfail=2)
        driver.start()
        assert driver.run("t0", outcome=FAILED) == []
        assert driver.run("t1") == []
        assert driver.run("t2", outcome=FAILED) == [Halt("--maxfail=2: t2 FAILED")]
        assert driver.run("t3", outcome=FAILED) == []
        assert driver.finals["t3"] is FAILED

    def test_failures_before_the_first_test_count(self) -> None:
        driver = Driver(2, failure_limit=FailureLimit(3, before=2))
        driver.start()
        assert driver.run("t0", outcome=FAILED) == [Halt("--maxfail=3: t0 FAILED")]

    def test_a_halt_calls_retries_off(self) -> None:
        driver = Driver(3, retries=1)
        driver.start()
        driver.run("t0", outcome=FAILED)
        assert driver.schedule.halt("enough") == [Halt("enough")]
        driver.begin("t1")
        assert driver.gone()[0] == Blame(1, "t1", 1, CRASHED, 0.0, is_fixture=False, is_final=True)
        assert driver.schedule.left_over() == ((2,), "enough")
        assert driver.schedule.called_off() == ({0: FAILED}, "enough")

    def test_a_halt_leaves_no_retry_to_run(self) -> None:
        driver = Driver(2, retries=1)
        driver.start()
        driver.run("t0", outcome=FAILED)
        driver.schedule.halt("enough")
        assert driver.done() == [Retire(1)]
        assert driver.gone() == [Finish()]

    def test_every_test_that_still_runs_can_be_blamed(self) -> None:
        driver = Driver(2, 2, 1, workers=3)
        driver.start()
        driver.begin("t0", slot=1)
        driver.begin_fixture("U1.setUpClass", slot=2)
        driver.run("t4", slot=3)
        driver.schedule.halt("gone")
        assert driver.schedule.still_running(5.0, "gone") == [
            Blame(1, "t0", 1, Outcome.ERRORED, 5.0, is_fixture=False, is_final=True, why="gone"),
            Blame(2, "U1.setUpClass", 1, Outcome.ERRORED, 5.0, is_fixture=True, is_final=True, why="gone"),
        ]


class TestMigratedData:
    def test_a_class_that_needs_data_gets_new_clones_after_a_flush(self) -> None:
        driver = Driver(units=units("fd"))
        driver.start()
        driver.run("t0")
        assert driver.done() == [Retire(1)]
        assert driver.gone() == [Spawn(1)]
        assert driver.ready() == [assign(1, 1)]
        driver.run("t1")
        assert driver.done() == [Retire(1)]
        assert driver.gone() == [Finish()]

    def test_a_class_with_own_data_leaves_clones_to_its_kind_alone(self) -> None:
        driver = Driver(
            units=[Unit(f"U{i}", (i,), needs_data=True, own_data=data) for i, data in enumerate(["", "a", "a", ""])]
        )
        driver.start()
        driver.run("t0")
        assert driver.done() == [assign(1, 1)]
        driver.run("t1")
        assert driver.done() == [assign(2, 2)]
        driver.run("t2")
        assert driver.done() == [Retire(1)]

    def test_clones_stay_flushed_until_they_are_made_anew(self) -> None:
        driver = Driver(units=units("f-d"))
        driver.start()
        driver.run("t0")
        assert driver.done() == [assign(1, 1)]
        driver.run("t1")
        assert driver.done() == [Retire(1)]

    @pytest.mark.parametrize("kinds", ["df", "ff", "f-", "dd", "d-"])
    def test_no_other_order_needs_new_clones(self, kinds: str) -> None:
        driver = Driver(units=units(kinds))
        driver.start()
        driver.run("t0")
        assert driver.done() == [assign(1, 1)]

    def test_a_dead_worker_leaves_no_flushed_clones(self) -> None:
        driver = Driver(units=units("ffd"))
        driver.start()
        driver.run("t0")
        driver.done()
        driver.begin("t1")
        driver.gone()
        assert driver.ready() == [assign(2, 2)]
