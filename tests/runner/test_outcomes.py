"""The project ``outcomes``, whose tests carry the outcome that they must have, on every interpreter."""

import functools
import json
import re
from typing import Any

import pytest

from harness.protocol.events import (
    AttemptFinished,
    AttemptStarted,
    FixtureStarted,
    RunPlanned,
    TopologyFound,
    WorkerLost,
)
from harness.protocol.messages import Route, RunSpec
from tests.runner import interpreters
from tests.runner.conftest import together
from tests.runner.conversation import PROJECTS, Journal, MakeProject, RunTests, run

OUTCOMES = PROJECTS / "outcomes"
SQLITE = "django.db.backends.sqlite3"
ROUTES = (Route("default", None, SQLITE, ""), Route("replica", None, SQLITE, "", mirror_of="default"))


@pytest.fixture(scope="session")
def journals() -> dict[interpreters.Interpreter, Journal]:
    """The journals of the whole project on databases in memory. More workers than cores: many of its tests wait."""
    spec = RunSpec(settings="config.settings", timeout_s=3.0, workers=4)

    def run_by(interpreter: interpreters.Interpreter) -> Journal:
        return run(OUTCOMES, spec, routes=ROUTES, python=interpreters.python_of(interpreter))

    return together({each: functools.partial(run_by, each) for each in interpreters.available()})


@pytest.fixture
def journal(journals: dict[interpreters.Interpreter, Journal], interpreter: interpreters.Interpreter) -> Journal:
    return journals[interpreter]


@pytest.fixture(scope="session")
def expected() -> dict[str, str]:
    """The outcome that each test carries; those that need a server of their own skip themselves here."""
    carried: dict[str, str] = json.loads((OUTCOMES / "expected.json").read_text())
    on_sqlite: dict[str, str] = json.loads((OUTCOMES / "expected_on.json").read_text())["sqlite"]
    return carried | on_sqlite


def failures_of(journal: Journal, test: str) -> Any:
    return journal.final(test).failures


FIXTURES_THAT_FAIL_TWICE = """
import unittest

class SetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup([].index, "clean-up")
        raise ValueError("set-up")

    def test_one(self): pass

class TearDown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        unittest.addModuleCleanup([].index, "module")

    @classmethod
    def tearDownClass(cls):
        cls.addClassCleanup([].index, "clean-up")
        raise ValueError("tear-down")

    def test_one(self): pass
"""


class TestJournal:
    def test_each_test_has_the_outcome_that_it_carries(self, journal: Journal, expected: dict[str, str]) -> None:
        found = {event.test: event.outcome.value for event in journal.attempts if event.final}
        assert found == expected
        assert journal.status == 1

    def test_the_interpreter_is_the_one_that_was_asked_for(
        self, journal: Journal, interpreter: interpreters.Interpreter
    ) -> None:
        found = journal.one(TopologyFound)
        # the host starts the servers as soon as it has the topology
        assert journal.envelopes[2].event == found
        assert found.python == interpreter.version
        assert found.django.startswith(interpreter.series)

    def test_a_planned_test_is_at_its_file_and_line(self, journal: Journal) -> None:
        """All of it but what could not be imported has a file and the line of its definition."""
        for test in journal.one(RunPlanned).tests:
            if test.classname.startswith("unittest.loader."):
                continue
            assert test.id == f"{test.classname}.{test.name}"
            line = (OUTCOMES / test.file).read_text().splitlines()[test.line - 1]
            assert line.lstrip().startswith(("def ", "async def ", "@", "class ")), (test, line)

    def test_each_attempt_is_reported_before_it_begins(self, journal: Journal) -> None:
        announced = set()
        for envelope in journal.envelopes:
            match envelope.event:
                case AttemptStarted(test) | FixtureStarted(test):
                    announced.add((test, envelope.slot))
                case AttemptFinished(test, outcome=outcome) as event if outcome.value not in ("NOT_RUN", "SKIPPED"):
                    assert event.at_once or (test, envelope.slot) in announced

    def test_each_lost_worker_is_reported_with_its_test(self, journal: Journal, expected: dict[str, str]) -> None:
        lost = {event.test for event in journal.all(WorkerLost)}
        assert lost == {test for test, outcome in expected.items() if outcome in ("CRASHED", "TIMED_OUT")}


class TestCrashes:
    @pytest.mark.parametrize(
        ("test", "message"),
        [
            ("ExitTests.test_2_exits_with_three", r"exited with status 3"),
            ("ExitTests.test_4_exits_as_if_all_were_well", r"exited with status 0"),
            ("SignalTests.test_1_segmentation_fault", r"died with SIGSEGV"),
            ("SignalTests.test_3_killed_as_for_want_of_memory", r"died with SIGKILL"),
            ("SignalTests.test_4_aborts_in_a_subtest", r"died with SIGABRT"),
            ("TearDownTests.test_1_dies_when_it_is_over", r"exited with status 3"),
        ],
    )
    def test_the_message_of_a_crash_has_the_workers_end(self, journal: Journal, test: str, message: str) -> None:
        (failure,) = journal.final(test).failures
        assert re.fullmatch(rf"worker [1-4] \(pid \d+\) {message} while running this test", failure.message)
        assert (failure.kind, failure.type) == ("error", "WorkerCrash")

    def test_a_crash_by_a_signal_shows_where_it_happened(self, journal: Journal) -> None:
        (failure,) = journal.final("test_2_reads_from_nowhere").failures
        assert "Fatal Python error: Segmentation fault" in failure.traceback
        assert "test_crashes.py" in failure.traceback
        assert "test_2_reads_from_nowhere" in failure.traceback

    def test_a_crash_shows_the_stacks_of_its_own_test_alone(self, journal: Journal) -> None:
        (failure,) = journal.final("test_4_aborts_in_a_subtest").failures
        assert "Fatal Python error: Aborted" in failure.traceback
        assert "Segmentation fault" not in failure.traceback

    def test_a_crashed_test_keeps_its_output(self, journal: Journal) -> None:
        assert journal.final("test_4_exits_as_if_all_were_well").stdout == "the last words of a process\n"

    def test_a_timed_out_test_shows_its_stack_and_output(self, journal: Journal) -> None:
        attempt = journal.final("SlowTests.test_1_sleeps")
        (failure,) = attempt.failures
        assert (failure.type, failure.message) == ("TestTimeout", "timed out after 3 s")
        assert re.search(r'test_timeouts.py", line \d+ in test_1_sleeps', failure.traceback)
        assert attempt.stdout == "going to sleep\n"
        assert attempt.duration >= 3

    def test_a_test_that_ignores_every_signal_is_killed_all_the_same(self, journal: Journal) -> None:
        assert journal.final("test_1_listens_to_no_signal_and_to_no_exception").outcome.value == "TIMED_OUT"


class TestExceptions:
    @pytest.mark.parametrize(
        ("test", "kind", "type_name", "message"),
        [
            ("test_cannot_be_pickled", "error", "tests.test_exceptions.HoldsALock", "with a lock inside"),
            ("test_cannot_be_unpickled", "error", "tests.test_exceptions.NeedsTwo", "one and two"),
            (
                "test_failure_that_cannot_be_pickled",
                "failure",
                "tests.test_exceptions.UnpicklableFailure",
                "1 is not 2",
            ),
            ("test_bad_str", "error", "tests.test_exceptions.BadStr", "<the exception's __str__ raised RuntimeError>"),
            (
                "test_bad_repr",
                "error",
                "tests.test_exceptions.BadRepr",
                "<the exception's __str__ raised RuntimeError>",
            ),
            (
                "test_str_that_is_none",
                "error",
                "tests.test_exceptions.StrIsNoStr",
                "<the exception's __str__ raised TypeError>",
            ),
            ("test_base_exception", "error", "GeneratorExit", "neither an Exception nor an exit"),
            ("test_asks_to_exit", "error", "SystemExit", "0"),
            ("test_error_without_a_message", "error", "ValueError", ""),
            ("test_lone_surrogates", "failure", "AssertionError", "before \udcff \ud800 after"),
            ("test_fails_with_an_empty_message", "failure", "AssertionError", ""),
        ],
    )
    def test_an_exception_keeps_its_type_and_message(
        self, journal: Journal, test: str, kind: str, type_name: str, message: str
    ) -> None:
        (failure,) = failures_of(journal, test)
        assert (failure.kind, failure.type, failure.message) == (kind, type_name, message)

    @pytest.mark.parametrize(
        ("test", "parts"),
        [
            ("test_explicit_chain", ["ValueError: invalid literal", "direct cause", "LookupError: the second of two"]),
            (
                "test_implicit_chain",
                ["ValueError: invalid literal", "During handling", "KeyError: 'the second of two'"],
            ),
            ("test_group", ["ExceptionGroup: three at once", "number 1", "number 2", "number 3"]),
            ("test_notes", ["with notes", "the first note", "the second note"]),
            ("test_chain_that_closes_on_itself", ["ValueError: second", "ValueError: first"]),
            ("test_recursion", ["in deeper", "Previous line repeated", "RecursionError"]),
            ("test_source_that_is_not_there", ["RuntimeError: from no file"]),
        ],
    )
    def test_a_traceback_is_whole(self, journal: Journal, test: str, parts: Any) -> None:
        (failure,) = failures_of(journal, test)
        positions = [failure.traceback.find(part) for part in parts]
        assert -1 not in positions, failure.traceback
        assert positions == sorted(positions)

    def test_a_traceback_begins_and_ends_in_the_project(self, journal: Journal) -> None:
        (failure,) = failures_of(journal, "UnittestTests.test_fails")
        assert [frame.function for frame in failure.frames] == ["test_fails"]
        assert failure.frames[0].file == "tests/test_plain.py"
        assert "unittest/case.py" not in failure.traceback
        assert "harness" not in failure.traceback

    def test_the_frames_of_an_endless_recursion_are_cut(self, journal: Journal) -> None:
        (failure,) = failures_of(journal, "test_recursion")
        assert len(failure.frames) == 50
        assert failure.frames[-1].function == "deeper"

    def test_a_message_of_a_megabyte_is_cut_in_its_middle(self, journal: Journal) -> None:
        (failure,) = failures_of(journal, "test_a_megabyte")
        assert len(failure.message) < 21_000
        assert "characters left out" in failure.message

    def test_each_error_of_a_test_is_reported(self, journal: Journal) -> None:
        found = [(failure.kind, failure.type) for failure in failures_of(journal, "test_several_cleanups_err")]
        assert sorted(found) == [("error", "ZeroDivisionError"), ("failure", "AssertionError")]


class TestSubtests:
    def test_each_failed_subtest_is_reported(self, journal: Journal) -> None:
        attempt = journal.final("test_two_of_three_fail")
        assert [failure.subtest for failure in attempt.failures] == ["(currency='EUR')", "(currency='JPY')"]
        assert attempt.subtests == 3

    @pytest.mark.parametrize(
        ("test", "ran"),
        [
            ("test_two_of_three_fail", 3),
            ("test_one_skips_and_one_fails", 3),
            ("test_nested", 6),
            ("test_many_fail", 150),
            ("test_one_fails_and_then_the_test_does", 1),
            ("test_one_skips_and_the_others_pass", 3),
            ("test_all_pass", 3),
        ],
    )
    def test_each_subtest_that_ran_is_counted(self, journal: Journal, test: str, ran: int) -> None:
        assert journal.final(f"SubTests.{test}").subtests == ran

    def test_a_subtests_message_has_its_parameters(self, journal: Journal) -> None:
        (failure,) = failures_of(journal, "test_one_errs")
        assert (failure.subtest, failure.kind) == ("[dividing] (divisor=0)", "error")

    def test_a_subtests_text_is_the_same_in_every_run(self, journal: Journal) -> None:
        first = failures_of(journal, "test_parameters_that_print_badly")[0]
        assert first.subtest == "(thing=<object object>)"

    def test_the_test_itself_can_fail_beside_its_subtests(self, journal: Journal) -> None:
        assert [failure.subtest for failure in failures_of(journal, "test_one_fails_and_then_the_test_does")] == [
            "[inside]",
            "",
        ]

    def test_a_skipped_subtest_has_its_reason(self, journal: Journal) -> None:
        attempt = journal.final("test_one_skips_and_the_others_pass")
        assert (attempt.outcome.value, attempt.reason) == ("SKIPPED", "this number alone")


class TestReasons:
    @pytest.mark.parametrize(
        ("test", "reason"),
        [
            ("test_skipped_by_a_decorator", "by a decorator"),
            ("test_skipped_by_a_condition", "by a condition"),
            ("test_skipped_by_itself", "by itself"),
            ("SkippedTests.test_one", "the whole class"),
            ("SetUpClassSkipsTests.test_two", "in setUpClass"),
            ("test_set_up_module_skips.SecondTests.test_one", "in setUpModule"),
            ("SetUpClassErrsTests.test_two", "setUpClass failed"),
            ("test_set_up_module.FirstTests.test_one", "setUpModule failed"),
            ("UnittestTests.test_expected_failure", "1 != 2"),
            ("UnittestTests.test_unexpected_success", "the test passed, and is marked as an expected failure"),
        ],
    )
    def test_a_test_that_did_not_pass_has_its_reason(self, journal: Journal, test: str, reason: str) -> None:
        assert journal.final(test).reason == reason

    def test_a_failed_fixture_is_reported_in_full(self, journal: Journal) -> None:
        attempt = journal.final("SetUpClassErrsTests.setUpClass")
        assert attempt.extra
        assert attempt.extra.classname == "tests.test_fixtures.SetUpClassErrsTests"
        assert attempt.extra.name == "setUpClass"
        assert attempt.failures[0].message == "in setUpClass"


class TestOutput:
    @pytest.mark.parametrize(
        ("test", "stdout", "stderr"),
        [
            ("test_prints_and_passes", "printed by a test that passes\n", ""),
            ("test_prints_and_fails", "printed to stdout\n", "printed to stderr\n"),
            ("test_writes_to_the_descriptors", "written to descriptor 1\n", "written to descriptor 2\n"),
            ("test_runs_a_program_that_prints", "printed by a child\n", "complained by a child\n"),
            ("test_prints_no_newline", "no newline", ""),
            ("test_logs_and_fails", "", "logged by a test that fails\n"),
        ],
    )
    def test_each_test_has_its_own_output(self, journal: Journal, test: str, stdout: str, stderr: str) -> None:
        attempt = journal.final(test)
        assert (attempt.stdout, attempt.stderr) == (stdout, stderr)

    def test_long_output_is_cut_in_its_middle(self, journal: Journal) -> None:
        stdout = journal.final("test_prints_megabytes").stdout
        assert len(stdout) < 101_000
        assert stdout.startswith("000000 ")
        assert stdout.rstrip().endswith("x" * 93)
        assert "left out" in stdout

    def test_a_failing_test_shows_its_sql(self, journal: Journal) -> None:
        statements = journal.final("test_bad_sql").sql
        (failed,) = [statement for statement in statements if statement.error]
        assert failed.sql == "SELECT nonsense FROM bank_account WHERE owner = 'o''hara %s'"
        assert failed.error == "no such column: nonsense"
        assert (failed.alias, failed.role) == ("default", "primary")

    def test_a_passing_test_shows_none(self, journal: Journal) -> None:
        assert journal.final("DatabaseTests.test_transfers").sql == ()


class TestFixtures:
    def test_a_failing_clean_up_does_not_hide_the_first_failure(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"tests.py": FIXTURES_THAT_FAIL_TWICE})
        journal = run_project("tests")
        shown = {
            event.test: [failure.message for failure in event.failures]
            for event in journal.attempts
            if event.extra is not None
        }
        assert shown == {
            "tests.SetUp.setUpClass": ["set-up", "'clean-up' is not in list"],
            "tests.TearDown.tearDownClass": ["tear-down", "'clean-up' is not in list"],
            "tests.tearDownModule": ["'module' is not in list"],
        }
