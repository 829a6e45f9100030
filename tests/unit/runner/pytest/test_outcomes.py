"""The outcome of an item follows from pytest's reports of its phases."""

from __future__ import annotations

import pytest

from harness.protocol.results import Failure, Outcome
from harness.runner.pytest.outcomes import UNEXPECTED_SUCCESS, Phase, fold, is_silent

FAILURE = Failure("error", "ValueError", "no", "Traceback")
UP = Phase("setup", "passed")
DOWN = Phase("teardown", "passed")


@pytest.mark.parametrize(
    ("phases", "outcome", "reason"),
    [
        ([UP, Phase("call", "passed"), DOWN], Outcome.PASSED, ""),
        ([UP, Phase("call", "failed", failure=FAILURE), DOWN], Outcome.FAILED, ""),
        ([Phase("setup", "failed", failure=FAILURE), DOWN], Outcome.ERRORED, ""),
        ([Phase("setup", "skipped", "Skipped: not here"), DOWN], Outcome.SKIPPED, "not here"),
        ([UP, Phase("call", "skipped", "Skipped: later"), DOWN], Outcome.SKIPPED, "later"),
        ([UP, Phase("call", "skipped", xfail="known", failure=FAILURE), DOWN], Outcome.XFAILED, "known"),
        ([Phase("setup", "skipped", xfail="not run"), DOWN], Outcome.XFAILED, "not run"),
        ([UP, Phase("call", "passed", xfail="known"), DOWN], Outcome.PASSED, "xpass: known"),
        (
            [UP, Phase("call", "failed", failure=Failure("error", "Failed", "[XPASS(strict)] known", "")), DOWN],
            Outcome.XPASSED,
            "[XPASS(strict)] known",
        ),
        (
            [
                UP,
                Phase("call", "failed", failure=Failure("failure", "Failed", UNEXPECTED_SUCCESS, UNEXPECTED_SUCCESS)),
                DOWN,
            ],
            Outcome.XPASSED,
            UNEXPECTED_SUCCESS,
        ),
        ([UP], Outcome.ERRORED, ""),
        ([], Outcome.ERRORED, ""),
    ],
)
def test_outcome_of_phases(phases: list[Phase], outcome: Outcome, reason: str) -> None:
    result = fold(phases).result
    assert (result.outcome, result.reason) == (outcome, reason)


class TestTearDown:
    def test_a_failure_is_apart_from_the_outcome(self) -> None:
        folded = fold([UP, Phase("call", "passed"), Phase("teardown", "failed", failure=FAILURE)])
        assert folded.result.outcome is Outcome.PASSED
        assert [failure.kind for failure in folded.teardown] == ["error"]

    def test_a_failed_call_keeps_its_own_failure(self) -> None:
        call = Phase("call", "failed", failure=FAILURE)
        folded = fold([UP, call, Phase("teardown", "failed", failure=FAILURE)])
        assert (folded.result.outcome, len(folded.result.failures), len(folded.teardown)) == (Outcome.FAILED, 1, 1)


class TestSubtests:
    def test_a_failed_one_fails_the_item(self) -> None:
        phases = [
            UP,
            Phase("call", "passed", subtest="(i=0)"),
            Phase("call", "failed", failure=FAILURE, subtest="(i=1)"),
            Phase("call", "failed", failure=Failure("error", "Failed", "contains 1 failed subtest", "")),
            DOWN,
        ]
        result = fold(phases).result
        assert result.outcome is Outcome.FAILED
        assert [failure.subtest for failure in result.failures] == ["(i=1)"]
        assert result.subtests == 2

    def test_the_failure_after_them_counts_too(self) -> None:
        phases = [
            UP,
            Phase("call", "failed", failure=FAILURE, subtest="(i=1)"),
            Phase("call", "failed", failure=FAILURE),
            DOWN,
        ]
        assert [failure.subtest for failure in fold(phases).result.failures] == ["(i=1)", ""]


class TestRuns:
    def test_the_last_one_counts(self) -> None:
        first = [UP, Phase("call", "failed", failure=FAILURE), DOWN]
        assert fold([*first, UP, Phase("call", "passed"), DOWN]).result.outcome is Outcome.PASSED


class TestSections:
    def test_texts_besides_the_output_are_there_once(self) -> None:
        log = ("Captured log setup", "INFO a\n")
        phases = [
            Phase("setup", "passed", sections=(log, ("Captured stdout setup", "in the worker's files"))),
            Phase(
                "call", "failed", sections=(log, ("Captured stderr call", "there too"), ("Captured log call", "INFO c"))
            ),
        ]
        result = fold(phases).result
        assert (result.stderr, result.log) == ("", "INFO a\nINFO c\n")

    def test_those_of_plugins_are_in_stderr_with_their_title(self) -> None:
        result = fold([UP, Phase("call", "failed", sections=(("Hypothesis", "seed 1"),))]).result
        assert (result.stderr, result.log) == ("--- Hypothesis ---\nseed 1\n", "")

    def test_a_test_that_passes_shows_none(self) -> None:
        texts = (("Captured log call", "WARNING slow"),)
        phases = [UP, Phase("call", "passed", sections=texts), DOWN]
        result = fold(phases).result
        assert (result.stderr, result.log, result.is_output_hidden) == ("", "", True)
        assert not fold(phases, is_captured=False).result.is_output_hidden

    def test_a_failed_tear_down_shows_them(self) -> None:
        texts = (("Captured log call", "a\n"),)
        down = Phase("teardown", "failed", sections=texts, failure=FAILURE)
        result = fold([UP, Phase("call", "passed", sections=texts), down]).result
        assert (result.log, result.is_output_hidden) == ("a\n", False)


class TestSilence:
    def test_a_test_without_its_call_was_silent(self) -> None:
        assert is_silent(fold([UP]))
        assert is_silent(fold([]))
        assert not is_silent(fold([UP, Phase("call", "failed", failure=FAILURE)]))
