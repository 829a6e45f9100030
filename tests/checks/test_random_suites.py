"""Tests of the random suites themselves: the generated code, and that differences between Django and the harness are found."""

import ast
from typing import Any

import pytest

from harness.protocol.events import AttemptFinished, Envelope, RunFinished, RunPlanned, WorkerLost
from harness.protocol.results import Failure, Outcome, PlannedTest
from harness.report.model.ledger import fold
from tests.random_suites.compare import Seen, Told, differences, expected, seen
from tests.random_suites.generate import generate
from tests.random_suites.pieces import DECORATORS, ERRORS, FAILURES, SKIPS, STEPS

SEEDS = range(1, 151)


class TestGeneration:
    def test_a_seed_always_gives_the_same_suite(self) -> None:
        assert generate(7, "sqlite") == generate(7, "sqlite")
        assert generate(7, "sqlite") != generate(8, "sqlite")

    def test_each_module_is_python(self) -> None:
        for seed in SEEDS:
            for text in generate(seed, "postgres").files.values():
                ast.parse(text)

    def test_each_piece_is_in_some_suite(self) -> None:
        text = "\n".join(
            "\n".join(generate(seed, engine).files.values()) for seed in SEEDS for engine in ("sqlite", "postgres")
        )
        lines = {line.strip() for line in text.splitlines()}
        for piece in (*STEPS, *FAILURES, *ERRORS, *SKIPS, *DECORATORS):
            last = piece.text.strip().splitlines()[-1].strip()
            start, named, _ = last.partition("NAME")
            end = last.rpartition("NAME")[2] if named else ""
            assert any(line.startswith(start) and line.endswith(end) for line in lines), piece.text

    def test_each_option_is_in_some_suite(self) -> None:
        found = [word for seed in SEEDS for word in (*generate(seed, "sqlite").own, *generate(seed, "sqlite").shared)]
        wanted = {"-k", "--tag", "--exclude-tag", "--reverse", "--retries", "--repeat", "--check-isolation"}
        assert wanted | {"auto", "primary", "replica", "1", "2", "3"} <= set(found)
        assert any(word.startswith("--shuffle=") for word in found)


def record(*calls: Any, fixtures: Any = (), output: tuple[str, str] = ("", "")) -> Any:
    return {
        "planned": ["t.C.test"],
        "tests": {"t.C.test": list(calls)},
        "fixtures": list(fixtures),
        "output": {"t.C.test": output},
    }


SUCCESS = ("success", "", "", "")
FAILURE = ("failure", "(i=1)", "AssertionError", "no")
ERROR = ("error", "", "ValueError", "bad")
SKIP = ("skip", "", "", "not here")


class TestExpectation:
    @pytest.mark.parametrize(
        ("calls", "told"),
        [
            ((SUCCESS,), Told("PASSED")),
            ((SUCCESS, ERROR), Told("ERRORED", (("error", "", "ValueError", "bad"),))),
            ((FAILURE, SKIP), Told("FAILED", (("failure", "(i=1)", "AssertionError", "no"),))),
            ((SKIP,), Told("SKIPPED", reason="not here")),
            ((("subtest skip", "", "", "a part"),), Told("SKIPPED", reason="a part")),
            ((("subtest skip", "", "", "a part"), SUCCESS), Told("PASSED")),
            ((("expected failure", "", "ValueError", "bad"),), Told("XFAILED", reason="bad")),
            ((("unexpected success", "", "", ""),), Told("XPASSED")),
            ((), Told("NOT_RUN")),
        ],
    )
    def test_the_outcome_follows_what_unittest_said(self, calls: Any, told: Any) -> None:
        assert expected(record(*calls)).tests == {"t.C.test": told}

    def test_a_test_is_skipped_with_its_fixture(self) -> None:
        found = expected(record(fixtures=[("setUpModule (t)", "skip", "", "no luck")]))
        assert found.tests == {"t.C.test": Told("SKIPPED", reason="no luck")}
        assert found.exit_code == 0

    def test_a_failed_fixture_is_red(self) -> None:
        found = expected(record(SUCCESS, fixtures=[("tearDownClass (t.C)", "error", "ValueError", "bad")]))
        assert found.fixtures == {"t.C.tearDownClass": frozenset({("ValueError", "bad")})}
        assert found.exit_code == 1

    def test_nothing_planned_is_no_tests(self) -> None:
        assert expected({"planned": [], "tests": {}, "fixtures": [], "output": {}}).exit_code == 5


def report(*events: Any) -> Any:
    planned = RunPlanned((PlannedTest("t.C.test", "t.C", "test"),), workers=1)
    said = [planned, *events, RunFinished(0)]
    return fold(Envelope(1, number, float(number), 1, event) for number, event in enumerate(said, 1))


def finished(outcome: Any, *failures: Any, **options: Any) -> Any:
    return AttemptFinished("t.C.test", 1, outcome, 0.1, failures, final=True, **options)


class TestDifferences:
    def test_the_same_is_no_difference(self) -> None:
        ours = seen(report(finished(Outcome.ERRORED, Failure("error", "ValueError", "bad", ""), stdout="said\n")))
        assert differences(expected(record(ERROR, output=("said\n", ""))), ours) == []

    def test_output_of_green_tests_is_in_no_report(self) -> None:
        ours = seen(report(finished(Outcome.PASSED)))
        assert differences(expected(record(SUCCESS, output=("said\n", ""))), ours) == []

    def test_another_outcome_is_one_and_so_is_the_exit_code(self) -> None:
        found = differences(expected(record(ERROR)), seen(report(finished(Outcome.PASSED))))
        assert [line.split(":")[0] for line in found] == ["exit code", "t.C.test"]

    def test_a_lost_worker_is_one_though_all_tests_passed(self) -> None:
        ours = seen(report(WorkerLost(9, 70, None, None), finished(Outcome.PASSED)))
        assert "lost worker 1" in "\n".join(differences(expected(record(SUCCESS)), ours))

    def test_a_test_that_is_missing_is_one(self) -> None:
        theirs = Seen({"t.C.test": Told("PASSED")}, {}, 0)
        assert differences(theirs, Seen({}, {}, 0)) == [f"t.C.test: expected {Told('PASSED')}, the harness None"]

    def test_a_second_failure_of_a_fixture_is_one(self) -> None:
        theirs = Seen({}, {"t.C.setUpClass": frozenset({("ValueError", "a"), ("KeyError", "b")})}, 1)
        ours = Seen({}, {"t.C.setUpClass": frozenset({("ValueError", "a")})}, 1)
        assert differences(theirs, ours) == [
            "t.C.setUpClass: expected KeyError: b; ValueError: a, the harness ValueError: a"
        ]
